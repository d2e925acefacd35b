/**
 * Message counters: what a sender puts in each message, and what a receiver makes of them.
 *
 * Pure: the stored pairs and the option that switches verification on belong to `connection/`.
 */
import { authenticationErrorLog } from "./message-logs.ts";

export type Counters = { readonly global: number; readonly local: number };

/** From here the local counter starts again, so that it never needs a fifth digit. wazuh v4.14.7: src/os_crypto/shared/msgs.c. */
export const LOCAL_ROLL_OVER = 9997;

/** The pair of the next message: called before each one, with the pair of the one before it. */
export function nextCounters({ global, local }: Counters): Counters {
  if (local < LOCAL_ROLL_OVER) return { global, local: local + 1 };
  return { global: (global + 1) >>> 0, local: 1 }; // the peer's counter has 32 bits
}

/** The same as one number that grows by one with each message. */
export function sequenceOf({ global, local }: Counters): number {
  return global * LOCAL_ROLL_OVER + local;
}

export class SenderCounter {
  #last: Counters;

  /** Starts after the pair that was sent last; a process that restarts lower would be taken for a replay. */
  constructor(last: Counters) {
    this.#last = last;
  }

  get last(): Counters {
    return this.#last;
  }

  next(): Counters {
    this.#last = nextCounters(this.#last);
    return this.#last;
  }
}

export type ReplayVerdict =
  | { readonly code: "VALID" }
  | { readonly code: "RIDS" | "ENCKEY"; readonly logs: readonly string[] };

export type ReplayCheck = {
  readonly stored: Counters | null;
  readonly received: Counters;
  readonly agent: { readonly id: string; readonly name: string };
  readonly peerAddress: string;
};

/** With verification on: a pair is accepted when it is greater than the stored one; then it becomes the stored one. */
export function checkReplay({ stored, received, agent, peerAddress }: ReplayCheck): ReplayVerdict {
  if (stored === null || received.global > stored.global) return { code: "VALID" };
  // The peer treats an older global counter as a message of another key, not as a duplicate.
  if (received.global < stored.global) {
    return { code: "ENCKEY", logs: [authenticationErrorLog(agent.id, peerAddress)] };
  }
  if (received.local > stored.local) return { code: "VALID" };
  const pairs = `global: ${received.global}, local: ${received.local}, saved global: ${stored.global}, saved local:${stored.local}`;
  return {
    code: "RIDS",
    logs: [`Duplicate error:  ${pairs}`, `(1407): Duplicated counter for '${agent.name}'.`],
  };
}
