/**
 * The analysis engine: one event in, its verdict out. Time is the event's own receive time, so a replay of the same events gives
 * the same verdicts.
 */
import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import type { RawEvent } from "#model/event-block.ts";
import type { Verdict } from "./alert/document.ts";
import { EventMemory, MEMORY_EVENTS_DEFAULT } from "./correlate/event-memory.ts";
import { DecoderRunner } from "./decode/decode.ts";
import { Event } from "./event.ts";
import { FieldSlots } from "./field-slots.ts";
import { type AlertLevels, compileRules } from "./match/compile-rules.ts";
import type { CompiledRule, CompiledRules } from "./match/compiled-rule.ts";
import { Evaluator, type Match } from "./match/evaluator.ts";
import { LiteralScanner } from "./match/literal-scanner.ts";
import { type Predecoded, predecode } from "./predecode/predecode.ts";
import { agentName } from "./predecode/queue-message.ts";
import { CATEGORY_FIREWALL, CATEGORY_OSSEC } from "./ruleset/category.ts";
import { NO_DECODER } from "./ruleset/decoder.ts";
import type { Ruleset } from "./ruleset/ruleset.ts";
import type { SpecialDecoder } from "./special/special.ts";
import { SpecialDecoders } from "./special/special-decoders.ts";
import { Accumulator } from "./state/accumulate.ts";
import { FirstTimeSeen } from "./state/first-time-seen.ts";
import { LastOutputs } from "./state/last-outputs.ts";
import { RuleCounters } from "./state/rule-counters.ts";

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
    };

/** What the engine holds between events. */
export type EngineState = {
  readonly memory: EventMemory;
  readonly counters: RuleCounters;
  readonly firstTimeSeen: FirstTimeSeen;
  readonly accumulator: Accumulator;
  readonly lastOutputs: LastOutputs;
  readonly special: SpecialDecoders;
};

/** A rule set made ready to run. Engines of one thread may share it: it holds nothing between events. */
export class CompiledRuleset {
  readonly rules: CompiledRules;
  readonly decoders: DecoderRunner;
  readonly slots = new FieldSlots();
  readonly scanner = new LiteralScanner();
  readonly levels: AlertLevels;
  readonly mitre: MitreTable | null;
  readonly decoderIds: ReadonlyMap<string, number>;

  constructor(ruleset: Ruleset, levels: AlertLevels, mitre: MitreTable | null = null) {
    this.levels = levels;
    this.mitre = mitre;
    this.decoderIds = ruleset.decoders.idOfName;
    this.rules = compileRules(ruleset, this, levels);
    this.decoders = new DecoderRunner(ruleset.decoders, this.scanner, (id) =>
      this.rules.byId.has(Number(id)),
    );
    this.scanner.compile();
  }
}

export class Engine {
  readonly state: EngineState;
  readonly #set: CompiledRuleset;
  readonly #options: EngineOptions;
  readonly #evaluator: Evaluator;
  readonly #shortHostname: string;

