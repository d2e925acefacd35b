/**
 * One TCP connection of a sender: messages in, events out.
 *
 * Nothing that was read is lost while the manager runs: what the journal or the sender's rate has no room for stays here, the
 * connection is not read, and the sender waits. A session whose connection has ended stays until it is empty, and counts as a
 * connection so long.
 */
import { SyslogFramer } from "#formats/syslog/framing.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Connection, ConnectionHandler, TlsServerOptions } from "#kernel/ports/network.ts";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink } from "#model/event-sink.ts";
import type { SyslogListenerConfig } from "./config.ts";
import type { SyslogEvents } from "./events.ts";
import { eventOf } from "./intake.ts";
import { HANDSHAKE_MS_MAX, HELD_BYTES_MAX, WORK_MESSAGES_MAX } from "./limits.ts";
import type { Sender } from "./senders.ts";

export type SessionNeeds = {
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly events: SyslogEvents;
  readonly format: SyslogListenerConfig["format"];
  readonly tls: TlsServerOptions | null;
  /** All that are not finished. */
  readonly sessions: Set<SyslogSession>;
  /** Those that cannot go on for now; the listener lets them try again. */
  readonly waiting: Set<SyslogSession>;
  /** Bytes of unfinished messages, all sessions together. */
  readonly held: { bytes: number };
};

/** `empty`: nothing is left to do. `blocked`: time must pass. `busy`: others have their turn first. */
type Progress = "empty" | "blocked" | "busy";

