/** Two parts of the journal that a simulation looks into. */
import { JournalWriter } from "#journal/journal-writer.ts";
import { SharedProgress } from "#journal/shared-progress.ts";

/** `SharedProgress` waits for other threads of the real machine; here waiters are told by the turn of the world. */
export class SimulatedProgress extends SharedProgress {
  #waiters: (() => void)[] = [];
  readonly #synced: (position: number) => void;

  constructor(synced: (position: number) => void) {
    super();
    this.#synced = synced;
  }

  override publishWritten(position: number): void {
    super.publishWritten(position);
    this.#wake();
  }

  override publishDurable(position: number): void {
    super.publishDurable(position);
    if (!this.syncFailed) this.#synced(position);
    this.#wake();
  }

  override stop(): void {
    super.stop();
    this.#wake();
  }

  override async writtenChanged(seen: number): Promise<void> {
    while (this.written === seen && !this.stopped) await this.#changed();
  }

  override async durableChanged(seen: number): Promise<void> {
    while (this.durable === seen) await this.#changed();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Says what it is about to write and what it accepted. */
export class WatchedWriter extends JournalWriter {
  offered: (block: Buffer) => void = () => {};
  written: (block: Buffer) => void = () => {};

  override append(block: Buffer): boolean {
    this.offered(block);
    const accepted = super.append(block);
    if (accepted) this.written(block);
    return accepted;
  }
}
