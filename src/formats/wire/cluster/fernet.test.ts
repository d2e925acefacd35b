/** Goal: tokens are the peer's to the byte, and nothing else opens. Method: recorded tokens; every byte of one changed; noise. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { fernetKey, open, seal, sealedBytes } from "./fernet.ts";
import { hex, RECORDED_KEY, recorded } from "./recorded.fixture.ts";

const VECTOR = recorded<{
  readonly signing_key_hex: string;
  readonly encryption_key_hex: string;
  readonly samples: readonly { plain_hex: string; time: number; iv_hex: string; token: string }[];
  readonly invalid_tokens: readonly string[];
}>("fernet");
const KEY = fernetKey(RECORDED_KEY);

test("fernetKey() signs with the first half and encrypts with the second", () => {
  assert.deepEqual(KEY.signing, hex(VECTOR.signing_key_hex));
  assert.deepEqual(KEY.encryption, hex(VECTOR.encryption_key_hex));
});

test("seal() and open() agree with the peer's tokens", () => {
  for (const { plain_hex, time, iv_hex, token } of VECTOR.samples) {
    assert.equal(seal(KEY, hex(plain_hex), { seconds: time, iv: hex(iv_hex) }).toString("latin1"), token);
    assert.equal(sealedBytes(plain_hex.length / 2), token.length);
    assert.equal(open(KEY, Buffer.from(token))?.toString("hex"), plain_hex);
  }
});

test("open() refuses what was not sealed with this key", () => {
  for (const token of VECTOR.invalid_tokens) assert.equal(open(KEY, Buffer.from(token)), null);
  const token = Buffer.from(VECTOR.samples[1]?.token ?? "");
  assert.equal(open(fernetKey("d".repeat(32)), token), null);
  assert.equal(open(KEY, Buffer.alloc(0)), null);
});

test("open() refuses a token in which any byte was changed or cut", () => {
  const token = VECTOR.samples[1]?.token ?? "";
  const sealed = Buffer.from(token, "base64url");
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    assert.equal(open(KEY, Buffer.from(changed.toString("base64url"))), null, `byte ${index}`);
    assert.equal(
      open(KEY, Buffer.from(sealed.subarray(0, index).toString("base64url"))),
      null,
      `cut ${index}`,
    );
  }
});

test("open() never throws", () => {
  const random = new SeededRandom(21);
  const token = Buffer.from(VECTOR.samples[3]?.token ?? "");
  for (let round = 0; round < 500; round++) {
    open(KEY, random.mutate(token));
    open(KEY, random.bytes(random.below(200)));
  }
});
