/** logs/ossec.log: the lines that operators' rules match on, `YYYY/MM/DD HH:MM:SS daemon: LEVEL: text`. */
import type { LocalTime } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log, LogLevel } from "#kernel/ports/log.ts";
import { oneLine, RotatedLog } from "./rotated-log.ts";

const LEVEL_TEXT: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO",
  warning: "WARNING",
  error: "ERROR",
  critical: "CRITICAL",
};

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
  readonly #echo: ManagerLogNeeds["echo"];
  readonly #file: RotatedLog;

  constructor({ echo, ...file }: ManagerLogNeeds) {
    this.#echo = echo;
    this.#file = new RotatedLog({ ...file, archiveName: (day) => `ossec-${day}.log.gz` });
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
    this.#file.close();
  }

  #write(daemon: string, level: LogLevel, text: string): void {
    const line = logLine(this.#file.now, daemon, level, text);
    this.#echo(level, line);
    this.#file.append(Buffer.from(line, "utf8"));
  }
}
