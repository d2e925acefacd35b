/**
 * What the connection service learns about agents, on its way to the main thread: of an agent that says much in a short time only the
 * latest is sent, so that no agent can fill the main thread's queue.
 */
import type { AgentReports, AgentUpdate } from "#connection/needs.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";

/** Enrolment decides by an agent's state: this much later it may be known. */
const SEND_DELAY_MS = 100;

/**
 * At most four updates an agent, each the latest of its kind and in the order in which they came: that it connected, a keepalive with
 * something new in it, any other state, a word on an upgrade.
 */
type Kind = "startup" | "news" | "state" | "upgrade";

export class AgentReportBuffer implements AgentReports {
  readonly #clock: Clock;
  readonly #send: (updates: readonly AgentUpdate[]) => void;
  readonly #pending = new Map<string, Map<Kind, AgentUpdate>>();
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
    const pending = this.#pending.get(update.agentId) ?? new Map<Kind, AgentUpdate>();
    this.#pending.set(update.agentId, pending);
    const kind = kindOf(update);
    pending.delete(kind);
    pending.set(kind, update);
    this.#timer ??= this.#clock.after(SEND_DELAY_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#pending.size === 0) return;
    const updates = [...this.#pending.values()].flatMap((pending) => [...pending.values()]);
    this.#pending.clear();
    this.#send(updates);
  }
}

function kindOf(update: AgentUpdate): Kind {
  if (update.kind === "startup") return "startup";
  if (update.kind === "upgrade_reported") return "upgrade";
  return update.kind === "keepalive" && update.keepalive !== null ? "news" : "state";
}
