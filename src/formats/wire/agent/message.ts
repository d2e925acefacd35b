/**
 * Sealed messages between agent and manager: MD5, zlib, cipher, token; each layer as the peer has it.
 *
 * Pure: the key, the random number and the counters come in. What proves the sender is the key alone: the IV is
 * fixed, so a captured message can be sent again, which is for the counters to notice (`counters.ts`).
 * wazuh v4.14.7: src/os_crypto/shared/msgs.c.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { deflateSync, inflateSync } from "node:zlib";
import type { Counters } from "./counters.ts";
import { type CipherMethod, decipher, encipher, type MessageCipher } from "./message-cipher.ts";
import {
  authenticationErrorLog,
  badFormatLog,
  checksumLog,
  decompressionLog,
  tooShortLog,
} from "./message-logs.ts";

/** The peer sends nothing longer (OS_MAXSTR less 128) and nothing empty. */
export const MESSAGE_BYTES_MAX = 65_408;
/** Random number, both counters and their separators: `00000` `0000000000:` `0000:`. */
const COUNTERS_BYTES = 21;
const MD5_CHARS = 32;
const OVERHEAD_BYTES = MD5_CHARS + COUNTERS_BYTES;
/** The peer's buffer; a stream that inflates to more is refused, however small it arrives. */
const PLAIN_BYTES_MAX = 65_536;
/** The output is allocated for each call: measured on 160-byte events, about a fifth faster than zlib's default of 16 KiB. */
const ZLIB_CHUNK_BYTES = 2048;
const AES_NAME = Buffer.from("#AES");
const TOKENS: Readonly<Record<CipherMethod, Buffer>> = {
  aes: Buffer.from("#AES:"),
  blowfish: Buffer.from(":"),
};
const MARK = 0x21; // '!'
const MARK_GROUP = 8;
const COLON = 0x3a;
const ZERO = 0x30;

export type SealInput = {
  readonly cipher: MessageCipher;
  /** 0 to 65,535; makes equal messages differ. */
  readonly random: number;
  readonly counters: Counters;
  readonly message: Uint8Array;
  /** An agent that is not registered with a single IPv4 address puts its id in front; the manager never does. */
  readonly idPrefix?: string;
  /** Level of zlib, 0 to 9; the peer's is 9, and agents take any. */
  readonly compression?: number;
};

const COMPRESSION = 9;

export function sealMessage(input: SealInput): Buffer {
  const { cipher, random, counters, message, idPrefix, compression: level = COMPRESSION } = input;
  assert(message.length >= 1 && message.length <= MESSAGE_BYTES_MAX, `message of ${message.length} bytes`);
  const plain = Buffer.allocUnsafe(OVERHEAD_BYTES + message.length);
  const head = `${digits(random, 5)}${digits(counters.global, 10)}:${digits(counters.local, 4)}:`;
  assert(head.length === COUNTERS_BYTES, `random number or counters too long: ${head}`);
  plain.write(head, MD5_CHARS, "latin1");
  plain.set(message, OVERHEAD_BYTES);
  plain.write(hash("md5", plain.subarray(MD5_CHARS)), 0, "latin1");
  return sealCompressed(cipher, deflateSync(plain, { level, chunkSize: ZLIB_CHUNK_BYTES }), idPrefix);
}

/** The layers above the compressor, apart because compressors differ and these do not. */
export function sealCompressed(cipher: MessageCipher, compressed: Uint8Array, idPrefix?: string): Buffer {
  // One to eight marks: a stream whose length is a multiple already gets a whole group.
  const marks = Buffer.alloc(MARK_GROUP - (compressed.length % MARK_GROUP), MARK);
  const prefix = Buffer.from(idPrefix === undefined ? "" : `!${idPrefix}!`, "latin1");
  const sealed = encipher(cipher, Buffer.concat([marks, compressed]));
  return Buffer.concat([prefix, TOKENS[cipher.method], sealed]);
}

export type OpenInput = {
  /** Called once, with the cipher that the token names. */
  readonly cipherOf: (method: CipherMethod) => MessageCipher;
  readonly agentId: string;
  /** As it stands in client.keys, and where the message came from: for log texts only. */
  readonly registeredAddress: string;
  readonly peerAddress: string;
};

/** ENCKEY may be a key that changed; CORRUPT never is. */
export type OpenFailureCode = "EMPTY" | "CORRUPT" | "ENCKEY";

export type OpenResult =
  | {
      readonly ok: true;
      readonly message: Buffer;
      readonly counters: Counters;
      readonly random: number;
      readonly cipher: MessageCipher;
    }
  | { readonly ok: false; readonly code: OpenFailureCode; readonly log: string };

/** Opens what follows the id prefix. `message` is a view of memory made for this message alone. */
export function openMessage(input: OpenInput, sealed: Buffer): OpenResult {
  if (sealed.length === 0) return failure("EMPTY", "Received message is empty");
  const named = sealed.subarray(0, AES_NAME.length).equals(AES_NAME);
  if (sealed[named ? AES_NAME.length : 0] !== COLON) return badFormat(input);
  const cipher = input.cipherOf(named ? "aes" : "blowfish");
  const decrypted = decipher(cipher, sealed.subarray(TOKENS[cipher.method].length));
  if (decrypted === null || decrypted[0] !== MARK) {
    return failure("ENCKEY", authenticationErrorLog(input.agentId, input.peerAddress));
  }
  const plain = inflate(decrypted);
  if (plain === null) return failure("CORRUPT", decompressionLog(input.agentId, input.registeredAddress));
  if (plain.length < OVERHEAD_BYTES) return failure("CORRUPT", tooShortLog(input.agentId));
  if (hash("md5", plain.subarray(MD5_CHARS)) !== plain.toString("latin1", 0, MD5_CHARS)) {
    return failure("CORRUPT", checksumLog(input.agentId, input.registeredAddress));
  }
  return readCounters(input, plain, cipher);
}

function readCounters(input: OpenInput, plain: Buffer, cipher: MessageCipher): OpenResult {
  const random = numberAt(plain, MD5_CHARS, 5);
  const global = numberAt(plain, MD5_CHARS + 5, 10);
  const local = numberAt(plain, MD5_CHARS + 16, 4);
  const separated = plain[MD5_CHARS + 15] === COLON && plain[MD5_CHARS + 20] === COLON;
  if (!separated || random === null || global === null || local === null) return badFormat(input);
  return { ok: true, message: plain.subarray(OVERHEAD_BYTES), counters: { global, local }, random, cipher };
}

/** What follows the marks, inflated; null when it is no zlib stream or too long a one. Bytes after the stream are ignored. */
function inflate(marked: Buffer): Buffer | null {
  let start = 0;
  while (marked[start] === MARK) start++;
  try {
    return inflateSync(marked.subarray(start), {
      maxOutputLength: PLAIN_BYTES_MAX,
      chunkSize: ZLIB_CHUNK_BYTES,
    });
  } catch {
    return null; // zlib has no other way to refuse a stream
  }
}

function badFormat(input: OpenInput): OpenResult {
  return failure("CORRUPT", badFormatLog(input.agentId, input.peerAddress));
}

function failure(code: OpenFailureCode, log: string): OpenResult {
  return { ok: false, code, log };
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}

/** A number of exactly `count` digits, or null. */
function numberAt(bytes: Buffer, from: number, count: number): number | null {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return value;
}
