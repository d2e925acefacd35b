/** Starts the process of the root helper, and holds one that was started while there were rights to hand on. */
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { ProgramEnd, ProgramHandler, RunningProgram } from "#kernel/ports/programs.ts";
import type { ManagerStart } from "#root-helper/manager-start.ts";

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
/** It holds a request at a time. */
const HELPER_HEAP_MEGABYTES_MAX = 32;
/** Its unit, as the kernel tells of each process. */
const UNIT_GROUP = /\/cyb3rhq-manager\.service$/m;
const CGROUP_PATH = "/proc/self/cgroup";
/** All that a manager sees which the helper starts again. */
const KEPT_VARIABLES = ["PATH", "HOME", "TZ", "LANG", "LC_ALL", "CYB3RHQ_HOME", "CYB3RHQ_USER"];

/** The argument of the helper's process. */
export type RootHelperStart = {
  readonly home: string;
  readonly programDirectory: string;
  /** Of accounts that are not locked: the manager's and the home's. */
  readonly ownUserIds: readonly number[];
  readonly manager: ManagerStart;
};

export type RootHelperWish = {
  readonly home: string;
  /** Of the manager, also when it gives up root later. */
  readonly userId: number;
  /** Behind `cyb3rhq`: how this manager was started. */
  readonly startArguments: readonly string[];
};

/** With the rights that this process has now. */
export function startRootHelper(wish: RootHelperWish, handler: ProgramHandler): RunningProgram {
  const home = realpathSync(wish.home);
  const start: RootHelperStart = {
    home,
    programDirectory: realpathSync(PROGRAM_DIRECTORY),
    ownUserIds: [wish.userId, systemPrograms.ownerOf(home)?.userId ?? ROOT],
    manager: {
      pid: process.pid,
      startTicks: systemProcessTable.find(process.pid)?.startTicks ?? "",
      bySystemd: isUnit(),
      path: `${PROGRAM_DIRECTORY}/cyb3rhq`,
      args: wish.startArguments,
      environment: keptVariables(),
    },
  };
  const file = fileURLToPath(new URL("./root-helper-process.ts", import.meta.url));
  const args = [`--max-old-space-size=${HELPER_HEAP_MEGABYTES_MAX}`, file, JSON.stringify(start)];
  const program = {
    path: process.execPath,
    args,
    directory: "/",
    environment: compileCache(),
    account: null,
  };
  return systemPrograms.start(program, handler);
}

/** Without it the helper needs 35 MB more. Code that others could have put there is not run with root's rights. */
function compileCache(): Readonly<Record<string, string>> {
  const path = process.env["NODE_COMPILE_CACHE"] ?? "";
  const owner = path === "" ? null : systemPrograms.ownerOf(path);
  if (owner === null) return {};
  const isOwn = owner.userId === process.geteuid?.() && (owner.mode & WRITABLE_BY_OTHERS) === 0;
  return isOwn ? { NODE_COMPILE_CACHE: path } : {};
}

function keptVariables(): Readonly<Record<string, string>> {
  const kept = KEPT_VARIABLES.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function isUnit(): boolean {
  try {
    return UNIT_GROUP.test(readFileSync(CGROUP_PATH, "latin1"));
  } catch {
    return false;
  }
}

/** One helper for as long as the manager lives: with root given up there is no other. */
export class HeldRootHelper {
  readonly #process: RunningProgram;
  #handler: ProgramHandler | null = null;
  #end: ProgramEnd | null = null;

  constructor(wish: RootHelperWish) {
    this.#process = startRootHelper(wish, {
      output: (chunk) => this.#handler?.output(chunk),
      ended: (end) => {
        this.#end = {
          ...end,
          errorText: `${end.errorText} (there is no other until the manager is restarted)`,
        };
        this.#handler?.ended(this.#end);
      },
    });
  }

  /** It ends when it has done what it was asked so far. */
  end(): void {
    this.#process.endInput();
    this.#process.leave();
  }

  attach(handler: ProgramHandler): RunningProgram {
    this.#handler = handler;
    const end = this.#end;
    if (end !== null) queueMicrotask(() => handler.ended(end));
    return this.#process;
  }
}
