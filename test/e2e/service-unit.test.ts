/** Goal: systemd takes the unit that deploy/ ships, as it is. Method: `systemd-analyze verify` of a copy that names the program of this tree. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const UNIT = fileURLToPath(new URL("../../deploy/systemd/cyb3rhq-manager.service", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const hasProgram = spawnSync("systemd-analyze", ["--version"]).status === 0;
const skip = hasProgram ? false : "no systemd-analyze here: SKIPPED, the unit is not verified";

test("cyb3rhq-manager.service is a unit without a mistake", { skip }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-unit-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "cyb3rhq-manager.service");
  writeFileSync(path, readFileSync(UNIT, "utf8").replaceAll("/opt/cyb3rhq/cyb3rhq", LAUNCHER));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
  const complaints = stderr.split("\n").filter((line) => line.includes("cyb3rhq-manager"));
  assert.deepEqual({ status, complaints }, { status: 0, complaints: [] });
});

test("cyb3rhq-manager.service starts the program with options that it has", () => {
  const [, options = ""] = /^ExecStart=\S+ (.*)$/m.exec(readFileSync(UNIT, "utf8")) ?? [];
  const help = spawnSync(LAUNCHER, ["start", "--help"], { encoding: "utf8" }).stdout;
  const named = options.split(" ").filter((option) => option.startsWith("--"));
  assert.deepEqual(named, ["--quiet", "--user"]);
  for (const option of named) assert.match(help, new RegExp(`^ +${option}\\b`, "m"));
});
