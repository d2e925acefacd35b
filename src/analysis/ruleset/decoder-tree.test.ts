/** Goal: decoders stand where the peer puts them. Method: small sets whose trees follow from the specification. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decoder } from "./decoder.ts";
import { loadTexts, messagesOf, requireTexts } from "./load-texts.fixture.ts";

const top = (name: string, body = "<prematch>x</prematch>") => `<decoder name="${name}">${body}</decoder>`;
const child = (name: string, parent: string, body = "<regex>(x)</regex><order>id</order>") =>
  `<decoder name="${name}"><parent>${parent}</parent>${body}</decoder>`;

/** `name>` for one that goes on with its sibling. */
function shown(decoders: readonly Decoder[]): string {
  return decoders
    .map(({ name, next, children }) => {
      const own = `${name}${next ? ">" : ""}`;
      return children.length === 0 ? own : `${own}(${shown(children)})`;
    })
    .join(" ");
}

function tree(text: string): string {
  const { decoders } = requireTexts({ decoders: text });
  return `${shown(decoders.withProgramName)} | ${shown(decoders.withoutProgramName)}`;
}

test("buildDecoderTree() keeps two lists in load order: with and without a program name", () => {
  const named = (name: string) => top(name, "<program_name>x</program_name>");
  assert.equal(tree(top("a") + named("b") + top("c") + named("d")), "b d | a c");
});

test("buildDecoderTree() puts a child below every parent of that name that was loaded before it", () => {
  const text =
    top("p") + top("p", "<program_name>x</program_name>") + child("c", "p") + top("p") + child("d", "p");
  assert.equal(tree(text), "p(c d) | p(c d) p(d)");
});

test("buildDecoderTree() has two levels only: a child is no parent", () => {
  assert.deepEqual(messagesOf({ decoders: top("p") + child("c", "p") + child("d", "c") }), [
    "error: (2101): Parent decoder name invalid: 'c'.",
    "error: (2106): Error adding decoder plugin.",
  ]);
});

test("buildDecoderTree() lets all but the last of the same-named siblings go on", () => {
  const text = top("p") + child("m", "p") + child("x", "p") + child("m", "p") + child("m", "p");
  assert.equal(tree(text), " | p(m> x m> m)");
});

test("buildDecoderTree() knows a child by its parent's name unless it uses its own", () => {
  const own = child("own", "p", "<use_own_name>true</use_own_name><regex>(x)</regex><order>id</order>");
  const { decoders } = requireTexts({ decoders: top("p") + child("c", "p") + own + top("q") });
  const [p, q] = decoders.withoutProgramName;
  assert.deepEqual(
    p?.children.map(({ shownName }) => shownName),
    ["p", "own"],
  );
  assert.deepEqual(
    p.children.map(({ id }) => id === p.id),
    [true, false],
  );
  assert.equal(decoders.idOfName.get("own"), p.children[1]?.id);
  assert.equal(decoders.idOfName.get("q"), q?.id);
  assert.equal(decoders.idOfName.has("c"), false);
});

test("buildDecoderTree() knows the decoders that are code", () => {
  const { decoders } = requireTexts({});
  const ids = [
    "rootcheck",
    "syscheck_integrity_changed",
    "syscheck_registry_value_deleted",
    "hostinfo_modified",
    "syscollector",
    "ciscat",
    "windows_eventchannel",
    "sca",
  ].map((name) => decoders.idOfName.get(name));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.includes(undefined), false);
  assert.equal(ids.includes(0), false, "0 is the id of no decoder");
});

const MISTAKES: readonly (readonly [what: string, text: string, first: string])[] = [
  [
    "a prematch on the second one",
    child("c", "p") + child("c", "p", "<prematch>y</prematch><regex>(x)</regex><order>id</order>"),
    "(2102): Duplicated decoder with prematch: 'c'.",
  ],
  [
    "an fts on the second one",
    child("c", "p") + child("c", "p", "<regex>(x)</regex><order>id</order><fts>id</fts>"),
    "(2103): Duplicated decoder with fts set: 'c'.",
  ],
  [
    "a second one that does nothing",
    child("c", "p") + child("c", "p", "<accumulate/>"),
    "(2104): Invalid duplicated decoder: 'c'.",
  ],
  [
    "a first one that does nothing",
    child("c", "p", "<prematch>x</prematch>") + child("c", "p"),
    "(2104): Invalid duplicated decoder: 'c'.",
  ],
  [
    "a regex after a sibling that is not there",
    child("c", "p") + child("d", "p", '<regex offset="after_regex">(x)</regex><order>id</order>'),
    "(2120): Invalid offset value: 'after_regex'",
  ],
];

for (const [what, text, first] of MISTAKES) {
  test(`buildDecoderTree() refuses same-named children with ${what}`, () => {
    assert.deepEqual(messagesOf({ decoders: top("p") + text }), [
      `error: ${first}`,
      "error: (2105): Error loading decoder options.",
      "error: (2106): Error adding decoder plugin.",
    ]);
  });
}

test("buildDecoderTree() refuses a set whose parents multiply its children", () => {
  const text = top("p").repeat(1000) + child("c", "p").repeat(100);
  const { ruleset, problems } = loadTexts({ decoders: text });
  assert.equal(ruleset, null);
  assert.equal(problems[0]?.message, "Too many decoders below others: 'c' has 1000 parents.");
});
