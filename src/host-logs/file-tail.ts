/**
 * Follows one log file: from a known position on, over renaming and truncation, whole lines only.
 *
 * Reads when it is polled. What is read of an incomplete line is forgotten and read again later, so a tail holds no text between
 * two polls. The position moves on only behind messages that the sink has taken.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { FileInfo, Files, OpenFile } from "#kernel/ports/files.ts";
import type { EventSink } from "#model/event-sink.ts";
import type { HostLogEvents } from "./events.ts";
import { LINE_BYTES_MAX, ORPHAN_POLLS_MAX, POLL_BYTES_MAX, READ_BYTES, SUCCESSOR_POLLS } from "./limits.ts";
import { type Following, type LineFormat, lineOf, shapeLines, splitLines } from "./log-lines.ts";

export type FilePosition = { readonly inode: number; readonly offset: number };

/** `end`: what is in the file when it is first seen was there before us. */
export type StartAt = FilePosition | "start" | "end";

export type FileTailNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly events: HostLogEvents;
};

export type FileTailOptions = {
  readonly path: string;
  readonly format: LineFormat;
  readonly startAt: StartAt;
  /** A file that is looked for on the off chance may be missing without a word. */
  readonly expected: boolean;
};

/** `busy`: there is more to read at once. `blocked`: the sink takes no more for now. */
type ReadOutcome = "end" | "busy" | "blocked";

/** Shared by all tails: they read one after the other. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export class FileTail {
  readonly #needs: FileTailNeeds;
  readonly #options: FileTailOptions;
  readonly #location: Uint8Array;
  #startAt: StartAt;
  #open: { readonly file: OpenFile; readonly inode: number } | null = null;
  #offset = 0;
  /** The start of the line at `#offset` was sent, as it was too long. */
  #skipsRestOfLine = false;
  /** Looks since the path no longer led to the open file. */
  #pollsAway = 0;

  constructor(needs: FileTailNeeds, options: FileTailOptions) {
    this.#needs = needs;
    this.#options = options;
    this.#location = Buffer.from(options.path);
    this.#startAt = options.startAt;
  }

  /** Null while there is no file. A position to start at that was not used yet is kept. */
  get position(): FilePosition | null {
    if (this.#open !== null) return { inode: this.#open.inode, offset: this.#offset };
    return typeof this.#startAt === "string" ? null : this.#startAt;
  }

  /** Reads what is new; true when there is more to read at once. */
  poll(): boolean {
    try {
      if (this.#open === null && !this.#openFile()) return false;
      const outcome = this.#readNew("end");
      return outcome === "end" ? this.#followPath() : outcome === "busy";
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.events.unreadable(this.#options.path, error.code);
      this.close();
      return false;
    }
  }

  close(): void {
    if (this.#open !== null) this.#startAt = { inode: this.#open.inode, offset: this.#offset };
    this.#open?.file.close();
    this.#open = null;
  }

  #openFile(): boolean {
    const { files, events } = this.#needs;
    const { path, expected } = this.#options;
    const found = files.info(path);
    if (found === null) {
      if (expected) events.unreadable(path, "file_not_found");
      this.#startAt = "start"; // what comes to be under this name is new
      return false;
    }
    if (found.kind !== "file") {
      events.unreadable(path, "not_a_file");
      return false;
    }
    const file = files.open(path, "read");
    const info = file.info();
    this.#open = { file, inode: info.inode };
    this.#offset = offsetIn(info, this.#startAt);
    this.#skipsRestOfLine = false;
    this.#pollsAway = 0;
    events.analyzing(path);
    return true;
  }

  #readNew(following: Following): ReadOutcome {
    let budget = POLL_BYTES_MAX;
    for (;;) {
      if (this.#open === null || this.#needs.sink.pressure !== "none") return "blocked";
      if (budget <= 0) return "busy";
      const before = this.#offset;
      const bytes = this.#open.file.read(readBuffer, before);
      if (bytes === 0) return "end";
      const full = bytes === readBuffer.length;
      if (!this.#take(readBuffer.subarray(0, bytes), full ? "more" : following)) return "blocked";
      if (this.#offset === before) return "end"; // the rest waits for its end
      budget -= this.#offset - before;
    }
  }

  /** Sends the messages of a chunk that begins at `#offset`; false when the sink has no room. */
  #take(chunk: Buffer, following: Following): boolean {
    if (this.#skipsRestOfLine) {
      const newline = chunk.indexOf(0x0a);
      this.#skipsRestOfLine = newline === -1;
      this.#offset += newline === -1 ? chunk.length : newline + 1;
      return true;
    }
    const { events } = this.#needs;
    const { format, path } = this.#options;
    const lines = [...splitLines(chunk)];
    const lastEnd = lines.at(-1)?.end ?? 0;
    const rest = chunk.subarray(lastEnd);
    const tooLong = lines.length === 0 && rest.length > LINE_BYTES_MAX;
    if (tooLong || (following === "nothing" && rest.length > 0)) lines.push(lineOf(rest, chunk.length));

    let shaped = shapeLines(format, lines, following);
    // Lines that fill the whole chunk and still wait for more would wait for ever.
    if (shaped.consumed === 0 && lines.length > 0 && (following === "more" || tooLong)) {
      shaped = shapeLines(format, lines, "nothing");
    }
    for (const { wasCut, end } of lines) if (wasCut && end <= shaped.consumed) events.lineCut(path);
    if (shaped.discarded > 0) events.discarded(path, shaped.discarded);
    let taken = 0;
    for (const { text, end } of shaped.messages) {
      if (!this.#send(text)) {
        this.#offset += taken;
        return false;
      }
      taken = end;
    }
    events.collected(shaped.messages.length);
    this.#offset += shaped.consumed;
    this.#skipsRestOfLine = tooLong && following !== "nothing";
    return true;
  }

  #send(message: string): boolean {
    const { sink, clock } = this.#needs;
    const source = { queue: "1", agentId: "000", locationPrefix: "", location: this.#location };
    return sink.append({ ...source, receivedMs: clock.wallMs(), message });
  }

  /** At the end of the open file: does the path still lead to it? True when another file was opened instead. */
  #followPath(): boolean {
    const { files, events } = this.#needs;
    const { path } = this.#options;
    if (this.#open === null) return false;
    const info = files.info(path);
    if (info?.inode === this.#open.inode) {
      this.#pollsAway = 0;
      if (info.bytes >= this.#offset) return false;
      events.truncated(path);
      this.#offset = 0;
      this.#skipsRestOfLine = false;
      return info.bytes > 0;
    }
    this.#pollsAway++;
    const succeeded = info !== null && info.bytes > 0;
    if (this.#pollsAway < (succeeded ? SUCCESSOR_POLLS : ORPHAN_POLLS_MAX)) return false;
    // Nobody will end its last line any more.
    if (this.#readNew("nothing") !== "end") return false;
    events.rotated(path);
    this.close();
    this.#startAt = "start";
    return this.#openFile();
  }
}

function offsetIn(info: FileInfo, startAt: StartAt): number {
  if (startAt === "end") return info.bytes;
  if (startAt === "start") return 0;
  return startAt.inode === info.inode && startAt.offset <= info.bytes ? startAt.offset : 0;
}
