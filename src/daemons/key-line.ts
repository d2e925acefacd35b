/** The agents' keys on their way from the registry to the intake thread. */
import type { KeyChange, KeyStore } from "#registry/key-store.ts";
import type { KeyChangeMessage, ToIntake } from "./thread-messages.ts";

/** In parts: one copy of all keys at a time is memory that is not given back. */
const KEYS_SENT_AT_ONCE = 1000;

export type KeyLineNeeds = {
  readonly keys: KeyStore;
  readonly send: (message: ToIntake) => void;
  /** Others that hold something of agents; called behind `send`. */
  readonly changed: (changes: readonly KeyChange[]) => void;
};

export class KeyLine {
  readonly #needs: KeyLineNeeds;
  readonly #waiting = new Map<number, () => void>();
  #sequence = 0;

  constructor(needs: KeyLineNeeds) {
    this.#needs = needs;
  }

  /** Sends all keys, and from then on every change. */
  start(): void {
    const { keys } = this.#needs;
    this.#send([...keys.entries()].map((entry) => ({ kind: "added", entry, origin: "own" })));
    keys.onChange((changes) => this.#send(changes));
  }

  /** Resolves when the intake thread knows every key that was sent so far. */
  applied(): Promise<void> {
    return new Promise((resolve) => {
      const sequence = ++this.#sequence;
      this.#waiting.set(sequence, resolve);
      this.#needs.send({ kind: "keys", changes: [], sequence });
    });
  }

  /** The intake thread's answer to a message. */
  acknowledge(sequence: number): void {
    this.#waiting.get(sequence)?.();
    this.#waiting.delete(sequence);
  }

  #send(changes: readonly KeyChange[]): void {
    const messages = changes.map(({ kind, entry }): KeyChangeMessage => {
      const { id, name, address, key } = entry;
      if (kind === "removed") return { kind, id };
      return { kind: "put", id, name, address: address.text, key: key.reveal() };
    });
    for (let from = 0; from < messages.length; from += KEYS_SENT_AT_ONCE) {
      const part = messages.slice(from, from + KEYS_SENT_AT_ONCE);
      this.#needs.send({ kind: "keys", changes: part, sequence: ++this.#sequence });
    }
    this.#needs.changed(changes);
  }
}
