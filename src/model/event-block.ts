/**
 * The event block: the one unit that goes to the journal and between threads, a header and length-prefixed records.
 *
 * Layout, all numbers little-endian:
 *   header   magic (7 bytes), format version (1), CRC-32 of all that follows it (4), bytes of the whole block (4),
 *            records (4), position (8), epoch (8)
 *   record   bytes of this record (4), bytes of the location (4), received at, ms (float 8), kind (1), queue (1),
 *            bytes of the agent id (1), agent id, location, message
 * The position is the block's byte offset in the journal, the epoch the journal's random id: bytes of a message that look like a
 * block are told from a block by both. The message of a control record is the text of a change (as of the rule set) that takes
 * effect at this place in the order of events; no queue byte of a hostile agent makes one.
 *
 * Pure: no file, no clock. What a block holds is never trusted before `verifyBlock()` has said null.
 */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";

/** A block is closed at this size: large enough that the write costs little per event, small enough to fill within milliseconds. */
export const BLOCK_BYTES_TARGET = 65_536;
/** One record with its prefix: sixteen times the longest message of an agent. */
export const EVENT_BYTES_MAX = 1_048_576;
export const HEADER_BYTES = 36;
/** A record that is larger than the target has a block of its own. */
export const BLOCK_BYTES_MAX = HEADER_BYTES + EVENT_BYTES_MAX;
/** An epoch fits a number and is never 0. */
export const EPOCH_BYTES = 6;

/** No text of a log line begins with 0xEB, and the control byte stops a pager. */
export const BLOCK_MAGIC = Buffer.from([0xeb, 0x45, 0x56, 0x42, 0x4c, 0x4b, 0x1a]);
const FORMAT_VERSION = 1;
const VERSION_AT = BLOCK_MAGIC.length;
const CHECKSUM_AT = 8;
const CHECKED_FROM = 12;
const BYTES_AT = 12;
const RECORDS_AT = 16;
const POSITION_AT = 20;
const EPOCH_AT = 28;

const RECORD_FIXED_BYTES = 19;
const LOCATION_BYTES_AT = 4;
const RECEIVED_AT = 8;
const KIND_AT = 16;
const QUEUE_AT = 17;
const AGENT_BYTES_AT = 18;
const AGENT_BYTES_MAX = 255;
const KIND_EVENT = 1;
const KIND_CONTROL = 2;
const TWO_POW_32 = 4_294_967_296;

/** Bytes, or text with one char a byte. */
export type Latin1 = Uint8Array | string;

export type EventInput = {
  /** Wall-clock milliseconds; the engine's time for this event, now and at every replay. */
  readonly receivedMs: number;
  /** The queue id of the peer's protocol: one char, whichever the sender chose. */
  readonly queue: string;
  /** "000" for this host. */
  readonly agentId: string;
  /** Kept apart so that a caller need not join: `(name) ip->` of an agent; empty for this host. */
  readonly locationPrefix: string;
  readonly location: Latin1;
  readonly message: Latin1;
};

/** Text fields have one char a byte. */
export type RawEvent = {
  /** Byte offset in the journal: unique and increasing, so it is the number of the alert. */
  readonly position: number;
  readonly receivedMs: number;
  readonly queue: string;
  readonly agentId: string;
  readonly location: string;
  readonly message: string;
};

export type ControlRecord = { readonly position: number; readonly receivedMs: number; readonly text: string };

export type BlockVisitor = {
  event(event: RawEvent): void;
  control(record: ControlRecord): void;
};

export type BlockFault =
  | "torn" // the bytes end before the block does
  | "bad_magic"
  | "unknown_version"
  | "bad_length"
  | "wrong_place" // of another position or epoch: bytes that only look like a block
  | "bad_checksum"
  | "bad_record";

/** Where a block must be to be one. */
export type BlockPlace = { readonly position: number; readonly epoch: number };

