/**
 * The two ciphers of agent messages: AES-256-CBC with padding, and Blowfish-CBC of agents that are configured so, without. Both have a
 * fixed IV (wazuh v4.14.7: src/os_crypto/aes/aes_op.c, blowfish/bf_op.c).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { BLOWFISH_BLOCK_BYTES, Blowfish } from "./blowfish.ts";
import { aesKeyOf, type KeyOwner, sessionKeyOf } from "./keys.ts";

export type CipherMethod = "aes" | "blowfish";

export type MessageCipher =
  | { readonly method: "aes"; readonly key: Buffer }
  | { readonly method: "blowfish"; readonly key: Blowfish };

const AES_IV = Buffer.from("FEDCBA0987654321");
const AES_BLOCK_BYTES = 16;
const BLOWFISH_IV = Buffer.from("fedcba9876543210", "hex");

/** Blowfish takes 0.1 ms and 4 KiB: worth keeping for an agent that was seen to use it, not for what strangers claim. */
export function messageCipher(owner: KeyOwner, method: CipherMethod): MessageCipher {
  return method === "aes"
    ? { method, key: aesKeyOf(owner.key) }
    : { method, key: new Blowfish(Buffer.from(sessionKeyOf(owner), "latin1")) };
}

/** `clear` is a multiple of Blowfish's block. */
export function encipher(cipher: MessageCipher, clear: Buffer): Buffer {
  if (cipher.method === "blowfish") return cipher.key.encryptCbc(clear, BLOWFISH_IV);
  const aes = createCipheriv("aes-256-cbc", cipher.key, AES_IV);
  return Buffer.concat([aes.update(clear), aes.final()]);
}

/** The clear bytes, or null when no key can have made these: a length that is no multiple, or padding (PKCS#7) that does not fit. */
export function decipher(cipher: MessageCipher, sealed: Buffer): Buffer | null {
  const blockBytes = cipher.method === "aes" ? AES_BLOCK_BYTES : BLOWFISH_BLOCK_BYTES;
  if (sealed.length === 0 || sealed.length % blockBytes !== 0) return null;
  if (cipher.method === "blowfish") return cipher.key.decryptCbc(sealed, BLOWFISH_IV);
  const aes = createDecipheriv("aes-256-cbc", cipher.key, AES_IV);
  // Cut by hand, all blocks come from one call: half the time of update, final and joining them.
  aes.setAutoPadding(false);
  const padded = aes.update(sealed);
  const paddingBytes = padded[padded.length - 1] ?? 0;
  if (paddingBytes < 1 || paddingBytes > AES_BLOCK_BYTES) return null;
  const clearBytes = padded.length - paddingBytes;
  for (let at = clearBytes; at < padded.length; at++) if (padded[at] !== paddingBytes) return null;
  return padded.subarray(0, clearBytes);
}
