/**
 * The header that a balancer puts before a connection to say whom it comes from: the PROXY protocol, versions 1 and 2 (HAProxy:
 * doc/proxy-protocol.txt).
 *
 * Pure: bytes in, the client's address out. Whose headers are believed is not decided here. What is held of one connection is the
 * unfinished header: 107 bytes of version 1, 65,551 of version 2.
 */
import assert from "node:assert/strict";
import { formatIpAddress, type IpAddress, parseIpAddress } from "#model/address.ts";
import { crc32c } from "./crc32c.ts";

/** Version 1 is one line of at most that much, its end included. */
export const V1_BYTES_MAX = 107;
/** Version 2 states its length in 16 bits. */
export const V2_BYTES_MAX = 16 + 65_535;

const V1_START = Buffer.from("PROXY ");
const V1_END = "\r\n";
const V2_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_FIXED_BYTES = 16;

/** The client's end of the connection; null: the balancer speaks for itself (a check) or does not know. */
export type ProxiedClient = { readonly address: IpAddress; readonly port: number } | null;

export type ProxyViolation =
  | "no_header"
  | "line_too_long"
  | "line_malformed"
  | "version_unknown"
  | "command_unknown"
  | "family_unknown"
  | "addresses_cut"
  | "extension_malformed"
  | "checksum_wrong";

export type ProxyHeader =
  | { readonly code: "incomplete" }
  /** `rest` is what came behind the header. */
  | { readonly code: "header"; readonly client: ProxiedClient; readonly rest: Buffer }
  | { readonly code: "violation"; readonly violation: ProxyViolation };

type Parsed = { readonly client: ProxiedClient } | { readonly violation: ProxyViolation };

const INCOMPLETE: ProxyHeader = { code: "incomplete" };

export class ProxyHeaderReader {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** Fewer bytes than these say nothing new. */
  #needed = 1;
  #done = false;

  /** Takes the next bytes of the stream, until there is a header or a violation. Keeps the chunk. */
  push(chunk: Buffer): ProxyHeader {
    assert(!this.#done, "push behind the header");
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return INCOMPLETE;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks.splice(0, this.#chunks.length, bytes);
    const result = this.#read(bytes);
    this.#done = result.code !== "incomplete";
    return result;
  }

  #read(bytes: Buffer): ProxyHeader {
    if (startsLike(bytes, V1_START)) return this.#readLine(bytes);
    if (!startsLike(bytes, V2_START)) return { code: "violation", violation: "no_header" };
    if (bytes.length < V2_START.length) return this.#wait(bytes.length + 1);
    if (bytes.length < V2_FIXED_BYTES) return this.#wait(V2_FIXED_BYTES);
    const end = V2_FIXED_BYTES + bytes.readUInt16BE(14);
    if (bytes.length < end) return this.#wait(end);
    return outcome(readBinary(bytes.subarray(0, end)), bytes.subarray(end));
  }

  #readLine(bytes: Buffer): ProxyHeader {
    const text = bytes.toString("latin1", 0, V1_BYTES_MAX);
    const lineEnd = text.indexOf(V1_END);
    if (lineEnd >= 0)
      return outcome(readText(text.slice(0, lineEnd)), bytes.subarray(lineEnd + V1_END.length));
    if (text.length === V1_BYTES_MAX) return { code: "violation", violation: "line_too_long" };
    return this.#wait(bytes.length + 1);
  }

  #wait(needed: number): ProxyHeader {
    this.#needed = needed;
    return INCOMPLETE;
  }
}

function outcome(parsed: Parsed, rest: Buffer): ProxyHeader {
  return "violation" in parsed
    ? { code: "violation", violation: parsed.violation }
    : { code: "header", client: parsed.client, rest };
}

/** As far as both go. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const PORT_MAX = 65_535;

/** `PROXY TCP4 192.0.2.1 198.51.100.1 40000 1514`, without its end. */
function readText(line: string): Parsed {
  const [, family, source, destination, sourcePort, destinationPort, ...more] = line.split(" ");
  // What follows is not to be looked at.
  if (family === "UNKNOWN") return { client: null };
  const address = textAddress(family, source);
  const port = textPort(sourcePort);
  const complete = textAddress(family, destination) !== null && textPort(destinationPort) !== null;
  if (address === null || port === null || !complete || more.length > 0) {
    return { violation: "line_malformed" };
  }
  return { client: { address, port } };
}

