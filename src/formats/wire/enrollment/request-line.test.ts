/** Goal: one line however it is cut, and no more memory than its limit. Method: every cut; both sides of the limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { REQUEST_LINE_BYTES_MAX, RequestLineReader } from "./request-line.ts";

const STREAM = Buffer.from("OSSEC A:'n\xf6de'\ndropped\n", "latin1");
const EXPECTED = { code: "line", line: "OSSEC A:'n\xf6de'" };

test("RequestLineReader finds the line at every cut", () => {
  assert.deepEqual(new RequestLineReader().push(STREAM), EXPECTED);
  const lineBytes = STREAM.indexOf("\n") + 1;
  for (let cut = 0; cut < lineBytes; cut++) {
    const reader = new RequestLineReader();
    assert.deepEqual(reader.push(STREAM.subarray(0, cut)), { code: "pending" }, `cut at ${cut}`);
    assert.deepEqual(reader.push(STREAM.subarray(cut)), EXPECTED, `cut at ${cut}`);
  }
  const reader = new RequestLineReader();
  for (const byte of STREAM.subarray(0, lineBytes - 1)) {
    assert.deepEqual(reader.push(Uint8Array.of(byte)), { code: "pending" });
  }
  assert.deepEqual(reader.push(Buffer.from("\n")), EXPECTED);
});

test("RequestLineReader gives what came from a client that sends no newline", () => {
  const reader = new RequestLineReader();
  assert.equal(reader.rest(), "");
  reader.push(Buffer.from("OSSEC A:"));
  reader.push(Buffer.from("'node'"));
  assert.equal(reader.rest(), "OSSEC A:'node'");
});

test("RequestLineReader takes the longest line and refuses one byte more", () => {
  const longest = Buffer.alloc(REQUEST_LINE_BYTES_MAX, "x");
  const reader = new RequestLineReader();
  assert.deepEqual(reader.push(longest), { code: "pending" });
  assert.deepEqual(reader.push(Buffer.from("\n")), { code: "line", line: longest.toString() });

  const overfull = new RequestLineReader();
  assert.deepEqual(overfull.push(longest), { code: "pending" });
  assert.deepEqual(overfull.push(Buffer.from("x")), { code: "too_long" });
  assert.deepEqual(new RequestLineReader().push(Buffer.alloc(REQUEST_LINE_BYTES_MAX + 1)), {
    code: "too_long",
  });
});

test("RequestLineReader copies what it keeps", () => {
  const reader = new RequestLineReader();
  const chunk = Buffer.from("OSSEC");
  reader.push(chunk);
  chunk.fill(0);
  assert.equal(reader.rest(), "OSSEC");
});
