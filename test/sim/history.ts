/** What happened in a simulated world, as those who took part in it know: what invariants are held against. */
import { type Counters, sequenceOf } from "#formats/wire/agent/counters.ts";
import { forEachEvent } from "#model/event-block.ts";
import type { World } from "./world.ts";

const NUMBER = /number=(\d+-\d+) /;

/** The name of a numbered event in a text; null for any other event. */
export function numberIn(text: string): string | null {
  return NUMBER.exec(text)?.[1] ?? null;
}

/** `certain`: durable, or accepted by a process whose host kept its power. */
export type Accepted = { readonly number: string | null; readonly life: number; certain: boolean };

export class History {
  readonly #world: World;
  /** Events of the journal by their positions. */
  readonly accepted = new Map<number, Accepted>();
  readonly #offered = new Map<number, string | null>();
  /** How often each event was sent, and over which connection of an agent; -1 over UDP. */
  readonly sentOver = new Map<string, number[]>();
  /** By connection, in the order of sending. */
  readonly #sentIn = new Map<number, string[]>();
  readonly confirmedEvents = new Set<string>();
  readonly #counters = new Set<number>();
  readonly #ids = new Map<string, string>();
  #connections = 0;
  #lastPosition = -1;
  #syncedUpTo = 0;
  #countersReserved = true;
  #powerLosses = 0;
  readonly #takenAway = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  get sentCount(): number {
    return this.sentOver.size;
  }

  connection(): number {
    return ++this.#connections;
  }

  connections(): Iterable<readonly string[]> {
    return this.#sentIn.values();
  }

  sent(number: string, connection: number): void {
    const over = this.sentOver.get(number) ?? [];
    this.sentOver.set(number, [...over, connection]);
    if (connection < 0) return;
    const inOrder = this.#sentIn.get(connection) ?? [];
    inOrder.push(number);
    this.#sentIn.set(connection, inOrder);
  }

  /** The manager's word that they are durable. */
  confirmed(numbers: readonly string[]): void {
    for (const number of numbers) this.confirmedEvents.add(number);
  }

  /** A process is about to write this block: when it ends meanwhile, the block may be there all the same. */
  offered(block: Buffer): void {
    forEachEvent(block, {
      event: ({ position, message }) => this.#offered.set(position, numberIn(message)),
      control: () => {},
    });
  }

  /** The event that has, or would have, this position. */
  numberAt(position: number): string | null {
    return this.#offered.get(position) ?? null;
  }

  /** A process wrote this block to the journal. */
  written(block: Buffer, life: number): void {
    forEachEvent(block, {
      event: ({ position, message }) => this.#accept(position, numberIn(message), life),
      control: ({ position }) => this.#accept(position, null, life),
    });
  }

  /** A sync of the journal returned, up to this position. */
  synced(position: number): void {
    this.#syncedUpTo = position;
  }

  /** The host of the manager lost its power: what was not synced, by whichever process, may be gone. */
  powerLost(): void {
    this.#powerLosses++;
    for (const [position, event] of this.accepted) if (position >= this.#syncedUpTo) event.certain = false;
  }

  /** Somebody took the line of this id out of client.keys. */
  takenAway(id: string): void {
    this.#takenAway.set(id, this.#powerLosses);
  }

  /** The manager sends on although it could not reserve counters: after its next end some may come again. */
  countersUnreserved(): void {
    this.#countersReserved = false;
  }

  /** What an agent received was sealed with a counter that no message before had. */
  received(counters: Counters, protocol: "tcp" | "udp"): void {
    if (protocol === "udp" || !this.#countersReserved) return; // the network doubles datagrams
    const sequence = sequenceOf(counters);
    if (this.#counters.has(sequence)) this.#world.fail(`counter ${sequence} of the manager was used twice`);
    this.#counters.add(sequence);
  }

  enrolled(agent: string, id: string): void {
    const holder = this.#ids.get(id);
    // A loss of power may take the row with the last moments, and by then nothing else tells of a line that somebody took away.
    const forgotten = (this.#takenAway.get(id) ?? this.#powerLosses) < this.#powerLosses;
    if (holder !== undefined && !forgotten)
      this.#world.fail(`id ${id} was given to ${holder} and to ${agent}`);
    this.#ids.set(id, agent);
  }

  #accept(position: number, number: string | null, life: number): void {
    if (position <= this.#lastPosition) this.#world.fail(`position ${position} was given out twice`);
    this.#lastPosition = position;
    this.accepted.set(position, { number, life, certain: true });
  }
}
