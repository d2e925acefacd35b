/** Loads rule sets that tests write as texts, and shows problems as short lines. */
import type { Problem } from "#formats/source-position.ts";
import { FakeFiles } from "#testing/files.ts";
import type { RuleDefinition } from "./rule.ts";
import type { RuleSiblings } from "./rule-tree.ts";
import { loadRuleset, type Ruleset, type RulesetOutcome } from "./ruleset.ts";

export type Texts = {
  readonly decoders?: string | Readonly<Record<string, string>>;
  readonly rules?: string | Readonly<Record<string, string>>;
  readonly lists?: Readonly<Record<string, string>>;
};

/** One line, so that line 2 of a text behind it is the first of its own. */
export const TEMPLATES =
  '<group name="syslog,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>syslog</description></rule></group>\n';

const ANY_DECODER = '<decoder name="any"><prematch>x</prematch></decoder>';

/** A single text is the file `d.xml` or `r.xml`. */
export function loadTexts({ decoders = ANY_DECODER, rules = TEMPLATES, lists = {} }: Texts): RulesetOutcome {
  const files = new FakeFiles();
  const write = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([name, text]) => {
      files.write(name, text);
      return { name, path: name };
    });
  return loadRuleset(files, {
    decoders: write(typeof decoders === "string" ? { "d.xml": decoders } : decoders),
    rules: write(typeof rules === "string" ? { "r.xml": rules } : rules),
    lists: write(lists),
  });
}

/** The rule set of texts that have no mistake. */
export function requireTexts(texts: Texts): Ruleset {
  const { ruleset, problems } = loadTexts(texts);
  if (ruleset === null) throw new Error(problems.map(shownProblem).join("\n"));
  return ruleset;
}

export function shownProblem({ severity, position, message }: Problem): string {
  return `${severity} ${position.file}:${position.line}:${position.column} ${message}`;
}

/** The problems without their places. */
export function messagesOf(texts: Texts): readonly string[] {
  return loadTexts(texts).problems.map(({ severity, message }) => `${severity}: ${message}`);
}

/** The rule of that number in a rule set that may have warnings. */
export function ruleOf(texts: Texts, id: number): RuleDefinition {
  const entry = requireTexts(texts).rules.entryOf(id);
  if (entry === undefined) throw new Error(`no rule ${id}`);
  return entry.definition;
}

/** The tree as text: `1(100(101 102) 103)`. */
export function shownTree({ nodes }: RuleSiblings): string {
  return nodes
    .map(({ entry, children }) => {
      const below = shownTree(children);
      return below === "" ? `${entry.original.id}` : `${entry.original.id}(${below})`;
    })
    .join(" ");
}
