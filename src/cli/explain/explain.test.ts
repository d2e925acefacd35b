/** Goal: users see why a rule fired and why another did not. Method: the whole command on a small rule set, texts by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { doorLog, FOLDER, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { type Given, runCommand } from "../environment.fixture.ts";

function explain(args: readonly string[], lines: readonly string[] = [], given: Given = {}) {
  const stdin = lines.map((line) => `${line}\n`);
  return runCommand(["explain", "--ruleset", FOLDER, ...args], { files: rulesetFiles(), stdin, ...given });
}

const TEXT = `Event 'Mar  3 08:12:44 house door[1]: opened by ada'
  timestamp: 'Mar  3 08:12:44'
  hostname: 'house'
  program: 'door'
  log: 'opened by ada'

Decoder door
  + door
  + door-who: action = 'opened', person.name = 'ada'

Fields
  action = 'opened'
  person.name = 'ada'

Rule 100
  + 1 (level 0) all
    + 100 (level 3) $(person.name)

Tried on the way, and failed
  - 103 (level 10) thrice
      <if_matched_sid>100</if_matched_sid>: 0 of 2 earlier events counted, 0 looked at within 60 s
  - 101 (level 7) Eve
      <field name="person.name">^eve$</field>: not with 'ada'
  - 102 (level 0) quiet
      <action>slammed</action>: not with 'opened'

Result alert: level 3 reaches log_alert_level 3
`;

const WHY_101 = `
Rule 101 did not fire: a condition of rule 101 failed
  place 1:
    + 1 (level 0) all
    + 100 (level 3) $(person.name)
    - 101 (level 7) Eve
        <field name="person.name">^eve$</field>: not with 'ada'
`;

test("explain tells the way of an event", async () => {
  const line = doorLog("opened by ada");
  const argument = await explain([line]);
  assert.equal(argument.stdout.text, TEXT);
  assert.equal(argument.stderr.text, "");
  assert.equal(argument.exitCode, 0);
  const stdin = await explain([], [line, ""]);
  assert.equal(stdin.stdout.text, TEXT);
});

test("explain --rule tells what stopped a rule, and the exit code whether it fired", async () => {
  const failed = await explain(["--rule", "101", doorLog("opened by ada")]);
  assert.equal(failed.stdout.text, TEXT.replace("\nResult", `${WHY_101}\nResult`));
  assert.equal(failed.exitCode, 2);
  const fired = await explain(["--rule", "101", doorLog("opened by eve")]);
  assert.match(fired.stdout.text, /\nRule 101 fired: it is the event's rule\n/);
  assert.equal(fired.exitCode, 0);
});

/** Why a rule is not the event's, in one sentence. */
async function reason(rule: string, ...lines: readonly string[]): Promise<string> {
  const { stdout } = await explain(["--json", "--rule", rule], lines);
  const last: unknown = stdout.text.trimEnd().split("\n").at(-1);
  return JSON.parse(String(last)).rule.reason;
}

test("explain --rule has a sentence for each way not to fire", async () => {
  const opened = doorLog("opened by eve");
  assert.equal(await reason("100", opened), "it held, and rule 101 below it took the event");
  assert.equal(await reason("1", "x"), "it held, but never alerts (noalert)");
  assert.equal(
    await reason("101", doorLog("slammed by eve")),
    "rule 100 was not tried: rule 102 stands before it and took the event",
  );
  assert.equal(await reason("103", opened), "a condition of rule 103 failed");
});

test("explain counts over all lines of a session", async () => {
  const lines = new Array<string>(3).fill(doorLog("opened by ada"));
  const { stdout, exitCode } = await explain(["--rule", "103"], lines);
  assert.equal(exitCode, 0, "it fired for the last line");
  assert.match(stdout.text, /: 1 of 2 earlier events counted, 1 looked at within 60 s\n/);
  assert.match(stdout.text, /\nRule 103 fired: /);
});

test("explain --json gives one object for each line", async () => {
  const { stdout } = await explain(["--json"], [doorLog("opened by ada"), "x\xff"]);
  const [opened, other, ...more] = stdout.text.split("\n").filter((line) => line !== "");
  assert.deepEqual(more, []);
  const explanation = JSON.parse(opened ?? "");
  assert.deepEqual(explanation.path, [
    { id: 1, level: 0, description: "all" },
    { id: 100, level: 3, description: "$(person.name)" },
  ]);
  assert.deepEqual(explanation.near.shown[1], {
    id: 101,
    level: 7,
    description: "Eve",
    below: 100,
    failed: {
      condition: { option: "field", attributes: { name: "person.name" }, text: "^eve$" },
      value: "ada",
    },
    search: null,
  });
  assert.deepEqual(explanation.result, {
    rule: 100,
    level: 3,
    alert: true,
    reason: "level 3 reaches log_alert_level 3",
  });
  assert.equal(explanation.rule, null);
  assert.equal(JSON.parse(other ?? "").event, "x\xff", "bytes pass through");
});

