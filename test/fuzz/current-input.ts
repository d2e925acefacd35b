/** The input that a thread is running, in shared memory: the main thread can save it when the thread hangs or dies of it. */

const HEADER_BYTES = 8;
const SEQUENCE = 0;
const LENGTH = 1;
/** No target makes larger inputs; the rest of one would not be saved. */
export const INPUT_BYTES_MAX = 8 * 1024 * 1024;

export class CurrentInput {
  readonly shared: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #bytes: Buffer;

  constructor(shared = new SharedArrayBuffer(HEADER_BYTES + INPUT_BYTES_MAX)) {
    this.shared = shared;
    this.#header = new Int32Array(shared, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = Buffer.from(shared, HEADER_BYTES);
  }

  /** Changes with every input. */
  get sequence(): number {
    return Atomics.load(this.#header, SEQUENCE);
  }

  get input(): string {
    return this.#bytes.toString("latin1", 0, Atomics.load(this.#header, LENGTH));
  }

  set input(input: string) {
    Atomics.store(this.#header, LENGTH, this.#bytes.write(input, "latin1"));
    Atomics.add(this.#header, SEQUENCE, 1);
  }
}
