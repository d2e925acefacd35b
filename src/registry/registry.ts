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
import type { SyncStatus } from "./agent-record.ts";
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
  /** What a change here means to the cluster: `synced` on a single node, `syncreq` in a cluster. */
  readonly syncStatus: SyncStatus;
};

export type NewRegistration = NewKey & { readonly groups: readonly GroupName[] };

export class Registry {
  readonly keys: KeyStore;
  readonly agents: AgentStore;
  readonly groups: GroupFolders;
  readonly #timestamps: AgentTimestamps;
  readonly #folders: AgentFolders;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #syncStatus: SyncStatus;
  #tidyTimer: Timer | null = null;

  /** Opens the database: throws `CodedError` `registry_unusable` or `registry_too_new`. */
  constructor({ files, clock, log, metrics, paths, syncStatus }: RegistryOptions) {
    this.keys = new KeyStore({ files, clock, log, metrics, paths });
    this.agents = new AgentStore({ path: paths.database, clock, log, metrics });
    this.groups = new GroupFolders(files, paths.sharedGroups);
    this.#timestamps = new AgentTimestamps(files, paths.timestamps);
    this.#folders = new AgentFolders(files, paths);
    this.#clock = clock;
    this.#log = log;
    this.#syncStatus = syncStatus;
    this.keys.onChange((changes) => this.#follow(changes));
  }

  /** Reads the keys, makes the rows agree with them, and marks everybody disconnected. */
  start(): void {
    this.keys.start();
    this.#reconcile();
    this.agents.resetConnections(this.#nowSeconds(), this.#syncStatus);
    this.agents.flush();
    this.#tidyTimer = this.#clock.every(TIDY_MS, () => this.#guarded(() => this.#tidy()));
  }

  stop(): void {
    this.#tidyTimer?.cancel();
    this.keys.stop();
    this.#guarded(() => this.#tidy());
    this.agents.close();
  }

  /**
   * Gives the agent an id, a key line and a row. When the promise resolves the key survives a power failure and the listeners of
   * `keys` know it. Rejects with what `KeyStore.add` or the database says; then the agent is not registered.
   */
  async register({ groups, ...key }: NewRegistration): Promise<KeyEntry> {
    const entry = await this.keys.add(key);
    try {
      const registeredSeconds = this.#nowSeconds();
      const { id, name, address } = entry;
      this.agents.upsert({ id, name, address: address.text, registeredSeconds });
      this.agents.setGroups(id, groups, this.#syncStatus);
      this.#timestamps.append({ id, name, address: address.text, registeredSeconds });
    } catch (error) {
      await this.remove([entry.id], { purge: true });
      throw error;
    }
    return entry;
  }

  /** Refused at once; the promise resolves when client.keys says so. Unknown ids are ignored. */
  remove(ids: readonly AgentId[], { purge }: { readonly purge: boolean }): Promise<void> {
    return this.keys.remove(ids, { purge });
  }

  /** Rows, folders and timestamps follow the keys. Additions of our own are followed by `register`, which knows more of them. */
  #follow(changes: readonly KeyChange[]): void {
    const edited = changes.some(({ kind, origin }) => kind !== "removed" && origin === "file");
    this.#guarded(() => {
      for (const { kind, entry } of changes) if (kind === "removed") this.#forget(entry);
      if (edited) this.#reconcile();
    });
  }

  #forget(entry: KeyEntry): void {
    this.agents.remove(entry.id);
    this.#timestamps.remove(entry.id);
    this.#folders.remove(entry);
  }

  /** A row for each key and none without. An id with another name is another agent: nothing of the old row is true of it. */
  #reconcile(): void {
    const known = new Map(this.agents.identities().map((row) => [row.id, row]));
    const times = this.#timestamps.read();
    for (const { id, name, address } of this.keys.entries()) {
      const row = known.get(id);
      known.delete(id);
      if (row?.name === name && row.address === address.text) continue;
      if (row !== undefined && row.name !== name) this.agents.remove(id);
      this.agents.upsert({ id, name, address: address.text, registeredSeconds: times.get(id) ?? null });
    }
    for (const id of known.keys()) this.agents.remove(id);
  }

  #tidy(): void {
    this.#timestamps.flush();
    if (this.agents.takeLostWrites()) this.#reconcile();
  }

  /** What goes wrong beside the keys must not stop who changed them; the next start makes it good. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.write("error", `Unable to keep the agent registry up to date: ${messageOf(error)}`);
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }
}
