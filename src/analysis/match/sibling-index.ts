/**
 * Finds, among siblings, the rules that can match an event without trying the others.
 *
 * Most rules ask for one decoder or for one exact value of a field; those are looked up by that value. Of the rest those are tried
 * that ask for no other program, which is remembered by program name (a tenth of the engine's time on syslog), and whose literals the
 * log, or the field that they look into, holds. Positions stay ascending, so that the order of trial is the peer's.
 */
import { foldAscii } from "#formats/patterns/fold.ts";
import type { Event } from "../event.ts";
import { ownCopy } from "../own-copy.ts";
import type { Condition, RuleDefinition, Subject } from "../ruleset/rule.ts";
import type { SubjectLiterals } from "./literal-scanners.ts";
import { type SubjectReader, type SubjectTools, subjectKey, subjectReader } from "./subjects.ts";

/** Below this a plain walk costs less than a look-up. */
const SIBLINGS_INDEXED_MIN = 6;
/** A look-up pays for itself once it replaces so many trials. */
const GROUP_RULES_MIN = 3;

/** So many rules whose literals are looked up cost more when each is tried. */
const LITERAL_RULES_MIN = 4;

/** Program names come from outside: beyond so many the memo of a list starts again; a list of a real rule set has 80 positions. */
const PROGRAM_NAMES_REMEMBERED_MAX = 128;
/** Longer ones are nobody's program. */
const PROGRAM_NAME_REMEMBERED_BYTES_MAX = 128;

type AllowsProgram = (position: number, programName: string | null) => boolean;

/** Literals of which an event must have one in some part of it, as that part's scanner knows them. */
export type RuleLiterals = { readonly in: SubjectLiterals; readonly ids: readonly number[] };

/** By position; null for rules that need no literal. */
type LiteralsOf = (position: number) => RuleLiterals | null;

type PositionsOfLiteral = {
  readonly in: SubjectLiterals;
  readonly positions: ReadonlyMap<number, readonly number[]>;
};

/** Positions to try, but those whose literals the event lacks. */
class Positions {
  readonly #all: readonly number[];
  readonly #withoutLiterals: readonly number[];
  readonly #ofLiteral: readonly PositionsOfLiteral[];

  constructor(all: readonly number[], literalsOf: LiteralsOf) {
    this.#all = all;
    const bySubject = new Map<SubjectLiterals, number[]>();
    for (const position of all) {
      const literals = literalsOf(position);
      if (literals !== null) pushTo(bySubject, literals.in, position);
    }
    for (const [subject, positions] of bySubject) {
      if (positions.length < LITERAL_RULES_MIN) bySubject.delete(subject);
    }
    this.#withoutLiterals = all.filter((position) => {
      const literals = literalsOf(position);
      return literals === null || !bySubject.has(literals.in);
    });
    this.#ofLiteral = [...bySubject].map(([subject, positions]) => {
      const ofLiteral = new Map<number, number[]>();
      for (const position of positions) {
        for (const literal of new Set(literalsOf(position)?.ids)) pushTo(ofLiteral, literal, position);
      }
      return { in: subject, positions: ofLiteral };
    });
  }

  for(event: Event): readonly number[] {
    if (this.#ofLiteral.length === 0) return this.#all;
    let found: number[] | null = null;
    for (const ofLiteral of this.#ofLiteral) {
      const seen = ofLiteral.in.seen(event);
      if (seen === null) continue;
      for (const literal of seen) {
        const positions = ofLiteral.positions.get(literal);
        if (positions === undefined) continue;
        if (found === null) found = [...positions];
        else found.push(...positions);
      }
    }
    return found === null ? this.#withoutLiterals : mergeFew(this.#withoutLiterals, found);
  }
}

function pushTo<K>(lists: Map<K, number[]>, key: K, position: number): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [position]);
  else known.push(position);
}

/** `few` may hold a position twice, in any order. */
function mergeFew(many: readonly number[], few: number[]): readonly number[] {
  few.sort((a, b) => a - b);
  const merged: number[] = [];
  let next = 0;
  for (const position of many) {
    for (; (few[next] ?? position) < position; next++) {
      const own = few[next];
      if (own !== undefined && own !== few[next - 1]) merged.push(own);
    }
    merged.push(position);
  }
  for (; next < few.length; next++) {
    const own = few[next];
    if (own !== undefined && own !== few[next - 1]) merged.push(own);
  }
  return merged;
}

type Facts = { readonly allows: AllowsProgram; readonly literalsOf: LiteralsOf };

class Hits {
  readonly own: readonly number[];
  /** Merged with the positions that are always tried: the answer when only one group has hits. */
  readonly #withRest: readonly number[];
  readonly #ofAnyProgram: Positions;
  readonly #withoutProgram: Positions;
  readonly #ofProgram = new Map<string, Positions>();
  readonly #facts: Facts;

  constructor(own: readonly number[], rest: readonly number[], facts: Facts) {
    this.own = own;
    this.#facts = facts;
    this.#withRest = mergeAscending(own, rest);
    this.#ofAnyProgram = new Positions(this.#withRest, facts.literalsOf);
    this.#withoutProgram = this.#allowed(null);
  }

  withRest(programName: string | null): Positions {
    if (programName === null) return this.#withoutProgram;
    const known = this.#ofProgram.get(programName);
    if (known !== undefined) return known;
    if (programName.length > PROGRAM_NAME_REMEMBERED_BYTES_MAX) return this.#ofAnyProgram;
    if (this.#ofProgram.size >= PROGRAM_NAMES_REMEMBERED_MAX) this.#ofProgram.clear();
    const allowed = this.#allowed(programName);
    this.#ofProgram.set(ownCopy(programName), allowed);
    return allowed;
  }

  #allowed(programName: string | null): Positions {
    const { allows, literalsOf } = this.#facts;
    return new Positions(
      this.#withRest.filter((position) => allows(position, programName)),
      literalsOf,
    );
  }
}

