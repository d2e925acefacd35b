/**
 * Goal: what goes into a block comes out, and nothing else passes for a block. Method: a block put together byte by byte from the
 * format's description; round trips at the limits; every cut, every flipped byte and seeded damage must be named a fault, with
 * the checksum repaired too, so that the structure check is reached.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { SeededRandom } from "#testing/random.ts";
import {
  BLOCK_BYTES_TARGET,
  type ControlRecord,
  EVENT_BYTES_MAX,
  EventBlockBuilder,
  type EventInput,
  forEachEvent,
  HEADER_BYTES,
  type RawEvent,
  verifyBlock,
} from "./event-block.ts";

const EPOCH = 0x1234_5678_9abc;
const POSITION = 0x1_0000_0010;
const PLACE = { position: POSITION, epoch: EPOCH };
const RECORD_FIXED_BYTES = 19;
const EVENT: EventInput = {
  receivedMs: 1_700_000_000_123.5,
  queue: "1",
  agentId: "001",
  locationPrefix: "(web) any->",
  location: Buffer.from("/var/log/x"),
  message: Buffer.from("f\xfc\x00r", "latin1"),
};

/** Writes the format as its description says, by other means than the builder. */
function describedBlock(): Buffer {
  const number = (bytes: number, write: (view: DataView) => void): Buffer => {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view);
    return Buffer.from(view.buffer);
  };
  const u32 = (value: number) => number(4, (view) => view.setUint32(0, value, true));
  const u64 = (value: number) => number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  const f64 = (value: number) => number(8, (view) => view.setFloat64(0, value, true));
  const text = Buffer.from("001(web) any->/var/log/xf\xfc\x00r", "latin1");
  const record = Buffer.concat([
    u32(RECORD_FIXED_BYTES + text.length),
    u32("(web) any->/var/log/x".length),
    f64(1_700_000_000_123.5),
    Buffer.from([1, 0x31, 3]),
    text,
  ]);
  const rest = Buffer.concat([u32(36 + record.length), u32(1), u64(POSITION), u64(EPOCH), record]);
  return Buffer.concat([Buffer.from("eb4556424c4b1a01", "hex"), u32(crc32(rest)), rest]);
}

function read(block: Buffer): (RawEvent | ControlRecord)[] {
  const records: (RawEvent | ControlRecord)[] = [];
  forEachEvent(block, { event: (event) => records.push(event), control: (record) => records.push(record) });
  return records;
}

/** As a forger would, who knows the format. */
function withChecksum(block: Buffer): Buffer {
  block.writeUInt32LE(crc32(block.subarray(12)), 8);
  return block;
}

test("EventBlockBuilder writes the bytes of the description", () => {
  const builder = new EventBlockBuilder(EPOCH);
  assert.ok(builder.append(EVENT));
  assert.equal(builder.take(POSITION).toString("hex"), describedBlock().toString("hex"));
});

test("forEachEvent() gives what was put in, as latin1 text, with the position of each record", () => {
  assert.equal(verifyBlock(describedBlock(), PLACE), null);
  const builder = new EventBlockBuilder(EPOCH);
  builder.append(EVENT);
  builder.appendControl(5, '{"ruleset":2}');
  builder.append({ ...EVENT, queue: "\0", agentId: "", locationPrefix: "", location: "", message: "" });
  const first = {
    position: POSITION + HEADER_BYTES,
    receivedMs: EVENT.receivedMs,
    queue: "1",
    agentId: "001",
    location: "(web) any->/var/log/x",
    message: "f\xfc\x00r",
  };
  const control = { position: first.position + 47, receivedMs: 5, text: '{"ruleset":2}' };
  const empty = { ...first, position: control.position + 32, queue: "\0", agentId: "" };
  const block = Buffer.from(builder.take(POSITION));
  assert.equal(verifyBlock(block, PLACE), null);
  assert.deepEqual(read(block), [first, control, { ...empty, location: "", message: "" }]);
});

