/**
 * Agents that report over UDP: one socket for all, no connections. Where an agent's last control message came from is where it is answered.
 *
 * Nothing can be made to wait here: what the journal does not take is lost and counted, and so is what the message counters show to be
 * missing on the way, and what the kernel dropped before it was read. What was lost here is told as an event.
 */
import { isControlMessage } from "#formats/wire/agent/control.ts";
import { type Counters, sequenceOf } from "#formats/wire/agent/counters.ts";
import { PONG } from "#formats/wire/agent/envelope.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { DatagramSocket, SocketAddress } from "#kernel/ports/network.ts";
import { UdpDrops } from "#kernel/udp-drops.ts";
import { parsePeerAddress } from "#model/address.ts";
import { ListenerLosses } from "#model/listener-losses.ts";
import { admit, type Opened } from "./admission.ts";
import { appendEvent } from "./agent-event.ts";
import type { AgentLink, KnownAgent } from "./agent-table.ts";
import type { Arrival } from "./control-messages.ts";
import { ANSWERS_WAITING_MAX, COUNTER_JUMP_MAX, COUNTER_LATE_MAX, DATAGRAM_BYTES_MAX } from "./limits.ts";
import type { SessionNeeds } from "./session.ts";

export type DatagramNeeds = Omit<SessionNeeds, "strangers" | "turns">;

/** What is known of one agent that reports over UDP. */
class DatagramLink implements AgentLink {
  readonly number = 0;
  readonly yields = true;
  readonly losesParts = true;
  readonly pendingBytes = 0;
  readonly #needs: DatagramNeeds;
  readonly #agent: KnownAgent;
  readonly #socket: DatagramSocket;
  /** Null until a control message came. */
  #remote: SocketAddress | null = null;
  #lastMessageMs = 0;
  #highestSequence: number | null = null;
  #answersWaiting = 0;

  constructor(agent: KnownAgent, socket: DatagramSocket, needs: DatagramNeeds) {
    this.#agent = agent;
    this.#socket = socket;
    this.#needs = needs;
  }

  get lastMessageMs(): number {
    return this.#lastMessageMs;
  }

  get greeted(): boolean {
    return this.#remote !== null;
  }

  heard(counters: Counters, nowMs: number): void {
    this.#lastMessageMs = nowMs;
    const sequence = sequenceOf(counters);
    const highest = this.#highestSequence;
    const step = highest === null ? 1 : sequence - highest;
    if (step < -COUNTER_LATE_MAX || step > COUNTER_JUMP_MAX)
      this.#highestSequence = sequence; // it counts anew
    else if (step <= 0) this.#needs.events.count("agent_datagrams_late");
    else {
      if (step > 1) {
        this.#needs.events.count("agent_datagrams_missing", step - 1);
        this.#agent.statistics.missed(step - 1);
      }
      this.#highestSequence = sequence;
    }
  }

  greetedFrom(remote: SocketAddress): void {
    this.#remote = remote;
  }

  answerWhenDurable(answer: Uint8Array): void {
    const { events, sink } = this.#needs;
    if (sink.blocked || this.#answersWaiting >= ANSWERS_WAITING_MAX) {
      events.count("agent_answers_over_limit");
      return;
    }
    this.#answersWaiting++;
    sink.whenDurable(() => {
      this.#answersWaiting--;
      this.send(answer);
    });
  }

