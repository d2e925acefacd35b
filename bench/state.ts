/**
 * How much the engine holds after a day of 1,000 alerts a second: bytes of heap that go when the engine goes.
 *
 * Time is compressed: every hour of the day has the corpus once, at the real rate, and is quiet for the rest. What is forgotten by
 * number is full many times over, what is forgotten by time grows old as it does in a day.
 */
import assert from "node:assert/strict";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import type { EventInput, RawEvent } from "#model/event-block.ts";
import { HOSTNAME } from "./analysis-line.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { corpusEvents, corpusNeeds } from "./corpora.ts";
import { loadPeerRuleset, RULESET_FOLDER } from "./peer-ruleset.ts";

const HOURS = 24;
const HOUR_MS = 3_600_000;
const ALERTS_PER_SECOND = 1000;
/** The corpora know some agents each; a manager of this rate has many. */
const AGENTS = 1000;
const START_MS = Date.UTC(2026, 10, 21);

type Day = { readonly alerts: number; readonly events: number };

/** As it comes from a block: a string of its own. */
function received(event: EventInput, index: number, receivedMs: number): RawEvent {
  const id = String(1 + (index % AGENTS)).padStart(4, "0");
  const location = String(event.location).replace(/^\([^)]*\)/, `(agent${id})`);
  const message = Buffer.from(String(event.message), "latin1").toString("latin1");
  return { position: index, receivedMs, queue: event.queue, agentId: id, location, message };
}

function runDay(engine: Engine, events: readonly EventInput[]): Day {
  let alerts = 0;
  let index = 0;
  for (let hour = 0; hour < HOURS; hour++) {
    const alertsBefore = alerts;
    for (const event of events) {
      const elapsedMs = hour * HOUR_MS + ((alerts - alertsBefore) * 1000) / ALERTS_PER_SECOND;
      const outcome = engine.process(received(event, index++, START_MS + elapsedMs));
      if (outcome.kind === "analysed" && outcome.alert) alerts++;
    }
  }
  return { alerts, events: index };
}

function usedBytes(): number {
  assert(globalThis.gc !== undefined, "run with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs the day and measures while the engine is there; nothing of it is left behind. */
function heldAfterDay(
  set: CompiledRuleset,
  events: readonly EventInput[],
): Record<"bytesHeld" | "alerts" | "events" | "rememberedEvents" | "rememberedTextBytes", number> {
  const engine = new Engine(set, { hostname: HOSTNAME, mode: "live" });
  const day = runDay(engine, events);
  const bytesHeld = usedBytes();
  const { memory } = engine.state;
  return { bytesHeld, ...day, rememberedEvents: memory.length, rememberedTextBytes: memory.bytes };
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const { set } = loadPeerRuleset(dataDirectory);
  const events = corpusEvents(corpus, dataDirectory);
  const bytesBefore = usedBytes();
  const { bytesHeld, ...day } = heldAfterDay(set, events);
  const bytesAfter = usedBytes();
  return {
    stateBytes: bytesHeld - bytesAfter,
    // Compiled code, and names that the thread's decoders and documents remember.
    otherBytes: bytesAfter - bytesBefore,
    ...day,
  };
}

export const state: Benchmark = {
  corpora: ["mix", "rules", "windows", "worst"],
  mainFigure: "stateBytes",
  needs: (corpus) => [RULESET_FOLDER, ...corpusNeeds(corpus)],
  measure,
};
