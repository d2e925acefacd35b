/**
 * The output block: finished texts on their way from the analysis thread to the output thread, in journal order.
 *
 * Layout, all numbers little-endian, one record after the other to the end of the block:
 *   bytes of the text (4), kind (1), position (float 8), text
 * A block never leaves the process and is read by the release that wrote it: no version, no checksum.
 *
 * What a record's text must be:
 *   alert_json, archive_json   one line with its newline; the top-level "id" is `<seconds>.<position>`
 *   alert_log                  begins with `** Alert <seconds>.<position>:`, no other line does; ends with an empty line.
 *                              In the administrator's words (`<custom_alert_output>`): as archive_log
 *   archive_log                ends with a newline; the same bytes at every replay of the event
 *   dead_letter                one line with its newline; the top-level "id" as above: an event that could not be analysed
 *   response                   one line with its newline (response-decision.ts); the top-level "id" as above
 *   firewall_log               as archive_log
 *   statistics                 a line with the path of a file below `stats/`, then its text (statistics-files.ts of output)
 *   snapshot                   any bytes: the engine's state after everything before `position`
 * The positions of one kind increase from record to record; only records of `statistics` may share one.
 */
import assert from "node:assert/strict";
import type { Latin1 } from "./event-block.ts";

/** A block is closed at this size: one write of this size costs the output thread little per record. */
export const OUTPUT_BLOCK_BYTES = 256 * 1024;
/** What a sender may have handed over and not got back: some blocks, so that a full disk stops analysis instead of filling memory. */
export const OUTPUT_IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024;

const KINDS = [
  "alert_json",
  "alert_log",
  "archive_json",
  "archive_log",
  "snapshot",
  "dead_letter",
  "response",
  "firewall_log",
  "statistics",
] as const;
export type OutputKind = (typeof KINDS)[number];
const KIND_CODES: Readonly<Record<OutputKind, number>> = {
  alert_json: 0,
  alert_log: 1,
  archive_json: 2,
  archive_log: 3,
  snapshot: 4,
  dead_letter: 5,
  response: 6,
  firewall_log: 7,
  statistics: 8,
};

const KIND_AT = 4;
const POSITION_AT = 5;
const TEXT_AT = 13;

/** Owns its memory alone: `postMessage(block, [block.buffer])` hands it over. */
export type OutputBlock = Uint8Array<ArrayBuffer>;

/** The text is `memory` from `start` to `end`, valid as long as the block is. */
export type OutputVisitor = (
  kind: OutputKind,
  position: number,
  memory: Buffer,
  start: number,
  end: number,
) => void;

export class OutputBlockBuilder {
  #memory = Buffer.allocUnsafeSlow(OUTPUT_BLOCK_BYTES);
  #usedBytes = 0;

  get empty(): boolean {
    return this.#usedBytes === 0;
  }

  /** Of the block as `take()` would give it. */
  get bytes(): number {
    return this.#usedBytes;
  }

  /** Copies the text in; false when the block has no room for it and must be taken first. */
  append(kind: OutputKind, position: number, text: Latin1): boolean {
    const at = this.#usedBytes;
    const end = at + TEXT_AT + text.length;
    if (end > this.#memory.length) {
      if (at > 0) return false;
      this.#memory = Buffer.allocUnsafeSlow(end);
    }
    const memory = this.#memory;
    memory.writeUInt32LE(text.length, at);
    memory[at + KIND_AT] = KIND_CODES[kind];
    memory.writeDoubleLE(position, at + POSITION_AT);
    if (typeof text === "string") memory.write(text, at + TEXT_AT, "latin1");
    else memory.set(text, at + TEXT_AT);
    this.#usedBytes = end;
    return true;
  }

  take(): OutputBlock {
    assert(!this.empty, "take of an empty block");
    const block = this.#memory.subarray(0, this.#usedBytes);
    this.#usedBytes = 0;
    // A nearly empty block travels as a copy, so that a quiet hour does not cost a new block's memory each time.
    if (block.length < this.#memory.length / 2) {
      const copy = Buffer.allocUnsafeSlow(block.length);
      copy.set(block);
      return copy;
    }
    this.#memory = Buffer.allocUnsafeSlow(OUTPUT_BLOCK_BYTES);
    return block;
  }
}

/** Visits the records in order. */
export function forEachOutput(block: OutputBlock, visit: OutputVisitor): void {
  const memory = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  let at = 0;
  while (at < memory.length) {
    const start = at + TEXT_AT;
    const end = start + memory.readUInt32LE(at);
    const kind = KINDS[memory[at + KIND_AT] ?? KINDS.length];
    assert(kind !== undefined && end <= memory.length, "record of an output block");
    visit(kind, memory.readDoubleLE(at + POSITION_AT), memory, start, end);
    at = end;
  }
}
