/** What is told of an event: the part of its trace that people look for, as a value. Texts are byte strings. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { CompiledRule } from "#analysis/match/compiled-rule.ts";
import { STATIC_FIELDS } from "#analysis/plugins/sink.ts";
import type { FailedCondition } from "#analysis/trace/conditions.ts";
import { type PlaceStep, placesOf } from "#analysis/trace/rule-places.ts";
import type { SearchCount } from "#analysis/trace/search-count.ts";
import { type DecoderTry, type Field, type RuleTry, type Trace, triedRules } from "#analysis/trace/trace.ts";
import type { SessionResult } from "#rule-tests/session.ts";

/** A screenful; `all` lifts these. */
const FAILED_DECODERS_SHOWN_MAX = 6;
const RULES_SHOWN_MAX = 12;
/** Nearest first: the others look alike. */
const PLACES_SHOWN_MAX = 5;

export type ShownDecoder = {
  readonly name: string;
  readonly parent: string | null;
  readonly failed: { readonly part: string; readonly pattern: string; readonly text: string } | null;
  readonly fields: readonly Field[];
};

export type ShownRule = { readonly id: number; readonly level: number; readonly description: string };

export type ShownFailure = ShownRule & {
  /** The rule above; null for a template. */
  readonly below: number | null;
  readonly failed: FailedCondition;
  readonly search: SearchCount | null;
};

export type ShownStep = ShownRule & {
  readonly outcome: PlaceStep["outcome"];
  readonly failed: FailedCondition | null;
  readonly search: SearchCount | null;
  readonly takenBy: number | null;
};

export type Shortened<T> = { readonly shown: readonly T[]; readonly leftOut: number };

/** About the rule that was asked for. */
export type RuleAnswer = ShownRule & {
  readonly fired: boolean;
  /** In one sentence. */
  readonly reason: string;
  readonly places: Shortened<readonly ShownStep[]>;
};

export type Explanation = {
  readonly event: string;
  readonly location: string;
  readonly header: {
    readonly timestamp: string | null;
    readonly hostname: string | null;
    readonly program: string | null;
    /** What follows the header. */
    readonly log: string;
  };
  readonly decoders: Shortened<ShownDecoder>;
  readonly decoder: string | null;
  readonly fields: readonly Field[];
  /** From the template to the event's rule; without one, as far as rules held. */
  readonly path: readonly ShownRule[];
  /** Rules below one that held, which failed themselves. */
  readonly near: Shortened<ShownFailure>;
  readonly rule: RuleAnswer | null;
  readonly result: {
    readonly rule: number | null;
    readonly level: number | null;
    readonly alert: boolean;
    /** In one sentence. */
    readonly reason: string;
  };
};

export type ExplanationOptions = { readonly all: boolean; readonly ruleId: number | null };

function shorten<T>(items: readonly T[], max: number): Shortened<T> {
  const shown = items.slice(0, max);
  return { shown, leftOut: items.length - shown.length };
}

function shownRule({ id, level, definition }: CompiledRule): ShownRule {
  return { id, level, description: definition.description };
}

function hadEvent({ failed }: DecoderTry): boolean {
  return failed === null || failed.part === "regex";
}

/** Those that had the event, and those that came nearest to it: below the one that has it or, without one, of its program. */
function nearDecoders({ decoders }: Trace): readonly DecoderTry[] {
  const isFound = decoders.some(hadEvent);
  const isNear = ({ decoder, failed }: DecoderTry): boolean =>
    failed?.part === "prematch" && (isFound ? decoder.parent : decoder.programName) !== null;
  const near = new Set(decoders.filter(isNear).slice(0, FAILED_DECODERS_SHOWN_MAX));
  return decoders.filter((tried) => hadEvent(tried) || near.has(tried));
}

function shownDecoder({ decoder, failed, fields }: DecoderTry): ShownDecoder {
  const { name, parent } = decoder;
  if (failed === null) return { name, parent, failed, fields };
  const { part, text } = failed;
  const pattern = part === "program_name" ? decoder.programName : decoder[part];
  return { name, parent, failed: { part, pattern: pattern?.text ?? "", text }, fields };
}

function fieldsOf({ event }: SessionResult): readonly Field[] {
  const statics = STATIC_FIELDS.flatMap((name, index): Field[] => {
    const value = event.statics[index];
    return value === undefined ? [] : [{ name, value }];
  });
  const dynamics = event.dynamicNames.map((name, index) => ({
    name,
    value: event.dynamicValues[index] ?? "",
  }));
  return [...statics, ...dynamics];
}

/** The deepest rule that held, with those above it: what is told when no rule took the event. */
function longestHeld(tries: readonly RuleTry[]): readonly RuleTry[] {
  let longest: readonly RuleTry[] = [];
  for (const tried of tries) {
    if (tried.failed !== null) continue;
    const path = [tried, ...longestHeld(tried.below)];
    if (path.length > longest.length) longest = path;
  }
  return longest;
}

