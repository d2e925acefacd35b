/**
 * The file in which nodes send files: members of a path and a zlib stream, joined by separators; the last member is the metadata.
 * wazuh v4.14.7: framework/wazuh/core/cluster/cluster.py (compress_files, decompress_files).
 *
 * Pure, and memory is bounded by one member as it is packed and as it is unpacked. Nothing is escaped in this format, so what is written is
 * searched for separators.
 */
import { constants, deflateSync, inflateSync } from "node:zlib";
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
/** As many as two tables of files can name. */
export const MEMBERS_MAX = 400_000;
/** Levels to try until the stream holds no separator: once in 2^64 bytes the first one does. */
const LEVELS = [COMPRESSION_LEVEL, 6, 9] as const;

/**
 * The memory that zlib writes to, piece by piece. Node takes 16 KiB by itself: for thousands of small files that is most of the work, and a large one is put
 * together of thousands of pieces.
 */
const WORK_BYTES_MIN = 64;
const WORK_BYTES_MAX = 1_048_576;
/** Header, checksum and the head of a block that would not get smaller (RFC 1950, RFC 1951). */
const ZLIB_FRAME_BYTES = 11;
/** How much longer a small file is than its stream, as a rule; zlib takes more room where it is not enough. */
const USUAL_RATIO = 4;

function workBytes(expectedBytes: number): number {
  return Math.min(WORK_BYTES_MAX, Math.max(WORK_BYTES_MIN, expectedBytes));
}

/** The bytes of one member; null for a path or content that this format cannot carry. */
export function encodeMember(path: string, content: Uint8Array): Buffer | null {
  const head = Buffer.from(path);
  if (!isSafeRelativePath(path) || path === METADATA_NAME) return null;
  if (head.includes(PATH_SEPARATOR) || head.includes(MEMBER_SEPARATOR)) return null;
  for (const level of LEVELS) {
    const stream = deflateUnlessBroken(content, level);
    if (stream !== null) return Buffer.concat([head, PATH_SEPARATOR, stream, MEMBER_SEPARATOR]);
  }
  return null;
}

/** The end of the archive. */
export function encodeMetadata(metadata: JsonValue): Buffer {
  const stream = deflateSync(Buffer.from(pythonJson(metadata), "latin1"), { level: COMPRESSION_LEVEL });
  return Buffer.concat([Buffer.from(METADATA_NAME, "latin1"), PATH_SEPARATOR, stream]);
}

function deflateUnlessBroken(content: Uint8Array, level: number): Buffer | null {
  const chunkSize = workBytes(content.length + ZLIB_FRAME_BYTES);
  // Another strategy packs all levels alike, so the later tries go without it.
  const strategy = level === COMPRESSION_LEVEL ? strategyFor(content) : constants.Z_DEFAULT_STRATEGY;
  const stream = deflateSync(content, { level, chunkSize, strategy });
  return stream.includes(MEMBER_SEPARATOR) || stream.includes(PATH_SEPARATOR) ? null : stream;
}

/** From here on it pays to look first: searching 50 MiB of base64 for repetitions takes a second and finds none. */
const SAMPLED_BYTES_MIN = 1_048_576;
const SAMPLE_BYTES = 65_536;
/** What repetitions must save of the sample. */
const SAVING_MIN = 0.03;

function strategyFor(content: Uint8Array): number {
  if (content.length < SAMPLED_BYTES_MIN) return constants.Z_DEFAULT_STRATEGY;
  const middle = Math.floor(content.length / 2);
  const sample = content.subarray(middle, middle + SAMPLE_BYTES);
  const bytesWith = (strategy: number) => deflateSync(sample, { level: COMPRESSION_LEVEL, strategy }).length;
  const huffmanBytes = bytesWith(constants.Z_HUFFMAN_ONLY);
  const isWorthSearching = bytesWith(constants.Z_DEFAULT_STRATEGY) < huffmanBytes * (1 - SAVING_MIN);
  return isWorthSearching ? constants.Z_DEFAULT_STRATEGY : constants.Z_HUFFMAN_ONLY;
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
    | "too_many_members"
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
  #pathBytes = 0;
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
    this.#pathBytes += end;
    // The metadata names every path, so they fit into it.
    if (this.#paths.size > MEMBERS_MAX || this.#pathBytes > this.#limits.metadataBytesMax) {
      return { code: "too_many_members", path };
    }
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
    const content = inflateSync(stream, {
      maxOutputLength: bytesMax + 1,
      chunkSize: workBytes(USUAL_RATIO * stream.length),
    });
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
