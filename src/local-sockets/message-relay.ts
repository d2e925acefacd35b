/**
 * A datagram socket whose messages another thread acts on, so many at a time: one that is flooded lets its senders wait. Messages are
 * latin1 strings without the NUL that senders in C send too.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { DatagramSocket, UnixDatagrams } from "#kernel/ports/unix-datagrams.ts";
import { RELAY_PERIOD_MS, RELAYED_MAX, SOCKET_PERMISSIONS } from "./limits.ts";

export type MessageRelayNeeds = {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly datagrams: UnixDatagrams;
  readonly relay: (text: string) => void;
};

export class MessageRelay {
  readonly #path: string;
  readonly #needs: MessageRelayNeeds;
  #socket: DatagramSocket | null = null;
  #relayed = 0;
  #period: Timer | null = null;

  constructor(path: string, needs: MessageRelayNeeds) {
    this.#path = path;
    this.#needs = needs;
  }

  /** Throws a `CodedError` when the socket cannot be had. */
  async start(): Promise<void> {
    const options = { path: this.#path, permissions: SOCKET_PERMISSIONS };
    const datagram = (bytes: Buffer) => this.#take(bytes);
    this.#socket = await this.#needs.datagrams.bind(options, { datagram });
  }

  async stop(): Promise<void> {
    await this.#socket?.close();
    this.#period?.cancel();
  }

  #take(bytes: Buffer): boolean {
    const { clock, metrics, relay } = this.#needs;
    metrics.add("local_messages");
    const nul = bytes.indexOf(0);
    relay(bytes.toString("latin1", 0, nul === -1 ? bytes.length : nul));
    this.#relayed++;
    this.#period ??= clock.after(RELAY_PERIOD_MS, () => {
      this.#period = null;
      this.#relayed = 0;
      this.#socket?.resume();
    });
    return this.#relayed < RELAYED_MAX;
  }
}
