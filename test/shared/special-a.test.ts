/**
 * Goal: Windows events reach the rules that they reach in the peer, and real ones are read. Method: the recorded events of the peer
 * through decoder and rules, their archive and alert documents compared whole; 1,718 events of real machines through the decoder.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { eventDocument, type Verdict } from "#analysis/alert/document.ts";
import { EventMemory, MEMORY_EVENTS_DEFAULT } from "#analysis/correlate/event-memory.ts";
import { CompiledRuleset } from "#analysis/engine.ts";
import { Event } from "#analysis/event.ts";
import { Evaluator } from "#analysis/match/evaluator.ts";
import { decodeJson } from "#analysis/plugins/json.ts";
import { splitQueueMessage } from "#analysis/predecode/queue-message.ts";
import { CATEGORY_OSSEC } from "#analysis/ruleset/category.ts";
import { NO_DECODER } from "#analysis/ruleset/decoder.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { eventOf, fieldsOf } from "#analysis/special/special-message.fixture.ts";
import { WindowsEventDecoder } from "#analysis/special/windows-event.ts";
import { RuleCounters } from "#analysis/state/rule-counters.ts";
import { TOKEN_BYTES_MAX } from "#formats/xml/parse.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { RULESET_DIRECTORY, SHARED_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

const VECTORS = new URL("../vectors/analysis/queue.jsonl", import.meta.url);
const REAL_EVENTS = `${SHARED_DIRECTORY}/data/logs/windows-eventchannel-xml`;
const RECEIVED_MS = 1_700_000_000_000;

type Document = { readonly rule?: Record<string, unknown>; readonly [key: string]: unknown };
type Vector = {
  readonly category: string;
  readonly datagram: string;
  readonly archive: Document[];
  readonly alerts: Document[];
};

const decoder = new WindowsEventDecoder();

/** What an engine does with messages of queue `f`. */
class WindowsEngine {
  readonly #decoderId: number;
  readonly #set: CompiledRuleset;
  readonly #memory: EventMemory;
  readonly #counters: RuleCounters;
  readonly #evaluator: Evaluator;
  readonly #clock = new LocalClock();

  constructor() {
    const { ruleset, problems } = loadRuleset(systemFiles, stockSources(systemFiles, RULESET_DIRECTORY));
    assert(ruleset !== null, JSON.stringify(problems));
    this.#decoderId = ruleset.decoders.idOfName.get("windows_eventchannel") ?? -1;
    this.#set = new CompiledRuleset(ruleset, { log: 3, mail: 12 });
    this.#memory = new EventMemory(this.#set.rules, MEMORY_EVENTS_DEFAULT);
    this.#counters = new RuleCounters(this.#set.rules);
    const conditions = { firstTimeSeen: () => false, changedOutput: () => null };
    this.#evaluator = new Evaluator(this.#set.rules, this.#memory, conditions);
  }

