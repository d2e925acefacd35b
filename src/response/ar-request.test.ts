/**
 * Goal: what programs ask of agents over the socket reaches them as the peer would say it, and nothing hostile does. Method: the forms of
 * the wire's description by hand, through the dispatcher; cut and damaged ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import { SeededRandom } from "#testing/random.ts";
import { parseArRequest } from "./ar-request.ts";
import { DispatcherBench } from "./fixture.ts";

const TEXT = '{"version":1,"command":"!x.sh"}';

test("parseArRequest() tells whom and what, as text for execd or plain", () => {
  const execd = `#!-execd ${TEXT}`;
  assert.deepEqual(parseArRequest(`(local_source) [] NRN 001 ${TEXT}`), { agentId: "001", message: execd });
  assert.deepEqual(parseArRequest(`(msg_to_agent) [] NNS 002 ${TEXT}`), { agentId: "002", message: execd });
  assert.deepEqual(parseArRequest("(msg_to_agent) [] N!S 003 force_reconnect"), {
    agentId: "003",
    message: "#!-force_reconnect",
  });
  assert.deepEqual(parseArRequest(`(x) [10.0.0.1] ANN (null) ${TEXT}`), { agentId: null, message: execd });
  const refused = [
    "",
    "x",
    "(a [] NNS 1 x",
    "(a) [ NNS 1 x",
    `(a) [] NNN 001 ${TEXT}`,
    `(a) [] NNS ../1 ${TEXT}`,
  ];
  for (const text of [...refused, "(a) [] NNS 001 ", "(a) [] XNS 001 x", "(a) [] NNS 001"])
    assert.equal(parseArRequest(text), null, text);
});

test("ResponseDispatcher sends requests of other programs, and says what it cannot send", () => {
  const bench = new DispatcherBench();
  bench.addAgent(1);
  bench.addAgent(2, { version: null });
  bench.addAgent(3, { active: false });
  bench.dispatcher.request("(msg_to_agent) [] A!N 000 syscheck restart");
  assert.deepEqual(
    bench.sent.map(({ agentId, text }) => `${agentId} ${text}`),
    ["001 #!-syscheck restart", "002 #!-syscheck restart"],
  );
  bench.dispatcher.request(`(x) [] NNS 001 ${"x".repeat(MESSAGE_BYTES_MAX)}`);
  assert.equal(bench.metrics.get("responses_message_too_long"), 1);
  bench.dispatcher.request("(x) [] 1\x07");
  assert.match(
    bench.log.texts().at(-1) ?? "",
    /^\(1310\): Invalid active response \(execd\) message '\(x\) \[\] 1[^\x07]*'\.$/,
  );
  bench.dispatcher.close();
  bench.dispatcher.request(`(x) [] NNS 001 ${TEXT}`);
  assert.equal(bench.metrics.get("responses_lost_at_stop"), 1);
  assert.equal(bench.sent.length, 2);
});

test("parseArRequest() survives cuts and damage", () => {
  const whole = `(local_source) [] NRN 001 ${TEXT}`;
  for (let cut = 0; cut < whole.length; cut++) parseArRequest(whole.slice(0, cut));
  const random = new SeededRandom(7);
  for (let round = 0; round < 2000; round++) {
    const parsed = parseArRequest(random.mutate(Buffer.from(whole, "latin1")).toString("latin1"));
    if (parsed !== null) assert.match(parsed.message, /^#!-/);
  }
  parseArRequest(`${"(".repeat(30_000)}${") [".repeat(10_000)}`);
});
