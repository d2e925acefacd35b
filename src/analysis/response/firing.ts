/**
 * Whether the active responses of a rule are run for an event: what an attacker writes into a log must not reach a command line, and
 * addresses of the white list are never blocked (wazuh v4.14.7: src/analysisd/analysisd.c, src/analysisd/exec.c).
 */
import type { WhiteListEntry } from "#config/sections/global.ts";
import type { ActiveResponse } from "#config/sections/response.ts";
import { compilePattern, type Pattern } from "#formats/patterns/pattern.ts";
import { networkContains, parseIpAddress } from "#model/address.ts";
import { DSTUSER, type Event, SRCIP } from "../event.ts";

export type Firing =
  | { readonly kind: "none" | "white_listed" }
  | { readonly kind: "fires"; readonly responses: readonly ActiveResponse[] }
  | { readonly kind: "refused"; readonly warning: string };

export const FIRES_NOTHING: Firing = { kind: "none" };
const WHITE_LISTED: Firing = { kind: "white_listed" };

/**
 * The peer's characters. A leading dash and the lengths are ours: no address and no user has them, and a command could take them for
 * an option. A dash alone is what web servers write for nobody.
 */
const PLAIN_USER = /^(?!-.)[a-zA-Z._0-9@?-]{0,256}$/;
const PLAIN_ADDRESS = /^(?!-.)[a-zA-Z.:_0-9-]{0,255}$/;
/** What old readers of addresses take for IPv4: `10.1` and `0x0a000001` are 10.0.0.1 to them, and would slip past the white list. */
const NUMBERS = /^(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*$/i;
/** In their order (wazuh v4.14.7: src/active-response/active_responses.c). */
const ADDRESS_FIELDS = ["win.eventdata.ipaddress", "win.eventdata.destinationip", "srcip"] as const;
/** Of a refused text in a line of the log. */
const SHOWN_CHARS_MAX = 64;
const MAPPED_IPV4_PREFIX = "::ffff:";

export class FiringGate {
  readonly #addresses: readonly AddressEntry[];
  readonly #hosts: readonly Pattern[];

  constructor(whiteList: readonly WhiteListEntry[]) {
    this.#addresses = whiteList.flatMap((entry) => (entry.kind === "address" ? [entry.rule] : []));
    this.#hosts = whiteList.flatMap((entry) => (entry.kind === "host" ? hostPattern(entry.pattern) : []));
  }

  firing(event: Event, responses: readonly ActiveResponse[]): Firing {
    if (responses.length === 0) return FIRES_NOTHING;
    const user = event.statics[DSTUSER];
    if (user !== undefined && !PLAIN_USER.test(user)) {
      return refused(`(1272): Invalid username '${shown(user)}'. Possible logging attack.`);
    }
    const srcip = event.statics[SRCIP];
    if (srcip !== undefined && !isPlainAddress(srcip)) {
      return refused(`(1271): Invalid IP Address '${shown(srcip)}'. Possible logging attack.`);
    }
    const known = [srcip, addressBeside(event)].filter((address) => address !== undefined);
    return known.some((address) => this.#isWhiteListed(withoutMapping(address)))
      ? WHITE_LISTED
      : { kind: "fires", responses };
  }

  #isWhiteListed(srcip: string): boolean {
    return this.#hasAddress(srcip) || this.#hosts.some((host) => host.test(srcip));
  }

  /** The first entry that names the address decides; beside nothing but entries with `!`, every other address is meant. */
  #hasAddress(srcip: string): boolean {
    const address = parseIpAddress(srcip);
    if (address === null) return false;
    const entry = this.#addresses.find(
      ({ network }) => network === "any" || networkContains(network, address),
    );
    if (entry !== undefined) return !entry.negated;
    return this.#addresses.length > 0 && this.#addresses.every(({ negated }) => negated);
  }
}

type AddressEntry = Extract<WhiteListEntry, { readonly kind: "address" }>["rule"];

function isPlainAddress(srcip: string): boolean {
  const address = withoutMapping(srcip);
  return PLAIN_ADDRESS.test(srcip) && (!NUMBERS.test(address) || parseIpAddress(address) !== null);
}

/** What the agents' commands block before the source address, or take for it: their reader of the alert knows no case. */
function addressBeside(event: Event): string | undefined {
  for (const name of ADDRESS_FIELDS) {
    const address = event.dynamic(name);
    if (address !== undefined) return address;
  }
  return undefined;
}

/** The address as responses are told it: an IPv4 address stays one, however its socket was opened. */
export function withoutMapping(srcip: string): string {
  return srcip.startsWith(MAPPED_IPV4_PREFIX) ? srcip.slice(MAPPED_IPV4_PREFIX.length) : srcip;
}

/** No text is refused as an OS_Match pattern but one that is too long. */
function hostPattern(text: string): readonly Pattern[] {
  const compiled = compilePattern("osmatch", text);
  return compiled.ok ? [compiled.pattern] : [];
}

function refused(warning: string): Firing {
  return { kind: "refused", warning };
}

function shown(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}...`;
}
