/** What the cluster daemon wants of others. */
import type { FernetKey, SealStamp } from "#formats/wire/cluster/fernet.ts";
import type { FileChanges, FileTable } from "#formats/wire/cluster/file-table.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { AppliedChanges } from "./integrity/apply-changes.ts";
import type { WrittenChanges } from "./integrity/archive-file.ts";
import type { LocalTable } from "./integrity/local-table.ts";

/** Work that takes longer than the thread with the connections should be held up. Paths are absolute. */
export type HeavyJob =
  | { readonly kind: "seal"; readonly key: FernetKey; readonly plain: Uint8Array; readonly stamp: SealStamp }
  | { readonly kind: "open"; readonly key: FernetKey; readonly token: Uint8Array }
  | { readonly kind: "read_local_table"; readonly home: string; readonly previous: FileTable }
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
  | { readonly kind: "apply_changes"; readonly home: string; readonly archive: string };

export type ComparedTable = { readonly changes: FileChanges; readonly files: number };
export type AppliedArchive = AppliedChanges & {
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
};

export type HeavyResult = {
  readonly seal: Uint8Array;
  /** Null when the token does not verify. */
  readonly open: Uint8Array | null;
  readonly read_local_table: LocalTable;
  readonly write_table: null;
  readonly compare_table: ComparedTable;
  readonly write_changes: WrittenChanges;
  readonly apply_changes: AppliedArchive;
};

export interface HeavyWork {
  /** Rejects with a `CodedError` when the work could not be done; jobs may end in any order. */
  run<Kind extends HeavyJob["kind"]>(job: Extract<HeavyJob, { kind: Kind }>): Promise<HeavyResult[Kind]>;
}

/** Connections that start here. */
export interface Dialer {
  /** Rejects with a `CodedError` `connect_failed`, whose message is the system's. */
  connect(host: string, port: number, handler: ConnectionHandler): Promise<Connection>;
}

export type ClusterNeeds = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly files: Files;
  readonly heavy: HeavyWork;
};
