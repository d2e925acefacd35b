/**
 * Goal: a JSON event gives the fields that the peer gives it. Method: cases worked out from the decoder's rules,
 * `JSON.parse()` with a flattening of a few lines as the second implementation, what the peer answered to its own tests
 * (where they are at hand), and damaged documents.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { predecode } from "../predecode/predecode.ts";
import { fixedText } from "./c-number.ts";
import { parseCJson } from "./cjson.ts";
import { printCJson } from "./cjson-print.ts";
import { decodeJson, EXPANSION_CHARS_MAX, type JsonOptions } from "./json.ts";
import { type JsonDocument, randomDocument } from "./random-document.fixture.ts";
import { RecordingSink } from "./recording-sink.fixture.ts";

function dynamics(text: string, options?: JsonOptions): [string, string][] {
  const sink = new RecordingSink();
  assert.equal(decodeJson(text, sink, options), "decoded");
  return sink.dynamics;
}

test("decodeJson() names fields by their path", () => {
  assert.deepEqual(dynamics('{"a":"1","b":{"c":"2","d":{"e":"3"},"f":{}},"b":{"c":"4"},"":"5"}trailing'), [
    ["a", "1"],
    ["b.c", "2"],
    ["b.d.e", "3"],
    ["b.c", "4"],
    ["", "5"],
  ]);
});

test("decodeJson() writes values as text", () => {
  const values: readonly (readonly [json: string, text: string])[] = [
    ["1", "1"],
    ["-0", "0"],
    ["01", "1"],
    ["-2147483648", "-2147483648"],
    ["2147483648", "2147483648.000000"],
    ["1e2", "100"],
    ["1e10", "10000000000.000000"],
    ["1.5", "1.500000"],
    ["1e999", "inf"],
    ["-1e999", "-inf"],
    ["true", "true"],
    ["false", "false"],
    ["null", "null"],
    ['""', ""],
    ['"\\u00e9"', "\xc3\xa9"],
    ["[]", "[]"],
    ['[1,"x",[2.5,null]]', '[1, "x", [2.5, null]]'],
    ['[{"b":1}]', '[{\n\t\t"b":\t1\n\t}]'],
  ];
  for (const [json, text] of values) assert.deepEqual(dynamics(`{"a":${json}}`), [["a", text]], json);
});

test("decodeJson() treats null as it is told", () => {
  const text = '{"a":null,"b":{"c":null},"d":[null]}';
  const kept = [
    ["a", "null"],
    ["b.c", "null"],
    ["d", "[null]"],
  ];
  assert.deepEqual(dynamics(text, { nulls: "string", arrays: "array" }), kept);
  assert.deepEqual(dynamics(text, { nulls: "empty", arrays: "array" }), kept);
  assert.deepEqual(dynamics(text, { nulls: "discard", arrays: "array" }), [["d", "[null]"]]);
});

test("decodeJson() joins the scalars of arrays when told", () => {
  const csv = (array: string) => dynamics(`{"a":${array}}`, { nulls: "string", arrays: "csv" })[0]?.[1];
  assert.equal(csv('[1,"x",2.5,true,null]'), "1,x,2.500000,true,null");
  assert.equal(csv('[1,"x",{"b":1}]'), "1,x,");
  assert.equal(csv('[[1],{},"x"]'), "x");
  assert.equal(csv("[1,{},2]"), "1,2");
  assert.equal(csv('["",""]'), ",");
  assert.equal(csv("[]"), undefined);
  assert.equal(csv('[""]'), undefined);
  assert.equal(csv(`["${"x".repeat(65_534)}"]`)?.length, 65_534);
  assert.equal(csv(`["${"x".repeat(65_535)}"]`), undefined);
  assert.equal(csv(`["${"x".repeat(40_000)}","${"x".repeat(40_000)}"]`), undefined);
});

test("decodeJson() sets the event's own fields", () => {
  const sink = new RecordingSink();
  const names = [
    "srcip",
    "dstip",
    "srcport",
    "dstport",
    "protocol",
    "action",
    "srcuser",
    "dstuser",
    "id",
    "status",
    "url",
    "data",
  ];
  const own = [...names, "extra_data"];
  const document = Object.fromEntries(
    [...own, "systemname", "system_name", "Srcip", "location"].map((name) => [name, `<${name}>`]),
  );
  assert.equal(decodeJson(JSON.stringify({ ...document, nested: { srcip: "x" } }), sink), "decoded");
  const expected = Object.fromEntries(own.map((name) => [name, `<${name}>`]));
  assert.deepEqual(sink.statics, { ...expected, system_name: "<systemname>" });
  assert.deepEqual(sink.dynamics, [
    ["system_name", "<system_name>"],
    ["Srcip", "<Srcip>"],
    ["location", "<location>"],
    ["nested.srcip", "x"],
  ]);
});

test("decodeJson() replaces a field that occurs again, also by an empty text", () => {
  const sink = new RecordingSink();
  decodeJson('{"id":1,"id":2,"url":"x","url":""}', sink);
  assert.deepEqual(sink.statics, { id: "2", url: "" });
});

test("decodeJson() takes `user` for a dstuser that is missing or empty", () => {
  const fields = (text: string) => {
    const sink = new RecordingSink();
    decodeJson(text, sink);
    return [sink.statics, sink.dynamics];
  };
  assert.deepEqual(fields('{"user":"a"}'), [{ dstuser: "a" }, []]);
  assert.deepEqual(fields('{"dstuser":"","user":"a","user":"b"}'), [{ dstuser: "a" }, [["user", "b"]]]);
  assert.deepEqual(fields('{"dstuser":"x","user":"a"}'), [{ dstuser: "x" }, [["user", "a"]]]);
  assert.deepEqual(fields('{"user":"a","dstuser":"x"}'), [{ dstuser: "x" }, []]);
});

test("decodeJson() gives no field when the document is broken or no object", () => {
  for (const text of ["", "{", '{"a":1', '{"a":1,}', '{"a":1,"srcip":"x","b":[1}', '{"a":1 "b":2}', "x{}"]) {
    const sink = new RecordingSink();
    assert.equal(decodeJson(text, sink), "not_json", text);
    assert.deepEqual([sink.dynamics, sink.statics], [[], {}]);
  }
  for (const text of ["[1]", '[{"a":1}]', '"a"', "1", "null", "{}"]) assert.deepEqual(dynamics(text), []);
});

test("decodeJson() goes on with the event's own fields when the table is full", () => {
  const sink = new RecordingSink(2);
  assert.equal(decodeJson('{"a":1,"b":2,"c":3,"srcip":"x","d":4}', sink), "fields_dropped");
  assert.deepEqual(sink.dynamics, [
    ["a", "1"],
    ["b", "2"],
  ]);
  assert.deepEqual(sink.statics, { srcip: "x" });
});

test("decodeJson() does not let nesting multiply names or indentation", () => {
  const longName = "n".repeat(EXPANSION_CHARS_MAX / 8);
  const members = Array.from({ length: 20 }, (_, index) => `"${index}":1`).join(",");
  const names = new RecordingSink();
  assert.equal(decodeJson(`{"${longName}":{${members}},"a":[1]}`, names), "fields_dropped");
  assert.equal(names.dynamics.length, 8);
  assert.deepEqual(names.dynamics.at(-1), ["a", "[1]"]);

  const depth = 900;
  const manyMembers = Array.from({ length: 400 }, () => '"":1').join(",");
  const deepObject = `${'{"a":'.repeat(depth)}{${manyMembers}}${"}".repeat(depth)}`;
  const indented = new RecordingSink();
  const outcome = decodeJson(`{"first":1,"a":[${deepObject}],"srcip":"x"}`, indented);
  assert.equal(outcome, "fields_dropped");
  assert.deepEqual(indented.dynamics, [["first", "1"]]);
  assert.deepEqual(indented.statics, { srcip: "x" });
});

test("decodeJson() reads objects and arrays a thousand levels deep", () => {
  const nested = (objects: number, arrays: number) =>
    '{"a":'.repeat(objects) + "[".repeat(arrays) + "]".repeat(arrays) + "}".repeat(objects);
  assert.equal(dynamics(nested(500, 500)).length, 1);
  assert.equal(decodeJson(nested(500, 501), new RecordingSink()), "not_json");
  assert.equal(dynamics(nested(999, 1)).length, 1);
  assert.equal(decodeJson(nested(1000, 1), new RecordingSink()), "not_json");
  assert.equal(decodeJson('{"a":'.repeat(50_000), new RecordingSink()), "not_json");
});

type ExpectedField = [name: string, value: string | JsonDocument[]];

/** The second implementation: what `JSON.parse()` gave, and the naming rule. Arrays stay as they are. */
function flatten(value: JsonDocument, name: string): ExpectedField[] {
  if (Array.isArray(value)) return [[name, value]];
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, member]) => flatten(member, `${name}.${key}`));
  }
  const isFraction = typeof value === "number" && value !== (value | 0);
  return [[name, isFraction ? fixedText(value) : String(value)]];
}

