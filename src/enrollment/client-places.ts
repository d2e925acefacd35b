/** The clients of the moment, and who of them gives a place away when all are taken. */
import { networkOf } from "#kernel/offender-table.ts";
import { formatIpAddress, type IpAddress } from "#model/address.ts";
import type { EnrollmentClient } from "./client.ts";
import { CLIENTS_MAX } from "./limits.ts";

export class ClientPlaces {
  /** In the order in which they came. */
  readonly #clients = new Set<EnrollmentClient>();
  readonly #byNetwork = new Map<string, Set<EnrollmentClient>>();

  get size(): number {
    return this.#clients.size;
  }

  all(): readonly EnrollmentClient[] {
    return [...this.#clients];
  }

  add(client: EnrollmentClient): void {
    this.#clients.add(client);
    const network = networkOf(formatIpAddress(client.peer));
    const neighbours = this.#byNetwork.get(network) ?? new Set();
    this.#byNetwork.set(network, neighbours.add(client));
  }

  delete(client: EnrollmentClient): void {
    this.#clients.delete(client);
    const network = networkOf(formatIpAddress(client.peer));
    const neighbours = this.#byNetwork.get(network);
    neighbours?.delete(client);
    if (neighbours?.size === 0) this.#byNetwork.delete(network);
  }

  /** False when the newcomer has to go. One that makes room is told to by `evict`. */
  makeRoom(peer: IpAddress, nowMs: number, evict: (client: EnrollmentClient) => void): boolean {
    if (this.#clients.size < CLIENTS_MAX) return true;
    const giver = this.#giver(peer, nowMs);
    if (giver === null) return false;
    evict(giver);
    return true;
  }

  /**
   * The oldest that is slow, of the network with the most clients first. That network also gives way to others at once: one that
   * floods does not keep those out, however fast it comes again.
   */
  #giver(peer: IpAddress, nowMs: number): EnrollmentClient | null {
    const crowd = this.#largest();
    const own = this.#countOf(peer);
    // More than one more: two networks of a size do not take each other's places in turn.
    const isOutnumbered = crowd.size > own + 1;
    return (
      first(crowd, (client) => client.isSlow(nowMs)) ??
      (isOutnumbered ? first(crowd, (client) => !client.hasAsked) : null) ??
      first(this.#clients, (client) => client.isSlow(nowMs) && this.#countOf(client.peer) >= own)
    );
  }

  #countOf(peer: IpAddress): number {
    return this.#byNetwork.get(networkOf(formatIpAddress(peer)))?.size ?? 0;
  }

  #largest(): ReadonlySet<EnrollmentClient> {
    let largest: ReadonlySet<EnrollmentClient> = new Set();
    for (const clients of this.#byNetwork.values()) if (clients.size > largest.size) largest = clients;
    return largest;
  }
}

function first(
  clients: Iterable<EnrollmentClient>,
  isWanted: (client: EnrollmentClient) => boolean,
): EnrollmentClient | null {
  for (const client of clients) if (isWanted(client)) return client;
  return null;
}
