/**
 * Goal: what earlier documents taught changes no answer. Method: documents of few names in random order, each read by a decoder that
 * has seen all before, against `JSON.parse()`; names that look like other text; more names than are remembered.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { decodeJson } from "./json.ts";
import { RecordingSink } from "./recording-sink.fixture.ts";

type Fields = readonly (readonly [name: string, value: string])[];

function fieldsOf(text: string): Fields {
  const sink = new RecordingSink();
  assert.equal(decodeJson(text, sink), "decoded", text);
  return sink.dynamics;
}

test("decodeJson() reads a document alike whatever came before it", () => {
  const random = new SeededRandom(5);
  const names = ["a", "aa", "b", "A", 'q"', "back\\", "x.y", "", " "];
  const made = (depth: number): { text: string; fields: Fields } => {
    const members = Array.from({ length: 1 + random.below(4) }, () => {
      const name = random.pick(names);
      const blank = random.pick(["", "", " "]);
      const inner = depth < 3 && random.below(3) === 0 ? made(depth + 1) : null;
      const fields: Fields =
        inner === null ? [[name, "v"]] : inner.fields.map(([rest, value]) => [`${name}.${rest}`, value]);
      return { text: `${JSON.stringify(name)}${blank}:${blank}${inner?.text ?? '"v"'}`, fields };
    });
    return {
      text: `{${members.map(({ text }) => text).join(",")}}`,
      fields: members.flatMap(({ fields }) => fields),
    };
  };
  for (let round = 0; round < 5000; round++) {
    const { text, fields } = made(0);
    assert.deepEqual(fieldsOf(text), fields, text);
  }
});

test("decodeJson() takes no text for a name that only looks like it", () => {
  // The name of the first document, with its quotes, is the beginning of the second one.
  assert.deepEqual(fieldsOf('{"a\\":\\"b":"1"}'), [['a":"b', "1"]]);
  assert.equal(decodeJson('{"a":"b":"1"}', new RecordingSink()), "not_json");
  assert.deepEqual(fieldsOf('{"a":"b"}'), [["a", "b"]]);
});

test("decodeJson() goes on when more names came than are remembered", () => {
  for (let document = 0; document < 60; document++) {
    const names = Array.from({ length: 200 }, (_, index) => `n${document * 200 + index}`);
    const text = `{"o":{${names.map((name) => `"${name}":"v"`).join(",")}}}`;
    assert.deepEqual(
      fieldsOf(text),
      names.map((name) => [`o.${name}`, "v"]),
    );
  }
  const long = "n".repeat(300);
  for (const round of [1, 2]) {
    assert.deepEqual(fieldsOf(`{"${long}":{"a":"${round}"},"${long}":"x"}`), [
      [`${long}.a`, String(round)],
      [long, "x"],
    ]);
  }
});
