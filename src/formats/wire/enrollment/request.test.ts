/**
 * Goal: the request line means what the peer takes it for, and a hostile one is refused in bounds.
 * Method: tables from the grammar (the vectors are driven by `enrollment.spec.test.ts`); the known attacks on the peer's
 * reader; damaged copies of a full line.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpAddress } from "#model/address.ts";
import { Secret } from "#model/secret.ts";
import { SeededRandom } from "#testing/random.ts";
import { parseRequest, type RequestSettings } from "./request.ts";
import { REQUEST_LINE_BYTES_MAX } from "./request-line.ts";

const OPEN: RequestSettings = {
  password: null,
  managerVersion: "v4.14.7",
  allowHigherVersions: false,
  useSourceIp: false,
};
const FULL = `OSSEC A:'node-1' V:'v4.14.7' G:'web,db' IP:'10.1.2.3' K:'${"a".repeat(40)}'`;
const PEER = parseIpAddress("198.51.100.20");

function parse(line: string, settings: Partial<RequestSettings> = {}) {
  assert.ok(PEER !== null);
  return parseRequest(line, { ...OPEN, ...settings }, PEER);
}

/** The refusal's text, or the fields that were read. */
function outcome(line: string, settings?: Partial<RequestSettings>): string {
  const result = parse(line, settings);
  if (!result.ok) return result.text;
  const { name, version, groups, address, keyHash } = result;
  return [name, version ?? "-", groups.join("+") || "-", address.text, keyHash ?? "-"].join(" ");
}

test("parseRequest() reads the fields at their places and ignores what follows", () => {
  const rows: readonly (readonly [string, string])[] = [
    [FULL, `node-1 v4.14.7 web+db 10.1.2.3 ${"a".repeat(40)}`],
    ["OSSEC A:'node-1'", "node-1 - - any -"],
    ["OSSEC A:'node-1' G:'web'", "node-1 - web any -"],
    ["OSSEC A:'node-1' K:'abc'", "node-1 - - any abc"],
    ["OSSEC A:'node-1' IP:'src'", "node-1 - - 198.51.100.20 -"],
    ["OSSEC A:'node-1' IP:'src…'", "node-1 - - 198.51.100.20 -"],
    ["OSSEC A:'node-1' IP:'any'", "node-1 - - any -"],
    ["OSSEC A:'node-1' IP:'10.0.0.0/255.0.0.0'", "node-1 - - 10.0.0.0/8 -"],
    ["OSSEC A:'node-1' IP:'2001:db8::1'", "node-1 - - 2001:0DB8:0000:0000:0000:0000:0000:0001 -"],
    ["OSSEC A:'node-1' IP:'::ffff:10.1.2.3'", "node-1 - - 10.1.2.3 -"],
    ["OSSEC A:'node-1' G:'web' V:'v9.0'", "node-1 - web any -"],
    ["OSSEC A:'node-1'  V:'v9.0'", "node-1 - - any -"],
    ["OSSEC A:'node-1'V:'v9.0'", "node-1 - - any -"],
    ["OSSEC A:'node-1' X:'1' G:'web'", "node-1 - - any -"],
    ["OSSEC A:'node-1' V:''", "node-1  - any -"],
  ];
  for (const [line, expected] of rows) assert.equal(outcome(line), expected, line);
  assert.equal(outcome("OSSEC A:'node-1'", { useSourceIp: true }), "node-1 - - 198.51.100.20 -");
  assert.equal(outcome("OSSEC A:'node-1' IP:'any'", { useSourceIp: true }), "node-1 - - any -");
});

test("parseRequest() refuses at the first check that fails", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", "ERROR: Invalid request for new agent"],
    [" OSSEC A:'node-1'", "ERROR: Invalid request for new agent"],
    ["ossec A:'node-1'", "ERROR: Invalid request for new agent"],
    ["OSSEC A:''", "ERROR: Invalid agent name: "],
    ["OSSEC A:'a' V:'v9.0", "ERROR: Invalid agent name: a"],
    ["OSSEC A:'node-1' V:'v9.0 G:", "ERROR: Unterminated version field"],
    ["OSSEC A:'node-1' V:'v9.0' G:'", "ERROR: Agent version must be lower or equal to manager version"],
    ["OSSEC A:'node-1' V:'v4.0' G:'web", "ERROR: Unterminated group field"],
    ["OSSEC A:'node-1' G:'a,' IP:'x", "ERROR: Invalid group name: a,... cannot start or end with ','"],
    ["OSSEC A:'node-1' IP:'10.1.2.3", "ERROR: Unterminated IP field"],
    ["OSSEC A:'node-1' IP:'10.1. 2.3'", "ERROR: Unterminated IP field"],
    [`OSSEC A:'node-1' IP:'${"1".repeat(47)}'`, "ERROR: Unterminated IP field"],
    [`OSSEC A:'node-1' IP:'${"1".repeat(46)}'`, `ERROR: Invalid IP: ${"1".repeat(46)}`],
    ["OSSEC A:'node-1' IP:''", "ERROR: Invalid IP: "],
    ["OSSEC A:'node-1' IP:'x' K:'", "ERROR: Invalid IP: x"],
    ["OSSEC A:'node-1' K:'abc", "ERROR: Unterminated key field"],
    [`OSSEC A:'node-1' K:'${"a".repeat(41)}'`, "ERROR: Unterminated key field"],
  ];
  for (const [line, expected] of rows) assert.equal(outcome(line), expected, line);
});

