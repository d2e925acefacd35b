/** What merged.mg of a group, or of a list of several, is put together from. */
import { hash } from "node:crypto";
import { compareMergedPaths } from "#formats/merged-mg/merged-mg.ts";
import type { Files } from "#kernel/ports/files.ts";
import { type GroupList, multigroupFolder } from "./group-list.ts";
import { listSharedFiles, type SharedFile } from "./shared-files.ts";

export const AGENT_CONF = "agent.conf";

/** One group's folder as it is now. */
export type GroupFolder = {
  readonly name: string;
  readonly files: readonly SharedFile[];
  /** Files that agents do not get, and why. */
  readonly left: readonly string[];
  /** Another one means another content. */
  readonly fingerprint: string;
};

/** One entry of merged.mg. A file of it may have a line in front. */
export type MergePart = {
  readonly path: string;
  readonly sources: readonly { readonly file: SharedFile; readonly head: string }[];
};

export type MergePlan = {
  readonly list: GroupList;
  /** Of the groups in it that exist. */
  readonly members: readonly GroupFolder[];
  /** The first line of the file. */
  readonly name: string;
  readonly parts: readonly MergePart[];
};

/** `shared` is the path of `etc/shared`. Throws `CodedError`. */
export function readGroupFolder(files: Files, shared: string, name: string): GroupFolder {
  const { files: found, left } = listSharedFiles(files, `${shared}/${name}`, `etc/shared/${name}`);
  const stamps = found.map(({ path, stamp }) => `${path} ${stamp}`);
  return { name, files: found, left, fingerprint: hash("md5", [...stamps, ...left].join("\n")) };
}

export function planOfGroup(folder: GroupFolder): MergePlan {
  const { name, files } = folder;
  const parts = files.map((file): MergePart => ({ path: file.path, sources: [{ file, head: "" }] }));
  return { list: name, members: [folder], name, parts };
}

/** Of a file that several groups have, the last one counts; agent.conf is all of them, one behind the other. */
export function planOfList(list: GroupList, folders: ReadonlyMap<string, GroupFolder>): MergePlan {
  const members = list.split(",").flatMap((group) => folders.get(group) ?? []);
  const parts = new Map<string, MergePart>();
  for (const { name, files } of members) {
    for (const file of files) {
      const { path } = file;
      const earlier = path === AGENT_CONF ? (parts.get(path)?.sources ?? []) : [];
      const head = path === AGENT_CONF ? `<!-- Source file: ${name}/${AGENT_CONF} -->\n` : "";
      parts.set(path, { path, sources: [...earlier, { file, head }] });
    }
  }
  const sorted = [...parts.values()].sort((a, b) => compareMergedPaths(a.path, b.path));
  return { list, members, name: multigroupFolder(list), parts: sorted };
}
