/**
 * The network behind balancers: a connection that comes from one of them begins with a header of the PROXY protocol, and for
 * everybody behind this point its peer is the client that the header names. All other connections pass unchanged: what they say of
 * themselves is not believed.
 */
import { type ProxiedClient, ProxyHeaderReader } from "#formats/proxy-protocol/header.ts";
import { OffenderTable } from "#kernel/offender-table.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type {
  CertificateChain,
  Connection,
  ConnectionHandler,
  Listener,
  ListenOptions,
  Network,
  SocketAddress,
  TlsServerOptions,
} from "#kernel/ports/network.ts";
import { formatIpAddress, type IpNetwork, networkContains, parsePeerAddress } from "#model/address.ts";

/** A balancer sends the header with its first packet. */
export const HEADER_MS_MAX = 5000;
/** Connections without their header yet; the oldest makes room. Together they hold at most 256 MiB, of balancers that are trusted. */
export const WAITING_MAX = 4096;

export type ProxiedNetworkNeeds = {
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** The network itself when there are no balancers. */
export function behindBalancers(needs: ProxiedNetworkNeeds, balancers: readonly IpNetwork[]): Network {
  return balancers.length === 0 ? needs.network : new ProxiedNetwork(needs, balancers);
}

class ProxiedNetwork implements Network {
  readonly #needs: ProxiedNetworkNeeds;
  readonly #balancers: readonly IpNetwork[];
  readonly #offenders = new OffenderTable();
  /** In the order in which they came. */
  readonly #waiting = new Set<Introduction>();

  constructor(needs: ProxiedNetworkNeeds, balancers: readonly IpNetwork[]) {
    this.#needs = needs;
    this.#balancers = balancers;
  }

  bindDatagrams(...[options, receive]: Parameters<Network["bindDatagrams"]>) {
    return this.#needs.network.bindDatagrams(options, receive);
  }

  async listen(
    options: ListenOptions,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Listener> {
    const { local, close } = await this.#needs.network.listen(options, (connection) =>
      this.#isBalancer(connection.remote) ? this.#introduce(connection, accept) : accept(connection),
    );
    return {
      local,
      close: () => {
        const closed = close(); // which waits for the end of every connection
        for (const introduction of this.#waiting) introduction.drop();
        return closed;
      },
    };
  }

  #isBalancer({ address }: SocketAddress): boolean {
    const peer = parsePeerAddress(address);
    return peer !== null && this.#balancers.some((network) => networkContains(network, peer));
  }

  #introduce(
    connection: Connection,
    accept: (connection: Connection) => ConnectionHandler,
  ): ConnectionHandler {
    const [oldest] = this.#waiting;
    if (oldest !== undefined && this.#waiting.size >= WAITING_MAX) oldest.refuse("too many connections wait");
    const introduction = new Introduction(connection, {
      accept: (introduced) => {
        this.#needs.metrics.add("proxied_connections_accepted");
        return accept(introduced);
      },
      refused: (reason) => this.#refused(connection.remote.address, reason),
      over: (ended) => this.#waiting.delete(ended),
    });
    this.#waiting.add(introduction);
    introduction.startTimer(this.#needs.clock);
    return introduction;
  }

  #refused(balancer: string, reason: string): void {
    const { clock, log, metrics } = this.#needs;
    metrics.add("proxied_connections_refused");
    const count = this.#offenders.record(balancer, clock.monotonicMs());
    if (count === 0) return;
    const others = count === 1 ? "" : ` (${count} such since the last line)`;
    log.write("warning", `Connection of balancer ${balancer} without a PROXY header: ${reason}${others}`);
  }
}

type IntroductionHost = {
  accept(connection: Connection): ConnectionHandler;
  refused(reason: string): void;
  /** The introduction waits no longer, whatever came of it. */
  over(introduction: Introduction): void;
};

/** One connection of a balancer: waits for its header, then hands everything on. */
class Introduction implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #host: IntroductionHost;
  readonly #reader = new ProxyHeaderReader();
  #handler: ConnectionHandler | null = null;
  #timer: Timer | null = null;
  #dropped = false;

  constructor(connection: Connection, host: IntroductionHost) {
    this.#connection = connection;
    this.#host = host;
  }

  startTimer(clock: Clock): void {
    this.#timer = clock.after(HEADER_MS_MAX, () => this.refuse(`none within ${HEADER_MS_MAX / 1000} s`));
  }

  data(chunk: Buffer): void {
    if (this.#handler !== null) {
      this.#handler.data(chunk);
      return;
    }
    if (this.#dropped) return;
    const header = this.#reader.push(chunk);
    if (header.code === "violation") this.refuse(header.violation);
    if (header.code !== "header") return;
    this.#end();
    const remote = header.client === null ? this.#connection.remote : clientEnd(header.client);
    this.#handler = this.#host.accept(new IntroducedConnection(this.#connection, remote));
    if (header.rest.length > 0) this.#handler.data(header.rest);
  }

  drained(): void {
    this.#handler?.drained?.();
  }

  secured(chain: CertificateChain): void {
    this.#handler?.secured?.(chain);
  }

  certificateRefused(problem: string, chain: CertificateChain): void {
    this.#handler?.certificateRefused?.(problem, chain);
  }

  closed(reason: string | null): void {
    this.#end();
    this.#handler?.closed(reason);
  }

  refuse(reason: string): void {
    this.#host.refused(reason);
    this.drop();
  }

  drop(): void {
    this.#dropped = true;
    this.#end();
    this.#connection.destroy();
  }

  #end(): void {
    this.#timer?.cancel();
    this.#host.over(this);
  }
}

/** As a socket would give it: the shortest form of an IPv6 address. */
function clientEnd({ address, port }: NonNullable<ProxiedClient>): SocketAddress {
  const text = formatIpAddress(address);
  return { address: address.version === 4 ? text : new URL(`http://[${text}]`).hostname.slice(1, -1), port };
}

class IntroducedConnection implements Connection {
  readonly remote: SocketAddress;
  readonly #connection: Connection;

  constructor(connection: Connection, remote: SocketAddress) {
    this.#connection = connection;
    this.remote = remote;
  }

  get pendingBytes(): number {
    return this.#connection.pendingBytes;
  }

  write(bytes: Uint8Array): void {
    this.#connection.write(bytes);
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  startTls(options: TlsServerOptions, firstBytes: Uint8Array): void {
    this.#connection.startTls(options, firstBytes);
  }
}
