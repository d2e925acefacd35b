/**
 * The distributed API of one node: each request runs here, goes to the master, or is divided among the nodes that it is about.
 *
 * Knows nothing of connections: `Nodes` asks the others. wazuh v4.14.7: framework/wazuh/core/cluster/dapi/dapi.py.
 */
import {
  ClusterException,
  clusterError,
  exceptionJson,
  internalError,
} from "#formats/wire/cluster/exceptions.ts";
import type { NodeAnswer } from "#formats/wire/cluster/merge-results.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import { SEAL_INLINE_BYTES_MAX } from "../limits.ts";
import type { HeavyWork } from "../needs.ts";
import { apiError } from "./answers.ts";
import { type ApiCallable, Caller, exceptionOf } from "./callable.ts";
import {
  COMPLETE_SECONDS_MAX,
  NODE_ANSWER_MS,
  NODE_REQUEST_VALUES_MAX,
  RUNS_MAX,
  RUNS_WAITING_MAX,
} from "./limits.ts";
import { mergeNodeAnswers, writeAnswer } from "./merging.ts";
import { type ApiRequest, forwardedRequest, readApiRequest } from "./request.ts";
import { Runs } from "./runs.ts";
import { type AgentPlace, pageOf, type Share, sharesOfAgents, sharesOfNodes, wantedOf } from "./shares.ts";
import { type CallableTable, notExposed } from "./table.ts";

/** `answered`: the encoded result, which may be an exception; `failed`: nobody has one. */
export type ApiOutcome =
  | { readonly kind: "answered"; readonly bytes: Buffer }
  | { readonly kind: "failed"; readonly error: ClusterException };

/** Who asks: a program of this host, or the node at the other end of a connection. */
export type Origin =
  | { readonly kind: "local" }
  | { readonly kind: "master" }
  | { readonly kind: "worker"; readonly name: string };

export interface Nodes {
  /** The workers that are connected; on a worker none. */
  connected(): readonly string[];
  askWorker(name: string, request: Buffer, timeoutMs: number): Promise<ApiOutcome>;
  askMaster(request: Buffer, timeoutMs: number): Promise<ApiOutcome>;
}

/** Where agents report to. */
export interface AgentPlaces {
  /** Of these, in their order; unknown ones with a null node. */
  of(ids: readonly string[]): Promise<readonly AgentPlace[]>;
  all(): Promise<readonly AgentPlace[]>;
}

export type ApiOptions = {
  readonly nodeName: string;
  readonly isMaster: boolean;
  readonly table: CallableTable;
  readonly nodes: Nodes;
  readonly agents: AgentPlaces;
};

export type ApiNeeds = { readonly clock: Clock; readonly heavy: HeavyWork };

export class DistributedApi {
  readonly #options: ApiOptions;
  readonly #needs: ApiNeeds;
  readonly #runs = new Runs({ running: RUNS_MAX, waiting: RUNS_WAITING_MAX });

  constructor(options: ApiOptions, needs: ApiNeeds) {
    this.#options = options;
    this.#needs = needs;
  }

  /** Functions that run here, or wait for a place. */
  get running(): number {
    return this.#runs.pending;
  }