test("decodeJson() reads standard documents as JSON.parse() does", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 3_000; round++) {
    const text = JSON.stringify({ root: randomDocument(random) }, null, random.below(3));
    const expected = flatten(JSON.parse(text).root, "root");
    const fields = dynamics(text).map(([name, value], index): ExpectedField => {
      return [name, Array.isArray(expected[index]?.[1]) ? JSON.parse(value) : value];
    });
    assert.deepEqual(fields, expected, text);
  }
});

/** What the peer's rule tests and damaged variants of their events gave, by the engine itself. */
const ANSWERS = process.env["PEER_RULESET_TESTS_DIR"] ?? "";

interface Answer {
  readonly event: string;
  readonly output: { readonly decoder: object; readonly data?: object };
}

function readAnswers(name: string): Answer[] {
  // Bytes that are no UTF-8 became other characters before the engine saw them, so the text is what it saw.
  const rows = readFileSync(`${ANSWERS}/${name}`, "latin1").trim().split("\n");
  return rows.flatMap((row) => {
    const entry = JSON.parse(row) as Answer & { readonly results?: Answer[] };
    return entry.results ?? [entry];
  });
}

/** The `data` object of an alert document. */
function dataOf(sink: RecordingSink): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  const fields = [...Object.entries(sink.statics), ...sink.dynamics.filter(([, value]) => value !== "")];
  for (const [path, value] of fields) insert(data, path.split("."), value);
  return data;
}

