/** A field sink for tests: keeps what it gets and has a table of the size that the test asks for. */
import { type FieldSink, STATIC_FIELDS, type StaticField } from "./sink.ts";

export class RecordingSink implements FieldSink {
  readonly dynamics: [name: string, value: string][] = [];
  readonly #statics = new Map<StaticField, string>();
  readonly #dynamicsMax: number;

  constructor(dynamicsMax = Number.POSITIVE_INFINITY) {
    this.#dynamicsMax = dynamicsMax;
  }

  /** In the order of alert documents. */
  get statics(): Record<string, string> {
    const entries = STATIC_FIELDS.map((name) => [name, this.#statics.get(name)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  setStatic(name: StaticField, value: string): void {
    this.#statics.set(name, value);
  }

  addDynamic(name: string, value: string): boolean {
    if (this.dynamics.length >= this.#dynamicsMax) return false;
    this.dynamics.push([name, value]);
    return true;
  }

  has(name: StaticField): boolean {
    return (this.#statics.get(name) ?? "") !== "";
  }
}
