/**
 * Goal: a defect is found, made smaller and told; time alone is no failure. Method: targets with a planted defect behind conditions that
 * no single input meets by chance.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCJson } from "#analysis/plugins/cjson.ts";
import { SeededRandom } from "#testing/random.ts";
import { Campaign, type CampaignNeeds } from "./campaign.ts";
import { Coverage } from "./coverage.ts";
import { damagedJson } from "./damage.ts";
import { parseEvents, printEvent } from "./event-lines.ts";
import { reduceInput } from "./reduce.ts";
import { parseSections, printSections } from "./sections.ts";
import { TooSlow } from "./target.ts";

function campaignOf(target: CampaignNeeds["target"], kept: CampaignNeeds["kept"] = []): Campaign {
  return new Campaign({
    target,
    kept,
    coverage: new Coverage(),
    milliseconds: 300,
    freshSeed: 5,
    beginning: () => {},
    reached: () => {},
  });
}

const lines = (random: SeededRandom): string =>
  Array.from({ length: 20 }, () => random.pick(["a", "b", "c"])).join("\n");

test("Campaign finds a defect and reduces the input to what makes it", () => {
  const run = (input: string): void => {
    if (/b.*c.*b.*c.*a/s.test(input)) throw new RangeError("planted");
  };
  const failure = campaignOf({ make: lines, change: (_random, input) => input, run }).run();
  assert(failure !== null);
  assert.equal(failure.input, "b\nc\nb\nc\na");
  assert.equal(failure.seed, 1);
  assert.match(String(failure.error), /planted/);
});

test("Campaign runs what is kept first", () => {
  const run = (input: string): void => assert.notEqual(input, "kept");
  const target = { make: lines, change: lines, run };
  assert.equal(campaignOf(target, [{ name: "failure-1", input: "kept" }]).run()?.seed, "failure-1");
  assert.equal(campaignOf(target, [{ name: "reach-1", input: "other" }]).run(), null);
});

test("Campaign looks again at what was slow", () => {
  let slowRuns = 0;
  const run = (input: string): void => {
    if (input === "slow at first" && slowRuns++ < 3) throw new TooSlow("cold");
    if (input === "slow") throw new TooSlow("always");
  };
  const target = { make: lines, change: lines, run };
  assert.equal(campaignOf(target, [{ name: "1", input: "slow at first" }]).run(), null);
  assert.equal(campaignOf(target, [{ name: "2", input: "slow" }]).run()?.input, "slow");
});

test("Coverage counts blocks of the project's code that run for the first time", () => {
  const coverage = new Coverage();
  coverage.takeNew();
  parseCJson('{"a":[1,{"b":"x"}]}');
  assert(coverage.takeNew() > 0);
  parseCJson('{"a":[1,{"b":"x"}]}');
  assert.equal(coverage.takeNew(), 0);
  parseCJson('{"a":[1,{"b":"\\n\\ud83d\\ude00"}]}');
  assert(coverage.takeNew() > 0, "other blocks of functions that ran before");
});

test("reduceInput() ends when it may not go on", () => {
  assert.equal(
    reduceInput(
      "a\nb\nc",
      () => true,
      () => false,
    ),
    "a\nb\nc",
  );
  assert.equal(
    reduceInput(
      "a\nb\nc",
      () => true,
      () => true,
    ),
    "",
  );
});

test("damagedJson() makes what is right wrong, and keeps texts of one char a byte", () => {
  const random = new SeededRandom(3);
  const json = JSON.stringify({ type: "event", data: { path: "/etc/x", list: [1, { a: null }] } });
  const damaged = Array.from({ length: 3000 }, () => damagedJson(random, json));
  assert(new Set(damaged).size > 1500);
  const count = (pattern: RegExp): number => damaged.filter((text) => pattern.test(text)).length;
  assert(count(/^(?!.*"type":)/) > 20, "members missing");
  assert(count(/"type".*"type"/) > 20, "members doubled");
  assert(
    damaged.some((text) => text.length > 50_000),
    "huge values",
  );
  assert(
    damaged.some((text) => text.includes("[".repeat(50))),
    "nested values",
  );
  assert.equal(count(/[^\x00-\xff]/), 0);
});

test("parseEvents() and parseSections() give back what was printed, and take anything", () => {
  const event = { queue: "8", agent: "001", location: "l:|\xff", message: "m\n\0\xff", after: 5 };
  assert.deepEqual(parseEvents(`${printEvent(event)}\n\nplain`), [
    event,
    { queue: "1", agent: "000", location: "/var/log/x", message: "plain", after: 0 },
  ]);
  assert.deepEqual(parseSections(printSections({ rules: "a\nb", list: "" })), {
    rules: "a\nb\n",
    list: "\n",
  });
  assert.deepEqual(parseSections("no sections"), {});
});
