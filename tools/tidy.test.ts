/** Goal: the tree keeps its own rules. Method: run them on the tree; the rules themselves are tried on made-up sources below. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tidy, violationsIn } from "./tidy.ts";

test("tidy() finds nothing to mend in the tree", () => {
  assert.deepEqual(tidy(), []);
});

const BAD_SOURCES: readonly (readonly [text: string, expected: RegExp])[] = [
  ['import { x } from "#connection/service.ts";', /analysis must not import connection/],
  ['import { x } from "../connection/service.ts";', /write #…/],
  ['import { readFileSync } from "node:fs";', /belongs to kernel\/platform/],
  ["const now = Date.now();", /the Clock port/],
  ["const value: any = 1;", /a type/],
  [`function long() {\n${"  step();\n".repeat(71)}}`, /function of 73 lines/],
];

for (const [text, expected] of BAD_SOURCES) {
  test(`violationsIn() refuses ${text.split("\n")[0]}`, () => {
    const found = violationsIn({ file: "src/analysis/made-up.ts", lines: text.split("\n"), isTest: false });
    assert.equal(found.length, 1);
    assert.match(found[0]?.text ?? "", expected);
  });
}

test("violationsIn() accepts what the table allows", () => {
  const lines = [
    'import { x } from "#formats/xml/xml.ts";',
    'import assert from "node:assert/strict";',
    "x();",
  ];
  assert.deepEqual(violationsIn({ file: "src/analysis/made-up.ts", lines, isTest: false }), []);
});
