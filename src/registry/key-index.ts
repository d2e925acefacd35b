/**
 * The keys in memory, found by id, name or address in constant time however many they are.
 *
 * A file edited by hand may hold an id, name or address twice: the first line counts, as in the peer, and when it goes the next
 * one takes its place. `any` is no address to find somebody by.
 */
import assert from "node:assert/strict";
import {
  type ClientKeys,
  type KeyEntry,
  NO_KEYS,
  type RemovedLine,
  withoutEntry,
} from "#formats/client-keys/client-keys.ts";
import type { AgentAddress, AgentId, AgentName } from "#model/agent.ts";

export class KeyIndex {
  readonly #byId = new Map<AgentId, KeyEntry>();
  readonly #byName = new Map<AgentName, KeyEntry>();
  readonly #byAddress = new Map<string, KeyEntry>();
  /** Entries whose name or address was taken when they came; few, so they may be searched one by one. */
  readonly #shadowed = new Set<KeyEntry>();
  readonly #removed: RemovedLine[];

  constructor(keys: ClientKeys = NO_KEYS) {
    this.#removed = [...keys.removed];
    for (const entry of keys.entries) this.add(entry);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The lines of removed agents, as they stand in the file. */
  get removedLines(): readonly RemovedLine[] {
    return this.#removed;
  }

  byId(id: AgentId): KeyEntry | null {
    return this.#byId.get(id) ?? null;
  }

  byName(name: AgentName): KeyEntry | null {
    return this.#byName.get(name) ?? null;
  }

  byAddress(address: AgentAddress): KeyEntry | null {
    return this.#byAddress.get(address.text) ?? null;
  }

  /** In the order of the file. */
  entries(): IterableIterator<KeyEntry> {
    return this.#byId.values();
  }

  /** False: the id is taken, nothing was added. */
  add(entry: KeyEntry): boolean {
    if (this.#byId.has(entry.id)) return false;
    this.#byId.set(entry.id, entry);
    if (this.#byName.has(entry.name)) this.#shadowed.add(entry);
    else this.#byName.set(entry.name, entry);
    if (entry.address.kind === "any") return true;
    if (this.#byAddress.has(entry.address.text)) this.#shadowed.add(entry);
    else this.#byAddress.set(entry.address.text, entry);
    return true;
  }

  /** With `purge` the agent leaves no line behind. */
  remove(entry: KeyEntry, { purge }: { readonly purge: boolean }): void {
    assert(this.#byId.get(entry.id) === entry, `removal of agent ${entry.id}, which is not here`);
    this.#removed.push(...withoutEntry({ ...NO_KEYS, entries: [entry] }, entry.id, { purge }).removed);
    this.#byId.delete(entry.id);
    this.#shadowed.delete(entry);
    if (this.#byName.get(entry.name) === entry) {
      this.#byName.delete(entry.name);
      const next = this.#firstShadowed((other) => other.name === entry.name);
      if (next !== null) this.#byName.set(entry.name, next);
    }
    const { text } = entry.address;
    if (this.#byAddress.get(text) === entry) {
      this.#byAddress.delete(text);
      const next = this.#firstShadowed((other) => other.address.text === text);
      if (next !== null) this.#byAddress.set(text, next);
    }
  }

  #firstShadowed(matches: (entry: KeyEntry) => boolean): KeyEntry | null {
    for (const entry of this.#shadowed) if (matches(entry)) return entry;
    return null;
  }
}
