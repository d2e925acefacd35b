/** Goal: the `mitre` object of the peer's two forms. Method: a small table; values from the format's description. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMitreTable } from "#formats/mitre/mitre-table.ts";
import { mitreJson, mitreWarnings } from "./mitre.ts";

const TABLE = parseMitreTable(
  "tactic\tTA1\ta\tAlpha\ntactic\tTA2\tb\tBeta\ntechnique\tT1\tFirst\ta\ntechnique\tT2\tSecond\ta,b\n",
);

test("mitreJson() shows all ids of the old form and names once", () => {
  assert.deepEqual(JSON.parse(mitreJson({ kind: "techniques", ids: ["T1", "T9", "T2"] }, TABLE) ?? ""), {
    id: ["T1", "T9", "T2"],
    tactic: ["Alpha", "Beta"],
    technique: ["First", "Second"],
  });
});

test("mitreJson() counts a pair only when the technique serves the tactic", () => {
  const pairs = [
    { tacticId: "TA2", techniqueId: "T2" },
    { tacticId: "TA2", techniqueId: "T1" },
    { tacticId: "TA9", techniqueId: "T2" },
    { tacticId: "TA2", techniqueId: "T2" },
  ];
  const expected = { id: ["T2"], tactic: ["Beta"], technique: ["Second"] };
  assert.deepEqual(JSON.parse(mitreJson({ kind: "pairs", pairs }, TABLE) ?? ""), expected);
  assert.deepEqual(mitreWarnings({ kind: "pairs", pairs }, TABLE), [
    "Mitre Tactic ID 'TA2' is not a tactic of 'T1'.",
    "Mitre Tactic ID 'TA9' is not a tactic of 'T2'.",
  ]);
});

test("mitreJson() gives nothing when no tactic results", () => {
  assert.equal(mitreJson({ kind: "techniques", ids: ["T9"] }, TABLE), null);
  assert.deepEqual(mitreWarnings({ kind: "techniques", ids: ["T9", "T1"] }, TABLE), [
    "Mitre Technique ID 'T9' not found in database.",
  ]);
});
