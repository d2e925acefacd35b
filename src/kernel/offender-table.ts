/**
 * What strangers do wrong before they have proved who they are: counted by network, said at most once a second each.
 *
 * Bounded whatever they send: one entry for a /24 (IPv4) or /64 (IPv6); when the table is full the entry seen longest ago goes,
 * its count kept in `forgotten`.
 */

/** 4,096 networks of about 100 bytes each: under half a megabyte under any attack. */
export const OFFENDER_NETWORKS_MAX = 4096;
const LOG_PERIOD_MS = 1000;

type Offender = { count: number; saidAtMs: number; unsaid: number };

/** The network that an address is counted under. */
export function networkOf(address: string): string {
  const dots = address.split(".");
  if (dots.length === 4) return `${dots[0]}.${dots[1]}.${dots[2]}.0/24`;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...(tail ? tail.split(":") : [])];
  return `${all.slice(0, 4).join(":")}::/64`;
}

export class OffenderTable {
  readonly #byNetwork = new Map<string, Offender>();
  #forgotten = 0;
  #total = 0;

  /** Counts one offence; the number of offences to name in a log line now, or 0 to stay silent. */
  record(address: string, nowMs: number): number {
    const network = networkOf(address);
    const offender = this.#byNetwork.get(network) ?? { count: 0, saidAtMs: -Infinity, unsaid: 0 };
    this.#byNetwork.delete(network); // re-inserted at the end: the map's order is the order of last offence
    this.#byNetwork.set(network, offender);
    this.#evict();
    offender.count++;
    offender.unsaid++;
    this.#total++;
    if (nowMs - offender.saidAtMs < LOG_PERIOD_MS) return 0;
    const unsaid = offender.unsaid;
    offender.saidAtMs = nowMs;
    offender.unsaid = 0;
    return unsaid;
  }

  get networks(): number {
    return this.#byNetwork.size;
  }

  get total(): number {
    return this.#total;
  }

  /** Offences of networks that no longer have an entry. */
  get forgotten(): number {
    return this.#forgotten;
  }

  countOf(address: string): number {
    return this.#byNetwork.get(networkOf(address))?.count ?? 0;
  }

  #evict(): void {
    if (this.#byNetwork.size <= OFFENDER_NETWORKS_MAX) return;
    for (const [network, offender] of this.#byNetwork) {
      this.#byNetwork.delete(network);
      this.#forgotten += offender.count;
      return;
    }
  }
}
