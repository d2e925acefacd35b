/** Lines of enrollment clients: the same however they are cut, and what is accepted is safe as a name, a group and an address. */
import assert from "node:assert/strict";
import { parseRequest } from "#formats/wire/enrollment/request.ts";
import { RequestLineReader } from "#formats/wire/enrollment/request-line.ts";
import { parseIpAddress } from "#model/address.ts";
import { Secret } from "#model/secret.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const LINES = [
  `OSSEC A:'node-1' V:'v4.14.7' G:'web,db' IP:'10.1.2.3' K:'${"a".repeat(40)}'\n`,
  "OSSEC PASS: secret OSSEC A:'node-1'\n",
  "OSSEC A:'node-1' IP:'src'",
  "OSSEC A:'node-1' G:'..' V:'v9.9.9'\n",
];
const WORDS = [
  "OSSEC ",
  "PASS: ",
  "A:'",
  "V:'",
  "G:'",
  "IP:'",
  "K:'",
  "'",
  "..",
  "/",
  ",",
  "src",
  "::1",
  "\n",
  "10.0.0.0/8",
  "x".repeat(130),
];
const PIECE_BYTES = 7;
const peerAddress = parseIpAddress("198.51.100.20");
assert(peerAddress !== null);
const peer = peerAddress;

const OPEN = { password: null, managerVersion: "v4.14.7", allowHigherVersions: false, useSourceIp: false };
const SETTINGS = [
  OPEN,
  { ...OPEN, password: new Secret("secret"), useSourceIp: true, allowHigherVersions: true },
];

function lineOf(chunks: readonly Buffer[]): string | null {
  const reader = new RequestLineReader();
  for (const chunk of chunks) {
    const result = reader.push(chunk);
    if (result.code === "line") return result.line;
    if (result.code === "too_long") return null;
  }
  return reader.rest();
}

function run(input: string): void {
  const bytes = Buffer.from(input, "latin1");
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
    bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  );
  const line = lineOf([bytes]);
  assert.equal(lineOf(pieces), line);
  if (line === null) return;
  for (const settings of SETTINGS) {
    const request = parseRequest(line, settings, peer);
    if (!request.ok) {
      assert.match(request.text, /^ERROR: [^\n]+$/);
      continue;
    }
    const { name, groups, logs } = request;
    assert.match(name, /^[\w.-]{2,128}$/);
    assert(name !== "." && name !== "..");
    for (const group of groups) assert(!group.includes("'"));
    for (const { text } of logs) assert(!/[\x00-\x1f\x7f]/.test(text), "a control byte in the log");
  }
}

export const enrollmentTarget: Target = {
  make: (random) => damagedText(random, random.pick(LINES), WORDS),
  change: (random, input) => damagedText(random, input, WORDS),
  run,
};
