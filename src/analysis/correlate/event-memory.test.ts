/**
 * Goal: looking earlier events up by their values gives what walking through all of them gives, and memory stays bounded. Method: a
 * second memory, one plain array walked event by event as the peer's search is described, on the same random events and rules.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compileRuleset, START_MS } from "#analysis/engine.fixture.ts";
import { Event } from "#analysis/event.ts";
import { FieldSlots } from "#analysis/field-slots.ts";
import { NO_DECODER } from "#analysis/ruleset/decoder.ts";
import { SeededRandom } from "#testing/random.ts";
import { EventMemory, MEMORY_BYTES_PER_EVENT, MEMORY_EVENTS_MIN } from "./event-memory.ts";

type StaticName = "srcip" | "id" | "dstuser" | "url";

type ModelRule = {
  readonly id: number;
  readonly level: number;
  /** As the attribute says; null without it. */
  readonly frequency: number | null;
  readonly timeframe: number;
  /** The list that is searched: of one rule, of the rules of a group, or of all events whose log holds a text. */
  readonly source: { readonly sid: number } | { readonly group: string } | { readonly text: string };
  readonly global?: boolean;
  readonly same?: readonly StaticName[];
  readonly sameFields?: readonly string[];
  readonly different?: readonly StaticName[];
  readonly differentFields?: readonly string[];
};

const BASES: readonly { readonly id: number; readonly groups: string }[] = [
  { id: 100_001, groups: "local,alpha," },
  { id: 100_002, groups: "local,alpha,beta," },
  { id: 100_003, groups: "local,gamma," },
];

const COMPOSITES: readonly ModelRule[] = [
  { id: 100_040, level: 8, frequency: 3, timeframe: 40, source: { sid: 100_001 }, same: ["srcip"] },
  { id: 100_041, level: 10, frequency: 5, timeframe: 60, source: { sid: 100_001 }, different: ["id"] },
  { id: 100_042, level: 9, frequency: 4, timeframe: 80, source: { group: "beta" }, same: ["id", "dstuser"] },
  { id: 100_043, level: 7, frequency: 9, timeframe: 99, source: { group: "gamma" }, global: true },
  { id: 100_044, level: 11, frequency: 14, timeframe: 120, source: { text: "door" }, same: ["srcip"] },
  {
    id: 100_045,
    level: 6,
    frequency: null,
    timeframe: 20,
    source: { group: "gamma" },
    sameFields: ["X.y", "z"],
  },
  { id: 100_046, level: 12, frequency: 3, timeframe: 90, source: { sid: 100_040 }, differentFields: ["z"] },
  {
    id: 100_047,
    level: 9,
    frequency: 3,
    timeframe: 70,
    source: { group: "gamma" },
    differentFields: ["x.y", "Z"],
    different: ["url"],
    global: true,
  },
];
const WORD: Readonly<Record<StaticName, string>> = { srcip: "srcip", id: "id", dstuser: "user", url: "url" };

function ruleXml(rule: ModelRule): string {
  const { source } = rule;
  const frequency = rule.frequency === null ? "" : ` frequency="${rule.frequency}"`;
  const parts = [
    "sid" in source ? `<if_matched_sid>${source.sid}</if_matched_sid>` : "",
    "group" in source ? `<if_matched_group>${source.group}</if_matched_group>` : "",
    "text" in source ? `<if_matched_regex>${source.text}</if_matched_regex>` : "",
    rule.global === true ? "<global_frequency/>" : "",
    ...(rule.same ?? []).map((name) => `<same_${WORD[name]}/>`),
    ...(rule.sameFields ?? []).map((name) => `<same_field>${name}</same_field>`),
    ...(rule.different ?? []).map((name) => `<different_${WORD[name]}/>`),
    ...(rule.differentFields ?? []).map((name) => `<different_field>${name}</different_field>`),
    "<description>x</description>",
  ];
  return `<rule id="${rule.id}" level="${rule.level}"${frequency} timeframe="${rule.timeframe}">${parts.join("")}</rule>`;
}