  process(datagram: string): { archive: Document; alert: Document | null } {
    const event = this.#decode(datagram);
    const match = this.#evaluator.evaluate(event);
    if (match === null) return { archive: this.#document(event, null, true), alert: null };
    const firedTimes = this.#counters.fire(match.rule.number, RECEIVED_MS);
    const verdict = match.rule.level > 0 ? { ...match, firedTimes } : null;
    if (verdict !== null) this.#memory.remember(event, match.rule);
    return {
      archive: this.#document(event, verdict, true),
      alert: verdict?.rule.logged ? this.#document(event, verdict, false) : null,
    };
  }

  #decode(datagram: string): Event {
    const parts = splitQueueMessage(datagram);
    assert(!("error" in parts));
    this.#set.slots.clear();
    const header = {
      position: 0,
      receivedMs: RECEIVED_MS,
      agentId: parts.agentId,
      location: parts.location,
      hostname: parts.hostname,
      programName: null,
      timestamp: null,
      fullLog: parts.message,
      log: parts.message,
      logFollowsNul: true,
    };
    const event = new Event(header, NO_DECODER, this.#set.slots);
    const result = decoder.decode(event);
    assert(result.kind === "event");
    event.decoder = {
      ...NO_DECODER,
      shownName: result.decoderName,
      id: this.#decoderId,
      category: CATEGORY_OSSEC,
    };
    event.category = CATEGORY_OSSEC;
    this.#set.scanner.begin(event.log);
    return event;
  }

  #document(event: Event, verdict: Verdict | null, alwaysFullLog: boolean): Document {
    const identity = { hostname: "vm", cluster: null };
    const options = { identity, clock: this.#clock, alwaysFullLog, showLevelZero: false, mitre: null };
    return comparable(JSON.parse(eventDocument(event, verdict, options)));
  }
}

/** Without what differs with the run: times, ids, the label with the agent's address, how often a rule fired before. */
function comparable({ timestamp, id, agent, rule, ...document }: Document): Document {
  if (rule === undefined) return document;
  const { firedtimes, ...shown } = rule;
  return { ...document, rule: shown };
}

test("Windows events have the documents that the peer made of them", { skip: skipWithoutShared() }, () => {
  const engine = new WindowsEngine();
  const vectors: Vector[] = readFileSync(VECTORS, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter(({ category }: Vector) => category === "eventchannel");
  assert.equal(vectors.length, 13);
  for (const { datagram, archive, alerts } of vectors) {
    // The failed logons with even ports came between the recorded ones.
    const port = /<Data Name='IpPort'>(500\d\d)</.exec(datagram)?.[1];
    if (port !== undefined) engine.process(datagram.replace(port, String(Number(port) - 1)));
    const result = engine.process(datagram);
    assert.deepEqual([result.archive], archive.map(comparable), datagram);
    assert.deepEqual(result.alert === null ? [] : [result.alert], alerts.map(comparable), datagram);
  }
});

/** Windows puts attributes in single quotes; the library that made the files, in double ones. */
function asWindowsWrites(xml: string): string {
  return xml.replace(/<[A-Za-z][^<>]*>/g, (tag) =>
    tag.replace(/="([^"]*)"/g, (_, value: string) => `='${value.replaceAll("'", "&apos;")}'`),
  );
}

/** The named values of the event data, found without a parser. */
function namedValues(xml: string): [name: string, value: string][] {
  const eventData = /<EventData[^>]*>(.*)<\/EventData>/s.exec(xml)?.[1] ?? "";
  return [...eventData.matchAll(/<Data Name="([^"]*)">([^<]*)<\/Data>/g)]
    .map(([, name = "", value = ""]) => [name, latin1(JSON.stringify(value).slice(1, -1))] as const)
    .filter(([, value]) => !["", "-", "(NULL)"].includes(value))
    .map(([name, value]) => [
      `win.eventdata.${latin1(name.charAt(0).toLowerCase() + name.slice(1))}`,
      value.slice(0, TOKEN_BYTES_MAX - 1).replace(/(?<=.) +$/, ""),
    ]);
}

function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

test("WindowsEventDecoder reads real events", { skip: skipWithoutShared() }, () => {
  let count = 0;
  for (const name of readdirSync(REAL_EVENTS).filter((file) => file.endsWith(".jsonl"))) {
    for (const line of readFileSync(`${REAL_EVENTS}/${name}`, "utf8").trimEnd().split("\n")) {
      const { event: xml } = JSON.parse(line);
      const event = eventOf(
        `f:[001] (w) any->EventChannel:${JSON.stringify({ Message: "", Event: asWindowsWrites(xml) })}`,
      );
      assert.deepEqual(decoder.decode(event), { kind: "event", decoderName: "windows_eventchannel" }, line);
      const again = eventOf("f:x:y");
      decodeJson(event.fullLog, again);
      assert.deepEqual(fieldsOf(event), fieldsOf(again), line);

      const fields = fieldsOf(event);
      const system = new Map(fields);
      assert.equal(system.get("win.system.eventRecordID"), /<EventRecordID>(\d+)</.exec(xml)?.[1], line);
      for (const field of ["providerName", "eventID", "systemTime", "computer"]) {
        assert.notEqual(system.get(`win.system.${field}`) ?? "", "", `${field} of ${line}`);
      }
      const values = namedValues(xml);
      const eventData = fields.filter(([name]) => name.startsWith("win.eventdata."));
      assert.deepEqual(eventData.slice(0, values.length), values, line);

      decoder.decode(eventOf(`f:x:${JSON.stringify({ Message: "", Event: xml })}`));
      count++;
    }
  }
  assert.equal(count, 1718);
});
