/**
 * The distributed API over connections: what nodes and programs of this host ask, and what this node asks others.
 * wazuh v4.14.7: framework/wazuh/core/cluster/dapi/dapi.py (APIRequestQueue), master.py, worker.py, local_server.py.
 *
 * Requests are served side by side; an answer is the string first and then the command that names it.
 */
import { joinName, splitName } from "#formats/wire/cluster/commands.ts";
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import type { Log } from "#kernel/ports/log.ts";
import { type LaterAnswer, LaterAnswers } from "../later-answers.ts";
import { STRING_BYTES_MAX } from "../limits.ts";
import type { LocalClient } from "../local/server.ts";
import type { ClusterNeeds } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, type RequestOutcome, refused } from "../replies.ts";
import type { StringOutcome } from "../send-string.ts";
import type { Session } from "../session.ts";
import { taggedLog } from "../tagged-log.ts";
import {
  type ApiOptions,
  type ApiOutcome,
  DistributedApi,
  type Nodes,
  type Origin,
} from "./distributed-api.ts";
import { ASKED_MAX, NODE_ANSWER_MS, UNANSWERED_MAX } from "./limits.ts";

export type ApiLinksOptions = Omit<ApiOptions, "nodes">;
export type ApiLinksNeeds = Pick<ClusterNeeds, "clock" | "random" | "log" | "heavy">;

/** The node's API, its workers (on a master) or its master (on a worker), and the programs of its host. */
export class ApiLinks implements Nodes {
  readonly api: DistributedApi;
  readonly #options: ApiLinksOptions;
  readonly #needs: ApiLinksNeeds;
  readonly #workers = new Map<string, LaterAnswers>();
  #master: LaterAnswers | null = null;

  constructor(options: ApiLinksOptions, needs: ApiLinksNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.api = new DistributedApi({ ...options, nodes: this }, needs);
  }

