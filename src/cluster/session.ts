/**
 * One node at the other end of a connection, alike on master and worker: requests both ways, strings, files, promised files.
 *
 * What the tasks of a master or a worker do with them is theirs: they add their handlers with `serve()`. Until `enter()` has named the worker,
 * no files and no strings are taken.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type CommandName,
  joinName,
  NAME_BYTES_MAX,
  readRequest,
  splitName,
} from "#formats/wire/cluster/commands.ts";
import {
  type ClusterException,
  clusterError,
  internalError,
  readErrorReply,
  writeException,
} from "#formats/wire/cluster/exceptions.ts";
import { MESSAGE_BYTES_MAX } from "#formats/wire/cluster/frame.ts";
import { scratchDirectory } from "#formats/wire/cluster/paths.ts";
import { CodedError } from "#kernel/errors.ts";
import type { OpenFile } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import { Channel, type Link } from "./channel.ts";
import type { Cipher } from "./cipher.ts";
import type { HeldMemory } from "./held-memory.ts";
import { FILE_BYTES_MAX, FILE_WAIT_MS, REQUEST_TIMEOUT_MS, TRANSFER_PART_BYTES } from "./limits.ts";
import type { ClusterNeeds } from "./needs.ts";
import { type PromisedFile, PromisedFiles } from "./promised-files.ts";
import { type AppendResult, type BeginResult, type FinishResult, ReceivedFiles } from "./received-files.ts";
import { ReceivedStrings } from "./received-strings.ts";
import {
  type Handler,
  type HandlerTable,
  ok,
  type Reply,
  type RequestOutcome,
  refused,
  refusedText,
  unknownKey,
} from "./replies.ts";
import { sendParts } from "./send-parts.ts";
import { type StringOutcome, sendString } from "./send-string.ts";

export type SessionOptions = {
  readonly link: Link;
  readonly cipher: Cipher;
  /** The connection's own lines, tagged with who it is. */
  readonly log: Log;
  readonly home: string;
  /** Of the files that the other side sends and no command has named yet; what a master sends when it is absent. */
  readonly fileBytesMax?: number;
  /** Shared by the connections of a master. */
  readonly memory?: HeldMemory;
  /** Called once; all that waited has failed and the scratch directory is gone. `error` is what the other side sent wrong. */
  readonly closed: (error: string | null) => void;
};

export type FileSent = {
  readonly kind: "sent";
  readonly sentBytes: number;
  readonly milliseconds: number;
};
export type FileSendOutcome =
  | FileSent
  /** The other side did not wait any longer; `sentBytes` says how far it came. */
  | { readonly kind: "cancelled"; readonly error: ClusterException; readonly sentBytes: number }
  | { readonly kind: "failed"; readonly error: ClusterException };

const NO_TASK = "None";
const NO_BYTES = Buffer.alloc(0);
const TIMEOUT_CODE = 3020;
/** Who waits for a file cancels the task before. */
const SEND_MS_MAX = FILE_WAIT_MS + REQUEST_TIMEOUT_MS;

export class Session {
  readonly channel: Channel;
  readonly #options: SessionOptions;
  readonly #needs: ClusterNeeds;
  readonly #handlers = new Map<string, Handler>();
  readonly #strings: ReceivedStrings;
  readonly #promised: PromisedFiles;
  /** Why the other side has cancelled tasks that send it a file, by their ids; null while it has not. */
  readonly #sending = new Map<string, ClusterException | null>();
  #files: ReceivedFiles | null = null;
  #workerName: string | null = null;

