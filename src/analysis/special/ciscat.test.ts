/** Goal: the fields of CIS-CAT results. Method: the two kinds of message in the agent's form, then each member missing or wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CisCatDecoder } from "./ciscat.ts";
import { damaged, eventOf, fieldsOf } from "./special-message.fixture.ts";

const SCAN_INFO = {
  type: "scan_info",
  scan_id: 1_701_467_600,
  cis: { benchmark: "CIS Debian", hostname: "h", pass: 98, fail: 85, score: "53%" },
};

const decoder = new CisCatDecoder();

function decode(message: unknown, location = "(agent1) any->wodle_cis-cat") {
  const event = eventOf(
    `e:[001] ${location}:${typeof message === "string" ? message : JSON.stringify(message)}`,
  );
  return { event, result: decoder.decode(event) };
}

test("CisCatDecoder sets the members as fields", () => {
  const { event, result } = decode(SCAN_INFO);
  assert.deepEqual(result, { kind: "event", decoderName: "ciscat" });
  assert.deepEqual(fieldsOf(event), [
    ["type", "scan_info"],
    ["scan_id", "1701467600"],
    ["cis.benchmark", "CIS Debian"],
    ["cis.hostname", "h"],
    ["cis.pass", "98"],
    ["cis.fail", "85"],
    ["cis.score", "53%"],
  ]);
});

test("CisCatDecoder wants data of a summary only", () => {
  assert.equal(decode({ type: "scan_result", scan_id: 1 }).result.kind, "event");
  assert.equal(decode({ type: "scan_info", scan_id: 1 }).result.kind, "nothing");
});

test("CisCatDecoder looks names up without regard to case and takes the first of equal ones", () => {
  assert.equal(decode('{"Type":"scan_result","type":1}').result.kind, "event");
  assert.equal(decode('{"type":1,"Type":"scan_result"}').result.kind, "nothing");
});

test("CisCatDecoder drops what is no result and sets nothing", () => {
  const messages = [decode("x"), decode([]), decode({ type: 1 }), decode(SCAN_INFO, "(agent1) any->other")];
  for (const { event, result } of messages) {
    assert.equal(result.kind, "nothing");
    assert.equal(event.dynamicNames.length, 0);
  }
});

test("CisCatDecoder survives each member missing or of a wrong kind", () => {
  for (const message of damaged(SCAN_INFO)) decode(message);
});