function textAddress(family: string | undefined, text = ""): IpAddress | null {
  const looksLikeIpv6 = text.includes(":");
  if (family !== (looksLikeIpv6 ? "TCP6" : "TCP4")) return null;
  return parseIpAddress(text);
}

function textPort(text = ""): number | null {
  return PORT.test(text) && Number(text) <= PORT_MAX ? Number(text) : null;
}

const VERSION_2 = 2;
const LOCAL = 0;
const PROXY = 1;

/** Family and transport of a connection, with what its two addresses and ports take. */
const TCP_OVER_IPV4 = 0x11;
const IPV4_BYTES = 12;
const TCP_OVER_IPV6 = 0x21;
const IPV6_BYTES = 36;
/** Reserved: none, IPv4, IPv6 and Unix are all families there are; none, stream and datagram all transports. */
const FAMILY_MAX = 3;
const TRANSPORT_MAX = 2;

function readBinary(header: Buffer): Parsed {
  const version = header.readUInt8(12) >>> 4;
  const command = header.readUInt8(12) & 0x0f;
  if (version !== VERSION_2) return { violation: "version_unknown" };
  if (command !== LOCAL && command !== PROXY) return { violation: "command_unknown" };
  const kind = header.readUInt8(13);
  if (kind >>> 4 > FAMILY_MAX || (kind & 0x0f) > TRANSPORT_MAX) return { violation: "family_unknown" };
  // The balancer's own, or of a family that no agent has: what follows is not to be looked at.
  if (command === LOCAL || (kind !== TCP_OVER_IPV4 && kind !== TCP_OVER_IPV6)) return { client: null };
  const addressesEnd = V2_FIXED_BYTES + (kind === TCP_OVER_IPV4 ? IPV4_BYTES : IPV6_BYTES);
  if (header.length < addressesEnd) return { violation: "addresses_cut" };
  const violation = checkExtensions(header, addressesEnd);
  return violation === null ? { client: readClient(header, kind) } : { violation };
}

function readClient(header: Buffer, kind: number): ProxiedClient {
  const wordCount = kind === TCP_OVER_IPV4 ? 2 : 8;
  const words = Array.from({ length: wordCount }, (_, index) =>
    header.readUInt16BE(V2_FIXED_BYTES + index * 2),
  );
  const port = header.readUInt16BE(V2_FIXED_BYTES + wordCount * 4);
  if (wordCount === 2) return { address: { version: 4, words }, port };
  // An IPv4 address in its IPv6 form is the IPv4 address.
  const address = parseIpAddress(formatIpAddress({ version: 6, words }));
  return address === null ? null : { address, port };
}

const EXTENSION_HEAD_BYTES = 3;
const CHECKSUM_EXTENSION = 0x03;
const CHECKSUM_BYTES = 4;

/** Type, length, value, one after the other: skipped, but for a checksum of the whole header, which must be right. */
function checkExtensions(header: Buffer, start: number): ProxyViolation | null {
  let at = start;
  while (at < header.length) {
    if (at + EXTENSION_HEAD_BYTES > header.length) return "extension_malformed";
    const valueAt = at + EXTENSION_HEAD_BYTES;
    const end = valueAt + header.readUInt16BE(at + 1);
    if (end > header.length) return "extension_malformed";
    if (header[at] === CHECKSUM_EXTENSION) {
      if (end - valueAt !== CHECKSUM_BYTES) return "extension_malformed";
      if (!checksumIsRight(header, valueAt)) return "checksum_wrong";
    }
    at = end;
  }
  return null;
}

/** Of the header with zeros where the checksum stands. */
function checksumIsRight(header: Buffer, at: number): boolean {
  const zeroed = Buffer.from(header);
  zeroed.writeUInt32BE(0, at);
  return crc32c(zeroed) === header.readUInt32BE(at);
}
