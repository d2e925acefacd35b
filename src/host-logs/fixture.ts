/** For the tests of log collection only: a sink that keeps what it gets. */
import type { EventInput } from "#model/event-block.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";

export class FakeSink implements EventSink {
  readonly events: EventInput[] = [];
  pressure: Pressure = "none";
  /** How many events it takes in all. */
  room = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];

  append(event: EventInput): boolean {
    if (this.events.length >= this.room) return false;
    this.events.push(event);
    return true;
  }

  whenDurable(run: () => void): void {
    this.#waiting.push(run);
  }

  /** The sync that a real journal would do. */
  sync(): void {
    const runs = this.#waiting;
    this.#waiting = [];
    for (const run of runs) run();
  }

  get messages(): string[] {
    return this.events.map(({ message }) => message.toString());
  }
}