  send(message: Uint8Array): boolean {
    if (this.#remote === null) return false;
    const { clock, events, sealer } = this.#needs;
    const nowMs = clock.monotonicMs();
    const bytes = sealer.seal(this.#agent, message, true, nowMs);
    if (bytes.length > DATAGRAM_BYTES_MAX) {
      events.datagramTooLong(this.#agent.id, bytes.length, this.#remote.address, nowMs);
      this.#agent.statistics.notSent();
      return false;
    }
    this.#socket.send(bytes, this.#remote);
    events.sent(this.#agent.statistics.sent(message), bytes.length);
    return true;
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (this.#remote === null) return false;
    const { clock, events, sealer } = this.#needs;
    const nowMs = clock.monotonicMs();
    for (const part of parts) {
      const bytes = sealer.sealPart(this.#agent, part, nowMs);
      this.#socket.send(bytes, this.#remote);
      events.sentParts(1, bytes.length);
    }
    this.#agent.statistics.sentParts(parts.length);
    return true;
  }

  close(): void {
    this.#remote = null;
    if (this.#agent.link === this) this.#agent.link = null;
  }
}

export class AgentDatagrams {
  readonly #needs: DatagramNeeds;
  readonly #socket: DatagramSocket;
  readonly #drops: UdpDrops;
  readonly #losses: ListenerLosses;

  constructor(socket: DatagramSocket, needs: DatagramNeeds, files: Files) {
    this.#socket = socket;
    this.#needs = needs;
    const { port } = socket.local;
    this.#drops = new UdpDrops(files, port);
    this.#losses = new ListenerLosses({ port, protocol: "UDP", connection: "secure" });
  }

  /** Asks the kernel what it dropped, and tells what was lost when it is time to. */
  lookForLosses(): void {
    const { clock, events, sink } = this.#needs;
    const dropped = this.#drops.fresh();
    if (dropped > 0) events.count("agent_datagrams_dropped_by_kernel", dropped);
    this.#losses.add("receive_buffer", dropped);
    const nowMs = clock.monotonicMs();
    const notice = this.#losses.notice(nowMs, clock.wallMs());
    if (notice === null) return;
    sink.append(notice);
    this.#losses.said(nowMs);
    events.lost(notice.message);
  }

  receive(payload: Buffer, remote: SocketAddress): void {
    const { clock, events, sink, table } = this.#needs;
    events.count("agent_datagrams_received");
    events.count("agent_bytes_received", payload.length);
    if (sink.blocked) {
      events.count("agent_datagrams_dropped");
      this.#losses.add("journal", 1);
      return;
    }
    const peer = { text: remote.address, address: parsePeerAddress(remote.address) };
    const admission = admit(payload, peer, table);
    const arrival = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs(), peerAddress: peer.text };
    switch (admission.kind) {
      case "ping":
        events.count("agent_pings");
        this.#socket.send(PONG, remote); // as long as the question: nothing to gain by a forged address
        break;
      case "refused":
        if (admission.wish !== null) this.#needs.wantKey(admission.wish, arrival.monotonicMs);
        events.refused(admission.code, peer.text, arrival.monotonicMs, admission.log);
        break;
      case "opened":
        this.#opened(admission, remote, arrival);
    }
  }

  #opened({ agent, message, counters, cipher }: Opened, remote: SocketAddress, arrival: Arrival): void {
    const { control, events, received } = this.#needs;
    const verdict = received?.check(agent, counters, arrival.peerAddress);
    if (verdict !== undefined && verdict.code !== "VALID") {
      events.refused("counter_repeated", arrival.peerAddress, arrival.monotonicMs, verdict.logs.join(" "));
      return;
    }
    agent.speaks(cipher);
    const link = this.#linkOf(agent);
    link?.heard(counters, arrival.monotonicMs);
    if (!isControlMessage(message)) {
      appendEvent(agent, message, arrival, this.#needs);
      return;
    }
    const bound = link ?? this.#bind(agent, counters, arrival.monotonicMs);
    bound.greetedFrom(remote);
    const { answer, goodbye } = control.handle(agent, message, arrival);
    if (answer !== null) bound.answerWhenDurable(answer);
    if (goodbye) bound.close();
  }

  #linkOf(agent: KnownAgent): DatagramLink | null {
    return agent.link instanceof DatagramLink ? agent.link : null;
  }

  /** From now on the agent is spoken to over UDP; a TCP connection that it had is of the past. */
  #bind(agent: KnownAgent, counters: Counters, nowMs: number): DatagramLink {
    agent.link?.close("agent reports over UDP");
    const link = new DatagramLink(agent, this.#socket, this.#needs);
    link.heard(counters, nowMs);
    agent.link = link;
    return link;
  }
}
