/**
 * Goal: sessions as the peer's clients know them, and no more memory than is said. Method: requests to the log test without a socket,
 * on rule files in memory that change under it, with a clock that moves when told.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompiledRuleset } from "#analysis/engine.ts";
import { CodedError } from "#kernel/errors.ts";
import { DECODERS, doorLog, RULES, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { SHIPPED_ALERT_LEVELS } from "#rule-tests/session.ts";
import {
  type Answer,
  ask,
  CONFIG,
  CONFIG_FILE,
  FakeNeeds,
  makeLogtest,
  processing,
  RULE_FILE,
  removal,
} from "./fixture.ts";
import type { Logtest } from "./logtest.ts";

const OPENED = doorLog("opened by ada");
const SECOND_MS = 1000;

const ruleOf = ({ data }: Answer) => data?.output?.rule?.id;
const tokenOf = ({ data }: Answer) => data?.token ?? "";

function open(logtest: Logtest): string {
  const answer = ask(logtest, processing(OPENED));
  assert.equal(answer.data?.codemsg, 0, JSON.stringify(answer));
  return tokenOf(answer);
}

const process = (logtest: Logtest, token: string, event: unknown = OPENED) =>
  ask(logtest, processing(event, { token }));

const isKnown = (logtest: Logtest, token: string) => tokenOf(process(logtest, token)) === token;

test("Logtest opens a session, and goes on with it", () => {
  const logtest = makeLogtest(new FakeNeeds());
  const first = ask(logtest, processing(OPENED));
  const token = tokenOf(first);
  assert.match(token, /^[0-9a-f]{8}$/);
  assert.deepEqual(first.data?.messages, [`INFO: (7202): Session initialized with token '${token}'`]);
  assert.equal(first.error, 0);
  assert.equal(first.data.alert, true);
  assert.equal(first.data.codemsg, 0);
  assert.deepEqual(first.data.output?.["manager"], { name: "manager.example" });
  assert.deepEqual(first.data.output?.["cluster"], { name: "c", node: "n1" });
  assert.deepEqual(Object.keys(first.data), ["messages", "token", "output", "alert", "codemsg"]);

  const second = process(logtest, token);
  assert.deepEqual(Object.keys(second.data ?? {}), ["token", "output", "alert", "codemsg"]);
  assert.deepEqual([ruleOf(first), ruleOf(second), ruleOf(process(logtest, token))], ["100", "100", "103"]);
  assert.equal(ruleOf(ask(logtest, processing(OPENED))), "100", "another session remembers nothing of it");
});

test("Logtest shows level 0, which is no alert", () => {
  const { data } = ask(makeLogtest(new FakeNeeds()), processing(doorLog("slammed by eve")));
  assert.equal(data?.output?.rule?.level, 0);
  assert.equal(data?.alert, false);
});

test("Logtest takes an object for the JSON log that it is, and bytes as they are", () => {
  const logtest = makeLogtest(new FakeNeeds());
  const { data } = ask(logtest, processing({ b: [1, "x"] }));
  assert.equal(data?.output?.["full_log"], '{"b":[1,"x"]}');
  const bytes = Buffer.from(processing("PLACE"), "latin1");
  const at = bytes.indexOf("PLACE");
  const answer = logtest.answer(
    Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0xc3]), bytes.subarray(at + 5)]),
  );
  assert.ok(answer.includes('"full_log":"\xff\xc3"'), answer);
});

test("Logtest names agents in locations, and refuses locations that are none", () => {
  const logtest = makeLogtest(new FakeNeeds());
  const { data } = ask(logtest, processing("x", { location: "[007] (web) any->/var/log/d" }));
  assert.deepEqual(data?.output?.["agent"], { id: "007", name: "web" });
  const token = open(logtest);
  const failed = [
    "ERROR: (1106): String not correctly formatted.",
    "ERROR: (7312): Failed to process the event",
  ];
  for (const location of ["[007", "x".repeat(2049), ":".repeat(1025)]) {
    const options = { rules_debug: true };
    const answer = ask(logtest, processing("x", { location, token, options }));
    assert.deepEqual(answer, { error: 0, data: { token, rules_debug: [], messages: failed, codemsg: -1 } });
  }
  for (const location of ["x".repeat(2048), ":".repeat(1024)])
    assert.equal(ask(logtest, processing("x", { location, token })).data?.output?.["location"], location);
});

test("Logtest tells the rules tried when it is asked", () => {
  const { data } = ask(makeLogtest(new FakeNeeds()), processing(OPENED, { options: { rules_debug: true } }));
  assert.deepEqual(Object.keys(data ?? {}), [
    "messages",
    "token",
    "output",
    "rules_debug",
    "alert",
    "codemsg",
  ]);
  assert.equal(data?.rules_debug?.[0], "Trying rule: 1 - all");
  assert.equal(data?.rules_debug?.[1], "*Rule 1 matched");
  assert.ok(data?.rules_debug?.includes("*Rule 100 matched"));
});

test("Logtest warns of techniques that the event's rule names and nobody knows", () => {
  const rules = RULES.replace("<description>quiet", "<mitre><id>T0</id></mitre><description>quiet");
  const needs = new FakeNeeds(rulesetFiles(DECODERS, rules));
  const table = { techniques: new Map(), tactics: new Map() };
  needs.chooses = () => ({
    ...needs.choice(),
    compile: (ruleset) => new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS, { mitre: table }),
  });
  const logtest = makeLogtest(needs);
  const token = open(logtest);
  const { data } = process(logtest, token, doorLog("slammed by eve"));
  assert.deepEqual(Object.keys(data ?? {}), ["token", "output", "messages", "alert", "codemsg"]);
  assert.deepEqual(data?.messages, ["WARNING: Mitre Technique ID 'T0' not found in database."]);
  assert.equal(data.codemsg, 1);
  assert.equal(process(logtest, token).data?.codemsg, 0);
});

test("Logtest outlives an event that the engine fails on", () => {
  const needs = new FakeNeeds();
  needs.chooses = () => ({
    ...needs.choice(),
    compile: (ruleset) => {
      const set = new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS);
      const begin = set.scanners.log.begin.bind(set.scanners.log);
      set.scanners.log.begin = (log) => {
        if (log === "unlucky") throw new RangeError("no stack left");
        begin(log);
      };
      return set;
    },
  });
  const logtest = makeLogtest(needs);
  const token = open(logtest);
  assert.deepEqual(process(logtest, token, "unlucky"), {
    error: 0,
    data: { token, messages: ["ERROR: (7312): Failed to process the event"], codemsg: -1 },
  });
  assert.deepEqual(needs.log.texts("error"), [
    "An event of the log test could not be analysed: no stack left",
  ]);
  assert.ok(isKnown(logtest, token));
});

test("Logtest closes a session that it is told to close, once", () => {
  const logtest = makeLogtest(new FakeNeeds());
  const token = open(logtest);
  assert.deepEqual(ask(logtest, removal(token)), {
    error: 0,
    data: { messages: [`INFO: (7206): The session '${token}' was closed successfully`], codemsg: 0 },
  });
  assert.deepEqual(ask(logtest, removal(token)), {
    error: 0,
    data: { messages: [`ERROR: (7004): No session found for token '${token}'`], codemsg: -1 },
  });
});

test("Logtest opens another session for a token that it does not know or take", () => {
  const logtest = makeLogtest(new FakeNeeds());
  const unknown = process(logtest, "deadbeef");
  assert.deepEqual(unknown.data?.messages, [
    "WARNING: (7003): 'deadbeef' token expires",
    `INFO: (7202): Session initialized with token '${tokenOf(unknown)}'`,
  ]);
  assert.equal(unknown.data.codemsg, 1);
  const malformed = ask(logtest, processing(OPENED, { token: 7, options: 7 }));
  assert.deepEqual(malformed.data?.messages, [
    "WARNING: (7309): '7' is not a valid token",
    "WARNING: (7005): 'options' field must be a JSON object. The parameter will be ignored",
    `INFO: (7202): Session initialized with token '${tokenOf(malformed)}'`,
  ]);
  const wrongOption = ask(logtest, processing(OPENED, { options: { rules_debug: 1 } }));
  assert.deepEqual(wrongOption.data?.messages, [
    `INFO: (7202): Session initialized with token '${tokenOf(wrongOption)}'`,
    "WARNING: (7006): 'rules_debug' field must be a boolean. The parameter will be ignored",
  ]);
});

test("Logtest closes the session used longest ago for a new one above max_sessions", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs);
  const [first, second, third] = [open(logtest), open(logtest), open(logtest)];
  assert(first !== undefined && second !== undefined && third !== undefined);
  assert.ok(isKnown(logtest, first));
  const fourth = open(logtest);
  assert.equal(needs.metrics.get("logtest_sessions"), CONFIG.sessionsMax);
  assert.equal(needs.metrics.get("logtest_sessions_over_limit"), 1);
  for (const token of [first, third, fourth]) assert.ok(isKnown(logtest, token));
  assert.ok(!isKnown(logtest, second));
});

test("Logtest closes sessions that are idle for the timeout", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs);
  const idle = open(logtest);
  const used = open(logtest);
  needs.clock.advance((CONFIG.sessionSeconds - 1) * SECOND_MS);
  assert.ok(isKnown(logtest, used));
  logtest.sweep();
  needs.clock.advance(SECOND_MS);
  needs.clock.jump(-CONFIG.sessionSeconds * SECOND_MS);
  logtest.sweep();
  assert.equal(needs.metrics.get("logtest_sessions_idle"), 1);
  assert.ok(!isKnown(logtest, idle));
  assert.ok(isKnown(logtest, used));
});

test("Logtest compiles a rule set once while its files stay, and drops it with its last session", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs);
  assert.equal(needs.compiled, 0, "nothing is loaded before the first session");
  const first = open(logtest);
  const second = open(logtest);
  assert.equal(needs.compiled, 1);
  ask(logtest, removal(first));
  logtest.sweep();
  assert.equal(needs.metrics.get("logtest_rulesets"), 1);
  ask(logtest, removal(second));
  const third = open(logtest);
  assert.equal(needs.compiled, 1, "until the next sweep it is there for others");
  ask(logtest, removal(third));
  logtest.sweep();
  assert.equal(needs.metrics.get("logtest_rulesets"), 0);
  assert.equal(needs.memoryGivenBack, 2, "after loading and after dropping");
  open(logtest);
  assert.equal(needs.compiled, 2);
});

test("Logtest gives new sessions the files as they are, and old ones keep theirs", () => {
  const needs = new FakeNeeds();
  const { files } = needs;
  const logtest = makeLogtest(needs);
  const old = open(logtest);
  const renamed = (id: string) => RULES.replace('id="100"', `id="${id}"`).replaceAll(">100<", `>${id}<`);
  files.write(RULE_FILE, renamed("200"));
  const fresh = ask(logtest, processing(OPENED));
  assert.equal(ruleOf(fresh), "200");
  assert.equal(ruleOf(process(logtest, old)), "100");
  assert.equal(ruleOf(process(logtest, tokenOf(fresh))), "200");

  const changes: readonly (readonly [isNew: boolean, change: () => void])[] = [
    [true, () => files.write(CONFIG_FILE, "another")],
    [false, () => {}],
    [true, () => files.write("/set/decoders/z.xml", DECODERS.replaceAll('"door', '"gate'))],
    [false, () => files.remove("/set/decoders/z.xml")],
    [true, () => files.write("/set/lists/audit-keys", "a:b\n")],
    [true, () => files.write("/set/lists/audit-keys", "a:c\n")],
  ];
  for (const [index, [isNew, change]] of changes.entries()) {
    const { compiled } = needs;
    change();
    open(logtest);
    assert.equal(needs.compiled > compiled, isNew, `change ${index}`);
  }
});

test("Logtest keeps three rule sets: for a fourth the sessions of the one used longest ago are closed", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs, { ...CONFIG, sessionsMax: 64 });
  const openChanged = () => {
    needs.files.write(CONFIG_FILE, "");
    return open(logtest);
  };
  const first = openChanged();
  const second = [openChanged(), open(logtest)];
  const third = openChanged();
  assert.ok(isKnown(logtest, first));
  const fourth = openChanged();
  assert.equal(needs.metrics.get("logtest_rulesets"), 3);
  assert.equal(needs.metrics.get("logtest_sessions_over_rulesets"), 2);
  for (const token of [first, third, fourth]) assert.ok(isKnown(logtest, token));
  const compiled = needs.compiled;
  for (const token of second) assert.ok(!isKnown(logtest, token));
  assert.equal(needs.compiled, compiled, "their new sessions have the newest rule set");
  ask(logtest, removal(third));
  openChanged();
  assert.equal(needs.metrics.get("logtest_sessions_over_rulesets"), 2, "an unused one goes first");
});

test("Logtest tells every session the warnings of its files", () => {
  const rules = RULES.replace("<if_sid>100</if_sid>", "<if_sid>100, 999</if_sid>");
  const logtest = makeLogtest(new FakeNeeds(rulesetFiles(DECODERS, rules)));
  const warning =
    "WARNING: (7617): Signature ID '999' was not found and will be ignored in the 'if_sid' option of rule '101'.";
  for (let round = 0; round < 2; round++) {
    const { data } = ask(logtest, processing(OPENED));
    assert.deepEqual(data?.messages, [
      warning,
      `INFO: (7202): Session initialized with token '${data?.token}'`,
    ]);
    assert.equal(data?.codemsg, 1);
    assert.equal(data.alert, true);
  }
});

test("Logtest opens no session on files with errors, and does when they are mended", () => {
  const needs = new FakeNeeds(rulesetFiles(DECODERS, RULES.replace("<description>Eve</description>", "")));
  const logtest = makeLogtest(needs);
  assert.deepEqual(process(logtest, "deadbeef"), {
    error: 0,
    data: {
      messages: [
        "WARNING: (7003): 'deadbeef' token expires",
        "ERROR: No such description at rule '101'.",
        "ERROR: (7311): Failure to initializing session",
      ],
      codemsg: -1,
    },
  });
  assert.equal(needs.metrics.get("logtest_sessions"), 0);
  needs.files.write(RULE_FILE, RULES);
  open(logtest);
});

test("Logtest opens no session on a configuration that is wrong or cannot be read", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs);
  const failed = [
    "ERROR: (1202): Configuration error at 'etc/ossec.conf'.",
    "ERROR: (7311): Failure to initializing session",
  ];
  const position = { file: "etc/ossec.conf", line: 1, column: 1 };
  const problem = { severity: "error", position, message: "(1230): Invalid element", expected: "" } as const;
  needs.chooses = () => ({ problems: [problem] });
  assert.deepEqual(ask(logtest, processing(OPENED)).data?.messages, [
    "ERROR: (1230): Invalid element",
    ...failed,
  ]);
  needs.chooses = () => {
    throw new CodedError("file_not_found", "no such file");
  };
  assert.deepEqual(ask(logtest, processing(OPENED)).data?.messages, ["ERROR: no such file", ...failed]);
});

test("Logtest answers with 50 messages at most, and the last one says how it ended", () => {
  const broken = Array.from({ length: 80 }, (_, id) => `<rule id="${id + 1}" level="3"><x>y</x></rule>`);
  const logtest = makeLogtest(
    new FakeNeeds(rulesetFiles(DECODERS, `<group name="a,">${broken.join("")}</group>`)),
  );
  const { data } = ask(logtest, processing(OPENED));
  assert.equal(data?.messages?.length, 50);
  assert.equal(data.messages.at(-1), "ERROR: (7311): Failure to initializing session");
});

test("Logtest bounds what all sessions remember, but never closes the one that was asked", () => {
  const needs = new FakeNeeds();
  const logtest = makeLogtest(needs);
  const long = doorLog(`opened by ${"x".repeat(60_000)}`);
  const idle = open(logtest);
  const other = open(logtest);
  const busy = open(logtest);
  const halfOf = Math.ceil(CONFIG.sessionsBytesMax / 2 / long.length);
  for (let count = 0; count < halfOf; count++) process(logtest, other, long);
  for (let count = 0; count < 3 * halfOf; count++) assert.equal(tokenOf(process(logtest, busy, long)), busy);
  assert.equal(needs.metrics.get("logtest_sessions_over_memory"), 2);
  assert.equal(needs.metrics.get("logtest_sessions"), 1);
  assert.ok(!isKnown(logtest, idle));
});
