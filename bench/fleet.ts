/** The parent's end of a process full of agents: apart from the manager and from the benchmark, so that each one's processor time is its own. */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LOOPBACK } from "../test/e2e/home.ts";
import type { BusyManager } from "./busy-manager.ts";

const PROCESS = fileURLToPath(new URL("fleet-process.ts", import.meta.url));
const LOOK_PERIOD_MS = 200;

/** Each is answered by a report. */
export type FleetOrder =
  | {
      readonly kind: "connect";
      readonly host: string;
      readonly port: number;
      readonly protocol: "tcp" | "udp";
      readonly first: number;
      readonly count: number;
      /** Of the files of the agents' group, which they have already. */
      readonly mergedSum: string;
      readonly keepaliveSeconds: number;
    }
  | {
      readonly kind: "prepare";
      readonly corpus: string;
      readonly dataDirectory: string;
      readonly senders: number;
    }
  | { readonly kind: "send"; readonly rounds: number }
  /** So many of all agents together become due in a second; who cannot send them in time is behind. */
  | { readonly kind: "offer"; readonly eventsPerSecond: number }
  /** Seals the corpus so many times and sends it over UDP, as fast as the system takes it. */
  | {
      readonly kind: "datagrams";
      readonly host: string;
      readonly port: number;
      readonly corpus: string;
      readonly dataDirectory: string;
      readonly senders: number;
      readonly passes: number;
    }
  | { readonly kind: "stop_sending" }
  /** All at once. */
  | { readonly kind: "keepalive" }
  | { readonly kind: "forget_answers" }
  | { readonly kind: "report" };

export type Crowd = Pick<
  Extract<FleetOrder, { readonly kind: "connect" }>,
  "first" | "count" | "keepaliveSeconds"
> & { readonly protocol?: "tcp" | "udp" };

export type FleetReport = {
  /** The manager answered their startup. */
  readonly active: number;
  /** Have events left to write. */
  readonly sending: number;
  /** Wait for an answer. */
  readonly waiting: number;
  readonly connections: number;
  /** Connections that ended before the manager answered. */
  readonly refused: number;
  /** Connections that ended later. */
  readonly closed: number;
  readonly keepalivesAnswered: number;
  /** Of those that were answered and of those that wait. */
  readonly longestAnswerMs: number;
  /** The same to the next ack, which need not be the answer: an agent cannot tell. */
  readonly longestAckWaitMs: number;
  /** How long an agent heard nothing at all of the manager. */
  readonly longestSilenceMs: number;
  readonly eventsWritten: number;
  readonly cpuSeconds: number;
};

export class Fleet {
  readonly #child: ChildProcess = fork(PROCESS, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  #last: Promise<FleetReport> | null = null;

  order(order: FleetOrder): Promise<FleetReport> {
    const before = this.#last ?? Promise.resolve();
    const answer = before.then(
      () =>
        new Promise<FleetReport>((resolve, reject) => {
          const ended = () => reject(new Error("the agents' process ended"));
          this.#child.once("exit", ended);
          this.#child.once("message", (report: FleetReport) => {
            this.#child.off("exit", ended);
            resolve(report);
          });
          this.#child.send(order);
        }),
    );
    this.#last = answer;
    return answer;
  }

  report(): Promise<FleetReport> {
    return this.order({ kind: "report" });
  }

  /** Resolves with the first report that fulfils the condition. */
  async until(
    what: string,
    secondsMax: number,
    condition: (report: FleetReport) => boolean,
  ): Promise<FleetReport> {
    const deadline = performance.now() + secondsMax * 1000;
    for (;;) {
      const report = await this.report();
      if (condition(report)) return report;
      if (performance.now() > deadline)
        throw new Error(`not within ${secondsMax} s: ${what}; ${JSON.stringify(report)}`);
      await delay(LOOK_PERIOD_MS);
    }
  }

  /** A crowd of the manager's agents, which have the files of their group; resolves when all are active. */
  async connect(manager: BusyManager, crowd: Crowd, secondsMax: number): Promise<void> {
    const mergedSum = await manager.mergedSum();
    const place = { host: LOOPBACK, port: manager.home.agentPort, mergedSum };
    await this.order({ kind: "connect", protocol: "tcp", ...place, ...crowd });
    await this.until("all are connected", secondsMax, ({ active }) => active === crowd.count);
  }

  end(): void {
    this.#child.disconnect();
  }
}
