/** All that the journal says and counts. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log, LogLevel } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { LOG_PERIOD_MS } from "./limits.ts";
import type { DamagedPart } from "./segment-reader.ts";

/** Why nothing is accepted for now. */
export type Refusal =
  | "disk_full"
  | "free_space_low"
  | "journal_limit"
  | "sync_behind"
  | "sync_failed"
  | "write_failed";

const REFUSAL_TEXTS: Readonly<Record<Refusal, string>> = {
  disk_full: "the disk is full",
  free_space_low: "the disk has too little free space left",
  journal_limit: "the journal has reached its size limit because events are analysed too slowly",
  sync_behind: "the disk is too slow to keep what is received",
  sync_failed: "the disk failed to keep what was written, a restart is needed",
  write_failed: "the journal cannot be written",
};

export class JournalEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #saidAtMs = new Map<string, number>();
  #refused = false;

  constructor(needs: { readonly log: Log; readonly metrics: Metrics; readonly clock: Clock }) {
    this.#log = needs.log;
    this.#metrics = needs.metrics;
    this.#clock = needs.clock;
  }

  /** `text` is what the system said, if it said anything. */
  refused(refusal: Refusal, text: string): void {
    if (!this.#refused) this.#metrics.add("journal_refusals");
    this.#refused = true;
    const detail = text === "" ? "" : ` (${text})`;
    this.#sayRarely("error", refusal, `No event is accepted: ${REFUSAL_TEXTS[refusal]}${detail}.`);
  }

  /** An event stands in a block: written by now, or kept until it can be. */
  appended(): void {
    this.#metrics.add("journal_events");
  }

  accepted(blockBytes: number): void {
    this.#metrics.add("journal_blocks");
    this.#metrics.add("journal_bytes", blockBytes);
    if (!this.#refused) return;
    this.#refused = false;
    this.#sayRarely("info", "accepted", "Events are accepted again.");
  }

  unreleased(bytes: number): void {
    this.#metrics.set("journal_unreleased_bytes", bytes);
  }

  opened(epoch: number, position: number): void {
    this.#log.write("debug", `Journal ${epoch.toString(16)} opened at position ${position}.`);
  }

  epochLost(): void {
    this.#log.write("warning", "The journal's epoch file was missing: older segments cannot be read.");
  }

  tornTail(path: string, bytes: number): void {
    this.#metrics.add("journal_torn_bytes", bytes);
    this.#log.write("warning", `Journal ${path} ended in an incomplete block: ${bytes} bytes removed.`);
  }

  damaged(path: string, part: DamagedPart): void {
    const bytes = part.nextPosition - part.position;
    this.#metrics.add("journal_damaged_parts");
    this.#metrics.add("journal_damaged_bytes", bytes);
    const where = `${bytes} bytes at position ${part.position}`;
    this.#log.write("error", `Journal ${path} is damaged (${part.fault}): ${where} skipped.`);
  }

  segmentKept(path: string, text: string): void {
    this.#sayRarely("warning", "segment_kept", `Journal ${path} cannot be removed: ${text}`);
  }

  lostAtClose(blocks: number): void {
    this.#metrics.add("journal_lost_blocks", blocks);
    this.#log.write("error", `Stopped while the journal was full: ${blocks} blocks of events are lost.`);
  }

  #sayRarely(level: LogLevel, subject: string, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#saidAtMs.get(subject) ?? Number.NEGATIVE_INFINITY) < LOG_PERIOD_MS) return;
    this.#saidAtMs.set(subject, nowMs);
    this.#log.write(level, text);
  }
}
