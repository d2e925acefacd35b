/** Goal: elements come as JSON.parse has them, in bounded steps. Method: JSON.parse as the second reader; cut, flipped and endless strings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { ChunkReader, ELEMENT_BYTES_MAX } from "./chunk-reader.ts";

function readAll(text: string | Buffer) {
  const reader = new ChunkReader(Buffer.from(text));
  const elements: [string | null, unknown][] = [];
  for (;;) {
    const step = reader.next();
    if (step.kind !== "element") return { elements, end: step.kind };
    elements.push([step.list, step.value]);
  }
}

const HEAD = '{"set_data_command": "a]}\\"", "payload": {"x": [1, {"y": "}"}]}, "n": 1.5e3, "chunks": ';
const OBJECT = '{"one": [{"id": 1, "a": "[{\\"\\\\"}, {"id": 2}], "none": [], "two": [{"b": [[{}]]}]}';
const LIST = '["[{\\"id\\":1}]", "x"]';

test("ChunkReader gives the elements of both forms", () => {
  assert.deepEqual(readAll(`${HEAD}${OBJECT}}`), {
    elements: [
      ["one", { id: 1, a: '[{"\\' }],
      ["one", { id: 2 }],
      ["two", { b: [[{}]] }],
    ],
    end: "end",
  });
  assert.deepEqual(readAll(`${HEAD}${LIST}}`), {
    elements: [
      [null, '[{"id":1}]'],
      [null, "x"],
    ],
    end: "end",
  });
  for (const empty of ["[]", "{}"])
    assert.deepEqual(readAll(`{"chunks":${empty}}`), { elements: [], end: "end" });
  const spaced = JSON.stringify(JSON.parse(`${HEAD}${OBJECT}}`), null, 4);
  assert.deepEqual(readAll(spaced), readAll(`${HEAD}${OBJECT}}`));
});

test("ChunkReader stops where the string is cut, and keeps what came before", () => {
  for (const [head, body] of [
    [HEAD, OBJECT],
    [HEAD, LIST],
  ] as const) {
    const whole = readAll(head + body);
    for (let cut = 0; cut < head.length + body.length; cut++) {
      const { elements, end } = readAll((head + body).slice(0, cut));
      assert.equal(end, "malformed", `cut at ${cut}`);
      assert.deepEqual(elements, whole.elements.slice(0, elements.length));
    }
  }
  for (const wrong of [
    "",
    "[]",
    "7",
    '{"chunks": 7}',
    '{"chunks": [1 2]}',
    '{"chunks": [,1]}',
    '{"chunks": {"a": 1}}',
    '{"chunks": [{"__proto__": 1}]}',
  ]) {
    assert.equal(readAll(wrong).end, "malformed", wrong);
  }
});

test("ChunkReader ends with flipped bytes", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(`${HEAD}${OBJECT}}`);
    for (let flip = 0; flip < 3; flip++) bytes[random.below(bytes.length)] = random.below(256);
    readAll(bytes);
  }
});

test("ChunkReader takes an element up to its limit, and goes through no endless one", () => {
  const text = (bytes: number) => `{"chunks": ["${"x".repeat(bytes - 2)}"]}`;
  assert.equal(readAll(text(ELEMENT_BYTES_MAX)).end, "end");
  assert.equal(readAll(text(ELEMENT_BYTES_MAX + 1)).end, "malformed");
  assert.equal(readAll(`{"chunks": [${" ".repeat(3 * ELEMENT_BYTES_MAX)}1]}`).end, "malformed");
  assert.equal(readAll(`{${'"a": 1, '.repeat(100)}"chunks": []}`).end, "malformed");
  assert.equal(readAll(`{"chunks": {${'"a": [], '.repeat(100)}"b": []}}`).end, "malformed");
});
