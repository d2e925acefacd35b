/** Who sends: whether it may, how much it has sent, and its connections. */
import { formatIpAddress, parsePeerAddress } from "#model/address.ts";
import { type AccessLists, mayConnect } from "./access.ts";
import { SENDERS_MAX } from "./limits.ts";

export class Sender<Session> {
  /** The peer's form of the address: the location of the sender's events. */
  readonly location: string;
  readonly connections = new Set<Session>();
  readonly #messagesPerSecond: number;
  #allowance: number;
  #countedAtMs: number;

  constructor(location: string, messagesPerSecond: number, nowMs: number) {
    this.location = location;
    this.#messagesPerSecond = messagesPerSecond;
    this.#allowance = messagesPerSecond;
    this.#countedAtMs = nowMs;
  }

  /** Whether one more message is within the rate; a burst may be as long as a second. `took()` counts it. */
  withinRate(nowMs: number): boolean {
    const rate = this.#messagesPerSecond;
    if (rate === 0) return true;
    const gained = ((nowMs - this.#countedAtMs) * rate) / 1000;
    this.#allowance = Math.min(rate, this.#allowance + gained);
    this.#countedAtMs = nowMs;
    return this.#allowance >= 1;
  }

  took(): void {
    this.#allowance--;
  }
}

export class Senders<Session> {
  readonly #lists: AccessLists;
  readonly #messagesPerSecond: number;
  /** By the address as the socket tells it; who sent last is last. */
  readonly #byAddress = new Map<string, Sender<Session>>();

  constructor(lists: AccessLists, messagesPerSecond: number) {
    this.#lists = lists;
    this.#messagesPerSecond = messagesPerSecond;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Null when the address may not send: nothing is kept of it. */
  of(address: string, nowMs: number): Sender<Session> | null {
    const known = this.#byAddress.get(address);
    if (known !== undefined) {
      this.#byAddress.delete(address);
      this.#byAddress.set(address, known);
      return known;
    }
    const parsed = parsePeerAddress(address);
    if (parsed === null || !mayConnect(parsed, this.#lists)) return null;
    const sender = new Sender<Session>(formatIpAddress(parsed), this.#messagesPerSecond, nowMs);
    this.#byAddress.set(address, sender);
    if (this.#byAddress.size > SENDERS_MAX) this.#forgetOne();
    return sender;
  }

  /** Those with connections are bounded by the connections, and stay. */
  #forgetOne(): void {
    for (const [address, sender] of this.#byAddress) {
      if (sender.connections.size > 0) continue;
      this.#byAddress.delete(address);
      return;
    }
  }
}
