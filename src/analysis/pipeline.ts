/**
 * The loop body of the analysis thread: blocks of the journal in, blocks of finished alerts out, in the journal's order.
 *
 * One event cannot stop the others: what the engine cannot take is counted, set aside as a dead letter, said once a second at most,
 * and passed over.
 */
import { messageOf } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { type ControlRecord, forEachEvent, type RawEvent, visitRecord } from "#model/event-block.ts";
import { type OutputBlock, OutputBlockBuilder, type OutputKind } from "#model/output-block.ts";
import { AgentLabels } from "./alert/agent-labels.ts";
import { alertLogText, archiveLogText } from "./alert/alert-log.ts";
import type { CustomAlert } from "./alert/custom-alert.ts";
import { describe } from "./alert/description.ts";
import {
  type DocumentOptions,
  eventDocument,
  type ManagerIdentity,
  originOf,
  type Verdict,
} from "./alert/document.ts";
import { firewallLogText } from "./alert/firewall-log.ts";
import { DeadLetterLimit, deadLetterLine } from "./dead-letters.ts";
import type { Engine, Outcome } from "./engine.ts";
import { DSTUSER, type Event, SRCIP, SRCUSER } from "./event.ts";
import { ResponseRecords } from "./response/response-records.ts";
import { CATEGORY_FIREWALL } from "./ruleset/category.ts";
import type { ScaRequest } from "./special/sca.ts";
import { EventCounts } from "./stats/event-counts.ts";

/** An agent's own sign of life travels as an event too; it is not worth an archive line. */
const KEEPALIVE_LOCATION = /(?:^|->)ossec-keepalive$/;
const FAILURE_LOG_PERIOD_MS = 1000;
/** A thousand times what the slowest ordinary event takes: beyond it, one agent can hold up the others. */
const EVENT_MS_SLOW = 500;

/** Which files are written. */
export type OutputSelection = {
  readonly alertsJson: boolean;
  readonly alertsLog: boolean;
  readonly archivesJson: boolean;
  readonly archivesLog: boolean;
  readonly firewallLog: boolean;
};

/** An alert as a person at a terminal wants it. */
export type ShownAlert = {
  readonly timeMs: number;
  readonly level: number;
  readonly ruleId: string;
  readonly agentName: string;
  readonly description: string;
  readonly user?: string;
  readonly srcip?: string;
  readonly program?: string;
  readonly location: string;
};

/** What the administrator and the agents add to alerts; nothing when absent. */
export type AlertForm = {
  /** They change while events come. */
  readonly labels: AgentLabels;
  /** `analysisd.geoip_jsonout`: the data of documents show the places of addresses. */
  readonly placesInJson: boolean;
  /** Writes alerts.log; null for the usual form. */
  readonly customAlert: CustomAlert | null;
};

export type PipelineNeeds = {
  readonly engine: Engine;
  readonly identity: ManagerIdentity;
  readonly selection: OutputSelection;
  readonly form?: AlertForm;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Takes a full block; order counts. */
  readonly emit: (block: OutputBlock) => void;
  /** Null when nobody looks. */
  readonly show: ((alert: ShownAlert) => void) | null;
  /** A change that takes effect at this place of the journal. */
  readonly control: (record: ControlRecord) => void;
};

type Analysed = Extract<Outcome, { kind: "analysed" }>;
type NotAnalysed = Extract<Outcome, { kind: "not_analysed" }>;

