/**
 * The analysis engine: one event in, its verdict out. Time is the event's own receive time, so a replay of the same events gives
 * the same verdicts.
 */

import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import { effort } from "#formats/patterns/effort.ts";
import { agentName } from "#formats/wire/agent/queue-message.ts";
import type { RawEvent } from "#model/event-block.ts";
import type { Verdict } from "./alert/document.ts";
import { EventMemory, MEMORY_EVENTS_DEFAULT } from "./correlate/event-memory.ts";
import { DecoderRunner } from "./decode/decode.ts";
import { addSyslogFields, syslogFields } from "./decode/syslog-fields.ts";
import { Event } from "./event.ts";
import { FieldSlots } from "./field-slots.ts";
import { NO_PLACES, type PlaceLookup } from "./geoip/geo-places.ts";
import { type AlertLevels, compileRules } from "./match/compile-rules.ts";
import type { CompiledRule, CompiledRules } from "./match/compiled-rule.ts";
import { Evaluator, type Match, type StatefulConditions } from "./match/evaluator.ts";
import { LiteralScanners } from "./match/literal-scanners.ts";
import { ruleFingerprints } from "./match/rule-fingerprints.ts";
import { type Predecoded, predecode } from "./predecode/predecode.ts";
import { ResponseBinding } from "./response/binding.ts";
import { FIRES_NOTHING, type Firing, FiringGate } from "./response/firing.ts";
import { NO_RESPONSES, type ResponseSettings } from "./response/settings.ts";
import { CATEGORY_FIREWALL, CATEGORY_OSSEC } from "./ruleset/category.ts";
import { NO_DECODER } from "./ruleset/decoder.ts";
import type { Ruleset } from "./ruleset/ruleset.ts";
import type { SpecialDecoder } from "./special/special.ts";
import { SpecialDecoders } from "./special/special-decoders.ts";
import { Accumulator } from "./state/accumulate.ts";
import { FirstTimeSeen } from "./state/first-time-seen.ts";
import { LastOutputs } from "./state/last-outputs.ts";
import { RuleCounters } from "./state/rule-counters.ts";
import { excessRule } from "./stats/excess-rule.ts";
import { HourlyStatistics, type StatisticsOptions } from "./stats/hourly-statistics.ts";
import type { Trace } from "./trace/trace.ts";
import { TracedEvaluator } from "./trace/traced-evaluator.ts";

const LOCAL_AGENT_ID = "000";

/** Queues of messages that are no events: synchronisation of databases, results of upgrades. */
const QUEUES_WITHOUT_RULES: ReadonlySet<string> = new Set(["5", "u"]);

const WITHOUT_HEADER = { logStart: 0, hostname: null, programName: null, timestamp: null };

const FIREWALL_FIELDS = ["action", "srcip", "dstip", "srcport", "dstport", "protocol"] as const;

export type EngineOptions = {
  /** The manager's full host name; events of this host without a name in their header carry its first part. */
  readonly hostname: string;
  readonly memoryEvents?: number;
  /** `live`: as the manager alerts. `session`: as the log test shows, which differs in `ignore` and keeps odd firewall lines. */
  readonly mode: "live" | "session";
  /** `analysisd.log_fw`: firewall events are for the firewall log, and incomplete ones for nothing. The default. */
  readonly logsFirewall?: boolean;
  /** Without them nothing is written of hours and days that end. */
  readonly statistics?: StatisticsOptions;
};

export type Outcome =
  /** The rules did not see it. */
  | {
      readonly kind: "not_analysed";
      readonly reason: "queue" | "firewall_incomplete" | "no_event";
      /** A line for the log; null when there is nothing to say. */
      readonly error: string | null;
    }
  | {
      readonly kind: "analysed";
      readonly event: Event;
      /** Null when no rule held. Level 0 and ignored results are here too. */
      readonly verdict: Verdict | null;
      /** To be written to the alert files. */
      readonly alert: boolean;
      /** What is to be run; also for results that no file takes. */
      readonly firing: Firing;
    };

/** An alert beside that of the event that raised it, with a number of its own. */
export type ExcessAlert = { readonly event: Event; readonly verdict: Verdict };

/** What the engine holds between events. */
export type EngineState = {
  readonly memory: EventMemory;
  readonly counters: RuleCounters;
  readonly firstTimeSeen: FirstTimeSeen;
  readonly accumulator: Accumulator;
  readonly lastOutputs: LastOutputs;
  readonly special: SpecialDecoders;
  readonly statistics: HourlyStatistics;
};

/** What stands in no file of the rule set. */
export type RulesetAdditions = {
  /** Null: alerts name no techniques. */
  readonly mitre?: MitreTable | null;
  readonly responses?: ResponseSettings;
  readonly places?: PlaceLookup;
};

