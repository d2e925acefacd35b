/**
 * Goal: a header is cut where the peer cuts it. Method: the peer's answers (vectors), one line of each format worked out
 * by hand from the format's description, every format cut at every length, and damaged lines.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { predecode, shownHostname } from "./predecode.ts";

interface VectorPredecoder {
  readonly timestamp?: string;
  readonly hostname?: string;
  readonly program_name?: string;
}

type Expected = [log: string, timestamp: string | null, hostname: string | null, programName: string | null];

/** One line for each branch of the header formats, and what the peer makes of it. */
const LINES: readonly (readonly [line: string, ...expected: Expected])[] = [
  ["Dec 29 10:00:01 host prog: text", "text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01  host prog: text", "text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01 host prog:text", "text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01 host prog:  text", " text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01 host prog[12]:text", "text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01 host prog[12] text", "text", "Dec 29 10:00:01", "host", "prog"],
  ["Dec 29 10:00:01 host prog[12]x text", "prog[12]x text", "Dec 29 10:00:01", "host", null],
  ["Dec 29 10:00:01 host prog[x]: text", "prog[x]: text", "Dec 29 10:00:01", "host", null],
  ["Dec 29 10:00:01 host p/(a.b)@c_-d: text", "text", "Dec 29 10:00:01", "host", "p/(a.b)@c_-d"],
  ["Dec 29 10:00:01 host : text", "text", "Dec 29 10:00:01", "host", ""],
  ["Dec 29 10:00:01 host %ASA-6: text", "%ASA-6: text", "Dec 29 10:00:01", "host", null],
  ["Dec 29 10:00:01 prog: text", "text", "Dec 29 10:00:01", null, "prog"],
  ["Dec 29 10:00:01 prog: [ID 197 auth.notice] text", "text", "Dec 29 10:00:01", null, "prog"],
  ["Dec 29 10:00:01 fe80::1 prog: text", "fe80::1 prog: text", "Dec 29 10:00:01", null, null],
  ["Dec 29 10:00:01 sol prog: [ID 197 auth.notice] text", "text", "Dec 29 10:00:01", "sol", "prog"],
  ["Dec 29 10:00:01 sol prog[3]: [ID 197 auth.notice]xtext", "text", "Dec 29 10:00:01", "sol", "prog"],
  ["Dec 29 10:00:01 sol prog: [ID 197]", "", "Dec 29 10:00:01", "sol", "prog"],
  ["Dec 29 10:00:01 sol prog: [ID 197", "[ID 197", "Dec 29 10:00:01", "sol", "prog"],
  ["Dec 29 10:00:01 sol prog [ID 197] text", "prog [ID 197] text", "Dec 29 10:00:01", "sol", null],
  ["Dec 29 10:00:01 aix auth|security:info prog: text", "text", "Dec 29 10:00:01", "aix", "prog"],
  ["Dec 29 10:00:01 aix auth|security:info prog[12]: text", "text", "Dec 29 10:00:01", "aix", "prog"],
  [
    "Dec 29 10:00:01 aix auth|security:info prog[12] x",
    "auth|security:info prog",
    "Dec 29 10:00:01",
    "aix",
    "prog",
  ],
  ["Dec 29 10:00:01 aix auth|security:info prog text", " text", "Dec 29 10:00:01", "aix", "prog text"],
  ["Dec 29 10:00:01 aix auth|security: prog: text", "text", "Dec 29 10:00:01", "aix", "prog"],
  ["Dec 29 10:00:01 aix auth|security info", "auth|security info", "Dec 29 10:00:01", "aix", null],
  ["Dec 29 10:00:01 aix auth|security:info:x", "auth|security:info:x", "Dec 29 10:00:01", "aix", null],
  ["Dec 29 10:00:01 aix auth|Security:info p: x", "auth|Security:info p: x", "Dec 29 10:00:01", "aix", null],
  // The umlaut takes two bytes; the cut is one byte early.
  ["M\xc3\xa4r 29 10:00:01 host prog: text", "text", "M\xc3\xa4r 29 10:00:0", "host", "prog"],
  ["2015-04-16 21:51:02,805 host prog: text", "text", "2015-04-16 21:51:02,805", "host", "prog"],
  ["2007-06-14T15:48:55-04:00 host prog: text", "text", "2007-06-14T15:48:55-04:00", "host", "prog"],
  ["2022-12-19T15:02:53.288+00:00 host prog: text", "text", "2022-12-19T15:02:53.288+00:00", "host", "prog"],
  [
    "2009-05-22T09:36:46.214994-07:00 host prog: text",
    "text",
    "2009-05-22T09:36:46.214994-07:00",
    "host",
    "prog",
  ],
  [
    "2009-05-22T09:36:46.2149940000Z host prog: text",
    "text",
    "2009-05-22T09:36:46.2149940000Z",
    "host",
    "prog",
  ],
  ["2015 Dec 29 10:00:01 host prog: text", "text", "2015 Dec 29 10:00:01", "host", "prog"],
  ["x015 Dec 29 10:00:01 host prog: text", "x015 Dec 29 10:00:01 host prog: text", null, null, null],
  [
    "2021-04-21 10:16:09.404756-0700 host prog[1]: text",
    "text",
    "2021-04-21 10:16:09.404756-0700",
    "host",
    "prog",
  ],
  [
    "2021-04-21 10:16:09.404756+0700 host prog[1]: text",
    "text",
    "2021-04-21 10:16:09.404756+0700",
    "host",
    "prog",
  ],
  [
    "2021-04-21 10:16:09.404756Z0700 host prog: t",
    "2021-04-21 10:16:09.404756Z0700 host prog: t",
    null,
    null,
    null,
  ],
  ["Mon Apr 17 18:27:14 2006 1 64.160.42.130", "1 64.160.42.130", "Mon Apr 17 18:27:14 2006", null, null],
  ["01/28-09:13:16.240702  [**] text", "[**] text", "01/28-09:13:16.240702", null, null],
  ["01/28/1979-09:13:16.240702  [**] text", "[**] text", "01/28/1979-09:13:16.240702", null, null],
  ["[Fri Feb 11 18:06:35 2004] [warn] text", "[warn] text", "Fri Feb 11 18:06:35 2004", null, null],
  [
    "[Time 2006.12.28 15:53:55 UTC] [Facility auth] [Sender sshd] [PID 4] [Message a [b] [Level 3] [Host mac]",
    "a [b",
    null,
    "mac",
    "sshd",
  ],
  ["[Time 2006.12.28 15:53:55 UTC] [Message a] [Message b] [Host mac] [Sender sshd]", "a", null, "mac", null],
  ["[Time 2006.12.28 15:53:55 UTC] [Sender sshd] [PID 4]", " UTC] [Sender sshd", null, null, "sshd"],
  ["[Time 2006.12.28 15:53:55 UTC] [Sender a] [Sender b] [Message c]", "c", null, null, "a"],
  ["[Time 2006.12.28 15:53:55 UTC] [Sender sshd", " UTC] [Sender sshd", null, null, null],
  ["[Time 2006.12.28 15:53:55 UTC] [Sender sshd] [Message a", "a", null, null, "sshd"],
  [
    "1140804070.368 116234 10.0.0.1 TCP_MISS/200 1 GET",
    "116234 10.0.0.1 TCP_MISS/200 1 GET",
    "1140804070.368",
    null,
    null,
  ],
  [
    "1140804070.368  11623 10.0.0.1 TCP_MISS/200 1 GET",
    "11623 10.0.0.1 TCP_MISS/200 1 GET",
    "1140804070.368 ",
    null,
    null,
  ],
  [
    "1140804070.368 456 10.0.0.1 TCP_MISS/200 1",
    "1140804070.368 456 10.0.0.1 TCP_MISS/200 1",
    null,
    null,
    null,
  ],
  ['{"a": 1}', '{"a": 1}', null, null, null],
  ["", "", null, null, null],
];

