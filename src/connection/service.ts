/**
 * The agent connection service: listens for agents over TCP, UDP or both, and keeps the limits that concern all connections.
 *
 * Runs in the intake thread. What one connection does is `session.ts`; what was decided with which limits stands in `limits.ts`.
 */
import { protocolNames } from "#config/sections/remote.ts";
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
} from "#kernel/ports/network.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { AgentId, KeyWish } from "#model/agent.ts";
import type { AgentCounts } from "#model/agent-counts.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";
import { AgentTable, type AgentTableChange } from "./agent-table.ts";
import type { ConnectionConfig } from "./config.ts";
import { ControlMessages } from "./control-messages.ts";
import { AgentDatagrams } from "./datagrams.ts";
import { ConnectionEvents } from "./events.ts";
import { type FilePush, FilePushes } from "./file-push.ts";
import { KeyWishes } from "./key-wishes.ts";
import {
  DATAGRAM_RECEIVE_BUFFER_BYTES,
  DROPS_PERIOD_MS,
  LOST_PER_SWEEP_MAX,
  RECEIVE_BUFFER_BYTES,
  SILENT_CHECK_PERIOD_MS,
  SWEEP_PERIOD_MS,
  TURN_TICK_MS,
} from "./limits.ts";
import { type CounterFiles, ReceivedCounters, StoredSenderCounter } from "./message-counters.ts";
import type { AgentReports, KeyReports, PushReports } from "./needs.ts";
import { PatientSink } from "./patient-sink.ts";
import { PendingRequests, type RequestOutcome } from "./pending-requests.ts";
import { Presence } from "./presence.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { Sealer } from "./sealer.ts";
import { AgentSession, type SessionNeeds } from "./session.ts";
import { Strangers } from "./strangers.ts";

/** Agents of a whole site connect at once after a network failure. */
const BACKLOG = 4096;
const REFUSED: ConnectionHandler = { data: () => {}, closed: () => {} };

export type ConnectionNeeds = {
  readonly network: Network;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly random: Random;
  readonly files: Files;
  readonly sink: EventSink;
  readonly reports: AgentReports & KeyReports & PushReports;
};

/** Why a message did not go out; the peer's numbers are 1320 and 1245 for the first two. */
export type SendResult = "sent" | "agent_unknown" | "agent_disconnected" | "not_connected" | "output_full";

export class AgentConnectionService {
  readonly #config: ConnectionConfig;
  readonly #needs: ConnectionNeeds;
  readonly #events: ConnectionEvents;
  readonly #table = new AgentTable();
  readonly #sink: PatientSink;
  readonly #presence: Presence;
  readonly #control: ControlMessages;
  readonly #keyWishes = new KeyWishes();
  readonly #strangers = new Strangers<AgentSession>();
  readonly #turns: ReadingTurns<AgentSession>;
  readonly #pushes: FilePushes;
  readonly #requests: PendingRequests;
  #session: SessionNeeds | null = null; // made at the start, which reads files
  #senderCounter: StoredSenderCounter | null = null;
  #received: ReceivedCounters | null = null;
  #listener: Listener | null = null;
  #datagrams: DatagramSocket | null = null;
  #timers: Timer[] = [];
  #connectionNumber = 0;
  /** Silence before it does not count: the service did not listen. */
  #listeningSinceMs = 0;

