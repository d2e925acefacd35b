/** logs/cluster.log: `YYYY/MM/DD HH:MM:SS LEVEL: [tag] [subtag] text`. Tags come with the text (cluster/tagged-log.ts). */
import { taggedLog } from "#cluster/tagged-log.ts";
import type { Problem } from "#formats/source-position.ts";
import { HELPER_TAG, type HelperLog } from "#haproxy-helper/needs.ts";
import type { LocalTime } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import { oneLine, RotatedLog } from "../rotated-log.ts";
import { LineBudget } from "./line-budget.ts";

/** The peer's daemon knows one level more than the others. */
export type ClusterLogLevel = LogLevel | "debug2";

const LEVEL_TEXT: Readonly<Record<ClusterLogLevel, string>> = {
  debug2: "DEBUG2",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARNING",
  error: "ERROR",
  critical: "CRITICAL",
};
/** From which `wazuh_clusterd.debug` on a level is written. */
const DEBUG_NEEDED: Readonly<Partial<Record<ClusterLogLevel, number>>> = { debug: 1, debug2: 2 };

/** Of one tag, such as `[Worker w1]`, and of all, in a second; a hundred workers have as many together. */
export const LINES_OF_TAG_MAX = 100;
const LINES_MAX = 1000;

/** With its newline; one char a byte. */
function clusterLogLine({ isoSeconds, clock }: LocalTime, level: ClusterLogLevel, text: string): string {
  const date = isoSeconds.slice(0, 10).replaceAll("-", "/");
  return `${date} ${clock} ${LEVEL_TEXT[level]}: ${oneLine(text)}\n`;
}

export type ClusterLogNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly home: string;
  /** `wazuh_clusterd.debug`: 0, 1 or 2. */
  readonly debug: number;
  /** Also given every line, for a terminal. */
  readonly echo: (level: LogLevel, line: string) => void;
};

export class ClusterLog {
  readonly #needs: ClusterLogNeeds;
  readonly #file: RotatedLog;
  readonly #budget = new LineBudget({ each: LINES_OF_TAG_MAX, all: LINES_MAX });

  constructor(needs: ClusterLogNeeds) {
    this.#needs = needs;
    const { files, clock, home } = needs;
    this.#file = new RotatedLog({
      files,
      clock,
      path: `${home}/logs/cluster.log`,
      archive: `${home}/logs/cluster`,
      archiveName: (day) => `cluster.log-${day}.gz`,
    });
  }

  write(level: ClusterLogLevel, text: string): void {
    if ((DEBUG_NEEDED[level] ?? 0) > this.#needs.debug) return;
    for (const [tag, lines] of this.#budget.over(Math.floor(this.#needs.clock.wallMs() / 1000)))
      this.#append(
        "warning",
        `[Cluster] [Main] ${lines} lines of ${tag} were too many for a second and are left out.`,
      );
    if (this.#budget.take(text.slice(0, text.indexOf("]") + 1))) this.#append(level, text);
  }

  #append(level: ClusterLogLevel, text: string): void {
    const line = clusterLogLine(this.#file.now, level, text);
    this.#needs.echo(level === "debug2" ? "debug" : level, line);
    this.#file.append(Buffer.from(line, "latin1"));
  }

  /** Of the HAProxy helper. */
  get helper(): HelperLog {
    return { write: (level, subtag, text) => this.write(level, `[${HELPER_TAG}] [${subtag}] ${text}`) };
  }

  close(): void {
    this.#file.close();
  }
}

/** Of the peer's daemon: its own errors, and what else it says of the section. */
const CLUSTER_PROBLEM = /^(?:Error 3[0-9]{3} - |Found more than one node |Deprecated node type )/;

/** Says in cluster.log what the peer's daemon says there of its configuration. */
export function sayClusterProblems(
  log: Pick<ClusterLog, "write">,
  problems: readonly Pick<Problem, "severity" | "message">[],
): void {
  const main = taggedLog(log, "Cluster", "Main");
  for (const { severity, message } of problems)
    if (CLUSTER_PROBLEM.test(message)) main.write(severity, message);
}
