/**
 * The helper: checks each request again and does it, one after the other. It is all of the program that needs root's rights, so it
 * knows a closed list of actions and decides nothing about events.
 */
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { GuardedFiles } from "#kernel/ports/guarded-files.ts";
import type { ProcessTable } from "#kernel/ports/process-table.ts";
import type { ProgramEnd, Programs } from "#kernel/ports/programs.ts";
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";
import { judgeAccount } from "./accounts.ts";
import { withHost, withoutHost } from "./hosts-deny.ts";
import { ERROR_CHARS_MAX, PROCESS_END_MS_MAX, PROCESS_LOOK_MS, PROGRAM_MS_MAX } from "./limits.ts";
import { type ManagerStart, restartManager } from "./manager-start.ts";
import { judgeProcess } from "./process-guard.ts";
import { Quarantine } from "./quarantine.ts";
import { formatFrame, parseRequest, requestIdOf } from "./request.ts";
import {
  accountSteps,
  iptablesSteps,
  nftSteps,
  RESTART_STEPS,
  routeSteps,
  type Step,
  shownStep,
} from "./steps.ts";

/** Where programs are looked for, whatever the environment says. */
export const PROGRAM_FOLDERS: readonly string[] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
/** All that a program sees; its messages are recognised in English. */
const ENVIRONMENT = { PATH: PROGRAM_FOLDERS.join(":"), LC_ALL: "C" };
const HOSTS_DENY_MODE = 0o644;
const MARK_FOLDER_MODE = 0o755;
const MARK_MODE = 0o644;
const WRITABLE_BY_OTHERS = 0o022;

export type HelperOptions = {
  /** Of quarantined files; below the home directory. */
  readonly quarantine: string;
  readonly ownFolders: readonly string[];
  readonly ownProcesses: readonly number[];
  readonly ownUserIds: readonly number[];
  readonly manager: ManagerStart;
  readonly programFolders: readonly string[];
  /** A folder with another system's accounts and hosts.deny; null for this system. */
  readonly prefix: string | null;
};

export type HelperNeeds = {
  readonly clock: Clock;
  readonly files: Files;
  readonly guarded: GuardedFiles;
  readonly processes: ProcessTable;
  readonly programs: Programs;
};

const DONE: HostActionOutcome = { ok: true, code: "done", text: "done" };

