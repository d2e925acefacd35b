/**
 * Gives each rule its place: below the rules that it names, before the siblings of lower level (wazuh v4.14.7:
 * src/analysisd/rules_list.c). A rule with several parents stands in several places; its later children follow it into each.
 */
import type { SourcePosition } from "#formats/source-position.ts";
import { CATEGORY_SYSLOG } from "./category.ts";
import type { ProblemList } from "./problems.ts";
import type { RuleDefinition } from "./rule.ts";

/** The templates that stand for the categories: everything else is a child. */
const TEMPLATE_ID_MAX = 9;

/** One rule, whatever the number of its places. `overwrite` replaces the definition and nothing else. */
export type RuleEntry = {
  definition: RuleDefinition;
  /** The definition that gave the rule its place and its stateful search. */
  readonly original: RuleDefinition;
  category: number;
};

/** One place of a rule. */
export class RuleNode {
  readonly entry: RuleEntry;
  /** The list in which it stands. */
  readonly list: RuleSiblings;
  readonly children: RuleSiblings;

  constructor(entry: RuleEntry, list: RuleSiblings) {
    this.entry = entry;
    this.list = list;
    this.children = new RuleSiblings(this);
  }
}

/** Siblings in the order in which they are tried. */
export class RuleSiblings {
  readonly nodes: RuleNode[] = [];
  readonly #ranks: number[] = [];
  readonly #ids = new Set<number>();
  /** The node whose children these are; null for the top. */
  readonly owner: RuleNode | null;

  constructor(owner: RuleNode | null) {
    this.owner = owner;
  }

  /** Descending level, level 0 first, equal levels in load order. */
  insert(node: RuleNode): void {
    const rank = rankOf(node.entry.original);
    const found = this.#ranks.findIndex((sibling) => sibling < rank);
    const at = found < 0 ? this.nodes.length : found;
    this.#ids.add(node.entry.original.id);
    this.#ranks.splice(at, 0, rank);
    this.nodes.splice(at, 0, node);
  }

  /** True when a rule of that id stands before `node`, or is `node`: a search for the id ends there. */
  endsBefore(node: RuleNode, id: number): boolean {
    const first = this.firstOf(id);
    return first !== undefined && this.nodes.indexOf(first) <= this.nodes.indexOf(node);
  }

  firstOf(id: number): RuleNode | undefined {
    return this.#ids.has(id) ? this.nodes.find((sibling) => sibling.entry.original.id === id) : undefined;
  }
}

function rankOf(rule: RuleDefinition): number {
  const level = rule.level === 0 ? 99 : rule.level;
  return rule.accurate ? level * 100 : level;
}

/** The peer's OS_WordMatch: alternatives by `|`, a leading `^` for a prefix, else a substring, without case. */
export function wordMatches(pattern: string, text: string): boolean {
  if (pattern === "") return false;
  const lower = text.toLowerCase();
  return pattern
    .toLowerCase()
    .split("|")
    .some((word) => (word.startsWith("^") ? lower.startsWith(word.slice(1)) : lower.includes(word)));
}

