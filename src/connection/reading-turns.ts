/**
 * Who may read when the journal cannot take everything: all at any time, each in turn one chunk, or none.
 *
 * No connection is closed for fullness. Under pressure every connection has its turn within `TURN_PERIOD_MS`, in both limited
 * states; the turn keeps the agent alive, and while the pressure is only `high` one chunk is read in it.
 */
import type { Pressure } from "#model/event-sink.ts";
import { TURN_PERIOD_MS, TURN_TICK_MS } from "./limits.ts";

export interface TurnTaker {
  pause(): void;
  resume(): void;
  /** The connection's turn has come. */
  keepAlive(nowMs: number): void;
}

export class ReadingTurns<Taker extends TurnTaker> {
  /** All open connections; the first is the next one to have its turn. */
  readonly #ring = new Set<Taker>();
  /** Those that may read one chunk now. */
  readonly #reading = new Set<Taker>();
  readonly #changed: (pressure: Pressure) => void;
  #pressure: Pressure = "none";

  constructor(changed: (pressure: Pressure) => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#ring.size;
  }

  get limited(): boolean {
    return this.#pressure !== "none";
  }

  all(): Iterable<Taker> {
    return this.#ring;
  }

  add(taker: Taker): void {
    this.#ring.add(taker);
    if (this.limited) taker.pause();
  }

  remove(taker: Taker): void {
    this.#ring.delete(taker);
    this.#reading.delete(taker);
  }

  /** After every chunk of a connection, with the pressure that it left behind. */
  chunkRead(taker: Taker, pressure: Pressure): void {
    this.update(pressure);
    if (!this.limited) return;
    this.#reading.delete(taker);
    taker.pause();
  }

  update(pressure: Pressure): void {
    const before = this.#pressure;
    if (pressure === before) return;
    this.#pressure = pressure;
    this.#changed(pressure);
    if (pressure === "none") this.#resumeAll();
    else if (before === "none") for (const taker of this.#ring) taker.pause();
    else this.#endTurns();
  }

  /** Every `TURN_TICK_MS`. A turn ends with the next tick: who had nothing to read then waits for the next one. */
  tick(nowMs: number): void {
    if (!this.limited) return;
    this.#endTurns();
    const turns = Math.ceil((this.#ring.size * TURN_TICK_MS) / TURN_PERIOD_MS);
    const takers = this.#ring.values().take(turns).toArray();
    for (const taker of takers) {
      this.#ring.delete(taker);
      this.#ring.add(taker);
      taker.keepAlive(nowMs);
    }
    for (const taker of takers) {
      if (this.#pressure !== "high") return; // the one before may have filled the journal
      this.#reading.add(taker);
      taker.resume();
    }
  }

  #endTurns(): void {
    for (const taker of this.#reading) taker.pause();
    this.#reading.clear();
  }

  #resumeAll(): void {
    this.#reading.clear();
    for (const taker of [...this.#ring]) {
      if (this.limited) return; // the first ones filled the journal again
      taker.resume();
    }
  }
}