test("parseRequest() takes the password whole", () => {
  const password = new Secret("s3cret pass");
  const accepted = "OSSEC PASS: s3cret pass OSSEC A:'node-1'";
  assert.equal(outcome(accepted, { password }), "node-1 - - any -");
  for (const line of [
    "OSSEC A:'node-1'",
    "OSSEC PASS: s3cret OSSEC A:'node-1'",
    "OSSEC PASS: s3cret pas OSSEC A:'node-1'",
    "OSSEC PASS: s3cret passOSSEC A:'node-1'",
    "OSSEC PASS: s3cret pass",
    "OSSEC PASS: S3cret pass OSSEC A:'node-1'",
    "OSSEC PASS:  OSSEC A:'node-1'",
    "OSSEC PASS: **** OSSEC A:'node-1'",
    "",
  ]) {
    assert.equal(outcome(line, { password }), "ERROR: Invalid password", line);
  }
  assert.equal(
    outcome("OSSEC PASS: s3cret pass OSSEC B:", { password }),
    "ERROR: Invalid request for new agent",
  );
  assert.equal(outcome(accepted), "ERROR: Invalid request for new agent", "no password is wanted");
});

test("parseRequest() logs what was received, then why it was refused", () => {
  const refused = parse("OSSEC A:'a/b'");
  assert.deepEqual(refused.logs, [
    { level: "info", text: "Received request for a new agent (a/b) from: 198.51.100.20" },
    { level: "error", text: "Invalid agent name: a/b from 198.51.100.20" },
  ]);
});

test("parseRequest() withstands the attacks known against the peer", () => {
  for (const digits of [9, 10, 64, 4096]) {
    const version = `v4.14.${"7".repeat(digits)}`;
    assert.equal(outcome(`OSSEC A:'node-1' V:'${version}'`), `node-1 ${version} - any -`);
    const tooHigh = `OSSEC A:'node-1' V:'v${"9".repeat(digits)}'`;
    assert.equal(outcome(tooHigh), "ERROR: Agent version must be lower or equal to manager version");
  }
  for (const name of [".", "..", ".x", "a/b", "../x", "a\0b", "a\rb", "x".repeat(129)]) {
    assert.equal(outcome(`OSSEC A:'${name}'`), `ERROR: Invalid agent name: ${name}`);
  }
  // These pass the syntax of a list and are refused when the folders are looked up.
  for (const group of ["..", "a,.."]) assert.ok(parse(`OSSEC A:'node-1' G:'${group}'`).ok, group);
  for (const group of ["../x", "a\0", "x".repeat(300)])
    assert.ok(!parse(`OSSEC A:'node-1' G:'${group}'`).ok, group);
});

test("parseRequest() bounds its answer and its log lines and keeps control characters out of these", () => {
  const name = "\r\n\x1b[31m\0".repeat(8000);
  const line = `OSSEC A:'${name}'`;
  assert.ok(line.length < REQUEST_LINE_BYTES_MAX);
  const refused = parse(line);
  assert.ok(!refused.ok);
  assert.ok(refused.text.length <= 1024);
  for (const { text } of refused.logs) {
    assert.ok(text.length < 400);
    assert.doesNotMatch(text, /[\x00-\x1f]/);
  }
});

test("parseRequest() never throws", () => {
  const random = new SeededRandom(11);
  const password = new Secret("pass");
  for (let round = 0; round < 5000; round++) {
    const line = random.mutate(Buffer.from(FULL)).toString("latin1");
    outcome(line);
    outcome(`OSSEC PASS: pass ${line}`, { password });
  }
});
