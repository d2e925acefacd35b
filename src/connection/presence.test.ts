/** Goal: who is lost, and when it is said. Method: the class with hand-made times, and 20,000 agents for its cost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import { Presence } from "./presence.ts";

const [A, B, C] = [agentIdOf(1), agentIdOf(2), agentIdOf(3)];

test("Presence.sweep() finds the lost first and those whose event is due later", () => {
  const presence = new Presence(900, 100);
  presence.seen(A, 0);
  presence.seen(B, 500);
  assert.deepEqual(presence.sweep(900, 10), { lost: [], due: [] });
  assert.deepEqual(presence.sweep(901, 10), { lost: [A], due: [] });
  assert.deepEqual(presence.sweep(1000, 10), { lost: [], due: [] });
  assert.deepEqual(presence.sweep(1001, 10), { lost: [], due: [A] });
  assert.deepEqual(presence.sweep(1401, 10), { lost: [B], due: [] });
  assert.equal(presence.size, 0);
});

test("Presence forgets the silence of who comes back or leaves", () => {
  const presence = new Presence(900, 100);
  for (const id of [A, B, C]) presence.seen(id, 0);
  presence.left(C);
  assert.deepEqual(presence.sweep(950, 10).lost, [A, B]);
  presence.seen(A, 960);
  presence.left(B);
  assert.deepEqual(presence.sweep(1500, 10), { lost: [], due: [] });
  assert.deepEqual(presence.sweep(1861, 10).lost, [A]);
});

test("Presence.sweep() finds the rest of many in later calls", () => {
  const presence = new Presence(900, 0);
  for (const id of [A, B, C]) presence.seen(id, 0);
  assert.deepEqual(presence.sweep(1000, 2), { lost: [A, B], due: [A, B] });
  assert.deepEqual(presence.sweep(1000, 2), { lost: [C], due: [C] });
});

test("Presence.restart() gives everyone the whole time again, and keeps their order", () => {
  const presence = new Presence(900, 0);
  presence.seen(A, 0);
  presence.seen(B, 10);
  presence.restart(5000);
  presence.seen(A, 5100);
  assert.deepEqual(presence.sweep(5900, 10).lost, []);
  assert.deepEqual(presence.sweep(5901, 10).lost, [B]);
});

test("Presence.sweep() does not walk over 20,000 agents that are there", () => {
  const presence = new Presence(900_000, 0);
  for (let number = 1; number <= 20_000; number++) presence.seen(agentIdOf(number), number);
  const before = process.cpuUsage();
  for (let round = 0; round < 1000; round++) presence.sweep(20_000, 1000);
  assert(process.cpuUsage(before).user < 200_000, "a walk over all of them would take seconds");
});
