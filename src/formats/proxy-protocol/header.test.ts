/**
 * Goal: one reading of every header, and no byte sequence that makes a client out of nothing. Method: headers written by hand from
 * the protocol's document, whole, byte by byte and cut at every position; then cut, flipped and random ones from a seeded generator.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIpAddress } from "#model/address.ts";
import { SeededRandom } from "#testing/random.ts";
import { crc32c } from "./crc32c.ts";
import { type ProxyHeader, ProxyHeaderReader, V1_BYTES_MAX, V2_BYTES_MAX } from "./header.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const REST = Buffer.from("#ping and more");

function v2(hex: string): Buffer {
  return Buffer.from(SIGNATURE + hex.replaceAll(" ", ""), "hex");
}

/** 192.0.2.1:40000 to 198.51.100.1:1514. */
const IPV4_HEX = "c0000201 c6336401 9c40 05ea";
/** 2001:db8::7 port 40000 to 2001:db8::1 port 1515. */
const IPV6_HEX = "20010db8000000000000000000000007 20010db8000000000000000000000001 9c40 05eb";

const GOOD: readonly (readonly [string, Buffer, string | null])[] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 40000 1514\r\n"), "192.0.2.1 40000"],
  [
    "v1 TCP6",
    Buffer.from("PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n"),
    "2001:0DB8:0000:0000:0000:0000:0000:0007 0",
  ],
  ["v1 mapped", Buffer.from("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), "192.0.2.1 1"],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), null],
  [
    "v1 longest",
    Buffer.from(`PROXY UNKNOWN ${"ffff:f...f:ffff ".repeat(9).slice(0, V1_BYTES_MAX - 16)}\r\n`),
    null,
  ],
  ["v2 IPv4", v2(`21 11 000c ${IPV4_HEX}`), "192.0.2.1 40000"],
  ["v2 IPv6", v2(`21 21 0024 ${IPV6_HEX}`), "2001:0DB8:0000:0000:0000:0000:0000:0007 40000"],
  [
    "v2 mapped",
    v2(
      `21 21 0024 ${IPV6_HEX.replace("20010db8000000000000000000000007", "00000000000000000000ffffc0000201")}`,
    ),
    "192.0.2.1 40000",
  ],
  ["v2 LOCAL", v2("20 00 0000"), null],
  ["v2 LOCAL with what is to be ignored", v2("20 11 0003 ffffff"), null],
  ["v2 of no family", v2("21 00 0002 ffff"), null],
  ["v2 Unix", v2(`21 31 00d8 ${"00".repeat(216)}`), null],
  ["v2 with extensions", v2(`21 11 0016 ${IPV4_HEX} 01 0002 6832 04 0002 0000`), "192.0.2.1 40000"],
  ["v2 with a checksum", withChecksum(v2(`21 11 0013 ${IPV4_HEX} 03 0004 00000000`)), "192.0.2.1 40000"],
];

/** A CRC-32C of its own, bit by bit, from the polynomial's definition. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (crc ^ (byte >>> bit)) & 1;
      crc = out === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
  }
  return ~crc >>> 0;
}

function withChecksum(header: Buffer): Buffer {
  header.writeUInt32BE(slowCrc32c(header), header.length - 4);
  return header;
}

function clientOf(header: ProxyHeader): string | null {
  assert.equal(header.code, "header");
  if (header.code !== "header" || header.client === null) return null;
  return `${formatIpAddress(header.client.address)} ${header.client.port}`;
}

function violationOf(bytes: Buffer): string {
  const header = new ProxyHeaderReader().push(bytes);
  return header.code === "violation" ? header.violation : header.code;
}

test("crc32c() gives the values of RFC 3720", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

test("ProxyHeaderReader reads a header and leaves what follows", () => {
  for (const [what, header, client] of GOOD) {
    const result = new ProxyHeaderReader().push(Buffer.concat([header, REST]));
    assert.equal(clientOf(result), client, what);
    assert(result.code === "header" && result.rest.equals(REST), what);
  }
});

test("ProxyHeaderReader reads the same however the stream is cut", () => {
  for (const [what, header, client] of GOOD) {
    const stream = Buffer.concat([header, REST]);
    for (let cut = 1; cut < header.length; cut++) {
      const reader = new ProxyHeaderReader();
      assert.equal(reader.push(stream.subarray(0, cut)).code, "incomplete", `${what} cut at ${cut}`);
      const result = reader.push(stream.subarray(cut));
      assert.equal(clientOf(result), client, `${what} cut at ${cut}`);
      assert(result.code === "header" && result.rest.equals(REST), `${what} cut at ${cut}`);
    }
    const reader = new ProxyHeaderReader();
    for (const byte of header.subarray(0, -1)) {
      assert.equal(reader.push(Buffer.of(byte)).code, "incomplete", what);
    }
    assert.equal(clientOf(reader.push(header.subarray(-1))), client, what);
    assert.throws(() => reader.push(REST), /push behind the header/);
  }
});

test("ProxyHeaderReader refuses what is no header", () => {
  const cases: readonly (readonly [string | Buffer, string])[] = [
    ["#ping", "no_header"],
    [Buffer.of(0x16, 3, 1), "no_header"],
    ["PROXX", "no_header"],
    ["proxy TCP4 192.0.2.1 198.51.100.1 40000 1514\r\n", "no_header"],
    ["\r\n\r\n\r\n", "no_header"],
    [`PROXY UNKNOWN ${"x".repeat(V1_BYTES_MAX)}\r\n`, "line_too_long"],
    [`PROXY ${" ".repeat(V1_BYTES_MAX)}`, "line_too_long"],
    ["PROXY \r\n", "line_malformed"],
    ["PROXY TCP4\r\n", "line_malformed"],
    ["PROXY TCP5 192.0.2.1 198.51.100.1 40000 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 40000 1514 x\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1  198.51.100.1 40000 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 65536 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 040 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 -1 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.01 198.51.100.1 40000 1514\r\n", "line_malformed"],
    ["PROXY TCP4 2001:db8::7 2001:db8::1 40000 1514\r\n", "line_malformed"],
    ["PROXY TCP6 192.0.2.1 198.51.100.1 40000 1514\r\n", "line_malformed"],
    ["PROXY TCP4 192.0.2.1 any 40000 1514\r\n", "line_malformed"],
    [v2("11 11 000c"), "incomplete"],
    [v2(`11 11 000c ${IPV4_HEX}`), "version_unknown"],
    [v2(`22 11 000c ${IPV4_HEX}`), "command_unknown"],
    [v2(`21 41 000c ${IPV4_HEX}`), "family_unknown"],
    [v2(`21 13 000c ${IPV4_HEX}`), "family_unknown"],
    [v2("21 11 000b c0000201 c6336401 9c40 05"), "addresses_cut"],
    [v2(`21 21 000c ${IPV4_HEX}`), "addresses_cut"],
    [v2(`21 11 000e ${IPV4_HEX} 0100`), "extension_malformed"],
    [v2(`21 11 0010 ${IPV4_HEX} 01 0002 ff`), "extension_malformed"],
    [v2(`21 11 0010 ${IPV4_HEX} 03 0001 ff`), "extension_malformed"],
    [v2(`21 11 0013 ${IPV4_HEX} 03 0004 00000000`), "checksum_wrong"],
  ];
  for (const [bytes, violation] of cases)
    assert.equal(violationOf(Buffer.from(bytes)), violation, String(bytes));
});

test("ProxyHeaderReader takes the longest header of version 2, and holds no more", () => {
  const bytes = Buffer.concat([v2(`21 11 ffff ${IPV4_HEX}`), Buffer.alloc(V2_BYTES_MAX - 28)]);
  for (let at = 28; at + 3 < bytes.length; ) {
    const length = Math.min(60_000, bytes.length - at - 3);
    bytes.writeUInt8(4, at);
    bytes.writeUInt16BE(length, at + 1);
    at += 3 + length;
  }
  const reader = new ProxyHeaderReader();
  for (let at = 0; at < bytes.length - 1; at += 100) {
    assert.equal(reader.push(bytes.subarray(at, Math.min(at + 100, bytes.length - 1))).code, "incomplete");
  }
  assert.equal(clientOf(reader.push(bytes.subarray(-1))), "192.0.2.1 40000");
});

test("ProxyHeaderReader bears flipped and random bytes, and finds every flip under a checksum", () => {
  const random = new SeededRandom(107);
  const [, secured = Buffer.alloc(0)] = GOOD.at(-1) ?? [];
  for (let round = 0; round < 3000; round++) {
    const [, header = Buffer.alloc(0)] = GOOD[round % GOOD.length] ?? [];
    const bytes = round % 2 === 0 ? random.mutate(header) : random.bytes(1 + (round % 200));
    new ProxyHeaderReader().push(bytes);
  }
  for (let bit = 16 * 8; bit < secured.length * 8; bit++) {
    const flipped = Buffer.from(secured);
    flipped.writeUInt8(flipped.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
    const result = new ProxyHeaderReader().push(flipped);
    const typeByte = bit >>> 3 === 28; // without the checksum's type nothing is secured
    if (!typeByte) assert.equal(result.code, "violation", `bit ${bit}`);
  }
});
