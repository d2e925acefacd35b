/** Places of addresses, remembered within bounds: rules ask for the same few addresses again and again. */
import { ownCopy } from "../own-copy.ts";
import type { GeoDatabase } from "./geo-database.ts";

/** Null: the address has no place. */
export type PlaceLookup = (address: string) => string | null;

/** Without a database. */
export const NO_PLACES: PlaceLookup = () => null;

/** Of a field that the event may lack. */
export function placeOf(address: string | undefined, places: PlaceLookup): string | undefined {
  return address === undefined ? undefined : (places(address) ?? undefined);
}

/** The memo starts again when it is full. */
const PLACES_REMEMBERED_MAX = 8192;
/** The longest text of an address; anything longer is none. */
const ADDRESS_CHARS_MAX = 45;

export class GeoPlaces {
  readonly #database: GeoDatabase;
  readonly #known = new Map<string, string | null>();

  constructor(database: GeoDatabase) {
    this.#database = database;
  }

  readonly of: PlaceLookup = (address) => {
    if (address.length > ADDRESS_CHARS_MAX) return null;
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    if (this.#known.size >= PLACES_REMEMBERED_MAX) this.#known.clear();
    const place = this.#database.placeOf(address);
    this.#known.set(ownCopy(address), place);
    return place;
  };

  get damagedRecords(): number {
    return this.#database.damagedRecords;
  }
}
