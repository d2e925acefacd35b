/**
 * Writes the blocks of the analysis thread to the output files, in order, and lets nothing go before it is written.
 *
 * What the world does (disk full, no access) makes it wait: the same block is tried again every second, blocks that come are
 * kept unread, and the sender gets no credit. The order that makes every record appear exactly once after a crash:
 *   1. what is before a snapshot is written and synced, then the cursors are replaced, then the snapshot, then it is reported;
 *   2. the cursors name a file before anything is written to it;
 *   3. what is behind the cursors is found in the files themselves at start (tail.ts, replayed-tail.ts).
 * Responses are handed over when their records are on disk, so that no replay, also after a loss of power, hands one over again.
 */
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import { forEachOutput, type OutputBlock } from "#model/output-block.ts";
import { AlertFile } from "./alert-file.ts";
import { type Cursors, formatCursors, parseCursors, readCursorText } from "./cursors.ts";
import {
  type Day,
  FILE_DEFINITIONS,
  type FileDefinition,
  type FileKind,
  isBefore,
  parentOf,
  sameDay,
} from "./day-files.ts";
import type { OutputEvents } from "./events.ts";
import { TICK_MS } from "./limits.ts";
import { StatisticsFiles } from "./statistics-files.ts";

export const SNAPSHOT_PATH = "queue/analysis/snapshot";
export const CURSORS_PATH = "queue/output/cursors.json";

export type OutputWriterNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly events: OutputEvents;
  /** Absolute. */
  readonly home: string;
  /** Of the journal whose positions the records bear. */
  readonly epoch: number;
  /** So many bytes of accepted blocks are written: the sender may send as many more. */
  consumed(bytes: number): void;
  /** The snapshot and all before `position` are on disk. */
  snapshotDurable(position: number): void;
  /** Whole lines that were written for the first time and are on disk. */
  responsesWritten(lines: string): void;
  /** All files have left `day`. */
  dayEnded(day: Day): void;
};

export type RotationOptions = {
  /** `rotate_interval`; 0 for never. */
  readonly intervalSeconds: number;
  /** `max_output_size`; 0 for no limit. */
  readonly partBytesMax: number;
  /** `analysisd.min_rotate_interval`. */
  readonly intervalSecondsMin: number;
};

export type OutputWriterOptions = {
  readonly kinds: ReadonlySet<FileKind>;
  readonly rotation: RotationOptions;
  /** The records of alerts.log are in the administrator's words: they need not bear a number. */
  readonly customAlertLog: boolean;
};

export class OutputWriter {
  readonly #needs: OutputWriterNeeds;
  readonly #rotation: RotationOptions;
  readonly #localClock = new LocalClock();
  readonly #outputs = new Map<FileKind, AlertFile>();
  readonly #statistics: StatisticsFiles;
  readonly #timer: Timer;
  readonly #blocks: OutputBlock[] = [];
  #saved: Cursors | null = null;
  #day: Day | null = null;
  #rotatedAtMs = 0;
  #snapshotPosition = -1;
  /** Written, and perhaps not on disk yet. */
  #responsesDue = "";
  #working = false;
  #blocked = false;

  constructor(needs: OutputWriterNeeds, { kinds, rotation, customAlertLog }: OutputWriterOptions) {
    this.#needs = needs;
    this.#rotation = rotation;
    this.#statistics = new StatisticsFiles(needs);
    for (const definition of FILE_DEFINITIONS) {
      const { kind } = definition;
      const unnumbered = customAlertLog && kind === "alert_log";
      if (kinds.has(kind)) this.#outputs.set(kind, new AlertFile(needs, definition, unnumbered));
    }
    this.#timer = needs.clock.every(TICK_MS, () => this.#work());
    this.#work();
  }

