/**
 * What connected agents cost that say nothing but their keepalives: a manager with the peer's rule set, agents in processes of their own,
 * over TCP as far as its open files go. The manager is to take less than a tenth of a core and 350 MB for 10,000 of them.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager } from "./busy-manager.ts";
import { agentsOverTcp, Fleets, protocolsFor } from "./fleets.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { shareOf } from "./processor-time.ts";

const AGENTS: Readonly<Record<string, number>> = { "10000 agents": 10_000, "20000 agents": 20_000 };
const KEEPALIVE_SECONDS = 20;
/** Two keepalives of every agent, after one: first ones cost more. */
const SETTLING_SECONDS = 22;
const MEASURED_SECONDS = 40;
const CONNECT_SECONDS_MAX = 120;

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const agents = AGENTS[corpus] ?? 0;
  const protocol = protocolsFor(agents);
  const manager = await BusyManager.start({ agents, dataDirectory, archives: false, protocol });
  let fleets: Fleets | null = null;
  try {
    const idleRssBytes = manager.rssBytes;
    const keepalives = { keepaliveSeconds: KEEPALIVE_SECONDS, secondsMax: CONNECT_SECONDS_MAX };
    fleets = await Fleets.connect(manager, { agents, ...keepalives });
    await delay(SETTLING_SECONDS * 1000);
    await fleets.order({ kind: "forget_answers" });
    const before = await fleets.report();
    const cpuBefore = manager.cpuSeconds;
    const begun = performance.now();
    await delay(MEASURED_SECONDS * 1000);
    const seconds = (performance.now() - begun) / 1000;
    const cpuSeconds = manager.cpuSeconds - cpuBefore;
    const after = await fleets.report();
    return {
      managerCoreShare: shareOf(cpuSeconds, seconds),
      agentsCoreShare: shareOf(after.cpuSeconds - before.cpuSeconds, seconds),
      rssBytes: manager.rssBytes,
      idleRssBytes,
      keepalivesAnswered: after.keepalivesAnswered - before.keepalivesAnswered,
      longestAnswerMs: Math.round(after.longestAnswerMs),
      active: after.active,
      closed: after.closed + after.refused,
      agentsOverUdp: agents - agentsOverTcp(agents),
      keepaliveSeconds: KEEPALIVE_SECONDS,
    };
  } finally {
    fleets?.end();
    await manager.remove();
  }
}

export const agentsConnected: Benchmark = {
  corpora: Object.keys(AGENTS),
  mainFigure: "managerCoreShare",
  needs: () => [RULESET_FOLDER],
  measure,
};
