/** Goal: the window lets through what the peer's lets through. Method: the peer's list of cells, moved once a second, beside it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { EventCredits } from "./event-credits.ts";

/** One cell a second; when the list is full, what its first cell holds comes back. */
class CellModel {
  readonly #timeframe: number;
  readonly #cells: number[] = [0];
  #credits: number;

  constructor(eventsPerSecond: number, timeframe: number) {
    this.#timeframe = timeframe;
    this.#credits = eventsPerSecond * timeframe;
  }

  take(): boolean {
    if (this.#credits === 0) return false;
    this.#credits--;
    this.#cells.push((this.#cells.pop() ?? 0) + 1);
    return true;
  }

  secondPassed(): void {
    if (this.#cells.length === this.#timeframe) this.#credits += this.#cells.shift() ?? 0;
    this.#cells.push(0);
  }
}

test("EventCredits lets through what the peer's cells let through, however events come", () => {
  const random = new SeededRandom(12);
  for (const [eventsPerSecond, timeframe] of [
    [1, 1],
    [3, 1],
    [1, 10],
    [5, 4],
    [40, 7],
  ] as const) {
    const credits = new EventCredits(eventsPerSecond, timeframe);
    const model = new CellModel(eventsPerSecond, timeframe);
    let second = 1000 + random.below(1000);
    let taken = 0;
    for (let step = 0; step < 300; step++) {
      for (let asked = random.below(4 * eventsPerSecond * timeframe); asked > 0; asked--) {
        const expected = model.take();
        assert.equal(credits.take(second), expected, `${eventsPerSecond} in ${timeframe}, step ${step}`);
        if (expected) taken++;
      }
      for (let passed = random.below(3 * timeframe); passed > 0; passed--) {
        model.secondPassed();
        second++;
      }
    }
    assert(taken > 100);
  }
});

test("EventCredits lets a burst of the whole timeframe through after a quiet time, and no more", () => {
  const credits = new EventCredits(10, 5);
  const takenIn = (second: number) => Array.from({ length: 200 }, () => credits.take(second)).filter(Boolean);
  assert.equal(takenIn(0).length, 50);
  assert.equal(takenIn(4).length, 0);
  assert.equal(takenIn(5).length, 50);
  assert.equal(takenIn(1_000_000).length, 50);
});
