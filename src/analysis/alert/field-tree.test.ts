/**
 * Goal: names become the same object as by a walk through plain objects, whatever came before. Method: random names against a second
 * implementation of a few lines, on one tree; more names than a tree keeps.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { type FieldNode, FieldTree } from "./field-tree.ts";

type Plain = { [name: string]: number | Plain };

function objectOf({ members }: FieldNode): Plain {
  const entries = members.map(({ json, folded }): [string, number | Plain] => [
    JSON.parse(json.slice(0, -1)),
    folded.isObject ? objectOf(folded) : folded.index,
  ]);
  return Object.fromEntries(entries);
}

/** The spelled name under which the object has it, without regard to case. */
function spelled(object: Plain, name: string): string | undefined {
  return Object.keys(object).find((known) => known.toLowerCase() === name.toLowerCase());
}

function addPlainly(root: Plain, name: string, index: number): void {
  const parts = name.split(".");
  const last = parts.pop() ?? "";
  let object = root;
  for (const part of parts) {
    const known = spelled(object, part);
    if (known === undefined) object[part] = {};
    const inner = object[known ?? part];
    if (typeof inner !== "object") return;
    object = inner;
  }
  if (spelled(object, last) === undefined) object[last] = index;
}

function objectBy(tree: FieldTree, names: readonly string[]): Plain {
  const root = tree.begin();
  for (const [index, name] of names.entries()) tree.add(name, index);
  const object = objectOf(root);
  tree.end();
  return object;
}

test("FieldTree gives the objects of a plain walk, event after event", () => {
  const random = new SeededRandom(11);
  const tree = new FieldTree();
  const part = () => random.pick(["a", "A", "b", "Bc", "bC", "", "long name", '"']);
  for (let round = 0; round < 3000; round++) {
    const names = Array.from({ length: random.below(12) }, () =>
      Array.from({ length: 1 + random.below(4) }, part).join("."),
    );
    const plain: Plain = {};
    for (const [index, name] of names.entries()) addPlainly(plain, name, index);
    const object = objectBy(tree, names);
    assert.deepEqual(object, plain, names.join(" "));
    assert.equal(JSON.stringify(object), JSON.stringify(plain), "the order too");
  }
});

test("FieldTree goes on when it has let go of its names", () => {
  const tree = new FieldTree();
  for (let event = 0; event < 40; event++) {
    const names = Array.from({ length: 256 }, (_, index) => `e${event}.${"n".repeat(event * 4)}${index}`);
    const [first] = Object.values(objectBy(tree, names));
    assert.equal(Object.keys(Object(first)).length, 256);
  }
  assert.deepEqual(objectBy(tree, ["a.b", "a.c"]), { a: { b: 0, c: 1 } });
});

test("FieldTree leaves a name of a thousand parts out", () => {
  const tree = new FieldTree();
  assert.deepEqual(objectBy(tree, [Array(1000).fill("n").join("."), "x"]), { x: 1 });
  assert.equal(JSON.stringify(objectBy(tree, [Array(999).fill("n").join(".")])).split("{").length, 1000);
});
