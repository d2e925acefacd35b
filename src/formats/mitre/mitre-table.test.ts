/** Goal: the table is read as it is written. Method: a hand-made table, and facts of the shipped one looked up on attack.mitre.org's lists. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseMitreTable } from "./mitre-table.ts";

test("parseMitreTable() reads tactics and techniques and leaves other lines out", () => {
  const { tactics, techniques } = parseMitreTable(
    "# comment\ntactic\tTA1\tone\tOne\ntechnique\tT1\tName\tone,two,one-more\ntactic\tTA2\ttwo\tTwo\nodd\tline\n\ntechnique\tT2\n",
  );
  assert.deepEqual(
    [...tactics],
    [
      ["TA1", "One"],
      ["TA2", "Two"],
    ],
  );
  assert.deepEqual([...techniques], [["T1", { name: "Name", tactics: ["One", "Two"] }]]);
});

test("parseMitreTable() reads the shipped table", () => {
  const { tactics, techniques } = parseMitreTable(
    readFileSync(new URL("../../../ruleset/mitre/attack.tsv", import.meta.url), "utf8"),
  );
  assert.equal(tactics.get("TA0006"), "Credential Access");
  assert.deepEqual(techniques.get("T1110"), { name: "Brute Force", tactics: ["Credential Access"] });
  assert.equal(techniques.get("T1110.001")?.name, "Password Guessing");
  for (const [id, { tactics: names }] of techniques) assert.ok(names.length > 0, id);
});
