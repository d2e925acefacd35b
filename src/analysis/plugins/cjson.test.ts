/**
 * Goal: documents are read and written as cJSON does it. Method: cases worked out from its rules, `JSON` as the second
 * implementation on random documents, and damaged ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { CJsonObject, type CJsonValue, JSON_DEPTH_MAX, parseCJson } from "./cjson.ts";
import { prettyCJson, prettyCJsonWithin, printCJson } from "./cjson-print.ts";
import { randomDocument } from "./random-document.fixture.ts";

/** Plain values of our language, with the last of repeated names as `JSON.parse()` has it. */
function plain(value: CJsonValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof CJsonObject)) return value;
  return Object.fromEntries(value.names.map((name, index) => [name, plain(value.values[index] ?? null)]));
}

function parsed(text: string): unknown {
  const result = parseCJson(text);
  return result === null ? "no JSON" : plain(result.value);
}

test("parseCJson() reads standard documents as JSON.parse() does", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 3_000; round++) {
    const text = JSON.stringify(randomDocument(random), null, random.below(3));
    const result = parseCJson(text);
    assert.ok(result !== null, text);
    assert.deepEqual(plain(result.value), JSON.parse(text));
    assert.equal(result.end, text.length);
    assert.deepEqual(JSON.parse(printCJson(result.value)), JSON.parse(text));
    assert.deepEqual(JSON.parse(prettyCJson(result.value)), JSON.parse(text));
    if (typeof result.value === "object") assert.equal(parseCJson(text.slice(0, -1)), null);
  }
});

test("parseCJson() says where the value ends and ignores the rest", () => {
  assert.deepEqual(parseCJson('  {"a":1} {'), {
    value: Object.assign(new CJsonObject(), { names: ["a"], values: [1] }),
    end: 9,
  });
  assert.deepEqual(parseCJson("truex"), { value: true, end: 4 });
  assert.deepEqual(parseCJson("1.2.3"), { value: 1.2, end: 3 });
  assert.deepEqual(parseCJson("\xef\xbb\xbf1"), { value: 1, end: 4 });
});

test("parseCJson() keeps repeated names in order", () => {
  const { value } = parseCJson('{"a":1,"b":2,"a":3}') ?? {};
  assert.ok(value instanceof CJsonObject);
  assert.deepEqual(value.names, ["a", "b", "a"]);
  assert.deepEqual(value.values, [1, 2, 3]);
});

test("parseCJson() reads numbers as strtod does", () => {
  const numbers: readonly (readonly [text: string, value: unknown])[] = [
    ["[01]", [1]],
    ["[-]", "no JSON"],
    ["[-.5]", [-0.5]],
    ["[1.]", [1]],
    ["[.5]", "no JSON"],
    ["[+1]", "no JSON"],
    ["[1e5]", [100_000]],
    ["[1E+2]", [100]],
    ["[1e]", "no JSON"],
    ["[1-2]", "no JSON"],
    ["[0x10]", "no JSON"],
    ["[1e999]", [Number.POSITIVE_INFINITY]],
    ["[123456789012345678]", [123456789012345680]],
    ["[-123456789012345]", [-123456789012345]],
    [`[${"1".repeat(63)}]`, [Number("1".repeat(63))]],
    [`[${"1".repeat(64)}]`, "no JSON"],
  ];
  for (const [text, value] of numbers) assert.deepEqual(parsed(text), value, text);
});

test("parseCJson() reads strings as bytes", () => {
  const strings: readonly (readonly [text: string, value: unknown])[] = [
    ['"a\tb\nc"', "a\tb\nc"],
    ['"\xe9\xff"', "\xe9\xff"],
    ['"\\b\\f\\n\\r\\t\\"\\\\\\/"', '\b\f\n\r\t"\\/'],
    ['"\t\\n"', "\t\n"],
    ['"\\u0041\\u00e9\\u20ac"', "A\xc3\xa9\xe2\x82\xac"],
    ['"\\uD83D\\uDE00!"', "\xf0\x9f\x98\x80!"],
    ['"\\ud83d"', "no JSON"],
    ['"\\ud83dx12345"', "no JSON"],
    ['"\\ud83d\\u0041"', "no JSON"],
    ['"\\ude00\\ud83d"', "no JSON"],
    ['"\\ude00\\ude00"', "no JSON"],
    ['"a\\u0000b"', "a"],
    ['"a\\u12x4b"', "a"],
    // The escape takes six bytes whatever they are, so the quote in it does not end the string.
    ['"a\\u123\\"b"', "a"],
    ['"a\\u12"34"', "no JSON"],
    ['"a\\u0000\\x"', "no JSON"],
    ['"\\x"', "no JSON"],
    ['"a', "no JSON"],
    ['"a\\', "no JSON"],
    ['"a\\"', "no JSON"],
  ];
  for (const [text, value] of strings) assert.deepEqual(parsed(text), value, text);
});

