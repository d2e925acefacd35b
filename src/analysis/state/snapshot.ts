/**
 * The engine's state as bytes: what a start needs to go on from a position of the journal as if nothing had happened.
 *
 * Layout: a line with format version, lengths and checksum; a line of JSON with the numbers; the texts. Rules are named by id, so a
 * snapshot survives a change of the rule set: events of rules that are gone or changed are left out, and a composite rule that is new
 * or changed counts nothing of what came before.
 */
import { crc32 } from "node:zlib";
import type { KeptValues, RememberedEvent } from "../correlate/remembered-event.ts";
import type { CompiledRuleset, Engine } from "../engine.ts";
import type { SpecialSnapshot } from "../special/special-decoders.ts";
import type { StatisticsSnapshot } from "../stats/hourly-statistics.ts";
import type { AccumulatorSnapshot } from "./accumulate.ts";
import type { FirstTimeSeenSnapshot } from "./first-time-seen.ts";
import type { LastOutputsSnapshot } from "./last-outputs.ts";
import type { RuleCountersSnapshot } from "./rule-counters.ts";
import { SnapshotTextReader, SnapshotTexts } from "./snapshot-texts.ts";

const FORMAT_VERSION = 5;
const MAGIC = "cyb3rhq-snapshot";

/** Lengths stand for texts. A tuple: there are thousands, and names of keys would be a fifth of the snapshot. */
type EventNumbers = readonly [
  ruleId: number,
  receivedMs: number,
  category: number,
  matchedLevel: number,
  hasDynamicFields: 0 | 1,
  agentId: number,
  location: number,
  fullLog: number,
  /** Where `log` starts in `fullLog`; when it is no part of it: -1 minus its length. */
  log: number,
  /** Of each static field its place and its length. */
  statics: readonly number[],
  dynamics: readonly number[],
];

type Snapshot = {
  /** Of the journal: a snapshot of another one says nothing about this one. */
  readonly epoch: number;
  /** Everything before it is accounted for. */
  readonly position: number;
  /** What `dynamics` of the events are. */
  readonly comparedNames: readonly string[];
  readonly events: readonly EventNumbers[];
  /** Of the rules with events or an `ignore` window and of composite rules. */
  readonly fingerprints: readonly (readonly [ruleId: number, fingerprint: number])[];
  /** How many of the events a composite rule does not count, because it was not there as it is when they came. */
  readonly uncounted: readonly (readonly [ruleId: number, events: number])[];
  readonly counters: RuleCountersSnapshot;
  readonly firstTimeSeen: { readonly lines: readonly number[]; readonly recent: readonly number[] };
  readonly accumulatorCalls: number;
  readonly accumulated: readonly (readonly [key: number, atSeconds: number, values: readonly number[]])[];
  readonly lastOutputs: readonly (readonly [key: number, output: number])[];
  readonly special: SpecialSnapshot;
  readonly statistics: StatisticsSnapshot;
};

export type SnapshotPlace = { readonly epoch: number; readonly position: number };

export type SnapshotFault = "damaged" | "unknown_version" | "other_journal";

function putEvent(event: RememberedEvent, texts: SnapshotTexts): EventNumbers {
  const { fullLog, log } = event;
  const statics: number[] = [];
  const head = [
    event.rule.id,
    event.receivedMs,
    event.category,
    event.matchedLevel,
    event.hasDynamicFields ? 1 : 0,
    texts.put(event.agentId),
    texts.put(event.location),
    texts.put(fullLog),
    fullLog.endsWith(log) ? fullLog.length - log.length : -1 - texts.put(log),
  ] as const;
  for (let place = 0; place < event.statics.length; place++) {
    const value = event.statics[place];
    if (value !== undefined) statics.push(place, texts.put(value));
  }
  return [...head, statics, event.dynamics.map((value) => texts.putOptional(value))];
}

