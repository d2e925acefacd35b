/**
 * The agents that this manager knows: keys (client.keys, the truth), rows (SQLite), timestamps, and the folders of their names.
 *
 * What happens to a key happens to the rest here: a row for each key and none without, whoever edits the file.
 */
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentId, GroupName } from "#model/agent.ts";
import { AgentFolders } from "./agent-folders.ts";
import type { AgentIdentity } from "./agent-row.ts";
import { AgentStore } from "./agent-store.ts";
import { AgentTimestamps } from "./agent-timestamps.ts";
import { GroupFolders } from "./group-folders.ts";
import { type KeyChange, KeyStore, type NewKey } from "./key-store.ts";

/** How often removed agents leave agents-timestamp, and rows that a failed commit lost are made again. */
const TIDY_MS = 1000;

/** Below the installation folder, as in the peer; `database` and `highestId` are ours. */
export type RegistryPaths = {
  readonly keys: string;
  readonly timestamps: string;
  readonly sharedGroups: string;
  readonly diff: string;
  readonly rids: string;
  readonly database: string;
  readonly highestId: string;
};

export function registryPaths(home: string): RegistryPaths {
  return {
    keys: `${home}/etc/client.keys`,
    timestamps: `${home}/queue/agents-timestamp`,
    sharedGroups: `${home}/etc/shared`,
    diff: `${home}/queue/diff`,
    rids: `${home}/queue/rids`,
    database: `${home}/queue/db/registry.db`,
    highestId: `${home}/queue/db/highest-agent-id`,
  };
}

export type RegistryOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: RegistryPaths;
};

type Owed = { readonly registeredSeconds: number; readonly groups: readonly GroupName[] };

export type NewRegistration = NewKey & { readonly groups: readonly GroupName[] };

export class Registry {
  readonly keys: KeyStore;
  readonly agents: AgentStore;
  readonly groups: GroupFolders;
  readonly #timestamps: AgentTimestamps;
  readonly #folders: AgentFolders;
  readonly #clock: Clock;
  readonly #log: Log;
  /** What rows that could not be written must say beside what client.keys knows; they are made when they can be. */
  readonly #owed = new Map<AgentId, Owed>();
  /** Nobody could be marked disconnected at the start. */
  #resetOwed = false;
  #onMended: () => void = () => {};
  #tidyTimer: Timer | null = null;

  /** Opens the database: throws `CodedError` `registry_unusable` or `registry_too_new`. */
  constructor({ files, clock, log, metrics, paths }: RegistryOptions) {
    this.keys = new KeyStore({ files, clock, log, metrics, paths });
    this.agents = new AgentStore({ path: paths.database, clock, log, metrics });
    this.groups = new GroupFolders(files, paths.sharedGroups);
    this.#timestamps = new AgentTimestamps(files, paths.timestamps);
    this.#folders = new AgentFolders(files, paths);
    this.#clock = clock;
    this.#log = log;
    this.keys.onChange((changes) => this.#follow(changes));
  }

  /** Reads the keys, makes the rows agree with them, and marks everybody disconnected. */
  start(): void {
    this.keys.start();
    this.#resetOwed = true;
    try {
      this.#mend();
    } catch (error) {
      // A database that cannot be written keeps no agent out: what it lacks is made good later.
      if (!(error instanceof CodedError) || error.code !== "registry_write_failed") throw error;
    }
    this.agents.flush();
    this.#tidyTimer = this.#clock.every(TIDY_MS, () => this.#guarded(() => this.#tidy()));
  }

  stop(): void {
    this.#tidyTimer?.cancel();
    this.keys.stop();
    this.#guarded(() => this.#tidy());
    this.agents.close();
  }

  /** Called when rows were lost and can be written again: what was said meanwhile must be said once more. */
  onMended(listener: () => void): void {
    this.#onMended = listener;
  }

  /**
   * Gives the agent an id, a key line and a row. When the promise resolves the key survives a power failure and the listeners of
   * `keys` know it. Rejects with what `KeyStore.add` says; then the agent is not registered. A row that cannot be written is made later.
   */
  async register({ groups, ...key }: NewRegistration): Promise<KeyEntry> {
    const entry = await this.keys.add(key);
    const owed = { registeredSeconds: this.#nowSeconds(), groups };
    this.#owed.set(entry.id, owed);
    this.#guarded(() => this.#makeRow(entry, owed));
    const { id, name, address } = entry;
    const { registeredSeconds } = owed;
    this.#guarded(() => this.#timestamps.append({ id, name, address: address.text, registeredSeconds }));
    return entry;
  }

  /** False: rows wait to be written. */
  get settled(): boolean {
    return this.#owed.size === 0;
  }

  #makeRow({ id, name, address }: KeyEntry, { registeredSeconds, groups }: Owed): void {
    this.agents.upsert({ id, name, address: address.text, registeredSeconds });
    this.agents.setGroups(id, groups);
    this.#owed.delete(id);
  }

  /** Refused at once; the promise resolves when client.keys says so. Unknown ids are ignored. */
  remove(ids: readonly AgentId[], { purge }: { readonly purge: boolean }): Promise<void> {
    return this.keys.remove(ids, { purge });
  }

  /** Rows, folders and timestamps follow the keys. Additions of our own are followed by `register`, which knows more of them. */
  #follow(changes: readonly KeyChange[]): void {
    const edited = changes.some(({ kind, origin }) => kind !== "removed" && origin === "file");
    for (const { kind, entry } of changes) if (kind === "removed") this.#guarded(() => this.#forget(entry));
    if (edited) this.#guarded(() => this.#reconcile());
  }

  /** Of the row at last: when it cannot go now, it goes when rows and keys are compared. */
  #forget(entry: KeyEntry): void {
    this.#owed.delete(entry.id);
    this.#timestamps.remove(entry.id);
    this.#folders.remove(entry);
    this.agents.remove(entry.id);
  }

  /** A row for each key and none without. An id with another name is another agent: nothing of the old row is true of it. */
  #reconcile(): void {
    const known = new Map(this.agents.identities().map((row) => [row.id, row]));
    const times = this.#timestamps.read();
    for (const { id, name, address } of this.keys.entries()) {
      const row = known.get(id);
      known.delete(id);
      if (row?.name === name && row.address === address.text) continue;
      if (row !== undefined && row.name !== name) this.#forgetRow(row);
      this.agents.upsert({ id, name, address: address.text, registeredSeconds: times.get(id) ?? null });
    }
    for (const row of known.values()) {
      // Its line was taken away while nobody looked: the id stays given out.
      this.keys.remember(row.id);
      this.#forgetRow(row);
    }
  }

  #forgetRow(row: AgentIdentity): void {
    this.#folders.remove(row);
    this.agents.remove(row.id);
  }

  #tidy(): void {
    this.#guarded(() => this.#timestamps.flush());
    if (!this.agents.takeLostWrites()) return;
    this.#mend();
    this.#onMended();
  }

  #mend(): void {
    this.#reconcile();
    for (const [id, owed] of this.#owed) {
      const entry = this.keys.byId(id);
      if (entry === null) this.#owed.delete(id);
      else this.#makeRow(entry, owed);
    }
    if (!this.#resetOwed) return;
    this.agents.resetConnections(this.#nowSeconds());
    this.#resetOwed = false;
  }

  /** What goes wrong beside the keys must not stop who changed them; the next start makes it good. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // The store says it itself, once in a while.
      if (error.code === "registry_write_failed") return;
      this.#log.write("error", `Unable to keep the agent registry up to date: ${messageOf(error)}`);
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }
}
