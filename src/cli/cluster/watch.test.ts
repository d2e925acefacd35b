/**
 * Goal: a glance shows who has how many agents, and nothing from another host disturbs the terminal. Method: series by hand with the
 * lines they give, seeded series in every size of terminal.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { type ClusterSnapshot, renderWatch } from "./watch.ts";

const SECOND_MS = 1000;
const looks = (...counts: readonly Readonly<Record<string, number>>[]): ClusterSnapshot[] =>
  counts.map((agents, index) => ({ time: index * 5 * SECOND_MS, agents: new Map(Object.entries(agents)) }));

test("renderWatch() shows counts, changes, shares and the way to them", () => {
  const series = looks(
    { master: 12, worker1: 0 },
    { master: 8, worker1: 4 },
    { master: 6, worker1: 6 },
    { master: 4, worker1: 4, worker2: 4 },
  );
  assert.deepEqual(renderWatch(series, { columns: 60, rows: 20, marks: "blocks" }), [
    "12 agents on 3 nodes, 4 on average; 15 s shown",
    "node     agents  change share",
    "master        4      -8  33% █▆▄▃",
    "worker1       4      +4  33%  ▃▄▃",
    "worker2       4      +4  33% ···▃",
  ]);
  assert.deepEqual(renderWatch(looks({ a: 3 }, {}), { columns: 60, rows: 20, marks: "ascii" }), [
    "0 agents on 0 nodes, 0 on average; 5 s shown",
    "node  agents  change share",
    "a       gone      -3    - @_",
  ]);
});

test("renderWatch() shows the newest that fit, and says which nodes do not", () => {
  const series = looks(...Array.from({ length: 100 }, (_, index) => ({ a: index, b: 1, c: 1, d: 1 })));
  const lines = renderWatch(series, { columns: 40, rows: 5, marks: "ascii" });
  assert.equal(lines.length, 5);
  assert.equal(lines.at(-1), "and 2 more nodes");
  assert(lines.every((line) => line.length <= 40));
  assert.match(lines[2] ?? "", /^a {9}99/);
  assert.deepEqual(renderWatch([], { columns: 40, rows: 5, marks: "ascii" }), ["No look at the cluster yet"]);
});

test("renderWatch() shows every node with an agent, however many another one has", () => {
  const [, , , small] = renderWatch(looks({ big: 100_000, small: 1, zero: 0 }), {
    columns: 60,
    rows: 9,
    marks: "ascii",
  });
  assert.match(small ?? "", /\.$/);
});

test("renderWatch() gives the terminal printable lines that fit, whatever nodes are called", () => {
  const random = new SeededRandom(5);
  for (let run = 0; run < 200; run++) {
    const columns = 50 + random.below(100);
    const rows = 4 + random.below(20);
    const series = Array.from({ length: 1 + random.below(200) }, (_, index) => ({
      time: index,
      agents: new Map(
        Array.from({ length: random.below(6) }, () => [
          random.bytes(random.below(40)).toString("latin1"),
          random.below(100_000),
        ]),
      ),
    }));
    const lines = renderWatch(series, { columns, rows, marks: "ascii" });
    assert(lines.length <= rows);
    for (const line of lines) assert.match(line, new RegExp(`^[ -~]{0,${columns}}$`));
  }
});
