/** One side of a cluster, a master or a number of workers, as the manager puts them together but for the clock: rounds begin when the parent says so. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AGENT_INFO_PERIOD_MS } from "#cluster/agents/times.ts";
import type { ClusterNode } from "#cluster/config.ts";
import { CHECK_PERIOD_MS, RECALCULATE_MS } from "#cluster/integrity/times.ts";
import { CONNECTIONS_PER_ADDRESS_MAX } from "#cluster/limits.ts";
import { WorkerAgentInfoTask } from "#cluster/master/agent-info.ts";
import { MasterIntegrity } from "#cluster/master/integrity.ts";
import { MasterServer } from "#cluster/master/server.ts";
import type { Dialer } from "#cluster/needs.ts";
import type { Session } from "#cluster/session.ts";
import { WorkerAgentInfo } from "#cluster/worker/agent-info.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import { ClusterWork } from "#daemons/cluster/work.ts";
import { fernetKey } from "#formats/wire/cluster/fernet.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { SystemConnection, systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Log } from "#kernel/ports/log.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { LOOPBACK } from "../test/e2e/home.ts";
import { connectAll, registryWith } from "./cluster-agents.ts";
import type { ClusterOrder, ClusterReport } from "./cluster-nodes.ts";

/** As the manager has them. */
const MASTER_THREADS = 2;
const WORKER_THREADS = 1;
const KEY = new Secret("c98b62a9b6169ac5f67dae55ae4a9088");

const problems: string[] = [];
let agentsTold = () => {};
/** All is to be told of each agent, as if all had just started. */
let oweAgents = () => {};
const log: Log = {
  write: (level, text) => {
    if (text.startsWith("[Worker worker0] [Agent-info sync] Finished")) agentsTold();
    if (level !== "debug" && level !== "info") problems.push(text);
  },
};
const common = { random: systemRandom, log, files: systemFiles, metrics: new RecordingMetrics() };
const newClock = () => new FakeClock(Date.now());

function nodeAt(home: string, nodeName: string, port: number): ClusterNode {
  const addresses = { bindAddress: LOOPBACK, masterAddress: LOOPBACK, port };
  return { home, nodeName, clusterName: "wazuh", version: "4.14.7", key: KEY, ...addresses };
}

let recalculate = async (): Promise<void> => {};

/** A worker's first check is seconds after its start: the threads are there by then. */
async function started(heavy: ClusterWork, threads: number): Promise<void> {
  const nothing = { kind: "open", key: fernetKey(KEY.reveal()), token: Buffer.alloc(0) } as const;
  await Promise.all(Array.from({ length: threads }, () => heavy.run(nothing)));
}

async function startMaster({ home, port, agents }: ClusterOrder & { kind: "master" }): Promise<void> {
  const clock = newClock();
  const needs = { ...common, clock, network: systemNetwork, heavy: new ClusterWork(MASTER_THREADS) };
  const integrity = new MasterIntegrity(home, needs);
  const registry = registryWith(agents, { home, clock, log });
  const server = new MasterServer(nodeAt(home, "master", port), needs, {
    welcomed: ({ name, session }) => {
      session.serve(integrity.workerTask(name, session).handlers);
      session.serve(new WorkerAgentInfoTask(name, registry.sync, session, needs).handlers);
    },
    left: () => {},
  });
  await server.start();
  await started(needs.heavy, MASTER_THREADS);
  recalculate = async () => {
    // The time that has passed says that the files are not being written any more.
    clock.jump(RECALCULATE_MS);
    await integrity.start();
  };
}

type WorkerChecks = { readonly clock: FakeClock; startMs: number; seconds: number; ended: () => void };
const workers: WorkerChecks[] = [];

async function startWorkers(order: ClusterOrder & { kind: "workers" }): Promise<void> {
  const { homes, port, count, agents } = order;
  const heavy = new ClusterWork(WORKER_THREADS);
  const joined = Array.from({ length: count }, (_, index) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const clock = newClock();
    const checks: WorkerChecks = { clock, startMs: 0, seconds: 0, ended: () => {} };
    workers.push(checks);
    const home = join(homes, `worker${index}`);
    mkdirSync(home, { recursive: true });
    const node = nodeAt(home, `worker${index}`, port);
    const address = `127.0.0.${2 + Math.floor(index / CONNECTIONS_PER_ADDRESS_MAX)}`;
    const needs = { ...common, clock, heavy, dialer: dialerFrom(address) };
    const checked = () => {
      checks.seconds = (performance.now() - checks.startMs) / 1000;
      checks.ended();
    };
    const { nodeName, version } = node;
    const registry = registryWith(agents, { home, clock, log });
    connectAll(registry, agents, Math.floor(clock.wallMs() / 1000));
    const nowSeconds = Math.floor(clock.wallMs() / 1000);
    oweAgents = () => registry.sync.oweActive(nowSeconds);
    let integrity: WorkerIntegrity | null = null;
    let agentInfo: WorkerAgentInfo | null = null;
    const handlers = (session: Session) => {
      integrity = new WorkerIntegrity({ home, nodeName, checked }, session, needs);
      agentInfo = new WorkerAgentInfo({ nodeName, version, agents: registry.sync }, session, needs);
      return new Map([...integrity.handlers, ...agentInfo.handlers]);
    };
    const tasks = {
      handlers,
      joined: () => {
        // One or the other: a round is to measure one thing.
        if (agents > 0) agentInfo?.start();
        else integrity?.start();
        resolve();
      },
      left: () => problems.push(`${node.nodeName} lost its master`),
    };
    new WorkerClient(node, needs, tasks).start();
    return promise;
  });
  await Promise.all(joined);
  await started(heavy, WORKER_THREADS);
}

/** A master takes few connections of one address. */
function dialerFrom(localAddress: string): Dialer {
  return {
    connect: (host, port, handler) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host, port, localAddress, noDelay: true });
        socket.once("error", reject);
        socket.once("connect", () => {
          const connection = new SystemConnection(socket);
          connection.attach(handler);
          resolve(connection);
        });
      }),
  };
}

async function check(gapMs: number): Promise<void> {
  const all = workers.map(async (worker, index) => {
    await delay(index * gapMs);
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.ended = resolve;
    worker.startMs = performance.now();
    worker.clock.advance(CHECK_PERIOD_MS);
    return promise;
  });
  await Promise.all(all);
}

async function tellOfAgents(): Promise<void> {
  const [worker] = workers;
  assert(worker !== undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  agentsTold = resolve;
  oweAgents();
  const startMs = performance.now();
  worker.clock.advance(AGENT_INFO_PERIOD_MS);
  await promise;
  worker.seconds = (performance.now() - startMs) / 1000;
}

function report(): ClusterReport {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    rssBytesMax: process.resourceUsage().maxRSS * 1024,
    checkSeconds: workers.map(({ seconds }) => seconds),
    problems,
  };
}

async function obey(order: ClusterOrder): Promise<void> {
  switch (order.kind) {
    case "master":
      return startMaster(order);
    case "workers":
      return startWorkers(order);
    case "recalculate":
      return recalculate();
    case "check":
      return check(order.gapMs);
    case "agent_info":
      return tellOfAgents();
    case "report":
      return;
  }
}

process.on("message", (order: ClusterOrder) => {
  obey(order).then(
    () => process.send?.(report()),
    (error: unknown) => process.send?.({ ...report(), problems: [String(error)] }),
  );
});
process.on("disconnect", () => process.exit());
