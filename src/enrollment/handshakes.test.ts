/** Goal: never more than the places, the newest first, nobody forgotten. Method: clients are numbers, starts are a list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HandshakeGate } from "./handshakes.ts";

test("HandshakeGate starts the newest client that waits as places get free", () => {
  const started: number[] = [];
  const gate = new HandshakeGate<number>(2, (client) => started.push(client));
  for (const client of [1, 2, 3, 4, 5]) gate.enter(client);
  assert.deepEqual(started, [1, 2]);
  assert.deepEqual([gate.running, gate.waiting], [2, 3]);
  gate.leave(5); // gave up while it waited
  assert.deepEqual(started, [1, 2]);
  gate.leave(1);
  assert.deepEqual(started, [1, 2, 4]);
  gate.leave(1);
  gate.leave(2);
  gate.leave(4);
  gate.leave(3);
  assert.deepEqual(started, [1, 2, 4, 3]);
  assert.deepEqual([gate.running, gate.waiting], [0, 0]);
});

test("HandshakeGate bears handshakes that are over when they start, however many wait", () => {
  let started = 0;
  const gate = new HandshakeGate<number>(1, (client) => {
    started++;
    if (client > 0) gate.leave(client);
  });
  gate.enter(0);
  for (let client = 1; client <= 20_000; client++) gate.enter(client);
  gate.leave(0);
  assert.equal(started, 20_001);
  assert.deepEqual([gate.running, gate.waiting], [0, 0]);
});
