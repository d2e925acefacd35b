/** Goal: labels reach the analysis thread as keepalives brought them. Method: keepalives by hand, and a registry on disk in between. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { AgentUpdate } from "#connection/needs.ts";
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import { parseKeepalive } from "#formats/wire/agent/keepalive.ts";
import { type AgentId, type AgentName, parseAgentId } from "#model/agent.ts";
import { AgentStore } from "#registry/agent-store.ts";
import type { KeyChange } from "#registry/key-store.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import {
  factsOfKeyChanges,
  factsOfUpdates,
  labelsOfStored,
  storedFacts,
  storedLabel,
} from "./agent-facts.ts";
import { applyAgentUpdate } from "./agent-updates.ts";

const HEAD = "Linux |web1 |6.1 |#1 |x86_64 - Wazuh v4.14.7\n";
const LINES = '"site.name":paris: 2\n!"owner":bob\n#"_internal":1\n#!"_hidden":"2"\n"a"b":c\n';
const MARKS = [
  { key: "site.name", value: "paris: 2", hidden: false, system: false },
  { key: "owner", value: "bob", hidden: true, system: false },
  { key: "_internal", value: "1", hidden: false, system: true },
  { key: "_hidden", value: '"2"', hidden: true, system: true },
];

function idOf(number: number): AgentId {
  const id = parseAgentId(String(number).padStart(3, "0"));
  assert(id !== null);
  return id;
}

function keepalive(agentId: AgentId, text: string): AgentUpdate {
  return { kind: "keepalive", agentId, atMs: 1000, keepalive: parseKeepalive(HEAD + text) };
}

test("factsOfUpdates() takes what keepalives say anew, and nothing of other news", () => {
  const id = idOf(7);
  const address = '#"_agent_ip":10.1.2.3\n';
  const updates: AgentUpdate[] = [
    { kind: "startup", agentId: id, atMs: 1, version: null, peerAddress: "" },
    { kind: "keepalive", agentId: id, atMs: 1, keepalive: null },
    keepalive(id, LINES + address),
    keepalive(id, ""),
  ];
  assert.deepEqual(factsOfUpdates(updates), [
    { id: "007", address: "10.1.2.3", labels: MARKS },
    { id: "007", address: null, labels: [] },
  ]);
});

test("factsOfKeyChanges() forgets agents that are gone", () => {
  const [gone, added] = [idOf(7), idOf(8)].map((id) => ({ id }) as KeyEntry);
  assert(gone !== undefined && added !== undefined);
  const changes: KeyChange[] = [
    { kind: "removed", entry: gone, origin: "file" },
    { kind: "added", entry: added, origin: "own" },
  ];
  assert.deepEqual(factsOfKeyChanges(changes), [{ id: "007", address: null, labels: [] }]);
});

test("labelsOfStored() gives back what storedLabel() took, and nothing for what no keepalive brings", () => {
  assert.deepEqual(labelsOfStored(MARKS.map(storedLabel)), MARKS);
  assert.deepEqual(
    MARKS.map(storedLabel).map(({ key }) => key),
    ['"site.name"', '!"owner"', '#"_internal"', '#!"_hidden"'],
  );
  const foreign = ["", "site", '"', '!#"a"', '"a'].map((key) => ({ key, value: "v" }));
  assert.deepEqual(labelsOfStored(foreign), []);
});

test("storedFacts() finds the labels of all agents after a restart", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "cyb3rhq-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const open = () =>
    new AgentStore({
      ...{ path: join(folder, "registry.db"), clock: new FakeClock() },
      ...{ log: new RecordingLog(), metrics: new RecordingMetrics() },
    });
  const store = open();
  const names = { hostname: "m", nodeName: "n" };
  const shared = { connected: () => {}, keepalive: () => "synced" as const, sameKeepalive: () => {} };
  // More than one page.
  const numbers = Array.from({ length: 1003 }, (_, index) => index + 1);
  for (const number of numbers) {
    const id = idOf(number);
    store.upsert({ id, name: `a${number}` as AgentName, address: "any", registeredSeconds: 1 });
    if (number !== 2)
      applyAgentUpdate({ agents: store, shared }, keepalive(id, number === 3 ? "" : LINES), names);
  }
  store.close();
  const again = open();
  const facts = storedFacts(again);
  again.close();
  assert.equal(facts.length, 1002, "an agent that never reported is not among them");
  assert.deepEqual(facts[0], { id: "001", address: null, labels: MARKS });
  assert.deepEqual(facts[1], { id: "003", address: null, labels: [] });
  assert.deepEqual(facts.at(-1), { id: "1003", address: null, labels: MARKS });
});
