/**
 * Queue `3`: the open ports of a host, `Host: 10.0.0.1 (name), open ports: 22 (tcp)`. A host that is new or has other ports than
 * the last time is an event; the same again is none.
 */
import type { Event } from "../event.ts";
import { ownCopy } from "../own-copy.ts";
import type { SpecialDecoder, SpecialResult } from "./special.ts";

const HOST_PREFIX = "Host: ";

/**
 * Addresses and ports together. A line of nmap has some hundred bytes, so this is room for ten thousand hosts; the host whose ports
 * have not changed for longest goes first, and is new when it is seen again.
 */
export const HOST_INFO_BYTES_MAX = 4 * 1024 * 1024;
/** What a host costs beside its text. */
const HOST_OVERHEAD_BYTES = 64;

const SAME: SpecialResult = { kind: "nothing", reason: "unchanged", error: null };
const MALFORMED: SpecialResult = {
  kind: "nothing",
  reason: "malformed",
  error: "Error handling host information database.",
};

/** The peer shows one name for both; rules tell them apart. */
const SHOWN_NAME = "hostinfo_modified";

export type HostInfoSnapshot = readonly (readonly [address: string, ports: string])[];

export class HostInfoDecoder implements SpecialDecoder {
  /** In order of the last change. */
  readonly #ports = new Map<string, string>();
  #bytes = 0;

  decode(event: Event): SpecialResult {
    const host = hostOf(event.log);
    if (host === null) return MALFORMED;
    const previous = this.#ports.get(host.address);
    if (previous === host.ports) return SAME;
    this.#remember(ownCopy(host.address), ownCopy(host.ports));
    const decoderName = previous === undefined ? "hostinfo_new" : "hostinfo_modified";
    return { kind: "event", decoderName, shownName: SHOWN_NAME };
  }

  #remember(address: string, ports: string): void {
    this.#forget(address);
    this.#ports.set(address, ports);
    this.#bytes += bytesOf(address, ports);
    for (const oldest of this.#ports.keys()) {
      if (this.#bytes <= HOST_INFO_BYTES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(address: string): void {
    const ports = this.#ports.get(address);
    if (ports === undefined) return;
    this.#ports.delete(address);
    this.#bytes -= bytesOf(address, ports);
  }

  snapshot(): HostInfoSnapshot {
    return [...this.#ports];
  }

  restore(entries: HostInfoSnapshot): void {
    for (const [address, ports] of entries) this.#remember(address, ports);
  }
}

function bytesOf(address: string, ports: string): number {
  return address.length + ports.length + HOST_OVERHEAD_BYTES;
}

/** The address ends at the first blank; what follows the first comma are the ports. */
function hostOf(log: string): { readonly address: string; readonly ports: string } | null {
  if (!log.startsWith(HOST_PREFIX)) return null;
  const comma = log.indexOf(",", HOST_PREFIX.length);
  if (comma < 0) return null;
  const [address = ""] = log.slice(HOST_PREFIX.length, comma).split(" ", 1);
  return address === "" ? null : { address, ports: log.slice(comma + 1) };
}
