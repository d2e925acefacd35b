/**
 * Goal: messages of RFC 5424 are read as it says, and nothing else is taken for one. Method: the examples of the RFC (6.5), lines as
 * senders write them, each rule of the grammar broken once, damaged messages.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { parseRfc5424 } from "./rfc5424.ts";

const FIRST =
  "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8";
const SECOND =
  "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.";
const THIRD =
  '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \xef\xbb\xbfAn application event log entry...';
const FOURTH =
  '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]';

function dataOf(message: string): Record<string, Record<string, readonly string[]>> {
  const { structuredData = new Map() } = parseRfc5424(message) ?? {};
  return Object.fromEntries([...structuredData].map(([id, params]) => [id, Object.fromEntries(params)]));
}

test("parseRfc5424() reads the examples of the RFC", () => {
  const { structuredData, ...first } = parseRfc5424(FIRST) ?? assert.fail();
  assert.equal(structuredData.size, 0);
  assert.deepEqual(first, {
    facility: "auth",
    severity: "crit",
    timestamp: "2003-10-11T22:14:15.003Z",
    hostname: "mymachine.example.com",
    appName: "su",
    processId: null,
    messageId: "ID47",
    text: "'su root' failed for lonvick on /dev/pts/8",
  });
  const second = parseRfc5424(SECOND);
  assert.deepEqual(
    [second?.facility, second?.severity, second?.timestamp, second?.processId, second?.text],
    ["local4", "notice", "2003-08-24T05:14:15.000003-07:00", "8710", "%% It's time to make the do-nuts."],
  );
  assert.equal(parseRfc5424(THIRD)?.text, "An application event log entry...");
  const example = { iut: ["3"], eventSource: ["Application"], eventID: ["1011"] };
  assert.deepEqual(dataOf(THIRD), { "exampleSDID@32473": example });
  assert.deepEqual(dataOf(FOURTH), {
    "exampleSDID@32473": example,
    "examplePriority@32473": { class: ["high"] },
  });
  assert.equal(parseRfc5424(FOURTH)?.text, "");
});

test("parseRfc5424() reads structured data with escapes, repeated names and no params", () => {
  const read = (data: string) => {
    const message = `<13>1 - h a - - ${data} text`;
    return [dataOf(message), parseRfc5424(message)?.text];
  };
  assert.deepEqual(read('[a b="\\"c\\" \\] \\\\ \\x [" b="2"][c]'), [
    { a: { b: ['"c" ] \\ \\x [', "2"] }, c: {} },
    "text",
  ]);
  assert.deepEqual(read('[a b=""][a c="\xff"]'), [{ a: { b: [""], c: ["\xff"] } }, "text"]);
  // Damaged: the text begins there.
  for (const damaged of [
    "[",
    "[]",
    '[a b="c]',
    "[a b=c]",
    '[a b="c"',
    '[a  b="c"]',
    '[a b="c"]x',
    "-x",
    "[a",
  ]) {
    assert.deepEqual(read(damaged), [{}, `${damaged} text`], damaged);
  }
});

test("parseRfc5424() reads times with and without a fraction", () => {
  for (const time of [
    "2025-11-21T10:00:00Z",
    "2025-01-31T10:00:00.1+05:30",
    "2025-11-01T10:00:00.123456-08:00",
  ]) {
    assert.equal(parseRfc5424(`<13>1 ${time} h a - - - text`)?.timestamp, time);
  }
  const others = ["2025-11-21T10:00:00", "2025-11-21T10:00:00.Z", "2025-11-21T10:00:00+0100", "Nov"];
  for (const time of [...others, "2025-13-21T10:00:00Z", "2025-00-21T10:00:00Z", "2025-11-32T10:00:00Z"]) {
    assert.equal(parseRfc5424(`<13>1 ${time} h a - - - text`), null, time);
  }
  assert.equal(parseRfc5424("<13>1 - h a - - - text")?.timestamp, null);
});

test("parseRfc5424() takes no other message for one", () => {
  const others = [
    "<13>Nov 21 10:00:00 host prog: text",
    "<13>2 - h a - - - text",
    "<192>1 - h a - - - text",
    "<013>1 - h a - - - text",
    "<>1 - h a - - - text",
    "1 - h a - - - text",
    "<13>1 - h a - - text",
    "<13>1 - h a  - - text",
    "<13>1 - h\xff a - - - text",
    "<13>1 - h a - -",
    "",
  ];
  for (const other of others) assert.equal(parseRfc5424(other), null, other);
  assert.equal(parseRfc5424("<191>1 - h a - - -")?.facility, "local7");
});

test("parseRfc5424() reads damaged and endless messages in no time", () => {
  const random = new SeededRandom(11);
  const messages = [FIRST, SECOND, THIRD, FOURTH];
  for (let round = 0; round < 5000; round++) {
    const message = random.mutate(Buffer.from(random.pick(messages), "latin1")).toString("latin1");
    const read = parseRfc5424(message);
    assert(read === null || message.includes(read.text));
  }
  const begun = performance.now();
  for (const part of ['[a b="', "\\", " b=", "[a]", '[a b="c"]', "a ", ' b="c"', '"', "]", "- "]) {
    const endless = part.repeat(60_000 / part.length);
    parseRfc5424(`<13>1 - h a - - ${endless}`);
    parseRfc5424(`<13>1 - h a - - [a${endless}`);
    parseRfc5424(`<13>1 ${endless}`);
  }
  assert(performance.now() - begun < 1000);
});
