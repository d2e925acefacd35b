/**
 * Remembered events in order of arrival, found again by the values that a rule compares.
 *
 * A composite rule asks for earlier events of the same agent with the same values of some fields. The list keeps one index for
 * each such combination, so that a search walks only the events that agree, newest first, in the order the whole list has.
 */
import type { ComparedEvent, RememberedEvent } from "./remembered-event.ts";

/** The values by which an event is found; null when it lacks one and can never be found. */
export type KeyOf = (event: ComparedEvent) => string | null;

/** A queue over an array: the head moves, the array is cut when half of it is dead. */
export class EventQueue {
  #events: (RememberedEvent | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#events.length - this.#head;
  }

  push(event: RememberedEvent): void {
    this.#events.push(event);
  }

  shift(): RememberedEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#events[this.#head++] = undefined;
    if (this.#head > 32 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** From the newest (0) backwards. */
  fromNewest(index: number): RememberedEvent | undefined {
    const at = this.#events.length - 1 - index;
    return at < this.#head ? undefined : this.#events[at];
  }

  get oldest(): RememberedEvent | undefined {
    return this.#events[this.#head];
  }

  *[Symbol.iterator](): Generator<RememberedEvent> {
    for (let at = this.#head; at < this.#events.length; at++) {
      const event = this.#events[at];
      if (event !== undefined) yield event;
    }
  }
}

class KeyIndex {
  readonly keyOf: KeyOf;
  readonly #queues = new Map<string, EventQueue>();

  constructor(keyOf: KeyOf) {
    this.keyOf = keyOf;
  }

  add(event: RememberedEvent): void {
    const key = this.keyOf(event);
    if (key === null) return;
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.push(event);
    else {
      const created = new EventQueue();
      created.push(event);
      this.#queues.set(key, created);
    }
  }

  /** The event is the oldest of the list, so it is the oldest of its queue. */
  dropOldest(event: RememberedEvent): void {
    const key = this.keyOf(event);
    const queue = key === null ? undefined : this.#queues.get(key);
    if (key === null || queue === undefined) return;
    queue.shift();
    if (queue.length === 0) this.#queues.delete(key);
  }

  find(key: string): EventQueue | undefined {
    return this.#queues.get(key);
  }
}

export class EventList {
  readonly #events = new EventQueue();
  readonly #indexes = new Map<string, KeyIndex>();

  /** Declared while the list is empty, by the rules that will search it; `signature` names the combination. */
  declare(signature: string, keyOf: KeyOf): void {
    if (!this.#indexes.has(signature)) this.#indexes.set(signature, new KeyIndex(keyOf));
  }

  add(event: RememberedEvent): void {
    this.#events.push(event);
    for (const index of this.#indexes.values()) index.add(event);
  }

  /** Removes the event when it is the oldest here. */
  dropIfOldest(event: RememberedEvent): void {
    if (this.#events.oldest !== event) return;
    this.#events.shift();
    for (const index of this.#indexes.values()) index.dropOldest(event);
  }

  find(signature: string, key: string): EventQueue | undefined {
    return this.#indexes.get(signature)?.find(key);
  }

  get length(): number {
    return this.#events.length;
  }
}
