/** Goal: a key is asked for once in a while, whatever strangers send. Method: wishes at given times, to the limit and beyond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentIdOf, type KeyWish } from "#model/agent.ts";
import { KeyWishes } from "./key-wishes.ts";
import { KEY_WISH_AGAIN_MS, KEY_WISHES_MAX } from "./limits.ts";

function wishOf(idNumber: number): KeyWish {
  return { kind: "id", id: agentIdOf(idNumber) };
}

test("KeyWishes.take() takes a wish once in KEY_WISH_AGAIN_MS", () => {
  const wishes = new KeyWishes();
  assert.equal(wishes.take(wishOf(1), 0), "new");
  assert.equal(wishes.take(wishOf(1), KEY_WISH_AGAIN_MS - 1), "asked_before");
  assert.equal(wishes.take(wishOf(2), KEY_WISH_AGAIN_MS - 1), "new");
  assert.equal(wishes.take(wishOf(1), KEY_WISH_AGAIN_MS), "new");
});

test("KeyWishes.take() tells an id from an address", () => {
  const wishes = new KeyWishes();
  const address = { version: 4, words: [2560, 1] } as const;
  assert.equal(wishes.take(wishOf(1), 0), "new");
  assert.equal(wishes.take({ kind: "ip", address }, 0), "new");
  assert.equal(wishes.take({ kind: "ip", address }, 1), "asked_before");
});

test("KeyWishes.take() refuses at its limit until the oldest wishes are forgotten", () => {
  const wishes = new KeyWishes();
  for (let number = 1; number <= KEY_WISHES_MAX; number++)
    assert.equal(wishes.take(wishOf(number), number), "new");
  assert.equal(wishes.take(wishOf(90_000), KEY_WISHES_MAX), "over_limit");
  assert.equal(wishes.take(wishOf(90_000), KEY_WISH_AGAIN_MS + 1), "new");
  assert.equal(wishes.take(wishOf(90_001), KEY_WISH_AGAIN_MS + 1), "over_limit");
});
