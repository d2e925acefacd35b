/**
 * Goal: each response reaches whom it names, once, and a flood of them holds up nobody. Method: lines as analysis writes them, agents in
 * a table, and a clock that the test moves.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import { SeededRandom } from "#testing/random.ts";
import { EXECD_PREFIX } from "./delivery.ts";
import { DispatcherBench, line, toAgent } from "./fixture.ts";
import {
  TURN_AGENTS_MAX,
  TURN_BYTES_MAX,
  TURN_MS,
  WAITING_BYTES_MAX,
  WAITING_MS_MAX,
  WAITING_RESPONSES_MAX,
} from "./limits.ts";

test("ResponseDispatcher sends to one agent, to all active ones and to this host", () => {
  const bench = new DispatcherBench();
  for (const number of [1, 2, 3]) bench.addAgent(number);
  bench.addAgent(4, { active: false });
  bench.dispatcher.dispatch(
    line([toAgent(2)], { name: "one0" }) + line([{ kind: "all" }, { kind: "server" }]),
  );
  assert.deepEqual(
    bench.sent.map(({ agentId, text }) => [agentId, JSON.parse(text).command]),
    [
      ["002", "one0"],
      ["001", "drop600"],
      ["002", "drop600"],
      ["003", "drop600"],
    ],
  );
  assert.deepEqual(
    bench.onServer.map((text) => JSON.parse(text).command),
    ["drop600"],
  );
  assert.equal(JSON.parse(bench.onServer[0] ?? "").origin.name, "node01");
});

test("ResponseDispatcher speaks to each agent in the form of its version", () => {
  const bench = new DispatcherBench();
  const versions = ["Wazuh v3.13.0", "Wazuh v4.2.3", "Wazuh v4.9.2"];
  for (const [index, version] of versions.entries()) bench.addAgent(index + 1, { version });
  bench.dispatcher.dispatch(line([{ kind: "all" }], { alert: '{"full_log":"$"}' }));
  const [text, escaped, json] = bench.sent.map((message) => message.text);
  assert.equal(text, "drop600 - 203.0.113.9 1795249255.36 5712 (web1) any->x - -");
  assert.match(escaped ?? "", /"full_log":"\\\\x24"/);
  assert.match(json ?? "", /"full_log":"\$"/);
});

test("ResponseDispatcher sends nothing to an agent whose version is not known, and says so", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1, { version: null });
  bench.addAgent(2, { version: "unknown" });
  bench.dispatcher.dispatch(line([toAgent(1), toAgent(2), toAgent(3)]));
  assert.equal(bench.sent.length, 0);
  assert.equal(bench.metrics.get("responses_version_unknown"), 3);
  assert.deepEqual(bench.log.texts("warning"), [
    "The version of agent '001' is not known: the active response 'drop600' is not sent",
  ]);
});

test("ResponseDispatcher sends the longest message that an agent takes, and refuses one byte more", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  bench.dispatcher.dispatch(line([toAgent(1)], { alert: '{"a":""}' }));
  const overhead = EXECD_PREFIX.length + (bench.sent[0]?.text.length ?? 0);
  const room = MESSAGE_BYTES_MAX - overhead;
  bench.dispatcher.dispatch(line([toAgent(1)], { alert: `{"a":"${"x".repeat(room)}"}` }));
  assert.equal(bench.sent.length, 2);
  bench.dispatcher.dispatch(line([toAgent(1)], { alert: `{"a":"${"x".repeat(room + 1)}"}` }));
  assert.equal(bench.sent.length, 2);
  assert.equal(bench.metrics.get("responses_message_too_long"), 1);
});

test("ResponseDispatcher takes turns: so many messages at a time, the rest later, none twice", () => {
  const bench = new DispatcherBench();
  const agents = TURN_AGENTS_MAX * 2 + 10;
  for (let number = 1; number <= agents; number++) bench.addAgent(number);
  bench.dispatcher.dispatch(line([{ kind: "all" }]));
  assert.equal(bench.sent.length, TURN_AGENTS_MAX);
  // What comes meanwhile waits behind it.
  bench.dispatcher.dispatch(line([toAgent(5)], { name: "later0" }));
  assert.equal(bench.sent.length, TURN_AGENTS_MAX);
  bench.clock.advance(TURN_MS);
  assert.equal(bench.sent.length, TURN_AGENTS_MAX * 2);
  bench.clock.advance(TURN_MS);
  assert.equal(bench.sent.length, agents + 1);
  assert.equal(new Set(bench.sent.slice(0, -1).map(({ agentId }) => agentId)).size, agents);
  assert.equal(JSON.parse(bench.sent.at(-1)?.text ?? "").command, "later0");
  assert.equal(bench.clock.pendingTimers, 0);
});

test("ResponseDispatcher counts bytes as well in a turn", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  const alert = `{"a":"${"x".repeat(60_000)}"}`;
  const perTurn = Math.ceil(TURN_BYTES_MAX / 60_000);
  for (let count = 0; count < 2 * perTurn; count++) bench.dispatcher.dispatch(line([toAgent(1)], { alert }));
  assert(bench.sent.length <= perTurn, `${bench.sent.length} messages`);
  bench.clock.advance(3 * TURN_MS);
  assert.equal(bench.sent.length, 2 * perTurn);
});

test("ResponseDispatcher holds a bounded number and size of responses", () => {
  const many = new DispatcherBench();
  many.addAgent(1);
  const burst = TURN_AGENTS_MAX + WAITING_RESPONSES_MAX + 5;
  many.dispatcher.dispatch(line(Array.from({ length: TURN_AGENTS_MAX }, () => toAgent(1))));
  for (let count = TURN_AGENTS_MAX; count < burst; count++) many.dispatcher.dispatch(line([toAgent(1)]));
  assert.equal(many.metrics.get("responses_over_limit"), 5);
  many.clock.advance(TURN_MS * 30);
  assert.equal(many.sent.length, burst - 5);

  const large = new DispatcherBench();
  large.addAgent(1);
  const alert = `{"a":"${"x".repeat(60_000)}"}`;
  const fitting = Math.floor(WAITING_BYTES_MAX / alert.length);
  const targets = Array.from({ length: 2 * fitting }, () => toAgent(1));
  large.dispatcher.dispatch(line(targets, { alert }));
  assert.equal(large.metrics.get("responses_over_limit"), fitting);
  large.clock.advance(fitting * TURN_MS);
  large.dispatcher.dispatch(line(targets.slice(fitting), { alert }));
  assert.equal(large.metrics.get("responses_over_limit"), fitting, "what was sent makes room");
});

test("ResponseDispatcher drops what waited too long", () => {
  const bench = new DispatcherBench();
  for (let number = 1; number <= TURN_AGENTS_MAX * 2; number++)
    bench.addAgent(number, { active: number === 1 });
  const servedInTime = WAITING_MS_MAX / (2 * TURN_MS);
  for (let count = 0; count < servedInTime + 10; count++) bench.dispatcher.dispatch(line([{ kind: "all" }]));
  bench.dispatcher.dispatch(line([toAgent(1)], { name: "last0" }));
  bench.clock.advance(2 * WAITING_MS_MAX);
  assert(Math.abs(bench.sent.length - servedInTime) <= 1, `${bench.sent.length} sent`);
  assert(bench.metrics.get("responses_too_late") >= 10);
  assert(!bench.sent.some(({ text }) => text.includes("last0")));
  assert.equal(bench.clock.pendingTimers, 0);
});

test("ResponseDispatcher goes on when the registry cannot be read, and with a line that is none", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  bench.registryFails = true;
  bench.dispatcher.dispatch(line([toAgent(1), { kind: "all" }]));
  assert.equal(bench.metrics.get("responses_registry_failed"), 2);
  bench.registryFails = false;
  bench.dispatcher.dispatch(`nonsense\n${line([toAgent(1)])}`);
  assert.equal(bench.metrics.get("responses_decision_invalid"), 1);
  assert.equal(bench.sent.length, 1);
});

test("ResponseDispatcher counts what a stop takes away", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  bench.dispatcher.dispatch(line(Array.from({ length: TURN_AGENTS_MAX + 3 }, () => toAgent(1))));
  bench.dispatcher.close();
  bench.dispatcher.dispatch(line([toAgent(1), { kind: "server" }]));
  bench.clock.advance(TURN_MS * 10);
  assert.deepEqual([bench.sent.length, bench.onServer.length], [TURN_AGENTS_MAX, 0]);
  assert.equal(bench.metrics.get("responses_lost_at_stop"), 5);
});

test("ResponseDispatcher does not throw over damaged lines", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  const random = new SeededRandom(3);
  for (let round = 0; round < 300; round++) {
    bench.dispatcher.dispatch(random.mutate(Buffer.from(line([toAgent(1)]))).toString("latin1"));
    bench.clock.advance(TURN_MS);
  }
});