type Group = { readonly read: SubjectReader; readonly hitsOf: ReadonlyMap<string, Hits> };

/** What a rule can be looked up by: a subject and the folded values that it accepts. */
type Key = {
  readonly signature: string;
  readonly subject: Subject | null;
  readonly values: readonly string[];
};

type PatternCondition = Extract<Condition, { readonly kind: "pattern" }>;

export type IndexedRule = {
  readonly definition: RuleDefinition;
  readonly decoderId: number | null;
  /** The rule holds only when the event has one of each; the most telling first. */
  readonly literals: readonly RuleLiterals[];
};

function keysOf(rule: IndexedRule): Key[] {
  if (rule.decoderId !== null)
    return [{ signature: "decoder", subject: null, values: [String(rule.decoderId)] }];
  const keys: Key[] = [];
  for (const condition of rule.definition.conditions) {
    if (condition.kind !== "pattern" || condition.negate || condition.pattern.exact === null) continue;
    const { subject, pattern } = condition;
    keys.push({ signature: subjectKey(subject), subject, values: pattern.exact ?? [] });
  }
  return keys;
}

function mergeAscending(left: readonly number[], right: readonly number[]): readonly number[] {
  return [...left, ...right].sort((a, b) => a - b);
}

export class SiblingIndex {
  readonly #byDecoder: ReadonlyMap<number, Hits>;
  readonly #groups: readonly Group[];
  /** For an event that no look-up found. */
  readonly #rest: Hits;

  private constructor(byDecoder: ReadonlyMap<number, Hits>, groups: readonly Group[], rest: Hits) {
    this.#byDecoder = byDecoder;
    this.#groups = groups;
    this.#rest = rest;
  }

  /** Null when a plain walk is as good. */
  static build(rules: readonly IndexedRule[], tools: SubjectTools): SiblingIndex | null {
    if (rules.length < SIBLINGS_INDEXED_MIN) return null;
    const keys = rules.map(keysOf);
    const counts = new Map<string, number>();
    for (const key of keys.flat()) counts.set(key.signature, (counts.get(key.signature) ?? 0) + 1);
    const rest: number[] = [];
    const positions = new Map<
      string,
      { readonly subject: Subject | null; readonly of: Map<string, number[]> }
    >();
    const literals: (RuleLiterals | null)[] = [];
    for (const [position, candidates] of keys.entries()) {
      const best = candidates.reduce<Key | null>((chosen, key) => {
        return chosen === null || (counts.get(key.signature) ?? 0) > (counts.get(chosen.signature) ?? 0)
          ? key
          : chosen;
      }, null);
      const grouped = best !== null && (counts.get(best.signature) ?? 0) >= GROUP_RULES_MIN;
      if (grouped) addKey(positions, best, position);
      else rest.push(position);
      // What found a rule needs no second look at the same field.
      const telling = rules[position]?.literals.find(({ in: { key } }) => !grouped || key !== best.signature);
      literals.push(telling ?? null);
    }
    const withLiterals = literals.filter((found) => found !== null).length;
    if (positions.size === 0 && withLiterals < LITERAL_RULES_MIN) return null;
    const asks = rules.map(({ definition }) => programConditions(definition));
    const allows: AllowsProgram = (position, programName) =>
      asks[position]?.every(
        ({ pattern, negate }) => programName !== null && pattern.test(programName) !== negate,
      ) === true;
    const facts: Facts = { allows, literalsOf: (position) => literals[position] ?? null };
    const hitsOf = (of: ReadonlyMap<string, readonly number[]>): Map<string, Hits> =>
      new Map([...of].map(([value, own]) => [value, new Hits(own, rest, facts)]));
    const decoders = hitsOf(positions.get("decoder")?.of ?? new Map());
    const groups = [...positions.values()].flatMap(({ subject, of }) =>
      subject === null ? [] : [{ read: subjectReader(subject, tools), hitsOf: hitsOf(of) }],
    );
    const byDecoder = new Map([...decoders].map(([id, hits]) => [Number(id), hits]));
    return new SiblingIndex(byDecoder, groups, new Hits([], rest, facts));
  }

  /** Positions of the siblings to try, ascending. */
  candidates(event: Event): readonly number[] {
    let first: Hits | undefined = this.#byDecoder.get(event.decoder.id);
    let merged: readonly number[] | null = null;
    for (const group of this.#groups) {
      const value = group.read(event);
      if (value === undefined || value === null) continue;
      const hits = group.hitsOf.get(foldAscii(value));
      if (hits === undefined) continue;
      if (first === undefined) first = hits;
      else merged = mergeAscending(merged ?? first.withRest(event.programName).for(event), hits.own);
    }
    return merged ?? (first ?? this.#rest).withRest(event.programName).for(event);
  }
}

function programConditions(rule: RuleDefinition): readonly PatternCondition[] {
  return rule.conditions.flatMap((condition) =>
    condition.kind === "pattern" && condition.subject.kind === "program_name" ? [condition] : [],
  );
}

function addKey(
  positions: Map<string, { readonly subject: Subject | null; readonly of: Map<string, number[]> }>,
  key: Key,
  position: number,
): void {
  let group = positions.get(key.signature);
  if (group === undefined) {
    group = { subject: key.subject, of: new Map() };
    positions.set(key.signature, group);
  }
  for (const value of new Set(key.values)) {
    const known = group.of.get(value);
    if (known === undefined) group.of.set(value, [position]);
    else known.push(position);
  }
}
