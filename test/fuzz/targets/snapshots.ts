/**
 * Snapshots of an engine with damaged bytes: refused whole, or what they say is taken over whole; nothing is thrown.
 *
 * An input: the seed of the events before, a blank, and the damage as `place:byte` pairs, `cut:place` or `add:text`.
 */
import assert from "node:assert/strict";
import { Engine } from "#analysis/engine.ts";
import { damagedLine } from "#analysis/hostile-logs.fixture.ts";
import { encodeSnapshot, restoreSnapshot } from "#analysis/state/snapshot.ts";
import { SeededRandom } from "#testing/random.ts";
import { ruleSet } from "../rule-sets.ts";
import { SPECIAL_MESSAGES } from "../special-documents.ts";
import type { Target } from "../target.ts";

const PLACE = { epoch: 7, position: 4711 };
const EVENTS = 60;
const SEEDS = 8;

const set = ruleSet("everything");
assert(set !== null);
const rules = set;
const snapshots = new Map<number, Buffer>();
const newEngine = (): Engine => new Engine(rules, { hostname: "manager", mode: "live" });

function snapshotOf(seed: number): Buffer {
  const known = snapshots.get(seed);
  if (known !== undefined) return known;
  const random = new SeededRandom(seed);
  const engine = newEngine();
  for (let position = 0; position < EVENTS; position++) {
    const special = random.pick(SPECIAL_MESSAGES);
    const { queue, message } = random.below(2) === 0 ? { queue: "1", message: damagedLine(random) } : special;
    const place = { position, receivedMs: 1_795_249_255_000 + position, agentId: "001" };
    engine.process({ ...place, queue, location: `(web1) any->${special.module}`, message });
  }
  const bytes = encodeSnapshot(engine, PLACE);
  snapshots.set(seed, bytes);
  return bytes;
}

function damagedBytes(bytes: Buffer, damages: readonly string[]): Buffer {
  let damaged = Buffer.from(bytes);
  for (const damage of damages) {
    const [place = "", value = ""] = damage.split(":");
    const number = Number.parseInt(value, 10) || 0;
    if (place === "cut") damaged = damaged.subarray(0, number % (damaged.length + 1));
    else if (place === "add") damaged = Buffer.concat([damaged, Buffer.from(value, "latin1")]);
    else if (damaged.length > 0) damaged[(Number.parseInt(place, 10) || 0) % damaged.length] = number & 0xff;
  }
  return damaged;
}

function run(input: string): void {
  const [seedText = "", ...damages] = input.split(" ");
  const bytes = snapshotOf(Math.abs(Number.parseInt(seedText, 10) || 0) % SEEDS);
  const damaged = damagedBytes(bytes, damages);
  const engine = newEngine();
  const outcome = restoreSnapshot(damaged, PLACE.epoch, { engine });
  if ("fault" in outcome) {
    assert.deepEqual(encodeSnapshot(engine, PLACE), encodeSnapshot(newEngine(), PLACE), "partly taken over");
  } else {
    assert.equal(outcome.position, PLACE.position);
    assert.deepEqual(encodeSnapshot(engine, PLACE), bytes);
  }
}

function damage(random: SeededRandom): string {
  const kind = random.below(8);
  if (kind === 0) return `cut:${random.below(1_000_000)}`;
  if (kind === 1) return `add:${random.pick(["x", "\n", "\0", "1"])}`;
  // The head, with version, lengths and checksum, is where it is read first.
  return `${random.below(random.below(2) === 0 ? 60 : 1_000_000)}:${random.below(256)}`;
}

const damages = (random: SeededRandom): string[] =>
  Array.from({ length: random.below(4) }, () => damage(random));

export const snapshotsTarget: Target = {
  make: (random) => [String(random.below(SEEDS)), ...damages(random)].join(" "),
  change: (random, input) => [input, ...damages(random)].join(" "),
  run,
};
