/** The addresses of `<srcip>` and `<dstip>`: any of several addresses or networks. */
import { BlockList, isIP } from "node:net";

export type AddressSet = { has(address: string): boolean };

type Version = 4 | 6;

export type Network =
  | { readonly kind: "any" }
  | {
      readonly kind: "network";
      readonly version: Version;
      readonly address: string;
      readonly prefix: number;
    };

const FAMILIES = { 4: "ipv4", 6: "ipv6" } as const;
const PREFIX_MAX: Readonly<Record<Version, number>> = { 4: 32, 6: 128 };
const MAPPED_IPV4_PREFIX = "::ffff:";

function plain(address: string): string {
  const mapped = address.toLowerCase().startsWith(MAPPED_IPV4_PREFIX) && address.includes(".");
  return mapped ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

function versionOf(address: string): Version | null {
  const version = isIP(address);
  return version === 4 || version === 6 ? version : null;
}

/** `24` or `255.255.255.0`; null when it is neither. */
function prefixOf(mask: string, version: Version): number | null {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= PREFIX_MAX[version] ? Number(mask) : null;
  if (version !== 4 || isIP(mask) !== 4) return null;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : null;
}

/** An address, `address/mask` or `any`; null for anything else. */
export function parseNetwork(text: string): Network | null {
  if (text === "any") return { kind: "any" };
  // The peer strips a leading `!` and ignores it: the attribute `negate` is the way to say "not".
  const [addressText = "", mask, ...rest] = (text.startsWith("!") ? text.slice(1) : text).split("/");
  const address = plain(addressText);
  const version = versionOf(address);
  if (version === null || rest.length > 0) return null;
  const prefix = mask === undefined ? PREFIX_MAX[version] : prefixOf(mask, version);
  return prefix === null ? null : { kind: "network", version, address, prefix };
}

export function addressSetOf(networks: readonly Network[]): AddressSet {
  // One list for both versions would let an IPv4 address match an IPv6 network that maps it.
  const lists = { 4: new BlockList(), 6: new BlockList() };
  let any = false;
  for (const network of networks) {
    if (network.kind === "any") any = true;
    else lists[network.version].addSubnet(network.address, network.prefix, FAMILIES[network.version]);
  }
  return {
    has: (address) => {
      const bare = plain(address);
      const version = versionOf(bare);
      return version !== null && (any || lists[version].check(bare, FAMILIES[version]));
    },
  };
}
