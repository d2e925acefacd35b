/**
 * A file on its way to an agent: a message with its sum and name, its bytes in messages without any header, a message that closes it.
 *
 * Agents keep the bytes as C strings: a file with a NUL byte cannot be sent whole.
 */
import assert from "node:assert/strict";

/** wazuh v4.14.7: src/remoted/manager.c. */
export const FILE_PART_BYTES_MAX = 900;
export const FILE_END = Buffer.from("#!-close file ");

const SUM = /^[0-9a-f]{32}$/;
const NAME = /^[!-~]{1,255}$/;
const CONTROL_PREFIX = Buffer.from("#!-");

export function fileStart(sum: string, name: string): Buffer {
  assert(SUM.test(sum) && NAME.test(name), "a file's MD5 and a name without blanks");
  return Buffer.from(`#!-up file ${sum} ${name}\n`, "latin1");
}

/** Where the part that begins at `at` ends. No part but the first may begin as a control message does: it would be taken for one. */
export function filePartEnd(file: Uint8Array, at: number): number {
  const end = Math.min(at + FILE_PART_BYTES_MAX, file.length);
  const next = file.subarray(end, end + CONTROL_PREFIX.length);
  return CONTROL_PREFIX.equals(next) ? end - 1 : end;
}
