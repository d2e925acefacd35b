/** The table of ATT&CK: whatever stands in it, tactics and those of techniques have names that are there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseMitreTable } from "#formats/mitre/mitre-table.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";
import { damagedText, oddText, splicedLines } from "../damage.ts";
import type { Target } from "../target.ts";

const TABLE_LINES = readFileSync(`${SHIPPED_RULESET}/mitre/attack.tsv`, "latin1").split("\n");
const WORDS = ["tactic", "technique", "\t", ",", "#", "\r", "TA0001", "T1078", "__proto__"];

function run(input: string): void {
  const { tactics, techniques } = parseMitreTable(input);
  // A tactic that is there twice has the last name; techniques may show each.
  const rows = input.split("\n").map((line) => line.split("\t"));
  const names = new Set(
    rows.flatMap(([kind, , , name]) => (kind === "tactic" && name !== undefined ? [name] : [])),
  );
  for (const name of tactics.values()) assert(names.has(name), name);
  for (const { name, tactics: shown } of techniques.values()) {
    assert.equal(typeof name, "string");
    for (const tactic of shown) assert(names.has(tactic), tactic);
  }
}

export const mitreTarget: Target = {
  make: (random) =>
    Array.from({ length: 1 + random.below(30) }, () => {
      const line = random.pick(TABLE_LINES);
      return random.below(4) === 0
        ? damagedText(random, line, WORDS)
        : line + random.pick(["", "", oddText(random)]);
    }).join("\n"),
  change: (random, input, other) =>
    random.below(3) === 0 ? splicedLines(random, input, other) : damagedText(random, input, WORDS),
  run,
};
