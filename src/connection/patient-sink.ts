/**
 * The sink of events, with a place for what a full journal refuses: nothing that was opened is lost, and nothing overtakes it.
 *
 * Memory: a connection stops as soon as the sink is `blocked`, so one message for each at most, and one sweep's notices.
 */
import assert from "node:assert/strict";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";

export class PatientSink {
  readonly #sink: EventSink;
  #waiting: EventInput[] = [];

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** True while something waits: bring nothing more. */
  get blocked(): boolean {
    return this.#waiting.length > 0;
  }

  get waitingEvents(): number {
    return this.#waiting.length;
  }

  get pressure(): Pressure {
    return this.blocked ? "full" : this.#sink.pressure;
  }

  append(event: EventInput): void {
    if (this.blocked || !this.#sink.append(event)) this.#waiting.push(event);
  }

  whenDurable(run: () => void): void {
    assert(!this.blocked, "an answer to what came after an event that waits");
    this.#sink.whenDurable(run);
  }

  /** Hands over what waits, as far as there is room. */
  retry(): void {
    const refusedAt = this.#waiting.findIndex((event) => !this.#sink.append(event));
    this.#waiting = refusedAt === -1 ? [] : this.#waiting.slice(refusedAt);
  }
}