test("predecode() gives the peer's fields", () => {
  const rows = readFileSync("test/vectors/analysis/predecode.jsonl", "latin1").trim().split("\n");
  assert.equal(rows.length, 38);
  for (const row of rows) {
    const vector = JSON.parse(row) as { input: string; predecoder: VectorPredecoder | null };
    const { timestamp, programName } = predecode(vector.input);
    const shown = { timestamp, hostname: shownHostname(vector.input), program_name: programName };
    const { timestamp: t = null, hostname: h = null, program_name: p = null } = vector.predecoder ?? {};
    assert.deepEqual(shown, { timestamp: t, hostname: h, program_name: p }, vector.input);
  }
});

for (const [line, log, timestamp, hostname, programName] of LINES) {
  test(`predecode() reads ${JSON.stringify(line)}`, () => {
    const { logStart, ...fields } = predecode(line);
    assert.deepEqual(fields, { log, timestamp, hostname, programName });
    assert.equal(line.slice(logStart, logStart + log.length), log);
  });
}

test("predecode() needs the least length of each format", () => {
  // The shortest line that each format takes: with one byte less nothing is cut.
  const shortest: readonly (readonly [line: string, length: number])[] = [
    ["Dec 29 10:00:01 host prog: text", 17],
    ["2015-04-16 21:51:02,805 host prog: text", 24],
    ["2007-06-14T15:48:55-04:00 host prog: text", 33],
    ["2015 Dec 29 10:00:01 host prog: text", 21],
    ["2021-04-21 10:16:09.404756-0700 host prog", 33],
    ["Mon Apr 17 18:27:14 2006 1 64.160.42.130", 28],
    ["01/28-09:13:16.240702  [**] text", 24],
    ["01/28/1979-09:13:16.240702  [**] text", 28],
    ["[Fri Feb 11 18:06:35 2004] [warn] text", 27],
    ["[Time 2006.12.28 15:53:55 UTC] [Sender", 26],
    ["1140804070.368  11623 10.0.0.1 TCP_MISS", 32],
  ];
  for (const [line, length] of shortest) {
    assert.notEqual(predecode(line.slice(0, length)).logStart, 0, line);
    assert.equal(predecode(line.slice(0, length - 1)).logStart, 0, line);
  }
});

