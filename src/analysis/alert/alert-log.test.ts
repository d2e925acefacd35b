/**
 * Goal: alerts.log and archives.log have the peer's lines, and no message can forge one. Method: records written out whole; then
 * messages that try to begin or end a record, in every place where text from outside goes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture, JSON_DECODER, START_MS } from "#analysis/engine.fixture.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { RawEvent } from "#model/event-block.ts";
import { SeededRandom } from "#testing/random.ts";
import { alertLogText, archiveLogText } from "./alert-log.ts";

process.env["TZ"] = "UTC";

const SECONDS = Math.floor(START_MS / 1000);
const REMOTE = { agentId: "007", location: "(web1) 192.0.2.9->/var/log/x" };
const ANY = '<rule id="100001" level="5"><regex>\\.</regex><description>got $(my.field)</description></rule>';
const PAIR = `<rule id="100001" level="5"><match>x</match><description>base</description></rule>
  <rule id="100002" level="7" frequency="2"><if_matched_sid>100001</if_matched_sid><description>again</description></rule>`;

/** The record of the last of these events. */
function alertText(rules: string, messages: readonly string[], raw: Partial<RawEvent> = {}): string {
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules });
  const last = messages.map((message) => fixture.process(message, { position: 99, ...raw })).at(-1);
  assert(last !== undefined && last.verdict !== null);
  return alertLogText(last.event, last.verdict, new LocalClock());
}

function archiveText(message: string, raw: Partial<RawEvent> = {}): string {
  const { event } = new EngineFixture({}).process(message, raw);
  return archiveLogText(event, new LocalClock());
}

test("alertLogText() writes the lines of the peer", () => {
  const rules =
    '<rule id="100001" level="5"><decoded_as>json</decoded_as><description>user $(dstuser)</description></rule>';
  const fields = {
    dstuser: "joe",
    dstport: "22",
    dstip: "10.0.0.2",
    srcport: "4000",
    srcip: "10.0.0.1",
    "my.field": "v",
    empty: "",
    other: "w",
  };
  const message = JSON.stringify(fields);
  const expected = [
    `** Alert ${SECONDS}.99: - local,`,
    "2026 Nov 21 06:44:10 manager->/var/log/test.log",
    "Rule: 100001 (level 5) -> 'user joe'",
    "Src IP: 10.0.0.1",
    "Src Port: 4000",
    "Dst IP: 10.0.0.2",
    "Dst Port: 22",
    "User: joe",
    message,
    "my.field: v",
    "other: w",
    "",
    "",
  ];
  assert.equal(alertText(rules, [message]), expected.join("\n"));
});

test("alertLogText() marks mails, and shows no host for an agent's location", () => {
  const rules = ANY.replace('level="5"', 'level="12"');
  const expected = [
    `** Alert ${SECONDS}.99: mail  - local,`,
    "2026 Nov 21 06:44:10 (web1) 192.0.2.9->/var/log/x",
    "Rule: 100001 (level 12) -> 'got '",
    "a tab\tand bytes \x80\xff",
    "",
    "",
  ];
  assert.equal(alertText(rules, ["a tab\tand bytes \x80\xff"], REMOTE), expected.join("\n"));
});

test("alertLogText() shows earlier logs, one a line, from the first on", () => {
  const lines = alertText(PAIR, ["x one", "x two"]).split("\n");
  assert.deepEqual(lines.slice(3), ["x two", "x one", "", ""]);
});

test("alertLogText() shows the local time and the host name of the header", () => {
  process.env["TZ"] = "America/New_York";
  const [, second] = alertText(ANY, ["Nov 21 01:02:03 db1 app: x"]).split("\n");
  process.env["TZ"] = "UTC";
  assert.equal(second, "2026 Nov 21 01:44:10 db1->/var/log/test.log");
});

test("alertLogText() keeps the lines of a message of several lines", () => {
  assert.deepEqual(alertText(ANY, ["first\n  second\nthird"]).split("\n").slice(3), [
    "first",
    "  second",
    "third",
    "",
    "",
  ]);
});

test("alertLogText() shows control bytes as hex", () => {
  const [line] = alertText(ANY, ["a\u001b[2Jb\rc\u0007d\u007fe\vf"]).split("\n").slice(3);
  assert.equal(line, "a\\x1b[2Jb\\x0dc\\x07d\\x7fe\\x0bf");
});