/** `places` says of each compared field of now where it was among those of then. */
function takeEvent(numbers: EventNumbers, texts: SnapshotTextReader, places: readonly number[]): KeptValues {
  const [, receivedMs, category, matchedLevel, hasDynamicFields] = numbers;
  const [, , , , , agentBytes, locationBytes, fullLogBytes, logPlace, staticNumbers, dynamicBytes] = numbers;
  const agentId = texts.take(agentBytes);
  const location = texts.take(locationBytes);
  const fullLog = texts.take(fullLogBytes);
  const log = logPlace < 0 ? texts.take(-1 - logPlace) : fullLog.slice(logPlace);
  const statics: (string | undefined)[] = [];
  for (let index = 0; index + 1 < staticNumbers.length; index += 2) {
    statics[staticNumbers[index] ?? 0] = texts.take(staticNumbers[index + 1] ?? 0);
  }
  const saved = dynamicBytes.map((bytes) => texts.takeOptional(bytes));
  return {
    receivedMs,
    agentId,
    location,
    category,
    fullLog,
    log,
    statics,
    hasDynamicFields: hasDynamicFields === 1,
    dynamics: hasDynamicFields === 1 ? places.map((place) => saved[place]) : [],
    matchedLevel,
  };
}

function putFirstTimeSeen(saved: FirstTimeSeenSnapshot, texts: SnapshotTexts): Snapshot["firstTimeSeen"] {
  const lines = saved.lines.map((line) => texts.put(line));
  return { lines, recent: saved.recent.map((line) => texts.put(line)) };
}

function takeFirstTimeSeen(
  saved: Snapshot["firstTimeSeen"],
  texts: SnapshotTextReader,
): FirstTimeSeenSnapshot {
  const lines = saved.lines.map((bytes) => texts.take(bytes));
  return { lines, recent: saved.recent.map((bytes) => texts.take(bytes)) };
}

function putAccumulated({ entries }: AccumulatorSnapshot, texts: SnapshotTexts): Snapshot["accumulated"] {
  return entries.map(([key, atSeconds, values]) => {
    return [texts.put(key), atSeconds, values.map((value) => texts.putOptional(value))];
  });
}

function takeAccumulated(saved: Snapshot, texts: SnapshotTextReader): AccumulatorSnapshot {
  const entries = saved.accumulated.map(([key, atSeconds, values]) => {
    return [texts.take(key), atSeconds, values.map((value) => texts.takeOptional(value))] as const;
  });
  return { calls: saved.accumulatorCalls, entries };
}

function putLastOutputs(saved: LastOutputsSnapshot, texts: SnapshotTexts): Snapshot["lastOutputs"] {
  return saved.map(([key, output]) => [texts.put(key), texts.put(output)]);
}

function fingerprintsOf({ set, state }: Engine, counters: RuleCountersSnapshot): Snapshot["fingerprints"] {
  const rules = new Set(set.rules.rules.filter(({ search }) => search !== null));
  for (const { rule } of state.memory.remembered) rules.add(rule);
  for (const [id] of counters.ignoredSince) {
    const rule = set.rules.byId.get(id);
    if (rule !== undefined) rules.add(rule);
  }
  return Array.from(rules, ({ id, number }) => [id, set.fingerprints[number] ?? 0] as const);
}

function uncountedOf({ set, state: { memory } }: Engine): Snapshot["uncounted"] {
  const oldest = memory.nextSequence - memory.length;
  return set.rules.rules.flatMap(({ id, search }) => {
    const events = search === null ? 0 : memory.countsFrom(search) - oldest;
    return events > 0 ? [[id, events] as const] : [];
  });
}

