/** Seals what goes to agents: one counter for all of them, a random number for each message. */
import { sealMessage } from "#formats/wire/agent/message.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { KnownAgent } from "./agent-table.ts";
import type { StoredSenderCounter } from "./message-counters.ts";

/** The peer's random numbers end below it. */
const RANDOM_BOUND = 65_536;

/**
 * The random number of an ack that no keepalive asked for. Every agent skips that field; one that keeps events until they are
 * confirmed must not take such an ack for the answer to its next keepalive, and no other message can have this number.
 */
export const UNSOLICITED_RANDOM = 99_999;

/** Of zlib: a quarter more parts a second than with the usual 9, for a few bytes more of each. */
const PART_COMPRESSION = 1;

export class Sealer {
  readonly #counter: StoredSenderCounter;
  readonly #random: Random;

  constructor(counter: StoredSenderCounter, random: Random) {
    this.#counter = counter;
    this.#random = random;
  }

  /** A payload for this agent; `confirms` is false for an ack that answers nothing. */
  seal(agent: KnownAgent, message: Uint8Array, confirms: boolean, nowMs: number): Buffer {
    const random = confirms ? this.#random.below(RANDOM_BOUND) : UNSOLICITED_RANDOM;
    const counters = this.#counter.next(nowMs);
    return sealMessage({ cipher: agent.cipher, random, counters, message });
  }

  /** A part of a file: there are tens of thousands of them for one agent. */
  sealPart(agent: KnownAgent, message: Uint8Array, nowMs: number): Buffer {
    const random = this.#random.below(RANDOM_BOUND);
    const counters = this.#counter.next(nowMs);
    return sealMessage({ cipher: agent.cipher, random, counters, message, compression: PART_COMPRESSION });
  }
}
