/**
 * Goal: alerts carry the labels that the peer's carry, and its address of the agent. Method: labels by hand, and the documents and
 * records that they give; hostile keys and values.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture } from "#analysis/engine.fixture.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { type AgentFacts, type AgentLabel, AgentLabels } from "./agent-labels.ts";
import { alertLogText } from "./alert-log.ts";
import { eventDocument } from "./document.ts";

const REMOTE = { agentId: "007", location: "(web1) any->/var/log/x" };
const RULES = '<rule id="100001" level="5"><match>x</match><description>d</description></rule>';

function label(key: string, value: string, marks: Partial<AgentLabel> = {}): AgentLabel {
  return { key, value, hidden: false, system: false, ...marks };
}

const LABELS = [
  label("site.name", "paris"),
  label("owner", "bob", { hidden: true }),
  label("site.room", "2"),
  label("_internal", "1"),
  label("marked", "1", { system: true }),
  label("tags", '["a","b"]'),
];

/** The alert of an agent about which this is known. */
function alertOf(facts: AgentFacts, { showsHidden = false, raw = REMOTE } = {}) {
  const labels = new AgentLabels(showsHidden);
  labels.set(raw.agentId, facts);
  const { event, verdict } = new EngineFixture({ rules: RULES }).process("x", raw);
  assert(verdict !== null);
  const clock = new LocalClock();
  const identity = { hostname: "manager", cluster: null };
  const shown = labels.of(event.agentId);
  const document = eventDocument(event, verdict, {
    ...{ identity, clock, alwaysFullLog: false, showLevelZero: false },
    labels: shown,
  });
  return {
    agent: JSON.stringify(JSON.parse(document).agent),
    log: alertLogText(event, verdict, clock, { labels: shown }),
  };
}

test("AgentLabels gives documents the labels, nested, without hidden ones and those of the system", () => {
  const { agent } = alertOf({ address: null, labels: LABELS });
  const labels = '{"site":{"name":"paris","room":"2"},"tags":["a","b"]}';
  assert.equal(agent, `{"id":"007","name":"web1","labels":${labels}}`);
});

test("AgentLabels shows hidden labels when it is told to", () => {
  const { agent, log } = alertOf({ address: null, labels: LABELS }, { showsHidden: true });
  assert.match(agent, /"owner":"bob"/);
  assert.match(log, /\nowner: bob\n/);
});

test("AgentLabels gives the address that the agent has of itself, else the location's", () => {
  assert.equal(
    alertOf({ address: "10.1.2.3", labels: [] }).agent,
    '{"id":"007","name":"web1","ip":"10.1.2.3"}',
  );
  assert.equal(alertOf({ address: null, labels: [] }).agent, '{"id":"007","name":"web1"}');
  const raw = { agentId: "007", location: "(web1) 192.0.2.9->/var/log/x" };
  assert.match(alertOf({ address: "10.1.2.3", labels: [] }, { raw }).agent, /"ip":"10\.1\.2\.3"/);
  assert.match(alertOf({ address: null, labels: LABELS }, { raw }).agent, /"ip":"192\.0\.2\.9","labels"/);
});

test("AgentLabels gives an empty object for hidden labels only, and none for those of the system only", () => {
  const agentOf = (labels: AgentLabel[]) => alertOf({ address: null, labels }).agent;
  assert.equal(agentOf([label("a", "b", { hidden: true })]), '{"id":"007","name":"web1","labels":{}}');
  assert.equal(agentOf([label("_a", "b"), label("c", "d", { system: true })]), '{"id":"007","name":"web1"}');
});

test("AgentLabels gives this host's alerts its labels", () => {
  const raw = { agentId: "000", location: "/var/log/x" };
  const { agent, log } = alertOf({ address: null, labels: [label("role", "manager")] }, { raw });
  assert.equal(agent, '{"id":"000","name":"manager","labels":{"role":"manager"}}');
  assert.deepEqual(log.split("\n").slice(1, 4), [
    log.split("\n")[1],
    "role: manager",
    "Rule: 100001 (level 5) -> 'd'",
  ]);
});

test("alertLogText() has a line for each label between the place and the rule", () => {
  const lines = alertOf({ address: "10.1.2.3", labels: LABELS }).log.split("\n").slice(2);
  const labels = ["site.name: paris", "site.room: 2", 'tags: ["a","b"]'];
  assert.deepEqual(lines, [...labels, "Rule: 100001 (level 5) -> 'd'", "x", "", ""]);
});

test("AgentLabels forgets an agent of which there is nothing to show any more", () => {
  const labels = new AgentLabels(false);
  labels.set("007", { address: "10.1.2.3", labels: LABELS });
  labels.set("008", { address: "10.1.2.4", labels: [] });
  labels.set("007", { address: null, labels: [] });
  assert.equal(labels.of("007"), undefined);
  assert.equal(labels.of("008")?.address, "10.1.2.4");
});

test("AgentLabels lets no label break a document or forge a record", () => {
  const hostile = [
    "** Alert 1.2: - x",
    "2026 Nov 21 ",
    "a\nb\n\n** Alert 1.2:",
    '"},"x":{"',
    "\\",
    "a\u001b[2J\r",
    "..",
  ];
  const labels = hostile.flatMap((text) => [label(text, "v"), label("k", text), label(text, text)]);
  const raw = { agentId: "000", location: "/var/log/x" };
  const { agent, log } = alertOf({ address: '"', labels }, { raw });
  assert.equal(Object.keys(JSON.parse(agent)).join(), "id,name,ip,labels");
  assert.equal(log.split("\n").filter((line) => /^(?:\*\* Alert |\d{4} [A-Z])/.test(line)).length, 2);
  assert.equal(log.indexOf("\n\n"), log.length - 2);
  assert.doesNotMatch(log, /[\0-\x08\x0b-\x1f\x7f]/);
});