  /** Answers that other nodes owe, and functions that run here. */
  get pending(): { readonly asked: number; readonly running: number } {
    const links = [...this.#workers.values(), ...(this.#master === null ? [] : [this.#master])];
    const asked = links.reduce((sum, link) => sum + link.pending, 0);
    return { asked, running: this.api.running };
  }

  /** On the master, what a worker's session serves from its hello on. */
  worker(name: string, session: Session): HandlerTable {
    const link = new LaterAnswers(session, this.#needs, ASKED_MAX);
    this.#workers.set(name, link);
    const log = taggedLog(this.#needs.log, "Master", "D API");
    return this.#nodeHandlers(session, link, { kind: "worker", name }, log, {
      from: (id) => `${name} (${id})`,
      taken: "Forwarded response",
    });
  }

  workerLeft(name: string): void {
    this.#workers.get(name)?.close();
    this.#workers.delete(name);
  }

  /** On a worker, what its session with the master serves. */
  master(session: Session): HandlerTable {
    const link = new LaterAnswers(session, this.#needs, ASKED_MAX);
    this.#master = link;
    const log = taggedLog(this.#needs.log, `Worker ${this.#options.nodeName}`, "D API");
    return this.#nodeHandlers(session, link, { kind: "master" }, log, {
      from: (id) => `master (${id})`,
      taken: "Response forwarded to worker",
    });
  }

  masterLeft(): void {
    this.#master?.close();
    this.#master = null;
  }

  /** What a program of this host may ask. */
  local(client: LocalClient): HandlerTable {
    const log = taggedLog(this.#needs.log, "Local Server", "D API");
    const asking = new Unanswered();
    const answer = (outcome: Promise<ApiOutcome>) =>
      void asking.during(async () => {
        const result = await outcome;
        if (result.kind === "answered") {
          const sent = await asking.holding(result.bytes, () => sendAnswer(client, result.bytes, log));
          if (sent === true) return;
        }
        const text = result.kind === "failed" ? result.error.text : NOT_SENT;
        await client.request("dapi_err", Buffer.from(text));
      });
    const handlers = new Map<string, Handler>([
      [
        "dapi",
        (payload) => {
          if (asking.isFull) return tooMany();
          answer(this.api.serve(payload, { kind: "local" }, log, client.id));
          return ok("Added request to API requests queue");
        },
      ],
    ]);
    if (!this.#options.isMaster) return handlers;
    handlers.set("dapi_fwd", (payload) => {
      const { name, bytes } = splitName(payload);
      if (!this.#workers.has(name)) return refused(clusterError(3022, name));
      if (asking.isFull) return tooMany();
      answer(this.askWorker(name, bytes, NODE_ANSWER_MS));
      return ok("Request forwarded to worker node");
    });
    return handlers;
  }

  connected(): readonly string[] {
    return [...this.#workers.keys()];
  }

  async askWorker(name: string, request: Buffer, timeoutMs: number): Promise<ApiOutcome> {
    const link = this.#workers.get(name);
    if (link === undefined) return { kind: "failed", error: clusterError(3022, name) };
    return outcomeOf(await link.ask("dapi", request, timeoutMs));
  }

  async askMaster(request: Buffer, timeoutMs: number): Promise<ApiOutcome> {
    if (this.#master === null) return { kind: "failed", error: clusterError(3023) };
    return outcomeOf(await this.#master.ask("dapi", request, timeoutMs));
  }

  #nodeHandlers(
    session: Session,
    link: LaterAnswers,
    origin: Origin,
    log: Log,
    words: { readonly from: (id: string) => string; readonly taken: string },
  ): HandlerTable {
    const asking = new Unanswered();
    const serve = async (id: string, bytes: Buffer): Promise<void> => {
      const outcome = await this.api.serve(bytes, origin, log, words.from(id));
      let text = NOT_SENT;
      if (outcome.kind === "failed") text = outcome.error.text;
      else {
        const { bytes: answer } = outcome;
        const sent = await asking.holding(answer, () => session.sendString(answer));
        if (sent?.kind === "sent") {
          await this.#tell(session, "dapi_res", id, sent.id, log);
          return;
        }
        const reason = sent?.error.text ?? "too much waits to be taken";
        log.write("error", `Error sending the answer to ${words.from(id)}: ${reason}`);
      }
      await this.#tell(session, "dapi_err", id, text, log);
    };
    return new Map<string, Handler>([
      [
        "dapi",
        (payload) => {
          const { name: id, bytes } = splitName(payload);
          if (asking.isFull) return tooMany();
          void asking.during(() => serve(id, bytes));
          return ok("Added request to API requests queue");
        },
      ],
      ["dapi_res", (payload) => link.take(payload, words.taken)],
      ["dapi_err", (payload) => link.takeFailure(payload, "DAPI error forwarded to worker")],
    ]);
  }

  async #tell(
    session: Session,
    command: "dapi_res" | "dapi_err",
    id: string,
    what: string,
    log: Log,
  ): Promise<void> {
    const outcome = await session.request(command, joinName(id, Buffer.from(what)));
    if (outcome.kind === "failed" && !session.isClosed)
      log.write("error", `Error sending ${command} ${id}: ${outcome.error.text}`);
  }
}

const NOT_SENT = "The answer could not be sent";

/** The requests of one connection that have not been answered, and the answers that it has not taken. */
class Unanswered {
  #count = 0;
  #heldBytes = 0;

  get isFull(): boolean {
    return this.#count >= UNANSWERED_MAX;
  }

  /** Null when more is held than may be. */
  async holding<T>({ length }: Buffer, send: () => Promise<T>): Promise<T | null> {
    if (this.#heldBytes + length > STRING_BYTES_MAX) return null;
    this.#heldBytes += length;
    try {
      return await send();
    } finally {
      this.#heldBytes -= length;
    }
  }

  async during(work: () => Promise<void>): Promise<void> {
    this.#count++;
    try {
      await work();
    } finally {
      this.#count--;
    }
  }
}

function tooMany(): Reply {
  return refused(clusterError(3018, "too many requests without an answer"));
}

function outcomeOf(answer: LaterAnswer): ApiOutcome {
  return answer.kind === "answered" ? answer : { kind: "failed", error: answer.error };
}

/** False when the program could not take it. */
async function sendAnswer(client: LocalClient, bytes: Buffer, log: Log): Promise<boolean> {
  const sent: StringOutcome = await client.sendString(bytes);
  const told: StringOutcome | RequestOutcome =
    sent.kind === "sent" ? await client.request("dapi_res", Buffer.from(sent.id)) : sent;
  if (told.kind !== "failed") return true;
  log.write("debug", `The answer to ${client.id} was not taken: ${told.error.text}`);
  return sent.kind === "sent";
}
