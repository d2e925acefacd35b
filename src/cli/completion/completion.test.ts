/**
 * Goal: the scripts are right in their shells and know the whole command tree. Method: bash checks the syntax of its own and completes
 * prefixes with it; the other shells are asked where the machine has them, and every place must be named in each script.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fakeProcess, runCommand } from "../environment.fixture.ts";
import { buildProgram } from "../program.ts";
import { placesOf } from "./command-tree.ts";

async function scriptOf(shell: string): Promise<string> {
  const { stdout, exitCode } = await runCommand(["completion", shell]);
  assert.equal(exitCode, 0);
  return stdout.text;
}

function run(shell: string, args: readonly string[], input: string) {
  return spawnSync(shell, args, { input, encoding: "utf8" });
}

function missing(shell: string): string | false {
  return run(shell, ["-c", "true"], "").status === 0 ? false : `SKIPPED: no ${shell} on this machine`;
}

/** The script as a file: fish and zsh read no script from a pipe. */
async function withScript<T>(shell: string, use: (path: string) => T): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-completion-"));
  try {
    const path = join(directory, "script");
    writeFileSync(path, await scriptOf(shell));
    return use(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What bash offers for the last word of a command line. */
async function completions(line: string): Promise<string[]> {
  const words = line.split(" ");
  const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
_cyb3rhq; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = run("bash", ["-s"], `${await scriptOf("bash")}\n${ask}\n`);
  return stdout.split("\n").filter((word) => word !== "");
}

test("placesOf() lists every command with its options", () => {
  const places = placesOf(buildProgram(fakeProcess([])));
  const paths = places.map(({ path }) => path);
  assert.equal(paths[0], "");
  for (const path of ["logtest", "rules", "rules check", "rules test"]) assert.ok(paths.includes(path), path);
  const logtest = places.find(({ path }) => path === "logtest");
  assert.deepEqual(
    logtest?.options.map(({ word }) => word),
    [
      "--ruleset",
      "--json",
      "--fresh",
      "--location",
      "--verbose",
      "--ut",
      "--quiet",
      "--debug",
      "--version",
      "--help",
    ],
  );
});

for (const shell of ["bash", "zsh", "fish"]) {
  test(`${shell} accepts its script`, { skip: missing(shell) }, async () => {
    const { status, stderr } = await withScript(shell, (path) => run(shell, ["-n", path], ""));
    assert.equal(stderr, "");
    assert.equal(status, 0);
  });

  test(`the script for ${shell} knows every command`, async () => {
    const script = await scriptOf(shell);
    for (const { path } of placesOf(buildProgram(fakeProcess([])))) {
      const name = path.split(" ").at(-1) ?? "";
      assert.ok(script.includes(name), path);
    }
  });
}

test("bash completes commands, commands below them, and options", { skip: missing("bash") }, async () => {
  assert.deepEqual(await completions("cyb3rhq logt"), ["logtest"]);
  assert.deepEqual(await completions("cyb3rhq rules "), ["check", "test", "reload", "help", "--help"]);
  assert.deepEqual(await completions("cyb3rhq rules te"), ["test"]);
  assert.deepEqual(await completions("cyb3rhq rules test --ru"), ["--ruleset"]);
  assert.deepEqual(await completions("cyb3rhq logtest --fresh --lo"), ["--location"]);
  assert.deepEqual(await completions("cyb3rhq logtest some-f"), [], "then bash offers names of files");
});

test("fish completes commands and options with what they do", { skip: missing("fish") }, async () => {
  const offered = async (line: string) => {
    const { stdout } = await withScript("fish", (path) =>
      run("fish", ["-N", "-c", `source ${path}; complete -C '${line}'`], ""),
    );
    return stdout.split("\n").filter((text) => text !== "");
  };
  assert.deepEqual(await offered("cyb3rhq rules te"), ["test\trun rule tests from files"]);
  assert.deepEqual(await offered("cyb3rhq logtest --fr"), ["--fresh\ta new session for each line"]);
});
