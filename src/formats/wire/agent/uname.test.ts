/**
 * Goal: the columns that the peer fills from a uname, and null for what is missing.
 * Method: the peer's vectors; texts with empty, odd and repeated parts; damaged copies of the vectors.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { type AgentSystem, parseUname } from "./uname.ts";

type Row = { readonly uname: string; readonly fields: Readonly<Record<string, string>> };
const VECTORS = new URL("../../../../test/vectors/agent/uname.json", import.meta.url);
const { vectors }: { vectors: readonly Row[] } = JSON.parse(readFileSync(VECTORS, "utf8"));

/** The filled columns under their names in the agent table. */
function columnsOf(system: AgentSystem): Record<string, string> {
  const columns: Record<string, string> = {};
  for (const [field, value] of Object.entries(system)) {
    if (value !== null) columns[field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return columns;
}

test("parseUname() fills the columns as the peer does", () => {
  assert.equal(vectors.length, 7);
  for (const { uname, fields } of vectors) assert.deepEqual(columnsOf(parseUname(uname)), fields, uname);
});

test("parseUname() takes empty and odd parts", () => {
  const rows: readonly (readonly [string, Record<string, string>])[] = [
    ["", {}],
    [" [", {}],
    [" []", {}],
    [" [|]", {}],
    [" [: (]", { os_name: ": (" }],
    ["x [|: ]", { os_uname: "x" }],
    ["x [n|: 1.2]", { os_uname: "x", os_name: "n", os_version: "1.2", os_major: "1", os_minor: "2" }],
    ["x [n|p: ()]", { os_uname: "x", os_name: "n", os_platform: "p", os_version: "()" }],
    ["x [n|p:  (]", { os_uname: "x", os_name: "n", os_platform: "p" }],
    ["x [n", { os_uname: "x", os_name: "n" }],
    ["|", { os_uname: "|" }],
    [" |", { os_uname: " |" }],
    ["x |", { os_uname: "x |" }],
    ["x |y", { os_uname: "x |y", os_arch: "y" }],
    [" [Ver: ", { os_platform: "windows" }],
    [" [Ver: ]", { os_platform: "windows" }],
    [
      "W [Ver: ...] |",
      { os_platform: "windows", os_name: "W", os_uname: "W", os_version: "...", os_build: "." },
    ],
    ["W [Ver: 6", { os_platform: "windows", os_name: "W", os_uname: "W", os_version: "6", os_major: "6" }],
  ];
  for (const [uname, expected] of rows) assert.deepEqual(columnsOf(parseUname(uname)), expected, uname);
});

test("parseUname() bounds what it keeps and never throws", () => {
  const random = new SeededRandom(6);
  for (let round = 0; round < 2000; round++) {
    const uname = random.mutate(Buffer.from(random.pick(vectors).uname)).toString("latin1");
    parseUname(uname);
  }
  for (const [, value] of Object.entries(parseUname("[|( - ".repeat(20_000)))) {
    assert.ok((value ?? "").length <= 2048);
  }
});
