/**
 * The master's side of the cluster: listens for workers, lets each in by its hello, closes those that fell silent.
 *
 * What the master does with a worker is its tasks': `welcomed` gets the session and serves more commands on it.
 */
import { type Hello, readRequest } from "#formats/wire/cluster/commands.ts";
import { type ClusterException, clusterError, internalError } from "#formats/wire/cluster/exceptions.ts";
import { fernetKey } from "#formats/wire/cluster/fernet.ts";
import { isNodeName } from "#formats/wire/cluster/paths.ts";
import { OffenderTable } from "#kernel/offender-table.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Connection, ConnectionHandler, Listener, Network } from "#kernel/ports/network.ts";
import { Cipher } from "../cipher.ts";
import type { ClusterNode } from "../config.ts";
import { HeldMemory } from "../held-memory.ts";
import {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_ADDRESS_MAX,
  HELLO_DEADLINE_MS,
  KEEPALIVE_CHECK_PERIOD_MS,
  SILENCE_MS_MAX,
  TABLE_FILE_BYTES_MAX,
} from "../limits.ts";
import type { ClusterNeeds } from "../needs.ts";
import { ok, type Reply, refused } from "../replies.ts";
import { Session } from "../session.ts";
import { taggedLog } from "../tagged-log.ts";

/** Workers come back at once after a restart of the master. */
const BACKLOG = 512;
const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

export type ConnectedWorker = {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly address: string;
  readonly session: Session;
};

export type MasterTasks = {
  /** A worker has come in; its session takes handlers until it is closed. Called before the hello is answered. */
  welcomed(worker: ConnectedWorker): void;
  left(worker: ConnectedWorker): void;
  /** A node of this cluster that says it is a master as well; the answer to it. Where it is absent such a node is a worker, as with the peer. */
  metMaster?(hello: Hello, address: string): Reply;
};

type Seat = {
  readonly session: Session;
  readonly connection: Connection;
  readonly helloDeadline: Timer;
  /** Null before the hello. */
  worker: ConnectedWorker | null;
  /** Monotonic; the connection counts as the first keepalive. */
  heardMs: number;
  /** Wall clock; the connection counts as the first keepalive. */
  lastKeepaliveMs: number;
};

export class MasterServer {
  readonly #node: ClusterNode;
  readonly #needs: ClusterNeeds & { readonly network: Network };
  readonly #tasks: MasterTasks;
  readonly #cipher: Cipher;
  readonly #seats = new Set<Seat>();
  readonly #memory = new HeldMemory();
  /** Who wants more connections than an address may have. */
  readonly #offenders = new OffenderTable();
  /** In the order in which they came in. */
  readonly #workers = new Map<string, Seat>();
  #listener: Listener | null = null;
  #check: Timer | null = null;

  constructor(node: ClusterNode, needs: ClusterNeeds & { readonly network: Network }, tasks: MasterTasks) {
    this.#node = node;
    this.#needs = needs;
    this.#tasks = tasks;
    this.#cipher = new Cipher(fernetKey(node.key.reveal()), needs);
  }

