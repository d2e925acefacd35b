/** The heavy jobs themselves, to be run in a thread of their own (`daemons/cluster-work-thread.ts`), or in place where a test wants that. */
import { open, seal } from "#formats/wire/cluster/fernet.ts";
import { compareTables } from "#formats/wire/cluster/file-table.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { unreachable } from "#kernel/unreachable.ts";
import { type AppliedChanges, applyChanges } from "./integrity/apply-changes.ts";
import {
  type ArchiveRefusal,
  readChangesArchive,
  readTableArchive,
  writeChangesArchive,
  writeTableArchive,
} from "./integrity/archive-file.ts";
import { readLocalTable } from "./integrity/local-table.ts";
import type { AppliedArchive, ComparedTable, HeavyJob, HeavyResult } from "./needs.ts";

/** Throws `CodedError`: what the disk does, and `cluster_archive_refused` for what another node has sent. */
export function runHeavyJob(files: Files, job: HeavyJob): HeavyResult[HeavyJob["kind"]] {
  switch (job.kind) {
    case "seal":
      return seal(job.key, job.plain, job.stamp);
    case "open":
      return open(job.key, job.token);
    case "read_local_table":
      return readLocalTable(files, job.home, job.previous);
    case "write_table":
      writeTableArchive(files, job.archive, job.table);
      return null;
    case "compare_table":
      return compareArchive(files, job);
    case "write_changes":
      return writeChangesArchive(files, job.home, job.archive, job.changes, job.bytesMax);
    case "apply_changes":
      return applyArchive(files, job);
    default:
      return unreachable(job);
  }
}

function compareArchive(files: Files, job: Extract<HeavyJob, { kind: "compare_table" }>): ComparedTable {
  const table = readTableArchive(files, job.archive);
  if ("code" in table) throw refusal(table);
  return { changes: compareTables(job.table, table), files: table.size };
}

function applyArchive(files: Files, job: Extract<HeavyJob, { kind: "apply_changes" }>): AppliedArchive {
  const directory = `${job.archive}dir`;
  try {
    const changes = readChangesArchive(files, job.archive, directory);
    if ("code" in changes) throw refusal(changes);
    const applied: AppliedChanges = applyChanges(files, job.home, directory, changes);
    const { missing, shared, extra } = changes;
    return { ...applied, created: missing.size, updated: shared.size, removed: extra.size };
  } finally {
    files.removeTree(directory);
  }
}

function refusal({ code, what }: ArchiveRefusal): CodedError {
  return new CodedError("cluster_archive_refused", `${code.replaceAll("_", " ")}: ${JSON.stringify(what)}`);
}
