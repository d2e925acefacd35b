/**
 * Goal: one stream of bytes has one reading, and a stranger reserves no more memory than he fills. Method: take a stream
 * whose frames are known, deliver it whole, byte by byte and cut at every position; then announce one byte too many.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { encodeFrame, FrameDecoder, PAYLOAD_BYTES_MAX } from "./frame.ts";

const HELLO_HEX = "0500000068656c6c6f"; // written by hand from the format, not by encodeFrame
const PAYLOADS = ["hello", "", "#!-agent startup", "\u0000\u00ff", ""].map((text) => Buffer.from(text));
const STREAM = Buffer.concat(PAYLOADS.map(encodeFrame));

function decodeAll(chunks: readonly Uint8Array[]): Buffer[] {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => {
    const { frames, violation } = decoder.push(chunk);
    assert.equal(violation, null);
    return [...frames];
  });
}

test("encodeFrame() writes the length little-endian", () => {
  assert.equal(encodeFrame(Buffer.from("hello")).toString("hex"), HELLO_HEX);
});

test("encodeFrame() refuses a payload the peer would hang up on", () => {
  assert.throws(() => encodeFrame(Buffer.alloc(PAYLOAD_BYTES_MAX + 1)), assert.AssertionError);
});

test("FrameDecoder reads the same frames however the stream is cut", () => {
  assert.deepEqual(decodeAll([STREAM]), PAYLOADS);
  assert.deepEqual(decodeAll(Array.from(STREAM, (byte) => Uint8Array.of(byte))), PAYLOADS);
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const frames = decodeAll([STREAM.subarray(0, cut), STREAM.subarray(cut)]);
    assert.deepEqual(frames, PAYLOADS, `cut at ${cut}`);
  }
});

test("FrameDecoder reads payloads that outgrow their first room, in pieces of any size", () => {
  const random = new SeededRandom(2);
  for (let round = 0; round < 50; round++) {
    const payloads = [random.bytes(random.below(9000)), random.bytes(random.below(40)), random.bytes(1024)];
    const stream = Buffer.concat(payloads.map(encodeFrame));
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const length = 1 + random.below(3000);
      chunks.push(stream.subarray(at, at + length));
      at += length;
    }
    assert.deepEqual(decodeAll(chunks), payloads, `round ${round}`);
  }
});

test("FrameDecoder returns copies, so the chunk may be reused", () => {
  const chunk = Buffer.from(HELLO_HEX, "hex");
  const { frames } = new FrameDecoder().push(chunk);
  chunk.fill(0);
  assert.deepEqual(frames, [Buffer.from("hello")]);
});

test("FrameDecoder reserves no more than twice what has come, or its first room", () => {
  const decoder = new FrameDecoder();
  decoder.push(Buffer.from("00000100", "hex"));
  assert.equal(decoder.heldBytes, 0);
  for (let received = 1; received < 20_000; received++) {
    decoder.push(Uint8Array.of(1));
    assert.ok(decoder.heldBytes <= Math.max(2 * received, 1024), `${received} received`);
  }
});

test("FrameDecoder knows at every position whether the peer closed inside a frame", () => {
  const frameEnds = new Set([0]);
  let end = 0;
  for (const payload of PAYLOADS) {
    end += encodeFrame(payload).length;
    frameEnds.add(end);
  }
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const decoder = new FrameDecoder();
    decoder.push(STREAM.subarray(0, cut));
    assert.equal(decoder.midFrame, !frameEnds.has(cut), `cut at ${cut}`);
  }
});

test("FrameDecoder accepts the longest payload and refuses one byte more", () => {
  const longest = Buffer.alloc(PAYLOAD_BYTES_MAX, "x");
  assert.deepEqual(decodeAll([encodeFrame(longest)]), [longest]);

  const decoder = new FrameDecoder();
  const { frames, violation } = decoder.push(Buffer.from(`${HELLO_HEX}01000100`, "hex"));
  assert.equal(frames.length, 1, "the frame before the violation is still delivered");
  assert.deepEqual(violation, { code: "frame_too_long", payloadBytes: PAYLOAD_BYTES_MAX + 1 });
  assert.throws(() => decoder.push(Uint8Array.of(0)), /push after a violation/);
});

test("FrameDecoder refuses the largest length there is", () => {
  const { violation } = new FrameDecoder().push(Buffer.alloc(64, 0xff));
  assert.deepEqual(violation, { code: "frame_too_long", payloadBytes: 0xffff_ffff });
});
