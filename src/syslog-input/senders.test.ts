/** Goal: what is kept of senders is bounded, and of refused ones nothing. Method: more senders than fit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rules } from "./fixture.ts";
import { SENDERS_MAX } from "./limits.ts";
import { Senders } from "./senders.ts";

const addressOf = (number: number) => `10.${number >> 16}.${(number >> 8) & 0xff}.${number & 0xff}`;

test("Senders forgets who sent nothing for longest and has no connection", () => {
  const senders = new Senders<number>({ allowed: rules("10.0.0.0/8"), denied: [] }, 1);
  const connected = senders.of(addressOf(0), 0);
  connected?.connections.add(1);
  const active = senders.of(addressOf(1), 0);
  const silent = senders.of(addressOf(2), 0);
  for (let number = 3; number < SENDERS_MAX; number++) senders.of(addressOf(number), 0);
  assert.equal(senders.of(addressOf(1), 0), active);
  senders.of(addressOf(SENDERS_MAX), 0);
  assert.equal(senders.size, SENDERS_MAX);
  assert.equal(senders.of(addressOf(0), 0), connected);
  assert.equal(senders.of(addressOf(1), 0), active);
  assert.notEqual(senders.of(addressOf(2), 0), silent);
});

test("Senders keeps nothing of addresses that may not send", () => {
  const senders = new Senders<number>({ allowed: rules("any"), denied: rules("10.0.0.0/8") }, 0);
  for (const address of ["10.0.0.1", "", "nonsense", "::1%"]) senders.of(address, 0);
  assert.equal(senders.of("10.0.0.1", 0), null);
  assert.equal(senders.of("fe80::1%eth0", 0)?.location, "FE80:0000:0000:0000:0000:0000:0000:0001");
  assert.equal(senders.size, 2);
});
