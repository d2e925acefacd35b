/**
 * Goal: one address has one value and one text, and a network holds what its mask says.
 * Method: tables written from RFC 4291 and the peer's forms; networks against a slow comparison of bit texts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import {
  addressBits,
  formatIpAddress,
  type IpAddress,
  networkContains,
  parseIpAddress,
  parseIpNetwork,
  parsePeerAddress,
  sameAddress,
} from "./address.ts";

const FORMS: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "0.0.0.0"],
  ["10.1.2.3", "10.1.2.3"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "0000:0000:0000:0000:0000:0000:0000:0000"],
  ["::1", "0000:0000:0000:0000:0000:0000:0000:0001"],
  ["1::", "0001:0000:0000:0000:0000:0000:0000:0000"],
  ["2001:db8::a", "2001:0DB8:0000:0000:0000:0000:0000:000A"],
  ["1:2:3:4:5:6:7::", "0001:0002:0003:0004:0005:0006:0007:0000"],
  ["::2:3:4:5:6:7:8", "0000:0002:0003:0004:0005:0006:0007:0008"],
  ["2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:0DB8:0000:0000:0000:0000:0000:0001"],
  ["64:ff9b::192.0.2.33", "0064:FF9B:0000:0000:0000:0000:C000:0221"],
  ["::ffff:192.0.2.33", "192.0.2.33"],
  ["::FFFF:c000:221", "192.0.2.33"],
];

const NO_ADDRESSES = [
  ...[
    "",
    " ",
    "any",
    "1.2.3",
    "1.2.3.4.5",
    "300.1.1.1",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.-4",
    "1.2..4",
  ],
  ...[
    "0x1.2.3.4",
    "1.2.3.4/8",
    ":",
    ":::",
    "1:2",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
  ],
  ...[
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "fe80::1%eth0",
    "[::1]",
    `${"0".repeat(46)}`,
    ":1:2:3:4:5:6:7:8",
  ],
];

function parsed(text: string): IpAddress {
  const address = parseIpAddress(text);
  assert.ok(address !== null, text);
  return address;
}

test("parseIpAddress() reads every form, formatIpAddress() writes the peer's", () => {
  for (const [text, expected] of FORMS) {
    assert.equal(formatIpAddress(parsed(text)), expected, text);
    assert.ok(sameAddress(parsed(text), parsed(expected)), text);
  }
});

test("parseIpAddress() refuses what is no address", () => {
  for (const text of NO_ADDRESSES) assert.equal(parseIpAddress(text), null, text);
});

test("parsePeerAddress() ignores the zone", () => {
  const address = parsePeerAddress("fe80::1%eth0");
  assert.equal(address && formatIpAddress(address), "FE80:0000:0000:0000:0000:0000:0000:0001");
});

test("parseIpNetwork() takes a prefix or a mask", () => {
  const prefixes: readonly (readonly [string, number | null])[] = [
    ["10.0.0.0/8", 8],
    ["10.0.0.0/0", 0],
    ["10.0.0.0/32", 32],
    ["10.0.0.0/33", null],
    ["10.0.0.0/255.255.128.0", 17],
    ["10.0.0.0/0.0.0.0", 0],
    ["10.0.0.0/255.255.255.255", 32],
    ["10.0.0.0/255.0.255.0", null],
    ["10.0.0.0/", null],
    ["10.0.0.0/8/8", null],
    ["10.0.0.0", null],
    ["2001:db8::/32", 32],
    ["2001:db8::/128", 128],
    ["2001:db8::/129", null],
    ["2001:db8::/255.0.0.0", null],
    ["::ffff:10.0.0.0/104", 8],
    ["::ffff:10.0.0.0/80", null],
    ["any/8", null],
  ];
  for (const [text, expected] of prefixes) {
    assert.equal(parseIpNetwork(text)?.prefixBits ?? null, expected, text);
  }
});

function bitText({ words }: IpAddress): string {
  return words.map((word) => word.toString(2).padStart(16, "0")).join("");
}

test("networkContains() compares the bits of the prefix and no others", () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 2000; round++) {
    const version = random.pick([4, 6] as const);
    const words = Array.from({ length: addressBits(version) / 16 }, () => random.below(65_536));
    const address: IpAddress = { version, words };
    const flipped = random.below(addressBits(version));
    const other = words.map((word, index) =>
      index === flipped >> 4 ? word ^ (0x8000 >>> (flipped & 15)) : word,
    );
    const prefixBits = random.below(addressBits(version) + 1);
    const expected = bitText(address).startsWith(bitText({ version, words: other }).slice(0, prefixBits));
    const contained = networkContains({ address, prefixBits }, { version, words: other });
    assert.equal(contained, expected, `round ${round}`);
  }
});

test("networkContains() keeps the versions apart", () => {
  assert.ok(!networkContains({ address: parsed("::"), prefixBits: 0 }, parsed("1.2.3.4")));
});
