/** Turns a loaded rule set into what the evaluator runs. */
import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import { compileSearch } from "../correlate/search.ts";
import type { FieldSlots } from "../field-slots.ts";
import type { PlaceLookup } from "../geoip/geo-places.ts";
import type { ResponseBinding } from "../response/binding.ts";
import type { Condition, RuleDefinition } from "../ruleset/rule.ts";
import type { RuleEntry, RuleSiblings } from "../ruleset/rule-tree.ts";
import type { Ruleset } from "../ruleset/ruleset.ts";
import { conditionCheck, listCheck } from "./checks.ts";
import type { Check, CompiledRule, CompiledRules, RuleNode, Siblings } from "./compiled-rule.ts";
import type { LiteralScanners } from "./literal-scanners.ts";
import { mitreJson } from "./mitre.ts";
import { shownRule } from "./shown-rule.ts";
import { type RuleLiterals, SiblingIndex } from "./sibling-index.ts";

export type AlertLevels = {
  /** `<alerts><log_alert_level>`: alerts from this level on are written. */
  readonly log: number;
  /** `<alerts><email_alert_level>` */
  readonly mail: number;
};

type Flags = { readonly logged: boolean; readonly mailed: boolean; readonly counted: boolean };

/** Clearing the mail or the log flag clears an earlier `no_counter` too: the peer masks more bits than it means to. */
function flagsOf(rule: RuleDefinition, levels: AlertLevels): Flags {
  let logged = rule.level >= levels.log;
  let mailed = rule.level >= levels.mail;
  let counted = true;
  for (const option of rule.options) {
    if (option === "alert_by_email") mailed = true;
    else if (option === "log_alert") logged = true;
    else if (option === "no_counter") counted = false;
    else if (option === "no_email_alert" && mailed) {
      mailed = false;
      counted = true;
    } else if (option === "no_log" && logged) {
      logged = false;
      counted = true;
    }
  }
  return { logged, mailed, counted };
}

/** What conditions look things up in; shared by all rules of a set. */
export type CompileTools = {
  readonly slots: FieldSlots;
  readonly scanners: LiteralScanners;
  /** Null: alerts name no techniques. */
  readonly mitre: MitreTable | null;
  readonly binding: ResponseBinding;
  readonly places: PlaceLookup;
};

/** Null when the condition may hold without any literal. */
function literalsOf(condition: Condition, tools: CompileTools): RuleLiterals | null {
  if (condition.kind !== "pattern" || condition.negate) return null;
  const subject = tools.scanners.of(condition.subject, tools);
  const ids = subject.scanner.idsOf(condition.pattern.required);
  return ids === null ? null : { in: subject, ids };
}

/** Those that allow the fewest first; a field tells more than the log. */
function literalsOfRule(rule: RuleDefinition, tools: CompileTools): readonly RuleLiterals[] {
  const all = rule.conditions.flatMap((condition) => literalsOf(condition, tools) ?? []);
  const isLog = ({ in: { scanner } }: RuleLiterals) => Number(scanner === tools.scanners.log);
  return all.sort((a, b) => a.ids.length - b.ids.length || isLog(a) - isLog(b));
}

/** Cheap and selective first: the verdict does not depend on the order of pure checks. */
function checksOf(rule: RuleDefinition, set: Ruleset, tools: CompileTools): readonly Check[] {
  const checks: Check[] = [];
  const decoderId = decoderIdOf(rule, set);
  if (decoderId !== null) checks.push((event) => event.decoder.id === decoderId);
  for (const condition of rule.conditions) {
    if (condition.kind !== "pattern" || condition.subject.kind !== "log") continue;
    const literals = literalsOf(condition, tools);
    if (literals !== null) checks.push(() => tools.scanners.log.sees(literals.ids));
  }
  const fields = rule.conditions.filter(
    (condition) => condition.kind === "pattern" && condition.subject.kind !== "log",
  );
  const others = rule.conditions.filter((condition) => !fields.includes(condition));
  for (const condition of [...fields, ...others]) checks.push(conditionCheck(condition, tools));
  return checks;
}

function listChecksOf(rule: RuleDefinition, set: Ruleset, tools: CompileTools): readonly Check[] {
  // With three or more lists the peer keeps only the last two.
  return rule.lists.slice(-2).map((use) => listCheck(use, set.lists.get(use.path) ?? new Map(), tools));
}

function decoderIdOf(rule: RuleDefinition, set: Ruleset): number | null {
  return rule.decodedAs === null ? null : (set.decoders.idOfName.get(rule.decodedAs) ?? null);
}

