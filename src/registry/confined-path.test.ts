/** Goal: no name leads out of its folder. Method: names of the known attacks, each refused; ordinary ones, each one step below. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { confinedPath } from "./confined-path.ts";

test("confinedPath() gives the entry below the folder", () => {
  for (const name of ["web", "001", "a.b-c_D", "..a", "a..", "x".repeat(255)]) {
    assert.equal(confinedPath("/srv/etc/shared", name), `/srv/etc/shared/${name}`);
  }
});

test("confinedPath() refuses a name that is no single step", () => {
  const names = [
    "",
    ".",
    "..",
    "a/b",
    "../x",
    "/etc",
    "a\\b",
    "a\0",
    "\0",
    "a b",
    "a\nb",
    "%2e%2e",
    "x".repeat(256),
  ];
  for (const name of names) assert.equal(confinedPath("/srv/etc/shared", name), null, JSON.stringify(name));
});