  /** Never rejects. `log` is told of the request as soon as it is known what it is; `from` says whose it is. */
  async serve(bytes: Buffer, origin: Origin, log: Log, from: string): Promise<ApiOutcome> {
    const request = readApiRequest(bytes, origin.kind === "worker" ? NODE_REQUEST_VALUES_MAX : undefined);
    if ("code" in request) return failure(clusterError(3009, request.text));
    log.write("info", `Receiving request: ${request.callable.name} from ${from}`);
    const outcome = await this.#route(request, bytes, origin).catch((error: unknown) =>
      failure(internalError(messageOf(error))),
    );
    if (outcome.kind === "failed")
      log.write("error", `Error in DAPI request: ${request.callable.name}: ${outcome.error.text}`);
    return outcome;
  }

  #route(request: ApiRequest, bytes: Buffer, origin: Origin): Promise<ApiOutcome> {
    const { isMaster, nodes, table } = this.#options;
    const callable = table.get(request.name) ?? null;
    const isHere =
      // What the master asks for is never sent back to it.
      origin.kind === "master" ||
      request.type === "local_any" ||
      (request.type === "local_master" && isMaster) ||
      (request.type === "distributed_master" && request.isForwarded);
    // The master may know functions that this node does not.
    if (!isHere && !isMaster) return nodes.askMaster(bytes, waitMs(request));
    if (callable === null) return Promise.resolve(failure(notExposed(request.callable)));
    if (origin.kind === "worker" && !callable.forNodes)
      return Promise.resolve(answered(apiError(4000, `Resource type: *:* (asked by node ${origin.name})`)));
    return isHere ? this.#run(request, callable) : this.#divide(request, callable);
  }

  async #run(request: ApiRequest, callable: ApiCallable): Promise<ApiOutcome> {
    if (callable.place === "master" && !this.#options.isMaster) return answered(apiError(902));
    const act = callable.prepare(request.arguments);
    if (act instanceof ClusterException) return answered(act);
    const caller = new Caller(request.permissions);
    const work = this.#runs.run(() => act(caller));
    if (work === null) return failure(clusterError(3009, "too many requests at the same time"));
    return answered(await this.#within(work, request));
  }

  /** What goes on after its time ends unheard; it keeps its place as long. */
  #within(work: Promise<NodeAnswer>, { seconds }: ApiRequest): Promise<NodeAnswer> {
    return new Promise((resolve, reject) => {
      const limitMs = (seconds ?? COMPLETE_SECONDS_MAX) * 1000;
      const timer = this.#needs.clock.after(limitMs, () => resolve(clusterError(3021)));
      work
        .catch(exceptionOf)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  async #divide(request: ApiRequest, callable: ApiCallable): Promise<ApiOutcome> {
    const { shares, unknown } = await this.#sharesOf(request);
    const [only] = shares;
    if (shares.length === 1 && only !== undefined && unknown.length === 0) {
      const outcome = await this.#askNode(request, callable, only);
      return outcome.kind === "answered" ? outcome : answered(aboutNode(outcome.error, only.node));
    }
    const outcomes = await Promise.all(
      shares.map(async (share) => ({ share, outcome: await this.#askNode(request, callable, share) })),
    );
    const parts = [
      ...outcomes.map(({ share, outcome }) =>
        outcome.kind === "answered" ? outcome.bytes : encoded(aboutNode(outcome.error, share.node)),
      ),
      ...unknown.map((node) => encoded(apiError(1730, null, [node]))),
    ];
    if (parts.length === 0) return this.#run(request, callable);
    return { kind: "answered", bytes: await this.#merge(parts, request) };
  }

  async #merge(parts: readonly Buffer[], request: ApiRequest): Promise<Buffer> {
    const page = pageOf(request.arguments);
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    if (bytes <= SEAL_INLINE_BYTES_MAX) return mergeNodeAnswers(parts, page);
    const merged = await this.#needs.heavy.run({ kind: "merge_answers", parts, page });
    return Buffer.from(merged.buffer, merged.byteOffset, merged.byteLength);
  }

  async #sharesOf(request: ApiRequest): Promise<{ shares: readonly Share[]; unknown: readonly string[] }> {
    const { agents, nodeName, nodes } = this.#options;
    const { arguments: values } = request;
    const wanted = wantedOf(values);
    const known = [nodeName, ...nodes.connected()];
    const asked = wanted.nodes === null || wanted.nodes === "all" ? known : wanted.nodes;
    const unknown = asked.filter((node) => !known.includes(node));
    if (wanted.agents !== null) {
      const places = wanted.agents === "all" ? await agents.all() : await agents.of(wanted.agents);
      return { shares: sharesOfAgents(values, places, nodeName, wanted.nodes), unknown };
    }
    return {
      shares: sharesOfNodes(
        values,
        asked.filter((node) => known.includes(node)),
      ),
      unknown,
    };
  }

  #askNode(request: ApiRequest, callable: ApiCallable, share: Share): Promise<ApiOutcome> {
    const { nodeName, nodes } = this.#options;
    if (share.node === nodeName) return this.#run({ ...request, arguments: share.arguments }, callable);
    return nodes.askWorker(share.node, forwardedRequest(request, share.arguments), waitMs(request));
  }
}

function waitMs({ seconds }: ApiRequest): number {
  return seconds === null ? COMPLETE_SECONDS_MAX * 1000 : Math.max(NODE_ANSWER_MS, seconds * 1000);
}

/** A failure of one node among several becomes a failed item. */
function aboutNode(error: ClusterException, node: string): ClusterException {
  const { code, extraMessage } = error;
  return new ClusterException({ class: "WazuhError", code, extraMessage, ids: [node] });
}

function encoded(error: ClusterException): Buffer {
  return Buffer.from(pythonJson(exceptionJson(error)), "latin1");
}

function answered(answer: NodeAnswer): ApiOutcome {
  return { kind: "answered", bytes: writeAnswer(answer) };
}

function failure(error: ClusterException): ApiOutcome {
  return { kind: "failed", error };
}