test("EventBlockBuilder closes a block at the target and gives a larger event a block of its own", () => {
  const builder = new EventBlockBuilder(EPOCH);
  const fixed = RECORD_FIXED_BYTES + 3 + "(web) any->/var/log/x".length;
  const room = BLOCK_BYTES_TARGET - HEADER_BYTES - 2 * fixed - 4;
  assert.ok(builder.append(EVENT));
  assert.equal(builder.append({ ...EVENT, message: Buffer.alloc(room + 1) }), false);
  assert.ok(builder.append({ ...EVENT, message: Buffer.alloc(room) }));
  assert.equal(builder.bytes, BLOCK_BYTES_TARGET);
  assert.equal(builder.take(0).length, BLOCK_BYTES_TARGET);

  const longest = { ...EVENT, message: "x".repeat(EVENT_BYTES_MAX - fixed) };
  assert.ok(builder.append(longest));
  assert.equal(builder.append(EVENT), false);
  const block = Buffer.from(builder.take(0));
  assert.equal(verifyBlock(block, { position: 0, epoch: EPOCH }), null);
  assert.equal(block.length, HEADER_BYTES + EVENT_BYTES_MAX);
  assert.throws(() => builder.append({ ...longest, message: `x${longest.message}` }), assert.AssertionError);
  assert.ok(builder.append(EVENT), "the builder goes on");
});

test("verifyBlock() names each fault", () => {
  const whole = describedBlock();
  const changed = (change: (block: Buffer) => void): Buffer => {
    const block = Buffer.from(whole);
    change(block);
    return withChecksum(block);
  };
  const cases: readonly [string, Buffer, string][] = [
    ["magic", changed((block) => block.writeUInt8(0, 3)), "bad_magic"],
    ["version", changed((block) => block.writeUInt8(2, 7)), "unknown_version"],
    ["position", changed((block) => block.writeUInt8(1, 20)), "wrong_place"],
    ["epoch", changed((block) => block.writeUInt8(1, 28)), "wrong_place"],
    ["no bytes", changed((block) => block.writeUInt32LE(0, 12)), "bad_length"],
    ["many bytes", changed((block) => block.writeUInt32LE(0xffff_ffff, 12)), "bad_length"],
    ["more than there is", changed((block) => block.writeUInt32LE(whole.length + 1, 12)), "torn"],
    ["less than there is", changed((block) => block.writeUInt32LE(whole.length - 1, 12)), "bad_length"],
    ["count", changed((block) => block.writeUInt32LE(2, 16)), "bad_record"],
    ["no record bytes", changed((block) => block.writeUInt32LE(0, 36)), "bad_record"],
    ["many record bytes", changed((block) => block.writeUInt32LE(0xffff_ffff, 36)), "bad_record"],
    ["location", changed((block) => block.writeUInt32LE(0xffff_ffff, 40)), "bad_record"],
    ["time", changed((block) => block.writeDoubleLE(Number.NaN, 44)), "bad_record"],
    ["kind", changed((block) => block.writeUInt8(9, 52)), "bad_record"],
    ["agent id", changed((block) => block.writeUInt8(255, 54)), "bad_record"],
  ];
  for (const [name, block, fault] of cases) assert.equal(verifyBlock(block, PLACE), fault, name);
});

test("verifyBlock() refuses every cut and every flipped byte", () => {
  const whole = describedBlock();
  for (let cut = 0; cut < whole.length; cut++) {
    assert.equal(verifyBlock(whole.subarray(0, cut), PLACE), "torn", `cut at ${cut}`);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8((whole[cut] ?? 0) ^ 0x10, cut);
    assert.notEqual(verifyBlock(flipped, PLACE), null, `flipped at ${cut}`);
  }
});

test("forEachEvent() is safe on whatever verifyBlock() lets pass", () => {
  const random = new SeededRandom(7);
  const builder = new EventBlockBuilder(EPOCH);
  for (let index = 0; index < 5; index++) builder.append({ ...EVENT, message: random.bytes(index) });
  const whole = Buffer.from(builder.take(POSITION));
  let passed = 0;
  for (let round = 0; round < 5000; round++) {
    const records = random.mutate(whole.subarray(HEADER_BYTES));
    const block = Buffer.concat([whole.subarray(0, HEADER_BYTES), records]);
    block.writeUInt32LE(block.length, 12);
    if (verifyBlock(withChecksum(block), PLACE) !== null) continue;
    passed++;
    const found = read(block);
    assert.equal(found.length, 5, `round ${round}`);
    assert.ok(found.every(({ position }) => position < POSITION + block.length));
  }
  assert.ok(passed > 100, `only ${passed} mutations had a valid structure`);
});