function writeWide(into: Buffer, at: number, value: number): void {
  into.writeUInt32LE(value % TWO_POW_32, at);
  into.writeUInt32LE(Math.floor(value / TWO_POW_32), at + 4);
}

function readWide(from: Buffer, at: number): number {
  return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * TWO_POW_32;
}

/** Copies the bytes to `at`; the offset after them. */
function put(into: Buffer, at: number, bytes: Latin1): number {
  if (typeof bytes === "string") into.write(bytes, at, "latin1");
  else into.set(bytes, at);
  return at + bytes.length;
}

/** Fills one block after the other in the same memory. */
export class EventBlockBuilder {
  readonly #epoch: number;
  readonly #standard = Buffer.allocUnsafeSlow(BLOCK_BYTES_TARGET);
  #buffer = this.#standard;
  #usedBytes = HEADER_BYTES;
  #records = 0;

  constructor(epoch: number) {
    assert(Number.isSafeInteger(epoch) && epoch > 0, "epoch of a journal");
    this.#epoch = epoch;
  }

  get empty(): boolean {
    return this.#records === 0;
  }

  /** Of the block as `take()` would give it. */
  get bytes(): number {
    return this.#usedBytes;
  }

  /** Copies the event in; false when the block has no room for it and must be taken first. */
  append(event: EventInput): boolean {
    assert(event.queue.length === 1, "queue of an event");
    return this.#append(KIND_EVENT, event);
  }

  appendControl(receivedMs: number, text: string): boolean {
    return this.#append(KIND_CONTROL, {
      receivedMs,
      queue: "\0",
      agentId: "",
      locationPrefix: "",
      location: "",
      message: text,
    });
  }

  /** The finished block, which begins at `position`. It is the builder's memory: valid until the next append. */
  take(position: number): Buffer {
    assert(!this.empty, "take of an empty block");
    const block = this.#buffer.subarray(0, this.#usedBytes);
    block.set(BLOCK_MAGIC, 0);
    block[VERSION_AT] = FORMAT_VERSION;
    block.writeUInt32LE(block.length, BYTES_AT);
    block.writeUInt32LE(this.#records, RECORDS_AT);
    writeWide(block, POSITION_AT, position);
    writeWide(block, EPOCH_AT, this.#epoch);
    block.writeUInt32LE(crc32(block.subarray(CHECKED_FROM)), CHECKSUM_AT);
    this.#buffer = this.#standard;
    this.#usedBytes = HEADER_BYTES;
    this.#records = 0;
    return block;
  }

  #append(kind: number, event: EventInput): boolean {
    const { agentId, locationPrefix, location, message } = event;
    const locationBytes = locationPrefix.length + location.length;
    const bytes = RECORD_FIXED_BYTES + agentId.length + locationBytes + message.length;
    assert(bytes <= EVENT_BYTES_MAX, "event within its limit");
    assert(agentId.length <= AGENT_BYTES_MAX, "agent id within its limit");
    if (this.#usedBytes + bytes > this.#buffer.length) {
      if (!this.empty) return false;
      this.#buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + bytes);
    }
    const buffer = this.#buffer;
    let at = this.#usedBytes;
    buffer.writeUInt32LE(bytes, at);
    buffer.writeUInt32LE(locationBytes, at + LOCATION_BYTES_AT);
    buffer.writeDoubleLE(event.receivedMs, at + RECEIVED_AT);
    buffer[at + KIND_AT] = kind;
    buffer[at + QUEUE_AT] = event.queue.charCodeAt(0);
    buffer[at + AGENT_BYTES_AT] = agentId.length;
    at = put(buffer, at + RECORD_FIXED_BYTES, agentId);
    at = put(buffer, at, locationPrefix);
    at = put(buffer, at, location);
    this.#usedBytes = put(buffer, at, message);
    this.#records++;
    return true;
  }
}

