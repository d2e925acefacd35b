/** Writes databases in MaxMind DB format (https://maxmind.github.io/MaxMind-DB/) for the tests of this folder and above. */
import { type IpAddress, parseIpAddress } from "#model/address.ts";

/** A value of the data section; `pointer` is an offset in it. */
export type GeoValue =
  | string
  | number
  | { readonly pointer: number }
  | readonly GeoValue[]
  | { readonly [key: string]: GeoValue };

export type GeoFile = {
  readonly ipVersion?: 4 | 6;
  readonly recordBits?: 24 | 28 | 32;
  /** By network, `192.0.2.0/24`. IPv4 networks stand below `::/96` in a tree for IPv6. */
  readonly networks: Readonly<Record<string, GeoValue>>;
  /** Stands in front of the records: what their pointers can name. */
  readonly data?: Buffer;
  readonly metadata?: Readonly<Record<string, GeoValue>>;
};

const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const SEPARATOR = Buffer.alloc(16);

function isList(value: GeoValue): value is readonly GeoValue[] {
  return Array.isArray(value);
}

function sized(type: number, length: number): Buffer {
  const [first, extended] = type <= 7 ? [type << 5, []] : [0, [type - 7]];
  if (length < 29) return Buffer.from([first | length, ...extended]);
  if (length < 285) return Buffer.from([first | 29, ...extended, length - 29]);
  return Buffer.from([first | 30, ...extended, (length - 285) >> 8, (length - 285) & 0xff]);
}

/** A control byte for arrays and maps of a length that is not there. */
export function claimed(type: 7 | 11, length: number): Buffer {
  const more = length - 65_821;
  const bytes = [more >> 16, (more >> 8) & 0xff, more & 0xff];
  return Buffer.from(type === 7 ? [0xff, ...bytes] : [0x1f, type - 7, ...bytes]);
}

export function encodeValue(value: GeoValue): Buffer {
  if (typeof value === "string") {
    const text = Buffer.from(value, "utf8");
    return Buffer.concat([sized(2, text.length), text]);
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([sized(6, 4), bytes]);
  }
  if (isList(value)) return Buffer.concat([sized(11, value.length), ...value.map(encodeValue)]);
  const { pointer } = value;
  if (typeof pointer === "number") {
    const bytes = Buffer.alloc(5, 0x38);
    bytes.writeUInt32BE(pointer, 1);
    return bytes;
  }
  const members = Object.entries(value);
  const pairs = members.flatMap(([key, item]) => [encodeValue(key), encodeValue(item)]);
  return Buffer.concat([sized(7, members.length), ...pairs]);
}

type Node = [Node | number | null, Node | number | null];

function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const [text = "", prefix] = network.split("/");
  const address: IpAddress | null = parseIpAddress(text);
  if (address === null) throw new RangeError(network);
  const bits = address.words.flatMap((word) => [...word.toString(2).padStart(16, "0")].map(Number));
  const own = bits.slice(0, Number(prefix ?? bits.length));
  return ipVersion === 6 && address.version === 4 ? [...Array<number>(96).fill(0), ...own] : own;
}

/** `data` is the offset of the network's record. */
function insert(root: Node, bits: readonly number[], data: number): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const side = bit === 0 ? 0 : 1;
    let next = node[side];
    if (!Array.isArray(next)) {
      next = [null, null];
      node[side] = next;
    }
    node = next;
  }
  node[bits.at(-1) === 0 ? 0 : 1] = data;
}

function nodesOf(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) for (const side of node) if (Array.isArray(side)) nodes.push(side);
  return nodes;
}

function writeNode(bits: 24 | 28 | 32, left: number, right: number): Buffer {
  if (bits === 32) {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(left, 0);
    bytes.writeUInt32BE(right, 4);
    return bytes;
  }
  const middle = bits === 28 ? [((left >>> 24) << 4) | (right >>> 24)] : [];
  const low = (value: number) => [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
  return Buffer.from([...low(left), ...middle, ...low(right)]);
}

export function writeGeoFile(file: GeoFile): Buffer {
  const { ipVersion = 6, recordBits = 28, networks, data = Buffer.alloc(0), metadata = {} } = file;
  const root: Node = [null, null];
  const parts = [data];
  let offset = data.length;
  for (const [network, value] of Object.entries(networks)) {
    insert(root, bitsOf(network, ipVersion), offset);
    const bytes = encodeValue(value);
    parts.push(bytes);
    offset += bytes.length;
  }
  const nodes = nodesOf(root);
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const recordOf = (side: Node[0]) => {
    if (side === null) return nodes.length;
    return typeof side === "number" ? nodes.length + SEPARATOR.length + side : (numbers.get(side) ?? 0);
  };
  const tree = nodes.map(([left, right]) => writeNode(recordBits, recordOf(left), recordOf(right)));
  const facts = {
    node_count: nodes.length,
    record_size: recordBits,
    ip_version: ipVersion,
    database_type: "Test-City",
    languages: ["en"],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    description: { en: "for tests" },
    ...metadata,
  };
  return Buffer.concat([...tree, SEPARATOR, ...parts, MARKER, encodeValue(facts)]);
}

export function city(country: string, region?: string): GeoValue {
  const names = { de: "nicht dies", en: region ?? "" };
  return {
    city: { names: { en: "Somewhere" } },
    country: { geoname_id: 6_252_001, iso_code: country, names: { en: "A country" } },
    ...(region === undefined
      ? {}
      : { subdivisions: [{ iso_code: "XX", names }, { names: { en: "second" } }] }),
  };
}
