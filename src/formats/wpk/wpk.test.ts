/**
 * Goal: packages of the peer's makers are accepted and nothing else is, and no package harms who reads it. Method: the vector and its
 * tampered copy; packages of signers made here; cut at each position, flipped, bombs and names that lead out of the folder.
 */
import assert from "node:assert/strict";
import { hash, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { SeededRandom } from "#testing/random.ts";
import { makeSigner } from "./signer.fixture.ts";
import {
  joinWpk,
  packWpk,
  parseCertificates,
  type Signer,
  splitWpk,
  type Trust,
  unpackWpk,
  verifyWpk,
  WPK_FAILURE_TEXTS,
  type WpkParts,
} from "./wpk.ts";

type Vector = {
  readonly root_ca_pem: string;
  readonly wpk_base64: string;
  readonly sha1: string;
  readonly layout: { readonly certificate_pem_bytes: number; readonly signature_bytes: number };
  readonly content_gzip_base64: string;
  readonly merged: string;
  readonly tampered_wpk_base64: string;
  readonly tampered_result: string;
};
const vector: Vector = JSON.parse(
  readFileSync(new URL("../../../test/vectors/agent/wpk.json", import.meta.url), "utf8"),
);
const PACKAGE = Buffer.from(vector.wpk_base64, "base64");
const NOW_MS = Date.UTC(2026, 5, 1);
const TRUST: Trust = { authorities: [new X509Certificate(vector.root_ca_pem)], nowMs: NOW_MS };

const root = await makeSigner(NOW_MS, { name: "root", issuer: null, isAuthority: true });
const signer = await makeSigner(NOW_MS, { name: "signer", issuer: root, isAuthority: false });

function partsOf(file: Buffer): WpkParts {
  const outcome = splitWpk(file);
  assert(outcome.ok);
  return outcome.parts;
}

function trustIn(...signers: readonly Signer[]): Trust {
  return { authorities: signers.map(({ certificate }) => new X509Certificate(certificate)), nowMs: NOW_MS };
}

function packed(by: Signer, text = "x"): Buffer {
  const file = packWpk([{ path: "upgrade.sh", bytes: Buffer.from(text) }], by);
  assert(file !== null);
  return file;
}

test("splitWpk() and joinWpk() agree with the peer's package byte for byte", () => {
  assert.equal(hash("sha1", PACKAGE), vector.sha1);
  const parts = partsOf(PACKAGE);
  assert.equal(parts.certificate.length, vector.layout.certificate_pem_bytes);
  assert.equal(parts.signature.length, vector.layout.signature_bytes);
  assert.equal(parts.content.toString("base64"), vector.content_gzip_base64);
  assert.deepEqual(joinWpk(parts), PACKAGE);
});

test("verifyWpk() accepts the peer's package and refuses its tampered copy", () => {
  assert.equal(verifyWpk(partsOf(PACKAGE), TRUST), null);
  const code = verifyWpk(partsOf(Buffer.from(vector.tampered_wpk_base64, "base64")), TRUST);
  assert(code !== null);
  assert.equal(WPK_FAILURE_TEXTS[code], vector.tampered_result);
});

test("unpackWpk() gives the files of the peer's package", () => {
  const outcome = unpackWpk(partsOf(PACKAGE).content);
  assert(outcome.ok);
  const [entry] = outcome.entries;
  assert(entry !== undefined);
  assert.equal(`!${entry.bytes.length} ${entry.path}\n${Buffer.from(entry.bytes)}`, vector.merged);
});

test("packWpk() makes what its own signer's root verifies", () => {
  const parts = partsOf(packed(signer, "#!/bin/sh\n\0\xff"));
  assert.equal(verifyWpk(parts, trustIn(root)), null);
  assert.equal(verifyWpk(parts, { ...trustIn(root), authorities: [] }), "certificate_untrusted");
  assert.equal(verifyWpk(parts, TRUST), "certificate_untrusted");
  assert.equal(verifyWpk(parts, trustIn(signer)), "certificate_untrusted"); // not a root
  const outcome = unpackWpk(parts.content);
  assert(outcome.ok);
  assert.deepEqual(
    outcome.entries.map(({ path }) => path),
    ["upgrade.sh"],
  );
});

test("packWpk() refuses a key that is not the certificate's, or no RSA key of 2,048 bits", async () => {
  const short = await makeSigner(NOW_MS, { name: "short", issuer: null, isAuthority: true, keyBits: 1024 });
  assert.equal(packWpk([], { certificate: signer.certificate, key: root.key }), null);
  assert.equal(packWpk([], { certificate: signer.certificate, key: "no key" }), null);
  assert.equal(packWpk([], { certificate: "no certificate", key: signer.key }), null);
  assert.equal(packWpk([], short), null);
  const forged = { ...partsOf(packed(signer)), certificate: short.certificate };
  assert.equal(verifyWpk(forged, trustIn(short)), "key_not_rsa");
});

test("verifyWpk() wants every certificate of the chain trusted, an authority and in its time", async () => {
  const middle = await makeSigner(NOW_MS, { name: "middle", issuer: root, isAuthority: true });
  const below = packed(await makeSigner(NOW_MS, { name: "below", issuer: middle, isAuthority: false }));
  const belowLeaf = packed(await makeSigner(NOW_MS, { name: "leaf", issuer: signer, isAuthority: false }));
  assert.equal(verifyWpk(partsOf(below), trustIn(root, middle)), null);
  assert.equal(verifyWpk(partsOf(below), trustIn(root)), "certificate_untrusted");
  assert.equal(verifyWpk(partsOf(below), trustIn(middle)), "certificate_untrusted");
  assert.equal(verifyWpk(partsOf(belowLeaf), trustIn(root, signer)), "certificate_untrusted");
  for (const nowMs of [Date.UTC(2019, 0), Date.UTC(2050, 0)])
    assert.equal(verifyWpk(partsOf(PACKAGE), { ...TRUST, nowMs }), "certificate_untrusted");
  const old = { name: "root", issuer: null, isAuthority: true, notAfterMs: NOW_MS - 1 };
  const expired = await makeSigner(NOW_MS, old);
  assert.equal(verifyWpk(partsOf(packed(expired)), trustIn(expired)), "certificate_untrusted");
  // Same name, another key.
  const impostor = await makeSigner(NOW_MS, { name: "root", issuer: null, isAuthority: true });
  assert.equal(verifyWpk(partsOf(packed(signer)), trustIn(impostor)), "certificate_untrusted");
});

test("verifyWpk() refuses a package that is cut at any position", () => {
  for (let cut = 0; cut < PACKAGE.length; cut++) {
    const outcome = splitWpk(PACKAGE.subarray(0, cut));
    if (!outcome.ok) continue;
    assert.equal(verifyWpk(outcome.parts, TRUST), "signature_wrong", `cut at ${cut}`);
  }
});

test("verifyWpk() refuses a package with any bit flipped behind its certificate, and harms nobody before that", () => {
  const random = new SeededRandom(3);
  const signedFrom = 7 + vector.layout.certificate_pem_bytes + 1;
  for (let at = 0; at < PACKAGE.length; at++) {
    const flipped = Buffer.from(PACKAGE);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.below(8)), at);
    const outcome = splitWpk(flipped);
    const code = outcome.ok ? verifyWpk(outcome.parts, TRUST) : outcome.code;
    if (at < 7) assert.equal(code, "bad_magic");
    if (at >= signedFrom) assert.equal(code, "signature_wrong", `flipped at ${at}`);
  }
});

