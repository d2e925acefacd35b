/**
 * What the connection service learns about agents, on its way to the main thread: of an agent that says much in a short time only the
 * latest is sent, so that no agent can fill the main thread's queue.
 */
import type { AgentReports, AgentUpdate } from "#connection/needs.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";

/** Enrolment decides by an agent's state: this much later it may be known. */
const SEND_DELAY_MS = 100;

/** At most three updates an agent: the last keepalive with something new in it, the last state, the last word on an upgrade. */
type Pending = { news: AgentUpdate | null; state: AgentUpdate | null; upgrade: AgentUpdate | null };

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
    const pending = this.#pending.get(update.agentId) ?? { news: null, state: null, upgrade: null };
    this.#pending.set(update.agentId, pending);
    if (update.kind === "upgrade_reported") pending.upgrade = update;
    else pending.state = update;
    if (update.kind === "keepalive" && update.keepalive !== null) pending.news = update;
    this.#timer ??= this.#clock.after(SEND_DELAY_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#pending.size === 0) return;
    // The news may be the last state, too.
    const updates = [...this.#pending.values()].flatMap(({ news, state, upgrade }) =>
      [...new Set([news, state, upgrade])].filter((update) => update !== null),
    );
    this.#pending.clear();
    this.#send(updates);
  }
}
