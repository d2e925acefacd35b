/** The heavy jobs themselves, to be run in a thread of their own (`daemons/cluster/work-thread.ts`), or in place where a test wants that. */
import { createHash } from "node:crypto";
import { open, seal } from "#formats/wire/cluster/fernet.ts";
import { compareTables, fileChangesJson } from "#formats/wire/cluster/file-table.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { unreachable } from "#kernel/unreachable.ts";
import { mergeNodeAnswers } from "./dapi/merging.ts";
import { listRuleset } from "./dapi/ruleset/ruleset-list.ts";
import { readXmlFile } from "./dapi/ruleset/xml-value.ts";
import { type AppliedChanges, applyChanges } from "./integrity/apply-changes.ts";
import {
  type ArchiveRefusal,
  readChangesArchive,
  readTableArchive,
  writeChangesArchive,
  writeTableArchive,
} from "./integrity/archive-file.ts";
import { readLocalTable } from "./integrity/local-table.ts";
import {
  type AppliedArchive,
  ARCHIVE_REFUSED,
  type ComparedTable,
  type HeavyJob,
  type HeavyResult,
  type LocalTableChange,
} from "./needs.ts";

/** Throws `CodedError`: what the disk does, and `ARCHIVE_REFUSED`. */
export function runHeavyJob(files: Files, job: HeavyJob): HeavyResult[HeavyJob["kind"]] {
  switch (job.kind) {
    case "seal":
      return seal(job.key, job.plain, job.stamp);
    case "open":
      return open(job.key, job.token);
    case "read_local_table":
      return localTableChange(files, job);
    case "write_table":
      writeTableArchive(files, job.archive, job.table);
      return null;
    case "compare_table":
      return compareArchive(files, job);
    case "write_changes":
      return writeChangesArchive(files, job.home, job.archive, job.changes, job.bytesMax);
    case "apply_changes":
      return applyArchive(files, job);
    case "read_xml":
      return readXmlFile(files, job.path);
    case "list_ruleset":
      return listRuleset(files, job.listing);
    case "merge_answers":
      return mergeNodeAnswers(job.parts, job.page);
    default:
      return unreachable(job);
  }
}

function localTableChange(
  files: Files,
  { home, previous, nowMs }: Extract<HeavyJob, { kind: "read_local_table" }>,
): LocalTableChange {
  const { table, isChanged, problems } = readLocalTable(files, home, previous, nowMs);
  return { table: isChanged ? table : null, problems };
}

function compareArchive(files: Files, job: Extract<HeavyJob, { kind: "compare_table" }>): ComparedTable {
  const table = readTableArchive(files, job.archive);
  if ("code" in table) throw refusal(table);
  const changes = compareTables(job.table, table);
  const digest = createHash("sha256")
    .update(JSON.stringify(fileChangesJson(changes)))
    .digest("hex");
  return { changes, digest, files: table.size };
}

function applyArchive(files: Files, job: Extract<HeavyJob, { kind: "apply_changes" }>): AppliedArchive {
  const directory = `${job.archive}dir`;
  try {
    const unpacked = readChangesArchive(files, job.archive, directory);
    if ("code" in unpacked) throw refusal(unpacked);
    const applied: AppliedChanges = applyChanges(files, job.home, unpacked);
    const { missing, shared, extra } = unpacked.changes;
    return { ...applied, created: missing.size, updated: shared.size, removed: extra.size };
  } finally {
    files.removeTree(directory);
  }
}

/** Of a path or key that is refused, in a line and in the answer: other nodes choose its length. */
const REFUSED_CHARS_MAX = 256;

function refusal({ code, what }: ArchiveRefusal): CodedError {
  const told = JSON.stringify(what.slice(0, REFUSED_CHARS_MAX));
  return new CodedError(ARCHIVE_REFUSED, `${code.replaceAll("_", " ")}: ${told}`);
}
