/**
 * Goal: file integrity, rootcheck and SCA events reach the rules that they reach in the peer and have its documents. Method: the
 * recorded messages of the peer and of a real agent through decoder and rules, archive and alert documents compared whole.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventDocument, type Verdict } from "#analysis/alert/document.ts";
import { EventMemory, MEMORY_EVENTS_DEFAULT } from "#analysis/correlate/event-memory.ts";
import { CompiledRuleset } from "#analysis/engine.ts";
import { Event } from "#analysis/event.ts";
import { Evaluator } from "#analysis/match/evaluator.ts";
import { splitQueueMessage } from "#analysis/predecode/queue-message.ts";
import { CATEGORY_OSSEC } from "#analysis/ruleset/category.ts";
import { NO_DECODER } from "#analysis/ruleset/decoder.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { ruleArraysWith } from "#analysis/special/compliance.ts";
import { RootcheckDecoder } from "#analysis/special/rootcheck.ts";
import { ScaDecoder } from "#analysis/special/sca.ts";
import type { SpecialDecoder } from "#analysis/special/special.ts";
import { SyscheckDecoder } from "#analysis/special/syscheck.ts";
import { syscheckObject } from "#analysis/special/syscheck-document.ts";
import { isFimEvent } from "#analysis/special/syscheck-fields.ts";
import { RuleCounters } from "#analysis/state/rule-counters.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { Files } from "#kernel/ports/files.ts";
import { RULESET_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

// The recordings were made there.
process.env["TZ"] = "UTC";

const VECTORS = new URL("../vectors/", import.meta.url);
const RECEIVED_MS = 1_700_000_000_000;

/** The peer that made the recordings did not have this rule yet. */
const LATER_RULE = /<rule id="522"[\s\S]*?<\/rule>/;
const filesOfThen: Files = {
  ...systemFiles,
  read: (path) => Buffer.from(systemFiles.read(path).toString("latin1").replace(LATER_RULE, ""), "latin1"),
};

type Document = { readonly rule?: Record<string, unknown>; readonly [key: string]: unknown };

