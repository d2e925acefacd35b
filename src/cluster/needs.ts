/** What the cluster daemon wants of others. */
import type { FernetKey, SealStamp } from "#formats/wire/cluster/fernet.ts";
import type { FileChanges, FileTable } from "#formats/wire/cluster/file-table.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { AgentSync } from "#registry/agent-sync.ts";
import type { Page } from "./dapi/merging.ts";
import type { RulesetListing, RulesetPage } from "./dapi/ruleset/ruleset-list.ts";
import type { XmlReading } from "./dapi/ruleset/xml-value.ts";
import type { AppliedChanges } from "./integrity/apply-changes.ts";
import type { WrittenChanges } from "./integrity/archive-file.ts";
import type { LocalReading, LocalTable } from "./integrity/local-table.ts";

/** Work that takes longer than the thread with the connections should be held up. Paths are absolute. */
export type HeavyJob =
  | { readonly kind: "seal"; readonly key: FernetKey; readonly plain: Uint8Array; readonly stamp: SealStamp }
  | { readonly kind: "open"; readonly key: FernetKey; readonly token: Uint8Array }
  | {
      readonly kind: "read_local_table";
      readonly home: string;
      readonly previous: LocalTable;
      readonly nowMs: number;
    }
  | { readonly kind: "write_table"; readonly archive: string; readonly table: FileTable }
  /** What the worker that sent the archive lacks of `table`. */
  | { readonly kind: "compare_table"; readonly archive: string; readonly table: FileTable }
  | {
      readonly kind: "write_changes";
      readonly home: string;
      readonly archive: string;
      readonly changes: FileChanges;
      readonly bytesMax: number;
    }
  | { readonly kind: "apply_changes"; readonly home: string; readonly archive: string }
  | { readonly kind: "read_xml"; readonly path: string }
  | { readonly kind: "list_ruleset"; readonly listing: RulesetListing }
  /** Of several nodes, to one request. */
  | { readonly kind: "merge_answers"; readonly parts: readonly Uint8Array[]; readonly page: Page };

/** `table` is null when it is as before: a large one costs the threads on both sides. */
export type LocalTableChange = Pick<LocalReading, "problems"> & { readonly table: LocalTable | null };
export type ComparedTable = {
  readonly changes: FileChanges;
  /** Of the changes: workers that lack the same have the same. */
  readonly digest: string;
  readonly files: number;
};
export type AppliedArchive = AppliedChanges & {
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
};

export type HeavyResult = {
  readonly seal: Uint8Array;
  /** Null when the token does not verify. */
  readonly open: Uint8Array | null;
  readonly read_local_table: LocalTableChange;
  readonly write_table: null;
  readonly compare_table: ComparedTable;
  readonly write_changes: WrittenChanges;
  readonly apply_changes: AppliedArchive;
  readonly read_xml: XmlReading;
  readonly list_ruleset: RulesetPage;
  readonly merge_answers: Uint8Array;
};

/** The code of an archive of another node that is not as it must be; nothing of it was applied. */
export const ARCHIVE_REFUSED = "cluster_archive_refused";

export interface HeavyWork {
  /** Rejects with a `CodedError` when the work could not be done; jobs may end in any order. */
  run<Kind extends HeavyJob["kind"]>(job: Extract<HeavyJob, { kind: Kind }>): Promise<HeavyResult[Kind]>;
}

/** Connections that start here. */
export interface Dialer {
  /** Rejects with a `CodedError` `connect_failed`, whose message is the system's. */
  connect(host: string, port: number, handler: ConnectionHandler): Promise<Connection>;
}

/** What nodes tell each other of agents: `AgentStore.sync` is one. Throws `CodedError`. */
export type ClusterAgents = Pick<
  AgentSync,
  | "takeOwed"
  | "oweOldKeepalives"
  | "owe"
  | "oweActive"
  | "apply"
  | "disconnectSilent"
  | "takeOwedGroups"
  | "groupsAfter"
  | "groupListsAfter"
  | "applyGroups"
>;

export type ClusterNeeds = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly files: Files;
  readonly heavy: HeavyWork;
  readonly metrics: Pick<Metrics, "add">;
};

/** For the health report: when a task last sent or took chunks of data, and how many; wall clock, null while it has not happened. */
export type ChunkFacts = {
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly chunks: number;
};

export const NO_CHUNKS: ChunkFacts = { startMs: null, endMs: null, chunks: 0 };
