/** What other parts keep of an agent on the disk, deleted when the agent is removed so that its successor starts clean. */
import type { Files } from "#kernel/ports/files.ts";
import type { AgentId, AgentName } from "#model/agent.ts";
import { confinedPath } from "./confined-path.ts";

export type AgentFolderPaths = {
  /** `queue/diff`: a folder an agent, by name. */
  readonly diff: string;
  /** `queue/rids`: a file an agent, by id. */
  readonly rids: string;
};

export class AgentFolders {
  readonly #files: Files;
  readonly #paths: AgentFolderPaths;

  constructor(files: Files, paths: AgentFolderPaths) {
    this.#files = files;
    this.#paths = paths;
  }

  remove({ id, name }: { readonly id: AgentId; readonly name: AgentName }): void {
    const diff = confinedPath(this.#paths.diff, name);
    if (diff !== null) this.#files.removeTree(diff);
    const rids = confinedPath(this.#paths.rids, id);
    if (rids !== null && this.#files.info(rids)?.kind === "file") this.#files.remove(rids);
  }
}
