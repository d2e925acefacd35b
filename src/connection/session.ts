/**
 * One TCP connection to the agent port: frames in, events to the sink, answers out.
 *
 * Memory held for it: one chunk's frames and an unfinished one, `OUTPUT_PENDING_BYTES_MAX` of output, `ANSWERS_WAITING_MAX` answers.
 * Messages are handled in the order of arrival, before the next chunk is read; answers leave in that order too.
 */
import { AGENT_ACK, isControlMessage } from "#formats/wire/agent/control.ts";
import type { Counters } from "#formats/wire/agent/counters.ts";
import { PONG } from "#formats/wire/agent/envelope.ts";
import { encodeFrame, FrameDecoder } from "#formats/wire/agent/frame.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import { parsePeerAddress } from "#model/address.ts";
import type { KeyWish } from "#model/agent.ts";
import { admit, type Opened, type Peer } from "./admission.ts";
import { appendEvent } from "./agent-event.ts";
import type { AgentLink, AgentTable, KnownAgent } from "./agent-table.ts";
import type { ConnectionConfig } from "./config.ts";
import type { Arrival, ControlMessages } from "./control-messages.ts";
import type { ConnectionEvents, RefusalCode } from "./events.ts";
import {
  ANSWERS_WAITING_MAX,
  BUSY_ACK_AFTER_MS,
  OUTPUT_PENDING_BYTES_MAX,
  PONG_PENDING_BYTES_MAX,
  UNAUTHENTICATED_HELD_BYTES_MAX,
  UNSOLICITED_ACK_AFTER_MS,
  WORK_BYTES_MAX,
  WORK_FRAMES_MAX,
} from "./limits.ts";
import type { ReceivedCounters } from "./message-counters.ts";
import type { AgentReports } from "./needs.ts";
import type { PatientSink } from "./patient-sink.ts";
import type { ReadingTurns, TurnTaker } from "./reading-turns.ts";
import type { Sealer } from "./sealer.ts";
import type { Strangers } from "./strangers.ts";

const NO_FRAMES: readonly Buffer[] = [];
const PONG_FRAME = encodeFrame(PONG);

export type SessionNeeds = {
  readonly config: ConnectionConfig;
  readonly clock: Clock;
  readonly table: AgentTable;
  readonly sink: PatientSink;
  readonly control: ControlMessages;
  readonly reports: AgentReports;
  /** Null: repeated messages are accepted. */
  readonly received: ReceivedCounters | null;
  readonly sealer: Sealer;
  readonly events: ConnectionEvents;
  /** A message was refused for want of a key. */
  readonly wantKey: (wish: KeyWish, nowMs: number) => void;
  readonly strangers: Strangers<AgentSession>;
  readonly turns: ReadingTurns<AgentSession>;
};

export class AgentSession implements AgentLink, TurnTaker, ConnectionHandler {
  readonly number: number;
  readonly yields = false;
  readonly losesParts = false;
  readonly #connection: Connection;
  readonly #needs: SessionNeeds;
  readonly #peer: Peer;
  readonly #decoder = new FrameDecoder();
  /** Whose key opened the first message; a connection serves one agent. */
  #agent: KnownAgent | null = null;
  #greeted = false;
  #closed = false;
  #lastReadMs: number;
  #lastMessageMs: number;
  #lastSentMs: number;
  #answersWaiting = 0;
  /** Frames that were read and are not handled; between calls at most what one chunk brought. */
  #frames: readonly Buffer[] = NO_FRAMES;
  /** Bytes of the messages opened in this call. */
  #workBytes = 0;
  /** Output of the chunk being handled: it leaves in one write. Null outside. */
  #batch: Uint8Array[] | null = null;
  #batchBytes = 0;

  constructor(connection: Connection, number: number, needs: SessionNeeds) {
    this.number = number;
    this.#connection = connection;
    this.#needs = needs;
    const { address } = connection.remote;
    this.#peer = { text: address, address: parsePeerAddress(address) };
    const nowMs = needs.clock.monotonicMs();
    this.#lastReadMs = nowMs;
    this.#lastMessageMs = nowMs;
    this.#lastSentMs = nowMs;
  }

  get lastMessageMs(): number {
    return this.#lastMessageMs;
  }

  get lastReadMs(): number {
    return this.#lastReadMs;
  }

  get greeted(): boolean {
    return this.#greeted;
  }

  get pendingBytes(): number {
    return this.#unsentBytes;
  }

