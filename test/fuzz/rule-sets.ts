/** The rule sets that events run through: one that has one of everything, the project's own, and the peer's when it is there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRuleset } from "#analysis/engine.fixture.ts";
import { CompiledRuleset } from "#analysis/engine.ts";
import { EVERYTHING_DECODERS, EVERYTHING_RULES } from "#analysis/everything-rules.fixture.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import type { PatternKind } from "#formats/patterns/pattern.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";
import { SHIPPED_ALERT_LEVELS } from "#rule-tests/session.ts";
import { RULESET_DIRECTORY, RULESET_TESTS_DIRECTORY } from "../shared/shared-data.ts";
import { ADDITIONS } from "./additions.ts";

export type RuleSetName = "everything" | "shipped" | "peer";

/** A pattern of a rule set, for making texts that nearly match. */
export type KnownPattern = { readonly element: string; readonly kind: PatternKind; readonly text: string };

function compileFolder(directory: string): CompiledRuleset {
  const { ruleset, problems } = loadRuleset(systemFiles, stockSources(systemFiles, directory));
  assert(ruleset !== null, JSON.stringify(problems.slice(0, 3)));
  return new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS, ADDITIONS);
}

const SETS: Readonly<Record<RuleSetName, () => CompiledRuleset>> = {
  everything: () =>
    compileRuleset({ decoders: EVERYTHING_DECODERS, rules: EVERYTHING_RULES, additions: ADDITIONS }),
  shipped: () => compileFolder(SHIPPED_RULESET),
  peer: () => compileFolder(RULESET_DIRECTORY),
};

const compiled = new Map<RuleSetName, CompiledRuleset>();

export const PEER_IS_THERE = existsSync(RULESET_DIRECTORY);

/** Compiled once; null when it is not on this machine. */
export function ruleSet(name: RuleSetName): CompiledRuleset | null {
  if (name === "peer" && !PEER_IS_THERE) return null;
  const set = compiled.get(name) ?? SETS[name]();
  compiled.set(name, set);
  return set;
}

const PATTERN_ELEMENT =
  /<(match|regex|prematch|program_name|field|url|id|status|action|user|hostname)\b([^>]*)>([^<]+)</g;

export function patternsIn(xml: string): KnownPattern[] {
  return [...xml.matchAll(PATTERN_ELEMENT)].map(([, element = "", attributes = "", text = ""]) => {
    const type = /type="(\w+)"/.exec(attributes)?.[1];
    const isPattern = element === "regex" || element === "prematch" || element === "program_name";
    const usual = isPattern || element === "field" ? "osregex" : "osmatch";
    const name = /name="([^"]+)"/.exec(attributes)?.[1];
    const kind = type === "pcre2" || type === "osregex" || type === "osmatch" ? type : usual;
    return { element: name ?? element, kind, text };
  });
}

function xmlOf(directory: string): string {
  return ["decoders", "rules"]
    .flatMap((part) => readdirSync(join(directory, part)).map((name) => join(directory, part, name)))
    .filter((path) => path.endsWith(".xml"))
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

/** The patterns of a rule set by its text. */
export function patternsOf(name: RuleSetName): readonly KnownPattern[] {
  if (name === "everything") return patternsIn(EVERYTHING_DECODERS + EVERYTHING_RULES);
  if (name === "peer" && !PEER_IS_THERE) return [];
  return patternsIn(xmlOf(name === "shipped" ? SHIPPED_RULESET : RULESET_DIRECTORY));
}

/** Events that the rules are meant for: those of their own tests. */
export function linesOf(name: RuleSetName): readonly string[] {
  if (name === "everything") return [];
  if (name === "shipped") {
    const rules = join(SHIPPED_RULESET, "rules");
    const texts = readdirSync(rules)
      .filter((file) => file.endsWith(".test.yml"))
      .map((file) => readFileSync(join(rules, file), "latin1"));
    return texts.flatMap((text) =>
      [...text.matchAll(/\blog: "((?:[^"\\]|\\.)*)"/g)].map(([, line = ""]) => line),
    );
  }
  const path = join(RULESET_TESTS_DIRECTORY, "expected.jsonl");
  if (!PEER_IS_THERE || !existsSync(path)) return [];
  return [...readFileSync(path, "latin1").matchAll(/"event": ("(?:[^"\\]|\\.)*")/g)].map(([, text = '""']) =>
    String(JSON.parse(text)),
  );
}
