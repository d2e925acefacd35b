/**
 * What connected agents cost that say nothing but their keepalives: a manager with the peer's rule set, agents over TCP in processes
 * of their own. The manager is to take less than a tenth of a core and 350 MB for 10,000 of them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager } from "./busy-manager.ts";
import { Fleet } from "./fleet.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { shareOf } from "./processor-time.ts";

const AGENTS: Readonly<Record<string, number>> = { "10000 agents": 10_000, "20000 agents": 20_000 };
/** A process may not open many more files than that. */
const AGENTS_A_PROCESS = 10_000;
const KEEPALIVE_SECONDS = 20;
/** Two keepalives of every agent, after one: first ones cost more. */
const SETTLING_SECONDS = 22;
const MEASURED_SECONDS = 40;
const CONNECT_SECONDS_MAX = 120;

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const agents = AGENTS[corpus] ?? 0;
  const manager = await BusyManager.start({ agents, dataDirectory, archives: false });
  const fleets = Array.from({ length: Math.ceil(agents / AGENTS_A_PROCESS) }, () => new Fleet());
  const reports = () => Promise.all(fleets.map((fleet) => fleet.report()));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  try {
    const idleRssBytes = manager.rssBytes;
    const count = agents / fleets.length;
    for (const [index, fleet] of fleets.entries()) {
      const first = 1 + index * count;
      await fleet.connect(
        manager,
        { first, count, keepaliveSeconds: KEEPALIVE_SECONDS },
        CONNECT_SECONDS_MAX,
      );
    }
    await delay(SETTLING_SECONDS * 1000);
    await Promise.all(fleets.map((fleet) => fleet.order({ kind: "forget_answers" })));
    const before = await reports();
    const cpuBefore = manager.cpuSeconds;
    const begun = performance.now();
    await delay(MEASURED_SECONDS * 1000);
    const seconds = (performance.now() - begun) / 1000;
    const cpuSeconds = manager.cpuSeconds - cpuBefore;
    const after = await reports();
    const fleetCpuSeconds = sum(after.map((r) => r.cpuSeconds)) - sum(before.map((r) => r.cpuSeconds));
    return {
      managerCoreShare: shareOf(cpuSeconds, seconds),
      agentsCoreShare: shareOf(fleetCpuSeconds, seconds),
      rssBytes: manager.rssBytes,
      idleRssBytes,
      keepalivesAnswered:
        sum(after.map((r) => r.keepalivesAnswered)) - sum(before.map((r) => r.keepalivesAnswered)),
      longestAnswerMs: Math.round(Math.max(...after.map((r) => r.longestAnswerMs))),
      active: sum(after.map((r) => r.active)),
      closed: sum(after.map((r) => r.closed + r.refused)),
      keepaliveSeconds: KEEPALIVE_SECONDS,
    };
  } finally {
    for (const fleet of fleets) fleet.end();
    await manager.remove();
  }
}

export const agentsConnected: Benchmark = {
  corpora: Object.keys(AGENTS),
  mainFigure: "managerCoreShare",
  needs: () => [RULESET_FOLDER],
  measure,
};
