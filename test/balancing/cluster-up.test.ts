/**
 * Goal: one command runs a cluster with its balancer, another takes all of it away. Method: the program as users call it, an agent that
 * enrols and reports through the balancer, a second call, a call that does not fit, Ctrl-C.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { enroll, TestAgent } from "#testing/agent.ts";
import { freePort, isListening, LOOPBACK, temporaryDirectory } from "../e2e/home.ts";
import { until } from "../e2e/until.ts";
import { NO_HAPROXY, NO_NGINX } from "./balancers.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
/** Machines that are busy with other tests are slow. */
const UP_MS_MAX = 90_000;
/** Its files are free a moment before. */
const END_MS_MAX = 5000;

type Called = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Running = {
  readonly nodes: readonly { readonly name: string; readonly home: string; readonly pid: number }[];
  readonly balancer: { readonly pid: number; readonly agentPort: number; readonly enrollmentPort: number };
};

function call(...args: readonly string[]): Promise<Called> {
  return new Promise((resolve) => {
    const child = execFile(LAUNCHER, ["cluster", ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

function scratch(t: TestContext): string {
  const directory = join(temporaryDirectory(), "trial");
  t.after(async () => {
    await call("down", "--dir", directory);
    rmSync(join(directory, ".."), { recursive: true });
  });
  return directory;
}

/** One that nobody has asked for its exit code has no command line any more. */
async function ended(pid: number): Promise<void> {
  const path = `/proc/${pid}/cmdline`;
  await until(
    `process ${pid} ends`,
    END_MS_MAX,
    () => !existsSync(path) || readFileSync(path, "latin1") === "",
  );
}

test("cluster up runs nodes behind HAProxy, again starts nothing new, and cluster down takes all away", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = scratch(t);
  const portBase = String(await freePort());
  const common = ["--dir", directory, "--port-base", portBase];
  const first = await call("up", "2", ...common, "--json");
  assert.deepEqual([first.code, first.stderr], [0, ""], first.stdout);
  const running: Running = JSON.parse(first.stdout);
  const key = readFileSync(join(directory, "cluster.key"), "latin1");
  assert.match(key, /^[0-9a-f]{32}$/);
  assert(!first.stdout.includes(key));

  const { agentPort, enrollmentPort } = running.balancer;
  const identity = await enroll({ host: LOOPBACK, port: enrollmentPort, name: "tried" });
  assert.equal(identity.name, "tried");
  const known = await call("nodes", "--home", join(directory, "worker1"), "--json");
  assert.deepEqual(
    [...known.stdout.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
    ["master", "worker1"],
  );
  assert.equal(await isListening(agentPort), true);

  const again = await call("up", "2", ...common, "--json");
  assert.deepEqual(JSON.parse(again.stdout), running);
  const other = await call("up", "3", ...common);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /has a cluster of 2 nodes/);

  const down = await call("down", "--dir", directory, "--remove", "--json");
  assert.deepEqual(JSON.parse(down.stdout), { directory, stopped: true, removed: true });
  for (const { pid } of [...running.nodes, running.balancer]) await ended(pid);
  assert.equal(existsSync(directory), false);
});

test("cluster up in the foreground serves agents through NGINX until Ctrl-C", {
  skip: NO_NGINX,
}, async (t) => {
  const directory = scratch(t);
  const portBase = await freePort();
  const args = ["cluster", "up", "1", "--balancer", "nginx", "--foreground", "--dir", directory];
  const child = spawn(LAUNCHER, [...args, "--port-base", String(portBase)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString("latin1");
    });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  await until("it runs", UP_MS_MAX, () => {
    if (child.exitCode !== null) throw new Error(said);
    return said.includes("What to try next:");
  });

  const identity = await enroll({ host: LOOPBACK, port: portBase + 1, name: "tried" });
  const agent = new TestAgent({ host: LOOPBACK, port: portBase, identity });
  await agent.connect();
  await agent.keepalive();
  await agent.shutdown();

  const pids = [...said.matchAll(/\(pid (\d+)\)/g)].map(([, pid]) => Number(pid));
  assert.equal(pids.length, 2);
  child.kill("SIGINT");
  assert.equal(await exit, 0, said);
  for (const pid of pids) await ended(pid);
  assert(existsSync(join(directory, "master/etc/ossec.conf")), "what was tried stays to be looked at");
});

test("cluster up that is interrupted leaves nothing running", async (t) => {
  const directory = scratch(t);
  const args = ["cluster", "up", "2", "--balancer", "none", "--dir", directory];
  const child = spawn(LAUNCHER, [...args, "--port-base", String(await freePort())], { stdio: "ignore" });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const lock = join(directory, "master/var/run/cyb3rhq-manager.pid");
  await until("the master begins", UP_MS_MAX, () => existsSync(lock));
  const pid = Number(readFileSync(lock, "latin1").split(" ")[0]);
  child.kill("SIGINT");
  assert.equal(await exit, 1);
  await ended(pid);
});
