/** All that the output files say and count. */
import type { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log, LogLevel } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { FileKind } from "./day-files.ts";
import { LOG_PERIOD_MS } from "./limits.ts";

export class OutputEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #saidAtMs = new Map<string, number>();
  #blocked = false;

  constructor(needs: { readonly log: Log; readonly metrics: Metrics; readonly clock: Clock }) {
    this.#log = needs.log;
    this.#metrics = needs.metrics;
    this.#clock = needs.clock;
  }

  written(kind: FileKind, records: number, bytes: number): void {
    this.#metrics.add(`output_${kind}_records`, records);
    this.#metrics.add(`output_${kind}_bytes`, bytes);
  }

  /** Left out because the file has them: after a restart, or when a write is tried again. */
  repeated(kind: FileKind, records: number): void {
    this.#metrics.add(`output_${kind}_records_repeated`, records);
  }

  /** Nothing is written until the trouble is over; analysis waits. */
  blocked(error: CodedError): void {
    if (!this.#blocked) this.#metrics.add("output_blockages");
    this.#blocked = true;
    this.#metrics.set("output_blocked", 1);
    this.#sayRarely("error", "blocked", `Alerts cannot be written, analysis waits: ${error.message}`);
  }

  unblocked(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#metrics.set("output_blocked", 0);
    this.#sayRarely("info", "unblocked", "Alerts are written again.");
  }

  torn(path: string, bytes: number): void {
    this.#metrics.add("output_torn_bytes", bytes);
    this.#log.write("warning", `'${path}' ended in an incomplete record: ${bytes} bytes removed.`);
  }

  cursorsAbsent(path: string): void {
    this.#log.write("warning", `'${path}' is damaged or of another journal: new files are begun.`);
  }

  replayDiffers(path: string): void {
    this.#metrics.add("output_replays_different");
    this.#log.write(
      "warning",
      `'${path}' ends in events that replay did not repeat: some may stand there twice.`,
    );
  }

  unlinked(link: string, error: CodedError): void {
    this.#sayRarely(
      "warning",
      `unlinked ${link}`,
      `'${link}' does not lead to the current file: ${error.message}`,
    );
  }

  /** The text is the peer's (wazuh v4.14.7: src/monitord/sign_log.c). */
  chainBegun(path: string): void {
    this.#log.write("debug", `Checksum for previous log file is missing: '${path}'. Starting new sequence.`);
  }

  signed(path: string): void {
    this.#metrics.add("output_files_signed");
    this.#log.write("debug", `Checksum written to '${path}'.`);
  }

  compressed(path: string): void {
    this.#metrics.add("output_files_compressed");
    this.#log.write("debug", `File '${path}' compressed.`);
  }

  closingFailed(error: CodedError): void {
    this.#metrics.add("output_closings_failed");
    this.#sayRarely(
      "error",
      "closing",
      `Files of past days cannot be signed and compressed now: ${error.message}`,
    );
  }

  #sayRarely(level: LogLevel, subject: string, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#saidAtMs.get(subject) ?? Number.NEGATIVE_INFINITY) < LOG_PERIOD_MS) return;
    this.#saidAtMs.set(subject, nowMs);
    this.#log.write(level, text);
  }
}
