/** Goal: no control byte gets through, and nothing else is touched. Method: all 256 bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { printable, printableLines } from "./printable.ts";

const ALL = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1");

test("printable() shows control bytes as question marks, and the beginning of a long text", () => {
  assert.equal(printable(ALL, 256).slice(0, 33), `${"?".repeat(32)} `);
  assert.equal(printable(ALL, 256).slice(0x7e, 0x82), "~?\x80\x81");
  assert.equal(printable("abc", 2), "ab");
});

test("printableLines() leaves tabs and newlines", () => {
  assert.equal(printableLines(ALL, 256).slice(8, 14), "?\t\n???");
  assert.equal(printableLines(ALL, 256).slice(11), printable(ALL, 256).slice(11));
});