  /** Throws what `Network.listen` throws. */
  async start(): Promise<void> {
    const { network, clock, log } = this.#needs;
    const place = { host: this.#node.bindAddress, port: this.#node.port, backlog: BACKLOG };
    this.#listener = await network.listen(place, (connection) => this.#accept(connection));
    const { address, port } = this.#listener.local;
    taggedLog(log, "Master", "Main").write("info", `Serving on ('${address}', ${port})`);
    this.#closeSilent();
    this.#check = clock.every(KEEPALIVE_CHECK_PERIOD_MS, () => this.#closeSilent());
  }

  async stop(): Promise<void> {
    this.#check?.cancel();
    // It is closed when the last connection is.
    const closed = this.#listener?.close();
    for (const { session } of [...this.#seats]) session.close();
    await closed;
  }

  get workers(): readonly ConnectedWorker[] {
    return [...this.#workers.values()].flatMap(({ worker }) => (worker === null ? [] : [worker]));
  }

  worker(name: string): ConnectedWorker | null {
    return this.#workers.get(name)?.worker ?? null;
  }

  /** Of workers and of those who have not said hello. */
  get connections(): number {
    return this.#seats.size;
  }

  /** Wall clock, for the health report; null for no such worker. */
  lastKeepaliveMs(name: string): number | null {
    return this.#workers.get(name)?.lastKeepaliveMs ?? null;
  }

  #accept(connection: Connection): ConnectionHandler {
    const { clock, log } = this.#needs;
    const { address, port } = connection.remote;
    const main = taggedLog(log, "Worker", "Main");
    const fromThere = [...this.#seats].filter((seat) => seat.connection.remote.address === address).length;
    if (fromThere >= CONNECTIONS_PER_ADDRESS_MAX || this.#seats.size >= CONNECTIONS_MAX) {
      this.#needs.metrics.add("cluster_connections_refused");
      if (this.#offenders.record(address, clock.monotonicMs()) > 0) {
        main.write("warning", `Too many connections from ${address} (${fromThere}), rejecting.`);
      }
      connection.destroy();
      return REFUSED;
    }
    main.write("info", `Connection from ('${address}', ${port})`);
    const session = new Session(
      {
        link: connection,
        cipher: this.#cipher,
        log: { write: (level, text) => this.#logOf(seat).write(level, text) },
        home: this.#node.home,
        fileBytesMax: TABLE_FILE_BYTES_MAX,
        memory: this.#memory,
        closed: (error) => this.#closed(seat, error),
      },
      this.#needs,
    );
    const helloDeadline = clock.after(HELLO_DEADLINE_MS, () => {
      if (seat.worker !== null) return;
      this.#needs.metrics.add("cluster_hellos_late");
      session.close();
    });
    const heardMs = clock.monotonicMs();
    const seat: Seat = {
      session,
      connection,
      helloDeadline,
      worker: null,
      heardMs,
      lastKeepaliveMs: clock.wallMs(),
    };
    this.#seats.add(seat);
    this.#serve(seat);
    return {
      data: (chunk) => session.channel.data(chunk),
      drained: () => session.channel.drained(),
      closed: () => session.close(),
    };
  }

  #logOf({ worker }: Seat): Log {
    return taggedLog(this.#needs.log, worker === null ? "Worker" : `Worker ${worker.name}`, "Main");
  }

  #serve(seat: Seat): void {
    seat.session.serve(
      new Map([
        ["hello", (payload: Buffer) => this.#hello(seat, payload)],
        ["echo-c", (payload: Buffer) => this.#keepalive(seat, payload)],
      ]),
    );
  }

  #keepalive(seat: Seat, payload: Buffer): Reply {
    seat.heardMs = this.#needs.clock.monotonicMs();
    seat.lastKeepaliveMs = this.#needs.clock.wallMs();
    return ok(payload, "ok-m ");
  }

  #hello(seat: Seat, payload: Buffer): Reply {
    const hello = readRequest("hello", payload);
    if ("code" in hello) return this.#refuseHello(internalError(hello.text));
    if (seat.worker !== null) return this.#refuseHello(clusterError(3028, hello.nodeName));
    if (hello.nodeType === "master" && this.#tasks.metMaster !== undefined) {
      if (hello.clusterName !== this.#node.clusterName) return this.#refuseHello(clusterError(3030));
      return this.#tasks.metMaster(hello, seat.connection.remote.address);
    }
    const refusal = this.#refusalOfName(hello.nodeName);
    if (refusal !== null) {
      this.#sayWhoElse(hello.nodeName, seat.connection.remote.address);
      return this.#refuseHello(refusal);
    }
    // The peer keeps the name for the connection even when what follows refuses it; here it stays free.
    const mismatch = this.#mismatch(hello);
    if (mismatch !== null) return this.#refuseHello(mismatch);
    seat.session.enter(hello.nodeName);
    const worker: ConnectedWorker = {
      name: hello.nodeName,
      type: hello.nodeType,
      version: hello.version,
      address: seat.connection.remote.address,
      session: seat.session,
    };
    seat.worker = worker;
    this.#workers.set(worker.name, seat);
    this.#tasks.welcomed(worker);
    return ok(`Client ${worker.name} added`);
  }

  #refusalOfName(name: string): ClusterException | null {
    if (!isNodeName(name)) return clusterError(3060, name);
    if (this.#workers.has(name)) return clusterError(3028, name);
    return name === this.#node.nodeName ? clusterError(3029) : null;
  }

  /** The peer's line names one node and no address. */
  #sayWhoElse(name: string, address: string): void {
    const other = this.#workers.get(name)?.connection.remote.address ?? null;
    if (other === null && name !== this.#node.nodeName) return;
    const owner = other === null ? "this master has it" : `the worker at ${other} has it`;
    const main = taggedLog(this.#needs.log, "Worker", "Main");
    main.write("warning", `A node at ${address} wants the name '${name}', but ${owner}.`);
  }

  #mismatch({ clusterName, version }: Hello): ClusterException | null {
    if (clusterName !== this.#node.clusterName) return clusterError(3030);
    return version === this.#node.version ? null : clusterError(3031);
  }

  #refuseHello(error: ClusterException): Reply {
    this.#needs.metrics.add("cluster_hellos_refused");
    const main = taggedLog(this.#needs.log, "Worker", "Main");
    main.write("error", `Internal error processing request 'b'hello'': ${error.text}`);
    return refused(error);
  }

  #closeSilent(): void {
    const log = taggedLog(this.#needs.log, "Master", "Keep alive");
    log.write("debug", "Calculating.");
    const nowMs = this.#needs.clock.monotonicMs();
    for (const seat of [...this.#seats]) {
      if (seat.worker === null || nowMs - seat.heardMs <= SILENCE_MS_MAX) continue;
      const silence = `No keep alives have been received from ${seat.worker.name} in the last minute. Disconnecting`;
      log.write("error", silence);
      seat.session.close();
    }
    log.write("debug", "Calculated.");
  }

  #closed(seat: Seat, error: string | null): void {
    this.#seats.delete(seat);
    seat.helloDeadline.cancel();
    const log = this.#logOf(seat);
    const { worker } = seat;
    if (worker === null) {
      // Probes of a balancer end here too, so only what somebody has sent is an error.
      if (error === null) log.write("debug", "Error during handshake with incoming connection.");
      else log.write("error", `Error during handshake with incoming connection: ${error}. `);
      return;
    }
    this.#workers.delete(worker.name);
    if (error === null) log.write("debug", `Disconnected ${worker.name}.`);
    else log.write("error", `Error during connection with '${worker.name}': ${error}.`);
    log.write("info", "Cancelling pending tasks.");
    this.#tasks.left(worker);
  }
}