/** A rule set made ready to run. Engines of one thread may share it: it holds nothing between events. */
export class CompiledRuleset {
  #fingerprints: Uint32Array | null = null;
  readonly rules: CompiledRules;
  readonly decoders: DecoderRunner;
  readonly slots = new FieldSlots();
  readonly scanners = new LiteralScanners();
  readonly levels: AlertLevels;
  readonly mitre: MitreTable | null;
  readonly decoderIds: ReadonlyMap<string, number>;
  readonly lists: Ruleset["lists"];
  readonly binding: ResponseBinding;
  readonly gate: FiringGate;
  /** Of addresses; none without a database. */
  readonly places: PlaceLookup;

  constructor(ruleset: Ruleset, levels: AlertLevels, additions: RulesetAdditions = {}) {
    const { mitre = null, responses = NO_RESPONSES, places = NO_PLACES } = additions;
    this.levels = levels;
    this.places = places;
    this.mitre = mitre;
    this.decoderIds = ruleset.decoders.idOfName;
    this.lists = ruleset.lists;
    this.binding = new ResponseBinding(responses.responses);
    this.gate = new FiringGate(responses.whiteList);
    this.rules = compileRules(ruleset, this, levels);
    this.decoders = new DecoderRunner(ruleset.decoders, this.scanners.log, (id) =>
      this.rules.byId.has(Number(id)),
    );
    this.scanners.compile();
  }

  /** By the rule's number: tells a rule that another set has alike. */
  get fingerprints(): Uint32Array {
    this.#fingerprints ??= ruleFingerprints(this.rules);
    return this.#fingerprints;
  }
}

export class Engine {
  readonly state: EngineState;
  readonly #set: CompiledRuleset;
  readonly #options: EngineOptions;
  readonly #evaluator: Evaluator;
  readonly #tracedEvaluator: TracedEvaluator;
  readonly #shortHostname: string;
  readonly #dropsIncompleteFirewall: boolean;
  /** Null when no number of events is too large. */
  readonly #excessRule: CompiledRule | null;

  constructor(set: CompiledRuleset, options: EngineOptions) {
    this.#set = set;
    this.#options = options;
    this.#shortHostname = options.hostname.split(".")[0] ?? options.hostname;
    const counters = new RuleCounters(set.rules);
    this.state = {
      memory: new EventMemory(set.rules, options.memoryEvents ?? MEMORY_EVENTS_DEFAULT),
      counters,
      firstTimeSeen: new FirstTimeSeen(),
      accumulator: new Accumulator(),
      lastOutputs: new LastOutputs(),
      special: new SpecialDecoders(),
      statistics: new HourlyStatistics(counters, options.statistics ?? null),
    };
    this.#dropsIncompleteFirewall = options.mode === "live" && (options.logsFirewall ?? true);
    const averages = options.statistics?.averages ?? null;
    this.#excessRule = averages === null ? null : excessRule(averages.alertLevel, set.levels);
    const conditions: StatefulConditions = {
      firstTimeSeen: (event) => event.firstTimeSeen ?? this.state.firstTimeSeen.offer(event),
      changedOutput: (event, rule) =>
        this.state.lastOutputs.changedFrom(event.hostname ?? "", rule.id, event.log),
    };
    this.#evaluator = new Evaluator(set.rules, this.state.memory, conditions);
    this.#tracedEvaluator = new TracedEvaluator(set, this.state.memory, conditions);
  }

  /** What its rules and decoders are. */
  get set(): CompiledRuleset {
    return this.#set;
  }

  /** Time goes on without an event. */
  passTime(nowMs: number): void {
    this.state.statistics.passTime(nowMs);
  }

  /** A new `trace` is told the way of the event; the outcome is the same with and without one. */
  process(received: RawEvent, trace: Trace | null = null): Outcome {
    const raw = withoutNul(received);
    const { statistics } = this.state;
    statistics.passTime(raw.receivedMs);
    statistics.countEvent(raw.queue);
    if (QUEUES_WITHOUT_RULES.has(raw.queue)) return { kind: "not_analysed", reason: "queue", error: null };
    effort.renew();
    this.#set.slots.clear();
    const special = this.state.special.of(raw.queue);
    if (special !== undefined) return this.#processSpecial(raw, special, trace);
    const event = this.#toEvent(raw);
    this.#set.scanners.log.begin(event.log);
    this.#set.decoders.decode(event, trace);
    if (event.decoder.accumulate) this.state.accumulator.apply(event);
    if (event.category === CATEGORY_FIREWALL) {
      statistics.countFirewall();
      // The peer keeps such events for its firewall log, and only complete ones reach the rules.
      if (this.#dropsIncompleteFirewall && !FIREWALL_FIELDS.every((field) => event.has(field))) {
        return { kind: "not_analysed", reason: "firewall_incomplete", error: null };
      }
    }
    return this.#conclude(event, trace);
  }

  /** The alert on the number of events when `event`, which was analysed last, made them too many. */
  takeExcess(event: Event): ExcessAlert | null {
    const text = this.state.statistics.takeExcess();
    const rule = this.#excessRule;
    if (text === null || rule === null || !rule.logged) return null;
    // The next number is inside this event's record in the journal: no other event has it.
    const remark = event.remark(event.position + 1, text);
    return { event: remark, verdict: { rule, firedTimes: 0, previousLogs: [], previousOutput: null } };
  }

