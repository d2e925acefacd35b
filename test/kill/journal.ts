/** The journal of a manager that is dead, read by its own reader: what is whole in it was accepted. */
import { readEpoch } from "#journal/epoch.ts";
import { SegmentReader } from "#journal/segment-reader.ts";
import { listSegments } from "#journal/segments.ts";
import { systemFiles } from "#kernel/platform/files.ts";

export class DeadJournal {
  readonly #directory: string;
  #position = 0;
  /** Torn ends that kills left, and what else holds no block. */
  damagedBytes = 0;

  constructor(home: string) {
    this.#directory = `${home}/queue/journal`;
  }

  /** Visits the blocks that came since the last call. The manager must be dead: it removes what it has analysed. */
  readNew(visit: (block: Buffer) => void): void {
    if (systemFiles.info(this.#directory) === null) return;
    const epoch = readEpoch(systemFiles, this.#directory);
    if (epoch === null) return;
    for (const { path, start, bytes } of listSegments(systemFiles, this.#directory)) {
      const end = start + bytes;
      if (end <= this.#position) continue;
      const position = Math.max(start, this.#position);
      const reader = new SegmentReader(systemFiles, { path, start, epoch, position });
      for (let part = reader.next(end); part !== null; part = reader.next(end)) {
        if (part.kind === "block") visit(part.block);
        else this.damagedBytes += part.nextPosition - part.position;
      }
      reader.close();
      this.#position = end;
    }
  }
}
