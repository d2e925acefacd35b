/**
 * Makes merged.mg of every group below `etc/shared`, and of the lists of several groups that agents have, and makes them again when a
 * file changed. Synchronous, and slow for large groups: it has a thread of its own.
 *
 * A group whose agent.conf has errors keeps the merged.mg that it has, and so does one whose merged.mg somebody else brings.
 */
import { checkAgentConf } from "#config/agent-conf.ts";
import { MERGED_FILE_NAME, type MergedEntry } from "#formats/merged-mg/merged-mg.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { parseGroupName } from "#model/agent.ts";
import type { GroupEvents } from "./events.ts";
import { type GroupList, groupsOfList, multigroupFolder } from "./group-list.ts";
import { GROUPS_MAX, MULTIGROUPS_MAX } from "./limits.ts";
import {
  AGENT_CONF,
  type GroupFolder,
  type MergePlan,
  planOfGroup,
  planOfList,
  readGroupFolder,
} from "./merge-plan.ts";
import {
  loadMerged,
  type MergedSum,
  mergedContent,
  readParts,
  sumOnDisk,
  writeMerged,
} from "./merged-file.ts";
import { type SharedFile, stampOf } from "./shared-files.ts";

const AR_CONF = "ar.conf";
const MULTIGROUP_FOLDER = /^[0-9a-f]{8}$/;

/** Null: there is none any more. */
export type SumChange = { readonly list: GroupList; readonly merged: MergedSum | null };

export type MergedFilesNeeds = {
  readonly files: Files;
  readonly events: GroupEvents;
  /** The installation folder. */
  readonly home: string;
  /** Whether a list's merged.mg is made here; else it is taken as somebody put it there. Absent: all are. */
  readonly makes?: (list: GroupList) => boolean;
};

/** What is known of one merged.mg. */
type Made = {
  /** Of all that it was made from, and of itself; null: look again in any case. */
  fingerprint: string | null;
  merged: MergedSum | null;
  /** Its agent.conf has errors. */
  refused: boolean;
  /** Said once, until it is another one. */
  failure: string | null;
};

export class MergedFiles {
  readonly #needs: MergedFilesNeeds;
  readonly #makes: (list: GroupList) => boolean;
  readonly #shared: string;
  readonly #multigroups: string;
  readonly #lists = new Set<GroupList>();
  readonly #made = new Map<GroupList, Made>();
  /** What the last look told. */
  #told = new Map<GroupList, MergedSum | null>();

  constructor(needs: MergedFilesNeeds) {
    this.#needs = needs;
    this.#makes = needs.makes ?? (() => true);
    this.#shared = `${needs.home}/etc/shared`;
    this.#multigroups = `${needs.home}/var/multigroups`;
  }

