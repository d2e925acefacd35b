/**
 * The network between simulated hosts: streams that are slow, cut into pieces, reset or silent, and datagrams that come late, twice
 * or never.
 *
 * A host is an address with the process that runs on it; `Network` is the port that services listen with, `open()` and `bind…` are
 * for who calls them. TLS is a flag: bytes pass in clear. Nothing that was written to an honest stream is lost without its end.
 */
import { CodedError } from "#kernel/errors.ts";
import type {
  Connection,
  ConnectionHandler,
  DatagramHandler,
  DatagramOptions,
  DatagramSocket,
  Listener,
  ListenOptions,
  Network,
  SocketAddress,
} from "#kernel/ports/network.ts";
import type { SimulatedProcess, World } from "./world.ts";

/** What a sender may have under way before its process is told that bytes are pending: two socket buffers. */
const WINDOW_BYTES = 65_536;
const EPHEMERAL_PORT_FIRST = 40_000;

export type NetworkConditions = {
  readonly latencyMs: { readonly from: number; readonly to: number };
  /** Share of chunks that arrive in pieces. */
  readonly cut: number;
  /** Shares of datagrams. */
  readonly drop: number;
  readonly duplicate: number;
  /** How much later than others a datagram may come. */
  readonly lateMsMax: number;
};

export const QUIET: NetworkConditions = {
  latencyMs: { from: 0, to: 2 },
  cut: 0.1,
  drop: 0,
  duplicate: 0,
  lateMsMax: 0,
};

type Accept = (connection: Connection) => ConnectionHandler;

