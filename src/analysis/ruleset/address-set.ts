/**
 * The addresses of `<srcip>` and `<dstip>`: any of several addresses or networks. The zone of a link-local address (`%eth0`) says nothing
 * about a host and is passed over on both sides.
 */
import {
  addressBits,
  type IpNetwork,
  networkContains,
  parseIpNetwork,
  parsePeerAddress,
} from "#model/address.ts";

export type AddressSet = { has(address: string): boolean };

export type Network = { readonly kind: "any" } | { readonly kind: "network"; readonly network: IpNetwork };

const MAPPED_IPV4_PREFIX = "::ffff:";

/** A prefix behind a mapped address counts the bits of its IPv4 form, so the form is taken before the text is read. */
function plain(address: string): string {
  const mapped = address.toLowerCase().startsWith(MAPPED_IPV4_PREFIX) && address.includes(".");
  return mapped ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

function hostNetwork(text: string): IpNetwork | null {
  const address = parsePeerAddress(text);
  return address === null ? null : { address, prefixBits: addressBits(address.version) };
}

/** An address, `address/mask` or `any`; null for anything else. */
export function parseNetwork(text: string): Network | null {
  if (text === "any") return { kind: "any" };
  // The peer strips a leading `!` and ignores it: the attribute `negate` is the way to say "not".
  const bare = plain(text.startsWith("!") ? text.slice(1) : text);
  const network = bare.includes("/") ? parseIpNetwork(bare) : hostNetwork(bare);
  return network === null ? null : { kind: "network", network };
}

export function addressSetOf(networks: readonly Network[]): AddressSet {
  const any = networks.some(({ kind }) => kind === "any");
  const known = networks.flatMap((entry) => (entry.kind === "network" ? [entry.network] : []));
  return {
    has: (text) => {
      const address = parsePeerAddress(text);
      return address !== null && (any || known.some((network) => networkContains(network, address)));
    },
  };
}
