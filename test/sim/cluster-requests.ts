/**
 * Requests of a simulated cluster: what was asked, how often it ran where, and what came back.
 *
 * Each one that a living process has asked ends within its time, once; none runs twice on a node.
 */
import type { ApiOutcome } from "#cluster/dapi/distributed-api.ts";
import { newRequest, type RequestType } from "#cluster/dapi/request.ts";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { isObject, type JsonObject, parseJson } from "#formats/wire/cluster/json-value.ts";
import { AffectedItems, PlainResult, readObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import type { SimulatedProcess, World } from "./world.ts";

/** Over the time that a request may take: its last message is on its way. */
const GRACE_MS = 1000;

export type Asked = {
  readonly mark: string;
  readonly asker: SimulatedProcess;
  /** It can end only with the connection to the master, or by its answer. */
  readonly needsMaster: boolean;
};

export class RequestLedger {
  readonly #world: World;
  readonly #open = new Map<string, Asked>();
  readonly #executed = new Map<string, Set<string>>();
  #marks = 0;
  #answered = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Asks, and gives the answer to `taken` when the asker still lives. */
  ask<Answer>(
    { asker, limitMs, needsMaster }: Omit<Asked, "mark"> & { readonly limitMs: number },
    run: (mark: string) => Promise<Answer>,
    taken: (answer: Answer, mark: string) => void,
  ): void {
    const mark = `q${++this.#marks}`;
    this.#open.set(mark, { mark, asker, needsMaster });
    this.#world.note(`${asker.name} asks ${mark}`);
    this.#world.after(limitMs + GRACE_MS, () => {
      if (this.#open.has(mark) && asker.alive) this.#world.fail(`${mark} of ${asker.name} has no answer`);
      this.#open.delete(mark);
    });
    run(mark).then(
      (answer) => {
        if (!this.#open.delete(mark) || !asker.alive) return;
        this.#answered++;
        taken(answer, mark);
      },
      (error: unknown) => this.#world.fail(`${mark} rejected: ${String(error)}`),
    );
  }

  executed(mark: string, node: string): void {
    const nodes = this.#executed.get(mark) ?? new Set();
    this.#executed.set(mark, nodes);
    if (nodes.has(node)) this.#world.fail(`${mark} ran twice on ${node}`);
    nodes.add(node);
  }

  hasRun(mark: string, node: string): boolean {
    return this.#executed.get(mark)?.has(node) ?? false;
  }

  /** Of this process, that could only end with the master. */
  waitingForMaster(asker: SimulatedProcess): readonly string[] {
    const open = [...this.#open.values()].filter((asked) => asked.needsMaster && asked.asker === asker);
    return open.map(({ mark }) => mark);
  }

  isOpen(mark: string): boolean {
    return this.#open.has(mark);
  }
}

/** As a program of the API asks. */
export function apiRequest(name: string, type: RequestType, values: JsonObject): Buffer {
  const at = name.lastIndexOf(".");
  const made = newRequest({
    module: name.slice(0, at),
    function: name.slice(at + 1),
    arguments: values,
    type,
  });
  const members = parseJson(made);
  if (!isObject(members)) throw new Error("a request is an object");
  return Buffer.from(pythonJson({ ...members, wait_for_complete: false }), "latin1");
}

export type ReadAnswer = {
  readonly items: readonly string[];
  readonly failed: readonly string[];
  /** Null when there is an answer. */
  readonly error: string | null;
  readonly plain: JsonObject;
};

/** Null for what is neither an answer nor an error with words. */
export function readAnswer(outcome: ApiOutcome): ReadAnswer | null {
  const nothing = { items: [], failed: [], error: null, plain: {} };
  if (outcome.kind === "failed")
    return outcome.error.text === "" ? null : { ...nothing, error: outcome.error.text };
  const json = parseJson(outcome.bytes);
  const answer = json === undefined ? undefined : readObjects(json);
  if (answer instanceof ClusterException)
    return answer.text === "" ? null : { ...nothing, error: answer.text, failed: answer.ids.map(String) };
  if (answer instanceof PlainResult) {
    const plain = JSON.parse(JSON.stringify(answer.result));
    return { ...nothing, plain };
  }
  if (!(answer instanceof AffectedItems)) return null;
  const { affectedItems, failedItems } = answer.fields;
  return {
    ...nothing,
    items: affectedItems.map((item) => String(item).replace(/~.*$/, "")),
    failed: failedItems.flatMap(({ ids }) => ids.map(String)),
  };
}
