/** Goal: a wrong call is told in one line with exit code 2, a failure with 1. Method: the whole program with a process in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { fakeProcess, runCommand } from "./environment.fixture.ts";
import { buildProgram, type CommandModule, runProgram } from "./program.ts";

const WRONG_CALLS: readonly (readonly [args: string, text: string])[] = [
  ["logtset", "cyb3rhq: unknown command 'logtset' (did you mean logtest?)\n"],
  ["rules chekc", "cyb3rhq: unknown command 'chekc' (did you mean check?)\n"],
  ["logtest --jsn", "cyb3rhq: unknown option '--jsn' (did you mean --json?)\n"],
  ["logtest --location [001", "cyb3rhq: option '-l, --location <location>' argument '[001' is invalid."],
  ["logtest --ut 100:3", "cyb3rhq: option '-U, --ut <rule:alert:decoder>' argument '100:3' is invalid."],
  ["explain --rule x", "cyb3rhq: option '--rule <id>' argument 'x' is invalid."],
  ["logtest surplus", "cyb3rhq: too many arguments for 'logtest'. Expected 0 arguments but got 1"],
  ["rules test", "cyb3rhq: missing required argument 'file'\n"],
  ["rules check", "cyb3rhq: missing required argument 'dir'\n"],
  ["completion csh", "cyb3rhq: command-argument value 'csh' is invalid for argument 'shell'."],
];

test("the program answers a wrong call with one line and exit code 2", async () => {
  for (const [args, text] of WRONG_CALLS) {
    const { exitCode, stderr, stdout } = await runCommand(args.split(" "));
    assert.equal(exitCode, 2, args);
    assert.ok(stderr.text.startsWith(text), `${args}: ${stderr.text}`);
    assert.equal(stderr.text.indexOf("\n"), stderr.text.length - 1, stderr.text);
    assert.equal(stdout.text, "");
  }
});

test("the program without a command shows its help on stderr", async () => {
  for (const args of [[], ["rules"]]) {
    const { exitCode, stderr, stdout } = await runCommand(args);
    assert.equal(exitCode, 2);
    assert.match(stderr.text, /^Usage: cyb3rhq/);
    assert.equal(stdout.text, "");
  }
});

test("every command's help tells what it does, its options and exit codes", async () => {
  const commands = [
    ["logtest"],
    ["explain"],
    ["rules", "check"],
    ["rules", "test"],
    ["replay"],
    ["regex"],
    ["completion"],
  ];
  for (const args of commands) {
    const { exitCode, stdout, stderr } = await runCommand([...args, "--help"]);
    assert.equal(exitCode, 0);
    assert.equal(stderr.text, "");
    assert.ok(stdout.text.startsWith(`Usage: cyb3rhq ${args.join(" ")} `), stdout.text);
    assert.match(stdout.text, /Exit codes: 0 .*2 wrong use of the command line\.\n$/);
  }
  const { stdout } = await runCommand(["--help"]);
  for (const name of ["logtest", "explain", "rules", "replay", "regex", "completion", "version"]) {
    assert.match(stdout.text, new RegExp(`^ {2}${name} `, "m"));
  }
});

/** A command of the test's own. */
function throwing(error: Error): readonly CommandModule[] {
  const register: CommandModule["register"] = (program) => {
    program.command("act").action(() => {
      throw error;
    });
  };
  return [{ register }];
}

test("runProgram() turns a failure of the world into one line and exit code 1", async () => {
  const fake = fakeProcess(["act"]);
  await runProgram(fake, throwing(new CodedError("file_disk_full", "disk full: /ö")));
  assert.equal(fake.exitCode, 1);
  assert.equal(fake.stderr.text, "cyb3rhq: disk full: /\xc3\xb6\n");
});

test("runProgram() lets our own mistakes through", async () => {
  await assert.rejects(runProgram(fakeProcess(["act"]), throwing(new TypeError("ours"))), /ours/);
});

test("buildProgram() loads no command's work before it is called", () => {
  const program = buildProgram(fakeProcess([]));
  assert.ok(program.commands.length >= 6);
});
