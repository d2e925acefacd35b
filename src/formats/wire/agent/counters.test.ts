/**
 * Goal: a message counts once where that is asked for, in the peer's words where it does not.
 * Method: the vectors' sequence through opening and check; the roll-over counted out by hand.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Counters, checkReplay, nextCounters, SenderCounter } from "./counters.ts";
import { openMessage } from "./message.ts";
import type { MessageCipher } from "./message-cipher.ts";

type Step = {
  readonly payload_after_id_prefix_hex: string;
  readonly result_verify_on: string;
  readonly result_verify_off: string;
};
const VECTORS = new URL("../../../../test/vectors/agent/", import.meta.url);
const { sequence }: { sequence: readonly Step[] } = JSON.parse(
  readFileSync(new URL("replay.json", VECTORS), "utf8"),
);
const AES: MessageCipher = { method: "aes", key: Buffer.from("80b8fec51bb409e54f1529f7667cd4e8") };
const AGENT = { id: "001", name: "agent-one" };

function countersOf(step: Step): Counters {
  const input = { cipherOf: () => AES, agentId: "001", registeredAddress: "any", peerAddress: "10.0.0.1" };
  const result = openMessage(input, Buffer.from(step.payload_after_id_prefix_hex, "hex"));
  assert.equal(result.ok ? "VALID" : result.code, step.result_verify_off);
  assert.ok(result.ok);
  return result.counters;
}

test("checkReplay() gives the peer's verdict on a sequence", () => {
  let stored: Counters | null = null;
  for (const [index, step] of sequence.entries()) {
    const received = countersOf(step);
    const verdict = checkReplay({ stored, received, agent: AGENT, peerAddress: "10.0.0.1" });
    assert.equal(verdict.code, step.result_verify_on, `step ${index}`);
    if (verdict.code === "VALID") stored = received;
  }
});

test("checkReplay() says what the peer says", () => {
  const check = (received: Counters) =>
    checkReplay({ stored: { global: 5, local: 7 }, received, agent: AGENT, peerAddress: "10.0.0.1" });
  assert.deepEqual(check({ global: 5, local: 7 }), {
    code: "RIDS",
    logs: [
      "Duplicate error:  global: 5, local: 7, saved global: 5, saved local:7",
      "(1407): Duplicated counter for 'agent-one'.",
    ],
  });
  assert.deepEqual(check({ global: 4, local: 9 }), {
    code: "ENCKEY",
    logs: [
      "(1404): Authentication error. Wrong key or corrupt payload. Message received from agent '001' at '10.0.0.1'.",
    ],
  });
});

test("SenderCounter starts the local counter again after 9997 messages", () => {
  const counter = new SenderCounter({ global: 0, local: 0 });
  assert.deepEqual(counter.next(), { global: 0, local: 1 });
  for (let sent = 2; sent <= 9997; sent++) counter.next();
  assert.deepEqual(counter.last, { global: 0, local: 9997 });
  assert.deepEqual(counter.next(), { global: 1, local: 1 });
});

test("nextCounters() survives what a file may hold", () => {
  assert.deepEqual(nextCounters({ global: 3, local: 9999 }), { global: 4, local: 1 });
  assert.deepEqual(nextCounters({ global: 2 ** 31 - 1, local: 9997 }), { global: 2 ** 31, local: 1 });
  assert.deepEqual(nextCounters({ global: 2 ** 32 - 1, local: 9997 }), { global: 0, local: 1 });
});