  get authenticated(): boolean {
    return this.#agent !== null;
  }

  data(chunk: Buffer): void {
    if (this.#closed) return;
    const { clock, events } = this.#needs;
    this.#lastReadMs = clock.monotonicMs();
    const { frames, violation } = this.#decoder.push(chunk);
    events.received(chunk.length, frames.length);
    this.#frames = this.#frames.length === 0 ? frames : [...this.#frames, ...frames];
    this.#work();
    // Its keepalives stand behind its own events, which the system holds minutes of: it must not take us for dead.
    if (this.#lastReadMs - this.#lastSentMs >= BUSY_ACK_AFTER_MS) this.keepAlive(this.#lastReadMs);
    if (violation !== null) {
      const text = `Too big message size from socket [${this.number}].`;
      this.#refuse("frame_too_long", this.#lastReadMs, text);
    } else if (!this.authenticated && this.#decoder.heldBytes > UNAUTHENTICATED_HELD_BYTES_MAX) {
      const text = `Too big first message from socket [${this.number}].`;
      this.#refuse("first_frame_too_long", this.#lastReadMs, text);
    }
    this.#chunkDone();
  }

  closed(reason: string | null): void {
    this.drain();
    if (this.#finish()) this.#needs.events.disconnected(this.number, reason);
  }

  /** Handles what was read, as far as the journal takes it: before an end that is not the fault of what was sent. */
  drain(): void {
    while (this.#frames.length > 0 && !this.#needs.sink.blocked) this.#work();
  }

  close(reason: string): void {
    if (!this.#finish()) return;
    this.#needs.events.closed(this.number, reason);
    this.#connection.destroy();
  }

  send(message: Uint8Array): boolean {
    return this.#send(message, true);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    const { clock, events, sealer } = this.#needs;
    const agent = this.#agent;
    if (this.#closed || agent === null) return false;
    const nowMs = clock.monotonicMs();
    this.#lastSentMs = nowMs;
    const bytes = Buffer.concat(parts.map((part) => encodeFrame(sealer.sealPart(agent, part, nowMs))));
    this.#write(bytes);
    agent.statistics.sentParts(parts.length);
    events.sentParts(parts.length, bytes.length);
    return true;
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    if (this.#closed) return;
    if (this.#frames.length > 0) {
      this.#work();
      this.#chunkDone();
      if (this.#frames.length > 0 || this.#needs.turns.limited) return; // that was its chunk
    }
    this.#connection.resume();
  }

  keepAlive(nowMs: number): void {
    if (!this.#greeted || nowMs - this.#lastSentMs < UNSOLICITED_ACK_AFTER_MS) return;
    if (this.#send(AGENT_ACK, false)) this.#needs.events.count("agent_acks_unsolicited");
  }

  /** Handles frames in their order, for a few milliseconds at most and not beyond one that the journal could not take. */
  #work(): void {
    const { clock, sink } = this.#needs;
    const arrival = {
      wallMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
      peerAddress: this.#peer.text,
    };
    const frames = this.#frames;
    let handled = 0;
    this.#workBytes = 0;
    this.#batch = [];
    for (const frame of frames) {
      if (sink.blocked || handled >= WORK_FRAMES_MAX || this.#workBytes >= WORK_BYTES_MAX) break;
      this.#payload(frame, arrival);
      if (this.#closed) return;
      handled++;
    }
    this.#frames = handled === frames.length ? NO_FRAMES : frames.slice(handled);
    this.#flushBatch();
  }

  #chunkDone(): void {
    const { clock, sink, turns } = this.#needs;
    if (this.#closed) return;
    turns.chunkRead(this, sink.pressure);
    if (this.#frames.length === 0 || turns.limited) return;
    this.#connection.pause();
    clock.after(0, () => {
      if (!turns.limited) this.resume(); // else its turn brings it on
    });
  }

  #payload(payload: Buffer, arrival: Arrival): void {
    const { events, table } = this.#needs;
    const admission = admit(payload, this.#peer, table);
    switch (admission.kind) {
      case "ping":
        events.count("agent_pings");
        if (this.#unsentBytes <= PONG_PENDING_BYTES_MAX) this.#write(PONG_FRAME);
        else events.count("agent_output_over_limit");
        break;
      case "refused":
        if (admission.wish !== null) this.#needs.wantKey(admission.wish, arrival.monotonicMs);
        this.#refuse(admission.code, arrival.monotonicMs, admission.log);
        break;
      case "opened":
        this.#opened(admission, arrival);
    }
  }

  #opened({ agent, message, counters, cipher }: Opened, arrival: Arrival): void {
    const { control, received } = this.#needs;
    if (received !== null && !this.#isNew(received, agent, counters, arrival)) return;
    if (agent.link !== this && !this.#speakFor(agent, arrival.monotonicMs)) return;
    agent.speaks(cipher);
    this.#lastMessageMs = arrival.monotonicMs;
    this.#workBytes += message.length;
    if (!isControlMessage(message)) {
      appendEvent(agent, message, arrival, this.#needs);
      return;
    }
    this.#greeted = true;
    const { answer, goodbye } = control.handle(agent, message, arrival);
    if (answer !== null) this.#answerWhenDurable(answer);
    if (goodbye) this.#release();
  }

  #isNew(received: ReceivedCounters, agent: KnownAgent, counters: Counters, arrival: Arrival): boolean {
    const verdict = received.check(agent, counters, arrival.peerAddress);
    if (verdict.code === "VALID") return true;
    this.#refuse("counter_repeated", arrival.monotonicMs, verdict.logs.join(" "));
    return false;
  }

  /** One connection speaks for an agent: this one from now on, or it is closed. */
  #speakFor(agent: KnownAgent, nowMs: number): boolean {
    const { config, events, strangers } = this.#needs;
    if (this.#agent !== null && this.#agent !== agent) {
      const text = `Connection of agent ID '${this.#agent.id}' used by agent ID '${agent.id}'`;
      this.#refuse("agent_changed", nowMs, text);
      return false;
    }
    const holder = agent.link;
    if (holder !== null && !holder.yields) {
      const overtakeMs = config.overtakeSeconds * 1000;
      if (overtakeMs === 0 || nowMs - holder.lastMessageMs <= overtakeMs) {
        this.#refuse("key_in_use", nowMs, `Agent key already in use: agent ID '${agent.id}'`);
        return false;
      }
      events.overtaken(holder.number, agent.id);
    }
    holder?.close("overtaken");
    agent.link = this;
    this.#agent = agent;
    strangers.remove(this);
    return true;
  }

  #answerWhenDurable(answer: Uint8Array): void {
    const { events, sink } = this.#needs;
    if (this.#answersWaiting >= ANSWERS_WAITING_MAX) {
      events.count("agent_answers_over_limit");
      return;
    }
    this.#answersWaiting++;
    sink.whenDurable(() => {
      this.#answersWaiting--;
      this.#send(answer, true);
    });
  }

  #send(message: Uint8Array, confirms: boolean): boolean {
    const { clock, events, sealer } = this.#needs;
    if (this.#closed || this.#agent === null) return false;
    if (this.#unsentBytes > OUTPUT_PENDING_BYTES_MAX) {
      events.count("agent_output_over_limit");
      this.#agent.statistics.notSent();
      return false;
    }
    this.#lastSentMs = clock.monotonicMs();
    const bytes = encodeFrame(sealer.seal(this.#agent, message, confirms, this.#lastSentMs));
    this.#write(bytes);
    events.sent(this.#agent.statistics.sent(message), bytes.length);
    return true;
  }

  get #unsentBytes(): number {
    return this.#connection.pendingBytes + this.#batchBytes;
  }

  #write(bytes: Uint8Array): void {
    if (this.#batch === null) {
      this.#connection.write(bytes);
    } else {
      this.#batch.push(bytes);
      this.#batchBytes += bytes.length;
    }
  }

  #flushBatch(): void {
    const batch = this.#batch ?? [];
    this.#batch = null;
    this.#batchBytes = 0;
    const [first] = batch;
    if (first !== undefined) this.#connection.write(batch.length === 1 ? first : Buffer.concat(batch));
  }

  #refuse(code: RefusalCode, nowMs: number, text: string): void {
    this.#needs.events.refused(code, this.#peer.text, nowMs, text);
    this.close(code);
  }

  #release(): void {
    if (this.#agent?.link === this) this.#agent.link = null;
    this.#greeted = false;
  }

  /** False when it was finished before. */
  #finish(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#batch = null;
    if (this.#frames.length > 0) this.#needs.events.count("agent_frames_lost", this.#frames.length);
    this.#frames = NO_FRAMES;
    this.#release();
    this.#needs.strangers.remove(this);
    this.#needs.turns.remove(this);
    return true;
  }
}
