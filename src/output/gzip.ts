/**
 * Compresses a file in steps of bounded time and memory.
 *
 * Each step gives a piece of one deflate stream that ends on a byte, so the result is one gzip member that every tool reads.
 */
import { constants, crc32, deflateRawSync } from "node:zlib";
import type { Files } from "#kernel/ports/files.ts";
import { GZIP_STEP_BYTES } from "./limits.ts";

/** RFC 1952: deflate, no name, no time, made on Unix. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03]);
const NOT_LAST = { finishFlush: constants.Z_SYNC_FLUSH };
const TWO_POW_32 = 4_294_967_296;

/** Writes the compressed form of the file at `from` to `to`, a new file, and syncs it. Yields between two steps. */
export function* gzipFile(files: Files, from: string, to: string): Generator<void, void> {
  const source = files.open(from, "read");
  try {
    const target = files.open(to, "create");
    try {
      target.write(GZIP_HEADER);
      const memory = Buffer.allocUnsafe(GZIP_STEP_BYTES);
      let checksum = 0;
      let bytes = 0;
      for (let count = source.read(memory, 0); count > 0; count = source.read(memory, bytes)) {
        const piece = memory.subarray(0, count);
        checksum = crc32(piece, checksum);
        bytes += count;
        target.write(deflateRawSync(piece, NOT_LAST));
        yield;
      }
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(checksum, 0);
      trailer.writeUInt32LE(bytes % TWO_POW_32, 4);
      target.write(Buffer.concat([deflateRawSync(Buffer.alloc(0)), trailer]));
      target.sync();
    } finally {
      target.close();
    }
  } finally {
    source.close();
  }
}
