/**
 * Goal: a manager that has few open files says how many agents that leaves room for, turns away who comes beyond with a line that says why,
 * and goes on serving its agents. Method: a manager with a low limit, and more connections than that.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connectedAgent } from "./agents.ts";
import { LOOPBACK, makeHome, readLog, removeHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const OPEN_FILES = 256;
/** Of a low limit the agents get half. */
const ROOM = OPEN_FILES / 2;
const AGENTS = ROOM + 1;
const WAIT_MS_MAX = 30_000;
const WITHIN = ["sh", "-c", `ulimit -n ${OPEN_FILES}; exec "$@"`, "sh"];

function clientKeys(): string {
  const lines = Array.from(
    { length: AGENTS },
    (_, index) => `${index + 1001} agent${index} any ${"ab".repeat(32)}\n`,
  );
  return lines.join("");
}

test("a manager says how many agents its open files allow, and turns others away", async (context) => {
  const home = await makeHome();
  context.after(() => removeHome(home));
  writeInto(home.path, "etc/client.keys", clientKeys());
  const manager = await ManagerProcess.start(home, ["--quiet"], WITHIN);
  context.after(() => manager.kill());
  const warning = `The limit of open files is ${OPEN_FILES}: ${ROOM} agents can be connected at a time, and ${AGENTS} are registered.`;
  assert(readLog(home).includes(warning));

  const agent = await connectedAgent(home);
  const strangers = Array.from({ length: AGENTS }, () => connect(home.agentPort, LOOPBACK));
  let closed = 0;
  for (const stranger of strangers) {
    stranger.on("error", () => {});
    stranger.on("close", () => closed++);
    stranger.resume();
  }
  await Promise.all(strangers.map((stranger) => once(stranger, "connect")));
  await until("who is too many is turned away", WAIT_MS_MAX, () => closed === AGENTS + 1 - ROOM);
  assert(readLog(home).includes(`Too many agent connections (limit ${ROOM}). Closing the new one.`));
  await agent.keepalive();
  for (const stranger of strangers) stranger.destroy();
  await agent.drop();
});
