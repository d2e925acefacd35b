/** Goal: `<srcip>` means what the peer's documents say. Method: a table of texts, addresses and the answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressSetOf, parseNetwork } from "./address-set.ts";

const ANSWERS: readonly (readonly [text: string, address: string, inside: boolean])[] = [
  ["10.1.2.3", "10.1.2.3", true],
  ["10.1.2.3", "10.1.2.4", false],
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["10.1.2.3/8", "10.9.9.9", true],
  ["0.0.0.0/0", "203.0.113.9", true],
  ["192.168.0.0/255.255.0.0", "192.168.77.1", true],
  ["192.168.0.0/255.255.0.0", "192.169.0.1", false],
  ["192.168.0.1/255.255.255.255", "192.168.0.2", false],
  ["192.168.0.1/0.0.0.0", "203.0.113.9", true],
  ["any", "203.0.113.9", true],
  ["any", "2001:db8::1", true],
  ["2001:db8::/32", "2001:DB8:1::5", true],
  ["2001:db8::/32", "2001:db9::5", false],
  ["2001:db8::1", "2001:db8:0:0:0:0:0:1", true],
  // A mapped address is its IPv4 address, on either side.
  ["::ffff:10.1.2.3", "10.1.2.3", true],
  ["10.0.0.0/8", "::FFFF:10.1.2.3", true],
  // A zone says nothing about a host.
  ["2001:db8::/32", "2001:db8::1%eth0", true],
  ["fe80::1%eth0", "fe80::1", true],
  // Another version never matches.
  ["::/0", "10.1.2.3", false],
  ["0.0.0.0/0", "2001:db8::1", false],
  // What is no address is inside nothing.
  ["any", "host.example", false],
  ["any", "", false],
  ["0.0.0.0/0", "10.1.2", false],
  // The exclamation mark is dropped: `negate` is the way to say "not".
  ["!10.1.2.3", "10.1.2.3", true],
  ["!10.1.2.3", "10.1.2.4", false],
];

for (const [text, address, inside] of ANSWERS) {
  test(`addressSetOf() says that "${address}" is ${inside ? "in" : "not in"} ${text}`, () => {
    const network = parseNetwork(text);
    assert(network !== null);
    assert.equal(addressSetOf([network]).has(address), inside);
  });
}

test("addressSetOf() holds the addresses of any of its networks, and none when it has none", () => {
  const networks = ["10.1.2.3", "2001:db8::1"].flatMap((text) => parseNetwork(text) ?? []);
  const set = addressSetOf(networks);
  assert.deepEqual(
    ["10.1.2.3", "2001:db8::1", "10.1.2.4"].map((address) => set.has(address)),
    [true, true, false],
  );
  assert.equal(addressSetOf([]).has("10.1.2.3"), false);
});

const REFUSED = [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "host.example",
  "!any",
  "!!1.2.3.4",
  "1.2.3.4/33",
  "1.2.3.4/-1",
  "1.2.3.4/",
  "1.2.3.4/8/8",
  "1.2.3.4/255.0.255.0",
  "2001:db8::/129",
  "2001:db8::/ffff::",
  " 1.2.3.4",
  "__proto__",
];

for (const text of REFUSED) {
  test(`parseNetwork() refuses "${text}"`, () => assert.equal(parseNetwork(text), null));
}
