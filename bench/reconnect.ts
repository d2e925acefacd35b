/**
 * How long it takes until all agents of a manager that was started anew are connected again. All of them try at once, and one that has
 * never been here enrols meanwhile. To be done within 60 s, with none refused.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { registryPaths } from "#registry/registry.ts";
import { enroll } from "#testing/agent.ts";
import { LOOPBACK } from "../test/e2e/home.ts";
import { until } from "../test/e2e/until.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager } from "./busy-manager.ts";
import { agentsOverTcp, Fleets, protocolsFor } from "./fleets.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";

const AGENTS: Readonly<Record<string, number>> = { "10000 agents": 10_000, "20000 agents": 20_000 };
const KEEPALIVE_SECONDS = 20;
const SECONDS_MAX = 120;
/** When the manager is at its busiest. */
const ENROLLMENT_DELAY_MS = 500;

function activeAgents(home: string): number {
  const database = new DatabaseSync(registryPaths(home).database, { readOnly: true });
  const row = database.prepare("SELECT count(*) AS active FROM agent WHERE status = 'active'").get();
  database.close();
  return Number(row?.["active"]);
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const agents = AGENTS[corpus] ?? 0;
  const protocol = protocolsFor(agents);
  const manager = await BusyManager.start({ agents, dataDirectory, archives: false, protocol });
  let fleets: Fleets | null = null;
  try {
    const times = { keepaliveSeconds: KEEPALIVE_SECONDS, secondsMax: SECONDS_MAX };
    fleets = await Fleets.connect(manager, { agents, ...times });
    const before = await fleets.report();
    await manager.restart();
    const begun = performance.now();
    await delay(ENROLLMENT_DELAY_MS);
    const asked = performance.now();
    await enroll({ host: LOOPBACK, port: manager.home.enrollmentPort, name: "newcomer" });
    const enrollmentMs = performance.now() - asked;
    await fleets.untilActive(agents, SECONDS_MAX);
    await until("all are active", SECONDS_MAX * 1000, () => activeAgents(manager.home.path) >= agents);
    const seconds = (performance.now() - begun) / 1000;
    const after = await fleets.report();
    return {
      secondsUntilAllActive: Number(seconds.toFixed(2)),
      refused: after.refused - before.refused,
      enrollmentMs: Math.round(enrollmentMs),
      longestAnswerMs: Math.round(after.longestAnswerMs),
      managerCpuSeconds: Number(manager.cpuSeconds.toFixed(2)),
      agentsCpuSeconds: Number((after.cpuSeconds - before.cpuSeconds).toFixed(2)),
      agents,
      agentsOverUdp: agents - agentsOverTcp(agents),
      rssBytes: manager.rssBytes,
    };
  } finally {
    fleets?.end();
    await manager.remove();
  }
}

export const reconnect: Benchmark = {
  corpora: Object.keys(AGENTS),
  mainFigure: "secondsUntilAllActive",
  needs: () => [RULESET_FOLDER],
  measure,
};
