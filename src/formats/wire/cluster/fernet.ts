/**
 * Fernet: how every payload between nodes is sealed. AES-128-CBC under an HMAC-SHA256, as base64url text with padding
 * (https://github.com/fernet/spec). The cluster's key is used as it is written, 32 ASCII bytes: 16 that sign, 16 that encrypt.
 *
 * Pure: time and IV are the caller's. A token never expires, as with the peer: replay within a connection is the counters' matter.
 */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";

export const CLUSTER_KEY_BYTES = 32;
export const IV_BYTES = 16;
const VERSION = 0x80;
const TIME_BYTES = 8;
const PREFIX_BYTES = 1 + TIME_BYTES + IV_BYTES;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;
const CIPHER = "aes-128-cbc";

export type FernetKey = { readonly signing: Uint8Array; readonly encryption: Uint8Array };
export type SealStamp = { readonly seconds: number; readonly iv: Uint8Array };

export function fernetKey(clusterKey: string): FernetKey {
  const bytes = Buffer.from(clusterKey, "latin1");
  assert(bytes.length === CLUSTER_KEY_BYTES, `cluster key of ${bytes.length} bytes`);
  return { signing: bytes.subarray(0, BLOCK_BYTES), encryption: bytes.subarray(BLOCK_BYTES) };
}

/** Length of the token for so many plain bytes. */
export function sealedBytes(plainBytes: number): number {
  const cipherBytes = BLOCK_BYTES * (Math.floor(plainBytes / BLOCK_BYTES) + 1);
  return 4 * Math.ceil((PREFIX_BYTES + MAC_BYTES + cipherBytes) / 3);
}

export function seal(key: FernetKey, plain: Uint8Array, stamp: SealStamp): Buffer {
  assert(stamp.iv.length === IV_BYTES, "length of the IV");
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = VERSION;
  prefix.writeBigUInt64BE(BigInt(stamp.seconds), 1);
  prefix.set(stamp.iv, 1 + TIME_BYTES);
  const cipher = createCipheriv(CIPHER, key.encryption, stamp.iv);
  const parts = [prefix, cipher.update(plain), cipher.final()];
  const sealed = Buffer.concat([...parts, macOf(key, parts)]);
  const token = Buffer.alloc(sealedBytes(plain.length), "=");
  token.write(sealed.toString("base64url"), "latin1");
  return token;
}

/** Null for what was not sealed with this key, or was changed on its way. */
export function open(key: FernetKey, token: Uint8Array): Buffer | null {
  const text = Buffer.from(token.buffer, token.byteOffset, token.byteLength).toString("latin1");
  const sealed = Buffer.from(text, "base64url");
  const bodyBytes = sealed.length - MAC_BYTES;
  const cipherBytes = bodyBytes - PREFIX_BYTES;
  if (cipherBytes < BLOCK_BYTES || cipherBytes % BLOCK_BYTES !== 0 || sealed[0] !== VERSION) return null;
  const body = sealed.subarray(0, bodyBytes);
  if (!timingSafeEqual(macOf(key, [body]), sealed.subarray(bodyBytes))) return null;
  const decipher = createDecipheriv(CIPHER, key.encryption, body.subarray(1 + TIME_BYTES, PREFIX_BYTES));
  try {
    return Buffer.concat([decipher.update(body.subarray(PREFIX_BYTES)), decipher.final()]);
  } catch {
    return null; // the padding is wrong: signed by a holder of the key all the same
  }
}

function macOf(key: FernetKey, parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac("sha256", key.signing);
  for (const part of parts) mac.update(part);
  return mac.digest();
}
