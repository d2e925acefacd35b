/**
 * More agents than one process has open files for: several processes of them. A manager that has too few itself for a connection of
 * each takes the others over UDP, where an agent needs none.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connectionsWithin, openFilesMax } from "#daemons/file-limit.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { BusyManager } from "./busy-manager.ts";
import { type Crowd, Fleet, type FleetOrder, type FleetReport } from "./fleet.ts";

/** What is left of the usual 20,000 open files is for what is no agent. */
const AGENTS_A_PROCESS = 10_000;
const LOOK_PERIOD_MS = 200;

/** How many of the agents the manager takes over TCP, its limit of open files being that of this process. */
export function agentsOverTcp(agents: number): number {
  return Math.min(agents, connectionsWithin(openFilesMax(systemFiles), agents));
}

/** For `<protocol>` of the manager. */
export function protocolsFor(agents: number): "tcp" | "tcp,udp" {
  return agentsOverTcp(agents) === agents ? "tcp" : "tcp,udp";
}

export class Fleets {
  readonly #fleets: readonly Fleet[];

  private constructor(fleets: readonly Fleet[]) {
    this.#fleets = fleets;
  }

  /** Agents 1 to `agents`; resolves when all are active. */
  static async connect(
    manager: BusyManager,
    {
      agents,
      keepaliveSeconds,
      secondsMax,
    }: { agents: number; keepaliveSeconds: number; secondsMax: number },
  ): Promise<Fleets> {
    const crowds = crowdsOf(agents, keepaliveSeconds).map((crowd) => ({ crowd, fleet: new Fleet() }));
    const fleets = new Fleets(crowds.map(({ fleet }) => fleet));
    try {
      for (const { crowd, fleet } of crowds) await fleet.connect(manager, crowd, secondsMax);
      return fleets;
    } catch (error) {
      fleets.end();
      throw error;
    }
  }

  /** Of all together. */
  async order(order: FleetOrder): Promise<FleetReport> {
    return (await Promise.all(this.#fleets.map((fleet) => fleet.order(order)))).reduce(together);
  }

  report(): Promise<FleetReport> {
    return this.order({ kind: "report" });
  }

  async untilActive(agents: number, secondsMax: number): Promise<void> {
    const deadline = performance.now() + secondsMax * 1000;
    for (;;) {
      const report = await this.report();
      if (report.active === agents) return;
      if (performance.now() > deadline)
        throw new Error(`not all active within ${secondsMax} s: ${JSON.stringify(report)}`);
      await delay(LOOK_PERIOD_MS);
    }
  }

  end(): void {
    for (const fleet of this.#fleets) fleet.end();
  }
}

function crowdsOf(agents: number, keepaliveSeconds: number): readonly Crowd[] {
  const overTcp = agentsOverTcp(agents);
  const crowds: Crowd[] = [];
  for (let first = 1; first <= agents; ) {
    const isTcp = first <= overTcp;
    const count = Math.min(AGENTS_A_PROCESS, (isTcp ? overTcp : agents) - first + 1);
    crowds.push({ first, count, keepaliveSeconds, protocol: isTcp ? "tcp" : "udp" });
    first += count;
  }
  return crowds;
}

function together(all: FleetReport, one: FleetReport): FleetReport {
  return {
    active: all.active + one.active,
    sending: all.sending + one.sending,
    waiting: all.waiting + one.waiting,
    connections: all.connections + one.connections,
    refused: all.refused + one.refused,
    closed: all.closed + one.closed,
    keepalivesAnswered: all.keepalivesAnswered + one.keepalivesAnswered,
    longestAnswerMs: Math.max(all.longestAnswerMs, one.longestAnswerMs),
    longestAckWaitMs: Math.max(all.longestAckWaitMs, one.longestAckWaitMs),
    longestSilenceMs: Math.max(all.longestSilenceMs, one.longestSilenceMs),
    eventsWritten: all.eventsWritten + one.eventsWritten,
    cpuSeconds: all.cpuSeconds + one.cpuSeconds,
  };
}
