/** Goal: frames have one reading however they are cut, and nothing long is held. Method: every cut of a stream; hostile lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { LINE_BYTES_MAX } from "./limits.ts";
import { FrameLines, parseAnswer, parseRequest, requestIdOf } from "./request.ts";

const REQUEST = '{"id":7,"action":{"kind":"quarantine_file","path":"/tmp/\u00fc"},"dryRun":false}';

test("FrameLines reads the same lines however the stream is cut", () => {
  const stream = Buffer.from(`${REQUEST}\n{}\n`, "utf8");
  for (let cut = 0; cut <= stream.length; cut++) {
    const lines = new FrameLines();
    const read = [stream.subarray(0, cut), stream.subarray(cut)].flatMap((part) => lines.push(part) ?? []);
    assert.deepEqual(read, [REQUEST, "{}"], `cut at ${cut}`);
  }
});

test("FrameLines takes the longest line and gives up at one byte more, with and without its end", () => {
  const longest = "x".repeat(LINE_BYTES_MAX);
  assert.deepEqual(new FrameLines().push(Buffer.from(`${longest}\n`)), [longest]);
  assert.equal(new FrameLines().push(Buffer.from(`${longest}x\n`)), null);
  assert.equal(new FrameLines().push(Buffer.from(`${longest}x`)), null);
});

test("parseRequest() takes whole requests only", () => {
  const action = { kind: "quarantine_file", path: "/tmp/\u00fc" };
  assert.deepEqual(parseRequest(REQUEST), { id: 7, action, dryRun: false });
  const value = JSON.parse(REQUEST);
  const wrong = [
    { id: 0 },
    { id: "7" },
    { dryRun: 1 },
    { action: null },
    { action: { kind: "ban", address: "-j" } },
  ];
  for (const change of wrong) assert.equal(parseRequest(JSON.stringify({ ...value, ...change })), null);
  for (const line of ["", "null", "[]", "7", '{"id":7']) {
    assert.equal(parseRequest(line), null);
    assert.equal(requestIdOf(line), 0);
    assert.equal(parseAnswer(line), null);
  }
  assert.equal(requestIdOf('{"id":9}'), 9);
});

test("parseRequest() survives cut and flipped bytes", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(REQUEST);
    bytes[random.below(bytes.length)] = random.below(256);
    parseRequest(bytes.subarray(0, random.below(bytes.length + 1)).toString("utf8"));
  }
});
