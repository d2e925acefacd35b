/** The groups that exist: the folders of `etc/shared`. */
import type { Files } from "#kernel/ports/files.ts";
import { type GroupName, parseGroupName } from "#model/agent.ts";
import { confinedPath } from "./confined-path.ts";

export class GroupFolders {
  readonly #files: Files;
  readonly #folder: string;

  /** `folder` is the path of `etc/shared`. */
  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  exists(group: GroupName): boolean {
    const path = confinedPath(this.#folder, group);
    return path !== null && this.#files.info(path)?.kind === "directory";
  }

  /** Sorted. Folders whose names no group can have are passed over. */
  names(): readonly GroupName[] {
    return this.#files
      .list(this.#folder)
      .flatMap(({ name, kind }) => (kind === "directory" ? (parseGroupName(name) ?? []) : []))
      .sort();
  }

  /** Where its files are; null for a name that is no folder's. */
  pathOf(group: GroupName): string | null {
    return confinedPath(this.#folder, group);
  }
}
