/** Goal: what is kept of a message does not keep the message. Method: parts of many long texts are held, and the heap is looked at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ownCopy } from "./own-copy.ts";

test("ownCopy() gives the same text", () => {
  const text = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  for (const part of ["", "a", "\xe9", text.slice(100, 120), text]) assert.equal(ownCopy(part), part);
});

test("ownCopy() lets go of the text that a part was cut from", () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert(typeof collect === "function");
  const heapBytes = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapBytes();
  const message = (number: number) => Buffer.alloc(65_536, `message ${number} `).toString("latin1");
  const parts = Array.from({ length: 500 }, (_, number) => ownCopy(message(number).slice(100, 150)));
  const grownBytes = heapBytes() - before;
  assert.equal(parts.length, 500);
  // The messages would be 32 MB.
  assert(grownBytes < 4_000_000, `${grownBytes} bytes`);
});
