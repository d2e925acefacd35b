/**
 * The agents' keys: `etc/client.keys` is the truth, this is its reader, its writer and its index.
 *
 * Additions of a moment share one sync of the disk and are told to the listeners before their promises resolve. What people and
 * tools change in the file is merged; where both say something of an agent, the file is right. Ids are never given out twice.
 */
import assert from "node:assert/strict";
import { type KeyEntry, nextId, type ReadResult } from "#formats/client-keys/client-keys.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { FileInfo, Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentAddress, AgentId, AgentKey, AgentName } from "#model/agent.ts";
import { KeyFile, type KeyFilePaths } from "./key-file.ts";
import { KeyIndex } from "./key-index.ts";
import { Settling } from "./settling.ts";

/** How often the file is looked at. The peer takes 10 s and refuses a new agent until then. */
export const POLL_MS = 1000;
/** Additions that come while the disk syncs are read afterwards, all together: the group forms by itself. */
const GROUP_DELAY_MS = 0;
/** While somebody else writes the file, ours waits. */
const BUSY_RETRY_MS = 250;

export type NewKey = {
  /** Null: the next free one. */
  readonly id: AgentId | null;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
};

export type KeyChange = {
  readonly kind: "added" | "changed" | "removed";
  readonly entry: KeyEntry;
  /** `file`: somebody edited it; `own`: through `add` or `remove`. */
  readonly origin: "own" | "file";
};

export type KeyListener = (changes: readonly KeyChange[]) => void;

export type KeyStoreOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: KeyFilePaths;
};

type PendingAdd = { readonly entry: KeyEntry; readonly stored: PromiseWithResolvers<KeyEntry> };

export class KeyStore {
  readonly #file: KeyFile;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #listeners = new Set<KeyListener>();
  readonly #settling = new Settling();
  #index = new KeyIndex();
  #highestId = 0;
  #adds: PendingAdd[] = [];
  /** Removed in memory and for the listeners, still in the file. */
  readonly #removals = new Map<AgentId, { readonly purge: boolean }>();
  #removalsStored: PromiseWithResolvers<void>[] = [];
  /** A failed append may have left a part of a line. */
  #rewriteNeeded = false;
  #flushTimer: Timer | null = null;
  #pollTimer: Timer | null = null;

