/**
 * Goal: what becomes of a message is a line whose header 4.x engines read, with all of the message in it. Method: the examples of the
 * RFC, lines as Docker's log driver and util-linux write them, names that a header cannot hold; the JSON is read by `JSON.parse()`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { toClassicLine } from "./classic-line.ts";
import { STRUCTURED_CHARS_MAX } from "./limits.ts";

const ORIGIN = { address: "192.0.2.7", receivedMs: Date.UTC(2025, 10, 21, 10, 0, 0, 5) };
const LINE = /^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (\S+) ([^[]*(?:\[\d+\]: )?)\[ID (\{[^\]]*\})\] (.*)$/s;

type Parts = readonly [time: string, host: string, program: string, fields: unknown, text: string];

function partsOf(message: string, origin = ORIGIN): Parts {
  const line = toClassicLine(message, origin) ?? assert.fail(message);
  const [, time = "", host = "", program = "", json = "", text = ""] = LINE.exec(line) ?? assert.fail(line);
  return [time, host, program, JSON.parse(json).syslog, text];
}

test("toClassicLine() keeps host, program, process and text, and the rest as fields", () => {
  const message =
    '<165>1 2003-10-11T22:14:15.003Z web1.example.com app 8710 ID47 [x@32473 a="1" b="]\\"" a="2"][y] text: here';
  assert.deepEqual(partsOf(message), [
    "Oct 11 22:14:15",
    "web1.example.com",
    "app[8710]: ",
    {
      facility: "local4",
      severity: "notice",
      timestamp: "2003-10-11T22:14:15.003Z",
      appname: "app",
      procid: "8710",
      msgid: "ID47",
      structured_data: { "x@32473": { a: "1,2", b: ']"' }, y: {} },
    },
    "text: here",
  ]);
});

test("toClassicLine() stands in for what a message lacks, and for names that no header can hold", () => {
  const lacking = "Nov 21 10:00:00";
  const fields = { facility: "user", severity: "notice" };
  assert.deepEqual(partsOf("<13>1 - - - - - - hello"), [lacking, "192.0.2.7", "", fields, "hello"]);
  assert.equal(partsOf("<13>1 - - - - - -   indented")[4], " indented");
  const ipv6 = { ...ORIGIN, address: "2001:0DB8::1" };
  assert.equal(partsOf("<13>1 - - - - - - hello", ipv6)[1], "2001_0DB8__1");
  const [, host, program, more] = partsOf("<13>1 - fe80::1 nginx:1.27/web worker-1 - - hello");
  assert.deepEqual([host, program], ["fe80__1", "nginx_1.27/web: "]);
  assert.deepEqual(more, { ...fields, appname: "nginx:1.27/web", procid: "worker-1" });
});

test("toClassicLine() names the container of Docker's tags", () => {
  const containerOf = (tag: string, messageId = tag) => {
    const [, , program, fields] = partsOf(
      `<30>1 2025-11-21T10:00:00Z docker1 ${tag} 812 ${messageId} - GET /`,
    );
    return [program, (fields as { readonly container_id?: string }).container_id];
  };
  const long = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
  assert.deepEqual(containerOf("2c26b46b68ff"), ["2c26b46b68ff[812]: ", "2c26b46b68ff"]);
  assert.deepEqual(containerOf("nginx/web/2c26b46b68ff"), ["nginx/web/2c26b46b68ff[812]: ", "2c26b46b68ff"]);
  assert.deepEqual(containerOf(`web.${long}`)[1], long);
  assert.deepEqual(containerOf("web")[1], undefined);
  assert.deepEqual(containerOf("x2c26b46b68ff")[1], undefined);
  assert.deepEqual(containerOf("2c26b46b68ff", "-")[1], undefined);
  // rfc5424micro differs in the time alone.
  const micro = partsOf("<30>1 2025-11-01T10:00:00.123456+01:00 docker1 web 812 web - x");
  assert.equal(micro[0], "Nov  1 10:00:00");
  assert.equal((micro[3] as { readonly timestamp: string }).timestamp, "2025-11-01T10:00:00.123456+01:00");
});

test("toClassicLine() leaves other messages alone", () => {
  assert.equal(toClassicLine("<30>Nov 21 10:00:00 docker1 2c26b46b68ff[812]: GET /", ORIGIN), null);
});

test("toClassicLine() bounds the fields and keeps the text", () => {
  const many = Array.from({ length: 5000 }, (_, index) => ` n${index}="${"v".repeat(5)}"`).join("");
  const [, , , fields, text] = partsOf(`<13>1 - h a - - [x${many}] the text`);
  assert.equal(text, "the text");
  const { structured_data: data, truncated } = fields as Record<string, unknown>;
  assert.equal(truncated, "true");
  const written = JSON.stringify(data).length;
  assert(written > STRUCTURED_CHARS_MAX * 0.9 && written < STRUCTURED_CHARS_MAX * 1.2);
});

test("toClassicLine() writes JSON without `]` whatever the values are", () => {
  const random = new SeededRandom(5);
  const message = Buffer.from('<13>1 - h a 1 m [x a="\\]" b="\xff\x01"][y@1 c="d"] text', "latin1");
  let read = 0;
  for (let round = 0; round < 5000; round++) {
    const line = toClassicLine(random.mutate(message).toString("latin1"), ORIGIN);
    const json = line === null ? undefined : LINE.exec(line)?.[4];
    if (json === undefined) continue;
    assert.equal(typeof JSON.parse(json).syslog, "object");
    read++;
  }
  assert(read > 1000);
});
