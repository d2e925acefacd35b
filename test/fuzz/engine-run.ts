/**
 * Events through the analysis as the manager runs it, from blocks of the journal to the bytes of the output files, and what must hold
 * of any events: no dead letter, whole documents, no forged line, bounded time, the same output whenever and wherever they run again.
 */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { encodeSnapshot, restoreSnapshot } from "#analysis/state/snapshot.ts";
import { EventBlockBuilder } from "#model/event-block.ts";
import { forEachOutput, type OutputKind } from "#model/output-block.ts";
import { parseDecision } from "#model/response-decision.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FORM, STATISTICS } from "./additions.ts";
import { cpuMs } from "./cpu-time.ts";
import type { FuzzEvent } from "./event-lines.ts";
import { TooSlow } from "./target.ts";

const EPOCH = 7;
const START_MS = Date.UTC(2026, 10, 21, 22, 59, 50);
/** An ordinary event takes 20 µs, one of 64 KB made to be slow some 30 ms; the rest is for code that is not yet compiled. */
const EVENT_MS_MAX = 500;

export type Output = { readonly kind: OutputKind; readonly position: number; readonly text: string };

/** An analysis from a given state on. */
export class AnalysisRun {
  readonly outputs: Output[] = [];
  readonly #engine: Engine;
  readonly #pipeline: AnalysisPipeline;
  readonly #builder = new EventBlockBuilder(EPOCH);
  readonly #set: CompiledRuleset;
  #position = 0;
  #nowMs = START_MS;

  constructor(set: CompiledRuleset, memoryEvents: number) {
    this.#set = set;
    const statistics = STATISTICS;
    this.#engine = new Engine(set, {
      hostname: "manager.example.org",
      memoryEvents,
      mode: "live",
      statistics,
    });
    this.#pipeline = new AnalysisPipeline({
      engine: this.#engine,
      identity: { hostname: "manager.example.org", cluster: { name: "c", node: "n1" } },
      selection: {
        alertsJson: true,
        alertsLog: true,
        archivesJson: true,
        archivesLog: true,
        firewallLog: true,
      },
      form: FORM,
      clock: new FakeClock(),
      log: new RecordingLog(),
      metrics: new RecordingMetrics(),
      emit: (block) =>
        forEachOutput(block, (kind, position, memory, start, end) => {
          this.outputs.push({ kind, position, text: memory.toString("latin1", start, end) });
        }),
      show: () => {},
      control: () => {},
    });
  }

  process({ queue, agent, location, message, after }: FuzzEvent): void {
    this.#nowMs += after;
    const event = { receivedMs: this.#nowMs, queue, agentId: agent, locationPrefix: "", location, message };
    assert(this.#builder.append(event));
    const block = Buffer.from(this.#builder.take(this.#position));
    this.#position += block.length;
    this.#pipeline.process(block);
    this.#pipeline.flush();
  }

  /** Another process that goes on from here. */
  restarted(memoryEvents: number): AnalysisRun {
    const next = new AnalysisRun(this.#set, memoryEvents);
    const bytes = encodeSnapshot(this.#engine, { epoch: EPOCH, position: this.#position });
    const outcome = restoreSnapshot(bytes, EPOCH, { engine: next.#engine });
    assert.deepEqual(outcome, { position: this.#position });
    next.#position = this.#position;
    next.#nowMs = this.#nowMs;
    return next;
  }
}

function shown({ queue, location, message }: FuzzEvent): string {
  return JSON.stringify({ queue, location, message: message.slice(0, 300) });
}

function checkDocument({ text, position }: Output, { location, message }: FuzzEvent): void {
  assert.match(text, /^\{[^\n]*\}\n$/);
  const document = JSON.parse(text);
  assert.match(document.id, new RegExp(`^\\d+\\.${position}$`));
  const bytes = (input: string) => Buffer.from(input, "latin1");
  if (isUtf8(bytes(message)) && isUtf8(bytes(location))) JSON.parse(bytes(text).toString("utf8"));
}

/** What an output must be, whatever its event was. */
function checkOutput(output: Output, event: FuzzEvent): void {
  const { kind, text } = output;
  switch (kind) {
    case "dead_letter":
      throw new Error(`dead letter: ${text}`);
    case "alert_json":
    case "archive_json":
      checkDocument(output, event);
      return;
    case "alert_log":
      assert.match(text, /^\*\* Alert \d+\.\d+:/);
      assert.equal(text.match(/^\*\* Alert /gm)?.length, 1, "a forged alert");
      assert.equal(text.indexOf("\n\n"), text.length - 2, "the alert ends at its end");
      assert(!/[\x00-\x08\x0b-\x1f\x7f]/.test(text), "a control byte");
      return;
    case "archive_log":
      assert.match(text, /^\d{4} [A-Z][a-z]{2} \d\d /);
      assert.equal(text.match(/^\d{4} [A-Z][a-z]{2} \d\d /gm)?.length, 1, "a forged event");
      assert(text.endsWith("\n") && !/[\x00-\x08\x0b-\x1f\x7f]/.test(text), "a control byte");
      return;
    case "response":
      checkResponse(output);
      return;
    case "statistics":
      assert.match(text, /^(?:totals|hourly-average|weekly-average)\/[\w/.-]+\n[\x20-\x7e\n]*$/);
      return;
    default:
      return;
  }
}

function checkResponse({ text, position }: Output): void {
  const decision = parseDecision(text.slice(0, -1));
  assert(decision !== null && text.endsWith("\n"), "a record that cannot be read");
  assert(decision.id.endsWith(`.${position}`) && decision.responses.length > 0);
  for (const { executable } of decision.responses) assert.equal(executable, "firewall-drop");
  assert(!/[\x00-\x1f]/.test(text.slice(0, -1)), "a control byte");
  const { agent } = JSON.parse(decision.alert);
  for (const { target } of decision.responses)
    if (target.kind === "agent") assert(target.agentId === "002" || target.agentId === agent.id);
}

/** The outputs, after all was checked that must hold of them. */
export function checkEvents(
  set: CompiledRuleset,
  events: readonly FuzzEvent[],
  memoryEvents: number,
): readonly Output[] {
  const run = new AnalysisRun(set, memoryEvents);
  for (const event of events) {
    const begunMs = cpuMs();
    const first = run.outputs.length;
    run.process(event);
    const tookMs = cpuMs() - begunMs;
    if (tookMs > EVENT_MS_MAX) throw new TooSlow(`${tookMs} ms for ${shown(event)}`);
    try {
      for (const output of run.outputs.slice(first)) checkOutput(output, event);
    } catch (error) {
      throw new Error(`at ${shown(event)}`, { cause: error });
    }
  }

  // Another engine, restarted in the middle: neither what it remembers nor how often it ran may show.
  const middle = Math.floor(events.length / 2);
  const before = new AnalysisRun(set, memoryEvents);
  for (const event of events.slice(0, middle)) before.process(event);
  const after = before.restarted(memoryEvents);
  for (const event of events.slice(middle)) after.process(event);
  assert.deepEqual([...before.outputs, ...after.outputs], run.outputs, "the second run differs");
  return run.outputs;
}
