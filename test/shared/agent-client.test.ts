/**
 * Goal: an agent that nobody of this project wrote is served. Method: run the small client that was proven against the peer's own
 * manager, with one line, and look for its acks and its alert.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { makeHome, readDocuments, removeHome } from "../e2e/home.ts";
import { ManagerProcess } from "../e2e/manager-process.ts";
import { SHARED_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

const CLIENT = `${SHARED_DIRECTORY}/tools/agent_client.mjs`;
const LINE =
  "Nov 21 10:00:01 web1 sshd[1]: Failed password for invalid user admin from 203.0.113.9 port 40001 ssh2";

function run(args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLIENT, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("latin1");
    });
    child.on("close", (code) => resolve({ code, output }));
  });
}

test("Manager serves an independent agent", { skip: skipWithoutShared() }, async (t) => {
  const home = await makeHome();
  t.after(() => removeHome(home));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const ports = ["--enrol", String(home.enrollmentPort), "--port", String(home.agentPort)];
  const { code, output } = await run([...ports, "--name", "web1", LINE]);
  assert.equal(code, 0, output);
  // Of its startup and of its keepalive.
  assert.match(output, /^\{"sent":1,"acks":2\}$/m);
  await manager.stop();
  const alerts = readDocuments(home, "alerts").filter(({ full_log: log }) => log === LINE);
  // Its address is told by its keepalive, which may be known before the event is analysed or not.
  assert.deepEqual(
    alerts.map(({ agent }) => ({ ...agent, ip: undefined })),
    [{ id: "001", name: "web1", ip: undefined }],
  );
});
