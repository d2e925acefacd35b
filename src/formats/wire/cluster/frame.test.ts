/**
 * Goal: one stream of bytes has one reading, and hostile streams end in a violation without taking memory. Method: the frames that the peer's
 * own builder made, delivered whole, byte by byte and cut at every position; both sides of every limit; damaged streams.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { fernetKey, seal } from "./fernet.ts";
import {
  CHUNK_BYTES,
  DIVIDED_MESSAGES_MAX,
  DIVIDED_PARTS_MAX,
  encodeMessage,
  HEADER_BYTES,
  MESSAGE_BYTES_MAX,
  MessageReader,
  type NextMessage,
  STRANGER_PAYLOAD_BYTES_MAX,
} from "./frame.ts";
import { hex, RECORDED_KEY, recorded } from "./recorded.fixture.ts";

type RecordedFrame = {
  readonly command: string;
  readonly counter: number;
  readonly payload_hex: string;
  readonly fernet_time: number;
  readonly fernet_iv_hex: string;
  readonly frame_encrypted_hex: string;
  readonly frame_plain_hex: string;
  readonly parsed_command: string;
};
const { frames: RECORDED } = recorded<{ frames: readonly RecordedFrame[] }>("framing");
const DIVIDED = recorded<{
  payload_len: number;
  payload_sha256: string;
  counter: number;
  command: string;
  fernet_time: number;
  fernet_iv_hex: string;
  frames: Record<"encrypted" | "plain", { header_hex: string; frame_len: number; payload_sha256: string }[]>;
  frame_lengths_around_the_limit: Record<string, Record<"encrypted" | "plain", number[]>>;
}>("divided");
const KEY = fernetKey(RECORDED_KEY);
const STREAM = Buffer.concat(RECORDED.map(({ frame_plain_hex }) => hex(frame_plain_hex)));

function readAll(chunks: readonly Buffer[], isAdmitted = true): NextMessage[] {
  const reader = new MessageReader({ isAdmitted });
  const results: NextMessage[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let next = reader.next(); next !== null; next = reader.next()) {
      results.push(next);
      if (next.kind === "violation") return results;
    }
  }
  return results;
}

function messagesOf(chunks: readonly Buffer[]) {
  return readAll(chunks).map((next) => {
    assert.equal(next.kind, "message");
    return next.kind === "message" ? next.message : null;
  });
}

function header(counter: number, length: number, field: string): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt32BE(counter, 0);
  bytes.writeUInt32BE(length, 4);
  bytes.write(field, 8, "latin1");
  return bytes;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function dividedPayload(): Buffer {
  const payload = Buffer.alloc(DIVIDED.payload_len);
  for (let index = 0; index < payload.length; index++) payload[index] = (index * 7 + (index >> 8)) % 251;
  return payload;
}

test("encodeMessage() writes the peer's frames, plain and sealed", () => {
  for (const frame of RECORDED) {
    const { counter, command } = frame;
    const payload = hex(frame.payload_hex);
    const stamp = { seconds: frame.fernet_time, iv: hex(frame.fernet_iv_hex) };
    const plain = encodeMessage({ counter, command }, payload, payload.length);
    assert.deepEqual(
      plain.map((bytes) => bytes.toString("hex")),
      [frame.frame_plain_hex],
    );
    const sealed = encodeMessage({ counter, command }, seal(KEY, payload, stamp), payload.length);
    assert.deepEqual(
      sealed.map((bytes) => bytes.toString("hex")),
      [frame.frame_encrypted_hex],
    );
  }
});

test("encodeMessage() refuses a name that leaves no place for the division flag", () => {
  assert.throws(() => encodeMessage({ counter: 1, command: "xxxxxxxxxxxx" }, Buffer.alloc(0), 0));
});

test("encodeMessage() cuts a long message where the peer does", () => {
  const payload = dividedPayload();
  assert.equal(sha256(payload), DIVIDED.payload_sha256);
  const stamp = { seconds: DIVIDED.fernet_time, iv: hex(DIVIDED.fernet_iv_hex) };
  for (const kind of ["plain", "encrypted"] as const) {
    const wire = kind === "plain" ? payload : seal(KEY, payload, stamp);
    const frames = encodeMessage(DIVIDED, wire, payload.length);
    const seen = frames.map((frame) => ({
      header_hex: frame.toString("hex", 0, HEADER_BYTES),
      frame_len: frame.length,
      payload_sha256: sha256(frame.subarray(HEADER_BYTES)),
    }));
    assert.deepEqual(seen, DIVIDED.frames[kind]);
    const [message] = messagesOf(frames);
    assert.deepEqual(message?.payload, wire);
  }
});

test("encodeMessage() divides by the length before sealing", () => {
  for (const [length, expected] of Object.entries(DIVIDED.frame_lengths_around_the_limit)) {
    const payload = Buffer.alloc(Number(length));
    const token = seal(KEY, payload, { seconds: 0, iv: Buffer.alloc(16) });
    const lengths = (wire: Buffer) => encodeMessage(DIVIDED, wire, payload.length).map((f) => f.length);
    assert.deepEqual(lengths(payload), expected.plain);
    assert.deepEqual(lengths(token), expected.encrypted);
  }
});

test("encodeMessage() also cuts a remainder that would fill a frame", () => {
  const payload = Buffer.alloc(2 * (CHUNK_BYTES - HEADER_BYTES));
  const lengths = encodeMessage({ counter: 1, command: "echo" }, payload, payload.length).map(
    (f) => f.length,
  );
  assert.deepEqual(lengths, [CHUNK_BYTES, CHUNK_BYTES, HEADER_BYTES]);
});

test("MessageReader reads the same messages however the stream is cut", () => {
  const expected = RECORDED.map(({ counter, parsed_command, payload_hex }) => ({
    counter,
    command: parsed_command,
    payload: hex(payload_hex),
  }));
  assert.deepEqual(messagesOf([STREAM]), expected);
  assert.deepEqual(messagesOf(Array.from(STREAM, (byte) => Buffer.of(byte))), expected);
  for (let cut = 0; cut <= STREAM.length; cut++) {
    assert.deepEqual(messagesOf([STREAM.subarray(0, cut), STREAM.subarray(cut)]), expected, `cut at ${cut}`);
  }
});

test("MessageReader numbers the open frame and knows when none is open", () => {
  const reader = new MessageReader({ isAdmitted: true });
  assert.equal(reader.openFrame, null);
  reader.push(STREAM.subarray(0, 3));
  assert.equal(reader.next(), null);
  assert.equal(reader.openFrame, 0);
  reader.push(STREAM.subarray(3));
  for (const _ of RECORDED) assert.equal(reader.next()?.kind, "message");
  assert.equal(reader.next(), null);
  assert.equal(reader.openFrame, null);
  reader.push(header(1, 4, "echo -------"));
  assert.equal(reader.next(), null);
  assert.equal(reader.openFrame, RECORDED.length);
});

test("MessageReader keeps divided messages apart by their counters", () => {
  const part = (counter: number, text: string, last: boolean) =>
    Buffer.concat([header(counter, text.length, `echo ------${last ? "-" : "d"}`), Buffer.from(text)]);
  const chunks = [part(1, "a", false), part(2, "x", false), part(3, "whole", true), part(1, "b", true)];
  const messages = messagesOf([...chunks, part(2, "", true)]);
  assert.deepEqual(
    messages.map((message) => [message?.counter, message?.payload.toString()]),
    [
      [3, "whole"],
      [1, "ab"],
      [2, "x"],
    ],
  );
});

test("MessageReader refuses a length above the limit before it takes memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1000 }, () => {
    const reader = new MessageReader({ isAdmitted: true });
    reader.push(header(1, MESSAGE_BYTES_MAX, "echo -------"));
    assert.equal(reader.next(), null);
    return reader;
  });
  const grownMegabytes = (process.memoryUsage().arrayBuffers - before) / 1e6;
  assert(grownMegabytes < 20, `${grownMegabytes} MB for ${readers.length} announced messages`);

  const [next] = readAll([header(1, MESSAGE_BYTES_MAX + 1, "echo -------")]);
  assert.deepEqual(next, {
    kind: "violation",
    violation: { code: "payload_too_large", bytes: MESSAGE_BYTES_MAX + 1, bytesMax: MESSAGE_BYTES_MAX },
  });
});

test("MessageReader gives a stranger little memory and no divided messages", () => {
  const long = header(1, STRANGER_PAYLOAD_BYTES_MAX + 1, "hello ------");
  const codeOf = (bytes: Buffer) => {
    const [next] = readAll([bytes], false);
    return next?.kind === "violation" ? next.violation.code : null;
  };
  assert.equal(codeOf(long), "stranger_payload_too_large");
  assert.equal(codeOf(header(1, 0, "hello -----d")), "stranger_divided");
  assert.equal(codeOf(header(1, STRANGER_PAYLOAD_BYTES_MAX, "hello ------")), null);
});

test("MessageReader bounds the number of divided messages and of their parts", () => {
  const open = Array.from({ length: DIVIDED_MESSAGES_MAX }, (_, index) => header(index, 0, "echo ------d"));
  assert.deepEqual(readAll(open), []);
  const codes = (chunks: readonly Buffer[]) =>
    readAll(chunks).map((next) => (next.kind === "violation" ? next.violation.code : next.kind));
  assert.deepEqual(codes([...open, header(99, 0, "echo ------d")]), ["too_many_divided_messages"]);
  const parts = Array.from({ length: DIVIDED_PARTS_MAX }, () => header(7, 0, "echo ------d"));
  assert.deepEqual(codes([...parts, header(7, 0, "echo -------")]), ["too_many_parts"]);
});

test("MessageReader bounds all divided messages of a connection together", () => {
  const partBytes = MESSAGE_BYTES_MAX / 8;
  const part = (counter: number) =>
    Buffer.concat([header(counter, partBytes, "echo ------d"), Buffer.alloc(partBytes)]);
  const reader = new MessageReader({ isAdmitted: true });
  for (let counter = 0; counter < 8; counter++) {
    reader.push(part(counter));
    assert.equal(reader.next(), null);
  }
  reader.push(Buffer.concat([header(1, 1, "echo -------"), Buffer.of(0)]));
  const next = reader.next();
  assert.equal(next?.kind === "violation" && next.violation.code, "payload_too_large");
});

test("MessageReader survives damaged streams", () => {
  const random = new SeededRandom(20);
  for (let round = 0; round < 2000; round++) {
    const bytes = random.mutate(STREAM);
    const cut = random.below(bytes.length + 1);
    const whole = readAll([bytes], round % 2 === 0);
    assert.deepEqual(readAll([bytes.subarray(0, cut), bytes.subarray(cut)], round % 2 === 0), whole);
  }
});
