/** The GeoIP database as a file: read at the start, and again when the rule set is loaded anew and another file stands there. */
import { GeoDatabase, openGeoDatabase } from "#analysis/geoip/geo-database.ts";
import { GeoPlaces, NO_PLACES, type PlaceLookup } from "#analysis/geoip/geo-places.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";

/** The file is held in memory; the largest that are sold have half of it. */
export const DATABASE_BYTES_MAX = 1024 * 1024 * 1024;

export class GeoDatabaseFile {
  readonly #files: Files;
  readonly #log: Log;
  /** Null when none is configured. */
  readonly #path: string | null;
  #places: GeoPlaces | null = null;
  /** Of the file that is in use. */
  #version = "";

  constructor(files: Files, log: Log, path: string | null) {
    this.#files = files;
    this.#log = log;
    this.#path = path;
  }

  /** A file that cannot be used is told, and the one before stays; without any, no address has a place. */
  read(): PlaceLookup {
    if (this.#path !== null) {
      const reason = this.#open(this.#path);
      const consequence = this.#places === null ? "disabling GeoIP" : "the one in use stays";
      // The peer's text as far as the parenthesis.
      const text = `Unable to open GeoIP database from: ${this.#path} (${consequence}): ${reason}`;
      if (reason !== null) this.#log.write("error", text);
    }
    return this.#places?.of ?? NO_PLACES;
  }

  get damagedRecords(): number {
    return this.#places?.damagedRecords ?? 0;
  }

  /** Null when the places are those of the file as it is now, else why they are not. */
  #open(path: string): string | null {
    try {
      const info = this.#files.info(path);
      if (info === null) return "there is no such file";
      if (info.kind !== "file") return "it is no file";
      if (info.bytes > DATABASE_BYTES_MAX) return `it has more than ${DATABASE_BYTES_MAX} bytes`;
      const version = `${info.inode} ${info.modifiedMs} ${info.bytes}`;
      if (this.#places !== null && version === this.#version) return null;
      const database = openGeoDatabase(this.#files.read(path));
      if (!(database instanceof GeoDatabase)) return database.text;
      this.#places = new GeoPlaces(database);
      this.#version = version;
      return null;
    } catch (error) {
      if (error instanceof CodedError) return error.message;
      throw error;
    }
  }
}