/** What an engine does with messages of the queues `8`, `9` and `p`. */
class SpecialEngine {
  readonly #decoders: Readonly<Record<string, SpecialDecoder>> = {
    "8": new SyscheckDecoder(),
    "9": new RootcheckDecoder(),
    p: new ScaDecoder(),
  };
  readonly #ids: ReadonlyMap<string, number>;
  readonly #set: CompiledRuleset;
  readonly #memory: EventMemory;
  readonly #counters: RuleCounters;
  readonly #evaluator: Evaluator;
  readonly #clock = new LocalClock();

  constructor() {
    const { ruleset, problems } = loadRuleset(filesOfThen, stockSources(filesOfThen, RULESET_DIRECTORY));
    assert(ruleset !== null, JSON.stringify(problems));
    this.#ids = ruleset.decoders.idOfName;
    this.#set = new CompiledRuleset(ruleset, { log: 3, mail: 12 });
    this.#memory = new EventMemory(this.#set.rules, MEMORY_EVENTS_DEFAULT);
    this.#counters = new RuleCounters(this.#set.rules);
    const conditions = { firstTimeSeen: () => false, changedOutput: () => null };
    this.#evaluator = new Evaluator(this.#set.rules, this.#memory, conditions);
  }

  /** Null for a message that is no event. */
  process(datagram: string): { archive: Document; alert: Document | null } | null {
    const event = this.#decode(datagram);
    if (event === null) return null;
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

  #decode(datagram: string): Event | null {
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
    const result = this.#decoders[datagram.charAt(0)]?.decode(event);
    if (result?.kind !== "event") return null;
    const id = this.#ids.get(result.decoderName) ?? -1;
    event.decoder = { ...NO_DECODER, shownName: result.decoderName, id, category: CATEGORY_OSSEC };
    event.category = CATEGORY_OSSEC;
    this.#set.scanner.begin(event.log);
    return event;
  }

  #document(event: Event, verdict: Verdict | null, alwaysFullLog: boolean): Document {
    const identity = { hostname: "vm", cluster: null };
    const options = { identity, clock: this.#clock, alwaysFullLog, showLevelZero: false, mitre: null };
    const { data, rule, ...document }: Document = JSON.parse(eventDocument(event, verdict, options));
    const own = isFimEvent(event)
      ? { syscheck: JSON.parse(syscheckObject(event, this.#clock)) }
      : data === undefined
        ? {}
        : { data };
    const arrays = verdict === null ? null : ruleArraysWith(event, verdict.rule.definition.groupText);
    const shownRule = arrays === null ? rule : { ...rule, ...JSON.parse(`{${arrays}}`) };
    return comparable({ ...document, ...own, ...(shownRule === undefined ? {} : { rule: shownRule }) });
  }
}

/** Without what differs with the run: times, ids, the label with the agent's address, how often a rule fired before. */
function comparable({ timestamp, id, agent, rule, ...document }: Document): Document {
  if (rule === undefined) return document;
  const { firedtimes, ...shown } = rule;
  return { ...document, rule: shown };
}

function linesOf<Row>(path: string): Row[] {
  const lines = readFileSync(new URL(path, VECTORS), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

type Vector = {
  readonly category: string;
  readonly datagram: string;
  readonly archive: readonly Document[];
  readonly alerts: readonly Document[];
};

test("events of agent modules have the documents that the peer made of them", {
  skip: skipWithoutShared(),
}, () => {
  const engine = new SpecialEngine();
  const vectors = linesOf<Vector>("analysis/queue.jsonl").filter(({ datagram }) => /^[89p]:/.test(datagram));
  assert.equal(vectors.length, 7);
  for (const { category, datagram, archive, alerts } of vectors) {
    // Its result had been told before the recorded message.
    if (category === "sca") engine.process(datagram);
    const result = engine.process(datagram);
    assert.deepEqual(result === null ? [] : [result.archive], archive.map(comparable), datagram);
    assert.deepEqual(!result?.alert ? [] : [result.alert], alerts.map(comparable), datagram);
  }
});

test("file integrity events of a real agent have the peer's documents", { skip: skipWithoutShared() }, () => {
  const engine = new SpecialEngine();
  const results = linesOf<{ readonly plain?: string }>("agent/session/frames.jsonl")
    .map(({ plain = "" }) => plain)
    .filter((plain) => plain.startsWith("8:syscheck:"))
    .map((plain) => engine.process(plain.replace("8:", "8:[006] (web1) any->")));
  const events = results.filter((result) => result !== null);
  assert.equal(events.length, results.length - 2, "the marks of the scan are no events");
  const recorded = (file: string) =>
    linesOf<Document>(`agent/session/${file}.jsonl`)
      .filter(({ location }) => location === "syscheck")
      .map(comparable);
  assert.deepEqual(
    events.map(({ archive }) => archive),
    recorded("archives"),
  );
  assert.deepEqual(
    events.map(({ alert }) => alert),
    recorded("alerts"),
  );
});

test("a check of SCA names its requirements in the rule of its alert", { skip: skipWithoutShared() }, () => {
  const check = { id: 1, title: "Ensure x", compliance: { pci_dss: "1.1", cis: "5" }, result: "failed" };
  const message = JSON.stringify({ type: "check", id: 1, policy: "Own", policy_id: "own", check });
  const alert = new SpecialEngine().process(`p:[001] (agent1) any->sca:${message}`)?.alert;
  assert.equal(alert?.rule?.["id"], "19007");
  assert.equal(alert?.rule?.["description"], "Own: Ensure x");
  assert.deepEqual(alert?.rule?.["pci_dss"], ["2.2", "1.1"]);
  assert.deepEqual(alert?.rule?.["cis"], ["5"]);
});