test("parseCJson() refuses broken structure", () => {
  for (const text of [
    "",
    " ",
    "{",
    "}",
    "{]",
    "[1 2]",
    "[1,]",
    "[,1]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "nul",
    "[1}",
    "[tru]",
  ]) {
    assert.equal(parseCJson(text), null, text);
  }
});

test("parseCJson() takes control bytes as space", () => {
  assert.deepEqual(parsed('\x01{\x0b"a"\x1f:\x02[\x031\x04,\x052\x06]\x07}'), { a: [1, 2] });
});

test("parseCJson() reads a thousand levels and no more", () => {
  const nested = (levels: number, open: string, close: string) =>
    `${open.repeat(levels)}1${close.repeat(levels)}`;
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
  ] as const) {
    const deepest = parseCJson(nested(JSON_DEPTH_MAX, open, close));
    assert.ok(deepest !== null);
    assert.ok(printCJson(deepest.value) === nested(JSON_DEPTH_MAX, open, close));
    assert.equal(parseCJson(nested(JSON_DEPTH_MAX + 1, open, close)), null);
    assert.equal(parseCJson(nested(30_000, open, close)), null);
  }
});

test("parseCJson() takes damaged documents", () => {
  const random = new SeededRandom(4);
  for (let round = 0; round < 5_000; round++) {
    const text = random.mutate(Buffer.from(JSON.stringify(randomDocument(random)))).toString("latin1");
    const result = parseCJson(text.replaceAll("\0", " "));
    if (result === null) continue;
    assert.ok(result.end <= text.length);
    // What was read is written so that it reads the same again; an infinite number is written as null.
    const written = printCJson(result.value);
    assert.equal(printCJson(parseCJson(written)?.value ?? null), written);
  }
});

test("printCJson() writes no space", () => {
  const text =
    '{"a":[1,{"b":null},[]],"c":{},"d":true,"d":false,"e":"\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\xff"}';
  assert.equal(printCJson(parseCJson(text)?.value ?? null), text);
});

test("prettyCJson() writes arrays on one line and members on lines of their own", () => {
  const value = parseCJson('{"a":[1,"x",{"b":{"c":[]}},{}],"d":{}}')?.value ?? null;
  const expected = [
    "{",
    '\t"a":\t[1, "x", {',
    '\t\t\t"b":\t{',
    '\t\t\t\t"c":\t[]',
    "\t\t\t}",
    "\t\t}, {",
    "\t\t}],",
    '\t"d":\t{',
    "\t}",
    "}",
  ];
  assert.equal(prettyCJson(value), expected.join("\n"));
  assert.equal(prettyCJson([]), "[]");
});

test("prettyCJsonWithin() gives up on a longer text", () => {
  const value = parseCJson('{"a":[1,2]}')?.value ?? null;
  const text = '{\n\t"a":\t[1, 2]\n}';
  assert.equal(prettyCJsonWithin(value, text.length), text);
  assert.equal(prettyCJsonWithin(value, text.length - 1), null);
});

test("printCJson() writes numbers as cJSON does", () => {
  const numbers: readonly (readonly [value: number, text: string])[] = [
    [0, "0"],
    [-0, "0"],
    [2147483647, "2147483647"],
    [2147483648, "2147483648"],
    [-2147483648, "-2147483648"],
    [1680609784000, "1680609784000"],
    [1e15, "1e+15"],
    [0.1, "0.1"],
    // Within the precision of the value, fifteen digits are taken although they read as another double.
    [0.1 + 0.2, "0.3"],
    [1 / 3, "0.33333333333333331"],
    [1573747285.5725312, "1573747285.5725312"],
    [12345678901234568, "12345678901234568"],
    [1e-7, "1e-07"],
    [Number.POSITIVE_INFINITY, "null"],
  ];
  for (const [value, text] of numbers) assert.equal(printCJson(value), text);
});
