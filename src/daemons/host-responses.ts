/** Puts the responses of this host together: the root helper's process, the home's executables, the files of what was done. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LocalClock } from "#kernel/local-time.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { RunningProgram } from "#kernel/ports/programs.ts";
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";
import type { ArCommand } from "#response/ar-conf.ts";
import { ResponseEvents } from "#response/events.ts";
import { BuiltIns } from "#response/host/built-in.ts";
import { HostResponses } from "#response/host/host-responses.ts";
import { ScriptFolder } from "#response/host/script-folder.ts";
import { type HelperProcessHandler, RootHelperClient } from "#root-helper/client.ts";
import { BoundedLog } from "./bounded-log.ts";
import type { HomePaths } from "./home.ts";
import { oneLine } from "./rotated-log.ts";

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
/** It holds a request at a time. */
const HELPER_HEAP_MEGABYTES_MAX = 32;

/** The argument of the helper's process. */
export type RootHelperStart = {
  readonly home: string;
  readonly programDirectory: string;
  readonly managerPid: number;
  /** Of accounts that are not locked: the manager's and the home's. */
  readonly ownUserIds: readonly number[];
};

export type HostResponseParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: HomePaths;
  readonly commands: readonly ArCommand[];
  readonly repeatedOffenderMinutes: readonly number[];
  /** Some alert may be answered on this host. */
  readonly isConfigured: boolean;
  /** What a manager that starts now would stop at. */
  readonly configErrors: () => readonly string[];
};

export class HostResponder {
  readonly responses: HostResponses;
  readonly #parts: HostResponseParts;
  readonly #userId = process.geteuid?.() ?? -1;
  readonly #helper: RootHelperClient;
  readonly #audit: BoundedLog;
  readonly #log: BoundedLog;
  readonly #local = new LocalClock();

  constructor(parts: HostResponseParts) {
    this.#parts = parts;
    const { clock, paths } = parts;
    this.#audit = new BoundedLog(systemFiles, paths.hostActions);
    this.#log = new BoundedLog(systemFiles, paths.responseLog);
    this.#helper = new RootHelperClient({
      clock,
      start: (handler) => this.#startHelper(handler),
      audit: (line) => this.#writeAudit(line),
    });
    const builtIns = new BuiltIns({
      actions: { ask: (action, asker, options) => this.#ask(action, asker, options) },
      processes: systemProcessTable,
      log: (program, text) => this.#log.write(`${this.#time()} ${program}: ${oneLine(text)}`),
    });
    this.responses = new HostResponses({
      ...parts,
      events: new ResponseEvents(parts),
      files: systemFiles,
      builtIns,
      hasRights: this.#userId === ROOT,
      scripts: new ScriptFolder({ clock, programs: systemPrograms, home: paths.home, userId: this.#userId }),
      audit: (line) => this.#writeAudit(line),
      standingPath: paths.standingResponses,
    });
  }

  start(): void {
    // While there are rights to hand on. Otherwise it is started when somebody asks for something.
    if (this.#userId === ROOT && this.#parts.isConfigured) this.#helper.start();
    this.responses.start();
  }

  async stop(): Promise<void> {
    await this.responses.stop();
    this.#helper.stop();
    this.#audit.close();
    this.#log.close();
  }

  #ask(action: HostAction, asker: string, options: { readonly dryRun: boolean }): Promise<HostActionOutcome> {
    const [problem] = action.kind === "restart_manager" ? this.#parts.configErrors() : [];
    if (problem === undefined) return this.#helper.ask(action, asker, options);
    return Promise.resolve({
      ok: false,
      code: "config_invalid",
      text: `The manager would not start again: ${problem}`,
    });
  }

  #startHelper({ output, ended }: HelperProcessHandler): RunningProgram {
    const home = realpathSync(this.#parts.paths.home);
    const start: RootHelperStart = {
      home,
      programDirectory: realpathSync(PROGRAM_DIRECTORY),
      managerPid: process.pid,
      ownUserIds: [this.#userId, systemPrograms.ownerOf(home)?.userId ?? ROOT],
    };
    const file = fileURLToPath(new URL("./root-helper-process.ts", import.meta.url));
    const args = [`--max-old-space-size=${HELPER_HEAP_MEGABYTES_MAX}`, file, JSON.stringify(start)];
    const program = {
      path: process.execPath,
      args,
      directory: "/",
      environment: this.#compileCache(),
      account: null,
    };
    return systemPrograms.start(program, {
      output,
      ended: ({ code, errorText }) => {
        if (code !== 0)
          this.#parts.log.write("error", `The root helper ended with ${code ?? "a signal"}: ${errorText}`);
        ended();
      },
    });
  }

  /** Without it the helper needs 35 MB more. Code that others could have put there is not run with root's rights. */
  #compileCache(): Readonly<Record<string, string>> {
    const path = process.env["NODE_COMPILE_CACHE"] ?? "";
    const owner = path === "" ? null : systemPrograms.ownerOf(path);
    const isOwn = owner?.userId === this.#userId && (owner.mode & WRITABLE_BY_OTHERS) === 0;
    return isOwn ? { NODE_COMPILE_CACHE: path } : {};
  }

  #writeAudit(line: object): void {
    const time = this.#local.isoWithMilliseconds(this.#parts.clock.wallMs());
    this.#audit.write(Buffer.from(JSON.stringify({ time, ...line }), "utf8").toString("latin1"));
  }

  /** As the peer's scripts write it. */
  #time(): string {
    const { isoSeconds, clock } = this.#local.at(this.#parts.clock.wallMs());
    return `${isoSeconds.slice(0, 10).replaceAll("-", "/")} ${clock}`;
  }
}