export class RootHelper {
  readonly #options: HelperOptions;
  readonly #needs: HelperNeeds;
  readonly #quarantine: Quarantine;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: HelperOptions, needs: HelperNeeds) {
    this.#options = options;
    this.#needs = needs;
    const { quarantine: directory, ownFolders } = options;
    this.#quarantine = new Quarantine({ ...needs, directory, ownFolders });
  }

  /** The line of the answer, when all requests before it are done. */
  answer(line: string): Promise<string> {
    const request = parseRequest(line);
    const outcome = this.#last.then(() =>
      request === null
        ? failed("request_invalid", "The request is none, or an argument of it is wrong")
        : this.#guarded(request.action, request.dryRun),
    );
    this.#last = outcome;
    return outcome.then((given) => formatFrame({ id: request?.id ?? requestIdOf(line), ...given }));
  }

  async #guarded(action: HostAction, dryRun: boolean): Promise<HostActionOutcome> {
    try {
      return await this.#do(action, dryRun);
    } catch (error) {
      return failed(error instanceof CodedError ? error.code : "helper_failed", messageOf(error));
    }
  }

  #do(action: HostAction, dryRun: boolean): Promise<HostActionOutcome> | HostActionOutcome {
    switch (action.kind) {
      case "ban":
      case "unban":
        return this.#run(this.#find("nft") === null ? iptablesSteps(action) : nftSteps(action), dryRun);
      case "add_null_route":
      case "remove_null_route":
        return this.#run(routeSteps(action), dryRun);
      case "deny_host":
      case "allow_host":
        return this.#changeHostsDeny(action, dryRun);
      case "mark_address":
      case "unmark_address":
        return this.#markAddress(action, dryRun);
      case "disable_account":
      case "enable_account":
        return this.#changeAccount(action, dryRun);
      case "stop_process":
        return this.#stopProcess(action, dryRun);
      case "quarantine_file":
        return this.#quarantineFile(action.path, dryRun);
      case "release_file":
        return this.#releaseFile(action.item, dryRun);
      case "restart_manager":
        return this.#restartManager(dryRun);
    }
  }

  #restartManager(dryRun: boolean): Promise<HostActionOutcome> | HostActionOutcome {
    const { manager } = this.#options;
    if (manager.bySystemd) return this.#run(RESTART_STEPS, dryRun);
    if (dryRun)
      return wouldRun(`end process ${manager.pid}, then ${[manager.path, ...manager.args].join(" ")}`);
    return restartManager(manager, this.#needs)
      ? DONE
      : failed("no_such_process", `The manager (process ${manager.pid}) is not there`);
  }

  #changeHostsDeny(
    { kind, address }: Extract<HostAction, { readonly address: string }>,
    dryRun: boolean,
  ): HostActionOutcome {
    const { files } = this.#needs;
    const path = `${this.#options.prefix ?? ""}/etc/hosts.deny`;
    if (dryRun) return wouldRun(`write ${path}: ${kind} ${address}`);
    const info = files.info(path);
    const before = info === null ? "" : files.read(path).toString("latin1");
    const after = (kind === "deny_host" ? withHost : withoutHost)(before, address);
    if (after !== before) files.replace(path, Buffer.from(after, "latin1"), info?.mode ?? HOSTS_DENY_MODE);
    return DONE;
  }

  /** Programs of others watch this folder (wazuh v4.14.7: src/active-response/ip-customblock.c). */
  #markAddress(
    { kind, address }: Extract<HostAction, { readonly address: string }>,
    dryRun: boolean,
  ): HostActionOutcome {
    const { files, programs } = this.#needs;
    const folder = `${this.#options.prefix ?? ""}/ipblock`;
    const path = `${folder}/${address}`;
    if (dryRun) return wouldRun(kind === "mark_address" ? `write ${path}` : `remove ${path}`);
    const owner = programs.ownerOf(folder);
    if (owner !== null && (owner.kind !== "directory" || (owner.mode & WRITABLE_BY_OTHERS) !== 0))
      return failed("folder_unsafe", `${folder} is no folder that only its owner can write to`);
    if (kind === "mark_address") {
      files.makeDirectory(folder, MARK_FOLDER_MODE);
      files.replace(path, Buffer.alloc(0), MARK_MODE);
    } else if (programs.ownerOf(path) !== null) files.remove(path);
    return DONE;
  }

  #changeAccount(
    action: Extract<HostAction, { readonly user: string }>,
    dryRun: boolean,
  ): Promise<HostActionOutcome> | HostActionOutcome {
    const { prefix, ownUserIds } = this.#options;
    const read = (name: string) => this.#needs.files.read(`${prefix ?? ""}/etc/${name}`).toString("latin1");
    const accounts = { passwd: read("passwd"), shadow: dryRun ? "" : read("shadow") };
    const verdict = judgeAccount(action.user, accounts, ownUserIds);
    if (!verdict.ok)
      return failed(verdict.code, `The account ${action.user} is not changed: ${verdict.code}`);
    // Who locked it before must find it locked: undoing this would open it.
    if (verdict.locked && action.kind === "disable_account")
      return failed("already_disabled", `The account ${action.user} is locked already`);
    return this.#run(accountSteps(action, prefix), dryRun);
  }

  async #stopProcess(
    process: Extract<HostAction, { readonly pid: number }>,
    dryRun: boolean,
  ): Promise<HostActionOutcome> {
    const { clock, processes } = this.#needs;
    const { pid } = process;
    const verdict = judgeProcess(process, processes, this.#options.ownProcesses);
    if (verdict !== "may_stop") return failed(verdict, `The process ${pid} is not stopped: ${verdict}`);
    if (dryRun)
      return wouldRun(`signal TERM, then KILL, to process ${pid} (${processes.find(pid)?.name ?? ""})`);
    const isThere = () => processes.find(pid)?.startTicks === process.startTicks;
    const untilMs = clock.monotonicMs() + PROCESS_END_MS_MAX;
    processes.signal(pid, "SIGTERM");
    while (isThere() && clock.monotonicMs() < untilMs)
      await new Promise<void>((resolve) => clock.after(PROCESS_LOOK_MS, resolve));
    if (!isThere()) return DONE;
    if (processes.signal(pid, "SIGKILL")) return { ...DONE, text: "ended by force" };
    return failed("not_permitted", `The process ${pid} cannot be stopped`);
  }

  #quarantineFile(path: string, dryRun: boolean): HostActionOutcome {
    if (!dryRun) return { ...DONE, text: this.#quarantine.take(path) };
    this.#quarantine.check(path);
    return wouldRun(`move ${path} to ${this.#options.quarantine}`);
  }

  #releaseFile(item: string, dryRun: boolean): HostActionOutcome {
    if (!dryRun) return { ...DONE, text: this.#quarantine.release(item) };
    return wouldRun(`move ${item} to ${this.#quarantine.originOf(item)}`);
  }

  async #run(steps: readonly Step[], dryRun: boolean): Promise<HostActionOutcome> {
    for (const step of steps)
      if (this.#find(step.program) === null)
        return failed("program_missing", `The program ${step.program} is not installed`);
    if (dryRun) return wouldRun(steps.map(shownStep).join("; "));
    for (const step of steps) {
      if (step.unless !== null && (await this.#execute(step, step.unless)).code === 0) continue;
      const { code, errorText } = await this.#execute(step, step.args);
      if (code === 0 || step.fine?.test(errorText) === true) continue;
      const said = errorText.trim().slice(0, ERROR_CHARS_MAX);
      return failed("program_failed", `${shownStep(step)} ended with ${code ?? "a signal"}: ${said}`);
    }
    return DONE;
  }

  #find(program: string): string | null {
    const paths = this.#options.programFolders.map((folder) => `${folder}/${program}`);
    return paths.find((path) => this.#needs.files.info(path)?.kind === "file") ?? null;
  }

  #execute({ program, input }: Step, args: readonly string[]): Promise<ProgramEnd> {
    const { clock, programs } = this.#needs;
    const path = this.#find(program) ?? program;
    return new Promise((resolve) => {
      const start = { path, args, directory: "/", environment: ENVIRONMENT, account: null };
      const running = programs.start(start, {
        output: () => {},
        ended: (end) => {
          limit.cancel();
          resolve(end);
        },
      });
      const limit = clock.after(PROGRAM_MS_MAX, () => running.kill());
      running.write(Buffer.from(input, "latin1"));
      running.endInput();
    });
  }
}

function failed(code: string, text: string): HostActionOutcome {
  return { ok: false, code, text };
}

function wouldRun(text: string): HostActionOutcome {
  return { ok: true, code: "would_run", text: `would run: ${text}` };
}
