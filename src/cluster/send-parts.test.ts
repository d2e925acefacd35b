/** Goal: parts go in their order, few at once, and stop at what ends them. Method: answers given by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import { settled } from "./fixture.ts";
import type { RequestOutcome } from "./replies.ts";
import { sendParts } from "./send-parts.ts";

const OK: RequestOutcome = { kind: "ok", payload: Buffer.alloc(0) };
const failed = (code: 3020 | 3050) => ({ kind: "failed", error: clusterError(code) }) as const;
const TIMEOUT = failed(3020);
const REFUSED = failed(3050);

function sending(parts: number) {
  const sent: number[] = [];
  const answers: ((outcome: RequestOutcome) => void)[] = [];
  const send = (part: Buffer): Promise<RequestOutcome> => {
    sent.push(part.readUInt8());
    return new Promise((resolve) => answers.push(resolve));
  };
  const outcome = sendParts(
    Array.from({ length: parts }, (_, part) => Buffer.of(part)),
    send,
    (answer): answer is typeof REFUSED => answer.kind === "failed" && answer.error.code === 3050,
  );
  const answer = async (given: RequestOutcome) => {
    answers.shift()?.(given);
    await settled();
  };
  return { sent, outcome, answer };
}

test("two parts are on their way at once, and all are answered in the end", async () => {
  const { sent, outcome, answer } = sending(4);
  assert.deepEqual(sent, [0, 1]);
  await answer(OK);
  assert.deepEqual(sent, [0, 1, 2]);
  await answer(TIMEOUT);
  assert.deepEqual(sent, [0, 1, 2, 3]);
  await answer(OK);
  await answer(OK);
  assert.equal(await outcome, null);
});

test("a refusal ends it, of the last part too", async () => {
  const early = sending(9);
  await early.answer(REFUSED);
  assert.equal(await early.outcome, REFUSED);
  assert.deepEqual(early.sent, [0, 1]);

  const late = sending(2);
  await late.answer(OK);
  await late.answer(REFUSED);
  assert.equal(await late.outcome, REFUSED);
});