test("splitWpk() looks for the end of a certificate only so far", () => {
  const file = Buffer.concat([Buffer.from("WPK256\0"), Buffer.alloc(200_000, "x")]);
  assert.deepEqual(splitWpk(file), { ok: false, code: "certificate_unreadable" });
  assert.deepEqual(splitWpk(Buffer.from("WPK256\0x\0")), { ok: false, code: "truncated" });
  assert.deepEqual(splitWpk(Buffer.alloc(0)), { ok: false, code: "bad_magic" });
});

test("parseCertificates() gives all of a file or nothing", () => {
  assert.equal(parseCertificates(signer.certificate + root.certificate)?.length, 2);
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  for (const pem of ["", "x", broken, signer.certificate + broken])
    assert.equal(parseCertificates(pem), null);
});

test("unpackWpk() ends at its limit, whatever a small content says it holds", () => {
  const bomb = gzipSync(Buffer.concat([Buffer.from("!1000000 a\n"), Buffer.alloc(1_000_000)]));
  assert.deepEqual(unpackWpk(bomb, 10_000), { ok: false, code: "content_too_large" });
  assert(unpackWpk(bomb, 1_000_011).ok);
});

test("unpackWpk() refuses names that lead out of a folder, and what is no content", () => {
  for (const path of ["../x", "/etc/passwd", "a/../b", "C:\\x", "..\\x", "a\0b"])
    assert.deepEqual(unpackWpk(gzipSync(Buffer.from(`!1 ${path}\nx`, "latin1"))), {
      ok: false,
      code: "entry_refused",
    });
  const { content } = partsOf(PACKAGE);
  for (let cut = 0; cut < content.length; cut++)
    assert.deepEqual(unpackWpk(content.subarray(0, cut)), { ok: false, code: "content_unreadable" });
  // A forger may sign what he likes with a key of his own; it is not inflated before the chain is checked.
  const forged = sign("sha256", content, root.key);
  assert.equal(verifyWpk({ ...partsOf(PACKAGE), signature: forged }, TRUST), "signature_wrong");
});