  constructor(config: ConnectionConfig, needs: ConnectionNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#events = new ConnectionEvents(needs.log, needs.metrics);
    const disconnectionMs = config.disconnectionSeconds * 1000;
    this.#presence = new Presence(disconnectionMs, config.disconnectionAlertSeconds * 1000);
    this.#turns = new ReadingTurns((pressure) => this.#pressureChanged(pressure));
    this.#sink = new PatientSink(needs.sink);
    const { clock, reports } = needs;
    this.#pushes = new FilePushes({ clock, table: this.#table, events: this.#events, reports });
    this.#requests = new PendingRequests(config.requests, {
      clock,
      random: needs.random,
      events: this.#events,
      send: (agentId, message) => this.send(agentId, message) === "sent",
      losesMessages: (agentId) => this.#table.byId(agentId)?.link?.losesParts === true,
    });
    this.#control = new ControlMessages({
      config,
      presence: this.#presence,
      reports: needs.reports,
      sink: this.#sink,
      events: this.#events,
      requests: this.#requests,
    });
  }

  get connections(): number {
    return this.#turns.size;
  }

  get unauthenticated(): number {
    return this.#strangers.size;
  }

  get agents(): number {
    return this.#table.size;
  }

  /** Throws what `Network.listen` throws. */
  async start(): Promise<void> {
    const { clock, files, random, reports } = this.#needs;
    const { countersDirectory, receivedCounterFlush, verifyMessageIds } = this.#config;
    files.makeDirectory(countersDirectory);
    const counterFiles: CounterFiles = { files, directory: countersDirectory, events: this.#events };
    this.#senderCounter = new StoredSenderCounter(counterFiles);
    this.#received = verifyMessageIds ? new ReceivedCounters(counterFiles, receivedCounterFlush) : null;
    this.#session = {
      config: this.#config,
      clock,
      table: this.#table,
      sink: this.#sink,
      control: this.#control,
      reports,
      received: this.#received,
      sealer: new Sealer(this.#senderCounter, random),
      events: this.#events,
      wantKey: (wish, nowMs) => this.#wantKey(wish, nowMs),
      strangers: this.#strangers,
      turns: this.#turns,
    };
    reports.report({ kind: "service_started", atMs: clock.wallMs() });
    await this.#listen(this.#session);
    this.#timers.push(
      clock.every(TURN_TICK_MS, () => this.#turnTick()),
      clock.every(SWEEP_PERIOD_MS, () => this.#sweep()),
      clock.every(SILENT_CHECK_PERIOD_MS, () => this.#closeSilent()),
    );
  }

  async #listen(needs: SessionNeeds): Promise<void> {
    const { host, port, processId, protocols } = this.#config;
    const { clock, files, network } = this.#needs;
    if (protocols.tcp) {
      const options = { host, port, backlog: BACKLOG, receiveBufferBytes: RECEIVE_BUFFER_BYTES };
      this.#listener = await network.listen(options, (connection) => this.#accept(connection));
    }
    if (protocols.udp) {
      let receiver: AgentDatagrams | null = null;
      const options = { host, port, receiveBufferBytes: DATAGRAM_RECEIVE_BUFFER_BYTES };
      this.#datagrams = await network.bindDatagrams(options, (bytes, remote) =>
        receiver?.receive(bytes, remote),
      );
      const datagrams = new AgentDatagrams(this.#datagrams, needs, files);
      receiver = datagrams;
      this.#timers.push(clock.every(DROPS_PERIOD_MS, () => datagrams.lookForLosses()));
    }
    this.#events.started(processId, this.#listener?.local.port ?? port, protocolNames(protocols));
  }

  /** Ends every connection; what was appended to the sink stays, answers that still wait for it are not sent. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#pushes.stop();
    this.#requests.stop();
    const closing = Promise.all([this.#listener?.close(), this.#datagrams?.close()]);
    this.#listener = null;
    this.#datagrams = null;
    this.#sink.retry();
    for (const session of [...this.#turns.all()]) {
      session.drain();
      session.close("service stops");
    }
    this.#events.count("agent_frames_lost", this.#sink.waitingEvents);
    this.#senderCounter?.close();
    this.#received?.close();
    await closing;
  }

  /** A key was added, changed or removed: valid from the next message on. */
  applyKeyChange(change: AgentTableChange): void {
    const retired = this.#table.apply(change);
    if (retired === null) return;
    retired.link?.close("key changed");
    this.#received?.forget(retired.id);
    if (change.kind === "removed") this.#presence.left(retired.id);
  }

  /** What keepalives told was not stored: each agent's next one is told whole, though it says the same. */
  forgetKeepalives(): void {
    for (const agent of this.#table.all()) agent.keepaliveDigest = null;
  }

  /** Sends one message to an agent, in the order of the calls. */
  send(agentId: AgentId, message: Uint8Array): SendResult {
    const agent = this.#table.byId(agentId);
    if (agent === null) return "agent_unknown";
    const { link } = agent;
    if (link === null || !link.greeted) return "not_connected";
    const silentMs = this.#needs.clock.monotonicMs() - link.lastMessageMs;
    // While the service does not listen to an agent its silence says nothing.
    if (!this.#turns.limited && silentMs > this.#config.disconnectionSeconds * 1000)
      return "agent_disconnected";
    return link.send(message) ? "sent" : "output_full";
  }

  /** Asks an agent; `payload` is `<target> <payload>`. */
  request(agentId: AgentId, payload: Uint8Array): Promise<RequestOutcome> {
    return this.#requests.request(agentId, payload);
  }

  /** Null for an agent that said nothing since the start. */
  countsOf(agentId: AgentId): AgentCounts | null {
    return this.#table.byId(agentId)?.statistics.counts ?? null;
  }

  /** Sends a file to an agent, beside all else; `PushReports` is told of the end. */
  push(file: FilePush): void {
    this.#pushes.add(file);
  }

  #accept(connection: Connection): ConnectionHandler {
    const nowMs = this.#needs.clock.monotonicMs();
    if (this.#session === null || this.#turns.size >= this.#config.connectionsMax) {
      this.#events.overConnectionLimit(connection.remote.address, nowMs, this.#config.connectionsMax);
      connection.destroy();
      return REFUSED;
    }
    this.#connectionNumber++;
    const session = new AgentSession(connection, this.#connectionNumber, this.#session);
    this.#events.connected(session.number);
    this.#turns.add(session);
    const evicted = this.#strangers.add(session, nowMs);
    if (evicted !== null) {
      this.#events.count("agent_connections_unauthenticated_evicted");
      evicted.close("too many unauthenticated connections");
    }
    return session;
  }

  #wantKey(wish: KeyWish, nowMs: number): void {
    if (!this.#config.asksForKeys) return;
    const verdict = this.#keyWishes.take(wish, nowMs);
    if (verdict === "over_limit") this.#events.count("agent_key_wishes_over_limit");
    if (verdict !== "new") return;
    this.#events.count("agent_key_wishes");
    this.#needs.reports.keyWanted(wish);
  }

  #turnTick(): void {
    this.#sink.retry();
    this.#turns.update(this.#sink.pressure);
    this.#turns.tick(this.#needs.clock.monotonicMs());
  }

  #sweep(): void {
    this.#events.secondPassed();
    this.#events.gauges(this.#turns.size, this.#strangers.size);
    if (this.#turns.limited) return; // who is not heard cannot be late
    const nowMs = this.#needs.clock.monotonicMs();
    for (const session of this.#strangers.expired(nowMs)) {
      this.#events.count("agent_connections_unauthenticated_timeout");
      session.close("no message of an agent in time");
    }
    const wallMs = this.#needs.clock.wallMs();
    const { lost, due } = this.#presence.sweep(nowMs, LOST_PER_SWEEP_MAX);
    for (const id of lost) {
      const agent = this.#table.byId(id);
      if (agent !== null) this.#control.lost(agent, wallMs);
    }
    if (!this.#config.raisesDisconnected) return;
    for (const id of due) {
      const agent = this.#table.byId(id);
      if (agent !== null) this.#control.raiseDisconnected(agent, wallMs);
    }
  }

  /** A peer that vanished without a word leaves its connection open for ever. */
  #closeSilent(): void {
    if (this.#turns.limited) return;
    const heardAfterMs = this.#needs.clock.monotonicMs() - this.#config.disconnectionSeconds * 1000;
    if (this.#listeningSinceMs > heardAfterMs) return;
    for (const session of [...this.#turns.all()]) {
      if (session.lastReadMs >= heardAfterMs) continue;
      this.#events.count("agent_connections_silent");
      session.close("silent");
    }
  }

  #pressureChanged(pressure: Pressure): void {
    this.#events.pressure(pressure, this.#turns.size);
    if (pressure !== "none") return;
    const nowMs = this.#needs.clock.monotonicMs();
    this.#listeningSinceMs = nowMs;
    this.#presence.restart(nowMs);
    this.#strangers.restart(nowMs);
  }
}
