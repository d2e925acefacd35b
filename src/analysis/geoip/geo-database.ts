/**
 * A database in MaxMind DB format and the one question that rules ask it: the place of an address, as the peer words it
 * (wazuh v4.14.7: src/analysisd/decoders/geoip.c): `US / California`, or `US` when no region is known.
 *
 * The bytes may be anything: a damaged database is refused, or has no answer for some addresses; it never throws.
 */
import { type Response as GeoRecord, Reader } from "mmdb-lib";
import { messageOf } from "#kernel/errors.ts";
import { formatIpAddress, parseIpAddress } from "#model/address.ts";
import { isBoundedValue } from "./value-bounds.ts";

/** The peer cuts a place where its buffer ends. */
const PLACE_BYTES_MAX = 254;
const COUNTRY_CODE_CHARS = 2;

const METADATA_MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
/** The format allows no more behind the data. */
const METADATA_BYTES_MAX = 128 * 1024;
/** A map of nine members, with some room for later ones. Fewer than 15, so that its first byte looks like no part of the marker. */
const METADATA_MAP_FIRST = 0xe1;
const METADATA_MAP_LAST = 0xee;
const FORMAT_MAJOR = 2;
const SECTION_SEPARATOR_BYTES = 16;

type Metadata = Reader<GeoRecord>["metadata"];

export type GeoDatabaseFault = {
  readonly code: "not_a_database" | "unsupported" | "damaged";
  readonly text: string;
};

/** What the library asks before it decodes anything: its only place to stop it. It remembers nothing. */
class DecodingGuard {
  readonly #bytes: Buffer;
  #base = 0;
  #armed = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  set base(offset: number) {
    this.#base = offset;
  }

  /** The next thing that is decoded is a record, pointers and all. */
  arm(): void {
    this.#armed = true;
  }

  get(offset: number | string): undefined {
    if (!this.#armed) return undefined;
    this.#armed = false;
    if (!isBoundedValue(this.#bytes, Number(offset), this.#base)) throw new RangeError("a damaged record");
    return undefined;
  }

  set(): void {}
}

function fault(code: GeoDatabaseFault["code"], text: string): GeoDatabaseFault {
  return { code, text };
}

/** Where the metadata begins, or -1. */
function metadataStart(bytes: Buffer): number {
  const marker = bytes.lastIndexOf(METADATA_MARKER);
  const start = marker + METADATA_MARKER.length;
  return marker < 0 || bytes.length - start > METADATA_BYTES_MAX ? -1 : start;
}

/** The types that the library states are what a sound database has. */
function metadataFault(metadata: Metadata, treeBytesMax: number): GeoDatabaseFault | null {
  const { nodeCount, searchTreeSize, ipVersion, binaryFormatMajorVersion } = metadata;
  if (binaryFormatMajorVersion !== FORMAT_MAJOR) return fault("unsupported", "its format version is unknown");
  if (ipVersion !== 4 && ipVersion !== 6) return fault("damaged", "its IP version is neither 4 nor 6");
  if (!Number.isSafeInteger(nodeCount) || nodeCount < 1) return fault("damaged", "it has no search tree");
  return searchTreeSize <= treeBytesMax ? null : fault("damaged", "its search tree is longer than the file");
}

export function openGeoDatabase(bytes: Buffer): GeoDatabase | GeoDatabaseFault {
  const start = metadataStart(bytes);
  if (start < 0) return fault("not_a_database", "it is no MaxMind DB file");
  const control = bytes[start] ?? 0;
  const isMap = control >= METADATA_MAP_FIRST && control <= METADATA_MAP_LAST;
  if (!isMap || !isBoundedValue(bytes, start, start)) return fault("damaged", "its metadata are damaged");
  const guard = new DecodingGuard(bytes);
  try {
    const reader = new Reader<GeoRecord>(bytes, { cache: guard });
    const wrong = metadataFault(reader.metadata, start - METADATA_MARKER.length - SECTION_SEPARATOR_BYTES);
    if (wrong !== null) return wrong;
    guard.base = reader.metadata.searchTreeSize + SECTION_SEPARATOR_BYTES;
    return new GeoDatabase(reader, guard);
  } catch (error) {
    return fault("damaged", messageOf(error));
  }
}

export class GeoDatabase {
  readonly #reader: Reader<GeoRecord>;
  readonly #guard: DecodingGuard;
  #damagedRecords = 0;

  constructor(reader: Reader<GeoRecord>, guard: DecodingGuard) {
    this.#reader = reader;
    this.#guard = guard;
  }

  /** Look-ups that found something unreadable. */
  get damagedRecords(): number {
    return this.#damagedRecords;
  }

  /** A latin1 text of UTF-8 bytes, as all texts of the engine. Null for what is no address and what has no entry. */
  placeOf(text: string): string | null {
    const address = parseIpAddress(text);
    if (address === null) return null;
    // The library would read the first bits of an IPv6 address as an IPv4 one.
    if (address.version === 6 && this.#reader.metadata.ipVersion === 4) return null;
    return placeText(this.#record(formatIpAddress(address)));
  }

  #record(address: string): unknown {
    this.#guard.arm();
    try {
      return this.#reader.get(address);
    } catch {
      this.#damagedRecords++;
      return null;
    }
  }
}

/** The member of an object; names come from a file, so only its own. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function placeText(record: unknown): string | null {
  const country = member(member(record, "country"), "iso_code");
  if (typeof country !== "string" || country.length < COUNTRY_CODE_CHARS) return null;
  const subdivisions = member(record, "subdivisions");
  const first: unknown = Array.isArray(subdivisions) ? subdivisions[0] : undefined;
  const region = member(member(first, "names"), "en");
  const text = typeof region === "string" && region !== "" ? `${country} / ${region}` : country;
  return Buffer.from(text, "utf8").toString("latin1", 0, PLACE_BYTES_MAX);
}
