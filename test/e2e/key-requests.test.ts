/**
 * Goal: an agent that only another system knows is served at its second message. Method: a manager process, a program that answers with the
 * agent's key, an agent of a second implementation.
 */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TestAgent } from "#testing/agent.ts";
import { LOOPBACK, makeHome, readDocuments, readLog, removeHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const KEY = "0123456789abcdef".repeat(4);
/** The test's own words reach it as arguments, nothing of it passes a shell of the manager. */
const PROGRAM = `#!/bin/sh
[ "$1 $2 $3" = "a b id 042" ] || { echo '{"error":1,"message":"unknown"}'; exit 0; }
echo '{"error":0,"data":{"id":"042","name":"elsewhere","ip":"any","key":"${KEY}"}}'
`;

test("Manager serves an agent whose key a program knows", async () => {
  const home = await makeHome();
  writeInto(home.path, "etc/keys.sh", PROGRAM);
  chmodSync(join(home.path, "etc/keys.sh"), 0o755);
  const path = join(home.path, "etc/ossec.conf");
  const request = '<key_request><exec_path>etc/keys.sh "a b"</exec_path></key_request></auth>';
  writeFileSync(path, readFileSync(path, "latin1").replace("</auth>", request));
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  const agents = ["041", "042"].map((id) => {
    const identity = { id, name: "elsewhere", address: "any", key: KEY };
    return new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
  });
  try {
    for (const agent of agents) await assert.rejects(agent.connect());
    const keys = (): string => readFileSync(join(home.path, "etc/client.keys"), "latin1");
    await until("the key", WAIT_MS_MAX, () => readLog(home).includes("(id '042') taken over"));
    assert.equal(keys(), `042 elsewhere any ${KEY}\n`);
    const agent = agents.at(-1);
    await agent?.connect();
    agent?.send("1:/var/log/x:hello");
    await agent?.keepalive();
    await until("the event", WAIT_MS_MAX, () =>
      readDocuments(home, "archive").some(({ agent: { id } }) => id === "042"),
    );
  } finally {
    for (const agent of agents) await agent.drop();
    await manager.kill();
    removeHome(home);
  }
});
