/** Goal: what comes back from the intake thread reaches who asked. Method: messages by hand, in another order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import { AgentCalls } from "./agent-calls.ts";
import type { ToIntake } from "./thread-messages.ts";

const WEB = agentIdOf(1);

test("AgentCalls gives each answer to who asked, once, whatever their order", async () => {
  const sent: ToIntake[] = [];
  const calls = new AgentCalls((message) => sent.push(message));
  const payload = Buffer.from("agent getstate");
  const first = calls.request(WEB, payload);
  const second = calls.send(WEB, "#!-force_reconnect");
  const third = calls.counts([WEB]);
  assert.deepEqual(sent, [
    { kind: "call", number: 1, call: { kind: "request", agentId: WEB, payload } },
    { kind: "call", number: 2, call: { kind: "send", agentId: WEB, message: "#!-force_reconnect" } },
    { kind: "call", number: 3, call: { kind: "counts", agentIds: [WEB] } },
  ]);
  calls.take({ kind: "called", call: "counts", number: 3, result: [null] });
  calls.take({ kind: "called", call: "send", number: 1, result: "not_connected" }); // nobody's
  calls.take({ kind: "called", call: "send", number: 2, result: "sent" });
  calls.take({ kind: "called", call: "request", number: 1, result: { ok: false, code: "not_answered" } });
  assert.deepEqual(await third, [null]);
  assert.equal(await second, "sent");
  assert.deepEqual(await first, { ok: false, code: "not_answered" });
});
