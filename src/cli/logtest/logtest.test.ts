/** Goal: the log test as its users know it. Method: the whole command on a small rule set; the text form by hand from the peer's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemFiles } from "#kernel/platform/files.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { doorLog, FOLDER, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { type Given, runCommand } from "../environment.fixture.ts";

function logtest(args: readonly string[], lines: readonly string[], given: Given = {}) {
  const files = rulesetFiles();
  files.write(`${PROGRAM_DIRECTORY}/package.json`, '{"version":"1.2.3"}');
  const stdin = lines.map((line) => `${line}\n`);
  return runCommand(["logtest", "--ruleset", FOLDER, ...args], { files, stdin, ...given });
}

function objects(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

const TEXT = `Starting cyb3rhq logtest v1.2.3
Type one log per line

**Phase 1: Completed pre-decoding.
	full event: 'Mar  3 08:12:44 house door[1]: opened by eve'
	timestamp: 'Mar  3 08:12:44'
	hostname: 'house'
	program_name: 'door'

**Phase 2: Completed decoding.
	name: 'door'
	action: 'opened'
	person.name: 'eve'

**Phase 3: Completed filtering (rules).
	id: '101'
	level: '7'
	description: 'Eve'
	groups: '['syslog']'
	firedtimes: '1'
	mail: 'False'
**Alert to be generated.

**Phase 1: Completed pre-decoding.
	full event: 'it's'

**Phase 2: Completed decoding.
	No decoder matched.
`;

test("logtest prints the three phases and skips empty lines", async () => {
  const { stdout, stderr, exitCode } = await logtest([], [doorLog("opened by eve"), "", "it's"]);
  assert.equal(stdout.text, TEXT);
  assert.equal(stderr.text, "");
  assert.equal(exitCode, 0);
});

test("logtest --json prints exactly one object a line", async () => {
  const { stdout } = await logtest(
    ["--json"],
    [doorLog("opened by eve"), "", doorLog("slammed by eve"), "x\xff"],
  );
  const [opened, empty, slammed, other, ...more] = objects(stdout.text);
  assert.deepEqual(more, []);
  assert.deepEqual(opened?.["decoder"], { name: "door" });
  assert.equal(opened?.["alert"], true);
  assert.equal(empty?.["full_log"], "");
  assert.equal(slammed?.["alert"], false);
  assert.ok(JSON.stringify(slammed?.["rule"]).endsWith('"level":0}'));
  assert.equal(other?.["full_log"], "x\xff", "bytes pass through");
  assert.equal(other?.["location"], "stdin");
  for (const key of ["rule", "decoder", "data", "predecoder"])
    assert.ok(other !== undefined && !(key in other), key);
});

test("logtest has one session for all lines, or with --fresh one for each", async () => {
  const lines = new Array<string>(3).fill(doorLog("opened by ada"));
  const ids = async (args: readonly string[]) =>
    objects((await logtest(["--json", ...args], lines)).stdout.text).map(
      ({ rule }) => /"id":"(\d+)"/.exec(JSON.stringify(rule))?.[1],
    );
  assert.deepEqual(await ids([]), ["100", "100", "103"]);
  assert.deepEqual(await ids(["--fresh"]), ["100", "100", "100"]);
});

test("logtest --location says where the lines come from", async () => {
  const { stdout } = await logtest(["--json", "--location", "[007] (wéb) any->/var/log/d"], ["x"]);
  const [document] = objects(Buffer.from(stdout.text, "latin1").toString());
  assert.deepEqual(document?.["agent"], { id: "007", name: "wéb" });
  assert.equal(document?.["location"], "/var/log/d");
});

test("logtest stamps events with the time of the run", async () => {
  const { stdout } = await logtest(["--json"], ["x"]);
  const [document] = objects(stdout.text);
  assert.equal(Date.parse(String(document?.["timestamp"])), Date.UTC(2026, 0, 15, 12, 0, 0));
});

test("logtest uses colours on terminals only, and not with NO_COLOR", async () => {
  const terminal = await logtest([], [doorLog("opened by eve")], { terminal: true });
  assert.ok(terminal.stdout.text.includes("\x1b[1m**Phase 1: Completed pre-decoding.\x1b[0m\n"));
  const plain = await logtest([], [doorLog("opened by eve")], {
    terminal: true,
    variables: { NO_COLOR: "1" },
  });
  assert.ok(!plain.stdout.text.includes("\x1b"));
});

const DEBUG_SECTION = `
**Rule debugging:
	Trying rule: 1 - all
		*Rule 1 matched
		*Trying child rules
	Trying rule: 102 - quiet
	Trying rule: 100 - $(person.name)
		*Rule 100 matched
		*Trying child rules
	Trying rule: 103 - thrice
	Trying rule: 101 - Eve
		*Rule 101 matched

**Phase 3: Completed filtering (rules).
`;

test("logtest -v shows the rules that were tried", async () => {
  for (const option of ["-v", "--verbose"]) {
    const { stdout } = await logtest([option], [doorLog("opened by eve")]);
    assert.ok(stdout.text.includes(`\tperson.name: 'eve'\n${DEBUG_SECTION}\tid: '101'\n`), stdout.text);
  }
  const { stdout } = await logtest(["--json", "-v"], [doorLog("slammed by eve")]);
  assert.deepEqual(objects(stdout.text)[0]?.["rules_debug"], [
    "Trying rule: 1 - all",
    "*Rule 1 matched",
    "*Trying child rules",
    "Trying rule: 102 - quiet",
    "*Rule 102 matched",
  ]);
});

/** Expectation, lines, what is said of the last of them, and the exit code. */
const UNIT_TESTS: readonly (readonly [expected: string, lines: string[], said: string, exitCode: number])[] =
  [
    ["101:7:door", [doorLog("opened by eve")], "Unit test OK", 0],
    ["102:0:door", [doorLog("slammed by eve")], "Unit test OK", 0],
    ["::", ["what is this"], "Unit test OK", 3],
    ["::door", [doorLog("is there")], "Unit test OK", 2],
    [
      "101:7:door",
      [doorLog("opened by ada")],
      "Unit test FAIL. Expected ['101', '7', 'door'] , Result ['100', '3', 'door']",
      1,
    ],
    ["101:7:door", ["x"], "Unit test FAIL. Expected ['101', '7', 'door'] , Result ['', '', '']", 1],
    // The last line counts.
    ["100:3:door", [doorLog("opened by eve"), doorLog("opened by ada"), ""], "Unit test OK", 0],
    ["101:7:door", [doorLog("opened by eve"), "x"], "Result ['', '', '']", 1],
  ];

