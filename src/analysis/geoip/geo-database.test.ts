/**
 * Goal: the place of an address as the peer words it, and no file that can hurt. Method: databases written here by the format's
 * document, each with what only the document knows; then cut, damaged and malicious ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import {
  city,
  claimed,
  encodeValue,
  type GeoFile,
  type GeoValue,
  writeGeoFile,
} from "./geo-database.fixture.ts";
import { GeoDatabase, openGeoDatabase } from "./geo-database.ts";
import { GeoPlaces } from "./geo-places.ts";
import { isBoundedValue } from "./value-bounds.ts";

const NETWORKS = {
  "198.51.100.0/24": city("US", "California"),
  "203.0.113.0/25": city("FR"),
  "203.0.113.128/25": city("CH", "Zürich"),
  "2001:db8::/32": city("JP", "Tokyo"),
};

function open(file: GeoFile): GeoDatabase {
  const database = openGeoDatabase(writeGeoFile(file));
  assert(database instanceof GeoDatabase, JSON.stringify(database));
  return database;
}

/** A database in which one address has this record. */
function placeIn(record: GeoValue, data = Buffer.alloc(0)): string | null {
  return open({ networks: { "192.0.2.1/32": record }, data }).placeOf("192.0.2.1");
}

test("GeoDatabase.placeOf() gives country and region in every size of records", () => {
  for (const recordBits of [24, 28, 32] as const) {
    const database = open({ networks: NETWORKS, recordBits });
    assert.equal(database.placeOf("198.51.100.7"), "US / California");
    assert.equal(database.placeOf("203.0.113.7"), "FR");
    assert.equal(database.placeOf("203.0.113.200"), "CH / Z\xc3\xbcrich", "UTF-8, one char a byte");
    assert.equal(database.placeOf("2001:db8::1"), "JP / Tokyo");
    assert.equal(database.placeOf("::ffff:198.51.100.7"), "US / California");
  }
});

test("GeoDatabase.placeOf() has no place for private and unknown addresses and for what is no address", () => {
  const database = open({ networks: NETWORKS });
  const texts = ["10.0.0.1", "192.168.1.1", "127.0.0.1", "fe80::1", "2001:db9::1", "198.51.101.1"];
  for (const text of [
    ...texts,
    "",
    "web1",
    "198.51.100.7:80",
    "198.51.100",
    "198.51.100.07",
    "1".repeat(1e6),
    "::g",
  ]) {
    assert.equal(database.placeOf(text), null, text.slice(0, 40));
  }
  assert.equal(database.damagedRecords, 0);
});

test("GeoDatabase.placeOf() does not take an IPv6 address for the IPv4 one that its first bits spell", () => {
  const database = open({ networks: { "32.1.0.0/16": city("US") }, ipVersion: 4, recordBits: 24 });
  assert.equal(database.placeOf("32.1.13.184"), "US");
  assert.equal(database.placeOf("2001:db8::1"), null);
});

test("GeoDatabase.placeOf() follows pointers and reads records that say less or otherwise", () => {
  const shared = Buffer.concat([encodeValue("DE"), encodeValue({ en: "Hessen" })]);
  const names = { pointer: encodeValue("DE").length };
  const pointing = { country: { iso_code: { pointer: 0 } }, subdivisions: [{ names }] };
  assert.equal(placeIn(pointing, shared), "DE / Hessen");
  const rows: readonly (readonly [GeoValue, string | null])[] = [
    ["text", null],
    [[], null],
    [{}, null],
    [{ country: "DE" }, null],
    [{ country: { iso_code: 5 } }, null],
    [{ country: { iso_code: "D" } }, null],
    [{ registered_country: { iso_code: "DE" } }, null],
    [{ country: { iso_code: "DE" }, subdivisions: [] }, "DE"],
    [{ country: { iso_code: "DE" }, subdivisions: { names: { en: "x" } } }, "DE"],
    [{ country: { iso_code: "DE" }, subdivisions: [{ names: { de: "nur so" } }] }, "DE"],
    [{ country: { iso_code: "DE" }, subdivisions: [{ names: { en: "" } }] }, "DE"],
    [{ ["__proto__"]: { country: { iso_code: "DE" } } }, null],
  ];
  for (const [record, place] of rows) assert.equal(placeIn(record), place, JSON.stringify(record));
  assert.equal(placeIn(city("DE", "r".repeat(280)))?.length, 254);
});

