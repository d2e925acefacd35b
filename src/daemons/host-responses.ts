/** Puts the responses of this host together: the root helper's process, the home's executables, the files of what was done. */
import { LocalClock } from "#kernel/local-time.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { ProgramHandler, RunningProgram } from "#kernel/ports/programs.ts";
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";
import type { ArCommand } from "#response/ar-conf.ts";
import { ResponseEvents } from "#response/events.ts";
import { BuiltIns } from "#response/host/built-in.ts";
import { HostResponses } from "#response/host/host-responses.ts";
import { ScriptFolder } from "#response/host/script-folder.ts";
import { type HelperProcessHandler, RootHelperClient } from "#root-helper/client.ts";
import { BoundedLog } from "./bounded-log.ts";
import type { HomePaths } from "./home.ts";
import { type HeldRootHelper, startRootHelper } from "./rights/root-helper-start.ts";
import { oneLine } from "./rotated-log.ts";

const ROOT = 0;

export type HostResponseParts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: HomePaths;
  /** Started with rights that this process has given up; null when it has those that it was started with. */
  readonly held: HeldRootHelper | null;
  /** How the manager is started again. */
  readonly startArguments: readonly string[];
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
  readonly #hasRights: boolean;
  readonly #helper: RootHelperClient;
  readonly #audit: BoundedLog;
  readonly #log: BoundedLog;
  readonly #local = new LocalClock();

  constructor(parts: HostResponseParts) {
    this.#parts = parts;
    const { clock, paths } = parts;
    this.#hasRights = this.#userId === ROOT || parts.held !== null;
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
      hasRights: this.#hasRights,
      scripts: new ScriptFolder({ clock, programs: systemPrograms, home: paths.home, userId: this.#userId }),
      audit: (line) => this.#writeAudit(line),
      standingPath: paths.standingResponses,
    });
  }

  start(): void {
    // While there are rights to hand on. Otherwise it is started when somebody asks for something.
    const { held, isConfigured } = this.#parts;
    if (held !== null || (this.#hasRights && isConfigured)) this.#helper.start();
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
    const { held, paths, startArguments, log } = this.#parts;
    const handler: ProgramHandler = {
      output,
      ended: ({ code, errorText }) => {
        if (code !== 0) log.write("error", `The root helper ended with ${code ?? "a signal"}: ${errorText}`);
        ended();
      },
    };
    if (held !== null) return held.attach(handler);
    return startRootHelper({ home: paths.home, userId: this.#userId, startArguments }, handler);
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