export class RuleTree {
  readonly top = new RuleSiblings(null);
  readonly #entries = new Map<number, RuleEntry>();
  readonly #placesOf = new Map<number, RuleNode[]>();
  readonly #problems: ProblemList;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  get entries(): Iterable<RuleEntry> {
    return this.#entries.values();
  }

  entryOf(id: number): RuleEntry | undefined {
    return this.#entries.get(id);
  }

  add(rule: RuleDefinition): void {
    const known = this.#entries.get(rule.id);
    if (rule.overwrite) {
      if (known !== undefined) {
        this.#overwrite(known, rule);
        return;
      }
      const text = `(7613): Rule ID '${rule.id}' does not exist but 'overwrite' is set to 'yes'. Still, the rule will be loaded.`;
      this.#problems.warning(rule.position, text);
    } else if (known !== undefined) {
      const text = `(7612): Rule ID '${rule.id}' is duplicated. Only the first occurrence will be considered.`;
      this.#problems.warning(
        rule.position,
        text,
        "another id; from 100000 on they are free for your own rules",
      );
      return;
    }
    const entry: RuleEntry = { definition: rule, original: rule, category: rule.category ?? CATEGORY_SYSLOG };
    if (rule.id <= TEMPLATE_ID_MAX) this.#place(this.top, entry);
    else if (!this.#placeBelowParents(entry)) return;
    this.#entries.set(rule.id, entry);
  }

  #overwrite(entry: RuleEntry, rule: RuleDefinition): void {
    const retained = (option: string, before: unknown, after: unknown) => {
      if (JSON.stringify(before) === JSON.stringify(after) || after === null) return;
      const text = `(7605): It is not possible to overwrite '${option}' value in rule '${rule.id}'. The original value is retained.`;
      this.#problems.warning(rule.position, text);
    };
    const { parents } = entry.original;
    retained("if_sid", parents.sids, rule.parents.sids);
    retained("if_group", parents.group, rule.parents.group);
    retained("if_level", parents.level, rule.parents.level);
    retained("if_matched_sid", parents.matchedSid, rule.parents.matchedSid);
    retained("if_matched_group", parents.matchedGroup, rule.parents.matchedGroup);
    entry.definition = rule;
  }

  #placeBelowParents(entry: RuleEntry): boolean {
    const { parents, id, position } = entry.original;
    if (parents.sids !== null) return this.#placeBelowIds(entry, parents.sids, position);
    if (parents.level !== null) {
      const level = parents.level;
      return this.#placeBelowAll(entry, this.top, (rule) => (rule.level === 0 ? 99 : rule.level) >= level);
    }
    if (parents.group !== null) {
      const group = parents.group;
      if (this.#placeBelowAll(entry, this.top, (rule) => wordMatches(group, rule.groupText))) return true;
      const text = `(7610): Group '${group}' was not found. Invalid 'if_group'. Rule '${id}' will be ignored.`;
      this.#problems.warning(position, text);
      return false;
    }
    if (parents.matchedSid !== null) {
      if (this.#placeBelowId(entry, parents.matchedSid)) return true;
      const text = `(7620): Signature ID '${parents.matchedSid}' was not found. Invalid 'if_matched_sid'.Rule '${id}' will be ignored.`;
      this.#problems.warning(position, text, "the id of a rule that was loaded earlier");
      return false;
    }
    if (parents.matchedGroup !== null) {
      const group = parents.matchedGroup;
      if (this.#placeBelowAll(entry, this.top, (rule) => wordMatches(group, rule.groupText))) return true;
      const text = `(7610): Group '${group}' was not found. Invalid 'if_matched_group'. Rule '${id}' will be ignored.`;
      this.#problems.warning(position, text);
      return false;
    }
    return this.#placeBelowCategory(entry);
  }

  #placeBelowIds(entry: RuleEntry, ids: readonly number[], position: SourcePosition): boolean {
    let placed = false;
    for (const id of ids) {
      if (this.#placeBelowId(entry, id)) placed = true;
      else {
        const text = `(7617): Signature ID '${id}' was not found and will be ignored in the 'if_sid' option of rule '${entry.original.id}'.`;
        this.#problems.warning(position, text, "the id of a rule that was loaded earlier");
      }
    }
    if (!placed) {
      const text = `(7619): Empty 'if_sid' value. Rule '${entry.original.id}' will be ignored.`;
      this.#problems.warning(position, text);
    }
    return placed;
  }

  /** In each list of siblings a search takes the first rule of the id and goes no further, also not below later siblings. */
  #placeBelowId(entry: RuleEntry, id: number): boolean {
    const reached = (this.#placesOf.get(id) ?? []).filter((node) => {
      if (node.list.firstOf(id) !== node) return false;
      for (let above = node.list.owner; above !== null; above = above.list.owner) {
        if (above.list.endsBefore(above, id)) return false;
      }
      return true;
    });
    for (const node of reached) {
      entry.category = node.entry.category;
      this.#place(node.children, entry);
    }
    return reached.length > 0;
  }

  #placeBelowAll(
    entry: RuleEntry,
    siblings: RuleSiblings,
    matches: (rule: RuleDefinition) => boolean,
  ): boolean {
    let placed = false;
    for (const node of siblings.nodes) {
      const rule = node.entry.definition;
      if (rule.id !== entry.original.id && matches(rule)) {
        this.#place(node.children, entry);
        placed = true;
      }
      if (this.#placeBelowAll(entry, node.children, matches)) placed = true;
    }
    return placed;
  }

  #placeBelowCategory(entry: RuleEntry): boolean {
    const node = this.top.nodes.find((template) => template.entry.category === entry.category);
    if (node !== undefined) {
      this.#place(node.children, entry);
      return true;
    }
    const text = `(7611): Category was not found. Rule '${entry.original.id}' will be ignored.`;
    this.#problems.warning(entry.original.position, text, "a template rule (id below 10) of that category");
    return false;
  }

  #place(list: RuleSiblings, entry: RuleEntry): void {
    const node = new RuleNode(entry, list);
    list.insert(node);
    const places = this.#placesOf.get(entry.original.id);
    if (places === undefined) this.#placesOf.set(entry.original.id, [node]);
    else places.push(node);
  }
}
