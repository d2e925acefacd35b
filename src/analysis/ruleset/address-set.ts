/** The addresses of `<srcip>` and `<dstip>`: any of several addresses or networks. */
import { BlockList, isIP } from "node:net";

export type AddressSet = { has(address: string): boolean };

const MAPPED_IPV4_PREFIX = "::ffff:";

function plain(address: string): string {
  const mapped = address.toLowerCase().startsWith(MAPPED_IPV4_PREFIX) && address.includes(".");
  return mapped ? address.slice(MAPPED_IPV4_PREFIX.length) : address;
}

/** `24` or `255.255.255.0`; null when it is neither. */
function prefixOf(mask: string, version: number): number | null {
  if (/^\d{1,3}$/.test(mask)) {
    const prefix = Number(mask);
    return prefix <= (version === 4 ? 32 : 128) ? prefix : null;
  }
  if (version !== 4 || isIP(mask) !== 4) return null;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  if (!/^1*0*$/.test(bits)) return null;
  return bits.includes("0") ? bits.indexOf("0") : bits.length;
}

function addNetwork(list: BlockList, text: string): boolean {
  // The peer strips a leading `!` and ignores it: the attribute `negate` is the way to say "not".
  const [addressText = "", mask, ...rest] = (text.startsWith("!") ? text.slice(1) : text).split("/");
  const address = plain(addressText);
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (mask === undefined) {
    list.addAddress(address, family);
    return true;
  }
  const prefix = prefixOf(mask, version);
  if (prefix === null) return false;
  list.addSubnet(address, prefix, family);
  return true;
}

/** Null when one of the texts is no address; `any` matches every address. */
export function parseAddressSet(texts: readonly string[]): AddressSet | null {
  const list = new BlockList();
  let any = false;
  for (const text of texts) {
    if (text === "any") any = true;
    else if (!addNetwork(list, text)) return null;
  }
  return {
    has: (address) => {
      const bare = plain(address);
      const version = isIP(bare);
      if (version === 0) return false;
      return any || list.check(bare, version === 4 ? "ipv4" : "ipv6");
    },
  };
}
