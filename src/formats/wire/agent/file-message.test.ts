/** Goal: agents get a file as the peer sends it. Method: the peer's vectors; a file in which parts would begin like control messages. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isControlMessage } from "./control.ts";
import { FILE_END, FILE_PART_BYTES_MAX, filePartEnd, fileStart } from "./file-message.ts";

type Vector = {
  readonly name: string;
  readonly merged_hex: string;
  readonly md5: string;
  readonly push: readonly string[];
};
const FILE = new URL("../../../../test/vectors/agent/merged.json", import.meta.url);
const { vectors }: { readonly vectors: readonly Vector[] } = JSON.parse(readFileSync(FILE, "utf8"));

function partsOf(file: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < file.length; at = filePartEnd(file, at))
    parts.push(file.subarray(at, filePartEnd(file, at)));
  return parts;
}

test("fileStart(), filePartEnd() and FILE_END make the peer's messages", () => {
  assert(vectors.length > 0);
  for (const { name, merged_hex: hex, md5, push } of vectors) {
    let at = 0;
    const described = partsOf(Buffer.from(hex, "hex")).map(({ length }) => {
      at += length;
      return `(${length} bytes from offset ${at - length})`;
    });
    const messages = [fileStart(md5, "merged.mg").toString(), ...described, FILE_END.toString()];
    assert.deepEqual(messages, push, name);
  }
});

test("filePartEnd() lets no part begin like a control message", () => {
  const hostile = [
    Buffer.alloc(FILE_PART_BYTES_MAX, "x"),
    Buffer.from("#!-close file "),
    Buffer.alloc(5000, "#!-"),
    // The peer ends a part at its first NUL.
    Buffer.from(Array.from({ length: 2000 }, (_, index) => index % 256)),
  ];
  const file = Buffer.concat(hostile);
  const parts = partsOf(file);
  assert.deepEqual(Buffer.concat(parts), file);
  for (const part of parts) {
    assert(part.length > 0 && part.length <= FILE_PART_BYTES_MAX);
    assert(!isControlMessage(Buffer.from(part)));
  }
});
