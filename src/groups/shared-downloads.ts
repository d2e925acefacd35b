/**
 * Fetches the files that `etc/shared/files.yml` lists, each group's when its time has come, one after the other. A file takes the place of
 * the old one when it is whole; what cannot be had leaves the old one.
 */
import { createHash } from "node:crypto";
import { checkAgentConf } from "#config/agent-conf.ts";
import { MERGED_FILE_NAME, parseMerged } from "#formats/merged-mg/merged-mg.ts";
import { formatProblem } from "#formats/source-position.ts";
import { CodedError } from "#kernel/errors.ts";
import { streamFollowing } from "#kernel/follow-redirects.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { HttpStreams } from "#kernel/ports/http-client.ts";
import {
  type DownloadedFile,
  type DownloadedGroup,
  type PlacedAgent,
  readDownloadList,
} from "./download-list.ts";
import type { GroupEvents } from "./events.ts";
import {
  DOWNLOAD_LIST_BYTES_MAX,
  DOWNLOAD_MS_MAX,
  DOWNLOAD_SILENCE_MS_MAX,
  DOWNLOADED_BYTES_MAX,
} from "./limits.ts";
import { AGENT_CONF } from "./merge-plan.ts";
import { stampOf } from "./shared-files.ts";

export type SharedDownloadsNeeds = {
  readonly http: HttpStreams;
  readonly files: Files;
  readonly clock: Clock;
  readonly events: GroupEvents;
  /** The installation folder. */
  readonly home: string;
  /** What the list says now of agents and their groups, all of which there are. */
  readonly placed: (agents: readonly PlacedAgent[]) => void;
};

type Planned = { readonly group: DownloadedGroup; dueMs: number };

export class SharedDownloads {
  readonly #needs: SharedDownloadsNeeds;
  readonly #list: string;
  readonly #folder: string;
  #stamp = "";
  #planned: Planned[] = [];
  #isBusy = false;
  /** By place; said once until it is another one. */
  readonly #failures = new Map<string, string>();

  constructor(needs: SharedDownloadsNeeds) {
    this.#needs = needs;
    this.#list = `${needs.home}/etc/shared/files.yml`;
    this.#folder = `${needs.home}/var/download`;
  }

  /** Whether merged.mg of the group is fetched as it is instead of made. */
  bringsMerged(group: string): boolean {
    return this.#planned.some(
      (planned) =>
        planned.group.name === group && planned.group.files.some(({ name }) => name === MERGED_FILE_NAME),
    );
  }

  /** Reads the list when it changed, and fetches what is due unless that is under way. Does not reject. */
  async look(): Promise<void> {
    try {
      this.#readList();
      if (this.#isBusy) return;
      this.#isBusy = true;
      try {
        for (const planned of this.#planned) {
          const nowMs = this.#needs.clock.monotonicMs();
          if (nowMs < planned.dueMs) continue;
          planned.dueMs = nowMs + planned.group.pollSeconds * 1000;
          for (const file of planned.group.files) await this.#fetch(planned.group, file);
        }
      } finally {
        this.#isBusy = false;
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failed(this.#list, error.message);
    }
  }

  /** What is under way takes its old list to the end. */
  #readList(): void {
    const { clock, events, files, home, placed } = this.#needs;
    const info = files.info(this.#list);
    const stamp = info?.kind === "file" ? stampOf(info) : "";
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#planned = [];
    if (info === null || stamp === "") {
      placed([]);
      return;
    }
    if (info.bytes > DOWNLOAD_LIST_BYTES_MAX) {
      events.file(`'${this.#list}' is too large`);
      return;
    }
    const { agents, groups, problems } = readDownloadList(files.read(this.#list), "etc/shared/files.yml");
    for (const problem of problems) events.file(formatProblem(problem));
    const nowMs = clock.monotonicMs();
    this.#planned = groups.map((group) => ({ group, dueMs: nowMs }));
    for (const { name } of groups) files.makeDirectory(`${home}/etc/shared/${name}`);
    placed(agents.filter((agent) => this.#hasGroups(agent)));
  }

  #hasGroups({ id, groups }: PlacedAgent): boolean {
    const { events, files, home } = this.#needs;
    const missing = groups.find((name) => files.info(`${home}/etc/shared/${name}`)?.kind !== "directory");
    if (missing === undefined) return true;
    events.file(`etc/shared/files.yml: agent '${id}' is left where it is: there is no group '${missing}'`);
    return false;
  }

  async #fetch({ name: group }: DownloadedGroup, { name, url }: DownloadedFile): Promise<void> {
    const { events, files, home } = this.#needs;
    const place = `${home}/etc/shared/${group}/${name}`;
    const temporary = `${this.#folder}/download.tmp`;
    try {
      const sum = await this.#bring(url, temporary);
      if (name === MERGED_FILE_NAME) demandMerged(files.read(temporary), temporary);
      this.#failures.delete(place);
      // An untouched file is not merged and hashed again.
      if (files.info(place)?.kind === "file" && sumOf(files.read(place)) === sum) return;
      files.rename(temporary, place);
      events.downloaded(`${group}/${name}`);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failed(place, `Failed to download '${url.href}' for '${group}/${name}': ${error.message}`);
    } finally {
      if (files.info(temporary) !== null) files.remove(temporary);
    }
  }

  /** The sum of what was written to `path`. */
  async #bring(url: URL, path: string): Promise<string> {
    const { files, http } = this.#needs;
    files.makeDirectory(this.#folder);
    if (files.info(path) !== null) files.remove(path);
    const file = files.open(path, "create");
    const sum = createHash("sha1");
    try {
      const request = { method: "GET", url, headers: {}, body: null, tls: null } as const;
      const bounds = {
        silenceMsMax: DOWNLOAD_SILENCE_MS_MAX,
        wholeMsMax: DOWNLOAD_MS_MAX,
        answerBytesMax: DOWNLOADED_BYTES_MAX,
      };
      const { status } = await streamFollowing(http, { ...request, ...bounds }, (piece) => {
        file.write(piece);
        sum.update(piece);
      });
      if (status !== 200) throw new CodedError("status_refused", `status ${status}`);
      file.sync();
      return sum.digest("hex");
    } finally {
      file.close();
    }
  }

  #failed(place: string, text: string): void {
    if (this.#failures.get(place) === text) return;
    this.#failures.set(place, text);
    this.#needs.events.downloadFailed(text);
  }
}

/** Throws for what is no merged.mg, and for one whose agent.conf would not be merged here either. */
function demandMerged(bytes: Buffer, path: string): void {
  const merged = parseMerged(bytes);
  if (!merged.ok) throw new CodedError("merged_corrupted", `The downloaded file '${path}' is corrupted.`);
  const conf = merged.entries.find((entry) => entry.path === AGENT_CONF);
  if (conf === undefined) return;
  const problems = checkAgentConf(Buffer.from(conf.bytes).toString("latin1"), AGENT_CONF);
  const error = problems.find(({ severity }) => severity === "error");
  if (error !== undefined) throw new CodedError("merged_refused", formatProblem(error));
}

function sumOf(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}
