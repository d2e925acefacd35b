/** Goal: the cipher is Blowfish. Method: published test vectors; OpenSSL's own implementation where the `openssl` program has it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { Blowfish } from "./blowfish.ts";

const ZERO_IV = Buffer.alloc(8);

/** Key, clear, sealed: from the set of vectors published with the cipher (Eric Young). */
const PUBLISHED = [
  ["0000000000000000", "0000000000000000", "4ef997456198dd78"],
  ["ffffffffffffffff", "ffffffffffffffff", "51866fd5b85ecb8a"],
  ["3000000000000000", "1000000000000001", "7d856f9a613063f2"],
  ["1111111111111111", "1111111111111111", "2466dd878b963c9d"],
  ["0123456789abcdef", "1111111111111111", "61f9c3802281b096"],
  ["fedcba9876543210", "0123456789abcdef", "0aceab0fc6a0a28d"],
  ["7ca110454a1a6e57", "01a1d6d039776742", "59c68245eb05282b"],
] as const;

test("Blowfish agrees with the published vectors", () => {
  for (const [key, clear, sealed] of PUBLISHED) {
    const cipher = new Blowfish(Buffer.from(key, "hex"));
    assert.equal(cipher.encryptCbc(Buffer.from(clear, "hex"), ZERO_IV).toString("hex"), sealed);
    assert.equal(cipher.decryptCbc(Buffer.from(sealed, "hex"), ZERO_IV).toString("hex"), clear);
  }
});

test("Blowfish in CBC mode agrees with OpenSSL, with keys of 16 bytes", (t) => {
  const random = new SeededRandom(7);
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => random.below(256)));
  for (let round = 0; round < 5; round++) {
    const [key, iv, clear] = [bytes(16), bytes(8), bytes(8 * random.below(20) + 8)];
    const options = ["-provider", "legacy", "-provider", "default", "-nopad"];
    const names = ["-K", key.toString("hex"), "-iv", iv.toString("hex")];
    const openssl = spawnSync("openssl", ["enc", "-bf-cbc", ...options, ...names], { input: clear });
    if (openssl.status !== 0) return t.skip("the openssl program here has no Blowfish");
    const cipher = new Blowfish(key);
    assert.deepEqual(cipher.encryptCbc(clear, iv), openssl.stdout);
    assert.deepEqual(cipher.decryptCbc(openssl.stdout, iv), clear);
  }
});
