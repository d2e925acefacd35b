/**
 * Goal: looking changes nothing, and what is seen is true. Method: the events of the peer's rule tests, and damaged ones in one long
 * session, through two sessions of the peer's rule set, one of them traced: same documents, and the trace agrees with the verdict.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CompiledRuleset } from "#analysis/engine.ts";
import { rulesDebug, Trace, triedRules } from "#analysis/trace/trace.ts";
import { LogSession, type SessionResult } from "#rule-tests/session.ts";
import { requireRuleset } from "./score.ts";
import { RULESET_TESTS_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

const START_MS = 1_700_000_000_000;

/** Enough for every kind of search, and few enough to wait for. */
const DAMAGED_EVENTS = 1000;

const skip = skipWithoutShared();

function readLines<T>(name: string): readonly T[] {
  const lines = readFileSync(`${RULESET_TESTS_DIRECTORY}/${name}`, "latin1").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** A session with a trace beside one without. */
class Pair {
  readonly #plain: LogSession;
  readonly #traced: LogSession;
  #count = 0;
  /** How many were told. */
  searches = 0;

  constructor(ruleset: CompiledRuleset) {
    this.#plain = new LogSession(ruleset, "manager");
    this.#traced = new LogSession(ruleset, "manager");
  }

  process(message: string): void {
    const given = { location: "stdin", message, receivedMs: START_MS + this.#count++ * 500 };
    // A document holds all that the verdict says and is to be read before the next event.
    const plain = this.#plain.process(given);
    const plainDocument = this.#plain.document(plain);
    const trace = new Trace();
    const traced = this.#traced.process(given, { trace });
    assert.equal(this.#traced.document(traced), plainDocument, message);
    assert.equal(traced.alert, plain.alert, message);
    this.#assertTrue(trace, traced, message);
  }

  #assertTrue(trace: Trace, { event, verdict }: SessionResult, message: string): void {
    const { decoder } = event;
    const took = trace.decoders.filter(
      ({ failed }) => failed?.part !== "program_name" && failed?.part !== "prematch",
    );
    assert.equal(took.length === 0, decoder.name === "", message);
    assert(decoder.name === "" || took.some((entry) => entry.decoder === decoder), message);
    if (event.generatedRule === null) {
      assert.equal(trace.path.at(-1)?.node.rule.id, verdict?.rule.id, message);
    }
    for (const [{ failed, search }] of triedRules(trace.rules)) {
      if (search === null) continue;
      this.searches++;
      assert.equal(
        search.counted === search.needed,
        failed === null,
        `${message}\n${JSON.stringify(search)}`,
      );
    }
  }
}

test("Engine.process() gives the same with a trace", { skip }, () => {
  type Result = { readonly event: string };
  const ruleset = requireRuleset();
  for (const { results } of readLines<{ readonly results: readonly Result[] }>("expected.jsonl")) {
    const pair = new Pair(ruleset);
    for (const { event } of results) pair.process(event);
  }
  const pair = new Pair(ruleset);
  for (const { event } of readLines<Result>("mutated-session.jsonl").slice(0, DAMAGED_EVENTS))
    pair.process(event);
  assert(pair.searches > 100, `${pair.searches} searches`);
});

/** Rules that the recorded peer had and `requireRuleset` leaves out: those of the tests of GeoIP, all below the first template. */
const GEOIP_RULES = 12;
/** Rules that the peer tried with a first event. */
const PEER_TRIED: readonly (readonly [message: string, tried: number])[] = [
  ["Nov 21 10:00:01 web1 sshd[4120]: Failed password for root from 198.51.100.23 port 50122 ssh2", 81],
  ["Nov 21 10:00:01 web1 sshd[4120]: Accepted password for root from 198.51.100.23 port 50122 ssh2", 96],
  ["Dec  2 10:00:00 web1 unknown[1]: hello", 440 - GEOIP_RULES],
  ['{"a":"b"}', 440 - GEOIP_RULES],
];

test("rulesDebug() names as many rules as the peer's log test", { skip }, () => {
  const ruleset = requireRuleset();
  for (const [message, tried] of PEER_TRIED) {
    const trace = new Trace();
    new LogSession(ruleset, "manager").process(
      { location: "stdin", message, receivedMs: START_MS },
      { trace },
    );
    const lines = rulesDebug(trace).filter((line) => line.startsWith("Trying rule: "));
    assert.equal(lines.length, tried, message);
  }
});
