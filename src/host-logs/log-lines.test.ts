/**
 * Goal: each format makes its messages of the same bytes however they arrive. Method: the formats' descriptions as cases; chunks
 * cut at every position must give the messages of the whole.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LINE_BYTES_MAX } from "./limits.ts";
import { type Following, type LineFormat, parseLineFormat, shapeLines, splitLines } from "./log-lines.ts";

function texts(format: string, log: string, following: Following = "end"): string[] {
  return shape(format, log, following).messages.map(({ text }) => text);
}

function shape(format: string, log: string, following: Following) {
  return shapeLines(formatOf(format), splitLines(Buffer.from(log, "latin1")), following);
}

function formatOf(text: string): LineFormat {
  const format = parseLineFormat(text);
  assert.ok(format, text);
  return format;
}

const AUDIT_LOG = [
  "type=SYSCALL msg=audit(1.1:1): a\n",
  "type=CWD msg=audit(1.1:1): b\n",
  "not audit\n",
  "type=SYSCALL msg=audit(1.1:2): c\n",
  "type=EOE msg=audit(1.1:3): d\n",
].join("");
const AUDIT_MESSAGES = [
  "type=SYSCALL msg=audit(1.1:1): a type=CWD msg=audit(1.1:1): b",
  "type=SYSCALL msg=audit(1.1:2): c",
  "type=EOE msg=audit(1.1:3): d",
];

test("splitLines() leaves the incomplete line, cuts the CR and drops NUL bytes", () => {
  const lines = splitLines(Buffer.from("a\r\n\0\0b\xff\n\nc\rd\nrest", "latin1"));
  assert.deepEqual(
    lines.map(({ text, end }) => [text, end]),
    [
      ["a", 3],
      ["b\xff", 8],
      ["", 9],
      ["c\rd", 13],
    ],
  );
});

test("splitLines() cuts a line at the limit, not one byte before", () => {
  const longest = "x".repeat(LINE_BYTES_MAX);
  const lines = splitLines(Buffer.from(`${longest}\n${longest}y\n`));
  assert.deepEqual(
    lines.map(({ text, wasCut }) => [text.length, wasCut]),
    [
      [LINE_BYTES_MAX, false],
      [LINE_BYTES_MAX, true],
    ],
  );
});

test("shapeLines() sends plain lines and skips empty ones", () => {
  assert.deepEqual(texts("syslog", "a\n\nb\n"), ["a", "b"]);
  assert.equal(shape("apache", "a\n\n", "end").consumed, 3);
});

test("shapeLines() sends JSON objects unchanged and counts other lines", () => {
  const log = '{"a": 1}\n[1]\n{"a"\ntext\n\n  {"b":"\xe9"}\n';
  assert.deepEqual(texts("json", log), ['{"a": 1}', '  {"b":"\xe9"}']);
  assert.equal(shape("json", log, "end").discarded, 3);
});

test("shapeLines() joins the audit lines of one event", () => {
  assert.deepEqual(texts("audit", AUDIT_LOG), AUDIT_MESSAGES);
  assert.deepEqual(texts("audit", AUDIT_LOG, "more"), AUDIT_MESSAGES.slice(0, 2), "the last may go on");
  assert.equal(shape("audit", AUDIT_LOG, "end").discarded, 1);
});

test("shapeLines() joins a number of lines and waits for the last group", () => {
  assert.deepEqual(texts("multi-line:2", "a\nb\nc\nd\ne\n"), ["a b", "c d"]);
  assert.equal(shape("multi-line:2", "a\nb\nc\n", "end").consumed, 4);
  assert.deepEqual(texts("multi-line:2", "a\nb\nc\n", "nothing"), ["a b", "c"]);
});

test("shapeLines() gives the same messages wherever a chunk ends", () => {
  const cases: readonly [string, string, readonly string[]][] = [
    ["syslog", "one\ntwo\n\nthree\n", ["one", "two", "three"]],
    ["audit", AUDIT_LOG, AUDIT_MESSAGES],
    ["multi-line:2", "a\nb\nc\nd\n", ["a b", "c d"]],
  ];
  for (const [format, log, expected] of cases) {
    for (let cut = 0; cut <= log.length; cut++) {
      const first = shape(format, log.slice(0, cut), "more");
      const second = shape(format, log.slice(first.consumed), "nothing");
      const got = [...first.messages, ...second.messages].map(({ text }) => text);
      assert.deepEqual(got, expected, `${format} cut at ${cut}`);
    }
  }
});

test("parseLineFormat() knows what is read from files here", () => {
  assert.deepEqual(parseLineFormat("multi-line:3"), { kind: "multi_line", lines: 3 });
  for (const text of [
    "command",
    "full_command",
    "eventchannel",
    "multi-line:0",
    "multi-line:x",
    "",
    "snort-full",
  ]) {
    assert.equal(parseLineFormat(text), null, text);
  }
});
