/** Records as analysis makes them, and an output service over fakes, for the tests of this folder. */
import type { Files } from "#kernel/ports/files.ts";
import { type OutputBlock, OutputBlockBuilder, type OutputKind } from "#model/output-block.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FILE_DEFINITIONS, type FileKind } from "./day-files.ts";
import { type OutputOptions, OutputService } from "./service.ts";

export const HOME = "/home";
export const EPOCH = 0xabcdef;
export const ALL_KINDS: readonly FileKind[] = FILE_DEFINITIONS.map(({ kind }) => kind);

export type Output = { readonly kind: OutputKind; readonly position: number; readonly text: string };

/** A text with numbers in it that a careless reader takes for the id. */
export function recordText(kind: FileKind, position: number, message = "m"): string {
  const id = `1795249255.${position}`;
  switch (kind) {
    case "alert_json":
    case "archive_json":
    case "dead_letter":
    case "response":
      return `{"rule":{"id":"501"},"id":"${id}","full_log":${JSON.stringify(`"id":"1.99999" ${message}`)},"data":{"id":"1.88888"}}\n`;
    case "alert_log":
      return `** Alert ${id}: mail  - syslog,\n2026 Nov 21 06:44:10 vm->/var/log/auth\n${message} ** Alert 1.77777:\n\n`;
    case "archive_log":
    case "firewall_log":
      return `2026 Nov 21 06:44:10 vm->/var/log/auth ${message}\n of ${position}\n`;
  }
}

export function record(kind: FileKind, position: number, message?: string): Output {
  return { kind, position, text: recordText(kind, position, message) };
}

/** One record of each kind. */
export function event(position: number, message?: string): Output[] {
  return ALL_KINDS.map((kind) => record(kind, position, message));
}

export function block(outputs: readonly Output[]): OutputBlock {
  const builder = new OutputBlockBuilder();
  for (const { kind, position, text } of outputs) {
    if (!builder.append(kind, position, text)) throw new RangeError("more than one block");
  }
  return builder.take();
}

export type OptionChanges = {
  kinds?: readonly FileKind[];
  rotation?: Partial<OutputOptions["rotation"]>;
  closing?: Partial<OutputOptions["closing"]>;
  customAlertLog?: boolean;
};

export function options(changes: OptionChanges = {}): OutputOptions {
  const { kinds = ALL_KINDS, rotation, closing, customAlertLog = false } = changes;
  return {
    customAlertLog,
    kinds: new Set(kinds),
    rotation: { intervalSeconds: 0, partBytesMax: 0, intervalSecondsMin: 600, ...rotation },
    closing: { sign: true, compress: true, waitSeconds: 10, ...closing },
  };
}

/** A manager's life over one disk: started, stopped and started again. */
export class OutputHarness {
  readonly fake = new FakeFiles();
  clock: FakeClock;
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly snapshots: number[] = [];
  /** Lines as they were handed over, in one piece each time. */
  readonly responses: string[] = [];
  /** What the service sees of the disk: the disk itself, or a wrapper that fails. */
  files: Files = this.fake;
  epoch = EPOCH;
  consumedBytes = 0;
  service: OutputService | null = null;

  /** Local time, so that a day is a day in every zone. */
  constructor(startMs = new Date(2026, 10, 21, 12, 0, 0).getTime()) {
    this.clock = new FakeClock(startMs);
  }

  start(changes?: OptionChanges): void {
    this.service = new OutputService(
      {
        files: this.files,
        clock: this.clock,
        log: this.log,
        metrics: this.metrics,
        home: HOME,
        epoch: this.epoch,
        consumed: (bytes) => {
          this.consumedBytes += bytes;
        },
        snapshotDurable: (position) => this.snapshots.push(position),
        responsesWritten: (lines) => this.responses.push(lines),
      },
      options(changes),
    );
  }

  stop(): void {
    this.service?.close();
    this.service = null;
  }

  /** The process is gone: what it had planned does not happen. */
  kill(): void {
    this.clock = new FakeClock(this.clock.wallMs());
    this.service = null;
  }

  accept(outputs: readonly Output[]): void {
    this.service?.accept(block(outputs));
  }

  exists(path: string): boolean {
    return this.fake.info(`${HOME}/${path}`) !== null;
  }

  text(path: string): string {
    return this.fake.text(`${HOME}/${path}`);
  }

  write(path: string, text: string): void {
    const absolute = `${HOME}/${path}`;
    this.fake.makeDirectory(absolute.slice(0, absolute.lastIndexOf("/")));
    this.fake.write(absolute, text);
  }

  /** Output files and checksum files, without links, relative to `logs`. */
  outputPaths(): string[] {
    const inDays = /^\/home\/logs\/[\w-]+\/\d/;
    return this.fake
      .paths()
      .filter((path) => inDays.test(path))
      .map((path) => path.slice(`${HOME}/logs/`.length));
  }

  /** Goes to the next local midnight and so many seconds beyond it. */
  passMidnight(secondsAfter: number): void {
    const midnight = new Date(this.clock.wallMs());
    midnight.setHours(24, 0, 0, 0);
    this.clock.jump(midnight.getTime() - this.clock.wallMs() - 1000);
    this.clock.advance((secondsAfter + 1) * 1000);
  }
}