export class SyslogSession implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #sender: Sender<SyslogSession>;
  readonly #needs: SessionNeeds;
  readonly #framer = new SyslogFramer();
  /** What the journal had no room for. */
  #refused: EventInput | null = null;
  #heldBytes = 0;
  #lastReadMs: number;
  /** Null where there is no TLS. */
  #tls: "awaited" | "handshake" | "failed" | "secured" | null;
  #paused = false;
  #ended = false;
  #finished = false;

  constructor(connection: Connection, sender: Sender<SyslogSession>, needs: SessionNeeds) {
    this.#connection = connection;
    this.#sender = sender;
    this.#needs = needs;
    this.#lastReadMs = needs.clock.monotonicMs();
    this.#tls = needs.tls === null ? null : "awaited";
    needs.sessions.add(this);
    sender.connections.add(this);
    needs.events.connected();
  }

  get lastReadMs(): number {
    return this.#lastReadMs;
  }

  /** Whether its time is over: for the handshake, or without a byte. Not being read is no silence of the sender. */
  isOverdue(nowMs: number, idleMsMax: number): boolean {
    const silentMs = nowMs - this.#lastReadMs;
    if (this.#tls !== null && this.#tls !== "secured") return silentMs >= HANDSHAKE_MS_MAX;
    return !this.#paused && silentMs >= idleMsMax;
  }

  data(chunk: Buffer): void {
    if (this.#ended) return;
    this.#lastReadMs = this.#needs.clock.monotonicMs();
    const { tls } = this.#needs;
    if (tls !== null && this.#tls === "awaited") {
      // Not before its first byte: a silent TCP connection costs an eighth of a silent TLS one.
      this.#startTls(tls, chunk);
      return;
    }
    this.#needs.events.count("syslog_bytes_received", chunk.length);
    this.#framer.push(chunk);
    this.goOn();
  }

  secured(): void {
    this.#tls = "secured";
  }

  certificateRefused(problem: string): void {
    this.#tlsFailed(problem);
  }

  closed(reason: string | null): void {
    if (this.#ended) return;
    if (this.#tls === "handshake" && reason !== null) this.#tlsFailed(reason);
    this.#ended = true;
    this.#needs.events.disconnected(this.#sender.location, reason);
    this.goOn();
  }

  close(): void {
    this.#connection.destroy();
    this.closed("closed here");
  }

  /** Handles what was read as far as there is room, and reads on when there is. */
  goOn(): void {
    if (this.#finished) return;
    const { clock, sink, waiting } = this.#needs;
    const progress = this.#work();
    this.#boundHeld();
    if (progress === "busy") {
      this.#pause();
      clock.after(0, () => this.goOn());
    } else if (progress === "blocked") {
      this.#wait(waiting);
    } else if (this.#ended) {
      this.#finish();
    } else if (sink.pressure !== "none") {
      this.#wait(waiting);
    } else if (this.#paused) {
      this.#paused = false;
      this.#lastReadMs = clock.monotonicMs();
      this.#connection.resume();
    }
  }

  /** The manager stops: one last try, then what is left is counted as lost. */
  giveUp(): void {
    this.#connection.destroy();
    this.#ended = true;
    while (this.#work() === "busy");
    let lost = this.#refused === null ? 0 : 1;
    while ((this.#framer.next() ?? this.#framer.flush()) !== null) lost++;
    if (lost > 0) this.#needs.events.count("syslog_messages_lost", lost);
    this.#finish();
  }

  #startTls(tls: TlsServerOptions, firstBytes: Buffer): void {
    this.#tls = "handshake";
    try {
      this.#connection.startTls(tls, firstBytes);
    } catch (error) {
      // OpenSSL does not take the certificates after all: every client fails, none may stop us.
      this.#tlsFailed(messageOf(error));
      this.close();
    }
  }

  #tlsFailed(reason: string): void {
    this.#tls = "failed";
    const { clock, events } = this.#needs;
    events.tlsFailed(this.#sender.location, clock.monotonicMs(), reason);
  }

  #work(): Progress {
    const { clock, events, sink } = this.#needs;
    if (this.#refused !== null) {
      if (!sink.append(this.#refused)) return "blocked";
      this.#refused = null;
      events.count("syslog_messages");
    }
    const nowMs = clock.monotonicMs();
    const receivedMs = clock.wallMs();
    for (let handled = 0; handled < WORK_MESSAGES_MAX; handled++) {
      // Whoever has hung up cannot be slowed down any more.
      if (!this.#ended && !this.#sender.withinRate(nowMs)) return "blocked";
      const framed = this.#framer.next() ?? this.#unfinished();
      if (framed === null) return "empty";
      this.#sender.took();
      if (!this.#append(framed.message, framed.cut, receivedMs)) return "blocked";
    }
    return "busy";
  }

  /** At the end of the connection the part of a message that came is a message; the peer loses it. */
  #unfinished(): { readonly message: Buffer; readonly cut: boolean } | null {
    const framed = this.#ended ? this.#framer.flush() : null;
    if (framed === null) return null;
    this.#needs.events.count("syslog_messages_unfinished");
    return { message: framed.message, cut: false };
  }

  /** False when the journal has no room: the event is kept. */
  #append(message: Buffer, cut: boolean, receivedMs: number): boolean {
    const { events, format, sink } = this.#needs;
    const event = eventOf({ message, cut, location: this.#sender.location, receivedMs }, format, events);
    if (event === null) return true;
    if (sink.append(event)) {
      events.count("syslog_messages");
      return true;
    }
    this.#refused = event;
    return false;
  }

  #boundHeld(): void {
    const { clock, held } = this.#needs;
    this.#accountHeld();
    if (held.bytes <= HELD_BYTES_MAX || this.#refused !== null) return;
    const framed = this.#framer.flush();
    if (framed !== null) this.#append(framed.message, true, clock.wallMs());
    this.#accountHeld();
  }

  #accountHeld(): void {
    const { heldBytes } = this.#framer;
    this.#needs.held.bytes += heldBytes - this.#heldBytes;
    this.#heldBytes = heldBytes;
  }

  #wait(waiting: Set<SyslogSession>): void {
    this.#pause();
    waiting.add(this);
  }

  #pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#needs.events.count("syslog_waits");
    this.#connection.pause();
  }

  #finish(): void {
    this.#finished = true;
    this.#accountHeld();
    this.#needs.sessions.delete(this);
    this.#needs.waiting.delete(this);
    this.#sender.connections.delete(this);
  }
}
