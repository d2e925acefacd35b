/** `<accumulate>`: fills what one line lacks from earlier lines of the same id (wazuh v4.14.7: src/analysisd/accumulator.c). */
import { type Event, ID, staticIndex } from "../event.ts";
import { ownCopy } from "../own-copy.ts";

const KEY_BYTES_MAX = 255;
const VALUE_BYTES_MAX = 80;
const ENTRY_SECONDS_MAX = 120;
/** Old entries are looked for once in so many calls. */
const PURGE_PERIOD_CALLS = 200;
/** Ids come from outside, any number within the seconds above: about 40 MB at the worst; the one unused longest goes. */
export const ENTRIES_MAX = 65_536;

const FIELDS = (["dstuser", "srcuser", "dstip", "srcip", "dstport", "srcport", "data"] as const).map(
  staticIndex,
);

type Entry = { atSeconds: number; readonly values: (string | undefined)[] };

export type AccumulatorSnapshot = {
  readonly calls: number;
  readonly entries: readonly (readonly [
    key: string,
    atSeconds: number,
    values: readonly (string | undefined)[],
  ])[];
};

export class Accumulator {
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>();
  #calls = 0;

  apply(event: Event): void {
    const nowSeconds = Math.floor(event.receivedMs / 1000);
    if (++this.#calls % PURGE_PERIOD_CALLS === 0) this.#purge(nowSeconds);
    const id = event.statics[ID];
    if (id === undefined) return;
    const key = `${event.hostname ?? ""} ${event.decoder.shownName} ${id}`;
    if (key.length > KEY_BYTES_MAX) return;
    const known = this.#entries.get(key);
    const fresh = known !== undefined && nowSeconds - known.atSeconds <= ENTRY_SECONDS_MAX;
    const entry = fresh ? known : { atSeconds: nowSeconds, values: FIELDS.map(() => undefined) };
    entry.atSeconds = nowSeconds;
    this.#entries.delete(key);
    this.#entries.set(ownCopy(key), entry);
    if (this.#entries.size > ENTRIES_MAX) this.#dropOldest();
    exchange(event, entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  snapshot(): AccumulatorSnapshot {
    const entries = [...this.#entries].map(([key, entry]) => [key, entry.atSeconds, entry.values] as const);
    return { calls: this.#calls, entries };
  }

  restore(snapshot: AccumulatorSnapshot): void {
    this.#calls = snapshot.calls;
    for (const [key, atSeconds, values] of snapshot.entries) {
      this.#entries.set(key, { atSeconds, values: [...values] });
    }
  }

  #purge(nowSeconds: number): void {
    for (const [key, entry] of this.#entries) {
      if (nowSeconds - entry.atSeconds <= ENTRY_SECONDS_MAX) return;
      this.#entries.delete(key);
    }
  }

  #dropOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

function exchange(event: Event, entry: Entry): void {
  for (const [place, field] of FIELDS.entries()) {
    const own = event.statics[field];
    const stored = entry.values[place];
    if (own === undefined || own === "") {
      if (stored !== undefined) event.statics[field] = stored;
    } else if (stored === undefined && own.length <= VALUE_BYTES_MAX) entry.values[place] = ownCopy(own);
  }
}