type Failure = { readonly failure: ShownFailure; readonly depth: number; readonly held: number };

/** Deepest first, and of one depth those of which most conditions held. */
function failures(trace: Trace): readonly ShownFailure[] {
  const found: Failure[] = [];
  const above: RuleTry[] = [];
  for (const [tried, depth] of triedRules(trace.rules)) {
    above[depth] = tried;
    const { node, failed, search, conditionsHeld: held } = tried;
    if (failed === null) continue;
    const below = above[depth - 1]?.node.rule.id ?? null;
    found.push({ failure: { ...shownRule(node.rule), below, failed, search }, depth, held });
  }
  found.sort((left, right) => right.depth - left.depth || right.held - left.held);
  return found.map(({ failure }) => failure);
}

/** A rule with several places is told once. */
function nearRules(failed: readonly ShownFailure[]): Shortened<ShownFailure> {
  const byId = new Map<number, ShownFailure>();
  for (const failure of failed) if (!byId.has(failure.id)) byId.set(failure.id, failure);
  return shorten([...byId.values()], RULES_SHOWN_MAX);
}

function resultOf({ verdict, alert }: SessionResult, ruleset: CompiledRuleset): Explanation["result"] {
  if (verdict === null) return { rule: null, level: null, alert, reason: "no rule took the event" };
  const { id, level, ignoreMs } = verdict.rule;
  const threshold = ruleset.levels.log;
  let reason = `level ${level} reaches log_alert_level ${threshold}`;
  if (level === 0) reason = "level 0 never alerts";
  else if (level < threshold) reason = `level ${level} is below log_alert_level ${threshold}`;
  else if (!alert) reason = `the rule fired less than ${ignoreMs / 1000} s before (ignore)`;
  return { rule: id, level, alert, reason: reason + managerNote(verdict.rule, level >= threshold) };
}

/** The log test looks at the level alone, the manager at the options as well. */
function managerNote({ level, logged }: CompiledRule, reaches: boolean): string {
  if (level === 0 || logged === reaches) return "";
  return logged
    ? "; the manager writes it all the same (log_alert)"
    : "; the manager does not write it (no_log)";
}

function failureReason(step: PlaceStep): string {
  const { id } = step.rule;
  if (step.outcome === "failed") return `a condition of rule ${id} failed`;
  if (step.takenBy === null) return `rule ${id} is for another category of logs`;
  return `rule ${id} was not tried: rule ${step.takenBy.id} stands before it and took the event`;
}

function answerOf(
  ruleId: number,
  ruleset: CompiledRuleset,
  trace: Trace,
  result: SessionResult,
): RuleAnswer | null {
  const rule = ruleset.rules.byId.get(ruleId);
  if (rule === undefined) return null;
  const places = placesOf(ruleId, { set: ruleset, trace, event: result.event });
  const winner = result.verdict?.rule ?? null;
  const stopped = places[0]?.find(({ outcome }) => outcome !== "held");
  let reason = "it is the event's rule";
  if (winner !== rule && result.event.generatedRule !== null)
    reason = "the decoder names the event's rule itself";
  else if (winner !== rule && stopped !== undefined) reason = failureReason(stopped);
  else if (winner !== rule) {
    const isBelow = trace.path.some(({ node }) => node.rule === rule);
    reason = isBelow
      ? `it held, and rule ${winner?.id} below it took the event`
      : "it held, but never alerts (noalert)";
  }
  const steps = places.map((place) =>
    place.map(
      ({ rule: at, outcome, failed, search, takenBy }): ShownStep => ({
        ...shownRule(at),
        outcome,
        failed,
        search,
        takenBy: takenBy?.id ?? null,
      }),
    ),
  );
  return { ...shownRule(rule), fired: winner === rule, reason, places: shorten(steps, PLACES_SHOWN_MAX) };
}

/** To be made right after the event was traced. */
export function explanationOf(
  result: SessionResult,
  trace: Trace,
  ruleset: CompiledRuleset,
  { all, ruleId }: ExplanationOptions,
): Explanation {
  const { event } = result;
  const decoders = all ? trace.decoders : nearDecoders(trace);
  const failed = failures(trace);
  const path = trace.path.length > 0 ? trace.path : longestHeld(trace.rules);
  return {
    event: event.fullLog,
    location: event.location,
    header: {
      timestamp: event.timestamp,
      hostname: event.hostname,
      program: event.programName,
      log: event.log,
    },
    decoders: { shown: decoders.map(shownDecoder), leftOut: trace.decoders.length - decoders.length },
    decoder: event.decoder.shownName === "" ? null : event.decoder.shownName,
    fields: fieldsOf(result),
    path: path.map(({ node }) => shownRule(node.rule)),
    near: all ? { shown: failed, leftOut: 0 } : nearRules(failed),
    rule: ruleId === null ? null : answerOf(ruleId, ruleset, trace, result),
    result: resultOf(result, ruleset),
  };
}
