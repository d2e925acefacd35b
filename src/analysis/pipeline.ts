/**
 * The loop body of the analysis thread: blocks of the journal in, blocks of finished alerts out, in the journal's order.
 *
 * One event cannot stop the others: what the engine cannot take is counted, said once a second at most, and passed over.
 */
import { messageOf } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { type ControlRecord, forEachEvent, type RawEvent } from "#model/event-block.ts";
import { type OutputBlock, OutputBlockBuilder, type OutputKind } from "#model/output-block.ts";
import { alertLogText, archiveLogText } from "./alert/alert-log.ts";
import { describe } from "./alert/description.ts";
import { eventDocument, type ManagerIdentity, originOf, type Verdict } from "./alert/document.ts";
import type { Engine, Outcome } from "./engine.ts";
import { DSTUSER, type Event, SRCIP, SRCUSER } from "./event.ts";

/** An agent's own sign of life travels as an event too; it is not worth an archive line. */
const KEEPALIVE_LOCATION = /(?:^|->)ossec-keepalive$/;
const FAILURE_LOG_PERIOD_MS = 1000;

/** Which of the four files are written. */
export type OutputSelection = {
  readonly alertsJson: boolean;
  readonly alertsLog: boolean;
  readonly archivesJson: boolean;
  readonly archivesLog: boolean;
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

export type PipelineNeeds = {
  readonly engine: Engine;
  readonly identity: ManagerIdentity;
  readonly selection: OutputSelection;
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
  readonly #builder = new OutputBlockBuilder();
  readonly #clock = new LocalClock();
  readonly #visitor = {
    event: (raw: RawEvent) => this.#event(raw),
    control: (record: ControlRecord) => this.#needs.control(record),
  };
  #engine: Engine;
  #failureSaidMs = Number.NEGATIVE_INFINITY;

  constructor(needs: PipelineNeeds) {
    this.#needs = needs;
    this.#engine = needs.engine;
  }

  /** Another rule set takes over; its engine already holds the state of the one before. */
  replaceEngine(engine: Engine): void {
    this.#engine = engine;
  }

  process(block: Buffer): void {
    forEachEvent(block, this.#visitor);
  }

  /** The engine's state at `position`, behind everything that was written before it. */
  snapshot(position: number, bytes: Buffer): void {
    this.#append("snapshot", position, bytes);
  }

  /** Hands on what is collected. */
  flush(): void {
    if (!this.#builder.empty) this.#needs.emit(this.#builder.take());
  }

  /** Called now and then: what the decoders that are code refused or forgot, and what nobody can ask agents for. */
  count(): void {
    const { metrics } = this.#needs;
    const { special } = this.#engine.state;
    for (const [name, value] of Object.entries(special.counts)) metrics.set(snakeCase(name), value);
    metrics.add("sca_requests_not_sent", special.takeScaRequests().length);
  }

  #event(raw: RawEvent): void {
    const { metrics } = this.#needs;
    metrics.add("events_analysed");
    try {
      const outcome = this.#engine.process(raw);
      if (outcome.kind === "analysed") this.#write(outcome);
      else this.#notAnalysed(outcome);
    } catch (error) {
      this.#failed(raw, error);
    }
  }

  #notAnalysed({ reason, error }: NotAnalysed): void {
    this.#needs.metrics.add(`events_not_analysed_${reason}`);
    if (error !== null) this.#sayError(error);
  }

  #failed(raw: RawEvent, error: unknown): void {
    this.#needs.metrics.add("events_failed");
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
    const { event, verdict, alert } = outcome;
    const { selection, metrics } = this.#needs;
    if (event.truncated) metrics.add("events_fields_dropped");
    if (alert && verdict !== null) {
      metrics.add("alerts");
      if (selection.alertsJson)
        this.#append("alert_json", event.position, this.#document(event, verdict, false));
      if (selection.alertsLog)
        this.#append("alert_log", event.position, alertLogText(event, verdict, this.#clock));
      this.#needs.show?.(shownAlert(event, verdict));
    }
    if ((selection.archivesJson || selection.archivesLog) && !KEEPALIVE_LOCATION.test(event.location)) {
      const shown = verdict !== null && verdict.rule.level > 0 ? verdict : null;
      if (selection.archivesJson)
        this.#append("archive_json", event.position, this.#document(event, shown, true));
      if (selection.archivesLog)
        this.#append("archive_log", event.position, archiveLogText(event, this.#clock));
    }
  }

  #document(event: Event, verdict: Verdict | null, alwaysFullLog: boolean): string {
    const options = {
      identity: this.#needs.identity,
      clock: this.#clock,
      alwaysFullLog,
      showLevelZero: false,
    };
    return `${eventDocument(event, verdict, options)}\n`;
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
