/**
 * The worker's side of the cluster: connects to the master, says hello, keeps the connection alive and tries again for ever.
 *
 * What the worker does with the master is its tasks'.
 */
import { writePayload } from "#formats/wire/cluster/commands.ts";
import { fernetKey } from "#formats/wire/cluster/fernet.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Connection } from "#kernel/ports/network.ts";
import { Cipher } from "../cipher.ts";
import type { ClusterNode } from "../config.ts";
import { KEEPALIVE_FAILURES_MAX, KEEPALIVE_PERIOD_MS, RECONNECT_MS } from "../limits.ts";
import type { ClusterNeeds, Dialer } from "../needs.ts";
import { type Handler, type HandlerTable, ok } from "../replies.ts";
import { Session } from "../session.ts";
import { taggedLog } from "../tagged-log.ts";

export type WorkerTasks = {
  /** The commands of the master; asked before the hello, since the master may send one right behind its answer. */
  handlers(session: Session): HandlerTable;
  /** The master has let this node in. */
  joined(session: Session): void;
  /** Follows `joined`: the connection is over and another will be tried. */
  left(): void;
};

type Attempt = { session: Session | null; keepalive: Timer | null; hasJoined: boolean; isOver: boolean };

export class WorkerClient {
  readonly #node: ClusterNode;
  readonly #needs: ClusterNeeds & { readonly dialer: Dialer };
  readonly #tasks: WorkerTasks;
  readonly #cipher: Cipher;
  #attempt: Attempt | null = null;
  #retry: Timer | null = null;
  #isStopped = false;

  constructor(node: ClusterNode, needs: ClusterNeeds & { readonly dialer: Dialer }, tasks: WorkerTasks) {
    this.#node = node;
    this.#needs = needs;
    this.#tasks = tasks;
    this.#cipher = new Cipher(fernetKey(node.key.reveal()), needs);
  }

  start(): void {
    void this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#attempt?.session?.close();
  }

  /** Null while the master has not let this node in. */
  get session(): Session | null {
    const attempt = this.#attempt;
    return attempt?.hasJoined && !attempt.isOver ? attempt.session : null;
  }

  get #log() {
    return taggedLog(this.#needs.log, `Worker ${this.#node.nodeName}`, "Main");
  }

  async #connect(): Promise<void> {
    const attempt: Attempt = { session: null, keepalive: null, hasJoined: false, isOver: false };
    this.#attempt = attempt;
    try {
      const connection = await this.#needs.dialer.connect(this.#node.masterAddress, this.#node.port, {
        data: (chunk) => attempt.session?.channel.data(chunk),
        drained: () => attempt.session?.channel.drained(),
        closed: () => this.#lost(attempt),
      });
      if (attempt.isOver || this.#isStopped) connection.destroy();
      else await this.#greet(attempt, connection);
    } catch (error) {
      const seconds = RECONNECT_MS / 1000;
      this.#log.write(
        "error",
        `Could not connect to master: ${messageOf(error)}. Trying again in ${seconds} seconds.`,
      );
      attempt.session?.close();
      this.#ended(attempt);
    }
  }

  async #greet(attempt: Attempt, connection: Connection): Promise<void> {
    const session = new Session(
      {
        link: connection,
        cipher: this.#cipher,
        log: this.#log,
        home: this.#node.home,
        closed: (error) => {
          if (error !== null) this.#log.write("error", error);
          this.#ended(attempt);
        },
      },
      this.#needs,
    );
    attempt.session = session;
    session.enter(this.#node.nodeName);
    session.serve(new Map<string, Handler>([["echo-m", (payload) => ok(payload, "ok-c ")]]));
    session.serve(this.#tasks.handlers(session));
    attempt.keepalive = this.#keepAlive(session);
    const { nodeName, clusterName, version } = this.#node;
    const hello = { command: "hello", nodeName, clusterName, nodeType: "worker", version } as const;
    const outcome = await session.request("hello", writePayload(hello));
    if (attempt.isOver) return;
    if (outcome.kind === "failed") {
      this.#log.write("error", `Could not connect to master: ${outcome.error.text}.`);
      session.close();
      return;
    }
    attempt.hasJoined = true;
    this.#log.write("info", "Successfully connected to master.");
    this.#tasks.joined(session);
  }

  #keepAlive(session: Session): Timer {
    const log = taggedLog(this.#needs.log, `Worker ${this.#node.nodeName}`, "Keep Alive");
    let failures = 0;
    const send = async (): Promise<void> => {
      const outcome = await session.request("echo-c", "keepalive");
      if (session.isClosed) return;
      if (outcome.kind === "ok") {
        failures = 0;
        log.write("info", `Successful response from master: ${outcome.payload.toString("latin1", 0, 64)}`);
        return;
      }
      failures++;
      log.write("error", `Error sending keep alive: ${outcome.error.text}`);
      if (failures < KEEPALIVE_FAILURES_MAX) return;
      log.write("error", "Maximum number of failed keep alives reached. Disconnecting.");
      session.close();
    };
    return this.#needs.clock.every(KEEPALIVE_PERIOD_MS, () => void send());
  }

  /** The other side ended it, or the network did. */
  #lost(attempt: Attempt): void {
    if (attempt.isOver || this.#isStopped || attempt.session?.isClosed === true) return;
    // Before it has let this node in, that is how another key shows here.
    this.#log.write(attempt.hasJoined ? "info" : "error", "The master closed the connection");
    if (!attempt.hasJoined)
      this.#log.write("warning", "It had not let this node in: look whether <key> is the same on both.");
    if (attempt.session === null) this.#ended(attempt);
    else attempt.session.close();
  }

  #ended(attempt: Attempt): void {
    if (attempt.isOver) return;
    attempt.isOver = true;
    attempt.keepalive?.cancel();
    if (attempt.hasJoined) this.#tasks.left();
    if (!this.#isStopped) this.#retry = this.#needs.clock.after(RECONNECT_MS, () => void this.#connect());
  }
}
