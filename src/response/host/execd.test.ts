/**
 * Goal: programs hear what the peer's execd tells them, and what they did is undone in its time. Method: the recorded dialogue, line by
 * line; then time by hand over repeated hits, stops and restarts.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Execd, type ExecdOptions, type ExecdOutput } from "./execd.ts";
import { STANDING_MAX } from "./limits.ts";
import { keysLine } from "./script-message.ts";

const VECTOR = JSON.parse(
  readFileSync(new URL("../../../test/vectors/agent/execd.json", import.meta.url), "utf8"),
);
const MESSAGE: string = VECTOR.received_from_manager.slice("#!-execd ".length);
const NOW_MS = Date.UTC(2026, 10, 21, 10);
const EXECUTABLE = "firewall-drop";
const COMMANDS = [{ name: "firewall-drop600", executable: EXECUTABLE, timeoutSeconds: 600 }];

function execdWith(options: Partial<ExecdOptions> = {}): Execd {
  return new Execd({ commands: COMMANDS, repeatedOffenderMinutes: [], isPresent: () => true, ...options });
}

function only<Kind extends ExecdOutput["kind"]>(outputs: readonly ExecdOutput[], kind: Kind) {
  return outputs.filter(
    (output): output is Extract<ExecdOutput, { readonly kind: Kind }> => output.kind === kind,
  );
}

function runOf(outputs: readonly ExecdOutput[]) {
  const [run] = only(outputs, "run");
  assert(run !== undefined, JSON.stringify(outputs));
  return run;
}

function texts(outputs: readonly ExecdOutput[]): string[] {
  return outputs.flatMap((output) =>
    output.kind === "say" || output.kind === "refused" ? [output.text] : [],
  );
}

/** The whole dialogue; gives what the program was told at its second line. */
function hit(
  execd: Execd,
  nowMs: number,
  text = MESSAGE,
): { readonly command: string; readonly said: string[] } {
  const { run } = runOf(execd.message(text));
  const outputs = execd.said(run, VECTOR.from_script, nowMs);
  execd.ended(run, true, nowMs);
  return { command: JSON.parse(only(outputs, "answer")[0]?.line ?? "{}").command, said: texts(outputs) };
}

test("Execd speaks with a program as recorded: add, continue, abort, delete", () => {
  const execd = execdWith();
  const first = runOf(execd.message(MESSAGE));
  assert.deepEqual([first.executable, first.args, first.asks], [EXECUTABLE, [], true]);
  assert.equal(first.line, VECTOR.to_script_1);
  const [answer] = only(execd.said(first.run, VECTOR.from_script, NOW_MS), "answer");
  assert.equal(answer?.line, VECTOR.to_script_2_first_time);
  assert.deepEqual(execd.ended(first.run, true, NOW_MS), []);
  assert.deepEqual(
    execd.standing.map(({ key }) => key),
    [VECTOR.timeout_list_key],
  );

  const second = runOf(execd.message(MESSAGE));
  const [abort] = only(execd.said(second.run, VECTOR.from_script, NOW_MS), "answer");
  assert.equal(abort?.line, VECTOR.to_script_2_already_blocked);
  execd.ended(second.run, true, NOW_MS);

  assert.deepEqual(execd.look(NOW_MS + 600_000), []);
  const over = runOf(execd.look(NOW_MS + 601_000));
  assert.deepEqual([over.line, over.asks], [VECTOR.to_script_after_timeout, false]);
  assert.deepEqual(execd.ended(over.run, true, NOW_MS), [{ kind: "over", key: VECTOR.timeout_list_key }]);
  assert.deepEqual(execd.look(NOW_MS + 700_000), []);
});

test("Execd runs a custom command by its file, without a timeout", () => {
  const { received, timeout } = VECTOR.custom_command;
  const text = MESSAGE.replace("firewall-drop600", received);
  const run = runOf(execdWith().message(text));
  assert.equal(`active-response/bin/${run.executable}`, VECTOR.custom_command.runs);
  assert.equal(timeout, 0);
  assert.equal(JSON.parse(run.line).parameters.program, VECTOR.custom_command.runs);
});

