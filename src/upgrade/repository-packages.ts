/** Has the packages that agents need fetched from a repository, each once; `service.ts` then upgrades with them as with other files. */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { AgentId } from "#model/agent.ts";
import type { DownloadOutcome, DownloadProgress, DownloadRequest } from "./download.ts";
import { refusalWithout } from "./eligibility.ts";
import type { UpgradeErrorCode } from "./errors.ts";
import { UpgradeEvents } from "./events.ts";
import { PLACES_MAX, TASKS_MAX } from "./limits.ts";
import { checkEnabled, type UpgradeNeeds } from "./needs.ts";
import {
  type PackagePlace,
  type PackageType,
  placeFor,
  repositoryAddress,
  usualRepository,
  writtenVersion,
} from "./repository.ts";
import { errorView, type RefusedAgent } from "./running.ts";

export type FetchOrder = {
  readonly agents: readonly AgentId[];
  /** Null: the configured one. */
  readonly repository: string | null;
  /** Where the repository's address names no scheme: http instead of https. */
  readonly useHttp: boolean;
  /** Null: the manager's. */
  readonly version: string | null;
  readonly packageType: PackageType | null;
  readonly force: boolean;
};

export type FetchedPackage = { readonly path: string; readonly agents: readonly AgentId[] };

export type FetchedPackages = {
  readonly version: string;
  readonly packages: readonly FetchedPackage[];
  readonly refused: readonly RefusedAgent[];
};

export type RepositoryNeeds = Pick<
  UpgradeNeeds,
  "agent" | "log" | "metrics" | "managerVersion" | "packages" | "settings"
> & {
  readonly files: Pick<Files, "read">;
  /** One at a time; elsewhere, since it hashes and writes. */
  readonly download: (
    request: DownloadRequest,
    progress: (progress: DownloadProgress) => void,
  ) => Promise<readonly DownloadOutcome[]>;
};

type Wanted = { readonly place: PackagePlace; readonly agents: AgentId[] };

export class RepositoryPackages {
  readonly #needs: RepositoryNeeds;
  readonly #events: UpgradeEvents;
  #isBusy = false;
  #progress: DownloadProgress | null = null;

  constructor(needs: RepositoryNeeds) {
    this.#needs = needs;
    this.#events = new UpgradeEvents(needs);
  }

  /** Of the download that is under way. */
  get progress(): DownloadProgress | null {
    return this.#progress;
  }

  /** Agents of the order that there is no package for, or that may not have it. Throws `CodedError` when the order makes no sense. */
  refused(order: FetchOrder): readonly RefusedAgent[] {
    const { version } = this.#checked(order);
    return this.#sort({ ...order, version }).refused;
  }

  /** Throws `CodedError` when the order makes no sense, or another one is under way. */
  async fetch(order: FetchOrder): Promise<FetchedPackages> {
    const { version, repository } = this.#checked(order);
    if (this.#isBusy) throw new CodedError("fetch_busy", "Packages are being fetched already");
    this.#isBusy = true;
    try {
      return await this.#fetch({ ...order, version }, repository);
    } finally {
      this.#isBusy = false;
      this.#progress = null;
    }
  }

  #checked(order: FetchOrder): { readonly version: string; readonly repository: string } {
    const { settings } = this.#needs;
    checkEnabled(settings);
    if (order.agents.length > TASKS_MAX)
      throw new CodedError("too_many_agents", `More than ${TASKS_MAX} agents at a time`);
    const version = writtenVersion(order.version ?? this.#needs.managerVersion);
    if (version === null)
      throw new CodedError("version_invalid", `'${order.version}' is no version such as v4.14.7`);
    const written = order.repository ?? settings.repository ?? usualRepository(version);
    const repository = repositoryAddress(written, order.useHttp);
    if (repository === null)
      throw new CodedError("repository_invalid", `'${written}' is no address of a repository`);
    return { version, repository };
  }

  async #fetch(
    order: FetchOrder & { readonly version: string },
    repository: string,
  ): Promise<FetchedPackages> {
    const { download, packages: directory } = this.#needs;
    const { version } = order;
    const { wanted, refused } = this.#sort(order);
    const places = wanted.map(({ place }) => place);
    const request = { repository, version, places, directory, tls: this.#tls() };
    const outcomes = await download(request, (progress) => {
      this.#progress = progress;
    });
    const packages: FetchedPackage[] = [];
    for (const [index, { place, agents }] of wanted.entries()) {
      const outcome = outcomes[index];
      if (outcome?.ok === true) {
        packages.push({ path: outcome.path, agents });
        this.#events.fetched(place.name, repository);
        continue;
      }
      const { code, text } = outcome ?? { code: "package_missing", text: "not fetched" };
      this.#events.notFetched(place.name, text);
      refused.push(...agents.map((agentId) => refusal(agentId, code, text)));
    }
    return { version, packages, refused };
  }

  /** Which agents need which package; those that would be refused in any case cost no download. */
  #sort(order: FetchOrder & { readonly version: string }) {
    const { agent: find, managerVersion } = this.#needs;
    const wanted = new Map<string, Wanted>();
    const refused: RefusedAgent[] = [];
    for (const id of new Set(order.agents)) {
      const agent = find(id);
      const code = refusalWithout(id, agent, order, managerVersion);
      const found = agent === null || code !== null ? null : placeFor(agent, order);
      if (found?.ok !== true) {
        refused.push(refusal(id, code ?? found?.code ?? "agent_unknown", ""));
        continue;
      }
      const { place } = found;
      const known = wanted.get(place.name);
      if (known !== undefined) known.agents.push(id);
      else if (wanted.size < PLACES_MAX) wanted.set(place.name, { place, agents: [id] });
      else refused.push(refusal(id, "wrong_platform", `more than ${PLACES_MAX} packages at a time`));
    }
    return { wanted: [...wanted.values()], refused };
  }

  #tls(): DownloadRequest["tls"] {
    const { files, settings } = this.#needs;
    const path = settings.repositoryAuthorities;
    return { authority: path === null ? null : files.read(path), client: null };
  }
}

function refusal(agentId: AgentId, code: UpgradeErrorCode, text: string): RefusedAgent {
  const view = errorView(code);
  return { agentId, code: view.code, message: text === "" ? view.message : `${view.message}: ${text}` };
}
