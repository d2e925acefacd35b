/**
 * Root's rights until they are given up. In between the process works with the user's rights already, so that nothing of a home is read or
 * written with others; it only comes back once, for ports below 1024.
 *
 * ```
 * root: home handed over, helper started ──► for now the user: configuration read ──► root: ports bound ──► for good the user
 * ```
 */
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { CodedError, errnoOf, messageOf } from "#kernel/errors.ts";
import { type BoundPort, bindPorts, needsRights, type PortWish } from "#kernel/platform/bound-ports.ts";
import { type CLibrary, loadCLibrary } from "#kernel/platform/c-library.ts";
import { handOver } from "#kernel/platform/hand-over.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import { HANDED_PLACES } from "../home.ts";
import { HeldRootHelper } from "./root-helper-start.ts";
import type { ServiceAccount } from "./service-account.ts";

const ROOT = 0;
/** linux/prctl.h: no program that is executed from here on has more rights. */
const PR_SET_NO_NEW_PRIVS = 38;

export type RootRightsWish = {
  readonly home: string;
  readonly account: ServiceAccount;
  readonly startArguments: readonly string[];
};

export class RootRights {
  readonly helper: HeldRootHelper;
  readonly account: ServiceAccount;
  /** For the log, as soon as there is one. */
  readonly warnings: readonly string[];
  readonly #library: CLibrary;

  private constructor(wish: RootRightsWish, library: CLibrary, warnings: readonly string[]) {
    this.account = wish.account;
    this.warnings = warnings;
    this.#library = library;
    this.helper = new HeldRootHelper({ ...wish, userId: wish.account.userId });
  }

  /** From here on the process has the user's rights. The home is there. Throws `CodedError`. */
  static async take(wish: RootRightsWish): Promise<RootRights> {
    const { home, account } = wish;
    const library = await loadCLibrary();
    const left = handOver(home, account, HANDED_PLACES).map(
      (path) => `${path} in the home is left to root: it has names elsewhere, or lies too deep`,
    );
    const rights = new RootRights(wish, library, [...programWarnings(account), ...left]);
    try {
      asSystem(account, () => {
        process.setgroups?.([account.groupId, ...account.otherGroups]);
        process.setegid?.(account.groupId);
        process.seteuid?.(account.userId);
      });
      reach(account, home);
    } catch (error) {
      rights.helper.end();
      throw error;
    }
    return rights;
  }

  /** For good, of every thread. Gives the ports that are bound for others to listen on. Throws as `Network.listen` does. */
  giveUp(wishes: readonly PortWish[]): readonly BoundPort[] {
    const { account } = this;
    return asSystem(account, () => {
      process.seteuid?.(ROOT);
      const bound = bindPorts(this.#library, wishes.filter(needsRights));
      process.setgid?.(account.groupId);
      process.setuid?.(account.userId);
      const prctl = this.#library.call("int prctl(int, ulong, ulong, ulong, ulong)");
      assert.equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0, "no_new_privs");
      assertGivenUp(account);
      return bound;
    });
  }
}

function assertGivenUp({ userId, groupId }: ServiceAccount): void {
  const ids = [process.getuid?.(), process.geteuid?.(), process.getgid?.(), process.getegid?.()];
  assert.deepEqual(ids, [userId, userId, groupId, groupId]);
  assert.throws(() => process.setuid?.(ROOT), "root can be had again");
}

function asSystem<T>({ name }: ServiceAccount, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof CodedError || errnoOf(error) === null) throw error;
    throw new CodedError("user_not_possible", `Cannot go on as ${name}: ${messageOf(error)}`, {}, error);
  }
}

/** Root runs the program at the next start. */
function programWarnings({ name, userId }: ServiceAccount): readonly string[] {
  const folders = [PROGRAM_DIRECTORY, `${PROGRAM_DIRECTORY}/src`];
  if (folders.every((folder) => systemPrograms.ownerOf(folder)?.userId !== userId)) return [];
  const text = `The program's folder belongs to the user ${name}, who could change what root runs`;
  return [`${text}: chown -R root ${PROGRAM_DIRECTORY}`];
}

/** Threads read their programs when they start. */
function reach({ name }: ServiceAccount, home: string): void {
  for (const [path, what] of [
    [`${PROGRAM_DIRECTORY}/src/cli/main.ts`, "The program"],
    [`${home}/etc`, "The home"],
  ] as const) {
    try {
      closeSync(openSync(path, "r"));
    } catch (error) {
      const advice = `put it where that user can, such as below /opt or /var, or start with --user root`;
      const text = `${what} cannot be read by the user ${name} (${messageOf(error)}); ${advice}`;
      throw new CodedError("not_readable_by_user", text, { path }, error);
    }
  }
}
