/**
 * Executables of the home's `active-response/bin`. One runs with the rights of whoever could have written it: as the one owner beside root
 * that it and the folders above it have, as root only when all of them are root's; when others could write one of them it is not run.
 */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Programs, RunningProgram } from "#kernel/ports/programs.ts";
import { RUN_MS_MAX, SCRIPT_LINE_BYTES_MAX } from "./limits.ts";
import type { RunningScript, ScriptHandler, ScriptStarter } from "./needs.ts";
import { SCRIPT_FOLDER, shown } from "./script-message.ts";

export type ScriptFolderNeeds = {
  readonly clock: Clock;
  readonly programs: Programs;
  readonly home: string;
  /** Of this process. */
  readonly userId: number;
};

type Account = { readonly userId: number; readonly groupId: number };
type Verdict =
  | { readonly ok: true; readonly account: Account | null }
  | { readonly ok: false; readonly text: string };

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
const PATH = "/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin";

export class ScriptFolder implements ScriptStarter {
  readonly #needs: ScriptFolderNeeds;

  constructor(needs: ScriptFolderNeeds) {
    this.#needs = needs;
  }

  has(executable: string): boolean {
    return this.#needs.programs.ownerOf(this.#path(executable)) !== null;
  }

  start(
    { executable, args }: { readonly executable: string; readonly args: readonly string[] },
    handler: ScriptHandler,
  ): RunningScript {
    const { clock, programs, home } = this.#needs;
    const verdict = this.#judge(executable);
    if (!verdict.ok) {
      clock.after(0, () => handler.ended(false, verdict.text));
      return { tell: () => {}, close: () => {}, kill: () => {} };
    }
    let firstLine = "";
    let hasSaid = false;
    const path = `${SCRIPT_FOLDER}/${executable}`;
    const environment = { PATH, LC_ALL: "C", CYB3RHQ_HOME: home };
    // From the home, as the peer does: programs write this name into logs/active-responses.log.
    const start = { path, args, directory: home, environment, account: verdict.account };
    const running: RunningProgram = programs.start(start, {
      output: (chunk) => {
        if (hasSaid) return;
        firstLine += chunk.toString("latin1");
        const end = firstLine.indexOf("\n");
        if (end < 0 && firstLine.length <= SCRIPT_LINE_BYTES_MAX) return;
        hasSaid = true;
        handler.said(firstLine.slice(0, end < 0 ? SCRIPT_LINE_BYTES_MAX : end));
        firstLine = "";
      },
      ended: ({ code, errorText }) => {
        limit.cancel();
        const said = errorText === "" ? "" : `: ${shown(errorText.trim())}`;
        handler.ended(code === 0, `${path} ended with ${code ?? "a signal"}${said}`);
      },
    });
    const limit = clock.after(RUN_MS_MAX, () => running.kill());
    return {
      tell: (line) => running.write(Buffer.from(`${line}\n`, "latin1")),
      close: () => running.endInput(),
      kill: () => running.kill(),
    };
  }

  #path(executable: string): string {
    return `${this.#needs.home}/${SCRIPT_FOLDER}/${executable}`;
  }

  #judge(executable: string): Verdict {
    const { programs, home, userId } = this.#needs;
    // The home itself may be reached through a link; what stands in it may not.
    const paths = [
      `${home}/.`,
      `${home}/active-response`,
      `${home}/${SCRIPT_FOLDER}`,
      this.#path(executable),
    ];
    const accounts = new Map<number, Account>();
    for (const [index, path] of paths.entries()) {
      const owner = programs.ownerOf(path);
      const kind = index === paths.length - 1 ? "file" : "directory";
      if (owner?.kind !== kind) return { ok: false, text: `${path} is no ${kind}: nothing is run` };
      if ((owner.mode & WRITABLE_BY_OTHERS) !== 0)
        return { ok: false, text: `${path} can be written by others than its owner: nothing is run` };
      if (owner.userId !== ROOT) accounts.set(owner.userId, owner);
    }
    const [account, second] = accounts.values();
    const isOwn = account === undefined || account.userId === userId;
    if (second !== undefined || (userId !== ROOT && !isOwn))
      return {
        ok: false,
        text: `${executable} and its folders belong to different accounts: nothing is run`,
      };
    if (isOwn) return { ok: true, account: null };
    return { ok: true, account: { userId: account.userId, groupId: account.groupId } };
  }
}