test("explain tells that nothing took an event", async () => {
  const { stdout } = await explain(["what is this"]);
  assert.match(stdout.text, /\nNo decoder\n\nFields\n\nNo rule\n {2}\+ 1 \(level 0\) all\n/);
  assert.match(stdout.text, /<decoded_as>door<\/decoded_as>: the event has no such value\n/);
  assert.match(stdout.text, /\nResult no alert: no rule took the event\n$/);
});

test("explain tells why a rule that holds gives no alert", async () => {
  const result = async (rule: string, ...lines: readonly string[]) => {
    const files = rulesetFiles(
      undefined,
      `<group name="x,"><rule id="1" level="0"><category>syslog</category><description>x</description></rule>${rule}</group>`,
    );
    const { stdout } = await explain(["--json"], lines, { files });
    return JSON.parse(stdout.text.trimEnd().split("\n").at(-1) ?? "").result;
  };
  const rule = (attributes: string, options = "") =>
    `<rule id="100" ${attributes}><match>x</match>${options}<description>x</description></rule>`;
  const cases: readonly (readonly [rule: string, alert: boolean, reason: string])[] = [
    [rule('level="0"'), false, "level 0 never alerts"],
    [rule('level="2"'), false, "level 2 is below log_alert_level 3"],
    [
      rule('level="2"', "<options>log_alert</options>"),
      false,
      "level 2 is below log_alert_level 3; the manager writes it all the same (log_alert)",
    ],
    [
      rule('level="5"', "<options>no_log</options>"),
      true,
      "level 5 reaches log_alert_level 3; the manager does not write it (no_log)",
    ],
    [rule('level="5" ignore="60"'), false, "the rule fired less than 60 s before (ignore)"],
  ];
  for (const [text, alert, reasonText] of cases) {
    const { alert: given, reason: told } = await result(text, "x", "x");
    assert.deepEqual([given, told], [alert, reasonText]);
  }
});

const MANY = Array.from(
  { length: 40 },
  (_, index) =>
    `<rule id="${200 + index}" level="3"><if_sid>1</if_sid><match>no${index}</match><description>x</description></rule>`,
).join("");
const MANY_RULES = `<group name="x,"><rule id="1" level="0"><category>syslog</category><description>x</description></rule>${MANY}</group>`;
const MANY_DECODERS = Array.from(
  { length: 30 },
  (_, index) =>
    `<decoder name="d${index}"><program_name>^door</program_name><prematch>^no${index}$</prematch></decoder>`,
).join("\n");

test("explain is short unless everything is asked for", async () => {
  const files = rulesetFiles(MANY_DECODERS, MANY_RULES);
  const line = doorLog("x");
  const short = (await explain([line], [], { files })).stdout.text;
  assert.ok(short.split("\n").length < 60, short);
  assert.match(short, /\n {2}24 more tried \(--all\)\n/);
  assert.match(short, /\n {2}28 more \(--all\)\n/);
  const all = (await explain(["--all", line], [], { files })).stdout.text;
  assert.match(all, /- d29: prematch \^no29\$ is not in the log\n/);
  assert.match(all, /- 239 \(level 3\) x\n/);
  assert.ok(!all.includes("more"));
});

test("explain cuts long values and lets nothing reach the terminal as a command", async () => {
  const line = doorLog(`opened by \x1b[2J\r${"e".repeat(70_000)}\xc2\x9b\xff`);
  const { stdout } = await explain([line], [], { terminal: true });
  assert.ok(stdout.text.length < 6000, `${stdout.text.length}`);
  assert.ok(stdout.text.includes("\\x1b[2J\\x0d"));
  assert.ok(stdout.text.includes("\x1b[1mEvent\x1b[0m"));
  assert.ok(!stdout.text.includes("\x1b[2J") && !stdout.text.includes("\xc2\x9b"));
});

test("explain needs a rule set without mistakes, and a rule that it has", async () => {
  const broken = await explain(["x"], [], {
    files: rulesetFiles("<decoder name='d'><bad>x</bad></decoder>"),
  });
  assert.equal(broken.exitCode, 1);
  assert.match(broken.stderr.text, /^\/set\/decoders\/d\.xml:1:\d+: error: /);
  const unknown = await explain(["--rule", "999", "x"]);
  assert.equal(unknown.exitCode, 1);
  assert.equal(unknown.stderr.text, "cyb3rhq: no rule 999 in /set\n");
});