const FORGED = `** Alert ${SECONDS}.9999999999:  - fake,\n2026 Nov 21 06:44:10 vm->/x\nRule: 1 (level 15) -> 'fake'`;
const HOSTILE = [
  FORGED,
  `x\n\n${FORGED}`,
  `x\n${FORGED}\n\n`,
  `\n${FORGED}`,
  "\n",
  "\n\n\n",
  "",
  " ",
  `x\r\n\r\n${FORGED}\r\n`,
  `x\u001b[1A\u001b[2K\r${FORGED}`,
  `x\u2028${FORGED}`.replaceAll(/[^\0-\xff]/g, "?"),
  `x\x85${FORGED}`,
];

/** What readers take for records: the one begins with its own number, and no other place looks like a beginning or an end. */
function assertOneRecord(text: string, position: number): void {
  assert(text.startsWith(`** Alert ${SECONDS}.${position}:`), JSON.stringify(text));
  assert.equal(
    text.split("\n").filter((line) => line.startsWith("** Alert ")).length,
    1,
    JSON.stringify(text),
  );
  assert.equal(text.indexOf("\n\n"), text.length - 2, JSON.stringify(text));
  assert.doesNotMatch(text, /[\0-\x08\x0b-\x1f\x7f]/);
}

test("alertLogText() lets no text from outside begin or end a record", () => {
  const fixture = new EngineFixture({
    decoders: JSON_DECODER,
    rules: `${PAIR.replace("<match>x</match>", "<regex>\\.</regex>")}`,
  });
  const clock = new LocalClock();
  for (const hostile of HOSTILE) {
    const { event, verdict } = fixture.process("a message");
    const { verdict: second } = fixture.process("a message");
    assert(verdict !== null && second !== null);
    event.fullLog = hostile;
    event.location = `/var/log/${hostile}`;
    event.hostname = hostile;
    for (const field of ["srcip", "srcport", "dstip", "dstport", "dstuser"] as const)
      event.setStatic(field, hostile);
    event.addDynamic(hostile, "value");
    event.addDynamic("name", hostile);
    const withPrevious = { ...second, previousLogs: [hostile, hostile] };
    assertOneRecord(alertLogText(event, verdict, clock), event.position);
    assertOneRecord(alertLogText(event, withPrevious, clock), event.position);
  }
});

test("alertLogText() puts no line feed into the lines of a record's head", () => {
  const rules =
    '<rule id="100001" level="5"><decoded_as>json</decoded_as><description>got $(my.field)</description></rule>';
  const message = JSON.stringify({ "my.field": "a\nRule: 1 (level 15) -> 'b'", srcip: "1\nUser: root" });
  const lines = alertText(rules, [message], { location: "/x\nRule: 2 (level 15) -> 'c'" }).split("\n");
  assert.deepEqual(lines.slice(1, 4), [
    "2026 Nov 21 06:44:10 manager->/x\\x0aRule: 2 (level 15) -> 'c'",
    "Rule: 100001 (level 5) -> 'got a\\x0aRule: 1 (level 15) -> 'b''",
    "Src IP: 1\\x0aUser: root",
  ]);
});

test("alertLogText() makes one record of any message", () => {
  const random = new SeededRandom(12);
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules: ANY });
  const clock = new LocalClock();
  for (let round = 0; round < 2000; round++) {
    const message = random.mutate(Buffer.from(random.pick(HOSTILE), "latin1")).toString("latin1");
    const { event, verdict } = fixture.process(`.${message}`);
    assert(verdict !== null);
    event.fullLog = message;
    assertOneRecord(alertLogText(event, verdict, clock), event.position);
  }
});

test("archiveLogText() writes the peer's line", () => {
  assert.equal(archiveText("a message"), "2026 Nov 21 06:44:10 manager->/var/log/test.log a message\n");
  assert.equal(archiveText("a message", REMOTE), `2026 Nov 21 06:44:10 ${REMOTE.location} a message\n`);
  assert.equal(archiveText("one\ntwo"), "2026 Nov 21 06:44:10 manager->/var/log/test.log one\ntwo\n");
});

test("archiveLogText() lets no message forge another line", () => {
  const forged = "2026 Nov 21 06:44:10 vm->/var/log/auth.log root logged in";
  const lines = archiveText(`x\n${forged}\n\r\n${forged}`).split("\n");
  assert.equal(lines.filter((line) => /^\d{4} /.test(line)).length, 1);
  assert.deepEqual(lines.slice(1), [` ${forged}`, "\\x0d", ` ${forged}`, ""]);
});