  /** Removes from the disk what belongs to no list that is wanted so far. Throws `CodedError`. */
  removeOthers(): void {
    const { files } = this.#needs;
    const kept = new Set([...this.#lists].map(multigroupFolder));
    files.makeDirectory(this.#multigroups);
    for (const { name, kind } of files.list(this.#multigroups)) {
      if (kind !== "directory" || !MULTIGROUP_FOLDER.test(name) || kept.has(name)) continue;
      files.removeTree(`${this.#multigroups}/${name}`);
    }
  }

  /** An agent has this list of several groups: it is made from the next look on. */
  want(list: GroupList): void {
    if (!list.includes(",") || this.#lists.has(list) || groupsOfList(list) === null) return;
    if (this.#lists.size < MULTIGROUPS_MAX) this.#lists.add(list);
    else this.#needs.events.tooMany("lists of several groups", MULTIGROUPS_MAX);
  }

  /** Looks at all folders and makes what changed. Gives the sums that are not as the look before told, all at the first one. */
  look(): readonly SumChange[] {
    try {
      this.#lookAtAll();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.events.unreadable("all groups", error.message);
    }
    const lists = new Set([...this.#told.keys(), ...this.#made.keys()]);
    const changes = [...lists]
      .map((list): SumChange => ({ list, merged: this.#made.get(list)?.merged ?? null }))
      .filter(({ list, merged }) => merged?.sum !== this.#told.get(list)?.sum);
    this.#told = new Map([...this.#made].map(([list, { merged }]) => [list, merged] as const));
    return changes;
  }

  /** The bytes of a list's file; null when it has another sum by now. */
  load(list: GroupList, sum: string): SharedArrayBuffer | null {
    return loadMerged(this.#needs.files, this.#pathOf(list), sum);
  }

  #lookAtAll(): void {
    const { files, events } = this.#needs;
    const info = files.info(`${this.#shared}/${AR_CONF}`);
    const arConf: SharedFile | null =
      info?.kind === "file"
        ? { path: AR_CONF, place: `${this.#shared}/${AR_CONF}`, bytes: info.bytes, stamp: stampOf(info) }
        : null;
    const folders = this.#readFolders();
    for (const folder of folders.values()) this.#update(planOfGroup(folder), arConf);
    for (const list of this.#lists) this.#update(planOfList(list, folders), arConf);
    for (const list of this.#made.keys())
      if (!folders.has(list) && !this.#lists.has(list)) this.#made.delete(list);
    events.gauges(folders.size, this.#lists.size);
  }

  #readFolders(): ReadonlyMap<string, GroupFolder> {
    const { files, events } = this.#needs;
    const names = files
      .list(this.#shared)
      .filter(({ name, kind }) => kind === "directory" && parseGroupName(name) !== null)
      .map(({ name }) => name)
      .sort();
    if (names.length > GROUPS_MAX) events.tooMany("groups", GROUPS_MAX);
    const read = names
      .slice(0, GROUPS_MAX)
      .map((name) => [name, readGroupFolder(files, this.#shared, name)] as const);
    return new Map(read);
  }

  #update(plan: MergePlan, arConf: SharedFile | null): void {
    const { list, members } = plan;
    const path = this.#pathOf(list);
    const isMade = this.#makes(list) ? "made" : "given";
    const sources = [isMade, arConf?.stamp ?? "", ...members.map(({ fingerprint }) => fingerprint)].join(" ");
    const made = this.#made.get(list) ?? { fingerprint: null, merged: null, refused: false, failure: null };
    this.#made.set(list, made);
    try {
      if (made.fingerprint === this.#withOwnStamp(sources, path)) return;
      if (this.#make(plan, arConf, made)) made.fingerprint = this.#withOwnStamp(sources, path);
      made.failure = null;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (made.failure !== error.message) this.#needs.events.unreadable(list, error.message);
      made.failure = error.message;
    }
  }

  #withOwnStamp(sources: string, path: string): string {
    const own = this.#needs.files.info(path);
    return `${sources} ${own === null ? "" : stampOf(own)}`;
  }

  /** False when it must be looked at again in any case. */
  #make(plan: MergePlan, arConf: SharedFile | null, made: Made): boolean {
    const { files, events } = this.#needs;
    const { list, members, name } = plan;
    const path = this.#pathOf(list);
    const onDisk = sumOnDisk(files, path);
    if (!this.#makes(list)) {
      made.refused = false;
      made.merged = onDisk;
      return true;
    }
    const reading = readParts(files, plan, arConf);
    if (!reading.ok) return false;
    made.refused = list.includes(",")
      ? members.some((member) => this.#made.get(member.name)?.refused === true)
      : this.#refuses(list, reading.entries);
    if (made.refused) {
      made.merged = onDisk;
      return true;
    }
    // Of a list, the groups have said it already.
    const notes = list.includes(",") ? [] : [...members.flatMap(({ left }) => left), ...reading.notes];
    for (const note of notes) events.file(note);
    const { pieces, sum, bytes } = mergedContent(name, reading.entries);
    if (sum !== onDisk?.sum) {
      files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
      writeMerged(files, path, pieces);
      events.built(list, sum, bytes);
    }
    made.merged = { sum, bytes };
    return true;
  }

  #refuses(group: string, entries: readonly MergedEntry[]): boolean {
    const conf = entries.find(({ path }) => path === AGENT_CONF);
    if (conf === undefined) return false;
    const text = Buffer.from(conf.bytes).toString("latin1");
    const problems = checkAgentConf(text, `etc/shared/${group}/${AGENT_CONF}`);
    const errors = problems.filter(({ severity }) => severity === "error");
    if (errors.length > 0) this.#needs.events.configRefused(group, errors);
    return errors.length > 0;
  }

  #pathOf(list: GroupList): string {
    const folder = list.includes(",")
      ? `${this.#multigroups}/${multigroupFolder(list)}`
      : `${this.#shared}/${list}`;
    return `${folder}/${MERGED_FILE_NAME}`;
  }
}