  constructor({ files, clock, log, metrics, paths }: KeyStoreOptions) {
    this.#file = new KeyFile(files, paths);
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** Reads the file and begins to watch it. Throws what the file system throws: without keys no agent can be served. */
  start(): void {
    assert(this.#pollTimer === null, "key store started twice");
    const info = this.#file.info();
    this.#take(this.#file.read(), info);
    this.#tell([]);
    this.#pollTimer = this.#clock.every(POLL_MS, () => this.#poll());
  }

  /** Writes what waits. Afterwards nothing may be added. */
  stop(): void {
    this.#pollTimer?.cancel();
    this.#flushTimer?.cancel();
    this.#pollTimer = null;
    this.#flush({ patient: false });
  }

  get size(): number {
    return this.#index.size;
  }

  byId(id: AgentId): KeyEntry | null {
    return this.#index.byId(id);
  }

  byName(name: AgentName): KeyEntry | null {
    return this.#index.byName(name);
  }

  byAddress(address: AgentAddress): KeyEntry | null {
    return this.#index.byAddress(address);
  }

  entries(): IterableIterator<KeyEntry> {
    return this.#index.entries();
  }

  /** Returns what stops the calls. Listeners are called in the order in which they came. */
  onChange(listener: KeyListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An agent had this id that the file does not know any more: it is not given to another one. Throws what the file system throws. */
  remember(id: AgentId): void {
    this.#highestId = Math.max(this.#highestId, Number(id));
    this.#file.rememberHighest(this.#highestId);
  }

  /**
   * Is in the index at once, and on stable storage and known to the listeners when the promise resolves. Rejects with `CodedError`
   * `agent_id_taken`, `agent_ids_exhausted` or `agent_removed`, or when the file cannot be written; then the key is gone again.
   */
  add({ id: wanted, name, address, key }: NewKey): Promise<KeyEntry> {
    const id = wanted ?? nextId({ highestId: this.#highestId });
    if (id === null) return Promise.reject(idsExhausted());
    const entry: KeyEntry = { id, name, address, key };
    if (!this.#index.add(entry)) return Promise.reject(idTaken(id));
    this.#highestId = Math.max(this.#highestId, Number(entry.id));
    const stored = Promise.withResolvers<KeyEntry>();
    this.#adds.push({ entry, stored });
    this.#scheduleFlush(GROUP_DELAY_MS);
    return stored.promise;
  }

  /**
   * Takes the agent out of the index and tells the listeners at once; the promise resolves when the file says so too. When the
   * file cannot be written the promise rejects and the writing is tried again. Unknown ids are ignored.
   */
  remove(ids: readonly AgentId[], { purge }: { readonly purge: boolean }): Promise<void> {
    const changes: KeyChange[] = [];
    for (const id of ids) {
      const entry = this.#index.byId(id);
      if (entry === null) continue;
      this.#cancelAdd(entry);
      this.#index.remove(entry, { purge });
      this.#removals.set(id, { purge });
      changes.push({ kind: "removed", entry, origin: "own" });
    }
    if (changes.length === 0) return Promise.resolve();
    this.#tell(changes);
    const stored = Promise.withResolvers<void>();
    this.#removalsStored.push(stored);
    this.#scheduleFlush(GROUP_DELAY_MS);
    return stored.promise;
  }

  #cancelAdd(entry: KeyEntry): void {
    const add = this.#adds.find((pending) => pending.entry === entry);
    if (add === undefined) return;
    this.#adds = this.#adds.filter((pending) => pending !== add);
    add.stored.reject(
      new CodedError("agent_removed", "The agent was removed while it was added", { id: entry.id }),
    );
  }

  #scheduleFlush(delayMs: number): void {
    this.#flushTimer ??= this.#clock.after(delayMs, () => this.#flush({ patient: true }));
  }

  #flush({ patient }: { readonly patient: boolean }): void {
    this.#flushTimer = null;
    if (!this.#hasWork) return;
    try {
      const state = this.#look();
      if (state === "moving" && patient) {
        this.#scheduleFlush(BUSY_RETRY_MS);
        return;
      }
      if (state !== "known") this.#merge();
      this.#writeGroup();
    } catch (error) {
      this.#groupFailed(error);
    }
  }

  #poll(): void {
    try {
      if (this.#look() === "settled") this.#merge();
    } catch (error) {
      this.#failed("read", error);
    }
    if (this.#removals.size > 0 || this.#rewriteNeeded) this.#scheduleFlush(GROUP_DELAY_MS);
  }

  get #hasWork(): boolean {
    return this.#adds.length > 0 || this.#removals.size > 0 || this.#rewriteNeeded;
  }

  #look(): "known" | "moving" | "settled" {
    return this.#settling.look(this.#file.info(), this.#clock.monotonicMs());
  }

  #writeGroup(): void {
    if (!this.#hasWork) return; // the merge may have refused all of it
    const before = this.#file.info();
    if (before === null || this.#removals.size > 0 || this.#rewriteNeeded) {
      this.#file.rewrite({
        entries: [...this.#index.entries()],
        removed: this.#index.removedLines,
        highestId: this.#highestId,
      });
      this.#settling.accept(this.#file.info());
    } else {
      this.#rewriteNeeded = true; // until the append is known to be whole
      const entries = this.#adds.map(({ entry }) => entry);
      this.#settling.accept(this.#file.append(entries, before));
    }
    this.#rewriteNeeded = false;
    this.#metrics.add("key_file_syncs");
    this.#groupStored();
  }

  #groupStored(): void {
    const adds = this.#adds;
    const removalsStored = this.#removalsStored;
    this.#adds = [];
    this.#removals.clear();
    this.#removalsStored = [];
    this.#tell(adds.map(({ entry }) => ({ kind: "added", entry, origin: "own" })));
    for (const { entry, stored } of adds) stored.resolve(entry);
    for (const stored of removalsStored) stored.resolve();
  }

  /** Nobody has heard of the additions yet, so they go; the removals stay and are written when that is possible again. */
  #groupFailed(error: unknown): void {
    this.#failed("write", error);
    const adds = this.#adds;
    const removalsStored = this.#removalsStored;
    this.#adds = [];
    this.#removalsStored = [];
    for (const { entry, stored } of adds) {
      this.#index.remove(entry, { purge: true });
      stored.reject(error);
    }
    for (const stored of removalsStored) stored.reject(error);
  }

