/**
 * The peer's socket of events, `queue/sockets/queue`: what scripts and integrations of this host send goes to the journal, for agent 000 or the
 * agent that its location names. Nothing is dropped for want of room: while the journal has pressure nothing is read, and senders wait.
 */

import { type QueueMessageError, splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { DatagramSocket, UnixDatagrams } from "#kernel/ports/unix-datagrams.ts";
import { printable } from "#kernel/printable.ts";
import { parseAgentId } from "#model/agent.ts";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink } from "#model/event-sink.ts";
import { LOG_PERIOD_MS, PRESSURE_LOOK_MS, SOCKET_PERMISSIONS } from "./limits.ts";

export type EventQueueNeeds = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly datagrams: UnixDatagrams;
  readonly sink: EventSink;
};

export class EventQueue {
  readonly #path: string;
  readonly #needs: EventQueueNeeds;
  #socket: DatagramSocket | null = null;
  /** Read, and not taken by the journal yet. */
  #kept: EventInput | null = null;
  #look: Timer | null = null;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(path: string, needs: EventQueueNeeds) {
    this.#path = path;
    this.#needs = needs;
  }

  /** Throws a `CodedError` when the socket cannot be had. */
  async start(): Promise<void> {
    const options = { path: this.#path, permissions: SOCKET_PERMISSIONS };
    const handler = { datagram: (bytes: Buffer, sentBytes: number) => this.#take(bytes, sentBytes) };
    this.#socket = await this.#needs.datagrams.bind(options, handler);
  }

  /** What was sent before is journaled, unless the journal is full. */
  async stop(): Promise<void> {
    await this.#socket?.close();
    this.#look?.cancel();
    if (this.#kept !== null && !this.#needs.sink.append(this.#kept))
      this.#needs.metrics.add("local_events_lost");
  }

  #take(bytes: Buffer, sentBytes: number): boolean {
    const { clock, metrics, sink } = this.#needs;
    if (sentBytes > bytes.length) metrics.add("local_events_cut");
    const parsed = parseLocalEvent(bytes);
    if ("error" in parsed) {
      this.#refuse(parsed.error, bytes);
      return true;
    }
    metrics.add("local_events");
    const event = { ...parsed, receivedMs: clock.wallMs() };
    if (!sink.append(event)) this.#kept = event;
    return (this.#kept === null && sink.pressure === "none") || this.#pause();
  }

  #pause(): false {
    this.#needs.metrics.add("local_events_pauses");
    this.#lookLater();
    return false;
  }

  #lookLater(): void {
    this.#look = this.#needs.clock.after(PRESSURE_LOOK_MS, () => {
      const { sink } = this.#needs;
      if (this.#kept !== null && sink.append(this.#kept)) this.#kept = null;
      if (this.#kept === null && sink.pressure === "none") this.#socket?.resume();
      else this.#lookLater();
    });
  }

  /** The peer's lines, once in a while. */
  #refuse(error: QueueMessageError["error"], bytes: Buffer): void {
    const { clock, log, metrics } = this.#needs;
    metrics.add("local_events_malformed");
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#saidAtMs < LOG_PERIOD_MS) {
      this.#unsaid++;
      return;
    }
    const more = this.#unsaid === 0 ? "" : ` (${this.#unsaid} more since the last line)`;
    this.#saidAtMs = nowMs;
    this.#unsaid = 0;
    if (error === "queue_message_unformatted") log.write("error", "(1106): String not correctly formatted.");
    const shown = printable(bytes.toString("latin1"));
    log.write("error", `(1222): Invalid msg: ${shown}${more}`);
  }
}

type LocalEvent = Omit<EventInput, "receivedMs">;

/** Senders in C send the NUL behind the text too; what follows a NUL is not looked at. An id that none can have makes no event. */
export function parseLocalEvent(bytes: Buffer): LocalEvent | QueueMessageError {
  const parts = splitQueueMessage(bytes.toString("latin1"));
  if ("error" in parts) return parts;
  const agentId = parseAgentId(parts.agentId);
  if (agentId === null) return { error: "queue_message_unformatted" };
  const { queue, location, message } = parts;
  return { queue, agentId, locationPrefix: "", location, message };
}