/** Checks what the first bytes claim before the rest is read; null, or why there is no block at this place. */
export function headerFault(bytes: Buffer, place: BlockPlace): BlockFault | null {
  if (bytes.length < HEADER_BYTES) return "torn";
  if (BLOCK_MAGIC.compare(bytes, 0, BLOCK_MAGIC.length) !== 0) return "bad_magic";
  if (bytes[VERSION_AT] !== FORMAT_VERSION) return "unknown_version";
  if (readWide(bytes, POSITION_AT) !== place.position) return "wrong_place";
  if (readWide(bytes, EPOCH_AT) !== place.epoch) return "wrong_place";
  const blockBytes = bytes.readUInt32LE(BYTES_AT);
  if (blockBytes < HEADER_BYTES + RECORD_FIXED_BYTES || blockBytes > BLOCK_BYTES_MAX) return "bad_length";
  return null;
}

/** The length that a header without fault announces. */
export function blockBytes(header: Buffer): number {
  return header.readUInt32LE(BYTES_AT);
}

/** Why these bytes are not exactly one whole block of this place, or null when they are. */
export function verifyBlock(bytes: Buffer, place: BlockPlace): BlockFault | null {
  const fault = headerFault(bytes, place);
  if (fault !== null) return fault;
  if (bytes.length < blockBytes(bytes)) return "torn";
  if (bytes.length > blockBytes(bytes)) return "bad_length";
  if (crc32(bytes.subarray(CHECKED_FROM)) !== bytes.readUInt32LE(CHECKSUM_AT)) return "bad_checksum";
  return recordsAreWhole(bytes) ? null : "bad_record";
}

/** The checksum does not make this needless: it says that the bytes are as written, not who wrote them. */
function recordsAreWhole(block: Buffer): boolean {
  let records = 0;
  let at = HEADER_BYTES;
  while (at < block.length) {
    if (block.length - at < RECORD_FIXED_BYTES) return false;
    const bytes = block.readUInt32LE(at);
    const locationBytes = block.readUInt32LE(at + LOCATION_BYTES_AT);
    const agentBytes = block[at + AGENT_BYTES_AT] ?? 0;
    const kind = block[at + KIND_AT];
    if (kind !== KIND_EVENT && kind !== KIND_CONTROL) return false;
    if (bytes > block.length - at) return false;
    if (RECORD_FIXED_BYTES + agentBytes + locationBytes > bytes) return false;
    if (!Number.isFinite(block.readDoubleLE(at + RECEIVED_AT))) return false;
    at += bytes;
    records++;
  }
  return records === block.readUInt32LE(RECORDS_AT);
}

/** Where the first record of a block lies. */
export const FIRST_RECORD_AT = HEADER_BYTES;

/** Visits the records of a verified block in order. The strings are copies: the block may be reused afterwards. */
export function forEachEvent(block: Buffer, visitor: BlockVisitor): void {
  let at = FIRST_RECORD_AT;
  while (at < block.length) at = visitRecord(block, at, visitor);
}

/** Visits one record; where the next one lies. */
export function visitRecord(block: Buffer, at: number, visitor: BlockVisitor): number {
  const end = at + block.readUInt32LE(at);
  const position = readWide(block, POSITION_AT) + at;
  const receivedMs = block.readDoubleLE(at + RECEIVED_AT);
  const agentEnd = at + RECORD_FIXED_BYTES + (block[at + AGENT_BYTES_AT] ?? 0);
  const locationEnd = agentEnd + block.readUInt32LE(at + LOCATION_BYTES_AT);
  const message = block.toString("latin1", locationEnd, end);
  if (block[at + KIND_AT] === KIND_CONTROL) {
    visitor.control({ position, receivedMs, text: message });
  } else {
    visitor.event({
      position,
      receivedMs,
      queue: String.fromCharCode(block[at + QUEUE_AT] ?? 0),
      agentId: block.toString("latin1", at + RECORD_FIXED_BYTES, agentEnd),
      location: block.toString("latin1", agentEnd, locationEnd),
      message,
    });
  }
  return end;
}