export class AnalysisPipeline {
  readonly #needs: PipelineNeeds;
  readonly #form: AlertForm;
  readonly #builder = new OutputBlockBuilder();
  readonly #clock = new LocalClock();
  readonly #counts = new EventCounts();
  readonly #visitor = {
    event: (raw: RawEvent) => this.#event(raw),
    control: (record: ControlRecord) => this.#control(record),
  };
  #engine: Engine;
  #failureSaidMs = Number.NEGATIVE_INFINITY;
  readonly #deadLetterLimit = new DeadLetterLimit();
  readonly #responses: ResponseRecords;

  constructor(needs: PipelineNeeds) {
    this.#needs = needs;
    this.#form = needs.form ?? { labels: new AgentLabels(false), placesInJson: false, customAlert: null };
    this.#responses = new ResponseRecords(needs);
    this.#engine = needs.engine;
  }

  /** Another rule set takes over; its engine already holds the state of the one before. */
  replaceEngine(engine: Engine): void {
    this.#engine = engine;
  }

  process(block: Buffer): void {
    forEachEvent(block, this.#visitor);
  }

  /** One record of a block; where the next one lies. */
  processRecord(block: Buffer, at: number): number {
    return visitRecord(block, at, this.#visitor);
  }

  /** The engine's state at `position`, behind everything that was written before it. */
  snapshot(position: number, bytes: Buffer): void {
    this.#append("snapshot", position, bytes);
  }

  /** Hands on what is collected. */
  flush(): void {
    if (!this.#builder.empty) this.#needs.emit(this.#builder.take());
  }

  /** What agents are to be asked for, since the last call. */
  takeScaRequests(): readonly ScaRequest[] {
    return this.#engine.state.special.takeScaRequests();
  }

  /** Called now and then: what the decoders that are code refused or forgot. */
  count(): void {
    const { metrics } = this.#needs;
    const { special } = this.#engine.state;
    this.#counts.publish(metrics);
    for (const [name, value] of Object.entries(special.counts)) metrics.set(snakeCase(name), value);
  }

  #event(raw: RawEvent): void {
    const { metrics, clock } = this.#needs;
    metrics.add("events_analysed");
    this.#counts.receive(raw.queue);
    const begunMs = clock.monotonicMs();
    try {
      const outcome = this.#engine.process(raw);
      if (outcome.kind === "analysed") this.#write(outcome);
      else this.#notAnalysed(outcome);
    } catch (error) {
      this.#failed(raw, error);
    }
    this.#writeStatistics(raw.position);
    if (clock.monotonicMs() - begunMs >= EVENT_MS_SLOW) metrics.add("events_slow");
  }

  #control(record: ControlRecord): void {
    this.#engine.passTime(record.receivedMs);
    this.#writeStatistics(record.position);
    this.#needs.control(record);
  }

  #notAnalysed({ reason, error }: NotAnalysed): void {
    this.#needs.metrics.add(`events_not_analysed_${reason}`);
    if (error !== null) this.#sayError(error);
  }

  #failed(raw: RawEvent, error: unknown): void {
    const { metrics } = this.#needs;
    metrics.add("events_failed");
    if (this.#deadLetterLimit.allows(raw.receivedMs))
      this.#append("dead_letter", raw.position, deadLetterLine(raw, error, this.#clock));
    else metrics.add("dead_letters_dropped");
    const place = `agent ${raw.agentId}, journal position ${raw.position}`;
    this.#sayError(`An event could not be analysed and was passed over (${place}): ${messageOf(error)}`);
  }

  /** What agents send could otherwise fill the log. */
  #sayError(text: string): void {
    const { clock, log } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#failureSaidMs < FAILURE_LOG_PERIOD_MS) return;
    this.#failureSaidMs = nowMs;
    log.write("error", text);
  }

  #write(outcome: Analysed): void {
    this.#counts.process();
    const { event, verdict, alert } = outcome;
    const { selection, metrics } = this.#needs;
    if (event.truncated) metrics.add("events_fields_dropped");
    if (alert && verdict !== null) this.#writeAlert(event, verdict);
    const excess = this.#engine.takeExcess(event);
    if (excess !== null) this.#writeAlert(excess.event, excess.verdict);
    if (selection.firewallLog && event.category === CATEGORY_FIREWALL)
      this.#append("firewall_log", event.position, firewallLogText(event, this.#clock));
    if (outcome.firing.kind !== "none") this.#respond(outcome);
    if ((selection.archivesJson || selection.archivesLog) && !KEEPALIVE_LOCATION.test(event.location)) {
      const shown = verdict !== null && verdict.rule.level > 0 ? verdict : null;
      if (selection.archivesJson) this.#appendDocument("archive_json", event, shown, true);
      if (selection.archivesLog)
        this.#append("archive_log", event.position, archiveLogText(event, this.#clock));
    }
  }

  /** Whoever reads of a response finds the same alert in alerts.json, when that is written. */
  #respond({ event, verdict, firing }: Analysed): void {
    if (verdict === null) return;
    const documents = ({ withoutLogs }: { readonly withoutLogs: boolean }) =>
      eventDocument(event, verdict, { ...this.#documentOptions(event, false), withoutLogs });
    const line = this.#responses.line(event, verdict, { firing, documents });
    if (line !== null) this.#append("response", event.position, line);
  }

  #writeAlert(event: Event, verdict: Verdict): void {
    const { selection, metrics, show } = this.#needs;
    metrics.add("alerts");
    if (selection.alertsJson) this.#appendDocument("alert_json", event, verdict, false);
    if (selection.alertsLog) this.#appendAlertLog(event, verdict);
    show?.(shownAlert(event, verdict));
  }

  #appendAlertLog(event: Event, verdict: Verdict): void {
    const { labels, customAlert } = this.#form;
    const additions = { labels: labels.of(event.agentId), places: this.#engine.set.places };
    const text =
      customAlert === null
        ? alertLogText(event, verdict, this.#clock, additions)
        : customAlert(event, verdict);
    this.#append("alert_log", event.position, text);
  }

  /** Of the hours and days that the record at `position` ended. */
  #writeStatistics(position: number): void {
    for (const { path, text } of this.#engine.state.statistics.takeRecords()) {
      this.#append("statistics", position, `${path}\n${text}`);
    }
  }

  #appendDocument(kind: OutputKind, event: Event, verdict: Verdict | null, alwaysFullLog: boolean): void {
    const document = eventDocument(event, verdict, this.#documentOptions(event, alwaysFullLog));
    this.#append(kind, event.position, `${document}\n`);
  }

  #documentOptions(event: Event, alwaysFullLog: boolean): DocumentOptions {
    const { labels, placesInJson } = this.#form;
    return {
      identity: this.#needs.identity,
      clock: this.#clock,
      alwaysFullLog,
      showLevelZero: false,
      labels: labels.of(event.agentId),
      places: placesInJson ? this.#engine.set.places : undefined,
    };
  }

  #append(kind: OutputKind, position: number, text: string | Buffer): void {
    if (this.#builder.append(kind, position, text)) return;
    this.flush();
    this.#builder.append(kind, position, text);
  }
}

function shownAlert(event: Event, verdict: Verdict): ShownAlert {
  const { rule } = verdict;
  const origin = originOf(event);
  const user = event.statics[DSTUSER] ?? event.statics[SRCUSER];
  const srcip = event.statics[SRCIP];
  return {
    timeMs: event.receivedMs,
    level: rule.level,
    ruleId: rule.idText,
    agentName: origin.name ?? event.hostname ?? "",
    description: describe(rule, event),
    location: origin.path,
    ...(user === undefined ? {} : { user }),
    ...(srcip === undefined ? {} : { srcip }),
    ...(event.programName === null ? {} : { program: event.programName }),
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
