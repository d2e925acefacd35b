/**
 * IP addresses and networks: texts in, comparable values out. No host names, no zones, no lists.
 *
 * IPv4 and IPv6 share one shape, words of 16 bits, so that one comparison under a mask serves both. An IPv4 address
 * written as IPv6 (`::ffff:10.0.0.7`) is the IPv4 address: an agent has one address however its socket was opened.
 */

export type IpAddress = {
  readonly version: 4 | 6;
  /** Two words for IPv4, eight for IPv6, most significant first. */
  readonly words: readonly number[];
};

export type IpNetwork = { readonly address: IpAddress; readonly prefixBits: number };

/** The longest text of an IPv6 address, with a dotted quad at its end. Longer input is refused unread. */
const ADDRESS_CHARS_MAX = 45;
const WORD_BITS = 16;
const DECIMAL_BYTE = /^(?:0|[1-9][0-9]{0,2})$/;
const HEX_WORD = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX_BITS = /^[0-9]{1,3}$/;

export function addressBits(version: 4 | 6): 32 | 128 {
  return version === 4 ? 32 : 128;
}

export function parseIpAddress(text: string): IpAddress | null {
  if (text.length > ADDRESS_CHARS_MAX) return null;
  if (!text.includes(":")) {
    const words = parseDottedQuad(text);
    return words === null ? null : { version: 4, words };
  }
  const words = parseIpv6Words(text);
  if (words === null) return null;
  return isMappedIpv4(words) ? { version: 4, words: words.slice(6) } : { version: 6, words };
}

/** The address as a socket reports it: the zone of a link-local address (`%eth0`) says nothing about the peer. */
export function parsePeerAddress(text: string): IpAddress | null {
  const zoneAt = text.indexOf("%");
  return parseIpAddress(zoneAt === -1 ? text : text.slice(0, zoneAt));
}

/** The peer's form: IPv6 expanded to eight groups of four upper-case digits. */
export function formatIpAddress({ version, words }: IpAddress): string {
  if (version === 4) return words.flatMap((word) => [word >>> 8, word & 0xff]).join(".");
  return words.map((word) => word.toString(16).toUpperCase().padStart(4, "0")).join(":");
}

/** `address/prefix` or `address/mask`; an address alone is no network. */
export function parseIpNetwork(text: string): IpNetwork | null {
  const slashAt = text.indexOf("/");
  if (slashAt === -1) return null;
  const address = parseIpAddress(text.slice(0, slashAt));
  if (address === null) return null;
  const mask = text.slice(slashAt + 1);
  const prefixBits = PREFIX_BITS.test(mask) ? Number(mask) : maskBits(mask, address.version);
  if (prefixBits === null) return null;
  // The prefix of a mapped address counts the 96 bits that the IPv4 form has not.
  const mapped = address.version === 4 && text.includes(":");
  const ownBits = mapped ? prefixBits - 96 : prefixBits;
  return ownBits >= 0 && ownBits <= addressBits(address.version) ? { address, prefixBits: ownBits } : null;
}

export function networkContains(network: IpNetwork, address: IpAddress): boolean {
  if (network.address.version !== address.version) return false;
  let bitsLeft = network.prefixBits;
  for (const [index, word] of network.address.words.entries()) {
    if (bitsLeft <= 0) return true;
    const ignored = Math.max(0, WORD_BITS - bitsLeft);
    if (word >>> ignored !== (address.words[index] ?? 0) >>> ignored) return false;
    bitsLeft -= WORD_BITS;
  }
  return true;
}

export function sameAddress(left: IpAddress, right: IpAddress): boolean {
  return networkContains({ address: left, prefixBits: addressBits(left.version) }, right);
}

function parseDottedQuad(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  // A leading zero is refused: some readers take it for octal, so the text would name two addresses.
  if (!parts.every((part) => DECIMAL_BYTE.test(part) && Number(part) <= 255)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
  return [a * 256 + b, c * 256 + d];
}

function parseIpv6Words(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head = "", tail] = halves;
  const headWords = parseWordList(head, tail === undefined);
  const tailWords = tail === undefined ? [] : parseWordList(tail, true);
  if (headWords === null || tailWords === null) return null;
  const missing = 8 - headWords.length - tailWords.length;
  if (tail === undefined) return missing === 0 ? headWords : null;
  return missing >= 1 ? [...headWords, ...Array<number>(missing).fill(0), ...tailWords] : null;
}

/** Words between colons; the last place of an address may hold a dotted quad, which is two words. */
function parseWordList(text: string, endsAddress: boolean): number[] | null {
  if (text === "") return [];
  const words: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (HEX_WORD.test(part)) {
      words.push(Number.parseInt(part, 16));
      continue;
    }
    const quad = endsAddress && index === parts.length - 1 ? parseDottedQuad(part) : null;
    if (quad === null) return null;
    words.push(...quad);
  }
  return words;
}

function isMappedIpv4(words: readonly number[]): boolean {
  return words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
}

/** The prefix that an IPv4 mask stands for. A mask with a hole is a typing mistake, not a network. */
function maskBits(text: string, version: 4 | 6): number | null {
  const words = version === 4 ? parseDottedQuad(text) : null;
  if (words === null) return null;
  const [high = 0, low = 0] = words;
  const zeros = 0xffff_ffff - (high * 0x1_0000 + low);
  const hostBits = Math.log2(zeros + 1);
  return Number.isInteger(hostBits) ? 32 - hostBits : null;
}
