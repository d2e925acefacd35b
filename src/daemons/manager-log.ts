/**
 * logs/ossec.log: the lines that operators' rules match on, `YYYY/MM/DD HH:MM:SS daemon: LEVEL: text`. Moved away and compressed at
 * the change of the day or when it is large; old ones go after a month.
 */
import { gzipSync } from "node:zlib";
import { CodedError } from "#kernel/errors.ts";
import { LocalClock, type LocalTime } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import type { Log, LogLevel } from "#kernel/ports/log.ts";

/** Compressing more at once would hold the main thread for seconds. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
const KEPT_DAYS = 31;
const DAY_MS = 86_400_000;

const LEVEL_TEXT: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO",
  warning: "WARNING",
  error: "ERROR",
  critical: "CRITICAL",
};

/** Whatever a text holds, it is one line and moves no cursor. */
export function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** With its newline. */
export function logLine(
  { isoSeconds, clock }: LocalTime,
  daemon: string,
  level: LogLevel,
  text: string,
): string {
  const date = isoSeconds.slice(0, 10).replaceAll("-", "/");
  return `${date} ${clock} ${daemon}: ${LEVEL_TEXT[level]}: ${oneLine(text)}\n`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

export type ManagerLogNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly path: string;
  /** Where old logs go: `logs/cyb3rhq`. */
  readonly archive: string;
  /** Also given every line, for a terminal. */
  readonly echo: (level: LogLevel, line: string) => void;
};

export class ManagerLog {
  readonly #needs: ManagerLogNeeds;
  readonly #local = new LocalClock();
  #file: OpenFile | null = null;
  #bytes = 0;
  #day: LocalTime;

  constructor(needs: ManagerLogNeeds) {
    this.#needs = needs;
    const info = needs.files.info(needs.path);
    this.#day = this.#local.at(info?.modifiedMs ?? needs.clock.wallMs());
    this.#bytes = info?.bytes ?? 0;
  }

  /** The log of one daemon. Debug lines are kept only when asked for. */
  of(daemon: string, options: { readonly debug: boolean } = { debug: false }): Log {
    return {
      write: (level, text) => {
        if (level !== "debug" || options.debug) this.#write(daemon, level, text);
      },
    };
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #write(daemon: string, level: LogLevel, text: string): void {
    const time = this.#local.at(this.#needs.clock.wallMs());
    const line = logLine(time, daemon, level, text);
    this.#needs.echo(level, line);
    const bytes = Buffer.from(line, "utf8");
    try {
      if (time.day !== this.#day.day || time.month !== this.#day.month || this.#bytes >= LOG_BYTES_MAX)
        this.#rotate(time);
      this.#file ??= this.#needs.files.open(this.#needs.path, "append");
      this.#file.write(bytes);
      this.#bytes += bytes.length;
    } catch (error) {
      // A disk that is full must not stop the manager for want of a log line; the terminal has it.
      if (!(error instanceof CodedError)) throw error;
    }
  }

  #rotate(now: LocalTime): void {
    const { files, path, archive } = this.#needs;
    const of = this.#day;
    this.close();
    this.#day = now;
    this.#bytes = 0;
    if (files.info(path) === null) return;
    const directory = `${archive}/${of.year}/${of.month}`;
    files.makeDirectory(directory);
    const base = `${directory}/ossec-${two(of.day)}`;
    let target = `${base}.log.gz`;
    for (let part = 1; files.info(target) !== null; part++)
      target = `${base}-${String(part).padStart(3, "0")}.log.gz`;
    files.replace(target, gzipSync(files.read(path)));
    files.remove(path);
    this.#removeOld();
  }

  #removeOld(): void {
    const { files, archive, clock } = this.#needs;
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
