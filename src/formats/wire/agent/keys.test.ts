/** Goal: the keys that the peer derives. Method: the vectors, which hold every value for each line of a client.keys. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import { aesKeyOf, type KeyOwner, keyHashOf, sessionKeyOf } from "./keys.ts";

type Entry = {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly session_key: string;
  readonly aes_key: string;
  readonly key_hash: string;
};
const VECTORS = new URL("../../../../test/vectors/agent/keys.json", import.meta.url);
const { entries }: { entries: readonly Entry[] } = JSON.parse(readFileSync(VECTORS, "utf8"));

function ownerOf(entry: Entry): KeyOwner {
  const [id, name, key] = [parseAgentId(entry.id), parseAgentName(entry.name), parseAgentKey(entry.key)];
  assert.ok(id !== null && name !== null && key !== null);
  return { id, name, key };
}

test("aesKeyOf(), sessionKeyOf() and keyHashOf() derive what the peer derives", () => {
  assert.equal(entries.length, 5);
  for (const entry of entries) {
    const owner = ownerOf(entry);
    assert.equal(aesKeyOf(owner.key).toString("latin1"), entry.aes_key, entry.id);
    assert.equal(sessionKeyOf(owner), entry.session_key, entry.id);
    assert.equal(keyHashOf(owner), entry.key_hash, entry.id);
  }
});

test("aesKeyOf() derives a key once", () => {
  const key = parseAgentKey("abc");
  assert.ok(key !== null);
  assert.equal(aesKeyOf(key), aesKeyOf(key));
});
