/** The registry's file of SQLite from one life of a manager to the next: the only real file of a simulation. */
import { copyFileSync, existsSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { ProcessEnding, World } from "./world.ts";

/** SQLite copies its log into the file from here on; a shorter one holds all commits of the process. */
const WAL_BYTES_MAX = 1000 * 4120;

function databasePath(folder: string, life: number): string {
  return join(folder, `registry-${life}.db`);
}

/** In one life. The next one finds it as it is at the end; a loss of power may take the last commits. */
export class DatabaseFile {
  readonly path: string;
  readonly #world: World;
  readonly #next: string;
  readonly #previous: string;
  /** Of SQLite's log, now and a while ago. */
  #syncedBytes = 0;
  #writtenBytes = 0;

  constructor(world: World, folder: string, life: number) {
    this.#world = world;
    this.path = databasePath(folder, life);
    this.#next = databasePath(folder, life + 1);
    this.#previous = databasePath(folder, life - 1);
  }

  /** The system writes out what it has held for a while. */
  synced(): void {
    this.#syncedBytes = this.#writtenBytes;
    this.#writtenBytes = bytesOf(`${this.path}-wal`);
  }

  keep(ending: ProcessEnding): void {
    const log = `${this.#next}-wal`;
    for (const suffix of ["", "-wal"])
      if (existsSync(this.path + suffix)) copyFileSync(this.path + suffix, this.#next + suffix);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.#previous + suffix, { force: true });
    const bytes = bytesOf(log);
    // A longer log was begun anew, so its length says nothing.
    if (ending !== "power_loss" || bytes === 0 || bytes >= WAL_BYTES_MAX || this.#world.chance(0.5)) return;
    truncateSync(log, this.#world.between(Math.min(this.#syncedBytes, bytes), bytes));
  }
}

function bytesOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
