/**
 * What the connection service learns about agents, on its way to the main thread: of an agent that says much in a short time only the
 * latest is sent, so that no agent can fill the main thread's queue.
 */
import type { AgentReports, AgentUpdate } from "#connection/needs.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";

/** Enrolment decides by an agent's state: this much later it may be known. */
const SEND_DELAY_MS = 100;

/** At most two updates an agent: the last keepalive with something new in it, and the last state. */
type Pending = { news: AgentUpdate | null; state: AgentUpdate };

export class AgentReportBuffer implements AgentReports {
  readonly #clock: Clock;
  readonly #send: (updates: readonly AgentUpdate[]) => void;
  readonly #pending = new Map<string, Pending>();
  #timer: Timer | null = null;

  constructor(clock: Clock, send: (updates: readonly AgentUpdate[]) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  report(update: AgentUpdate): void {
    if (update.kind === "service_started") {
      this.flush();
      this.#send([update]);
      return;
    }
    const pending = this.#pending.get(update.agentId);
    const isNews = update.kind === "keepalive" && update.keepalive !== null;
    const news = isNews ? update : (pending?.news ?? null);
    this.#pending.set(update.agentId, { news, state: update });
    this.#timer ??= this.#clock.after(SEND_DELAY_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#pending.size === 0) return;
    const updates = [...this.#pending.values()].flatMap(({ news, state }) =>
      news === null || news === state ? [state] : [news, state],
    );
    this.#pending.clear();
    this.#send(updates);
  }
}
