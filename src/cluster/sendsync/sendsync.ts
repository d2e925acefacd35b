/**
 * `sendsync`: what a worker has a service of the master do, such as the enrollment of an agent. wazuh v4.14.7:
 * framework/wazuh/core/cluster/common.py (SyncTask of strings), local_server.py, master.py; core/cluster/dapi (SendSyncRequestQueue).
 */
import { joinName, splitName } from "#formats/wire/cluster/commands.ts";
import { ClusterException, clusterError, internalError } from "#formats/wire/cluster/exceptions.ts";
import { isObject, type JsonValue, memberOf, parseJson } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { type LaterAnswer, LaterAnswers } from "../later-answers.ts";
import type { LocalClient } from "../local/server.ts";
import type { ClusterNeeds } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { taggedLog } from "../tagged-log.ts";

/** By the peer's names; each has a socket of its own there. `wazuh-db` is none of them here: it would take any query. */
const SOCKETS = { authd: "auth", remoted: "remote", "task-manager": "task" } as const;
export type MasterService = keyof typeof SOCKETS;

/** A service of the master takes a message as one of its own local socket, and gives the answer. Rejects with a `CodedError`. */
export interface MasterServices {
  ask(service: MasterService, message: string): Promise<string>;
}

/** The peer's C programs send no more (wazuh v4.14.7: src/shared/cluster_utils.c). */
const MESSAGE_BYTES_MAX = 1_000_000;
/** Of one worker at the same time; agents enrol in crowds. */
const UNANSWERED_MAX = 1024;
const ANSWER_MS = 200_000;
const WAITING_ANSWER = "Added request to SendSync requests queue";

/** On the master, what a worker's session serves. */
export function sendSyncHandlers(
  session: Session,
  services: MasterServices,
  needs: Pick<ClusterNeeds, "log">,
): HandlerTable {
  const log = taggedLog(needs.log, "Master", "SendSync");
  let unanswered = 0;
  const serve = async (id: string, bytes: Buffer): Promise<void> => {
    const outcome = await askService(services, bytes);
    if (typeof outcome === "string") {
      const sent = await session.sendString(Buffer.from(outcome));
      if (sent.kind === "sent") {
        await session.request("sendsyn_res", joinName(id, Buffer.from(sent.id)));
        return;
      }
      log.write("error", `Error sending an answer: ${sent.error.text}`);
    }
    const error = typeof outcome === "string" ? internalError("The answer could not be sent") : outcome;
    log.write("error", `Error in SendSync (parameters: ${id}): ${error.text}`);
    await session.request("sendsyn_err", joinName(id, Buffer.from(error.text)));
  };
  return new Map<string, Handler>([
    [
      "sendsync",
      (payload) => {
        const { name: id, bytes } = splitName(payload);
        if (unanswered >= UNANSWERED_MAX) return tooMany();
        unanswered++;
        void serve(id, bytes).finally(() => unanswered--);
        return ok(WAITING_ANSWER);
      },
    ],
  ]);
}

async function askService(services: MasterServices, bytes: Buffer): Promise<string | ClusterException> {
  const request = bytes.length > MESSAGE_BYTES_MAX ? undefined : parseJson(bytes);
  if (!isObject(request)) return clusterError(3036);
  const name = memberOf(request, "daemon_name");
  const message = memberOf(request, "message");
  if (message === undefined || typeof name !== "string") return clusterError(3036);
  if (!isService(name)) return unknownService(name);
  try {
    return await services.ask(name, messageText(message));
  } catch (error) {
    if (!(error instanceof CodedError)) return internalError(messageOf(error));
    return unreachableService(SOCKETS[name]);
  }
}

function isService(name: string): name is MasterService {
  return Object.hasOwn(SOCKETS, name);
}

function messageText(message: JsonValue): string {
  return typeof message === "string" ? message : pythonJson(message);
}

function unreachableService(socket: string): ClusterException {
  return new ClusterException({ class: "WazuhInternalError", code: 1013, extraMessage: socket });
}

function unknownService(name: string): ClusterException {
  return new ClusterException({ class: "WazuhInternalError", code: 1014, extraMessage: `'${name}'` });
}

function tooMany(): Reply {
  return refused(clusterError(3018, "too many requests without an answer"));
}

/** The worker's side: asks for programs of its host, and for this program itself. */
export class SendSync {
  readonly #needs: Pick<ClusterNeeds, "clock" | "random">;
  #master: LaterAnswers | null = null;

  constructor(needs: Pick<ClusterNeeds, "clock" | "random">) {
    this.#needs = needs;
  }

  /** Answers that the master owes. */
  get pending(): number {
    return this.#master?.pending ?? 0;
  }

  /** What the session with the master serves. */
  master(session: Session): HandlerTable {
    const link = new LaterAnswers(session, this.#needs, UNANSWERED_MAX);
    this.#master = link;
    return new Map<string, Handler>([
      ["sendsyn_res", (payload) => link.take(payload, "Response forwarded to worker")],
      ["sendsyn_err", (payload) => link.takeFailure(payload, "SendSync error forwarded to worker")],
    ]);
  }

  masterLeft(): void {
    this.#master?.close();
    this.#master = null;
  }

  /** Never rejects. */
  ask(service: MasterService, message: JsonValue, timeoutMs: number): Promise<LaterAnswer> {
    const payload = Buffer.from(pythonJson({ daemon_name: service, message }), "latin1");
    return this.#ask(payload, timeoutMs);
  }

  /** What a program of this host may ask. */
  local(client: LocalClient): HandlerTable {
    const later = (payload: Buffer, reply: Reply | null) => {
      void this.#ask(payload).then((answer) => {
        if (answer.kind === "answered") return client.request("ok", answer.bytes);
        return client.request("err", Buffer.from(answer.text ?? answer.error.text));
      });
      return reply;
    };
    return new Map<string, Handler>([
      ["sendsync", (payload) => later(payload, null)],
      ["sendasync", (payload) => later(payload, ok("Added request to sendsync requests queue"))],
    ]);
  }

  async #ask(payload: Buffer, timeoutMs = ANSWER_MS): Promise<LaterAnswer> {
    if (this.#master === null) return { kind: "failed", error: clusterError(3023), text: null };
    if (payload.length > MESSAGE_BYTES_MAX) return { kind: "failed", error: clusterError(3050), text: null };
    return await this.#master.ask("sendsync", payload, timeoutMs);
  }
}
