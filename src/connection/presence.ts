/**
 * Which agents gave a sign of life and which of them fell silent, for any number of agents at the cost of those that changed.
 *
 * Pure: times come in, decisions go out. Both maps are kept in the order of time, so a look at their beginning is enough.
 */
import type { AgentId } from "#model/agent.ts";

export type Silence = {
  /** Silent for the disconnection time now. */
  readonly lost: readonly AgentId[];
  /** Lost for the alert time now: the event that says so is due. */
  readonly due: readonly AgentId[];
};

export class Presence {
  readonly #disconnectionMs: number;
  readonly #alertMs: number;
  /** Time of the last sign, oldest first. */
  readonly #present = new Map<AgentId, number>();
  /** Time of the last sign of those whose event is not due yet, oldest first. */
  readonly #lost = new Map<AgentId, number>();

  constructor(disconnectionMs: number, alertMs: number) {
    this.#disconnectionMs = disconnectionMs;
    this.#alertMs = alertMs;
  }

  get size(): number {
    return this.#present.size;
  }

  seen(id: AgentId, nowMs: number): void {
    this.#lost.delete(id);
    this.#present.delete(id);
    this.#present.set(id, nowMs);
  }

  /** The agent said goodbye or is no longer known: its silence is no news. */
  left(id: AgentId): void {
    this.#lost.delete(id);
    this.#present.delete(id);
  }

  /** Signs could not be received for a while: nobody's silence counts from before `nowMs`. */
  restart(nowMs: number): void {
    for (const id of this.#present.keys()) this.#present.set(id, nowMs);
  }

  /** At most `limit` agents of each kind; the others are found by the next call. */
  sweep(nowMs: number, limit: number): Silence {
    const lost: AgentId[] = [];
    for (const [id, lastMs] of this.#present) {
      if (lost.length === limit || nowMs - lastMs <= this.#disconnectionMs) break;
      lost.push(id);
      this.#present.delete(id);
      this.#lost.set(id, lastMs);
    }
    const due: AgentId[] = [];
    for (const [id, lastMs] of this.#lost) {
      if (due.length === limit || nowMs - lastMs <= this.#disconnectionMs + this.#alertMs) break;
      due.push(id);
      this.#lost.delete(id);
    }
    return { lost, due };
  }
}
