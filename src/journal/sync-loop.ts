/**
 * The sync thread's work: bring what was written to stable storage, many blocks with one sync.
 *
 * It has a thread of its own because a sync may take long and must wait for nothing else; it opens the segments by itself.
 */

import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { SYNC_PERIOD_MS } from "./limits.ts";
import { listSegments, segmentsFrom } from "./segments.ts";
import type { SharedProgress } from "./shared-progress.ts";

export class SegmentSync {
  readonly #files: Files;
  readonly #directory: string;
  readonly #progress: SharedProgress;
  #current: { readonly start: number; readonly file: OpenFile } | null = null;
  /** Every segment is synced up to here; at first none: a process that was killed may have left some unsynced. */
  #syncedUpTo = 0;

  constructor(files: Files, directory: string, progress: SharedProgress) {
    this.#files = files;
    this.#directory = directory;
    this.#progress = progress;
  }

  /** Syncs everything written so far and publishes it as durable. Throws `CodedError` when the disk refuses. */
  syncOnce(): void {
    const written = this.#progress.written;
    if (written === this.#progress.durable) return;
    const start = this.#progress.segmentStart; // read after `written`, so it is that segment or a later one
    try {
      if (this.#current?.start === start) this.#current.file.sync();
      else this.#syncAllUpTo(start);
    } catch (error) {
      // The system may forget pages that it could not write: a later sync that succeeds would prove nothing.
      this.#progress.publishSyncFailed();
      throw error;
    }
    this.#syncedUpTo = written;
    this.#progress.publishDurable(written);
  }

  close(): void {
    this.#current?.file.close();
    this.#current = null;
  }

  /** New segments began since the last sync: each is synced, then the directory that names them. */
  #syncAllUpTo(currentStart: number): void {
    this.close();
    for (const segment of segmentsFrom(listSegments(this.#files, this.#directory), this.#syncedUpTo)) {
      const file = this.#openUnlessDiscarded(segment.path);
      if (file === null) continue;
      if (segment.start === currentStart) this.#current = { start: currentStart, file };
      file.sync();
      if (segment.start !== currentStart) file.close();
    }
    const directory = this.#files.open(this.#directory, "read");
    directory.sync();
    directory.close();
  }

  #openUnlessDiscarded(path: string): OpenFile | null {
    try {
      return this.#files.open(path, "read");
    } catch (error) {
      if (error instanceof CodedError && error.code === "file_not_found") return null;
      throw error;
    }
  }
}

export type SyncLoopNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly directory: string;
  readonly progress: SharedProgress;
};

/**
 * The body of the sync thread; blocks it until `progress.stop()`. After an idle time it syncs at once, under load every
 * `periodMs`. Throws `CodedError` when a sync fails: the journal then accepts nothing more, and the process must start anew.
 */
export function runSyncLoop(needs: SyncLoopNeeds, periodMs = SYNC_PERIOD_MS): void {
  const { clock, progress } = needs;
  const sync = new SegmentSync(needs.files, needs.directory, progress);
  while (!progress.stopped) {
    progress.waitForWritten(progress.durable);
    const startedMs = clock.monotonicMs();
    if (progress.open) sync.syncOnce();
    progress.pause(Math.max(0, periodMs - (clock.monotonicMs() - startedMs)));
  }
  if (progress.open) sync.syncOnce();
  sync.close();
}
