/**
 * Goal: who is moved, added and removed follows the peer's rules, and no agent is told twice or forgotten. Method: tables worked out by
 * hand from the rules, and properties over seeded clusters.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { Absences } from "./absences.ts";
import { exceedingAgents, hardStopSeconds } from "./balance.ts";
import { agents } from "./fixture.ts";
import { planMigration } from "./migration.ts";
import type { ActiveAgent } from "./needs.ts";
import { canBeServer, findChanges, isGone } from "./node-changes.ts";
import { canReconnect, chunksOf, inOrder, reconnectable } from "./reconnection.ts";

const numbered = (counts: readonly number[]) =>
  new Map(counts.map((count, index) => [`n${index}`, count] as const));

test("exceedingAgents() gives what is above the average, and nothing within the tolerance", () => {
  const cases: readonly (readonly [
    counts: readonly number[],
    tolerance: number,
    over: Record<string, number>,
  ])[] = [
    [[], 0.1, {}],
    [[0, 0], 0.1, {}],
    [[12, 0], 0.1, { n0: 6 }],
    // The mean is 100: 110 and 90 are its edges.
    [[110, 90, 100], 0.1, {}],
    [[111, 89, 100], 0.1, { n0: 11 }],
    [[110, 89, 101], 0.1, { n0: 10, n2: 1 }],
    // One more than the others is all that three agents on two servers can be.
    [[2, 1], 0.1, {}],
    [[1, 0, 0], 0.1, {}],
    [[2, 0, 1], 0.1, { n0: 1 }],
    [[3, 1], 0.1, { n0: 1 }],
    [[3, 1], 0.5, {}],
    [[4, 0], 1, {}],
    [[5, 0, 0], 1, { n0: 4 }],
  ];
  for (const [counts, tolerance, over] of cases) {
    assert.deepEqual(Object.fromEntries(exceedingAgents(numbered(counts), tolerance)), over, `${counts}`);
  }
});

test("exceedingAgents() never takes more than a server has, and what it takes fills up the others", () => {
  const random = new SeededRandom(1);
  for (let run = 0; run < 2000; run++) {
    const counts = Array.from({ length: 1 + random.below(6) }, () => random.below(40));
    const total = counts.reduce((sum, count) => sum + count, 0);
    const mean = Math.floor(total / counts.length);
    const over = exceedingAgents(numbered(counts), 0.1);
    const left = counts.map((count, index) => count - (over.get(`n${index}`) ?? 0));
    assert(over.size === 0 || left.every((count) => count >= 0 && count <= mean), `${counts}`);
    // Least connections fill the emptiest server first; then nothing is left to do.
    let moved = total - left.reduce((sum, count) => sum + count, 0);
    for (; moved > 0; moved--) left.sort((a, b) => a - b)[0] = (left[0] ?? 0) + 1;
    if (over.size > 0) assert.equal(exceedingAgents(numbered(left), 0.1).size, 0, `${counts} -> ${left}`);
  }
});

test("hardStopSeconds() is the peer's formula", () => {
  const cluster = { activeAgents: 12, nodes: 2, chunkSize: 100, chunkSeconds: 1, serverStateSeconds: 5 };
  assert.equal(hardStopSeconds(cluster), 20.12);
  assert.equal(hardStopSeconds({ ...cluster, activeAgents: 0, nodes: 0 }), 10);
  assert.equal(
    hardStopSeconds({ ...cluster, activeAgents: 3000, nodes: 3, chunkSize: 300, chunkSeconds: 5 }),
    80,
  );
});

test("findChanges() compares names and addresses", () => {
  const nodes = new Map([
    ["same", "10.0.0.1"],
    ["new", "10.0.0.2"],
    ["moved", "10.0.0.3"],
  ]);
  const servers = new Map([
    ["same", "10.0.0.1"],
    ["moved", "10.0.0.4"],
    ["old", "10.0.0.2"],
  ]);
  const { added, moved, strangers } = findChanges(nodes, servers);
  assert.deepEqual([...added.keys()], ["new", "moved"]);
  assert.deepEqual([moved, strangers], [["moved"], ["old"]]);
});

test("isGone() keeps a server that is up, or that was not down for long", () => {
  const stats = { connections: 0, status: "DOWN", lastChangeSeconds: 14_400 };
  const long = Number.POSITIVE_INFINITY;
  assert.equal(isGone(stats, long, 240), true);
  assert.equal(isGone(stats, 14_400, 240), true);
  assert.equal(isGone(stats, 14_399, 240), false, "its node was there");
  assert.equal(isGone({ ...stats, lastChangeSeconds: 14_399 }, long, 240), false);
  assert.equal(isGone({ ...stats, status: "MAINT", lastChangeSeconds: 0 }, 0, 0), true);
  // `UP 2/3` has missed a check; its last change is when it came up.
  for (const status of ["UP", "UP 2/3", "UP 1/3"]) {
    for (const minutes of [0, 240]) assert.equal(isGone({ ...stats, status }, long, minutes), false, status);
  }
});

test("Absences counts from the look that missed a node, anew when it was back, and never for a stranger", () => {
  const absences = new Absences();
  const servers = ["a", "b", "old"];
  absences.look(["a", "b"], servers, 1000);
  assert.deepEqual(
    servers.map((name) => absences.secondsOf(name, 5000)),
    [0, 0, Number.POSITIVE_INFINITY],
  );
  absences.look(["a"], servers, 5000);
  absences.look(["a"], servers, 9000);
  assert.equal(absences.secondsOf("b", 9000), 4);
  absences.look(["a", "b"], servers, 10_000);
  absences.look(["a"], servers, 20_000);
  assert.equal(absences.secondsOf("b", 21_000), 1);
  // Without a server there is nothing to remember.
  absences.look(["a"], ["a"], 30_000);
  assert.equal(absences.secondsOf("b", 31_000), Number.POSITIVE_INFINITY);
});

test("canBeServer() refuses what would be more than a word of HAProxy's configuration", () => {
  for (const [name, address] of [
    ["node-1.a_b:c", "10.0.0.1"],
    ["n", "fe80::1"],
    ["n", "master.example.org"],
  ] as const) {
    assert.equal(canBeServer(name, address), true, name);
  }
  for (const bad of [
    "",
    "a b",
    "a\nb",
    "a#b",
    'a"b',
    "a/b",
    "a;b",
    "é",
    "a".repeat(256),
    "unix@/x",
    "fd@1",
  ]) {
    assert.equal(canBeServer(bad, "10.0.0.1"), false, bad);
    assert.equal(canBeServer("n", bad), false, bad);
  }
});

test("canReconnect() knows 4.3 and all after it, and no text without a version", () => {
  for (const version of ["Wazuh v4.3.0", "Wazuh v4.14.7", "Wazuh v5.0.0", "v10.1.0"]) {
    assert(canReconnect({ ...agent(1), version }), version);
  }
  for (const version of ["", "Wazuh v4.2.7", "Wazuh v3.13.6", "Wazuh v4.3", "4.14.7"]) {
    assert(!canReconnect({ ...agent(1), version }), version);
  }
});

function agent(id: number): ActiveAgent {
  const [first] = agents(1, "Wazuh v4.14.7", id);
  assert(first !== undefined);
  return first;
}

test("inOrder() has the newest version first, then the latest enrolled", () => {
  const list = [
    ...agents(2, "Wazuh v4.9.0", 1),
    ...agents(2, "Wazuh v4.14.7", 999),
    ...agents(1, "", 5),
    ...agents(1, "Wazuh v4.14.10", 3),
  ];
  assert.deepEqual(
    inOrder(list).map(({ id }) => id),
    ["003", "1000", "999", "002", "001", "005"],
  );
  assert.deepEqual(reconnectable(agents(1, "Wazuh v4.2.0")), { ids: [], incomplete: true });
});

test("chunksOf() keeps all in order", () => {
  assert.deepEqual(chunksOf([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(chunksOf([], 2), []);
});

const idsOf = (list: readonly ActiveAgent[] | undefined) => (list ?? []).map(({ id }) => Number(id));

test("planMigration() holds agents of nodes that stay, moves what exceeds and all of removed nodes", () => {
  const plan = planMigration({
    agents: new Map([
      ["a", agents(4, "Wazuh v4.14.7", 1)],
      ["b", agents(1, "Wazuh v4.14.7", 11)],
      ["gone", agents(2, "Wazuh v4.14.7", 21)],
      ["excluded", agents(3, "Wazuh v4.14.7", 31)],
    ]),
    // HAProxy's new process has seen none of a's agents yet.
    connections: new Map([
      ["a", 0],
      ["b", 9],
      ["new", 0],
    ]),
    added: new Set(["new"]),
    removed: new Set(["gone"]),
    tolerance: 0.1,
  });
  // 4, 1 and 0 agents: the mean is 1.
  assert.deepEqual(idsOf(plan.moved), [1, 2, 3, 21, 22]);
  assert.deepEqual([...plan.held.keys()], ["a", "b"]);
  assert.deepEqual(idsOf(plan.held.get("a")), [4]);
});

test("planMigration() holds or moves each agent of a served or removed node exactly once", () => {
  const random = new SeededRandom(2);
  for (let run = 0; run < 1000; run++) {
    const names = Array.from({ length: 1 + random.below(5) }, (_, index) => `n${index}`);
    const flags = new Map(names.map((name) => [name, random.below(4)]));
    const lists = names.map((name, index) => [name, agents(random.below(8), "", 1 + index * 10)] as const);
    const served = names.filter((name) => (flags.get(name) ?? 0) < 3);
    const removed = new Set(names.filter((name) => flags.get(name) === 3));
    const { held, moved } = planMigration({
      agents: new Map(lists),
      connections: new Map(served.map((name) => [name, random.below(8)])),
      added: new Set(names.filter((name) => flags.get(name) === 0)),
      removed,
      tolerance: 0.1,
    });
    const told = [...idsOf(moved), ...[...held.values()].flatMap(idsOf)].toSorted((a, b) => a - b);
    assert.deepEqual(
      told,
      lists.flatMap(([, list]) => idsOf(list)),
    );
    for (const name of removed) assert(!held.has(name));
  }
});
