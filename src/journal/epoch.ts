/**
 * The journal's epoch: a random id in a file beside the segments, made when there are none.
 *
 * Within one epoch no position is given out twice, so epoch and position name an event for ever. Segments and epoch file belong
 * together: who removes the segments starts a new epoch, who removes the epoch file makes the segments unreadable.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Random } from "#kernel/ports/random.ts";
import { EPOCH_BYTES } from "#model/event-block.ts";

const FILE_NAME = "epoch";
const TEXT = /^([0-9a-f]{1,12})\n$/;

/** Null when there is no file, or none of ours. */
export function readEpoch(files: Files, directory: string): number | null {
  try {
    const text = files.read(`${directory}/${FILE_NAME}`).toString("latin1");
    const epoch = Number.parseInt(TEXT.exec(text)?.[1] ?? "", 16);
    return epoch > 0 ? epoch : null;
  } catch (error) {
    if (error instanceof CodedError && error.code === "file_not_found") return null;
    throw error;
  }
}

export function makeEpoch(files: Files, directory: string, random: Random): number {
  const epoch = Math.max(1, random.bytes(EPOCH_BYTES).readUIntBE(0, EPOCH_BYTES));
  files.replace(`${directory}/${FILE_NAME}`, Buffer.from(`${epoch.toString(16)}\n`));
  return epoch;
}
