/**
 * Follows the system's journal (journald) through a `journalctl` that is kept running.
 *
 * Memory is bounded by one entry and one chunk of its output: it is paused while the sink takes no more. After each end it is
 * started again behind the last entry that the sink has taken.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { ChildProcess, Processes } from "#kernel/ports/processes.ts";
import type { EventSink } from "#model/event-sink.ts";
import type { HostLogEvents } from "./events.ts";
import { ENTRY_FIELDS, parseJournaldEntry } from "./journald-entry.ts";
import {
  CURSOR_FAILURES_MAX,
  ENTRY_BYTES_MAX,
  LINE_BYTES_MAX,
  RESTART_DELAY_MS_MAX,
  RESTART_DELAY_MS_MIN,
} from "./limits.ts";

const COMMAND = "journalctl";
/** The peer's name for the source. */
export const JOURNALD_LOCATION = "journald";

export type JournaldTailNeeds = {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly events: HostLogEvents;
};

export class JournaldTail {
  readonly #needs: JournaldTailNeeds;
  /** Of the last entry that was taken. */
  #cursor: string | null;
  /** Where to begin as long as there is no cursor. */
  readonly #sinceMs: number;
  #process: ChildProcess | null = null;
  #restartTimer: Timer | null = null;
  #restartDelayMs = RESTART_DELAY_MS_MIN;
  #endsWithoutEntry = 0;
  /** Output that is not used yet; empty when nothing runs, for the next process gives it again. */
  #pending: Buffer = Buffer.alloc(0);
  #skipsRestOfEntry = false;
  #stopped = false;

  constructor(needs: JournaldTailNeeds, cursor: string | null) {
    this.#needs = needs;
    this.#cursor = cursor;
    this.#sinceMs = needs.clock.wallMs();
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  start(): void {
    this.#restartTimer = null;
    const from =
      this.#cursor === null
        ? `--since=@${Math.floor(this.#sinceMs / 1000)}`
        : `--after-cursor=${this.#cursor}`;
    const output = ["--output=json", `--output-fields=${ENTRY_FIELDS.join(",")}`, "--all"];
    const args = ["--follow", "--no-tail", "--quiet", "--no-pager", ...output, from];
    this.#process = this.#needs.processes.start(COMMAND, args, {
      output: (chunk) => this.#receive(chunk),
      ended: () => this.#ended(),
    });
  }

  /** Goes on when the sink takes events again. */
  poll(): void {
    if (this.#process === null || this.#pending.length === 0) return;
    this.#use();
  }

  stop(): void {
    this.#stopped = true;
    this.#restartTimer?.cancel();
    this.#process?.stop();
    this.#process = null;
    this.#pending = Buffer.alloc(0);
  }

  #receive(chunk: Buffer): void {
    if (this.#stopped) return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#use();
  }

  #use(): void {
    let used = 0;
    let blocked = false;
    while (!blocked) {
      const newline = this.#pending.indexOf(0x0a, used);
      if (newline === -1) break;
      if (this.#needs.sink.pressure !== "none") blocked = true;
      else if (this.#skipsRestOfEntry) this.#skipsRestOfEntry = false;
      else blocked = !this.#takeEntry(this.#pending.subarray(used, newline));
      if (!blocked) used = newline + 1;
    }
    this.#pending = this.#pending.subarray(used);
    if (!blocked && this.#pending.length > ENTRY_BYTES_MAX) {
      if (!this.#skipsRestOfEntry) this.#needs.events.discarded(JOURNALD_LOCATION, 1);
      this.#skipsRestOfEntry = true;
      this.#pending = Buffer.alloc(0);
    }
    if (blocked) this.#process?.pause();
    else this.#process?.resume();
  }

  /** False when the sink has no room. */
  #takeEntry(json: Buffer): boolean {
    const { sink, clock, events } = this.#needs;
    const entry = parseJournaldEntry(json);
    if (entry === null) {
      events.discarded(JOURNALD_LOCATION, 1);
      return true;
    }
    if (entry.line !== null) {
      const message = entry.line.slice(0, LINE_BYTES_MAX);
      const source = { queue: "1", agentId: "000", locationPrefix: "", location: JOURNALD_LOCATION };
      if (!sink.append({ ...source, receivedMs: clock.wallMs(), message })) return false;
      if (message.length < entry.line.length) events.lineCut(JOURNALD_LOCATION);
      events.collected(1);
    }
    this.#cursor = entry.cursor;
    this.#endsWithoutEntry = 0;
    this.#restartDelayMs = RESTART_DELAY_MS_MIN;
    return true;
  }

  #ended(): void {
    if (this.#stopped) return;
    this.#process = null;
    this.#pending = Buffer.alloc(0);
    this.#skipsRestOfEntry = false;
    this.#endsWithoutEntry++;
    if (this.#cursor !== null && this.#endsWithoutEntry >= CURSOR_FAILURES_MAX) {
      this.#needs.events.cursorForgotten();
      this.#cursor = null;
    }
    if (this.#endsWithoutEntry === 1) this.#needs.events.journaldEnded();
    this.#restartTimer = this.#needs.clock.after(this.#restartDelayMs, () => this.start());
    this.#restartDelayMs = Math.min(2 * this.#restartDelayMs, RESTART_DELAY_MS_MAX);
  }
}
