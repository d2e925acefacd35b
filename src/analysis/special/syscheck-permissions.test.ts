/** Goal: Windows permissions as text and as lists. Method: texts by hand in each form, those that are none, a hostile number of accounts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attributesJson,
  attributesOfBits,
  permissionsJson,
  permissionsOfMasks,
} from "./syscheck-permissions.ts";

test("permissionsOfMasks() names the rights", () => {
  assert.equal(
    permissionsOfMasks("|A B,0,65537|C,1,-2147483648|D,0,64"),
    "A B (allowed): delete|read_data, C (denied): generic_read, D (allowed):",
  );
  assert.equal(permissionsOfMasks("|A,0"), null);
  assert.equal(permissionsOfMasks("|"), null);
});

test("permissionsOfMasks() has an end", () => {
  const text = permissionsOfMasks("|a,0,-1".repeat(10_000));
  assert(text !== null && text.length < 21_000);
});

test("permissionsJson() joins the accesses of an account", () => {
  assert.equal(permissionsJson("DOM\\A (allowed): READ"), '[{"name":"DOM\\\\A","allowed":["READ"]}]');
  assert.equal(
    permissionsJson("A (allowed): read|w\xe9, B (denied): x||y, A (denied): z"),
    '[{"name":"A","allowed":["READ","W\xe9"],"denied":["Z"]},{"name":"B","denied":["X","Y"]}]',
  );
});

test("permissionsJson() stops at a part that was there before", () => {
  assert.equal(
    permissionsJson("A (allowed): a|b, A (allowed): c, B (denied): d"),
    '[{"name":"A","allowed":["A","B"]}]',
  );
});

test("permissionsJson() refuses what is none", () => {
  for (const text of [
    "|",
    "A allowed|",
    "A (allowed|",
    "A (allowed):",
    "A (allowed): ",
    "A (x): |",
    "A (x): a,,",
  ]) {
    assert.equal(permissionsJson(text), null, text);
  }
  assert.equal(permissionsJson("A (x): a,"), '[{"name":"A","x":["A"]}]');
});

test("permissionsJson() takes many accounts in a short time", () => {
  const text = Array.from({ length: 8000 }, (_, index) => `${index}(a): b`).join(",");
  assert.equal(JSON.parse(permissionsJson(text) ?? "").length, 8000);
});

test("attributes are names in a fixed order", () => {
  assert.equal(attributesOfBits(0x22), "ARCHIVE, HIDDEN");
  assert.equal(attributesOfBits(0), "");
  assert.equal(attributesJson("ARCHIVE,  HIDDEN"), '["ARCHIVE","HIDDEN"]');
});
