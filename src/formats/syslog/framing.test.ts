/**
 * Goal: one stream of bytes has one reading, and no stream holds memory or loses what comes behind it. Method: streams whose messages
 * are known, delivered whole, byte by byte and cut at every position; hostile lengths; damaged streams.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { SyslogFramer } from "./framing.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";

/** Streams, written by hand from RFC 6587, and their messages. */
const STREAMS: readonly (readonly [stream: string, messages: readonly string[]])[] = [
  ["<13>a\n<13>b\n", ["<13>a", "<13>b"]],
  ["<13>a\r\n\r\n\n<13>b\n", ["<13>a", "<13>b"]],
  ["<13>a\0<13>b\0\n<13>c\n", ["<13>a", "<13>b", "<13>c"]],
  ["5 <13>a6 <13>bb5 <13>c", ["<13>a", "<13>bb", "<13>c"]],
  ["7 <13>a\nb\n6 <13>a\n<13>x\n5 <13>c", ["<13>a\nb", "<13>a", "<13>x", "<13>c"]],
  ["no priority\n12 apples\n<13>x\n", ["no priority", "12 apples", "<13>x"]],
  [
    "2015 Dec 29 10:00:01 host a: b\n1140804070.368 9\n",
    ["2015 Dec 29 10:00:01 host a: b", "1140804070.368 9"],
  ],
  // No lengths: zero, a leading zero, a sign, too many digits, no space.
  ["0 <13>a\n05 <13>a\n-5 <13>a\n+5 <13>a\n", ["0 <13>a", "05 <13>a", "-5 <13>a", "+5 <13>a"]],
  ["1000000000000 <13>a\n5<13>a\n5 5 <13>a\n", ["1000000000000 <13>a", "5<13>a", "5 5 <13>a"]],
  ["1 <2 <\n\n<13>\n", ["<", "<", "<13>"]],
  ["\x80\xff\x01\x1b[2J\n9\n9 \n", ["\x80\xff\x01\x1b[2J", "9", "9 "]],
];

function readAll(chunks: readonly Buffer[], framer = new SyslogFramer()): string[] {
  const messages: string[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let framed = framer.next(); framed !== null; framed = framer.next()) {
      messages.push(`${framed.message.toString("latin1")}${framed.cut ? " (cut)" : ""}`);
    }
  }
  return messages;
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

test("SyslogFramer reads the same messages however the stream is cut", () => {
  for (const [text, messages] of STREAMS) {
    const stream = bytesOf(text);
    assert.deepEqual(readAll([stream]), messages, text);
    assert.deepEqual(readAll(Array.from(stream, (byte) => Buffer.of(byte))), messages, text);
    for (let cut = 0; cut <= stream.length; cut++) {
      const read = readAll([stream.subarray(0, cut), stream.subarray(cut)]);
      assert.deepEqual(read, messages, `${text} cut at ${cut}`);
    }
  }
});

test("SyslogFramer gives the part of a message that came before the end", () => {
  for (const text of ["<13>abc", "9 <13>abc", "12", "12 ", "<13>abc\r"]) {
    const framer = new SyslogFramer();
    assert.deepEqual(readAll([bytesOf(text)], framer), []);
    const rest = text.startsWith("9") ? "<13>abc" : text.replace("\r", "");
    assert.equal(framer.flush()?.message.toString("latin1"), rest);
    assert.equal(framer.flush(), null);
  }
  const whole = new SyslogFramer();
  readAll([bytesOf("<13>abc\n")], whole);
  assert.equal(whole.flush(), null);
});

test("SyslogFramer cuts a message at its limit and goes on behind it", () => {
  const long = "x".repeat(MESSAGE_BYTES_MAX);
  const cut = [`${long} (cut)`, "<1>b"];
  for (const step of [1000, 65_536, 1_000_000]) {
    for (const stream of [`${long}yyy\n<1>b\n`, `${MESSAGE_BYTES_MAX + 3} <${long}yy4 <1>b`]) {
      const bytes = bytesOf(stream);
      const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) =>
        bytes.subarray(index * step, (index + 1) * step),
      );
      const messages = stream.startsWith("x") ? cut : [`<${long.slice(1)} (cut)`, "<1>b"];
      assert.deepEqual(readAll(chunks), messages);
    }
  }
  assert.deepEqual(readAll([bytesOf(`${MESSAGE_BYTES_MAX + 1} <${long}4 <1>b`)]), [
    `<${long.slice(1)} (cut)`,
    "<1>b",
  ]);
  assert.deepEqual(readAll([bytesOf(`${long}\n`)]), [long]);
  assert.deepEqual(readAll([bytesOf(`${MESSAGE_BYTES_MAX} <${long.slice(1)}`)]), [`<${long.slice(1)}`]);
});

test("SyslogFramer.flush() in the middle of a message skips the rest of it alone", () => {
  for (const [first, second] of [
    ["<1>aaa", "bbb\n<1>c\n"],
    ["10 <1>aaa", "bbbb<1>c\n"],
  ] as const) {
    const framer = new SyslogFramer();
    readAll([bytesOf(first)], framer);
    assert.deepEqual([framer.flush()?.message.toString(), framer.heldBytes], ["<1>aaa", 0]);
    assert.deepEqual(readAll([bytesOf(second)], framer), ["<1>c"]);
  }
});

test("SyslogFramer holds one message at most, whatever comes", () => {
  const framer = new SyslogFramer();
  for (const part of ["9999999 <", "x".repeat(50_000), "y".repeat(100_000), "\0\n"]) {
    readAll([bytesOf(part)], framer);
    assert(framer.heldBytes <= MESSAGE_BYTES_MAX);
  }
  const random = new SeededRandom(7);
  for (let round = 0; round < 3000; round++) {
    const [text] = random.pick(STREAMS);
    const hostile = new SyslogFramer();
    const messages = readAll([random.mutate(bytesOf(text)), random.mutate(bytesOf(text))], hostile);
    assert(messages.every((message) => message.length > 0 && message.length <= MESSAGE_BYTES_MAX));
    assert(hostile.heldBytes <= 2 * text.length + 100);
  }
});

test("SyslogFramer takes no longer than linear time", () => {
  const framer = new SyslogFramer();
  const begun = performance.now();
  for (let index = 0; index < MESSAGE_BYTES_MAX; index++) readAll([Buffer.of(0x78)], framer); // a trickle
  readAll([bytesOf("\n".repeat(1_000_000)), bytesOf("\0".repeat(1_000_000)), bytesOf("a\n".repeat(200_000))]);
  assert(performance.now() - begun < 2000);
});
