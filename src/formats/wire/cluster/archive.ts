/**
 * The file in which nodes send files: members of a path and a zlib stream, joined by separators; the last member is the metadata.
 * wazuh v4.14.7: framework/wazuh/core/cluster/cluster.py (compress_files, decompress_files).
 *
 * Pure, and memory is bounded by one member as it is packed and as it is unpacked. Nothing is escaped in this format, so what is written is
 * searched for separators.
 */
import { deflateSync, inflateSync } from "node:zlib";
import { ARCHIVE_BYTES_MAX, COMPRESSION_LEVEL } from "./items.ts";
import type { JsonValue } from "./json-value.ts";
import { isSafeRelativePath, textOf } from "./paths.ts";
import { pythonJson } from "./python-json.ts";

export const METADATA_NAME = "files_metadata.json";
const PATH_SEPARATOR = Buffer.from("|//@@//|", "latin1");
const MEMBER_SEPARATOR = Buffer.from("|@@//@@|", "latin1");

/** One file, packed or unpacked: larger ones would not fit beside the rest of the program. The peer has no limit but the archive's. */
export const MEMBER_BYTES_MAX = 134_217_728;
/** The table of 200,000 files has about 56 MB; parsed it takes several times as much. */
export const METADATA_BYTES_MAX = 67_108_864;
/** Levels to try until the stream holds no separator: once in 2^64 bytes the first one does. */
const LEVELS = [COMPRESSION_LEVEL, 6, 9] as const;

/** The bytes of one member; null for a path or content that this format cannot carry. */
export function encodeMember(path: string, content: Uint8Array): Buffer | null {
  const head = Buffer.from(path);
  if (!isSafeRelativePath(path) || path === METADATA_NAME) return null;
  if (head.includes(PATH_SEPARATOR) || head.includes(MEMBER_SEPARATOR)) return null;
  const stream = LEVELS.map((level) => deflateUnlessBroken(content, level)).find((found) => found !== null);
  return stream == null ? null : Buffer.concat([head, PATH_SEPARATOR, stream, MEMBER_SEPARATOR]);
}

/** The end of the archive. */
export function encodeMetadata(metadata: JsonValue): Buffer {
  const stream = deflateSync(Buffer.from(pythonJson(metadata), "latin1"), { level: COMPRESSION_LEVEL });
  return Buffer.concat([Buffer.from(METADATA_NAME, "latin1"), PATH_SEPARATOR, stream]);
}

function deflateUnlessBroken(content: Uint8Array, level: number): Buffer | null {
  const stream = deflateSync(content, { level });
  return stream.includes(MEMBER_SEPARATOR) || stream.includes(PATH_SEPARATOR) ? null : stream;
}

export type ArchiveMember = { readonly path: string; readonly content: Buffer };

export type ArchiveFailure = {
  readonly code:
    | "no_path"
    | "unsafe_path"
    | "duplicate_path"
    | "bad_stream"
    | "member_too_large"
    | "archive_too_large"
    | "metadata_not_last"
    | "no_metadata";
  readonly path: string;
};

export type ArchiveLimits = {
  readonly memberBytesMax: number;
  readonly metadataBytesMax: number;
  /** Of all members unpacked. */
  readonly totalBytesMax: number;
};

export const ARCHIVE_LIMITS: ArchiveLimits = {
  memberBytesMax: MEMBER_BYTES_MAX,
  metadataBytesMax: METADATA_BYTES_MAX,
  totalBytesMax: ARCHIVE_BYTES_MAX,
};

/**
 * Gives the members one by one as the chunks are read; the metadata is the last. What it returns says whether the archive was whole: members before a
 * failure have been given already.
 */
export function* readArchive(
  chunks: Iterable<Buffer>,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Generator<ArchiveMember, ArchiveFailure | null> {
  const unpacker = new Unpacker(limits);
  const window = new Window();
  for (const chunk of chunks) {
    window.append(chunk);
    for (;;) {
      const packed = window.takeUntil(MEMBER_SEPARATOR);
      if (packed === null) break;
      const member = unpacker.unpack(packed);
      if ("code" in member) return member;
      if (member.path === METADATA_NAME) return { code: "metadata_not_last", path: member.path };
      yield member;
    }
    if (window.bytes > limits.memberBytesMax) return { code: "member_too_large", path: "" };
  }
  const last = unpacker.unpack(window.takeRest());
  if ("code" in last) return last;
  if (last.path !== METADATA_NAME) return { code: "no_metadata", path: last.path };
  yield last;
  return null;
}

class Unpacker {
  readonly #limits: ArchiveLimits;
  readonly #paths = new Set<string>();
  #totalBytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  unpack(packed: Buffer): ArchiveMember | ArchiveFailure {
    const end = packed.indexOf(PATH_SEPARATOR);
    const path = end === -1 ? null : textOf(packed.subarray(0, end));
    if (path === null) return { code: "no_path", path: "" };
    if (!isSafeRelativePath(path)) return { code: "unsafe_path", path };
    if (this.#paths.has(path)) return { code: "duplicate_path", path };
    this.#paths.add(path);
    const leftBytes = this.#limits.totalBytesMax - this.#totalBytes;
    const { memberBytesMax, metadataBytesMax } = this.#limits;
    const bytesMax = Math.min(path === METADATA_NAME ? metadataBytesMax : memberBytesMax, leftBytes);
    const content = inflate(packed.subarray(end + PATH_SEPARATOR.length), bytesMax);
    if (content === "too_large") {
      return { code: bytesMax === leftBytes ? "archive_too_large" : "member_too_large", path };
    }
    if (content === "bad_stream") return { code: "bad_stream", path };
    this.#totalBytes += content.length;
    return { path, content };
  }
}

/** A whole stream; what follows it is skipped, as the peer does. It stops at `bytesMax`, however much the stream would give. */
function inflate(stream: Buffer, bytesMax: number): Buffer | "bad_stream" | "too_large" {
  try {
    // One byte more, since zero is no limit to zlib.
    const content = inflateSync(stream, { maxOutputLength: bytesMax + 1 });
    return content.length > bytesMax ? "too_large" : content;
  } catch (error) {
    return error instanceof RangeError ? "too_large" : "bad_stream";
  }
}

/** The part of the archive that is not yet a whole member. Grows by doubling, so that a large member is copied few times. */
class Window {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Up to here there is no separator. */
  #searchedTo = 0;

  get bytes(): number {
    return this.#end - this.#start;
  }

  append(chunk: Buffer): void {
    const needed = this.bytes + chunk.length;
    if (this.#end + chunk.length > this.#bytes.length) {
      const room =
        needed > this.#bytes.length ? Math.max(needed, 2 * this.#bytes.length) : this.#bytes.length;
      const moved = Buffer.allocUnsafe(room);
      this.#bytes.copy(moved, 0, this.#start, this.#end);
      this.#searchedTo -= this.#start;
      this.#bytes = moved;
      this.#end = this.bytes;
      this.#start = 0;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** What is before the separator, which is skipped; null when there is none yet. Shares the memory. */
  takeUntil(separator: Buffer): Buffer | null {
    const at = this.#bytes.subarray(0, this.#end).indexOf(separator, this.#searchedTo);
    if (at === -1) {
      this.#searchedTo = Math.max(this.#start, this.#end - separator.length + 1);
      return null;
    }
    const taken = this.#bytes.subarray(this.#start, at);
    this.#start = at + separator.length;
    this.#searchedTo = this.#start;
    return taken;
  }

  takeRest(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }
}
