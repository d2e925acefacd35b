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
import type { KnownNames } from "./rule-draft.ts";
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

/** A file of rules or decoders: the peer's largest has 0.1 MB. Elements take up to a hundred times the bytes of their text. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** A list is kept in memory; this is about two million entries. */
export const LIST_BYTES_MAX = 64 * 1024 * 1024;

function startOf(file: string): SourcePosition {
  return { file, line: 1, column: 1 };
}

/** The system's words for what the peer puts into its message. */
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ["file_not_found", "(2)-(No such file or directory)"],
  ["file_access_denied", "(13)-(Permission denied)"],
]);
const UNREADABLE_OTHERWISE = "(5)-(Input/output error)";

function warnUnreadable(name: string, code: string, problems: ProblemList): null {
  const reason = UNREADABLE.get(code) ?? UNREADABLE_OTHERWISE;
  problems.warning(
    startOf(name),
    `(1103): Could not open file '${name}' due to [${reason}].`,
    "a readable file",
  );
  return null;
}

/** The text of a file, or null: like the peer, one file that cannot be read does not stop the rest. */
function readText(files: Files, file: RulesetFile, bytesMax: number, problems: ProblemList): string | null {
  try {
    const info = files.info(file.path);
    // A pipe would make the loading wait.
    if (info !== null && info.kind !== "file") return warnUnreadable(file.name, "file_other", problems);
    if (info === null || info.bytes <= bytesMax) return files.read(file.path).toString("latin1");
    const text = `File '${file.name}' is too large: ${info.bytes} bytes.`;
    problems.error(startOf(file.name), text, `at most ${bytesMax} bytes`);
    return null;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return warnUnreadable(file.name, error.code, problems);
  }
}

/** Null after the problem was reported. */
function readElements(files: Files, file: RulesetFile, problems: ProblemList): readonly XmlElement[] | null {
  const text = readText(files, file, FILE_BYTES_MAX, problems);
  if (text === null) return null;
  const outcome = readXml(text, file.name);
  if (outcome.ok) return outcome.elements;
  problems.add(outcome.problem);
  return null;
}

function loadDecoders(files: Files, sources: RulesetSources, problems: ProblemList): DecoderTree {
  const definitions: DecoderDefinition[] = [];
  for (const file of sources.decoders) {
    const elements = readElements(files, file, problems);
    if (elements?.length === 0) {
      const text = `(1202): Configuration error at '${file.name}'.`;
      problems.error(startOf(file.name), text, "at least one <decoder>; only a file of rules may be empty");
    }
    for (const element of elements ?? []) {
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
    const text = readText(files, file, LIST_BYTES_MAX, problems);
    if (text === null) continue;
    const entries = parseListText(text);
    lists.set(file.name, entries);
    lists.set(`${file.name}.cdb`, entries);
  }
  return lists;
}

function loadRules(
  files: Files,
  sources: RulesetSources,
  names: KnownNames,
  problems: ProblemList,
): RuleTree {
  const tree = new RuleTree(problems);
  for (const file of sources.rules) {
    const elements = readElements(files, file, problems) ?? [];
    for (const rule of readRules(elements, names, problems)) tree.add(rule);
  }
  return tree;
}

export function loadRuleset(files: Files, sources: RulesetSources): RulesetOutcome {
  const problems = new ProblemList();
  const decoders = loadDecoders(files, sources, problems);
  const lists = loadLists(files, sources, problems);
  const rules = loadRules(files, sources, { decoders: decoders.idOfName, lists }, problems);
  const ruleset = problems.errors === 0 ? { decoders, lists, rules } : null;
  return { ruleset, problems: problems.all };
}