export class SimulatedNetwork {
  readonly world: World;
  conditions: NetworkConditions = QUIET;
  readonly #hosts = new Map<string, SimulatedHost>();
  readonly #streams = new Set<Stream>();
  /** Addresses that nothing reaches and nothing leaves. */
  readonly #cutOff = new Set<string>();
  #datagramsUntilMs = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** The network of a process on the host with this address; when the process ends, so does all that it had open. */
  hostOf(address: string, process: SimulatedProcess): SimulatedHost {
    const host = new SimulatedHost(this, address, process);
    this.#hosts.set(address, host);
    process.atEnd((ending) => {
      if (this.#hosts.get(address) === host) this.#hosts.delete(address);
      for (const stream of this.#streams) stream.processEnded(host, ending === "kill");
    });
    return host;
  }

  host(address: string): SimulatedHost | null {
    return this.#hosts.get(address) ?? null;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Nothing is silent, stands still or is cut off. */
  get isSound(): boolean {
    return [...this.#streams].every((stream) => stream.isSound);
  }

  partition(address: string): void {
    this.#cutOff.add(address);
  }

  /** What streams had to deliver goes on; datagrams are gone. */
  heal(address: string): void {
    this.#cutOff.delete(address);
    for (const stream of this.#streams) stream.pump();
  }

  reaches(from: string, to: string): boolean {
    return !this.#cutOff.has(from) && !this.#cutOff.has(to);
  }

  /** A stream of this address, if it has one, is reset for both, or goes silent for both for ever. */
  disturb(address: string, how: "reset" | "silence"): boolean {
    const streams = [...this.#streams].filter((stream) => stream.isOf(address));
    if (streams.length === 0) return false;
    const stream = this.world.random.pick(streams);
    if (how === "reset") stream.reset();
    else stream.silence();
    return true;
  }

  /** One direction of a stream of this address, or both, stands still for a while; what was sent meanwhile comes afterwards. */
  stall(address: string, milliseconds: number): void {
    const streams = [...this.#streams].filter((stream) => stream.isOf(address));
    if (streams.length === 0) return;
    const stream = this.world.random.pick(streams);
    const goOn = stream.stall(this.world.random.pick(["in", "out", "both"]));
    this.world.after(milliseconds, goOn);
  }

  latencyMs(): number {
    const { from, to } = this.conditions.latencyMs;
    return this.world.between(from, to);
  }

  connect(
    from: SimulatedHost,
    local: SocketAddress,
    to: SocketAddress,
    handler: ConnectionHandler,
  ): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    this.world.after(this.latencyMs(), () => {
      if (!this.reaches(local.address, to.address)) return; // the caller has a limit of time
      const host = this.host(to.address);
      const accept = host?.accepting(to.port) ?? null;
      if (host === null || accept === null) {
        from.run(() =>
          reject(new CodedError("connect_failed", `Nothing listens on ${to.address}:${to.port}`)),
        );
        return;
      }
      if (!from.alive) return;
      const stream = new Stream(
        this,
        { host: from, address: local, handler },
        { host, address: to, handler: null },
      );
      this.#streams.add(stream);
      stream.accepted(accept);
      this.world.after(this.latencyMs(), () => from.run(() => resolve(stream.caller)));
    });
    return promise;
  }

  forget(stream: Stream): void {
    this.#streams.delete(stream);
  }

  sendDatagram(bytes: Uint8Array, from: SocketAddress, to: SocketAddress): void {
    const { conditions, world } = this;
    const copies = world.chance(conditions.drop) ? 0 : world.chance(conditions.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      // In order, but for those that are late.
      this.#datagramsUntilMs = Math.max(this.#datagramsUntilMs, world.nowMs + this.latencyMs());
      const delayMs = this.#datagramsUntilMs - world.nowMs + world.between(0, conditions.lateMsMax);
      world.after(delayMs, () => {
        if (this.reaches(from.address, to.address))
          this.host(to.address)?.datagram(Buffer.from(bytes), from, to.port);
      });
    }
  }
}

export class SimulatedHost implements Network {
  readonly address: string;
  readonly #network: SimulatedNetwork;
  readonly #process: SimulatedProcess;
  readonly #listeners = new Map<number, Accept>();
  readonly #receivers = new Map<number, DatagramHandler>();
  #nextPort: number;

  constructor(network: SimulatedNetwork, address: string, process: SimulatedProcess) {
    this.#network = network;
    this.address = address;
    this.#process = process;
    this.#nextPort = EPHEMERAL_PORT_FIRST + network.world.below(10_000);
  }

  get alive(): boolean {
    return this.#process.alive;
  }

  listen({ port }: ListenOptions, accept: Accept): Promise<Listener> {
    this.#listeners.set(port, accept);
    return Promise.resolve({
      local: { address: this.address, port },
      close: () => {
        this.#listeners.delete(port);
        return Promise.resolve();
      },
    });
  }

  bindDatagrams({ port }: DatagramOptions, receive: DatagramHandler): Promise<DatagramSocket> {
    return Promise.resolve(this.#bind(port, receive));
  }

  /** A socket of a client, at a port of the system's choice. */
  bindAnyPort(receive: DatagramHandler): DatagramSocket {
    return this.#bind(this.#nextPort++, receive);
  }

  /** Rejects when nobody listens there; stays open for ever when nobody answers. */
  open(to: SocketAddress, handler: ConnectionHandler): Promise<Connection> {
    const local = { address: this.address, port: this.#nextPort++ };
    return this.#network.connect(this, local, to, handler);
  }

  accepting(port: number): Accept | null {
    return this.#listeners.get(port) ?? null;
  }

  datagram(bytes: Buffer, from: SocketAddress, port: number): void {
    this.run(() => this.#receivers.get(port)?.(bytes, from));
  }

  /** Runs code of the process; what it throws when it has ended meanwhile is nobody's business. */
  run(code: () => void): void {
    if (!this.alive) return;
    try {
      code();
    } catch (error) {
      if (this.alive) throw error;
    }
  }

  #bind(port: number, receive: DatagramHandler): DatagramSocket {
    const local = { address: this.address, port };
    this.#receivers.set(port, receive);
    return {
      local,
      send: (bytes, to) => {
        if (this.alive) this.#network.sendDatagram(bytes, local, to);
      },
      close: () => {
        this.#receivers.delete(port);
        return Promise.resolve();
      },
    };
  }
}

type EndSetup = {
  readonly host: SimulatedHost;
  readonly address: SocketAddress;
  readonly handler: ConnectionHandler | null;
};

/** What is on its way, in order: bytes, the end of a TLS handshake, or the end of the stream. */
type Item =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "secured" }
  | { readonly kind: "closed"; readonly reason: string | null };

/** One side of a stream, as its process sees it. */
class StreamEnd implements Connection {
  readonly host: SimulatedHost;
  readonly remote: SocketAddress;
  readonly #stream: Stream;
  #handler: ConnectionHandler | null;
  /** To this end: on its way, then arrived and not taken because it is paused. */
  readonly incoming: Item[] = [];
  #paused = false;
  #stalled = false;
  #over = false;
  #scheduled = false;

  constructor(stream: Stream, setup: EndSetup, remote: SocketAddress) {
    this.#stream = stream;
    this.host = setup.host;
    this.#handler = setup.handler;
    this.remote = remote;
  }

  get over(): boolean {
    return this.#over;
  }

  get pendingBytes(): number {
    let bytes = 0;
    for (const item of this.#stream.otherOf(this).incoming)
      if (item.kind === "bytes") bytes += item.bytes.length;
    return Math.max(0, bytes - WINDOW_BYTES);
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): void {
    if (this.#over || !this.host.alive || bytes.length === 0) return;
    this.#stream.send(this, { kind: "bytes", bytes: Buffer.from(bytes) });
  }

  get isStalled(): boolean {
    return this.#stalled;
  }

  /** Nothing arrives until it is called with false. */
  stall(isStalled: boolean): void {
    this.#stalled = isStalled;
    this.pump();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.pump();
  }

  end(): void {
    this.#close(null, null);
  }

  destroy(): void {
    this.#close(null, this.incoming.length > 0 ? "ECONNRESET" : null);
  }

  startTls(): void {
    // The hello is all that a client sends before it hears of us.
    this.#paused = false;
    this.incoming.push({ kind: "secured" });
    this.pump();
    this.#stream.send(this, { kind: "secured" });
  }

  /** The process is gone, or told that the stream is. */
  abandon(reason: string | null, tell: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.incoming.length = 0;
    if (tell) this.host.run(() => this.#handler?.closed(reason));
  }

  /** Delivers what is due, one item at a time, each after a latency. */
  pump(): void {
    if (this.#scheduled || this.incoming.length === 0 || !this.#takes) return;
    this.#scheduled = true;
    this.#stream.network.world.after(this.#stream.network.latencyMs(), () => {
      this.#scheduled = false;
      this.#deliver();
      this.pump();
    });
  }

  get #takes(): boolean {
    return !this.#over && !this.#paused && !this.#stalled && this.#stream.flows;
  }

  #deliver(): void {
    if (!this.#takes) return;
    const { conditions, world } = this.#stream.network;
    const item = this.incoming.shift();
    if (item === undefined) return;
    if (!this.host.alive) return;
    switch (item.kind) {
      case "bytes": {
        const cut =
          item.bytes.length > 1 && world.chance(conditions.cut) ? world.between(1, item.bytes.length - 1) : 0;
        if (cut > 0) this.incoming.unshift({ kind: "bytes", bytes: item.bytes.subarray(cut) });
        const chunk = Buffer.from(cut > 0 ? item.bytes.subarray(0, cut) : this.#withFollowing(item.bytes));
        this.host.run(() => this.#handler?.data(chunk));
        return;
      }
      case "secured":
        this.host.run(() => this.#handler?.secured?.([]));
        return;
      case "closed":
        this.abandon(item.reason, true);
        this.#stream.forgetWhenOver();
    }
  }

  /** A receiver that is behind finds many writes in one chunk. */
  #withFollowing(bytes: Buffer): Buffer {
    const parts = [bytes];
    let total = bytes.length;
    for (
      let next = this.incoming[0];
      next?.kind === "bytes" && total < WINDOW_BYTES;
      next = this.incoming[0]
    ) {
      parts.push(next.bytes);
      total += next.bytes.length;
      this.incoming.shift();
    }
    return parts.length === 1 ? bytes : Buffer.concat(parts);
  }

  /** This end closes: its own handler is told at once, the other one behind what is on its way to it. */
  #close(ownReason: string | null, otherReason: string | null): void {
    if (this.#over || !this.host.alive) return;
    this.#stream.send(this, { kind: "closed", reason: otherReason });
    this.abandon(ownReason, true);
    this.#stream.forgetWhenOver();
  }
}

class Stream {
  readonly network: SimulatedNetwork;
  readonly caller: StreamEnd;
  readonly #called: StreamEnd;
  readonly #addresses: readonly [string, string];
  #silent = false;

  constructor(network: SimulatedNetwork, caller: EndSetup, called: EndSetup) {
    this.network = network;
    this.caller = new StreamEnd(this, caller, called.address);
    this.#called = new StreamEnd(this, called, caller.address);
    this.#addresses = [caller.address.address, called.address.address];
  }

  /** Something that was sent can arrive. */
  get flows(): boolean {
    return !this.#silent && this.network.reaches(...this.#addresses);
  }

  get isSound(): boolean {
    return this.flows && !this.caller.isStalled && !this.#called.isStalled;
  }

  accepted(accept: Accept): void {
    this.#called.host.run(() => this.#called.attach(accept(this.#called)));
  }

  isOf(address: string): boolean {
    return this.#addresses.includes(address);
  }

  otherOf(end: StreamEnd): StreamEnd {
    return end === this.caller ? this.#called : this.caller;
  }

  send(from: StreamEnd, item: Item): void {
    const to = this.otherOf(from);
    if (!to.over) to.incoming.push(item);
    to.pump();
  }

  pump(): void {
    this.caller.pump();
    this.#called.pump();
  }

  /** Some of what is on its way still arrives, then both are told. */
  reset(): void {
    const { random } = this.network.world;
    for (const end of [this.caller, this.#called]) {
      if (end.over) continue;
      end.incoming.splice(random.below(end.incoming.length + 1));
      const last = end.incoming.at(-1);
      if (last?.kind === "bytes") {
        const kept = random.below(last.bytes.length + 1);
        end.incoming.splice(
          -1,
          1,
          ...(kept === 0 ? [] : [{ kind: "bytes" as const, bytes: last.bytes.subarray(0, kept) }]),
        );
      }
      end.incoming.push({ kind: "closed", reason: "ECONNRESET" });
      end.pump();
    }
  }

  silence(): void {
    this.#silent = true;
  }

  /** Gives what ends it. */
  stall(direction: "in" | "out" | "both"): () => void {
    const ends = [
      ...(direction === "out" ? [] : [this.caller]),
      ...(direction === "in" ? [] : [this.#called]),
    ];
    for (const end of ends) end.stall(true);
    return () => {
      for (const end of ends) end.stall(false);
    };
  }

  /** `told`: the system of the process says so to the other end, as it does when the process alone is gone. */
  processEnded(host: SimulatedHost, told: boolean): void {
    for (const end of [this.caller, this.#called]) {
      if (end.host !== host) continue;
      const other = this.otherOf(end);
      end.abandon(null, false);
      if (!other.over && told) {
        other.incoming.push({ kind: "closed", reason: "ECONNRESET" });
        other.pump();
      } else if (!told) this.silence();
    }
    this.forgetWhenOver();
  }

  forgetWhenOver(): void {
    if (this.caller.over && this.#called.over) this.network.forget(this);
  }
}
