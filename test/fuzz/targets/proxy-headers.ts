/** Headers of balancers: the same client however they are cut, nothing lost of what comes behind, and no more held than a header has. */
import assert from "node:assert/strict";
import { type ProxyHeader, ProxyHeaderReader, V2_BYTES_MAX } from "#formats/proxy-protocol/header.ts";
import { formatIpAddress, parseIpAddress } from "#model/address.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const V2 = "\r\n\r\n\0\r\nQUIT\n";
const IPV4 = "\xc0\0\x02\x01\xc6\x33\x64\x01\x9c\x40\x05\xea";
const HEADERS = [
  "PROXY TCP4 192.0.2.1 198.51.100.1 40000 1514\r\nmore",
  "PROXY TCP6 2001:db8::1 2001:db8::2 40000 1514\r\n",
  "PROXY UNKNOWN ffff:f 1 2 3\r\n",
  `${V2}\x21\x11\0\x0c${IPV4}more`,
  `${V2}\x21\x11\0\x16${IPV4}\x04\0\x03abc\x03\0\x01x`,
  `${V2}\x21\x21\0\x24${"\0".repeat(10)}\xff\xff\xc0\0\x02\x01${"\x20".repeat(20)}`,
  `${V2}\x20\0\0\0`,
];
const WORDS = [
  "PROXY ",
  "TCP4 ",
  "TCP6 ",
  "\r\n",
  V2,
  "\x21\x11",
  "\x21\x21",
  "\x20\0",
  "\x03\0\x04",
  IPV4,
  "::1",
  "65535",
  "65536",
];
const PIECE_BYTES = 5;

function read(chunks: readonly Buffer[]): ProxyHeader {
  const reader = new ProxyHeaderReader();
  for (const [index, chunk] of chunks.entries()) {
    const result = reader.push(chunk);
    if (result.code === "violation") return result;
    if (result.code === "header")
      return { ...result, rest: Buffer.concat([result.rest, ...chunks.slice(index + 1)]) };
  }
  return { code: "incomplete" };
}

function run(input: string): void {
  const bytes = Buffer.from(input, "latin1");
  if (bytes.length === 0) return;
  const whole = read([bytes]);
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
    bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  );
  assert.deepEqual(read(pieces), whole);
  if (whole.code === "incomplete") assert(bytes.length < V2_BYTES_MAX, "more is held than a header has");
  if (whole.code !== "header") return;
  assert(bytes.subarray(bytes.length - whole.rest.length).equals(whole.rest));
  if (whole.client === null) return;
  const { address, port } = whole.client;
  assert.deepEqual(parseIpAddress(formatIpAddress(address)), address);
  assert(port >= 0 && port <= 65_535);
}

export const proxyHeadersTarget: Target = {
  make: (random) => damagedText(random, random.pick(HEADERS), WORDS),
  change: (random, input) => damagedText(random, input, WORDS),
  run,
};