  /** What a decoder that is code makes of a message belongs to the category `ossec`; no header is looked for in it. */
  #processSpecial(raw: RawEvent, decoder: SpecialDecoder, trace: Trace | null): Outcome {
    const event = this.#newEvent(raw, WITHOUT_HEADER, raw.message);
    const result = decoder.decode(event);
    if (result.kind === "nothing") return { kind: "not_analysed", reason: "no_event", error: result.error };
    const shownName = result.shownName ?? result.decoderName;
    const id = this.#set.decoderIds.get(result.decoderName) ?? NO_DECODER.id;
    event.decoder = { ...NO_DECODER, shownName, id, category: CATEGORY_OSSEC };
    event.category = CATEGORY_OSSEC;
    event.firstTimeSeen = result.firstTimeSeen ?? null;
    this.#set.scanners.log.begin(event.log);
    return this.#conclude(event, trace);
  }

  #conclude(event: Event, trace: Trace | null): Outcome {
    this.state.statistics.countAnalysed();
    const match = this.#match(event, trace);
    if (match === null) return unanswered(event, null);
    return this.#options.mode === "live"
      ? this.#concludeLive(event, match)
      : this.#concludeSession(event, match);
  }

  #toEvent(raw: RawEvent): Event {
    const header = predecode(raw.message);
    const fields = syslogFields(raw.message, header);
    const event = this.#newEvent(raw, header, fields?.log ?? header.log);
    if (fields !== null) addSyslogFields(fields, event);
    return event;
  }

  #newEvent(raw: RawEvent, header: Omit<Predecoded, "log">, log: string): Event {
    const { message, location, agentId } = raw;
    const { logStart } = header;
    return new Event(
      {
        position: raw.position,
        receivedMs: raw.receivedMs,
        agentId,
        location,
        hostname: agentId === LOCAL_AGENT_ID ? (header.hostname ?? this.#shortHostname) : agentName(location),
        programName: header.programName,
        timestamp: header.timestamp,
        fullLog: message,
        log,
        logFollowsNul: logStart === 0 || message[logStart - 1] === ":",
      },
      NO_DECODER,
      this.#set.slots,
    );
  }

  #match(event: Event, trace: Trace | null): Match | null {
    if (event.generatedRule === null) {
      return trace === null ? this.#evaluator.evaluate(event) : this.#tracedEvaluator.evaluate(event, trace);
    }
    const rule = this.#set.rules.byId.get(Number(event.generatedRule));
    return rule === undefined ? null : { rule, parent: null, previousLogs: [], previousOutput: null };
  }

  #verdict({ rule, previousLogs, previousOutput }: Match): Verdict {
    const firedTimes = this.state.counters.fire(rule.number);
    return { rule, firedTimes, previousLogs, previousOutput };
  }

  #concludeLive(event: Event, match: Match): Outcome {
    let verdict = this.#verdict(match);
    if (verdict.rule.level === 0) return unanswered(event, verdict);
    if (this.#isIgnored(match.rule, event, true)) {
      // The event then counts as what the rule above makes of it, which may be nothing.
      const { parent } = match;
      if (parent === null) return unanswered(event, null);
      const firedTimes = this.state.counters.fired(parent.number);
      verdict = { rule: parent, firedTimes, previousLogs: [], previousOutput: null };
      if (parent.level === 0) return unanswered(event, verdict);
    }
    const { rule } = verdict;
    this.state.memory.remember(event, rule);
    const firing = this.#set.gate.firing(event, rule.responses);
    return { kind: "analysed", event, verdict, alert: rule.logged, firing };
  }

  #concludeSession(event: Event, match: Match): Outcome {
    const verdict = this.#verdict(match);
    const { rule } = verdict;
    if (rule.level === 0 || this.#isIgnored(rule, event, false)) {
      return unanswered(event, verdict);
    }
    this.state.memory.remember(event, rule);
    const alert = rule.level >= this.#set.levels.log;
    return { kind: "analysed", event, verdict, alert, firing: FIRES_NOTHING };
  }

  #isIgnored(rule: CompiledRule, event: Event, restart: boolean): boolean {
    if (rule.ignoreMs === 0) return false;
    // Whole seconds, as the peer counts.
    const nowMs = Math.floor(event.receivedMs / 1000) * 1000;
    return this.state.counters.ignores(rule.number, { windowMs: rule.ignoreMs, nowMs, restart });
  }
}

/** A result that no file takes and no response answers. */
function unanswered(event: Event, verdict: Verdict | null): Outcome {
  return { kind: "analysed", event, verdict, alert: false, firing: FIRES_NOTHING };
}

/** The peer handles texts that end at their first NUL. */
function withoutNul(raw: RawEvent): RawEvent {
  const nul = raw.message.indexOf("\0");
  return nul < 0 ? raw : { ...raw, message: raw.message.slice(0, nul) };
}
