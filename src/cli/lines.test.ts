/** Goal: a stream has one reading, whatever its chunks, and memory is bounded. Method: cut a text everywhere; go to the limit and beyond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chunksOf, RecordingOutput } from "./environment.fixture.ts";
import { answerLines, LINE_BYTES_MAX, LineSplitter } from "./lines.ts";

const TEXT = Buffer.from("one\r\n\ntwo \xff\r\r\nlast", "latin1");
const LINES = ["one", "", "two \xff\r", "last"];

function split(chunks: readonly Uint8Array[]): string[] {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()];
}

test("LineSplitter reads the same lines however the stream is cut", () => {
  assert.deepEqual(split([TEXT]), LINES);
  assert.deepEqual(split(Array.from(TEXT, (byte) => Uint8Array.of(byte))), LINES);
  for (let cut = 0; cut <= TEXT.length; cut++) {
    assert.deepEqual(split([TEXT.subarray(0, cut), TEXT.subarray(cut)]), LINES, `cut at ${cut}`);
  }
  assert.deepEqual(split([]), []);
  assert.deepEqual(split([Buffer.from("a\n")]), ["a"]);
});

test("LineSplitter cuts lines that are too long and counts them", () => {
  const splitter = new LineSplitter();
  const longest = "x".repeat(LINE_BYTES_MAX);
  assert.deepEqual(splitter.push(Buffer.from(`${longest}\n`)), [longest]);
  assert.equal(splitter.cutLines, 0);
  assert.deepEqual(splitter.push(Buffer.from(`${longest}y`)), []);
  assert.deepEqual(splitter.push(Buffer.from("yyy")), []);
  assert.deepEqual(splitter.push(Buffer.from("y\nz\n")), [longest, "z"]);
  assert.equal(splitter.cutLines, 1);
});

test("answerLines() writes the answers in order and waits for room", async () => {
  const output = new RecordingOutput();
  const cut = await answerLines(chunksOf("a\nb", "c\nd"), output, (line) => `<${line}>`);
  assert.equal(output.text, "<a><bc><d>");
  assert.equal(cut, 0);
  assert.equal(output.waits, 3, "after each chunk and at the end");
});

test("answerLines() does not gather more than a piece before it waits", async () => {
  const output = new RecordingOutput();
  await answerLines(chunksOf("x\n".repeat(1000)), output, () => "y".repeat(1000));
  assert.ok(output.waits > 10);
});

test("answerLines() ends when nobody reads any more", async () => {
  const output = new RecordingOutput();
  output.closesAfter = 1;
  let asked = 0;
  const endless = (async function* () {
    for (;;) yield Buffer.from("x\n");
  })();
  await answerLines(endless, output, () => {
    asked++;
    return "y";
  });
  assert.equal(asked, 1);
});