test("logtest -U compares each line and answers with its exit code", async () => {
  for (const [expected, lines, said, exitCode] of UNIT_TESTS) {
    const told = await logtest(["-U", expected], lines);
    assert.ok(told.stdout.text.endsWith(`${said}\n`), told.stdout.text);
    assert.equal(
      told.stdout.text.match(/^\nUnit test /gm)?.length,
      lines.filter((line) => line !== "").length,
    );
    assert.equal(told.exitCode, exitCode, expected);
    for (const option of ["--quiet", "--json"]) {
      const quiet = await logtest(
        [option, "--ut", expected],
        lines.filter((line) => line !== ""),
      );
      assert.ok(!quiet.stdout.text.includes("Unit test"));
      assert.equal(quiet.exitCode, exitCode, expected);
    }
  }
});

test("logtest -q prints nothing", async () => {
  for (const args of [["-q"], ["--quiet", "--json"], ["-q", "-v", "-U", "101:7:door"]]) {
    const { stdout, stderr, exitCode } = await logtest(args, [doorLog("opened by eve")]);
    assert.deepEqual([stdout.text, stderr.text, exitCode], ["", "", 0]);
  }
});

test("logtest takes the peer's other options", async () => {
  const { stdout } = await logtest(["-d", "--json", "-l", "/var/log/d"], ["x"]);
  assert.equal(objects(stdout.text)[0]?.["location"], "/var/log/d");
  for (const option of ["-V", "--version"]) {
    const version = await logtest([option], ["x"]);
    assert.equal(version.stdout.text, "cyb3rhq logtest v1.2.3\n");
    assert.equal(version.exitCode, 0);
  }
});

test("logtest says everything that is wrong with a rule set", async () => {
  const files = rulesetFiles("<decoder name='d'><bad>x</bad></decoder>", "<group>\n</group>");
  const { stdout, stderr, exitCode } = await logtest(["--json"], ["x"], { files });
  assert.equal(exitCode, 1);
  assert.equal(stdout.text, "");
  assert.match(stderr.text, /^\/set\/decoders\/d\.xml:1:\d+: error: .*\n/);
  assert.match(stderr.text, /^\/set\/rules\/r\.xml:1:1: error: /m);
});

test("logtest needs a rule set", async () => {
  for (const folder of ["/absent", "/"]) {
    const files = rulesetFiles();
    const { stderr, exitCode } = await runCommand(["logtest", "--ruleset", folder], { files });
    assert.equal(exitCode, 1);
    assert.match(stderr.text, /^cyb3rhq: no rule set .*\n$/);
  }
});

test("logtest has a rule set of its own", async () => {
  const stdin = ["Mar  3 08:12:44 gate sshd[1]: Invalid user x from 192.0.2.1 port 5\n"];
  const { stdout } = await runCommand(["logtest", "--json"], { files: systemFiles, stdin });
  assert.match(stdout.text, /"id":"501013"/);
});