test("predecode() takes every length of every format", () => {
  for (const [line] of LINES) {
    for (let length = 0; length <= Math.min(line.length, 70); length++) {
      const message = line.slice(0, length);
      const { log, logStart } = predecode(message);
      assert.equal(message.slice(logStart, logStart + log.length), log);
      assert.ok(logStart <= message.length);
    }
  }
});

test("predecode() takes damaged lines", () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 20_000; round++) {
    const message = random.mutate(Buffer.from(random.pick(LINES)[0], "latin1")).toString("latin1");
    const { log, logStart } = predecode(message);
    assert.equal(message.slice(logStart, logStart + log.length), log);
  }
});

test("predecode() is not slowed down by long runs", () => {
  const cut = "Dec 29 10:00:01 ";
  const runs = ["a", "[", "1", "|", "[ID ", "[Sender ", "]"].map((piece) => piece.repeat(20_000));
  for (const run of runs) {
    const startMs = performance.now();
    predecode(cut + run);
    predecode(`${cut}host ${run}`);
    predecode(`[Time 2006.12.28 15:53:55 UTC] ${run}`);
    assert(performance.now() - startMs < 200, run.slice(0, 10));
  }
});

test("shownHostname() is the word after a classic date", () => {
  assert.equal(shownHostname("Nov 20 03:11:42 host: msg"), "host:");
  assert.equal(shownHostname("Nov  2 03:11:42 host"), "host");
  assert.equal(shownHostname("Nov 42 03:11:42 host"), null);
  assert.equal(shownHostname("Nov 20 03:11:42 "), null);
  assert.equal(shownHostname("x Nov 20 03:11:42 host"), null);
});