export function encodeSnapshot(engine: Engine, place: SnapshotPlace): Buffer {
  const { memory, firstTimeSeen, accumulator, lastOutputs, special, statistics } = engine.state;
  const texts = new SnapshotTexts();
  const accumulated = accumulator.snapshot();
  const counters = engine.state.counters.snapshot();
  // The order of the texts: restoreSnapshot() takes them in the same one.
  const snapshot: Snapshot = {
    ...place,
    comparedNames: memory.comparedNames,
    events: Array.from(memory.remembered, (event) => putEvent(event, texts)),
    fingerprints: fingerprintsOf(engine, counters),
    uncounted: uncountedOf(engine),
    counters,
    firstTimeSeen: putFirstTimeSeen(firstTimeSeen.snapshot(), texts),
    accumulatorCalls: accumulated.calls,
    accumulated: putAccumulated(accumulated, texts),
    lastOutputs: putLastOutputs(lastOutputs.snapshot(), texts),
    special: special.snapshot(),
    statistics: statistics.snapshot(),
  };
  const numbers = Buffer.from(`${JSON.stringify(snapshot)}\n`, "latin1");
  const body = Buffer.concat([numbers, ...texts.toBuffers()]);
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

export type RestoreTarget = {
  /** A new one. */
  readonly engine: Engine;
  /** False: what was counted of events is left out, of all rules. */
  readonly keepsWindows?: boolean;
};

/** Whether a rule of now is the one of then, by its id. */
type IsAlike = (ruleId: number) => boolean;

function alikeRules(saved: Snapshot["fingerprints"], set: CompiledRuleset): IsAlike {
  const then = new Map(saved);
  return (id) => {
    const rule = set.rules.byId.get(id);
    return rule !== undefined && then.get(id) === set.fingerprints[rule.number];
  };
}

function restoreEvents(
  snapshot: Snapshot,
  texts: SnapshotTextReader,
  { state: { memory }, set }: Engine,
  isAlike: IsAlike,
): void {
  const places = memory.comparedNames.map((name) => snapshot.comparedNames.indexOf(name));
  // Where the events of then are now: some are left out.
  const sequences: number[] = [];
  for (const numbers of snapshot.events) {
    sequences.push(memory.nextSequence);
    const kept = takeEvent(numbers, texts, places);
    const rule = set.rules.byId.get(numbers[0]);
    if (rule !== undefined && isAlike(rule.id)) memory.restore(kept, rule);
  }
  const uncounted = new Map(snapshot.uncounted);
  for (const { id, search } of set.rules.rules) {
    if (search === null) continue;
    const events = isAlike(id) ? (uncounted.get(id) ?? 0) : sequences.length;
    memory.setCountsFrom(search, sequences[events] ?? memory.nextSequence);
  }
}

/** Puts a new engine into the saved state; the position to go on from, or why the snapshot cannot be used. */
export function restoreSnapshot(
  bytes: Buffer,
  epoch: number,
  { engine, keepsWindows = true }: RestoreTarget,
): { readonly position: number } | { readonly fault: SnapshotFault } {
  const body = readBody(bytes);
  if (typeof body === "string") return { fault: body };
  const numbersEnd = body.indexOf("\n");
  // The checksum held, so this is what encodeSnapshot wrote.
  const snapshot: Snapshot = JSON.parse(body.toString("latin1", 0, numbersEnd));
  if (snapshot.epoch !== epoch) return { fault: "other_journal" };
  const texts = new SnapshotTextReader(body.subarray(numbersEnd + 1));
  const { counters, firstTimeSeen, accumulator, lastOutputs, special, statistics } = engine.state;
  const isAlike = keepsWindows ? alikeRules(snapshot.fingerprints, engine.set) : () => false;
  restoreEvents(snapshot, texts, engine, isAlike);
  counters.restore(snapshot.counters, isAlike);
  firstTimeSeen.restore(takeFirstTimeSeen(snapshot.firstTimeSeen, texts));
  accumulator.restore(takeAccumulated(snapshot, texts));
  lastOutputs.restore(
    snapshot.lastOutputs.map(([key, output]) => [texts.take(key), texts.take(output)] as const),
  );
  special.restore(snapshot.special);
  statistics.restore(snapshot.statistics);
  return { position: snapshot.position };
}
