/** Goal: each kind of value takes the texts that the peer takes. Method: a table of texts with values by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  commaList,
  duration,
  ipAddress,
  oneOf,
  orZero,
  parseAddressRule,
  size,
  type TextKind,
  wholeNumber,
  yesNo,
} from "./text-kinds.ts";

const TEXTS: readonly (readonly [kind: TextKind<unknown>, text: string, value: unknown])[] = [
  [yesNo, "yes", true],
  [yesNo, "no", false],
  [yesNo, "YES", null],
  [yesNo, " yes", null],
  [yesNo, "", null],
  [wholeNumber(0, 16), "0", 0],
  [wholeNumber(0, 16), "16", 16],
  [wholeNumber(0, 16), "017", null],
  [wholeNumber(0, 16), "-1", null],
  [wholeNumber(0, 16), "1.5", null],
  [wholeNumber(0), "9".repeat(16), null],
  [duration(1), "90", 90],
  [duration(1), "90s", 90],
  [duration(1), "15m", 900],
  [duration(1), "2h", 7200],
  [duration(1), "1d", 86_400],
  [duration(1), "1w", 604_800],
  [duration(1), "0", null],
  [duration(1), "1 h", null],
  [duration(1), "1H", null],
  [duration(1), "h", null],
  [duration(600, 86_400), "9m", null],
  [duration(600, 86_400), "1d", 86_400],
  [orZero(duration(600, 86_400)), "0", 0],
  [size(0, 2 ** 40), "5", 5],
  [size(0, 2 ** 40), "5B", 5],
  [size(0, 2 ** 40), "5K", 5120],
  [size(0, 2 ** 40), "5kb", 5120],
  [size(0, 2 ** 40), "1M", 1_048_576],
  [size(0, 2 ** 40), "1024G", 2 ** 40],
  [size(0, 2 ** 40), "1025G", null],
  [size(0, 2 ** 40), "K", null],
  [oneOf("a", "b"), "b", "b"],
  [oneOf("a", "b"), "A", null],
  [commaList(oneOf("a", "b")), "a, b", ["a", "b"]],
  [commaList(oneOf("a", "b")), "", []],
  [commaList(oneOf("a", "b")), "a,c", null],
  [ipAddress, "::1", "::1"],
  [ipAddress, "1.2.3", null],
];

test("each kind of text takes its values and nothing else", () => {
  for (const [kind, text, value] of TEXTS)
    assert.deepEqual(kind.parse(text), value, `${kind.values}: ${text}`);
});

test("parseAddressRule() takes addresses, networks, any, and each of them negated", () => {
  const ten = { version: 4, words: [0x0a00, 0] };
  assert.deepEqual(parseAddressRule("10.0.0.0/8"), {
    negated: false,
    network: { address: ten, prefixBits: 8 },
  });
  assert.deepEqual(parseAddressRule("10.0.0.0/255.0.0.0"), {
    negated: false,
    network: { address: ten, prefixBits: 8 },
  });
  assert.deepEqual(parseAddressRule("!10.0.0.0"), {
    negated: true,
    network: { address: ten, prefixBits: 32 },
  });
  assert.deepEqual(parseAddressRule("any"), { negated: false, network: "any" });
  assert.equal(parseAddressRule("10.0.0.0/33"), null);
  assert.equal(parseAddressRule("host"), null);
});
