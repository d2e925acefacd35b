/**
 * Gives each rule its place: below the rules that it names, before the siblings of lower level (wazuh v4.14.7:
 * src/analysisd/rules_list.c). A rule with several parents stands in several places; its later children follow it into each.
 */
import { foldAscii } from "#formats/patterns/fold.ts";
import { CATEGORY_SYSLOG } from "./category.ts";
import type { ProblemList } from "./problems.ts";
import type { RuleDefinition } from "./rule.ts";

/** The templates that stand for the categories: everything else is a child. */
const TEMPLATE_ID_MAX = 9;
/** Places of all rules together: the peer's 4,510 rules have 8,450. A rule below all others doubles them. */
const PLACES_MAX = 131_072;
/** Rules below each other: the peer's longest chain has 13. What walks the tree calls itself for each of them. */
export const DEPTH_MAX = 128;
/** Siblings passed and bytes compared in search of places: the peer's rule set takes 4 million, this many a few seconds. */
const STEPS_MAX = 2_000_000_000;

const PARENT_EXPECTED = "a rule that was loaded earlier";

/** One rule, whatever the number of its places. `overwrite` replaces the definition and nothing else. */
export type RuleEntry = {
  definition: RuleDefinition;
  /** The definition that gave the rule its place and its stateful search. */
  readonly original: RuleDefinition;
  /** Of a template: the events it is for. Of others: the template they stand below when they name no parent. */
  readonly category: number;
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
  /** The node whose children these are; null for the top. */
  readonly owner: RuleNode | null;
  /** How many rules stand above these. */
  readonly depth: number;
  /** Of each node, to be passed quickly. */
  readonly #ranks: number[] = [];
  /** Most places have no children: made for the first one. */
  #firstOfId: Map<number, RuleNode> | null = null;

  constructor(owner: RuleNode | null) {
    this.owner = owner;
    this.depth = owner === null ? 0 : owner.list.depth + 1;
  }

  /** Descending level, level 0 first, equal levels in load order. */
  insert(node: RuleNode): void {
    const { original, definition } = node.entry;
    const rank = rankOf(definition);
    const found = this.#ranks.findIndex((sibling) => sibling < rank);
    const at = found < 0 ? this.nodes.length : found;
    this.nodes.splice(at, 0, node);
    this.#ranks.splice(at, 0, rank);
    this.#firstOfId ??= new Map();
    if (!this.#firstOfId.has(original.id)) this.#firstOfId.set(original.id, node);
  }

  /** An overwritten rule stays where it stands; rules that come later compare themselves with its new level. */
  rank(node: RuleNode): void {
    this.#ranks[this.nodes.indexOf(node)] = rankOf(node.entry.definition);
  }

  firstOf(id: number): RuleNode | undefined {
    return this.#firstOfId?.get(id);
  }
}

function levelOf(rule: RuleDefinition): number {
  return rule.level === 0 ? 99 : rule.level;
}

function rankOf(rule: RuleDefinition): number {
  return rule.accurate ? levelOf(rule) * 100 : levelOf(rule);
}

/** The peer's OS_WordMatch on folded texts: a word with a leading `^` is a prefix, any other a substring. */
function holdsOneOf(words: readonly string[], text: string): boolean {
  return words.some((word) => (word.startsWith("^") ? text.startsWith(word.slice(1)) : text.includes(word)));
}

function childrenOf(nodes: readonly RuleNode[]): readonly RuleSiblings[] {
  return nodes.map(({ children }) => children);
}

/** The rules of some groups, among the first `looked` ones. */
type Members = { readonly found: RuleEntry[]; looked: number };

export class RuleTree {
  readonly top = new RuleSiblings(null);
  readonly #entries = new Map<number, RuleEntry>();
  readonly #ordered: RuleEntry[] = [];
  readonly #placesOf = new Map<number, RuleNode[]>();
  /** By the text of an `if_group`: hundreds of rules share a few. */
  readonly #membersOf = new Map<string, Members>();
  readonly #problems: ProblemList;
  #placeCount = 0;
  #steps = 0;
  #full = false;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  get entries(): Iterable<RuleEntry> {
    return this.#ordered;
  }

  entryOf(id: number): RuleEntry | undefined {
    return this.#entries.get(id);
  }

  add(rule: RuleDefinition): void {
    if (this.#full) return;
    const known = this.#entries.get(rule.id);
    if (known !== undefined) {
      if (rule.overwrite) this.#overwrite(known, rule);
      else {
        const text = `(7612): Rule ID '${rule.id}' is duplicated. Only the first occurrence will be considered.`;
        const expected = "another id; from 100000 on they are free for your own rules";
        this.#problems.warning(rule.position, text, expected);
      }
      return;
    }
    if (rule.overwrite) {
      const text = `(7613): Rule ID '${rule.id}' does not exist but 'overwrite' is set to 'yes'. Still, the rule will be loaded.`;
      this.#problems.warning(rule.position, text);
    }
    const entry: RuleEntry = { definition: rule, original: rule, category: rule.category ?? CATEGORY_SYSLOG };
    if (rule.id <= TEMPLATE_ID_MAX) this.#place(entry, [this.top]);
    else this.#placeBelowParents(entry);
    if (!this.#placesOf.has(rule.id)) return;
    this.#entries.set(rule.id, entry);
    this.#ordered.push(entry);
  }

  #overwrite(entry: RuleEntry, rule: RuleDefinition): void {
    const retained = (option: string, before: unknown, after: unknown) => {
      if (after === null || JSON.stringify(before) === JSON.stringify(after)) return;
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
    for (const node of this.#placesOf.get(rule.id) ?? []) node.list.rank(node);
    this.#membersOf.clear();
  }

  /** A rule that finds nothing to stand below is left out, with a warning. */
  #placeBelowParents(entry: RuleEntry): void {
    const { sids, level, group, matchedSid, matchedGroup } = entry.original.parents;
    if (sids !== null) this.#placeBelowSids(entry, sids);
    else if (level !== null) {
      this.#steps += this.#ordered.length;
      const found = this.#ordered.filter(({ definition }) => levelOf(definition) >= level);
      const reason = `(7608): Level ID '${level}' was not found. Invalid 'if_level'. `;
      this.#placeBelow(entry, this.#places(found), reason);
    } else if (group !== null) this.#placeBelowGroup(entry, group, "if_group");
    else if (matchedSid !== null) {
      const text = `(7620): Signature ID '${matchedSid}' was not found. Invalid 'if_matched_sid'.`;
      this.#placeBelow(entry, this.#placesOfId(matchedSid), text);
    } else if (matchedGroup !== null) this.#placeBelowGroup(entry, matchedGroup, "if_matched_group");
    else {
      const template = this.top.nodes.find((node) => node.entry.category === entry.category);
      const nodes = template === undefined ? [] : [template];
      this.#placeBelow(entry, nodes, "(7611): Category was not found. Invalid 'category'. ");
    }
  }

  #placeBelowSids(entry: RuleEntry, sids: readonly number[]): void {
    const { id: ruleId, position } = entry.original;
    let found = false;
    for (const id of sids) {
      // One after the other: a rule that names itself, too, stands below its own earlier places.
      const nodes = this.#placesOfId(id);
      found ||= nodes.length > 0;
      this.#place(entry, childrenOf(nodes));
      if (nodes.length > 0) continue;
      const text = `(7617): Signature ID '${id}' was not found and will be ignored in the 'if_sid' option of rule '${ruleId}'.`;
      this.#problems.warning(position, text, PARENT_EXPECTED);
    }
    if (!found) this.#ignore(entry.original, "(7619): Empty 'if_sid' value. ");
  }

  #placeBelowGroup(entry: RuleEntry, group: string, option: string): void {
    const nodes = this.#places(this.#rulesOfGroup(group));
    this.#placeBelow(entry, nodes, `(7610): Group '${group}' was not found. Invalid '${option}'. `);
  }

  #rulesOfGroup(group: string): readonly RuleEntry[] {
    const members = this.#membersOf.get(group) ?? { found: [], looked: 0 };
    this.#membersOf.set(group, members);
    const words = group === "" ? [] : foldAscii(group).split("|");
    for (const entry of this.#ordered.slice(members.looked)) {
      if (this.#steps > STEPS_MAX) break;
      const { groupText } = entry.definition;
      this.#steps += words.length * (1 + groupText.length);
      if (holdsOneOf(words, foldAscii(groupText))) members.found.push(entry);
    }
    members.looked = this.#ordered.length;
    return members.found;
  }

  #placeBelow(entry: RuleEntry, nodes: readonly RuleNode[], reasonForNone: string): void {
    if (nodes.length === 0) this.#ignore(entry.original, reasonForNone);
    this.#place(entry, childrenOf(nodes));
  }

  #ignore({ id, position }: RuleDefinition, reason: string): void {
    this.#problems.warning(position, `${reason}Rule '${id}' will be ignored.`, PARENT_EXPECTED);
  }

  #place(entry: RuleEntry, lists: readonly RuleSiblings[]): void {
    if (!this.#isWithinLimits(entry.original, lists)) return;
    const { id } = entry.original;
    for (const list of lists) {
      const node = new RuleNode(entry, list);
      list.insert(node);
      const places = this.#placesOf.get(id);
      if (places === undefined) this.#placesOf.set(id, [node]);
      else places.push(node);
    }
  }

  /** False after an error that says which limit the rule would break. */
  #isWithinLimits(rule: RuleDefinition, lists: readonly RuleSiblings[]): boolean {
    if (this.#full) return false;
    this.#placeCount += lists.length;
    for (const list of lists) this.#steps += list.nodes.length;
    this.#full = this.#placeCount > PLACES_MAX || this.#steps > STEPS_MAX;
    const tooDeep = lists.some((list) => list.depth >= DEPTH_MAX);
    if (!this.#full && !tooDeep) return true;
    const text = `Rule '${rule.id}' makes the tree of rules too large.`;
    const expected = tooDeep
      ? `at most ${DEPTH_MAX} rules below each other`
      : `at most ${PLACES_MAX} places of all rules together, found in ${STEPS_MAX} steps`;
    this.#problems.error(rule.position, text, expected);
    return false;
  }

  #places(entries: readonly RuleEntry[]): readonly RuleNode[] {
    this.#steps += entries.length;
    return entries.flatMap(({ original }) => this.#placesOf.get(original.id) ?? []);
  }

  /** Where the peer's search finds the id: in each list the first one of it, and nothing behind or below that. */
  #placesOfId(id: number): readonly RuleNode[] {
    const places = this.#placesOf.get(id) ?? [];
    return places.filter((node) => this.#steps <= STEPS_MAX && this.#isReached(node, id));
  }

  #isReached(node: RuleNode, id: number): boolean {
    if (node.list.firstOf(id) !== node) return false;
    for (let above = node.list.owner; above !== null; above = above.list.owner) {
      this.#steps++;
      const { nodes } = above.list;
      const end = above.list.firstOf(id);
      if (end === undefined) continue;
      this.#steps += nodes.length;
      if (nodes.indexOf(end) <= nodes.indexOf(above)) return false;
    }
    return true;
  }
}