test("Execd refuses names that lead out of the folder and names it does not know", () => {
  const commands = [...COMMANDS, { name: "odd0", executable: "../sh", timeoutSeconds: 0 }];
  const execd = execdWith({ commands });
  const names = [
    "!../../bin/sh",
    "!/bin/sh",
    "!..",
    "!a..b",
    "!a/b",
    "!",
    "!.",
    "!a\0b",
    "!a\nb",
    `!${"x".repeat(300)}`,
    "odd0",
    "firewall-drop",
  ];
  for (const name of names) {
    const outputs = execd.message(JSON.stringify({ ...JSON.parse(MESSAGE), command: name }));
    assert.deepEqual(only(outputs, "run"), [], name);
    assert.match(texts(outputs)[0] ?? "", /^\(1311\): Invalid command name '/);
  }
});

test("Execd says what no message is in the peer's words", () => {
  const execd = execdWith();
  assert.deepEqual(texts(execd.message("{")), ["(1315): Invalid JSON message: '{'"]);
  for (const text of ["{}", '{"command":7}', '{"command":""}'])
    assert.deepEqual(texts(execd.message(text)), [`(1316): Invalid AR command: '${text}'`]);
});

test("Execd takes the first file that is there of those with one name", () => {
  const commands = ["a", "b", "c"].map((executable) => ({ name: "x5", executable, timeoutSeconds: 5 }));
  const execd = execdWith({ commands, isPresent: (executable) => executable !== "a" });
  assert.equal(execd.resolve("x5")?.executable, "b");
  assert.equal(execdWith({ commands, isPresent: () => false }).resolve("x5"), null);
});

test("Execd restarts the manager for the name without a number, without a dialogue", () => {
  const run = runOf(execdWith().message('{"command":"restart-wazuh","parameters":{}}'));
  assert.deepEqual([run.executable, run.args, run.asks], ["restart.sh", ["manager"], false]);
});

test("Execd prolongs what stands when it comes again", () => {
  const execd = execdWith();
  hit(execd, NOW_MS);
  assert.deepEqual(hit(execd, NOW_MS + 500_000), {
    command: "abort",
    said: ["Command already received, updating time of addition to now."],
  });
  assert.deepEqual(execd.look(NOW_MS + 1_100_000), []);
  assert.equal(only(execd.look(NOW_MS + 1_100_001), "run").length, 1);
});

test("Execd blocks repeated offenders for longer, also while the block stands", () => {
  const execd = execdWith({ repeatedOffenderMinutes: [30, 60, 120] });
  const seconds = () => execd.standing[0]?.timeoutSeconds;
  assert.deepEqual([hit(execd, NOW_MS).command, seconds()], ["continue", 600]);
  assert.deepEqual(hit(execd, NOW_MS), {
    command: "abort",
    said: ["Repeated offender. Setting timeout to '1800s'"],
  });
  assert.equal(seconds(), 1800);
  execd.look(NOW_MS + 1_801_000);
  assert.deepEqual([hit(execd, NOW_MS + 2_000_000).command, seconds()], ["continue", 3600]);
  for (const wanted of [7200, 7200]) {
    hit(execd, NOW_MS);
    assert.equal(seconds(), wanted);
  }
});

test("Execd sends nothing more to a program that says no keys", () => {
  const execd = execdWith();
  for (const line of [
    "{",
    "done",
    '{"version":1}',
    VECTOR.from_script.replace("check_keys", "x"),
    keysLine("x", []),
  ]) {
    const { run } = runOf(execd.message(MESSAGE));
    const outputs = execd.said(run, line, NOW_MS);
    assert.equal(JSON.parse(only(outputs, "answer")[0]?.line ?? "").command, "abort");
    assert.deepEqual(execd.ended(run, true, NOW_MS), []);
  }
  assert.deepEqual(execd.standing, []);
  // A stateless program ends without a line.
  assert.deepEqual(execd.ended(runOf(execd.message(MESSAGE)).run, true, NOW_MS), []);
});

test("Execd does not take for in force what failed", () => {
  const execd = execdWith();
  const { run } = runOf(execd.message(MESSAGE));
  execd.said(run, VECTOR.from_script, NOW_MS);
  assert.deepEqual(execd.ended(run, false, NOW_MS), [{ kind: "over", key: VECTOR.timeout_list_key }]);
  assert.equal(hit(execd, NOW_MS).command, "continue");
});

test("Execd tries again after the same time what could not be undone", () => {
  const execd = execdWith();
  hit(execd, NOW_MS);
  const laterMs = NOW_MS + 601_000;
  const [again] = only(execd.ended(runOf(execd.look(laterMs)).run, false, laterMs), "stands");
  assert.deepEqual([again?.standing.key, again?.standing.sinceMs], [VECTOR.timeout_list_key, laterMs]);
  assert.deepEqual(execd.look(laterMs + 600_000), []);
  assert.equal(runOf(execd.look(laterMs + 601_000)).line, VECTOR.to_script_after_timeout);
});

test("Execd undoes at a stop what has a timeout, and keeps the rest", () => {
  const commands = [...COMMANDS, { name: "for-good0", executable: "for-good", timeoutSeconds: 0 }];
  const execd = execdWith({ commands });
  assert.deepEqual(execd.stop(), []);
  hit(execd, NOW_MS);
  assert.equal(hit(execd, NOW_MS, MESSAGE.replace("firewall-drop600", "for-good0")).command, "continue");
  const outputs = execd.stop();
  assert.deepEqual(texts(outputs), ["(1314): Shutdown received. Deleting responses."]);
  assert.deepEqual(
    only(outputs, "run").map(({ line }) => line),
    [VECTOR.to_script_after_timeout],
  );
  assert.deepEqual(
    execd.standing.map(({ executable }) => executable),
    ["for-good"],
  );
});

test("Execd undoes after a restart what is overdue, and the rest in its time", () => {
  const before = execdWith();
  hit(before, NOW_MS);
  const { standing } = before;
  const overdue = execdWith();
  overdue.restore(standing);
  assert.equal(runOf(overdue.look(NOW_MS + 3_600_000)).line, VECTOR.to_script_after_timeout);
  const early = execdWith();
  early.restore(standing);
  assert.deepEqual(early.look(NOW_MS + 10_000), []);
  assert.equal(hit(early, NOW_MS + 10_000).command, "abort");
});

test("Execd keeps what was done again while it was undone", () => {
  const execd = execdWith();
  hit(execd, NOW_MS);
  const undo = runOf(execd.undo(VECTOR.timeout_list_key));
  hit(execd, NOW_MS);
  assert.deepEqual(execd.ended(undo.run, true, NOW_MS), []);
  assert.equal(execd.standing.length, 1);
  assert.deepEqual(execd.undo("nothing"), []);
});

test("Execd holds a bounded number of responses in force", () => {
  const execd = execdWith();
  for (let count = 0; count < STANDING_MAX; count++) {
    const { run } = runOf(execd.message(MESSAGE));
    execd.said(run, keysLine(EXECUTABLE, [String(count)]), NOW_MS);
    execd.ended(run, true, NOW_MS);
  }
  const outputs = execd.message(MESSAGE);
  assert.deepEqual(only(outputs, "run"), []);
  assert.equal(only(outputs, "refused")[0]?.code, "over_limit");
});
