/** Goal: a GeoIP database that cannot be used is told and stops nothing. Method: databases in a file system in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { city, writeGeoFile } from "#analysis/geoip/geo-database.fixture.ts";
import type { FileInfo } from "#kernel/ports/files.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog } from "#testing/log.ts";
import { DATABASE_BYTES_MAX, GeoDatabaseFile } from "./geo-database-file.ts";

const PATH = "/home/etc/city.mmdb";
const ADDRESS = "192.0.2.1";

function bytesOf(country: string): Buffer {
  return writeGeoFile({ networks: { "192.0.2.0/24": city(country) } });
}

function setUp(path: string | null = PATH) {
  const files = new FakeFiles();
  files.makeDirectory("/home/etc");
  const log = new RecordingLog();
  return { files, log, database: new GeoDatabaseFile(files, log, path) };
}

test("GeoDatabaseFile gives places, and those of another file once it is there", () => {
  const { files, log, database } = setUp();
  files.replace(PATH, bytesOf("US"));
  const first = database.read();
  assert.equal(first(ADDRESS), "US");
  assert.equal(database.read(), first, "the same file is not read again");
  files.replace(PATH, bytesOf("FR"));
  assert.equal(database.read()(ADDRESS), "FR");
  assert.equal(first(ADDRESS), "US", "who has the old one keeps it");
  assert.deepEqual(log.lines, []);
  assert.equal(database.damagedRecords, 0);
});

test("GeoDatabaseFile knows no place when no database is configured, and says nothing", () => {
  const { log, database } = setUp(null);
  assert.equal(database.read()(ADDRESS), null);
  assert.deepEqual(log.lines, []);
});

test("GeoDatabaseFile tells the path of a file that is missing or damaged, and what follows", () => {
  const { files, log, database } = setUp();
  assert.equal(database.read()(ADDRESS), null);
  files.replace(PATH, Buffer.from("<html>"));
  assert.equal(database.read()(ADDRESS), null);
  files.replace(PATH, bytesOf("US"));
  assert.equal(database.read()(ADDRESS), "US");
  files.replace(PATH, bytesOf("FR").subarray(0, 100));
  assert.equal(database.read()(ADDRESS), "US");
  const unable = `Unable to open GeoIP database from: ${PATH}`;
  assert.deepEqual(log.texts("error"), [
    `${unable} (disabling GeoIP): there is no such file`,
    `${unable} (disabling GeoIP): it is no MaxMind DB file`,
    `${unable} (the one in use stays): it is no MaxMind DB file`,
  ]);
});

test("GeoDatabaseFile does not read what is no file or too large", () => {
  class Unreadable extends FakeFiles {
    shown: Partial<FileInfo> = {};
    override info(path: string): FileInfo | null {
      const info = super.info(path);
      return info === null ? null : { ...info, ...this.shown };
    }
    override read(): Buffer {
      throw new RangeError("read");
    }
  }
  const files = new Unreadable();
  files.makeDirectory("/home/etc");
  files.replace(PATH, Buffer.from("x"));
  const log = new RecordingLog();
  const database = new GeoDatabaseFile(files, log, PATH);
  files.shown = { bytes: DATABASE_BYTES_MAX + 1 };
  database.read();
  files.shown = { kind: "directory" };
  database.read();
  assert.equal(log.texts("error").length, 2);
});