const BASES_XML = BASES.map(
  ({ id, groups }) =>
    `<rule id="${id}" level="3"><match>${id}</match><group>${groups.replace("local,", "")}</group><description>x</description></rule>`,
).join("");
const ALL_XML = BASES_XML + COMPOSITES.map(ruleXml).join("");

type ModelEvent = {
  readonly agentId: string;
  readonly category: number;
  readonly ms: number;
  readonly log: string;
  readonly statics: Readonly<Partial<Record<StaticName, string>>>;
  /** By lower-case name. */
  readonly fields: Readonly<Record<string, string>>;
  matched: number;
  ruleId: number;
};

class ModelMemory {
  events: ModelEvent[] = [];
  readonly #rules: readonly ModelRule[];

  constructor(rules: readonly ModelRule[]) {
    this.#rules = rules;
  }

  /** Bases of the group, unless some rule names them: then they are in that rule's list only. */
  #isListed(event: ModelEvent, rule: ModelRule): boolean {
    const { source } = rule;
    if ("text" in source) return true;
    if ("sid" in source) return event.ruleId === source.sid;
    if (this.#rules.some((other) => "sid" in other.source && other.source.sid === event.ruleId)) return false;
    return BASES.find(({ id }) => id === event.ruleId)?.groups.includes(source.group) ?? false;
  }