test("openGeoDatabase() says what is wrong with a file", () => {
  const codeOf = (bytes: Buffer) => {
    const outcome = openGeoDatabase(bytes);
    return outcome instanceof GeoDatabase ? "none" : outcome.code;
  };
  const changed = (metadata: GeoFile["metadata"] = {}) =>
    codeOf(writeGeoFile({ networks: NETWORKS, metadata }));
  const whole = writeGeoFile({ networks: NETWORKS });
  assert.equal(codeOf(whole), "none");
  assert.equal(codeOf(Buffer.alloc(0)), "not_a_database");
  assert.equal(codeOf(Buffer.from("<html>404</html>")), "not_a_database");
  assert.equal(codeOf(whole.subarray(0, whole.length / 2)), "not_a_database");
  assert.equal(codeOf(Buffer.concat([whole, Buffer.alloc(200_000)])), "not_a_database");
  assert.equal(changed({ binary_format_major_version: 3 }), "unsupported");
  assert.equal(changed({ record_size: 20 }), "damaged");
  assert.equal(changed({ ip_version: 5 }), "damaged");
  for (const count of [0, 100_000, 0xffff_ffff, "many", [7]])
    assert.equal(changed({ node_count: count }), "damaged");
  const metadata = whole.lastIndexOf("MaxMind.com") + 11;
  for (const first of [0x00, 0x44, 0xe0, 0xef, 0xff]) {
    const bytes = Buffer.from(whole);
    bytes[metadata] = first;
    assert.equal(codeOf(bytes), "damaged", String(first));
  }
});

/** Each level is an array of two pointers to the one before it: 2^levels values in a few bytes. */
function doubling(levels: number): { data: Buffer; top: number } {
  let data = encodeValue("x");
  let top = 0;
  for (let level = 0; level < levels; level++) {
    const next = encodeValue([{ pointer: top }, { pointer: top }]);
    top = data.length;
    data = Buffer.concat([data, next]);
  }
  return { data, top };
}

test("GeoDatabase gives no answer for a record that would loop, explode or fill the memory", () => {
  const loop = encodeValue({ pointer: 0 });
  const pair = encodeValue([{ pointer: 0 }]);
  const { data, top } = doubling(40);
  const wide = doubling(13);
  const deep = Buffer.concat(Array.from({ length: 2000 }, () => encodeValue([""]).subarray(0, 2)));
  const huge = Buffer.concat(Array.from({ length: 40 }, () => claimed(11, 16_000_000)));
  const hugeMap = Buffer.concat([claimed(7, 16_000_000), Buffer.alloc(64, 0x40)]);
  const pointer = { pointer: 0 };
  const rows = [loop, pair, deep, huge, hugeMap].map((bytes) => ({ bytes, record: pointer }));
  rows.push({ bytes: data, record: { pointer: top } }, { bytes: wide.data, record: { pointer: wide.top } });
  for (const { bytes, record } of rows) {
    const database = open({ networks: { "192.0.2.1/32": record, "192.0.2.2/32": city("IT") }, data: bytes });
    const begun = process.hrtime.bigint();
    assert.equal(database.placeOf("192.0.2.1"), null);
    assert(process.hrtime.bigint() - begun < 100_000_000n, "100 ms");
    assert.equal(database.damagedRecords, 1);
    assert.equal(database.placeOf("192.0.2.2"), "IT", "the others are there");
  }
});

test("openGeoDatabase() refuses metadata that would loop or explode", () => {
  const fault = (description: GeoValue) =>
    openGeoDatabase(writeGeoFile({ networks: NETWORKS, metadata: { description } }));
  assert(fault("fine") instanceof GeoDatabase);
  assert(!(fault({ pointer: 0 }) instanceof GeoDatabase), "the metadata are in themselves");
  assert(openGeoDatabase(withBombInMetadata(3)) instanceof GeoDatabase);
  assert(!(openGeoDatabase(withBombInMetadata(40)) instanceof GeoDatabase));
});

