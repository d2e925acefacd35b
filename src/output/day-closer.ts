/**
 * What happens to the files of a day that is over: a checksum file is written, each part is compressed and removed.
 *
 * What is to do is read from the directories, so a crash or a time without manager needs no memory of ours. Work is done in
 * steps of some milliseconds (limits.ts) because alerts are written on the same thread. Counterpart: wazuh-monitord.
 */
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import { DigestSet, type Digests, sumText } from "./checksum.ts";
import {
  type Day,
  dayPath,
  daysBefore,
  FILE_DEFINITIONS,
  type FileDefinition,
  type FileKind,
  monthDirectory,
  namesIn,
  parentOf,
  partPath,
  partsAmong,
  sumPath,
  syncDirectory,
} from "./day-files.ts";
import type { OutputEvents } from "./events.ts";
import { gzipFile } from "./gzip.ts";
import { CATCH_UP_DAYS_MAX, CLOSING_RETRY_MS, HASH_STEP_BYTES, STEP_DELAY_MS } from "./limits.ts";

export type DayCloserNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly events: OutputEvents;
  /** Absolute. */
  readonly home: string;
  /** Whether a file of that day is still needed as it is. */
  uses(definition: FileDefinition, day: Day): boolean;
};

export type ClosingOptions = {
  /** `monitord.sign`. */
  readonly sign: boolean;
  /** `monitord.compress`. */
  readonly compress: boolean;
  /** `monitord.day_wait`: readers of the files finish in this time. */
  readonly waitSeconds: number;
};

type Job = { readonly definition: FileDefinition; readonly day: Day };

/** Ends with whether something had to be left for later. */
type Steps = Generator<void, boolean>;

export class DayCloser {
  readonly #needs: DayCloserNeeds;
  readonly #kinds: ReadonlySet<FileKind>;
  readonly #options: ClosingOptions;
  readonly #localClock = new LocalClock();
  #ended: Job[] = [];
  #steps: Steps | null = null;
  #timer: Timer;

  /** `kinds` are those that are written: their chain goes on over a day without a file. */
  constructor(needs: DayCloserNeeds, kinds: ReadonlySet<FileKind>, options: ClosingOptions) {
    this.#needs = needs;
    this.#kinds = kinds;
    this.#options = options;
    this.#timer = needs.clock.after(options.waitSeconds * 1000, () => this.#begin());
  }

  dayEnded(day: Day): void {
    const written = FILE_DEFINITIONS.filter(({ kind }) => this.#kinds.has(kind));
    this.#ended.push(...written.map((definition) => ({ definition, day })));
    if (this.#steps === null) this.#beginAfter(this.#options.waitSeconds * 1000);
  }

  close(): void {
    this.#timer.cancel();
    this.#guarded(() => this.#steps?.return(false));
    this.#steps = null;
  }

  #beginAfter(delayMs: number): void {
    this.#timer.cancel();
    this.#timer = this.#needs.clock.after(delayMs, () => this.#begin());
  }

  #begin(): void {
    this.#steps = this.#closeAll();
    this.#step(this.#steps);
  }

  #step(steps: Steps): void {
    const result = this.#guarded(() => steps.next());
    if (result?.done === false) {
      this.#timer = this.#needs.clock.after(STEP_DELAY_MS, () => this.#step(steps));
      return;
    }
    this.#steps = null;
    const failed = result === null;
    if (failed || result.value) this.#beginAfter(CLOSING_RETRY_MS);
    else if (this.#ended.length > 0) this.#beginAfter(this.#options.waitSeconds * 1000);
  }

  /** Null when the world did not let it happen. */
  #guarded<T>(act: () => T): T | null {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.events.closingFailed(error);
      return null;
    }
  }

  /** Oldest first: a checksum file takes in the one of the day before. */
  *#closeAll(): Steps {
    let left = false;
    for (const job of [...this.#unfinished(), ...this.#ended.splice(0)]) {
      if (this.#needs.uses(job.definition, job.day)) left = true;
      else yield* this.#closeDay(job);
    }
    return left;
  }

  #unfinished(): readonly Job[] {
    const { files, clock, home } = this.#needs;
    const { sign, compress } = this.#options;
    const today = this.#localClock.at(clock.wallMs());
    const namesOf = new Map<string, readonly string[]>();
    const jobs: Job[] = [];
    for (let count = CATCH_UP_DAYS_MAX; count > 0; count--) {
      const day = daysBefore(today, count);
      for (const definition of FILE_DEFINITIONS) {
        const directory = monthDirectory(definition, day);
        const names = namesOf.get(directory) ?? namesIn(files, `${home}/${directory}`);
        namesOf.set(directory, names);
        const { plain, signed } = partsAmong(names, definition, day);
        if (plain.length > 0 && (compress || (sign && !signed))) jobs.push({ definition, day });
      }
    }
    return jobs;
  }

  *#closeDay({ definition, day }: Job): Generator<void, void> {
    const { files, home } = this.#needs;
    const names = namesIn(files, `${home}/${monthDirectory(definition, day)}`);
    const { plain, signed } = partsAmong(names, definition, day);
    if (this.#options.sign && !signed) yield* this.#sign(definition, day, plain);
    if (!this.#options.compress) return;
    for (const part of plain) yield* this.#compress(partPath(definition, day, part));
  }

  *#sign(definition: FileDefinition, day: Day, parts: readonly number[]): Generator<void, void> {
    const { files, events, home } = this.#needs;
    const digests = new DigestSet();
    for (const part of parts) yield* this.#digest(digests, partPath(definition, day, part));
    const chainedPath = sumPath(definition, daysBefore(day, 1));
    const path = sumPath(definition, day);
    // As with the peer, parts alone do not make a day: without the first file there is no digest.
    const current = parts.includes(0) ? digests.finish() : null;
    const text = sumText(dayPath(definition, day), current, chainedPath, this.#digestsOf(chainedPath));
    files.replace(`${home}/${path}`, Buffer.from(text));
    events.signed(path);
  }

  *#digest(digests: DigestSet, path: string): Generator<void, void> {
    const file = this.#needs.files.open(`${this.#needs.home}/${path}`, "read");
    try {
      const memory = Buffer.allocUnsafe(HASH_STEP_BYTES);
      let bytes = 0;
      for (let count = file.read(memory, 0); count > 0; count = file.read(memory, bytes)) {
        digests.update(memory.subarray(0, count));
        bytes += count;
        yield;
      }
    } finally {
      file.close();
    }
  }

  /** Of a checksum file; null when there is none. */
  #digestsOf(path: string): Digests {
    const { files, events, home } = this.#needs;
    if (files.info(`${home}/${path}`) === null) {
      events.chainBegun(path);
      return null;
    }
    const digests = new DigestSet();
    digests.update(files.read(`${home}/${path}`));
    return digests.finish();
  }

  /** The file goes only when its compressed form is whole and on disk. */
  *#compress(path: string): Generator<void, void> {
    const { files, events, home } = this.#needs;
    const from = `${home}/${path}`;
    const temporary = `${from}.gz.tmp`;
    this.#removeIfThere(temporary);
    try {
      yield* gzipFile(files, from, temporary);
      files.rename(temporary, `${from}.gz`);
    } finally {
      this.#removeIfThere(temporary);
    }
    syncDirectory(files, parentOf(from));
    files.remove(from);
    events.compressed(path);
  }

  #removeIfThere(path: string): void {
    const { files } = this.#needs;
    if (files.info(path) !== null) files.remove(path);
  }
}
