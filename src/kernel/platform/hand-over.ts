/**
 * Hands a home directory to the user that is to work in it. Runs as root over folders that this user could have filled with anything: every
 * folder is opened by its own name in the one before it, no link is followed, and owners are changed through open files only.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  type Stats,
} from "node:fs";
import { CodedError, errnoOf, messageOf } from "../errors.ts";

export type Account = { readonly userId: number; readonly groupId: number };

/**
 * `owned`: the user's, with all that is in it. `shared`: root's with the files in it, and the group may write into it. `readable`: root's
 * with all that is in it. Of what is root's the group may read what root may.
 */
export type HandedUse = "owned" | "shared" | "readable";

export type HandedPlace = {
  /** Below the home. */
  readonly path: string;
  /** A folder, which is made when it is missing. */
  readonly make: boolean;
  readonly use: HandedUse;
};

const ROOT = 0;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Opening a pipe or a device must neither wait nor do anything. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const DIRECTORY_MODE = 0o750;
const GROUP_ALL = 0o070;
const GROUP_READS = 0o050;
/** Each level is an open file; nothing that the manager makes is a tenth as deep. */
const DEPTH_MAX = 64;
/** Files with several names that are kept open to the end; the manager has one for each kind of alerts. */
const LINKED_MAX = 256;
/** As many are named; there may be more. */
const LEFT_MAX = 20;

/**
 * Gives what was left as it is: files that have names elsewhere too, and what is nested too deeply. Throws `CodedError`
 * `home_of_other` when the home is neither root's nor the user's, else `hand_over_failed`.
 */
export function handOver(home: string, account: Account, places: readonly HandedPlace[]): readonly string[] {
  try {
    return new HandOver(account).home(home, places);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError("hand_over_failed", `${home} cannot be handed over: ${messageOf(error)}`, {}, error);
  }
}

type Shown = { readonly shown: string; readonly use: HandedUse };
/** It is the home's alone when all its names are met. */
type Linked = { readonly descriptor: number; readonly shown: string; seen: number };

class HandOver {
  readonly #account: Account;
  readonly #linked = new Map<string, Linked>();
  readonly #left: string[] = [];

  constructor(account: Account) {
    this.#account = account;
  }

  home(home: string, places: readonly HandedPlace[]): readonly string[] {
    // The home may be reached through a link; what stands in it may not.
    const descriptor = openSync(home, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const { uid } = fstatSync(descriptor);
      if (uid !== ROOT && uid !== this.#account.userId)
        throw new CodedError("home_of_other", `${home} belongs to user ${uid}, not to root or the manager's`);
      this.#give(descriptor, "readable");
      for (const place of places) this.#place(`/proc/self/fd/${descriptor}`, place.path.split("/"), place);
      this.#giveLinked();
    } finally {
      for (const linked of this.#linked.values()) closeSync(linked.descriptor);
      closeSync(descriptor);
    }
    return this.#left;
  }

  #place(parent: string, [name = "", ...rest]: readonly string[], place: HandedPlace): void {
    const path = `${parent}/${name}`;
    const shown = { shown: place.path, use: place.use };
    if (rest.length === 0 && !place.make) {
      this.#entry(path, shown, 0);
      return;
    }
    const descriptor = openOrMake(path, place.path);
    try {
      const inside = `/proc/self/fd/${descriptor}`;
      if (rest.length > 0) this.#place(inside, rest, place);
      else this.#directory(inside, descriptor, shown, 0);
    } finally {
      closeSync(descriptor);
    }
  }

  #directory(path: string, descriptor: number, { shown, use }: Shown, depth: number): void {
    this.#give(descriptor, use);
    const entries = opendirSync(path);
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync())
        this.#entry(`${path}/${entry.name}`, { shown: `${shown}/${entry.name}`, use }, depth + 1);
    } finally {
      entries.closeSync();
    }
  }

  #entry(path: string, { shown, use }: Shown, depth: number): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true && use !== "shared") {
      if (depth > DEPTH_MAX) this.#leave(shown);
      else
        this.#open(path, DIRECTORY_FLAGS, (descriptor) => {
          this.#directory(`/proc/self/fd/${descriptor}`, descriptor, { shown, use }, depth);
          return "close";
        });
    } else if (stats?.isFile() === true && !this.#isRight(stats, use)) {
      this.#open(path, FILE_FLAGS, (descriptor) => this.#file(descriptor, { shown, use }));
    }
  }

  /** What goes away or turns into something else meanwhile is passed over. */
  #open(path: string, flags: number, use: (descriptor: number) => "close" | "keep"): void {
    let descriptor: number;
    try {
      descriptor = openSync(path, flags);
    } catch (error) {
      if (/^(?:ENOENT|ELOOP|ENOTDIR|ENXIO)$/.test(errnoOf(error) ?? "")) return;
      throw error;
    }
    if (use(descriptor) === "close") closeSync(descriptor);
  }

  #file(descriptor: number, { shown, use }: Shown): "close" | "keep" {
    const { nlink, dev, ino } = fstatSync(descriptor);
    const key = `${dev} ${ino}`;
    const known = this.#linked.get(key);
    if (nlink === 1) this.#give(descriptor, use);
    else if (known !== undefined) known.seen++;
    else if (use === "owned" && this.#linked.size < LINKED_MAX) {
      this.#linked.set(key, { descriptor, shown, seen: 1 });
      return "keep";
    } else this.#leave(shown);
    return "close";
  }

  #giveLinked(): void {
    for (const { descriptor, shown, seen } of this.#linked.values())
      if (fstatSync(descriptor).nlink === seen) this.#give(descriptor, "owned");
      else this.#leave(shown);
  }

  #isRight({ uid, gid, mode }: Stats, use: HandedUse): boolean {
    const { userId, groupId } = this.#account;
    if (uid === userId) return true;
    if (use === "owned") return false;
    // What an administrator keeps for himself is his.
    if (uid !== ROOT) return true;
    const wanted = (mode >> 3) & GROUP_READS;
    const given = (gid === groupId ? mode : 0) | (mode << 3);
    return (given & wanted) === wanted;
  }

  #give(descriptor: number, use: HandedUse): void {
    const stats = fstatSync(descriptor);
    const { userId, groupId } = this.#account;
    const isWritten = use === "shared" && stats.isDirectory() && stats.uid === ROOT;
    if (!isWritten && this.#isRight(stats, use)) return;
    fchownSync(descriptor, use === "owned" ? userId : ROOT, groupId);
    const group = isWritten ? GROUP_ALL : (stats.mode >> 3) & GROUP_READS;
    if (use !== "owned") fchmodSync(descriptor, (stats.mode & ~GROUP_ALL) | group);
  }

  #leave(shown: string): void {
    if (this.#left.length < LEFT_MAX) this.#left.push(shown);
  }
}

function openOrMake(path: string, shown: string): number {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  try {
    return openSync(path, DIRECTORY_FLAGS);
  } catch (error) {
    if (!/^(?:ENOTDIR|ELOOP)$/.test(errnoOf(error) ?? "")) throw error;
    throw new CodedError("hand_over_failed", `${shown} of the home is no folder; move it away`, {}, error);
  }
}
