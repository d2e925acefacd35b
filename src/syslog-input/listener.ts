/**
 * One listener for syslog, over UDP, TCP or TLS: one `<remote>` block. Runs in the intake thread.
 *
 * What one connection does is `session.ts`; over UDP nothing can be made to wait, so what there is no room for is lost, counted,
 * and told as an event.
 */

import { withoutLineEnd } from "#formats/syslog/message.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type {
  Connection,
  ConnectionHandler,
  DatagramSocket,
  Listener,
  Network,
  SocketAddress,
} from "#kernel/ports/network.ts";
import { UdpDrops } from "#kernel/udp-drops.ts";
import type { EventSink } from "#model/event-sink.ts";
import { ListenerLosses } from "#model/listener-losses.ts";
import { ruleText } from "./access.ts";
import type { SyslogListenerConfig } from "./config.ts";
import { SyslogEvents } from "./events.ts";
import { eventOf } from "./intake.ts";
import {
  BACKLOG,
  CONNECTIONS_MAX,
  CONNECTIONS_OF_SENDER_MAX,
  DATAGRAM_RECEIVE_BUFFER_BYTES,
  DROPS_PERIOD_MS,
  OVERDUE_CHECK_PERIOD_MS,
  WAIT_TICK_MS,
} from "./limits.ts";
import { type Sender, Senders } from "./senders.ts";
import { type SessionNeeds, SyslogSession } from "./session.ts";
import { readTls } from "./tls.ts";

const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

export type SyslogNeeds = {
  readonly network: Network;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly sink: EventSink;
};

export class SyslogListener {
  readonly #config: SyslogListenerConfig;
  readonly #needs: SyslogNeeds;
  readonly #events: SyslogEvents;
  readonly #senders: Senders<SyslogSession>;
  readonly #sessions = new Set<SyslogSession>();
  readonly #waiting = new Set<SyslogSession>();
  readonly #losses: ListenerLosses;
  #listener: Listener | null = null;
  #datagrams: DatagramSocket | null = null;
  #drops: UdpDrops | null = null;
  #timers: Timer[] = [];

  constructor(config: SyslogListenerConfig, needs: SyslogNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#events = new SyslogEvents(needs);
    this.#senders = new Senders(config, config.messagesPerSecond);
    const protocol = config.protocol === "udp" ? "UDP" : "TCP";
    this.#losses = new ListenerLosses({ port: config.port, protocol, connection: "syslog" });
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#listener ?? this.#datagrams)?.local.port ?? this.#config.port;
  }

  /** Connections, and ended ones that still have something for the journal. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Throws what `Network.listen` throws, and `certificate_unusable`. */
  async start(): Promise<void> {
    const { clock } = this.#needs;
    const { allowed, processId, protocol } = this.#config;
    for (const rule of allowed) this.#events.allowedFrom(ruleText(rule));
    if (protocol === "udp") await this.#startUdp();
    else await this.#startTcp();
    this.#timers.push(clock.every(1000, () => this.#events.secondPassed()));
    this.#events.started(processId, `${this.port}/${protocol.toUpperCase()} (syslog)`);
  }

