/**
 * Goal: no message can make the engine throw or stop. Method: damaged and monstrous lines of many kinds through a rule set that has one
 * of everything; what comes out must be whole documents, within a bounded time each.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { alertLogText, archiveLogText } from "./alert/alert-log.ts";
import { documentOf, EngineFixture } from "./engine.fixture.ts";
import { EVERYTHING_DECODERS, EVERYTHING_RULES } from "./everything-rules.fixture.ts";
import { damagedLine, monstrousLine } from "./hostile-logs.fixture.ts";

/** On a loaded machine; an event takes some 20 µs. */
const EVENT_MS_MAX = 1000;

function run(makeLine: (random: SeededRandom) => string, seed: number, count: number): number {
  const random = new SeededRandom(seed);
  const fixture = new EngineFixture({ decoders: EVERYTHING_DECODERS, rules: EVERYTHING_RULES });
  const clock = new LocalClock();
  const rules = new Set<number>();
  for (let number = 0; number < count; number++) {
    const message = makeLine(random);
    fixture.nowMs += random.below(500);
    const location = random.below(9) === 0 ? makeLine(random) : "(web1) any->/var/log/x";
    const raw = fixture.raw(message, { location, agentId: random.pick(["000", "001"]) });
    const started = performance.now();
    const outcome = fixture.engine.process(raw);
    // A firewall's line without all its fields is not for the rules.
    if (outcome.kind !== "analysed") continue;
    const { event, verdict } = outcome;
    const document = documentOf(event, verdict);
    const text = verdict === null ? "" : alertLogText(event, verdict, clock);
    archiveLogText(event, clock);
    const tookMs = performance.now() - started;
    assert(tookMs < EVENT_MS_MAX, `${tookMs} ms for ${JSON.stringify(message.slice(0, 200))}`);
    assert.doesNotThrow(() => JSON.parse(document), document);
    assert(verdict === null || text.endsWith("\n\n"));
    if (verdict !== null) rules.add(verdict.rule.id);
  }
  return rules.size;
}

test("Engine takes damaged lines", () => {
  assert(run(damagedLine, 1, 1500) >= 10);
});

test("Engine takes lines of 64 KB made to be slow", () => {
  run(monstrousLine, 2, 80);
});