/** Rules that a later composite rule's `if_matched_group` takes in, by rule number. */
function groupWatchers(entries: readonly RuleEntry[]): ReadonlyMap<number, readonly number[]> {
  const watchers = new Map<number, number[]>();
  for (const [composite, { definition, original }] of entries.entries()) {
    const source = original.correlation?.source;
    if (source?.kind !== "group" || definition.correlation === null) continue;
    for (const [earlier, entry] of entries.slice(0, composite).entries()) {
      if (!source.group.test(entry.definition.groupText)) continue;
      const known = watchers.get(earlier);
      if (known === undefined) watchers.set(earlier, [composite]);
      else known.push(composite);
    }
  }
  return watchers;
}

class Compiler {
  readonly #set: Ruleset;
  readonly #tools: CompileTools;
  readonly #levels: AlertLevels;
  readonly #compiled = new Map<RuleEntry, CompiledRule>();

  constructor(set: Ruleset, tools: CompileTools, levels: AlertLevels) {
    this.#set = set;
    this.#tools = tools;
    this.#levels = levels;
  }

  compileAll(): readonly CompiledRule[] {
    const entries = [...this.#set.rules.entries];
    const watchers = groupWatchers(entries);
    const searched = new Set<number>();
    for (const { original } of entries) {
      if (original.correlation?.source.kind === "rule") searched.add(original.correlation.source.id);
    }
    for (const [number, entry] of entries.entries()) {
      const kept = { byRule: searched.has(entry.original.id), forRules: watchers.get(number) ?? [] };
      this.#compiled.set(entry, this.#compile(entry, number, kept));
    }
    return [...this.#compiled.values()];
  }

  #compile(
    entry: RuleEntry,
    number: number,
    kept: { readonly byRule: boolean; readonly forRules: readonly number[] },
  ): CompiledRule {
    const { definition, original } = entry;
    // Overwriting gives no stateful search to a rule that had none, and takes it from one that had.
    const search =
      original.correlation === null ? null : compileSearch(definition, number, this.#tools.places);
    const flags = flagsOf(definition, this.#levels);
    const checks = checksOf(definition, this.#set, this.#tools);
    const listChecks = listChecksOf(definition, this.#set, this.#tools);
    const changesState = definition.firstTimeSeen || definition.checkDiff;
    const { mitre } = this.#tools;
    return {
      number,
      id: definition.id,
      idText: String(definition.id),
      level: definition.level,
      definition,
      checks: changesState ? checks : [...checks, ...listChecks],
      lateChecks: changesState ? listChecks : [],
      firstTimeSeen: definition.firstTimeSeen,
      checkDiff: definition.checkDiff,
      search: definition.checkDiff ? null : search,
      keptByRule: kept.byRule,
      keptForRules: kept.forRules,
      ignoreMs: definition.ignoreSeconds * 1000,
      logged: flags.logged,
      mailed: flags.mailed,
      counted: flags.counted,
      responses: this.#tools.binding.responsesOf(definition),
      fullLog: !definition.options.includes("no_full_log"),
      shown: shownRule(definition, {
        searches: search !== null && !definition.checkDiff,
        mailed: flags.mailed,
        mitre: mitre === null || definition.mitre === null ? null : mitreJson(definition.mitre, mitre),
      }),
    };
  }

  siblings(list: RuleSiblings): Siblings {
    const nodes = list.nodes.flatMap((node): RuleNode[] => {
      const rule = this.#compiled.get(node.entry);
      return rule === undefined ? [] : [{ rule, children: this.siblings(node.children) }];
    });
    const indexed = nodes.map(({ rule }) => ({
      definition: rule.definition,
      decoderId: decoderIdOf(rule.definition, this.#set),
      literals: literalsOfRule(rule.definition, this.#tools),
    }));
    return { nodes, index: SiblingIndex.build(indexed, this.#tools) };
  }

  roots(): ReadonlyMap<number, Siblings> {
    const roots = new Map<number, RuleNode[]>();
    for (const node of this.#set.rules.top.nodes) {
      const rule = this.#compiled.get(node.entry);
      if (rule === undefined) continue;
      const known = roots.get(node.entry.category) ?? [];
      known.push({ rule, children: this.siblings(node.children) });
      roots.set(node.entry.category, known);
    }
    return new Map([...roots].map(([category, nodes]) => [category, { nodes, index: null }]));
  }
}

/** The scanners are to be compiled by the caller when everybody has named the literals. */
export function compileRules(set: Ruleset, tools: CompileTools, levels: AlertLevels): CompiledRules {
  const compiler = new Compiler(set, tools, levels);
  const rules = compiler.compileAll();
  return {
    rules,
    rootsByCategory: compiler.roots(),
    byId: new Map(rules.map((rule) => [rule.id, rule])),
    frequencyMax: Math.max(0, ...rules.map((rule) => rule.search?.countedFirst ?? 0)),
  };
}
