/**
 * The rule set as an immutable value: loaded whole, checked whole, then used or thrown away.
 *
 * Order as the peer loads: decoders, lists, rules. Every error of every file is reported at once.
 */
import { parseListText } from "#formats/cdb-list/list-text.ts";
import type { Problem, SourcePosition } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { readXml } from "#formats/xml/xml.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { DecoderDefinition } from "./decoder.ts";
import { readDecoder } from "./decoder-reader.ts";
import { buildDecoderTree, type DecoderTree } from "./decoder-tree.ts";
import { ProblemList } from "./problems.ts";
import type { RuleDefinition } from "./rule.ts";
import { readRules } from "./rule-reader.ts";
import { RuleTree } from "./rule-tree.ts";
import type { RulesetFile, RulesetSources } from "./sources.ts";

export type ValueList = ReadonlyMap<string, string>;

export type Ruleset = {
  readonly decoders: DecoderTree;
  readonly rules: RuleTree;
  /** By the name that `<list>` uses. */
  readonly lists: ReadonlyMap<string, ValueList>;
};

export type RulesetOutcome = {
  /** Null when there is an error; the one in use stays. */
  readonly ruleset: Ruleset | null;
  readonly problems: readonly Problem[];
};

function startOf(file: string): SourcePosition {
  return { file, line: 1, column: 1 };
}

/** The text of a file, or null after a warning: like the peer, one file that cannot be read does not stop the rest. */
function readText(files: Files, file: RulesetFile, problems: ProblemList): string | null {
  try {
    return files.read(file.path).toString("latin1");
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const text = `(1103): Could not open file '${file.name}' due to [${error.code}].`;
    problems.warning(startOf(file.name), text, "a readable file");
    return null;
  }
}

function readElements(files: Files, file: RulesetFile, problems: ProblemList): readonly XmlElement[] {
  const text = readText(files, file, problems);
  if (text === null) return [];
  const outcome = readXml(text, file.name);
  if (outcome.ok) return outcome.elements;
  problems.add(outcome.problem);
  return [];
}

function loadDecoders(files: Files, sources: RulesetSources, problems: ProblemList): DecoderTree {
  const definitions: DecoderDefinition[] = [];
  for (const file of sources.decoders) {
    for (const element of readElements(files, file, problems)) {
      const definition = readDecoder(element, problems);
      if (definition !== null) definitions.push(definition);
    }
  }
  return buildDecoderTree(definitions, problems);
}

function loadLists(
  files: Files,
  sources: RulesetSources,
  problems: ProblemList,
): ReadonlyMap<string, ValueList> {
  const lists = new Map<string, ValueList>();
  for (const file of sources.lists) {
    const text = readText(files, file, problems);
    if (text === null) continue;
    const entries = parseListText(text);
    lists.set(file.name, entries);
    lists.set(`${file.name}.cdb`, entries);
  }
  return lists;
}

/** What a rule names must exist: its decoder and its lists. False when the rule is to be left out. */
function checkReferences(rule: RuleDefinition, set: Omit<Ruleset, "rules">, problems: ProblemList): boolean {
  if (rule.decodedAs !== null && !set.decoders.idOfName.has(rule.decodedAs)) {
    problems.error(
      rule.position,
      `Invalid decoder name: '${rule.decodedAs}'.`,
      "the name of a loaded decoder",
    );
    return false;
  }
  for (const list of rule.lists) {
    if (set.lists.has(list.path)) continue;
    const text = `(7616): List '${list.path}' could not be loaded. Rule '${rule.id}' will be ignored.`;
    problems.warning(rule.position, text, "a list that <ruleset> names");
    return false;
  }
  return true;
}

function loadRules(
  files: Files,
  sources: RulesetSources,
  set: Omit<Ruleset, "rules">,
  problems: ProblemList,
): RuleTree {
  const tree = new RuleTree(problems);
  for (const file of sources.rules) {
    for (const rule of readRules(readElements(files, file, problems), problems)) {
      if (checkReferences(rule, set, problems)) tree.add(rule);
    }
  }
  return tree;
}

export function loadRuleset(files: Files, sources: RulesetSources): RulesetOutcome {
  const problems = new ProblemList();
  const decoders = loadDecoders(files, sources, problems);
  const lists = loadLists(files, sources, problems);
  const rules = loadRules(files, sources, { decoders, lists }, problems);
  const ruleset = problems.errors === 0 ? { decoders, lists, rules } : null;
  return { ruleset, problems: problems.all };
}