  /** Records of a kind that is not written are passed over. */
  accept(block: OutputBlock): void {
    this.#blocks.push(block);
    if (!this.#blocked) this.#work();
  }

  /** Whether a file of that day is still needed as it is. */
  uses(definition: FileDefinition, day: Day): boolean {
    return this.#outputs.get(definition.kind)?.uses(day) ?? false;
  }

  /** What could not be written is in the journal and comes again. */
  close(): void {
    this.#timer.cancel();
    this.#attempt(() => {
      if (this.#day !== null) this.#saveCursors();
    });
    for (const output of this.#outputs.values()) output.close();
  }

  /** A callback may accept the next block while one is written: it waits for its turn. */
  #work(): void {
    if (this.#working) return;
    this.#working = true;
    this.#attempt(() => {
      this.#recover();
      this.#rotate();
      this.#writeBlocks();
    });
    this.#working = false;
  }

  #attempt(act: () => void): void {
    try {
      act();
      this.#blocked = false;
      this.#needs.events.unblocked();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#blocked = true;
      this.#needs.events.blocked(error);
    }
  }

  #recover(): void {
    this.#saved ??= this.#readCursors();
    for (const [kind, output] of this.#outputs) output.recover(this.#saved.get(kind) ?? null);
  }

  #readCursors(): Cursors {
    const { files, events, home, epoch } = this.#needs;
    const text = readCursorText(files, `${home}/${CURSORS_PATH}`);
    const cursors = text === null ? null : parseCursors(text, epoch);
    if (text !== null && cursors === null) events.cursorsAbsent(CURSORS_PATH);
    return cursors ?? new Map();
  }

  /** The conditions are the peer's (wazuh v4.14.7: src/analysisd/getloglocation.c): day, then age, then size. */
  #rotate(): void {
    const { clock } = this.#needs;
    const today = this.#localClock.at(clock.wallMs());
    if (this.#day === null || !sameDay(this.#day, today)) this.#goToDay(today);
    else this.#goToNextParts();
    this.#saveMovedCursors();
    for (const output of this.#outputs.values()) this.#link(output);
  }

  #goToDay({ year, month, day }: Day): void {
    const today = { year, month, day };
    const partBytesMax = this.#rotation.partBytesMax || Number.POSITIVE_INFINITY;
    for (const output of this.#outputs.values()) {
      if (!output.isOf(today)) output.openDay(today, partBytesMax);
    }
    const ended = this.#day;
    this.#day = today;
    this.#rotatedAtMs = this.#needs.clock.monotonicMs();
    // When the clock was set back, the day that was left is still to come.
    if (ended !== null && isBefore(ended, today)) this.#needs.dayEnded(ended);
  }

  #goToNextParts(): void {
    const { intervalSeconds, intervalSecondsMin, partBytesMax } = this.#rotation;
    const nowMs = this.#needs.clock.monotonicMs();
    const ageSeconds = (nowMs - this.#rotatedAtMs) / 1000;
    const old = intervalSeconds > 0 && ageSeconds > intervalSeconds;
    if (!old && (partBytesMax === 0 || ageSeconds <= intervalSecondsMin)) return;
    const bytesMax = old ? 0 : partBytesMax;
    const due = [...this.#outputs.values()].filter((output) => output.bytes > bytesMax);
    for (const output of due) output.openNextPart();
    if (old || due.length > 0) this.#rotatedAtMs = nowMs;
  }

  /** A file system without hard links must not stop alerts. */
  #link(output: AlertFile): void {
    try {
      output.link();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.events.unlinked(output.definition.link, error);
    }
  }

  #writeBlocks(): void {
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      this.#writeBlock(block);
      this.#blocks.shift();
      this.#needs.consumed(block.byteLength);
    }
  }

  #writeBlock(block: OutputBlock): void {
    forEachOutput(block, (kind, position, memory, start, end) => {
      if (kind === "snapshot") this.#keepSnapshot(position, memory.subarray(start, end));
      else if (kind === "statistics") this.#statistics.write(memory.toString("latin1", start, end));
      else this.#outputs.get(kind)?.add(position, memory, start, end);
    });
    this.#flush();
  }

  #flush(): void {
    this.#saveMovedCursors();
    for (const [kind, output] of this.#outputs) {
      const written = output.flush();
      if (kind === "response" && written !== null) this.#responsesDue += written.toString("latin1");
    }
    this.#handOverResponses();
  }

  #handOverResponses(): void {
    if (this.#responsesDue === "") return;
    this.#outputs.get("response")?.sync();
    const lines = this.#responsesDue;
    this.#responsesDue = "";
    this.#needs.responsesWritten(lines);
  }

  #keepSnapshot(position: number, bytes: Buffer): void {
    // A block that is tried again may have got past its snapshot before.
    if (position <= this.#snapshotPosition) return;
    this.#flush();
    this.#saveCursors();
    this.#replace(SNAPSHOT_PATH, bytes);
    this.#snapshotPosition = position;
    this.#needs.snapshotDurable(position);
  }

  #saveMovedCursors(): void {
    if ([...this.#outputs.values()].some((output) => output.cursorDue)) this.#saveCursors();
  }

  #saveCursors(): void {
    // Cursors of kinds that are switched off stay: they may be switched on again.
    const cursors = new Map(this.#saved);
    for (const [kind, output] of this.#outputs) {
      output.sync();
      cursors.set(kind, output.cursor);
    }
    this.#replace(CURSORS_PATH, Buffer.from(formatCursors(cursors, this.#needs.epoch)));
    this.#saved = cursors;
    for (const output of this.#outputs.values()) output.cursorSaved();
  }

  #replace(path: string, bytes: Uint8Array): void {
    const { files, home } = this.#needs;
    files.makeDirectory(parentOf(`${home}/${path}`));
    files.replace(`${home}/${path}`, bytes);
  }
}
