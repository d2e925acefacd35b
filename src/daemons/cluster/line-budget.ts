/** How many lines of one log each of its writers may have in a second: what one of them floods with takes neither the disk nor the others' lines. */

export class LineBudget {
  readonly #eachMax: number;
  readonly #allMax: number;
  readonly #written = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();
  #all = 0;
  #second = Number.NaN;

  constructor(max: { readonly each: number; readonly all: number }) {
    this.#eachMax = max.each;
    this.#allMax = max.all;
  }

  /** What was left out before this second, by writer; told once. */
  over(second: number): readonly (readonly [writer: string, lines: number])[] {
    if (second === this.#second) return [];
    const told = [...this.#leftOut];
    this.#second = second;
    this.#all = 0;
    this.#written.clear();
    this.#leftOut.clear();
    return told;
  }

  /** Whether there is room for one more line of `writer`. */
  take(writer: string): boolean {
    const written = this.#written.get(writer) ?? 0;
    if (written >= this.#eachMax || this.#all >= this.#allMax) {
      this.#leftOut.set(writer, (this.#leftOut.get(writer) ?? 0) + 1);
      return false;
    }
    this.#all++;
    this.#written.set(writer, written + 1);
    return true;
  }
}
