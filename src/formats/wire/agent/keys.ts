/** What is derived from an agent's key: the cipher keys of its messages and the hash by which it names its key at enrollment. */
import { hash } from "node:crypto";
import type { AgentId, AgentKey, AgentName } from "#model/agent.ts";

export type KeyOwner = { readonly id: AgentId; readonly name: AgentName; readonly key: AgentKey };

/** wazuh v4.14.7: src/os_crypto/shared/keys.c. */
const IDENTITY_CHARS = 15;
const AES_KEY_BYTES = 32;

const aesKeys = new WeakMap<AgentKey, Buffer>();

/**
 * The AES-256 key: the MD5 of the key field, as 32 hex digits. Neither name nor id enter it, so two agents with one key
 * text could read each other. Derived once for each key and kept as long as the key is.
 */
export function aesKeyOf(key: AgentKey): Buffer {
  const known = aesKeys.get(key);
  if (known !== undefined) return known;
  // Not of Node's pool: a key that is kept would keep the 8 KiB around it.
  const derived = Buffer.alloc(AES_KEY_BYTES, md5Hex(key.reveal()), "latin1");
  aesKeys.set(key, derived);
  return derived;
}

/** The 47 characters that older ciphers use whole. */
export function sessionKeyOf({ id, name, key }: KeyOwner): string {
  const identity = md5Hex(md5Hex(name) + md5Hex(id)).slice(0, IDENTITY_CHARS);
  return md5Hex(key.reveal()) + identity;
}

/** The `K:` field of an enrollment request. */
export function keyHashOf({ id, name, key }: KeyOwner): string {
  return hash("sha1", id + name + key.reveal());
}

function md5Hex(text: string): string {
  return hash("md5", text);
}
