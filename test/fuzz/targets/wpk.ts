/**
 * Packages for upgrades, and the lists of files inside them: what is no byte like the signed one is not verified, and no entry leads out of
 * its folder. An input is a whole package, or behind `content:` a list of files that is compressed here, which damage would seldom survive.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { isMergedPath, parseMerged } from "#formats/merged-mg/merged-mg.ts";
import { joinWpk, splitWpk, unpackWpk, verifyWpk } from "#formats/wpk/wpk.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const VECTOR = new URL("../../vectors/agent/wpk.json", import.meta.url);
const { root_ca_pem: rootPem, wpk_base64: packageBase64 }: { root_ca_pem: string; wpk_base64: string } =
  JSON.parse(readFileSync(VECTOR, "utf8"));
const SIGNED = Buffer.from(packageBase64, "base64");
const CONTENT = "content:";
/** A bomb shows at a small bound as well. */
const CONTENT_BYTES_MAX = 1024 * 1024;
const WORDS = [
  "WPK256\0",
  "\0",
  "-----BEGIN CERTIFICATE-----",
  "-----END CERTIFICATE-----",
  "#x\n",
  "!3 a\nabc",
  "!999999 b\n",
  "!1 ../c\nx",
  "!",
  "\x1f\x8b\x08",
];
const LISTS = [
  "#web\n!3 upgrade.sh\nabc!0 bin/x\n!2 a b\nhi",
  `!1 ${"d/".repeat(100)}x\ny`,
  "!4 upgrade.bat\r\nabcd",
];

const root = new X509Certificate(rootPem);
const signedParts = splitWpk(SIGNED);
assert(signedParts.ok);
const signedContent = signedParts.parts.content;
const signer = new X509Certificate(signedParts.parts.certificate);
const trust = { authorities: [root], nowMs: signer.validFromDate.getTime() + 1000 };
assert.equal(verifyWpk(signedParts.parts, trust), null);

function checkContent(content: Buffer, merged: Buffer | null): void {
  const unpacked = unpackWpk(content, CONTENT_BYTES_MAX);
  if (merged !== null && merged.length <= CONTENT_BYTES_MAX)
    assert.equal(unpacked.ok, parseMerged(merged).ok);
  if (!unpacked.ok) return;
  let bytes = 0;
  for (const entry of unpacked.entries) {
    assert(isMergedPath(entry.path), entry.path);
    assert(!entry.path.startsWith("/") && !entry.path.split("/").includes(".."), entry.path);
    bytes += entry.bytes.length;
  }
  assert(bytes <= CONTENT_BYTES_MAX);
}

function run(input: string): void {
  const bytes = Buffer.from(input, "latin1");
  if (input.startsWith(CONTENT)) {
    const merged = bytes.subarray(CONTENT.length);
    checkContent(gzipSync(merged, { level: 1 }), merged);
    return;
  }
  const split = splitWpk(bytes);
  if (!split.ok) return;
  const { certificate, content } = split.parts;
  assert(joinWpk(split.parts).equals(bytes));
  const verdict = verifyWpk(split.parts, trust);
  // The signer's certificate may stand among other words, and still nothing but what it signed is good.
  if (verdict === null) assert(content.equals(signedContent) && certificate.includes("BEGIN"));
  checkContent(content, null);
}

export const wpkTarget: Target = {
  make: (random) =>
    random.below(3) === 0
      ? damagedText(random, SIGNED.toString("latin1"), WORDS)
      : `${CONTENT}${damagedText(random, random.pick(LISTS), WORDS)}`,
  change: (random, input) => damagedText(random, input, WORDS),
  run,
};