  #failed(action: "read" | "write", error: unknown): void {
    this.#log.write("error", `Unable to ${action} the authentication key file: ${messageOf(error)}`);
    this.#metrics.add("key_file_failures");
  }

  /** Somebody changed the file: it counts, but for what we have not written yet. A throw leaves everything as it was. */
  #merge(): void {
    const info = this.#file.info();
    const keys = this.#file.read();
    this.#file.rememberHighest(Math.max(this.#highestId, keys.highestId));
    this.#log.write("info", "(1409): Authentication file changed. Updating.");
    this.#log.write("info", "(1410): Reading authentication keys file.");
    this.#metrics.add("key_file_reloads");
    const before = this.#index;
    this.#take(keys, info);
    for (const [id, { purge }] of this.#removals) {
      const entry = this.#index.byId(id);
      if (entry !== null) this.#index.remove(entry, { purge });
    }
    const unknown = new Set(this.#adds.map(({ entry }) => entry));
    this.#adds = this.#adds.filter((add) => this.#addAgain(add));
    this.#tell(differences(before, this.#index, unknown));
  }

  /** `info` is from before the reading: a change in between is found at the next look. */
  #take(keys: ReadResult, info: FileInfo | null): void {
    for (const { log } of keys.errors) this.#log.write("error", log);
    this.#settling.accept(info);
    this.#index = new KeyIndex(keys);
    this.#highestId = Math.max(this.#highestId, keys.highestId);
  }

  /** An addition that the file's new content leaves no place for is refused: its agent asks again. */
  #addAgain({ entry, stored }: PendingAdd): boolean {
    const free = this.#index.byName(entry.name) === null && this.#index.byAddress(entry.address) === null;
    if (free && this.#index.add(entry)) return true;
    stored.reject(idTaken(entry.id));
    return false;
  }

  #tell(changes: readonly KeyChange[]): void {
    this.#metrics.set("agent_keys", this.#index.size);
    if (changes.length === 0) return;
    for (const listener of this.#listeners) listener(changes);
  }
}

/** What the listeners must hear; `unknown` entries they have not heard of, or not yet. */
function differences(before: KeyIndex, after: KeyIndex, unknown: ReadonlySet<KeyEntry>): KeyChange[] {
  const changes: KeyChange[] = [];
  for (const entry of before.entries()) {
    if (!unknown.has(entry) && after.byId(entry.id) === null) {
      changes.push({ kind: "removed", entry, origin: "file" });
    }
  }
  for (const entry of after.entries()) {
    if (unknown.has(entry)) continue;
    const old = before.byId(entry.id);
    if (old === null || unknown.has(old)) changes.push({ kind: "added", entry, origin: "file" });
    else if (!sameKey(old, entry)) changes.push({ kind: "changed", entry, origin: "file" });
  }
  return changes;
}

function sameKey(left: KeyEntry, right: KeyEntry): boolean {
  return (
    left.name === right.name &&
    left.address.text === right.address.text &&
    left.key.reveal() === right.key.reveal()
  );
}

function idsExhausted(): CodedError {
  return new CodedError("agent_ids_exhausted", "No agent id is left above the highest one in use");
}

function idTaken(id: AgentId): CodedError {
  return new CodedError("agent_id_taken", "The agent id is in use", { id });
}
