/**
 * How many events a second a whole manager takes, from the agents' connections to alerts.json, with the peer's rule set: on one core and
 * on two. The agents send as fast as they are read; their messages were sealed before. A CPU-second is of all of the manager's threads.
 */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager } from "./busy-manager.ts";
import { corpusNeeds } from "./corpora.ts";
import { Fleet } from "./fleet.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { shareOf } from "./processor-time.ts";

/** As `taskset` writes them. */
const CORES: Readonly<Record<string, string>> = { "mix on 1 core": "0", "mix on 2 cores": "0,1" };
const CORPUS = "mix";
const AGENTS = 100;
/** The corpus has 20,000 events; a pass before warms the code up. */
const PASSES = 15;
const KEEPALIVE_SECONDS = 20;
const SECONDS_MAX = 120;

/** Sends the corpus so many times; resolves when all of it was analysed. */
async function send(manager: BusyManager, fleet: Fleet, rounds: number): Promise<void> {
  const analysed = async () => (await manager.counters())["events_analysed"] ?? 0;
  await fleet.order({ kind: "send", rounds });
  const { eventsWritten } = await fleet.until("all is sent", SECONDS_MAX, ({ sending }) => sending === 0);
  const deadline = performance.now() + SECONDS_MAX * 1000;
  // What the manager says of itself are events, too.
  while ((await analysed()) < eventsWritten) {
    if (performance.now() > deadline) throw new Error(`not analysed: ${eventsWritten} events`);
  }
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const manager = await BusyManager.start({ agents: AGENTS, dataDirectory, archives: false });
  const fleet = new Fleet();
  try {
    const crowd = { first: 1, count: AGENTS, keepaliveSeconds: KEEPALIVE_SECONDS };
    await fleet.connect(manager, crowd, SECONDS_MAX);
    await fleet.order({ kind: "prepare", corpus: CORPUS, dataDirectory, senders: AGENTS });
    execFileSync("taskset", ["-a", "-c", "-p", CORES[corpus] ?? "", String(manager.pid)], {
      stdio: "ignore",
    });
    await send(manager, fleet, 1);

    const before = await fleet.report();
    const cpuBefore = manager.cpuSeconds;
    const begunMs = Date.now();
    await send(manager, fleet, PASSES);
    const cpuSeconds = manager.cpuSeconds - cpuBefore;
    const endedMs = statSync(join(manager.home.path, "logs/alerts/alerts.json")).mtimeMs;
    const after = await fleet.report();
    const events = after.eventsWritten - before.eventsWritten;
    const seconds = (endedMs - begunMs) / 1000;
    return {
      eventsPerCpuSecond: Math.round(events / cpuSeconds),
      eventsPerSecond: Math.round(events / seconds),
      managerCoreShare: shareOf(cpuSeconds, seconds),
      agentsCoreShare: shareOf(after.cpuSeconds - before.cpuSeconds, seconds),
      rssBytes: manager.rssBytes,
      events,
      closed: after.closed,
    };
  } finally {
    fleet.end();
    await manager.remove();
  }
}

export const endToEnd: Benchmark = {
  corpora: Object.keys(CORES),
  mainFigure: "eventsPerCpuSecond",
  needs: () => [RULESET_FOLDER, ...corpusNeeds(CORPUS)],
  measure,
};
