/**
 * Goal: the test agent walks its servers as agents do. Method: ports where nobody listens, and one that takes connections and says
 * nothing; the order of the attempts. What it does with managers that come and go is in `test/balancing/`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FailoverAgent } from "./failover-agent.ts";

const LOOPBACK = "127.0.0.1";
const IDENTITY = { id: "001", name: "web1", address: "any", key: "k" };
const TIMES = { retryIntervalMs: 1, notifyMs: 1000, reconnectMs: 30 };
const ATTEMPTS = 14;

/** Nobody listens there: it was free a moment ago. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const local = server.address();
  server.close();
  return local !== null && typeof local === "object" ? local.port : 0;
}

test("FailoverAgent tries each server as often as it should, in order, and begins again behind the last", async () => {
  const silent = createServer((socket) => socket.on("error", () => {})).listen(0, LOOPBACK);
  await once(silent, "listening");
  const local = silent.address();
  assert(local !== null && typeof local === "object");
  const servers = [
    { host: LOOPBACK, port: await deadPort() },
    { host: LOOPBACK, port: local.port },
    { host: LOOPBACK, port: await deadPort(), protocol: "udp" as const },
  ];
  const agent = new FailoverAgent({ ...TIMES, identity: IDENTITY, servers, maxRetries: 2 });
  agent.start();
  while (agent.attempts.length < ATTEMPTS) await delay(1);
  assert.deepEqual(agent.attempts.slice(0, ATTEMPTS), [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0]);
  assert.equal(agent.server, null);
  await agent.stop();
  silent.close();
});
