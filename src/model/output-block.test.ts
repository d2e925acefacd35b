/**
 * Goal: what goes into an output block comes out, once and in order. Method: records of all kinds and sizes through builder,
 * thread boundary and reader; one block written by hand from the layout.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  forEachOutput,
  OUTPUT_BLOCK_BYTES,
  type OutputBlock,
  OutputBlockBuilder,
  type OutputKind,
} from "./output-block.ts";

type Output = { kind: OutputKind; position: number; text: string };

function read(block: OutputBlock): Output[] {
  const outputs: Output[] = [];
  forEachOutput(block, (kind, position, memory, start, end) => {
    outputs.push({ kind, position, text: memory.toString("latin1", start, end) });
  });
  return outputs;
}

/** Two records: archive_json `hé\n` at 7 and snapshot `s` at 2^53 - 1. */
const BLOCK_HEX =
  "03000000" + "02" + "0000000000001c40" + "68e90a" + "01000000" + "04" + "ffffffffffff3f43" + "73";

test("OutputBlockBuilder writes the layout", () => {
  const builder = new OutputBlockBuilder();
  assert.equal(builder.empty, true);
  assert.equal(builder.append("archive_json", 7, "h\u00e9\n"), true);
  assert.equal(builder.append("snapshot", Number.MAX_SAFE_INTEGER, Buffer.from("s")), true);
  assert.equal(builder.bytes, BLOCK_HEX.length / 2);
  assert.equal(Buffer.from(builder.take()).toString("hex"), BLOCK_HEX);
  assert.equal(builder.empty, true);
});

test("forEachOutput() reads the layout", () => {
  const block = Uint8Array.from(Buffer.from(BLOCK_HEX, "hex"));
  assert.deepEqual(read(block), [
    { kind: "archive_json", position: 7, text: "h\u00e9\n" },
    { kind: "snapshot", position: Number.MAX_SAFE_INTEGER, text: "s" },
  ]);
});

test("forEachOutput() refuses a block that ends inside a record", () => {
  const block = Uint8Array.from(Buffer.from(BLOCK_HEX, "hex").subarray(0, -1));
  assert.throws(() => read(block), assert.AssertionError);
});

test("OutputBlockBuilder fills a block to its size, then asks to be emptied", () => {
  const builder = new OutputBlockBuilder();
  const text = "x".repeat(1000);
  let records = 0;
  while (builder.append("alert_log", records, text)) records++;
  assert.equal(records, Math.floor(OUTPUT_BLOCK_BYTES / 1013));
  const first = builder.take();
  assert.equal(builder.append("alert_log", records, text), true);
  assert.equal(read(first).length, records, "the block taken is not the builder's any more");
});

test("OutputBlockBuilder gives a record that is larger than a block one of its own", () => {
  const builder = new OutputBlockBuilder();
  builder.append("alert_json", 1, "small\n");
  const large = "y".repeat(3 * OUTPUT_BLOCK_BYTES);
  assert.equal(builder.append("alert_json", 2, large), false);
  assert.deepEqual(read(builder.take()), [{ kind: "alert_json", position: 1, text: "small\n" }]);
  assert.equal(builder.append("alert_json", 2, large), true);
  assert.equal(builder.append("alert_json", 3, "small\n"), false);
  assert.deepEqual(read(builder.take()), [{ kind: "alert_json", position: 2, text: large }]);
});

test("a block, small or full, crosses to another thread without a copy", () => {
  const builder = new OutputBlockBuilder();
  for (const text of ["small\n", "z".repeat(OUTPUT_BLOCK_BYTES - 100)]) {
    builder.append("archive_log", 5, text);
    const block = builder.take();
    const received = structuredClone(block, { transfer: [block.buffer] });
    assert.equal(block.byteLength, 0, "the sender has it no more");
    assert.deepEqual(read(received), [{ kind: "archive_log", position: 5, text }]);
  }
});
