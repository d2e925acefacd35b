/**
 * Goal: the peer's bytes open, ours are the peer's bytes, and no payload whatever throws.
 * Method: the vectors layer by layer (above the compressor every byte must match; below it the plain text); the peer's
 * verdicts on bad payloads; sizes at the limits; damaged copies of real envelopes.
 */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import { parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { splitEnvelope } from "./envelope.ts";
import { encodeFrame } from "./frame.ts";
import type { KeyOwner } from "./keys.ts";
import { MESSAGE_BYTES_MAX, type OpenResult, openMessage, sealCompressed, sealMessage } from "./message.ts";
import { type MessageCipher, messageCipher } from "./message-cipher.ts";

type MessageVector = {
  readonly name: string;
  readonly key: string;
  readonly direction: string;
  readonly method: "aes" | "blowfish";
  readonly rand: string;
  readonly global_count: number;
  readonly local_count: number;
  readonly plain_hex: string;
  readonly compressed_hex: string;
  readonly marks: number;
  readonly envelope_hex: string;
  readonly tcp_frame_hex: string;
};
type BadVector = {
  readonly name: string;
  readonly payload_after_id_prefix_hex: string;
  readonly result: "VALID" | "CORRUPT" | "ENCKEY";
  readonly log: string | null;
};
type KeyVector = { readonly id: string; readonly name: string; readonly key: string };

const VECTORS = new URL("../../../../test/vectors/agent/", import.meta.url);
const { vectors }: { vectors: readonly MessageVector[] } = readVectors("messages.json");
const bad: { vectors: readonly BadVector[] } = readVectors("messages-bad.json");
const keys: { entries: readonly KeyVector[] } = readVectors("keys.json");
const AES = vectors.filter(({ method }) => method === "aes");
const OVERHEAD_BYTES = 53;
const OWNER = ownerOf("001");
const AES_CIPHER = messageCipher(OWNER, "aes");
const AES_KEY = Buffer.from(hash("md5", OWNER.key.reveal()));
const BODY = Buffer.from("000010000000001:0001:1:x:y");

function readVectors(name: string) {
  return JSON.parse(readFileSync(new URL(name, VECTORS), "utf8"));
}

function ownerOf(id: string): KeyOwner {
  const entry = keys.entries.find((other) => other.id === id);
  const [owner, name] = [parseAgentId(id), parseAgentName(entry?.name ?? "")];
  const key = parseAgentKey(entry?.key ?? "");
  assert.ok(owner !== null && name !== null && key !== null, id);
  return { id: owner, name, key };
}

function cipherOf({ key, method }: MessageVector): MessageCipher {
  return messageCipher(ownerOf(key), method);
}

function open(sealed: Buffer, owner = OWNER): OpenResult {
  const input = { agentId: "001", registeredAddress: "any", peerAddress: "%s" };
  return openMessage({ ...input, cipherOf: (method) => messageCipher(owner, method) }, sealed);
}

/** The plain text of an envelope without its prefix, by other means than the code under test. */
function plainOf(key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-cbc", key, "FEDCBA0987654321");
  const marked = Buffer.concat([decipher.update(sealed.subarray("#AES:".length)), decipher.final()]);
  return inflateSync(marked.subarray(marked.findIndex((byte) => byte !== 0x21)));
}

/** An envelope around any bytes: what an enrolled agent with bad intent can send. */
function encrypted(clear: Uint8Array, padded = true): Buffer {
  const cipher = createCipheriv("aes-256-cbc", AES_KEY, "FEDCBA0987654321").setAutoPadding(padded);
  return Buffer.concat([Buffer.from("#AES:"), cipher.update(clear), cipher.final()]);
}

function marked(plain: Uint8Array): Buffer {
  return encrypted(Buffer.concat([Buffer.from("!!!"), deflateSync(plain)]));
}

function summed(body: string): Buffer {
  return Buffer.from(hash("md5", body) + body);
}

function codeOf(result: OpenResult): string {
  return result.ok ? "VALID" : result.code;
}

test("openMessage() opens every message of the peer", () => {
  assert.equal(AES.length, 42);
  assert.equal(vectors.length, 49);
  for (const vector of vectors) {
    const envelope = splitEnvelope(Buffer.from(vector.envelope_hex, "hex"), "10.0.0.1");
    assert.ok(envelope.kind === "identified" || envelope.kind === "anonymous", vector.name);
    if (envelope.kind === "identified") assert.equal(envelope.id, vector.key, vector.name);
    const result = open(envelope.sealed, ownerOf(vector.key));
    assert.ok(result.ok, vector.name);
    assert.deepEqual(
      result.counters,
      { global: vector.global_count, local: vector.local_count },
      vector.name,
    );
    assert.equal(result.random, Number(vector.rand), vector.name);
    assert.equal(result.cipher.method, vector.method, vector.name);
    const message = Buffer.from(vector.plain_hex, "hex").subarray(OVERHEAD_BYTES);
    assert.deepEqual(result.message, message, vector.name);
  }
});

test("sealCompressed() writes the peer's bytes above the compressor", () => {
  for (const vector of vectors) {
    const prefixed = vector.envelope_hex.startsWith("21");
    const compressed = Buffer.from(vector.compressed_hex, "hex");
    const envelope = sealCompressed(cipherOf(vector), compressed, prefixed ? vector.key : undefined);
    assert.equal(envelope.toString("hex"), vector.envelope_hex, vector.name);
    assert.equal(encodeFrame(envelope).toString("hex"), vector.tcp_frame_hex, vector.name);
  }
});

test("sealMessage() writes the peer's plain text", () => {
  for (const vector of AES) {
    const plain = Buffer.from(vector.plain_hex, "hex");
    const sealed = sealMessage({
      cipher: cipherOf(vector),
      random: Number(vector.rand),
      counters: { global: vector.global_count, local: vector.local_count },
      message: plain.subarray(OVERHEAD_BYTES),
    });
    const key = Buffer.from(hash("md5", ownerOf(vector.key).key.reveal()));
    assert.deepEqual(plainOf(key, sealed), plain, vector.name);
  }
});

test("openMessage() judges bad payloads as the peer does, with its words", () => {
  for (const { name, payload_after_id_prefix_hex: payloadHex, result: expected, log } of bad.vectors) {
    const result = open(Buffer.from(payloadHex, "hex"));
    assert.equal(codeOf(result), expected, name);
    assert.equal(result.ok ? null : result.log, log, name);
  }
});

test("openMessage() refuses payloads shorter than each layer", () => {
  const whole = sealMessage({
    cipher: AES_CIPHER,
    random: 1,
    counters: { global: 0, local: 1 },
    message: Buffer.from("1:x:y"),
  });
  for (let length = 0; length < whole.length; length++) {
    assert.ok(!open(whole.subarray(0, length)).ok, `${length} bytes`);
  }
  assert.deepEqual(open(Buffer.alloc(0)), { ok: false, code: "EMPTY", log: "Received message is empty" });
  for (let length = 0; length <= 64; length++) {
    for (const fill of ["!", ":", "#", "0"]) {
      assert.ok(!open(encrypted(Buffer.alloc(length, fill))).ok, `${length} × ${fill} decrypted`);
      assert.ok(!open(marked(Buffer.alloc(length, fill))).ok, `${length} × ${fill} inflated`);
    }
  }
});

test("openMessage() stops inflating at 65,536 bytes", () => {
  const tooLong = "(2202): Error uncompressing string. Message received from agent '001' at 'any'";
  for (const plainBytes of [65_535, 65_536]) {
    const result = open(marked(Buffer.alloc(plainBytes, "0")));
    assert.ok(!result.ok);
    assert.match(result.log, /^\(1406\)/, `${plainBytes} bytes are inflated and fail later`);
  }
  for (const plainBytes of [65_537, 20_000_000]) {
    assert.deepEqual(open(marked(Buffer.alloc(plainBytes, "0"))), {
      ok: false,
      code: "CORRUPT",
      log: tooLong,
    });
  }
});

test("openMessage() checks the whole padding", () => {
  const clear = Buffer.concat([Buffer.from("!"), deflateSync(summed(BODY.toString()))]);
  const paddingBytes = 16 - (clear.length % 16);
  assert.ok(paddingBytes > 2, "the rows below need room");
  const good = Buffer.alloc(paddingBytes, paddingBytes);
  assert.equal(codeOf(open(encrypted(Buffer.concat([clear, good]), false))), "VALID");
  const bad = [0, 17, 255].map((last) => Buffer.concat([good.subarray(1), Buffer.of(last)]));
  for (const padding of [...bad, Buffer.concat([Buffer.of(0), good.subarray(1)])]) {
    assert.equal(
      codeOf(open(encrypted(Buffer.concat([clear, padding]), false))),
      "ENCKEY",
      padding.toString("hex"),
    );
  }
});

test("openMessage() does not take letters for counters", () => {
  assert.equal(codeOf(open(marked(summed("000010000000000:0001:1:x:y")))), "VALID");
  for (const body of [
    "000010000000x00:0001:1:x:y",
    "000010000000000:0a01:1:x:y",
    "0000x0000000000:0001:1:x:y",
    "000010000000000;0001:1:x:y",
    "000010000000000:0001;1:x:y",
    "000010000000000:00010:1:x",
  ]) {
    const result = open(marked(summed(body)));
    assert.match(result.ok ? "opened" : result.log, /^\(1403\)/, body);
  }
});

test("sealMessage() fills a frame at most, also with bytes that do not compress", () => {
  const counters = { global: 4_294_967_295, local: 9997 };
  const message = new SeededRandom(5).bytes(MESSAGE_BYTES_MAX);
  const sealed = sealMessage({ cipher: AES_CIPHER, random: 65_535, counters, message, idPrefix: "12345678" });
  encodeFrame(sealed);
  const envelope = splitEnvelope(sealed, "10.0.0.1");
  assert.ok(envelope.kind === "identified");
  const result = open(envelope.sealed);
  assert.ok(result.ok);
  assert.deepEqual(result.message, message);
  assert.deepEqual(result.counters, counters);
});

test("sealMessage() refuses what would not open", () => {
  const good = {
    cipher: AES_CIPHER,
    random: 1,
    counters: { global: 0, local: 1 },
    message: Buffer.from("x"),
  };
  const refused = [
    { ...good, message: Buffer.alloc(0) },
    { ...good, message: Buffer.alloc(MESSAGE_BYTES_MAX + 1) },
    { ...good, random: 100_000 },
    { ...good, counters: { global: 0, local: 10_000 } },
  ];
  for (const input of refused) assert.throws(() => sealMessage(input), assert.AssertionError);
});

test("splitEnvelope() and openMessage() take any damaged envelope without throwing", () => {
  const random = new SeededRandom(3);
  const envelopes = vectors.map(({ envelope_hex: hex }) => Buffer.from(hex, "hex"));
  let opened = 0;
  for (let round = 0; round < 5000; round++) {
    const envelope = splitEnvelope(random.mutate(random.pick(envelopes)), "10.0.0.1");
    if (envelope.kind === "identified" || envelope.kind === "anonymous") {
      if (open(envelope.sealed).ok) opened++;
    }
  }
  assert.ok(opened < 500, `${opened} damaged messages opened`); // those whose damage hit the prefix only
});

test("openMessage() takes any damaged compressed stream without throwing", () => {
  const random = new SeededRandom(4);
  const streams = AES.slice(0, 20).map(({ compressed_hex: hex }) => Buffer.from(hex, "hex"));
  for (let round = 0; round < 3000; round++) {
    const stream = random.mutate(random.pick(streams));
    codeOf(open(sealCompressed(AES_CIPHER, stream)));
    codeOf(open(marked(summed(random.mutate(BODY).toString("latin1")))));
  }
});
