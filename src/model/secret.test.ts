/** Goal: a secret leaves by `reveal()` only. Method: every way in which JavaScript turns a value into text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "./secret.ts";

test("Secret prints as stars everywhere but in reveal()", () => {
  const secret = new Secret("hunter2");
  const texts = [
    String(secret),
    `${secret}`,
    `${secret}!`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret),
  ];
  texts.push(JSON.stringify([...Object.entries(secret)]), inspect(secret, { showHidden: true }));
  for (const text of texts) assert.ok(!text.includes("hunter2"), text);
  assert.equal(JSON.stringify({ secret }), '{"secret":"****"}');
  assert.equal(secret.reveal(), "hunter2");
});

test("Secret.equals() compares whole texts of any length", () => {
  const secret = new Secret("hunter2");
  assert.ok(secret.equals("hunter2"));
  for (const other of ["", "hunter", "hunter22", "Hunter2", "****"]) assert.ok(!secret.equals(other), other);
});
