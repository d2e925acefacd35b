/**
 * Goal: archives of the peer are read, ours are as the peer wants them, and none writes anywhere or grows without bound. Method: a recorded
 * archive cut at every position; hostile members; bombs; damage.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { SeededRandom } from "#testing/random.ts";
import {
  ARCHIVE_LIMITS,
  type ArchiveMember,
  encodeMember,
  encodeMetadata,
  METADATA_NAME,
  readArchive,
} from "./archive.ts";
import { contentHash, fileChangesJson, readFileChanges } from "./file-table.ts";
import { type JsonValue, parseJson } from "./json-value.ts";
import { hex, recorded } from "./recorded.fixture.ts";

const VECTOR = recorded<{
  readonly file_sep: string;
  readonly path_sep: string;
  readonly files: Readonly<Record<string, string>>;
  readonly metadata: JsonValue;
  readonly blob_hex: string;
}>("compressed_file");
const ARCHIVE = hex(VECTOR.blob_hex);

function readAll(chunks: Iterable<Buffer>, limits = ARCHIVE_LIMITS) {
  const members: ArchiveMember[] = [];
  const reading = readArchive(chunks, limits);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return { members, failure: step.value };
    members.push(step.value);
  }
}

function member(path: string, stream: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(path),
    Buffer.from(VECTOR.path_sep),
    stream,
    Buffer.from(VECTOR.file_sep),
  ]);
}

const END = encodeMetadata({});

function codeOf(...parts: Buffer[]): string | null {
  return readAll([Buffer.concat(parts)]).failure?.code ?? null;
}

test("readArchive() reads the peer's archive however it is cut", () => {
  const whole = readAll([ARCHIVE]);
  assert.equal(whole.failure, null);
  const files = Object.fromEntries(whole.members.map(({ path, content }) => [path, content.toString("hex")]));
  const { [METADATA_NAME]: metadata, ...contents } = files;
  assert.deepEqual(contents, VECTOR.files);
  assert.deepEqual(parseJson(hex(metadata ?? "")), VECTOR.metadata);
  for (let cut = 0; cut <= ARCHIVE.length; cut++) {
    const { members, failure } = readAll([ARCHIVE.subarray(0, cut), ARCHIVE.subarray(cut)]);
    assert.equal(failure, null);
    assert.deepEqual(members, whole.members);
  }
  const bytes = Array.from(ARCHIVE, (byte) => Buffer.of(byte));
  assert.deepEqual(readAll(bytes).members, whole.members);
});

test("encodeMember() and encodeMetadata() make what the peer reads: its streams, no last separator", () => {
  const parts = Object.entries(VECTOR.files).map(([path, content]) => encodeMember(path, hex(content)));
  const archive = Buffer.concat([
    ...parts.map((part) => part ?? Buffer.alloc(0)),
    encodeMetadata(VECTOR.metadata),
  ]);
  assert.deepEqual(readAll([archive]), readAll([ARCHIVE]));
  assert.equal(archive.indexOf("|//@@//|\u0078\u0001") > 0, true);
  assert.equal(archive.subarray(-8).toString("latin1") === VECTOR.file_sep, false);
});

test("encodeMember() packs large files, with repetitions and without", () => {
  const noise = Buffer.from(new SeededRandom(3).bytes(1_200_000).toString("base64"));
  const text = Buffer.alloc(noise.length, "198.51.100.7:malicious host\n");
  for (const [content, ratioMax] of [
    [noise, 0.77],
    [text, 0.02],
  ] as const) {
    const packed = encodeMember("etc/lists/a", content) ?? Buffer.alloc(0);
    assert(packed.length < content.length * ratioMax, `${packed.length} of ${content.length}`);
    const [read] = readAll([packed, END]).members;
    assert(read?.content.equals(content));
  }
});

test("encodeMember() never writes a separator inside", () => {
  assert.equal(encodeMember("etc/rules/a|@@//@@|b", Buffer.alloc(0)), null);
  assert.equal(encodeMember("etc/rules/a|//@@//|b", Buffer.alloc(0)), null);
  // Noise is stored as it is, separators included, unless another level packs it otherwise.
  const noise = new SeededRandom(1).bytes(100);
  const content = Buffer.concat([noise, Buffer.from("|@@//@@|"), noise]);
  const encoded = encodeMember("etc/lists/noise", content);
  if (encoded !== null) assert.equal(encoded.indexOf("|@@//@@|"), encoded.length - 8);
});

test("readArchive() refuses paths that leave their place", () => {
  const stream = deflateSync("x");
  for (const path of ["../x", "/etc/x", "a/../b", "a//b", "./a", "a\\b", "a\u0000b", "", "a/", "a\nb"]) {
    assert.equal(codeOf(member(path, stream), END), "unsafe_path", JSON.stringify(path));
  }
  const notText = Buffer.concat([Buffer.of(0xff, 0xfe), member("", stream)]);
  assert.equal(codeOf(notText, END), "no_path");
  assert.equal(codeOf(member("a", stream), member("a", stream), END), "duplicate_path");
});

test("readArchive() wants whole streams and the metadata at the end", () => {
  const stream = deflateSync("hello");
  assert.equal(codeOf(member("a", stream.subarray(0, -3)), END), "bad_stream");
  assert.equal(codeOf(member("a", Buffer.from("no zlib")), END), "bad_stream");
  assert.equal(codeOf(member(METADATA_NAME, stream), END), "metadata_not_last");
  assert.equal(codeOf(member("a", stream).subarray(0, -8)), "no_metadata");
  assert.equal(codeOf(Buffer.alloc(0)), "no_path");
  assert.equal(codeOf(END, Buffer.from("|@@//@@|")), "metadata_not_last");
});

test("readArchive() stops a bomb at the limit", () => {
  const bomb = deflateSync(Buffer.alloc(20_000_000));
  const limits = { memberBytesMax: 1_000_000, metadataBytesMax: 1000, totalBytesMax: 1_500_000 };
  assert.equal(readAll([Buffer.concat([member("a", bomb), END])], limits).failure?.code, "member_too_large");
  const big = deflateSync(Buffer.alloc(900_000));
  const two = Buffer.concat([member("a", big), member("b", big), END]);
  assert.equal(readAll([two], limits).failure?.code, "archive_too_large");
  const exact = Buffer.concat([member("a", deflateSync(Buffer.alloc(1_000_000))), END]);
  assert.equal(readAll([exact], limits).failure, null);
  const table = encodeMetadata({ path: "x".repeat(1000) });
  assert.equal(readAll([table], limits).failure?.code, "member_too_large");
  const noEnd = Array.from({ length: 12 }, () => Buffer.alloc(100_000, "x"));
  assert.equal(readAll(noEnd, limits).failure?.code, "member_too_large");
});

test("readArchive() survives damage", () => {
  const random = new SeededRandom(23);
  for (let round = 0; round < 500; round++) {
    const bytes = random.mutate(ARCHIVE);
    const cut = random.below(bytes.length + 1);
    const { members } = readAll([bytes.subarray(0, cut), bytes.subarray(cut)]);
    for (const { path } of members) assert.equal(/^\/|\.\.|\0/.test(path), false);
  }
});

test("readFileChanges() and contentHash() agree with the recorded metadata", () => {
  const changes = readFileChanges(VECTOR.metadata);
  assert(!("code" in changes));
  assert.deepEqual(fileChangesJson(changes), VECTOR.metadata);
  for (const [path, entry] of changes.missing) {
    assert.equal(contentHash(hex(VECTOR.files[path] ?? "")), entry.hash, path);
  }
});

test("readArchive() refuses more paths than the metadata could name", () => {
  const paths = Array.from({ length: 12 }, (_, index) => `${index}${"x".repeat(100)}`);
  const bytes = Buffer.concat([...paths.map((path) => member(path, deflateSync(""))), encodeMetadata({})]);
  const limits = { ...ARCHIVE_LIMITS, metadataBytesMax: 1000 };
  const { members, failure } = readAll([bytes], limits);
  assert.equal(failure?.code, "too_many_members");
  assert.equal(members.length, 9);
});
