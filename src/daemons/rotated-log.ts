/**
 * A log of the manager's own: lines go to one file, which is moved away and compressed at the change of the day or when it is large; old
 * ones go after a month.
 */
import { gzipSync } from "node:zlib";
import { CodedError } from "#kernel/errors.ts";
import { LocalClock, type LocalTime } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";

/** Compressing more at once would hold the main thread for seconds. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
/** A quarter of the usual level's time, and archives a third larger. */
const COMPRESSION_LEVEL = 1;
const KEPT_DAYS = 31;
const DAY_MS = 86_400_000;

export type RotatedLogOptions = {
  readonly files: Files;
  readonly clock: Clock;
  readonly path: string;
  /** Where old logs go, by year and month. */
  readonly archive: string;
  /** Of an old log, by the two digits of its day, and `-001` and so on behind them for all but the first of a day. */
  readonly archiveName: (day: string) => string;
};

/** Whatever a text holds, it is one line and moves no cursor. */
export function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

export class RotatedLog {
  readonly #options: RotatedLogOptions;
  readonly #local = new LocalClock();
  #file: OpenFile | null = null;
  #bytes = 0;
  #day: LocalTime;

  constructor(options: RotatedLogOptions) {
    this.#options = options;
    const info = options.files.info(options.path);
    this.#day = this.#local.at(info?.modifiedMs ?? options.clock.wallMs());
    this.#bytes = info?.bytes ?? 0;
  }

  get now(): LocalTime {
    return this.#local.at(this.#options.clock.wallMs());
  }

  /** A line with its newline. One that cannot be written is lost: a disk that is full must not stop the manager for want of a log line. */
  append(line: Buffer): void {
    const { now } = this;
    try {
      if (now.day !== this.#day.day || now.month !== this.#day.month || this.#bytes >= LOG_BYTES_MAX)
        this.#rotate(now);
      this.#file ??= this.#options.files.open(this.#options.path, "append");
      this.#file.write(line);
      this.#bytes += line.length;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #rotate(now: LocalTime): void {
    const { files, path, archive, archiveName } = this.#options;
    const of = this.#day;
    this.close();
    this.#day = now;
    this.#bytes = 0;
    if (files.info(path) === null) return;
    const directory = `${archive}/${of.year}/${of.month}`;
    files.makeDirectory(directory);
    const day = String(of.day).padStart(2, "0");
    let target = `${directory}/${archiveName(day)}`;
    for (let part = 1; files.info(target) !== null; part++)
      target = `${directory}/${archiveName(`${day}-${String(part).padStart(3, "0")}`)}`;
    files.replace(target, gzipSync(files.read(path), { level: COMPRESSION_LEVEL }));
    files.remove(path);
    this.#removeOld();
  }

  #removeOld(): void {
    const { files, archive, clock } = this.#options;
    const oldestMs = clock.wallMs() - KEPT_DAYS * DAY_MS;
    const visit = (directory: string): void => {
      for (const entry of files.list(directory)) {
        const path = `${directory}/${entry.name}`;
        if (entry.kind === "directory") visit(path);
        else if (entry.name.endsWith(".gz") && (files.info(path)?.modifiedMs ?? 0) < oldestMs)
          files.remove(path);
      }
    };
    visit(archive);
  }
}
