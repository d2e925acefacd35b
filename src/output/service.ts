/** The output files as one service: what is written today, and what becomes of the days before. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { OutputBlock } from "#model/output-block.ts";
import { type ClosingOptions, DayCloser } from "./day-closer.ts";
import { OutputEvents } from "./events.ts";
import { OutputWriter, type OutputWriterOptions } from "./output-writer.ts";

export type OutputNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absolute path of the home directory. */
  readonly home: string;
  /** Of the journal whose positions the records bear. */
  readonly epoch: number;
  /** So many bytes of accepted blocks are written: the sender may send as many more. */
  consumed(bytes: number): void;
  /** The snapshot and all before `position` are on disk. */
  snapshotDurable(position: number): void;
  /** Decisions about active responses, as lines, that no earlier run was given. */
  responsesWritten(lines: string): void;
};

export type OutputOptions = OutputWriterOptions & {
  readonly closing: ClosingOptions;
};

export class OutputService {
  readonly #writer: OutputWriter;
  readonly #closer: DayCloser;

  constructor(needs: OutputNeeds, options: OutputOptions) {
    const { files, clock, home } = needs;
    const events = new OutputEvents(needs);
    this.#closer = new DayCloser(
      { files, clock, events, home, uses: (definition, day) => this.#writer.uses(definition, day) },
      options.kinds,
      options.closing,
    );
    this.#writer = new OutputWriter(
      {
        files,
        clock,
        events,
        home,
        epoch: needs.epoch,
        consumed: (bytes) => needs.consumed(bytes),
        snapshotDurable: (position) => needs.snapshotDurable(position),
        responsesWritten: (lines) => needs.responsesWritten(lines),
        dayEnded: (day) => this.#closer.dayEnded(day),
      },
      options,
    );
  }

  accept(block: OutputBlock): void {
    this.#writer.accept(block);
  }

  close(): void {
    this.#closer.close();
    this.#writer.close();
  }
}