  /** Takes what was received as far as the journal has room for it. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    const closing = Promise.all([this.#listener?.close(), this.#datagrams?.close()]);
    if (this.#datagrams !== null) this.#lookForLosses();
    for (const session of [...this.#sessions]) session.giveUp();
    await closing;
  }

  async #startTcp(): Promise<void> {
    const { clock, files, network, sink } = this.#needs;
    const { format, host, port, tls } = this.#config;
    const needs: SessionNeeds = {
      clock,
      sink,
      events: this.#events,
      format,
      tls: tls === null ? null : readTls(files, tls),
      sessions: this.#sessions,
      waiting: this.#waiting,
      held: { bytes: 0 },
    };
    this.#listener = await network.listen({ host, port, backlog: BACKLOG }, (connection) =>
      this.#accept(connection, needs),
    );
    this.#timers.push(
      clock.every(WAIT_TICK_MS, () => this.#goOn()),
      clock.every(OVERDUE_CHECK_PERIOD_MS, () => this.#closeOverdue()),
    );
  }

  async #startUdp(): Promise<void> {
    const { clock, files, network } = this.#needs;
    const { host, port } = this.#config;
    const options = { host, port, receiveBufferBytes: DATAGRAM_RECEIVE_BUFFER_BYTES };
    this.#datagrams = await network.bindDatagrams(options, (bytes, remote) => this.#receive(bytes, remote));
    this.#drops = new UdpDrops(files, this.port);
    this.#timers.push(clock.every(DROPS_PERIOD_MS, () => this.#lookForLosses()));
  }

  #accept(connection: Connection, needs: SessionNeeds): ConnectionHandler {
    const { address } = connection.remote;
    const nowMs = this.#needs.clock.monotonicMs();
    const sender = this.#senders.of(address, nowMs);
    if (sender === null) {
      this.#events.refused(address, nowMs);
      connection.destroy();
      return REFUSED;
    }
    if (this.#sessions.size >= CONNECTIONS_MAX) {
      this.#events.overConnectionLimit(address, nowMs, CONNECTIONS_MAX);
      connection.destroy();
      return REFUSED;
    }
    if (sender.connections.size >= CONNECTIONS_OF_SENDER_MAX) this.#evictOneOf(sender);
    return new SyslogSession(connection, sender, needs);
  }

  #evictOneOf(sender: Sender<SyslogSession>): void {
    const [first, ...others] = sender.connections;
    if (first === undefined) return;
    const silent = others.reduce(
      (oldest, next) => (next.lastReadMs < oldest.lastReadMs ? next : oldest),
      first,
    );
    this.#events.count("syslog_connections_evicted");
    silent.close();
  }

  #receive(bytes: Buffer, { address }: SocketAddress): void {
    const { clock, sink } = this.#needs;
    const nowMs = clock.monotonicMs();
    const sender = this.#senders.of(address, nowMs);
    if (sender === null) {
      this.#events.refused(address, nowMs);
      return;
    }
    this.#events.count("syslog_bytes_received", bytes.length);
    if (!sender.withinRate(nowMs)) {
      this.#events.count("syslog_datagrams_over_rate");
      this.#losses.add("limit", 1);
      return;
    }
    sender.took();
    const received = { message: withoutLineEnd(bytes), cut: false, location: sender.location };
    const event = eventOf({ ...received, receivedMs: clock.wallMs() }, this.#config.format, this.#events);
    if (event === null) return;
    if (sink.pressure !== "full" && sink.append(event)) {
      this.#events.count("syslog_messages");
      return;
    }
    this.#events.count("syslog_datagrams_dropped");
    this.#losses.add("journal", 1);
  }

  #goOn(): void {
    const sessions = [...this.#waiting];
    this.#waiting.clear();
    for (const session of sessions) session.goOn();
  }

  /** A sender that vanished without a word leaves its connection open for ever. */
  #closeOverdue(): void {
    const nowMs = this.#needs.clock.monotonicMs();
    const { idleSeconds } = this.#config;
    const idleMsMax = idleSeconds === 0 ? Number.POSITIVE_INFINITY : idleSeconds * 1000;
    for (const session of [...this.#sessions]) {
      if (!session.isOverdue(nowMs, idleMsMax)) continue;
      this.#events.count("syslog_connections_overdue");
      session.close();
    }
  }

  #lookForLosses(): void {
    const { clock, sink } = this.#needs;
    const dropped = this.#drops?.fresh() ?? 0;
    if (dropped > 0) this.#events.count("syslog_datagrams_dropped_by_kernel", dropped);
    this.#losses.add("receive_buffer", dropped);
    const nowMs = clock.monotonicMs();
    const notice = this.#losses.notice(nowMs, clock.wallMs());
    if (notice === null || !sink.append(notice)) return;
    this.#losses.said(nowMs);
    this.#events.lost(notice.message);
  }
}
