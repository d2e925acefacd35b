/**
 * Goal: no message can make the engine throw or stop, whatever rules are loaded. Method: damaged and monstrous lines through the
 * peer's whole rule set for a bounded time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventDocument } from "#analysis/alert/document.ts";
import { Engine } from "#analysis/engine.ts";
import { damagedLine, monstrousLine } from "#analysis/hostile-logs.fixture.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { requireRuleset } from "./score.ts";
import { skipWithoutShared } from "./shared-data.ts";

const RUN_MS_MAX = 1500;
/** On a loaded machine and before the patterns are compiled; the slowest line of 64 KB takes some 25 ms. */
const EVENT_MS_MAX = 2000;

test("Engine takes whatever comes with the peer's rules", { skip: skipWithoutShared() }, (t) => {
  const engine = new Engine(requireRuleset(), { hostname: "manager", mode: "live" });
  const options = {
    identity: { hostname: "manager", cluster: null },
    clock: new LocalClock(),
    alwaysFullLog: true,
    showLevelZero: false,
  };
  const random = new SeededRandom(4711);
  const rules = new Set<number>();
  const endMs = performance.now() + RUN_MS_MAX;
  let slowestMs = 0;
  let count = 0;
  for (; performance.now() < endMs; count++) {
    const message = random.below(8) === 0 ? monstrousLine(random) : damagedLine(random);
    const agentId = random.pick(["000", "001"]);
    const location = agentId === "000" ? "/var/log/x" : "(web1) any->/var/log/x";
    const receivedMs = 1_795_246_443_000 + count * 40;
    const started = performance.now();
    const outcome = engine.process({ position: count, receivedMs, queue: "1", agentId, location, message });
    const document =
      outcome.kind === "analysed" ? eventDocument(outcome.event, outcome.verdict, options) : "{}";
    slowestMs = Math.max(slowestMs, performance.now() - started);
    assert(slowestMs < EVENT_MS_MAX, `${slowestMs} ms for ${JSON.stringify(message.slice(0, 200))}`);
    assert.doesNotThrow(() => JSON.parse(document), document);
    if (outcome.kind === "analysed" && outcome.verdict !== null) rules.add(outcome.verdict.rule.id);
  }
  assert(rules.size > 10, `${rules.size} rules`);
  t.diagnostic(`${count} events, ${rules.size} rules, slowest ${slowestMs.toFixed(1)} ms`);
});