function insert(data: Record<string, unknown>, [name = "", ...rest]: string[], value: string): void {
  const present = Object.keys(data).find((key) => key.toLowerCase() === name.toLowerCase());
  if (rest.length === 0) {
    if (present === undefined) data[name] = jsonOrText(value);
    return;
  }
  const key = present ?? name;
  if (present === undefined) data[key] = {};
  const next = data[key];
  if (typeof next === "object" && next !== null && !Array.isArray(next)) {
    insert(next as Record<string, unknown>, rest, value);
  }
}

function jsonOrText(value: string): unknown {
  const array = value.startsWith("[") ? parseCJson(value) : null;
  return array !== null && array.end === value.length ? JSON.parse(printCJson(array.value)) : value;
}

test("decodeJson() gives the data that the peer gave", {
  skip: !existsSync(ANSWERS) && "the peer's answers are not here",
}, (t) => {
  let documents = 0;
  for (const { event, output } of ["expected.jsonl", "mutated-session.jsonl"].flatMap(readAnswers)) {
    if (JSON.stringify(output.decoder) !== '{"name":"json"}') continue;
    const sink = new RecordingSink(256);
    decodeJson(predecode(event).log, sink);
    assert.deepEqual(dataOf(sink), output.data ?? {}, event);
    documents++;
  }
  t.diagnostic(`${documents} documents`);
  assert.ok(documents > 1_000);
});

test("decodeJson() takes damaged documents", () => {
  const random = new SeededRandom(6);
  for (let round = 0; round < 5_000; round++) {
    const text = JSON.stringify({ a: randomDocument(random), user: "x" });
    decodeJson(random.mutate(Buffer.from(text)).toString("latin1"), new RecordingSink(100));
  }
});