/** One member more, which points behind the metadata: nothing else looks at what is there. */
function withBombInMetadata(levels: number): Buffer {
  const bytes = writeGeoFile({ networks: NETWORKS });
  const start = bytes.lastIndexOf("MaxMind.com") + 11;
  const { data, top } = doubling(levels);
  const tail = bytes.length - start + 20;
  const longer = Buffer.concat([
    bytes.subarray(0, start),
    Buffer.from([(bytes[start] ?? 0) + 1]),
    encodeValue("bomb"),
    encodeValue({ pointer: tail + top }),
    bytes.subarray(start + 1),
  ]);
  return Buffer.concat([longer, Buffer.alloc(start + tail - longer.length), rebase(data, tail)]);
}

/** The same data, all of whose pointers count from further off. */
function rebase(data: Buffer, by: number): Buffer {
  const moved = Buffer.from(data);
  for (let at = 0; at < moved.length; at++) {
    if (moved[at] !== 0x38) continue;
    moved.writeUInt32BE(moved.readUInt32BE(at + 1) + by, at + 1);
    at += 4;
  }
  return moved;
}

const SMALL = writeGeoFile({
  networks: { "0.0.0.0/1": city("US", "California"), "192.0.2.0/24": city("FR") },
});

function assertHarmless(bytes: Buffer): void {
  const database = openGeoDatabase(bytes);
  if (!(database instanceof GeoDatabase)) {
    assert.notEqual(database.text, "");
    return;
  }
  for (const address of ["1.2.3.4", "192.0.2.1", "255.1.1.1", "::", "ffff::1"]) {
    const place = database.placeOf(address);
    assert(place === null || place.length <= 254);
  }
}

test("GeoDatabase takes a database that is cut anywhere", () => {
  for (let length = 0; length < SMALL.length; length++) assertHarmless(SMALL.subarray(0, length));
});

test("GeoDatabase takes a database with any bit flipped", () => {
  for (let at = 0; at < SMALL.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(SMALL);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      assertHarmless(bytes);
    }
  }
});

test("GeoDatabase takes any damaged database", () => {
  const random = new SeededRandom(20);
  for (let round = 0; round < 4000; round++) assertHarmless(random.mutate(SMALL));
});

test("isBoundedValue() knows the end of every kind of value", () => {
  const start = (bytes: number[]) => isBoundedValue(Buffer.from(bytes), 0, 0);
  const rows: readonly (readonly [number[], boolean])[] = [
    [[], false],
    [[0x00], false],
    [[0x01, 0x07], true], // boolean true
    [[0x42, 0x61], false],
    [[0x42, 0x61, 0x62], true],
    [[0x5d], false],
    [[0x5d, 0, ...Array<number>(29).fill(0x61)], true],
    [[0x5e, 0, 0], false],
    [[0x20], false],
    [[0x20, 0], false],
    [[0x20, 2, 0x40], true],
    [[0x28, 0, 0], false], // 2048 and more
    [[0x38, 0, 0, 0, 5, 0x40], true],
    [[0x02, 0x04, 0x40], false], // an array of two
    [[0x02, 0x04, 0x40, 0x40], true],
    [[0xe1, 0x40], false],
    [[0xe1, 0x40, 0x40], true],
  ];
  for (const [bytes, bounded] of rows) assert.equal(start(bytes), bounded, JSON.stringify(bytes));
});

test("GeoPlaces remembers places, and no more than it may", () => {
  let asked = 0;
  class Counting extends GeoDatabase {
    override placeOf(): string | null {
      asked++;
      return asked === 1 ? "US" : null;
    }
  }
  const database = Object.create(Counting.prototype) as GeoDatabase;
  const places = new GeoPlaces(database);
  assert.equal(places.of("192.0.2.1"), "US");
  assert.equal(places.of("192.0.2.1"), "US");
  assert.equal(places.of("192.0.2.2"), null);
  assert.equal(places.of("192.0.2.2"), null, "that there is none is remembered too");
  assert.equal(asked, 2);
  assert.equal(places.of("x".repeat(46)), null);
  assert.equal(asked, 2, "what is too long is not looked up");
  for (let index = 0; index < 9000; index++) places.of(`10.0.${index >> 8}.${index & 255}`);
  assert.equal(places.of("192.0.2.1"), null, "the memo began again");
});
