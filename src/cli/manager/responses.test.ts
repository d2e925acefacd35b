/** Goal: commands ask the manager what they were told and show what it says. Method: the whole program; the manager's socket in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControlCommands } from "#local-sockets/control.ts";
import { type FakeProcess, runCommand } from "../environment.fixture.ts";
import { HOME, socketsOf } from "./control.fixture.ts";

async function run(args: readonly string[], commands: ControlCommands): Promise<FakeProcess> {
  const localSockets = await socketsOf(commands);
  return runCommand(["response", ...args, "--home", HOME], { localSockets });
}

test("response run asks for what it was told, bytes as bytes", async () => {
  const asked: unknown[] = [];
  const commands: ControlCommands = {
    "response.run": (parameters) => {
      asked.push(parameters);
      return [{ agentId: "000", ok: true, message: "done" }];
    },
  };
  const { stdout, exitCode } = await run(["run", "drop", "\u00fc", "--timeout", "60"], commands);
  assert.deepEqual([stdout.text, exitCode], ["done\n", 0]);
  await run(["run", "--agent", "001", "--agent", "002", "--dry-run", "drop"], commands);
  await run(["run", "--all", "drop"], commands);
  const common = { name: "drop", timeout: null, dryRun: false };
  assert.deepEqual(asked, [
    { ...common, arguments: ["\u00c3\u00bc"], target: "server", timeout: 60 },
    { ...common, arguments: [], target: ["001", "002"], dryRun: true },
    { ...common, arguments: [], target: "all" },
  ]);
});

test("response run fails when one of its targets does, without what moves a terminal's cursor", async () => {
  const outcomes = [
    { agentId: "001", ok: true, message: "sent" },
    { agentId: "002", ok: false, message: "no\u001b[2J" },
  ];
  const commands: ControlCommands = { "response.run": () => outcomes };
  const { stdout, exitCode } = await run(["run", "--all", "drop"], commands);
  assert.deepEqual([stdout.text, exitCode], ["001: sent\n002: no?[2J\n", 1]);
  const json = await run(["run", "--all", "drop", "--json"], commands);
  assert.deepEqual(JSON.parse(json.stdout.text), outcomes);
});

test("response run says that nobody was there to tell", async () => {
  const { stdout, stderr, exitCode } = await run(["run", "--all", "drop"], { "response.run": () => [] });
  assert.deepEqual([stdout.text, stderr.text, exitCode], ["", "cyb3rhq: No agent is active\n", 1]);
});

test("response run refuses options that exclude each other", async () => {
  for (const args of [
    ["--server", "--all"],
    ["--agent", "001", "--all"],
    ["--all", "--timeout", "5"],
    ["--timeout", "-1"],
  ])
    assert.equal((await run(["run", "drop", ...args], {})).exitCode, 2, args.join(" "));
});

test("response list and undo show what is in force and what became of it", async () => {
  const sinceMs = new Date(2026, 10, 21, 10, 0, 0).getTime();
  const standing = [
    { key: "firewall-drop-203.0.113.9", executable: "firewall-drop", sinceMs, untilMs: sinceMs + 600_000 },
    { key: "x-1", executable: "x", sinceMs, untilMs: null },
  ];
  const { stdout } = await run(["list"], { "response.list": () => standing });
  assert.deepEqual(stdout.text.replaceAll(/ +/g, " ").split("\n"), [
    "firewall-drop-203.0.113.9 since 2026-11-21 10:00:00 until 2026-11-21 10:10:00",
    "x-1 since 2026-11-21 10:00:00 until it is undone",
    "",
  ]);
  assert.equal((await run(["list"], { "response.list": () => [] })).stdout.text, "Nothing is in force\n");
  const undo: ControlCommands = {
    "response.undo": ({ key }) => ({ ok: key === "a", text: key === "a" ? "done" : "not in force" }),
  };
  const { stdout: said, exitCode } = await run(["undo", "a", "b"], undo);
  assert.deepEqual([said.text, exitCode], ["a: done\nb: not in force\n", 1]);
});