  #agrees(old: ModelEvent, now: ModelEvent, rule: ModelRule): boolean {
    const bothEqual = (left: string | undefined, right: string | undefined) =>
      left !== undefined && right !== undefined && left === right;
    if (rule.global !== true && old.agentId !== now.agentId) return false;
    if ("text" in rule.source) {
      if (old.category !== now.category || !old.log.includes(rule.source.text)) return false;
    }
    if (!(rule.same ?? []).every((name) => bothEqual(old.statics[name], now.statics[name]))) return false;
    const field = (event: ModelEvent, name: string) => event.fields[name.toLowerCase()];
    if (!(rule.sameFields ?? []).every((name) => bothEqual(field(old, name), field(now, name)))) return false;
    if ((rule.different ?? []).some((name) => bothEqual(old.statics[name], now.statics[name]))) return false;
    if (rule.differentFields === undefined) return true;
    if (Object.keys(old.fields).length === 0 && Object.keys(now.fields).length === 0) return false;
    return !rule.differentFields.some((name) => bothEqual(field(old, name), field(now, name)));
  }

  search(rule: ModelRule, now: ModelEvent): readonly string[] | null {
    const stored = rule.frequency === null ? 0 : rule.frequency - 2;
    const hits: ModelEvent[] = [];
    for (const old of [...this.events].reverse()) {
      if (!this.#isListed(old, rule)) continue;
      if (Math.floor(now.ms / 1000) - Math.floor(old.ms / 1000) > rule.timeframe) return null;
      if (!this.#agrees(old, now, rule)) continue;
      if (old.matched >= rule.level) return null;
      hits.push(old);
      if (hits.length <= stored) continue;
      now.matched = rule.level;
      const [newest] = hits;
      if (stored > 0 && newest !== undefined) newest.matched = rule.level;
      const shown = "text" in rule.source ? hits.slice(0, -1) : hits;
      return shown.slice(0, 11).map(({ log }) => log);
    }
    return null;
  }

  remember(event: ModelEvent, eventsMax: number): void {
    this.events.push(event);
    if (this.events.length <= eventsMax) return;
    const largest = Math.max(...this.#rules.map(({ frequency }) => (frequency ?? 2) - 2));
    this.events.splice(0, 10);
    const isFar = (old: ModelEvent | undefined) =>
      old !== undefined && Math.floor(event.ms / 1000) - Math.floor(old.ms / 1000) > largest;
    while (isFar(this.events[0])) this.events.shift();
  }
}

function randomEvent(random: SeededRandom, ms: number, number: number): ModelEvent {
  const statics: Partial<Record<StaticName, string>> = {};
  for (const name of ["srcip", "id", "dstuser", "url"] as const) {
    if (random.below(5) > 0) statics[name] = random.pick(["1", "2", ""]);
  }
  const fields: Record<string, string> = {};
  for (const name of ["x.y", "z"]) if (random.below(3) > 0) fields[name] = random.pick(["a", "b"]);
  return {
    agentId: random.pick(["001", "001", "002"]),
    category: random.pick([1, 1, 1, 2]),
    ms,
    log: `${random.pick(["door", "window"])} ${number}`,
    statics,
    fields,
    matched: 0,
    ruleId: random.pick(BASES).id,
  };
}

function toEvent(model: ModelEvent, random: SeededRandom): Event {
  const header = {
    position: 0,
    receivedMs: model.ms,
    agentId: model.agentId,
    location: "/x",
    hostname: null,
    programName: null,
    timestamp: null,
    fullLog: model.log,
    log: model.log,
    logFollowsNul: true,
  };
  const event = new Event(header, NO_DECODER, new FieldSlots());
  event.category = model.category;
  for (const name of ["srcip", "id", "dstuser", "url"] as const) {
    const value = model.statics[name];
    if (value !== undefined) event.setStatic(name, value);
  }
  for (const [name, value] of Object.entries(model.fields)) {
    event.addDynamic(random.below(2) === 0 ? name : name.toUpperCase(), value);
    event.addDynamic(name, "second of that name");
  }
  return event;
}

/** Runs both memories over one stream, the composite rules asked in this order; how often one fired. */
function compareOn(seed: number, order: readonly ModelRule[], count: number, stepMs: number): number {
  const random = new SeededRandom(seed);
  const set = compileRuleset({ rules: ALL_XML }).rules;
  const memory = new EventMemory(set, 0);
  const model = new ModelMemory(COMPOSITES);
  let fired = 0;
  let ms = START_MS;
  for (let number = 0; number < count; number++) {
    ms += random.below(stepMs);
    const expectedEvent = randomEvent(random, ms, number);
    const event = toEvent(expectedEvent, random);
    for (const composite of order) {
      const rule = set.byId.get(composite.id);
      assert(rule?.search);
      const expected = model.search(composite, expectedEvent);
      assert.deepEqual(
        memory.search(rule.search, event),
        expected,
        `seed ${seed}, event ${number}, ${rule.id}`,
      );
      if (expected === null) continue;
      expectedEvent.ruleId = composite.id;
      fired++;
      break;
    }
    assert.equal(event.matchedLevel, expectedEvent.matched);
    const rule = set.byId.get(expectedEvent.ruleId);
    assert(rule);
    memory.remember(event, rule);
    model.remember(expectedEvent, MEMORY_EVENTS_MIN);
  }
  assert.deepEqual(
    Array.from(memory.remembered, ({ fullLog, matchedLevel, rule }) => [fullLog, matchedLevel, rule.id]),
    model.events.map(({ log, matched, ruleId }) => [log, matched, ruleId]),
  );
  return fired;
}

test("EventMemory answers like a walk through all events, for each order of composite rules", () => {
  const random = new SeededRandom(7);
  let fired = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const order = COMPOSITES.filter(() => random.below(4) > 0)
      .map((rule) => ({ rule, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ rule }) => rule);
    fired += compareOn(seed, order, 400, 4000);
  }
  assert(fired > 300, `${fired} composite rules fired`);
});

test("EventMemory answers like a walk when it has to forget", () => {
  // 2,048 events within some 70 s: what is forgotten would still be within the timeframes.
  assert(compareOn(99, COMPOSITES.slice(0, 5), MEMORY_EVENTS_MIN + 1500, 70) > 100);
});

test("EventMemory forgets ten events at least, and all that are further back than the largest count in seconds", () => {
  const rules = `${BASES_XML}<rule id="100040" level="8" frequency="7"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`;
  const set = compileRuleset({ rules }).rules;
  const rule = set.byId.get(100_001);
  assert(rule);
  const remembered = (msPerEvent: number) => {
    const memory = new EventMemory(set, 0);
    const random = new SeededRandom(3);
    for (let number = 0; number <= MEMORY_EVENTS_MIN; number++) {
      memory.remember(toEvent(randomEvent(random, START_MS + number * msPerEvent, number), random), rule);
    }
    return memory.length;
  };
  assert.equal(remembered(0), MEMORY_EVENTS_MIN + 1 - 10);
  // Of the seconds 0 to 2048, the last and the five before it stay.
  assert.equal(remembered(1000), 6);
});

test("EventMemory takes no fewer events than the peer's least", () => {
  const set = compileRuleset({ rules: BASES_XML }).rules;
  const rule = set.byId.get(100_001);
  assert(rule);
  const memory = new EventMemory(set, 1);
  const random = new SeededRandom(3);
  for (let number = 0; number < MEMORY_EVENTS_MIN; number++) {
    memory.remember(toEvent(randomEvent(random, START_MS, number), random), rule);
  }
  assert.equal(memory.length, MEMORY_EVENTS_MIN);
});

test("EventMemory is bounded in bytes: long messages make it remember fewer events", () => {
  const set = compileRuleset({ rules: ALL_XML }).rules;
  const rule = set.byId.get(100_001);
  assert(rule);
  const memory = new EventMemory(set, 0);
  const random = new SeededRandom(5);
  for (let number = 0; number < 600; number++) {
    const model = randomEvent(random, START_MS, number);
    memory.remember(toEvent({ ...model, log: `${number} ${"x".repeat(65_000)}` }, random), rule);
  }
  const bytesMax = MEMORY_EVENTS_MIN * MEMORY_BYTES_PER_EVENT;
  assert(memory.bytes <= bytesMax && memory.bytes > bytesMax - 70_000, `${memory.bytes} bytes`);
  const bytes = Array.from(memory.remembered, (event) => event.bytes).reduce((sum, own) => sum + own, 0);
  assert.equal(memory.bytes, bytes);
  const [oldest] = memory.remembered;
  assert.match(oldest?.fullLog ?? "", new RegExp(`^${600 - memory.length} `), "the oldest went");
});

test("EventMemory keeps nothing of events that it forgot, however many values they had", () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert(typeof collect === "function");
  const set = compileRuleset({ rules: ALL_XML }).rules;
  const memory = new EventMemory(set, 0);
  const slots = new FieldSlots();
  const rules = BASES.map(({ id }) => set.byId.get(id));
  const heapBytesAfter = (from: number, to: number): number => {
    for (let number = from; number < to; number++) {
      const log = `door ${number}`;
      const place = {
        position: number,
        receivedMs: START_MS + number,
        agentId: `${number % 5000}`,
        location: "/x",
      };
      const header = {
        hostname: null,
        programName: null,
        timestamp: null,
        fullLog: log,
        log,
        logFollowsNul: true,
      };
      const event = new Event({ ...place, ...header }, NO_DECODER, slots);
      event.setStatic("srcip", `address ${number}`);
      event.setStatic("id", `id ${number}`);
      event.setStatic("dstuser", `user ${number}`);
      event.addDynamic("x.y", `x ${number}`);
      event.addDynamic("z", `z ${number}`);
      for (const { search } of set.rules) if (search !== null) memory.search(search, event);
      const rule = rules[number % rules.length];
      assert(rule);
      memory.remember(event, rule);
      assert(memory.length <= MEMORY_EVENTS_MIN);
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytesAfter(0, 10_000);
  const grownBytes = heapBytesAfter(10_000, 100_000) - before;
  // A kept key of each of 90,000 events would be 5 MB at least.
  assert(grownBytes < 2_000_000, `${grownBytes} bytes`);
});
