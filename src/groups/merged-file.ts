/** One merged.mg on the disk: put together in memory, written when it says something else, read back for agents. */
import { createHash, hash } from "node:crypto";
import { type MergedEntry, mergedParts } from "#formats/merged-mg/merged-mg.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { MERGED_BYTES_MAX } from "./limits.ts";
import type { MergePart, MergePlan } from "./merge-plan.ts";
import type { SharedFile } from "./shared-files.ts";

/** What is told of a file: its MD5 and its size. */
export type MergedSum = { readonly sum: string; readonly bytes: number };

/** A file in pieces. */
export type MergedContent = MergedSum & { readonly pieces: readonly Uint8Array[] };

export type MergedReading =
  | { readonly ok: true; readonly entries: readonly MergedEntry[]; readonly notes: readonly string[] }
  /** A file was written to while it was read: the next look finds it whole. */
  | { readonly ok: false };

/** Reads what the plan names. Throws `CodedError`, also `merged_too_large`. */
export function readParts(
  files: Files,
  { name, parts }: MergePlan,
  arConf: SharedFile | null,
): MergedReading {
  const first: readonly MergePart[] =
    arConf === null ? [] : [{ path: arConf.path, sources: [{ file: arConf, head: "" }] }];
  const entries: MergedEntry[] = [];
  const notes: string[] = [];
  let bytesLeft = MERGED_BYTES_MAX;
  for (const { path, sources } of [...first, ...parts]) {
    const pieces: Buffer[] = [];
    for (const { file, head } of sources) {
      bytesLeft -= file.bytes;
      if (bytesLeft < 0)
        throw new CodedError(
          "merged_too_large",
          `'${name}' has more than ${MERGED_BYTES_MAX} bytes of files`,
        );
      const content = files.read(file.place);
      if (content.length !== file.bytes) return { ok: false };
      // Agents take what they are sent as C strings: a NUL byte would cut the rest.
      if (content.includes(0)) notes.push(`Invalid shared file '${file.place}'. Ignoring it.`);
      else pieces.push(...(head === "" ? [] : [Buffer.from(head, "latin1")]), content);
      if (content.length === 0) notes.push(`File '${file.place}' is empty.`);
    }
    if (pieces.length > 0) entries.push({ path, bytes: joined(pieces) });
  }
  return { ok: true, entries, notes };
}

/** A single piece is not copied: it may be large. */
function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

export function mergedContent(name: string, entries: readonly MergedEntry[]): MergedContent {
  const pieces = mergedParts(name, entries);
  const digest = createHash("md5");
  let bytes = 0;
  for (const piece of pieces) {
    digest.update(piece);
    bytes += piece.length;
  }
  return { pieces, bytes, sum: digest.digest("hex") };
}

/** Null when there is no file. Throws `CodedError`. */
export function sumOnDisk(files: Files, path: string): MergedSum | null {
  if (files.info(path)?.kind !== "file") return null;
  const content = files.read(path);
  return { sum: hash("md5", content), bytes: content.length };
}

/** The old file or the new one, never half of it. Throws `CodedError`. */
export function writeMerged(files: Files, path: string, pieces: readonly Uint8Array[]): void {
  const temporary = `${path}.tmp`;
  if (files.info(temporary) !== null) files.remove(temporary);
  const file = files.open(temporary, "create");
  try {
    for (const piece of pieces) file.write(piece);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(temporary, path);
}

/** The bytes with this sum, in memory that threads share; null when the file is another one, or not readable. */
export function loadMerged(files: Files, path: string, sum: string): SharedArrayBuffer | null {
  try {
    const file = files.open(path, "read");
    try {
      const { bytes } = file.info();
      if (bytes > MERGED_BYTES_MAX) return null;
      const shared = new SharedArrayBuffer(bytes);
      const view = new Uint8Array(shared);
      for (let at = 0; at < bytes; ) {
        const read = file.read(view.subarray(at), at);
        if (read === 0) return null;
        at += read;
      }
      return hash("md5", view) === sum ? shared : null;
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}
