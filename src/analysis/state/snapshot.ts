/**
 * The engine's state as bytes: what a start needs to go on from a position of the journal as if nothing had happened.
 *
 * Rules are named by id, so a snapshot survives a change of the rule set: what it says of rules that are gone is left out.
 */
import { crc32 } from "node:zlib";
import type { CompiledRuleset, Engine } from "../engine.ts";
import { Event, type EventHeader } from "../event.ts";
import { NO_DECODER } from "../ruleset/decoder.ts";
import type { RuleCountersSnapshot } from "./rule-counters.ts";

const FORMAT_VERSION = 1;
const MAGIC = "cyb3rhq-snapshot";

type EventSnapshot = {
  readonly header: Omit<EventHeader, "log">;
  /** `log` is a part of `fullLog` nearly always: then only its start is kept. */
  readonly log: string | number;
  readonly category: number;
  readonly statics: readonly (string | null)[];
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly matchedLevel: number;
  readonly ruleId: number;
};

type Snapshot = {
  /** Of the journal: a snapshot of another one says nothing about this one. */
  readonly epoch: number;
  /** Everything before it is accounted for. */
  readonly position: number;
  readonly events: readonly EventSnapshot[];
  readonly counters: RuleCountersSnapshot;
  readonly firstTimeSeen: readonly string[];
  readonly accumulated: ReturnType<Engine["state"]["accumulator"]["snapshot"]>;
  readonly lastOutputs: readonly (readonly [string, string])[];
};

export type SnapshotPlace = { readonly epoch: number; readonly position: number };

export type SnapshotFault = "damaged" | "unknown_version" | "other_journal";

function eventSnapshot(event: Event, ruleId: number): EventSnapshot {
  const { log, fullLog } = event;
  return {
    header: {
      position: event.position,
      receivedMs: event.receivedMs,
      agentId: event.agentId,
      location: event.location,
      hostname: event.hostname,
      programName: event.programName,
      timestamp: event.timestamp,
      fullLog,
      logFollowsNul: event.logFollowsNul,
    },
    log: fullLog.endsWith(log) ? fullLog.length - log.length : log,
    category: event.category,
    statics: event.statics.map((value) => value ?? null),
    names: event.dynamicNames,
    values: event.dynamicValues,
    matchedLevel: event.matchedLevel,
    ruleId,
  };
}

function restoreEvent(saved: EventSnapshot, set: CompiledRuleset): Event {
  const log = typeof saved.log === "string" ? saved.log : saved.header.fullLog.slice(saved.log);
  const event = new Event({ ...saved.header, log }, NO_DECODER, set.slots);
  event.category = saved.category;
  event.matchedLevel = saved.matchedLevel;
  for (const [index, value] of saved.statics.entries()) if (value !== null) event.statics[index] = value;
  event.dynamicNames.push(...saved.names);
  event.dynamicValues.push(...saved.values);
  return event;
}

export function encodeSnapshot(engine: Engine, place: SnapshotPlace): Buffer {
  const { state } = engine;
  const snapshot: Snapshot = {
    ...place,
    events: [...state.memory.remembered()].map(({ event, ruleId }) => eventSnapshot(event, ruleId)),
    counters: state.counters.snapshot(),
    firstTimeSeen: [...state.firstTimeSeen.lines],
    accumulated: state.accumulator.snapshot(),
    lastOutputs: state.lastOutputs.snapshot(),
  };
  const body = Buffer.from(JSON.stringify(snapshot), "latin1");
  const head = `${MAGIC} ${FORMAT_VERSION} ${body.length} ${crc32(body)}\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

function readBody(bytes: Buffer): Buffer | SnapshotFault {
  const headEnd = bytes.indexOf("\n");
  const [magic, version, length, checksum] = bytes
    .subarray(0, Math.max(0, headEnd))
    .toString("latin1")
    .split(" ");
  if (magic !== MAGIC) return "damaged";
  if (Number(version) !== FORMAT_VERSION) return "unknown_version";
  const body = bytes.subarray(headEnd + 1);
  return body.length === Number(length) && crc32(body) === Number(checksum) ? body : "damaged";
}

/** Puts a new engine into the saved state; the position to go on from, or why the snapshot cannot be used. */
export function restoreSnapshot(
  bytes: Buffer,
  epoch: number,
  target: { readonly engine: Engine; readonly set: CompiledRuleset },
): { readonly position: number } | { readonly fault: SnapshotFault } {
  const body = readBody(bytes);
  if (typeof body === "string") return { fault: body };
  // The checksum held, so this is what encodeSnapshot wrote.
  const snapshot: Snapshot = JSON.parse(body.toString("latin1"));
  if (snapshot.epoch !== epoch) return { fault: "other_journal" };
  const { state } = target.engine;
  for (const saved of snapshot.events) {
    const rule = target.set.rules.byId.get(saved.ruleId);
    if (rule !== undefined) state.memory.remember(restoreEvent(saved, target.set), rule);
  }
  state.counters.restore(snapshot.counters);
  state.firstTimeSeen.restore(snapshot.firstTimeSeen);
  state.accumulator.restore(snapshot.accumulated);
  state.lastOutputs.restore(snapshot.lastOutputs);
  return { position: snapshot.position };
}
