/** Which blocks of the project's code an input was the first to run: V8's precise block coverage, about 2 ms an input. */
import { type Profiler, Session } from "node:inspector";

/** Of the code under test; the fuzzer itself and packages say nothing about an input. */
const OWN_CODE = /\/src\/(?!testing\/)/;

type Range = { readonly startOffset: number; readonly endOffset: number };

function holds(outer: Range, inner: Range): boolean {
  return outer.startOffset <= inner.startOffset && inner.endOffset <= outer.endOffset;
}

export class Coverage {
  readonly #session = new Session();
  /** The parts of each function that has run at all that never ran. */
  readonly #neverRun = new Map<string, readonly Range[]>();
  #blocks = 0;

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.start();
  }

  /** Without counts most code runs nearly as fast as without coverage. */
  start(): void {
    this.#session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  stop(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** How many blocks ran since the last call that never had before. */
  takeNew(): number {
    const before = this.#blocks;
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, scriptId, functions } of coverage.result) {
        if (!OWN_CODE.test(url)) continue;
        for (const { ranges } of functions) this.#add(scriptId, ranges);
      }
    });
    return this.#blocks - before;
  }

  /** The first range is the whole function; V8 names others only where they differ from what they stand in. */
  #add(scriptId: string, [whole, ...parts]: readonly Profiler.CoverageRange[]): void {
    if (whole === undefined || whole.count === 0) return;
    const key = `${scriptId}:${whole.startOffset}`;
    const idle = parts.filter(({ count }) => count === 0);
    const never = this.#neverRun.get(key);
    if (never === undefined) {
      this.#blocks++;
      this.#neverRun.set(key, idle);
      return;
    }
    if (never.length === 0) return;
    const left: Range[] = [];
    for (const range of never) {
      if (idle.some((part) => holds(part, range))) {
        left.push(range);
        continue;
      }
      this.#blocks++;
      left.push(...idle.filter((part) => holds(range, part)));
    }
    this.#neverRun.set(key, left);
  }
}
