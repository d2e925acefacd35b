/** Goal: `rules check` and `rules test` say what is wrong, where, and with which exit code. Method: the whole commands on small rule sets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DECODERS, doorLog, FOLDER, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { runCommand } from "../environment.fixture.ts";

const BROKEN_RULES = `<group name="g,">
<rule id="1" level="0"><category>syslog</category><description>all</description></rule>
<rule id="5000" level="17"><description>x</description></rule>
<rule id="5001" level="3"><if_sid>4999</if_sid><description>y</description></rule>
</group>`;

test("rules check says that a rule set is good", async () => {
  const { stdout, stderr, exitCode } = await runCommand(["rules", "check", `${FOLDER}/`], {
    files: rulesetFiles(),
  });
  assert.equal(stdout.text, "2 decoders, 5 rules, 0 lists: 0 errors, 0 warnings\n");
  assert.equal(stderr.text, "");
  assert.equal(exitCode, 0);
});

test("rules check says every problem with its place and what was expected", async () => {
  const files = rulesetFiles(DECODERS, BROKEN_RULES);
  const { stdout, exitCode } = await runCommand(["rules", "check", FOLDER], { files });
  const lines = stdout.text.split("\n");
  assert.equal(exitCode, 1);
  assert.match(lines[0] ?? "", /^\/set\/rules\/r\.xml:3:\d+: error: rules_op: Invalid level: 17\./);
  assert.match(stdout.text, /^\/set\/rules\/r\.xml:4:\d+: warning: \(7617\): .* \(.+\)$/m);
  assert.match(lines.at(-2) ?? "", /^2 decoders, 3 rules, 0 lists: \d errors, \d warnings$/);
});

test("rules check --json has the same as one object", async () => {
  const files = rulesetFiles(DECODERS, BROKEN_RULES);
  const { stdout, exitCode } = await runCommand(["rules", "check", FOLDER, "--json"], { files });
  const report = JSON.parse(stdout.text);
  assert.equal(exitCode, 1);
  assert.equal(report.rules, 3);
  assert.equal(report.errors + report.warnings, report.problems.length);
  const { severity, file, line, column, message } = report.problems[0];
  assert.deepEqual([severity, file, line], ["error", "/set/rules/r.xml", 3]);
  assert.ok(column >= 1);
  assert.match(message, /Invalid level/);
});

test("rules check marks errors on terminals", async () => {
  const files = rulesetFiles(DECODERS, BROKEN_RULES);
  const { stdout } = await runCommand(["rules", "check", FOLDER], { files, terminal: true });
  assert.ok(stdout.text.includes(": \x1b[31merror\x1b[0m: "));
});

test("rules check with warnings only exits 0", async () => {
  const rules = BROKEN_RULES.replace('level="17"', 'level="7"');
  const { stdout, exitCode } = await runCommand(["rules", "check", FOLDER], {
    files: rulesetFiles(DECODERS, rules),
  });
  assert.match(stdout.text, /: 0 errors, [1-9]\d* warnings\n$/);
  assert.equal(exitCode, 0);
});

function filesWithTests() {
  const files = rulesetFiles();
  files.makeDirectory("/t");
  const yaml = (rule: number) =>
    `tests:\n  - name: opens\n    log: "${doorLog("opened by ada")}"\n    expect: { rule: ${rule}, decoder: door }\n`;
  files.write("/t/good.yml", yaml(100));
  files.write("/t/bad.yml", yaml(101));
  files.write("/t/broken.yml", "tests: 1\n");
  files.write(
    "/t/good.ini",
    `[A]\nlog 1 pass = ${doorLog("opened by eve")}\nlog 2 fail = x\nrule = 101\nalert = 7\ndecoder = door\n`,
  );
  return files;
}

function rulesTest(...args: readonly string[]) {
  return runCommand(["rules", "test", "--ruleset", FOLDER, ...args], { files: filesWithTests() });
}

test("rules test counts what passed", async () => {
  const { stdout, stderr, exitCode } = await rulesTest("/t/good.yml", "/t/good.ini");
  assert.equal(stdout.text, "3 passed, 0 failed\n");
  assert.equal(stderr.text, "");
  assert.equal(exitCode, 0);
});

test("rules test shows what was expected and what came", async () => {
  const { stdout, exitCode } = await rulesTest("/t/bad.yml", "/t/good.yml");
  assert.equal(
    stdout.text,
    `FAIL /t/bad.yml:2:5: opens
  event 1 of 1: ${doorLog("opened by ada")}
    rule     expected 101, got 100
1 passed, 1 failed
`,
  );
  assert.equal(exitCode, 1);
});

test("rules test counts a broken file as a failure and runs the others", async () => {
  const { stdout, stderr, exitCode } = await rulesTest("/t/broken.yml", "/t/absent.ini", "/t/good.yml");
  assert.equal(stdout.text, "1 passed, 2 failed\n");
  assert.match(stderr.text, /^\/t\/broken\.yml:1:8: error: tests is no list/);
  assert.match(stderr.text, /^\/t\/absent\.ini:1:1: error: cannot be read: /m);
  assert.equal(exitCode, 1);
});

test("rules test --json has the same as one object", async () => {
  const { stdout, exitCode } = await rulesTest("--json", "/t/bad.yml", "/t/good.yml", "/t/broken.yml");
  const report = JSON.parse(stdout.text);
  assert.equal(exitCode, 1);
  assert.deepEqual([report.passed, report.failed, report.problems.length], [1, 2, 1]);
  assert.deepEqual(report.tests[0], {
    file: "/t/bad.yml",
    line: 2,
    column: 5,
    name: "opens",
    passed: false,
    failures: [
      {
        event: 1,
        message: doorLog("opened by ada"),
        differences: [{ field: "rule", expected: "101", got: "100" }],
      },
    ],
  });
  assert.equal(report.tests[1].passed, true);
});

test("rules test does not run against a broken rule set", async () => {
  const files = rulesetFiles(DECODERS, BROKEN_RULES);
  const { stdout, stderr, exitCode } = await runCommand(["rules", "test", "--ruleset", FOLDER, "x.yml"], {
    files,
  });
  assert.equal(stdout.text, "");
  assert.match(stderr.text, /error: rules_op: Invalid level/);
  assert.equal(exitCode, 1);
});