  constructor(set: CompiledRuleset, options: EngineOptions) {
    this.#set = set;
    this.#options = options;
    this.#shortHostname = options.hostname.split(".")[0] ?? options.hostname;
    this.state = {
      memory: new EventMemory(set.rules, options.memoryEvents ?? MEMORY_EVENTS_DEFAULT),
      counters: new RuleCounters(set.rules),
      firstTimeSeen: new FirstTimeSeen(),
      accumulator: new Accumulator(),
      lastOutputs: new LastOutputs(),
      special: new SpecialDecoders(),
    };
    this.#evaluator = new Evaluator(set.rules, this.state.memory, {
      firstTimeSeen: (event) => event.firstTimeSeen ?? this.state.firstTimeSeen.offer(event),
      changedOutput: (event, rule) =>
        this.state.lastOutputs.changedFrom(event.hostname ?? "", rule.id, event.log),
    });
  }

  process(received: RawEvent): Outcome {
    const raw = withoutNul(received);
    if (QUEUES_WITHOUT_RULES.has(raw.queue)) return { kind: "not_analysed", reason: "queue", error: null };
    this.#set.slots.clear();
    const special = this.state.special.of(raw.queue);
    if (special !== undefined) return this.#processSpecial(raw, special);
    const event = this.#toEvent(raw);
    this.#set.scanner.begin(event.log);
    this.#set.decoders.decode(event);
    if (event.decoder.accumulate) this.state.accumulator.apply(event);
    if (event.category === CATEGORY_FIREWALL && this.#options.mode === "live") {
      // The peer keeps such events for its firewall log only, and only complete ones reach the rules.
      if (!FIREWALL_FIELDS.every((field) => event.has(field))) {
        return { kind: "not_analysed", reason: "firewall_incomplete", error: null };
      }
    }
    return this.#conclude(event);
  }

  /** What a decoder that is code makes of a message belongs to the category `ossec`; no header is looked for in it. */
  #processSpecial(raw: RawEvent, decoder: SpecialDecoder): Outcome {
    const event = this.#newEvent(raw, WITHOUT_HEADER, raw.message);
    const result = decoder.decode(event);
    if (result.kind === "nothing") return { kind: "not_analysed", reason: "no_event", error: result.error };
    const shownName = result.shownName ?? result.decoderName;
    const id = this.#set.decoderIds.get(result.decoderName) ?? NO_DECODER.id;
    event.decoder = { ...NO_DECODER, shownName, id, category: CATEGORY_OSSEC };
    event.category = CATEGORY_OSSEC;
    event.firstTimeSeen = result.firstTimeSeen ?? null;
    this.#set.scanner.begin(event.log);
    return this.#conclude(event);
  }

  #conclude(event: Event): Outcome {
    const match = this.#match(event);
    if (match === null) return { kind: "analysed", event, verdict: null, alert: false };
    return this.#options.mode === "live"
      ? this.#concludeLive(event, match)
      : this.#concludeSession(event, match);
  }

  #toEvent(raw: RawEvent): Event {
    const header = predecode(raw.message);
    return this.#newEvent(raw, header, header.log);
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

  #match(event: Event): Match | null {
    if (event.generatedRule === null) return this.#evaluator.evaluate(event);
    const rule = this.#set.rules.byId.get(Number(event.generatedRule));
    return rule === undefined ? null : { rule, parent: null, previousLogs: [], previousOutput: null };
  }

  #verdict(event: Event, match: Match): Verdict {
    const { rule, previousLogs, previousOutput } = match;
    const firedTimes = this.state.counters.fire(rule.number, event.receivedMs);
    return { rule, firedTimes, previousLogs, previousOutput };
  }

  #concludeLive(event: Event, match: Match): Outcome {
    let verdict = this.#verdict(event, match);
    if (verdict.rule.level === 0) return { kind: "analysed", event, verdict, alert: false };
    if (this.#isIgnored(match.rule, event, true)) {
      // The event then counts as what the rule above makes of it, which may be nothing.
      const { parent } = match;
      if (parent === null) return { kind: "analysed", event, verdict: null, alert: false };
      const firedTimes = this.state.counters.fired(parent.number);
      verdict = { rule: parent, firedTimes, previousLogs: [], previousOutput: null };
      if (parent.level === 0) return { kind: "analysed", event, verdict, alert: false };
    }
    this.state.memory.remember(event, verdict.rule);
    return { kind: "analysed", event, verdict, alert: verdict.rule.logged };
  }

  #concludeSession(event: Event, match: Match): Outcome {
    const verdict = this.#verdict(event, match);
    const { rule } = verdict;
    if (rule.level === 0 || this.#isIgnored(rule, event, false)) {
      return { kind: "analysed", event, verdict, alert: false };
    }
    this.state.memory.remember(event, rule);
    return { kind: "analysed", event, verdict, alert: rule.level >= this.#set.levels.log };
  }

  #isIgnored(rule: CompiledRule, event: Event, restart: boolean): boolean {
    if (rule.ignoreMs === 0) return false;
    // Whole seconds, as the peer counts.
    const nowMs = Math.floor(event.receivedMs / 1000) * 1000;
    return this.state.counters.ignores(rule.number, { windowMs: rule.ignoreMs, nowMs, restart });
  }
}

/** The peer handles texts that end at their first NUL. */
function withoutNul(raw: RawEvent): RawEvent {
  const nul = raw.message.indexOf("\0");
  return nul < 0 ? raw : { ...raw, message: raw.message.slice(0, nul) };
}
