/** What a manager that starts now would stop at: configuration and rule set are read as at a start, and nothing is made of them. */
import { Worker } from "node:worker_threads";
import type { Problem } from "#formats/source-position.ts";
import { messageOf } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import { logLine } from "./manager-log.ts";

/** A rule set needs 150 MB while it is read. */
const HEAP_MEGABYTES_MAX = 512;
/** A whole rule set takes a second; on a machine that is busy some. */
const CHECK_MS_MAX = 60_000;

/** The argument of the thread. */
export type ConfigurationCheck = { readonly home: string; readonly rulesetDirectory: string | null };

/** What it answers. */
export type ConfigurationProblems =
  | { readonly kind: "configuration" | "ruleset"; readonly problems: readonly Problem[] }
  | { readonly kind: "unreadable"; readonly text: string };

export class ConfigurationChecks {
  readonly #clock: Clock;
  readonly #check: ConfigurationCheck;
  readonly #daemon: string;
  readonly #local = new LocalClock();
  #underWay: Promise<readonly string[]> | null = null;

  constructor(clock: Clock, daemon: string, check: ConfigurationCheck) {
    this.#clock = clock;
    this.#daemon = daemon;
    this.#check = check;
  }

  /** Lines as of the manager's log; empty when it would start. Who asks while one is under way is given its outcome. */
  run(): Promise<readonly string[]> {
    this.#underWay ??= this.#run().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #run(): Promise<readonly string[]> {
    const outcome = await this.#askThread();
    const time = this.#local.at(this.#clock.wallMs());
    const line = (level: LogLevel, text: string) => logLine(time, this.#daemon, level, text).trimEnd();
    if (outcome.kind === "unreadable") return [line("critical", outcome.text)];
    const lines = outcome.problems.map((problem) => line("error", problemText(problem)));
    if (outcome.kind === "ruleset" || lines.length === 0) return lines;
    // The peer's last word on a configuration.
    return [...lines, line("critical", "(1202): Configuration error at 'etc/ossec.conf'.")];
  }

  #askThread(): Promise<ConfigurationProblems> {
    const { promise, resolve } = Promise.withResolvers<ConfigurationProblems>();
    const worker = new Worker(new URL("./configuration-check-thread.ts", import.meta.url), {
      workerData: this.#check,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES_MAX },
    });
    const deadline = this.#clock.after(CHECK_MS_MAX, () => {
      resolve({ kind: "unreadable", text: `Not read within ${CHECK_MS_MAX / 1000} s` });
      void worker.terminate();
    });
    worker.once("message", resolve);
    worker.once("error", (error) => resolve({ kind: "unreadable", text: messageOf(error) }));
    worker.once("exit", () =>
      resolve({ kind: "unreadable", text: "The test of the configuration ended early" }),
    );
    return promise.finally(() => deadline.cancel());
  }
}

/** The peer's text first: tools look for it. */
function problemText({ expected, message, position: { column, file, line } }: Problem): string {
  const hint = expected === "" ? "" : `; ${expected}`;
  return `${message} (${file}:${line}:${column}${hint})`;
}