  constructor(options: SessionOptions, needs: ClusterNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#strings = new ReceivedStrings(needs);
    this.#promised = new PromisedFiles(needs.clock, needs.random, (taskId, error) =>
      this.#cancel(taskId, error),
    );
    this.channel = new Channel(
      {
        link: options.link,
        cipher: options.cipher,
        log: options.log,
        ...(options.memory === undefined
          ? {}
          : { memory: { shared: options.memory, ofOwner: () => this.#strings.heldBytes } }),
        handlerOf: (command) => this.#handlers.get(command) ?? null,
        closed: (error) => this.#closed(error),
      },
      needs,
    );
    this.#handlers.set("echo", (payload) => ok(payload));
  }

  /** Null before `enter()`. */
  get workerName(): string | null {
    return this.#workerName;
  }

  get isClosed(): boolean {
    return this.channel.isClosed;
  }

  /** Strings that no command has named yet. */
  get stringsHeld(): number {
    return this.#strings.size;
  }

  /** Absolute; where a worker's tables are made and files of the other side arrive. */
  get directory(): string {
    assert(this.#workerName !== null, "a node has said hello");
    return `${this.#options.home}/${scratchDirectory(this.#workerName)}`;
  }

  /** From here on the connection is the worker's: its scratch directory exists, strings and files are taken. */
  enter(workerName: string): void {
    this.#workerName = workerName;
    const { home, fileBytesMax = FILE_BYTES_MAX } = this.#options;
    this.#files = new ReceivedFiles(this.#needs.files, home, workerName, fileBytesMax);
    this.serve(
      new Map<CommandName, Handler>([
        ["new_str", (payload) => this.#newString(payload)],
        ["str_upd", (payload) => this.#updateString(payload)],
        ["err_str", (payload) => this.#dropString(payload)],
        ["new_file", (payload) => this.#newFile(payload)],
        ["file_upd", (payload) => this.#updateFile(payload)],
        ["file_end", (payload) => this.#endFile(payload)],
        ["cancel_task", (payload) => this.#taskCancelled(payload)],
      ]),
    );
  }

  /** Adds handlers; one for a command that has one already replaces it. */
  serve(handlers: HandlerTable): void {
    for (const [command, handler] of handlers) this.#handlers.set(command, handler);
  }

  request(command: CommandName, payload: Buffer | string = NO_BYTES): Promise<RequestOutcome> {
    return this.channel.request(command, typeof payload === "string" ? Buffer.from(payload) : payload);
  }

  close(): void {
    this.channel.close();
  }

  /** The id under which the other side holds the string: the command that follows names it. */
  sendString(bytes: Buffer): Promise<StringOutcome> {
    return sendString(this.channel, bytes);
  }

  /** A string that the other side has sent; it is forgotten here. Null for an unknown id. */
  takeString(id: string): Buffer | null {
    return this.#strings.take(id);
  }

  /**
   * Sends a file, of an absolute path, into the scratch directory at the other side. `taskId` is what the other side calls the task, and may cancel. A
   * timeout of one part does not end it, as with the peer; a refusal does, and the time after which nobody waits for the file any more.
   */
  async sendFile(absolute: string, taskId: string): Promise<FileSendOutcome> {
    assert(this.#workerName !== null, "a node has said hello");
    const path = `/${scratchDirectory(this.#workerName)}/${absolute.slice(absolute.lastIndexOf("/") + 1)}`;
    const startMs = this.#needs.clock.monotonicMs();
    let file: OpenFile;
    try {
      file = this.#needs.files.open(absolute, "read");
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { kind: "failed", error: clusterError(3034, error.message) };
    }
    this.#sending.set(taskId, null);
    try {
      const outcome = await this.#sendParts(file, path, taskId);
      if (outcome.kind !== "sent") return outcome;
      return { ...outcome, milliseconds: this.#needs.clock.monotonicMs() - startMs };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { kind: "failed", error: clusterError(3003, error.message) };
    } finally {
      this.#sending.delete(taskId);
      file.close();
    }
  }

  async #sendParts(file: OpenFile, path: string, taskId: string): Promise<FileSendOutcome> {
    const hash = createHash("sha256");
    let sentBytes = 0;
    const begun = await this.request("new_file", path);
    if (endsTransfer(begun)) return begun;
    const cancelled = () => this.#sending.get(taskId) ?? null;
    const { clock } = this.#needs;
    const untilMs = clock.monotonicMs() + SEND_MS_MAX;
    let isLate = false;
    const part = Buffer.allocUnsafe(TRANSFER_PART_BYTES);
    function* parts(): Generator<Buffer> {
      while (cancelled() === null) {
        const bytes = file.read(part, sentBytes);
        if (bytes === 0) return;
        isLate = clock.monotonicMs() > untilMs;
        if (isLate) return;
        const read = part.subarray(0, bytes);
        hash.update(read);
        sentBytes += bytes;
        yield joinName(path, read);
      }
    }
    const failure = await sendParts(parts(), (named) => this.request("file_upd", named), endsTransfer);
    const error = cancelled();
    if (error !== null) return { kind: "cancelled", error, sentBytes };
    if (failure !== null) return failure;
    if (isLate) return { kind: "failed", error: clusterError(3039) };
    const ended = await this.request("file_end", joinName(path, hash.digest()));
    return endsTransfer(ended) ? ended : { kind: "sent", sentBytes, milliseconds: 0 };
  }

  /** The answer to a request such as `syn_i_w_m`: its task id is the payload, the file comes later. */
  promiseFile(): PromisedFile | null {
    return this.#promised.promise();
  }

  /** The handler of `syn_i_w_m_e` and its like: a task's file is complete. */
  readonly fileArrived: Handler = (payload) => {
    const { name: taskId, bytes } = splitName(payload);
    const file = this.#files?.take(pathOf(bytes)) ?? null;
    if (!this.#promised.isPromised(taskId)) {
      this.#count("cluster_tasks_unknown");
      if (file !== null) this.#needs.files.remove(file.path);
      return refused(clusterError(3027, taskId));
    }
    if (file === null) {
      this.#count("cluster_paths_refused");
      const error = clusterError(3052);
      this.#promised.fail(taskId, error);
      return refused(error);
    }
    this.#promised.received(taskId, file);
    return ok("File correctly received");
  };

  /** The handler of `syn_i_w_m_r` and its like: the other side could not send a task's file. */
  readonly fileFailed: Handler = (payload) => {
    const { name: taskId, bytes } = splitName(payload);
    this.failPromise(taskId, readErrorReply(bytes));
    return ok("Error received");
  };

  failPromise(taskId: string, error: ClusterException): void {
    this.#promised.fail(taskId, error);
  }

  #cancel(taskId: string, error: ClusterException): void {
    void this.request("cancel_task", joinName(taskId, writeException(error)));
  }

  #taskCancelled(payload: Buffer): Reply {
    const { name: taskId, bytes } = splitName(payload);
    const error = readErrorReply(bytes);
    if (taskId !== NO_TASK && this.#sending.has(taskId)) this.#sending.set(taskId, error);
    this.#options.log.write(
      "error",
      `The task was canceled due to the following error on the remote node: ${error.text}`,
    );
    return ok("Request received correctly");
  }

  #newString(payload: Buffer): Reply {
    const request = readRequest("new_str", payload);
    if ("code" in request) return refused(internalError(request.text));
    const id = request.size > MESSAGE_BYTES_MAX ? null : this.#strings.begin(request.size);
    if (id !== null) return ok(id);
    this.#count("cluster_strings_refused");
    return { word: "error", payload: Buffer.from("Requested size exceeds maximum allowed limit") };
  }

  #updateString(payload: Buffer): Reply {
    const { name, bytes } = splitName(payload);
    return this.#strings.append(name, bytes) ? ok("String updated") : unknownKey(name);
  }

  #dropString(payload: Buffer): Reply {
    const request = readRequest("err_str", payload);
    if ("code" in request) return refused(internalError(request.text));
    return ok(this.#strings.dropEmpty(request.size) ?? NO_TASK);
  }

  #newFile(payload: Buffer): Reply {
    const result: BeginResult = this.#files?.begin(pathOf(payload)) ?? "not_allowed";
    if (result === "ready") return ok("Ready to receive new file", "ok ");
    this.#count(result === "not_allowed" ? "cluster_paths_refused" : "cluster_files_refused");
    return refusedText(result === "not_allowed" ? "Write path not allowed" : "Too many files at once");
  }

  #updateFile(payload: Buffer): Reply {
    const { name, bytes } = splitName(payload);
    const result: AppendResult = this.#files?.append(pathText(name), bytes) ?? "unknown";
    if (result === "updated") return ok("File updated");
    this.#count(result === "unknown" ? "cluster_paths_refused" : "cluster_files_refused");
    return result === "unknown" ? unknownKey(name) : refused(clusterError(3050));
  }

  #endFile(payload: Buffer): Reply {
    const { name, bytes } = splitName(payload);
    const result: FinishResult = this.#files?.finish(pathText(name), bytes) ?? "unknown";
    if (result === "received") return ok("File received correctly");
    this.#count(result === "unknown" ? "cluster_paths_refused" : "cluster_files_corrupt");
    if (result === "unknown") return unknownKey(name);
    return refusedText("File wasn't correctly received. Checksums aren't equal.");
  }

  #count(name: string): void {
    this.#needs.metrics.add(name);
  }

  #closed(error: string | null): void {
    this.#promised.failAll(clusterError(3040, "connection closed"));
    this.#strings.clear();
    const gone = clusterError(3018, "connection closed");
    for (const taskId of this.#sending.keys()) this.#sending.set(taskId, gone);
    try {
      this.#files?.clear();
    } catch (problem) {
      if (!(problem instanceof CodedError)) throw problem;
      this.#options.log.write("warning", `Could not empty the scratch directory: ${problem.message}`);
    }
    this.#options.closed(error);
  }
}

/** No path is that long; nothing lies at the empty one. */
function pathOf(bytes: Buffer): string {
  return bytes.length > NAME_BYTES_MAX ? "" : bytes.toString("utf8");
}

/** A path as it was sent, from one char a byte to the text that the file system takes. */
function pathText(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function endsTransfer(outcome: RequestOutcome): outcome is Extract<RequestOutcome, { kind: "failed" }> {
  return outcome.kind === "failed" && outcome.error.code !== TIMEOUT_CODE;
}
