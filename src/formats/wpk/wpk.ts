/**
 * WPK: a signed package that agents upgrade themselves from. `WPK256` and a NUL, the signer's certificate in PEM, a NUL, a signature
 * of 256 bytes over all that follows, and that is the gzip of a merged file (`merged-mg`) with the installer and its files
 * (wazuh v4.14.7: src/os_crypto/signature/signature.c).
 *
 * Nothing is inflated before its signature was checked, unless somebody asks for just that.
 */
import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { type MergedEntry, mergedParts, parseMerged } from "../merged-mg/merged-mg.ts";

const MAGIC = Buffer.from("WPK256\0", "latin1");
/** RSA with 2,048 bits. */
const SIGNATURE_BYTES = 256;
const MODULUS_BITS = SIGNATURE_BYTES * 8;
const SIGNATURE_DIGEST = "sha256";
/** A certificate has about one kilobyte. */
const CERTIFICATE_BYTES_MAX = 65_536;
/** Of the package as it is sent: the largest of the peer's have 20 MB. */
export const WPK_BYTES_MAX = 128 * 1024 * 1024;
/** Of what is in it: the peer's have 60 MB. A small package that says more is a bomb. */
export const WPK_CONTENT_BYTES_MAX = 256 * 1024 * 1024;
/** Certificates between the signer's and the root. */
const CHAIN_LENGTH_MAX = 8;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export type WpkFailureCode =
  | "bad_magic"
  | "truncated"
  | "certificate_unreadable"
  | "certificate_untrusted"
  | "key_not_rsa"
  | "signature_wrong"
  | "content_unreadable"
  | "content_too_large"
  | "entry_refused";

/** The peer's words where it has some. */
export const WPK_FAILURE_TEXTS: Readonly<Record<WpkFailureCode, string>> = {
  bad_magic: "Invalid input file (bad magic number).",
  truncated: "The file ends too early.",
  certificate_unreadable: "The package's certificate cannot be read.",
  certificate_untrusted: "Error verifying WPK certificate.",
  key_not_rsa: "Public key is not RSA.",
  signature_wrong: "Failed to verify signature.",
  content_unreadable: "The content cannot be inflated.",
  content_too_large: `The content is larger than ${WPK_CONTENT_BYTES_MAX} bytes.`,
  entry_refused: "The list of files in it is damaged, or one of them leads out of its folder.",
};

export type WpkParts = {
  /** Latin1; PEM. */
  readonly certificate: string;
  readonly signature: Buffer;
  /** Gzip; what the signature is over. */
  readonly content: Buffer;
};

type Failure = { readonly ok: false; readonly code: WpkFailureCode };

function failure(code: WpkFailureCode): Failure {
  return { ok: false, code };
}

/** The parts are views of `file`. */
export function splitWpk(file: Buffer): { readonly ok: true; readonly parts: WpkParts } | Failure {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) return failure("bad_magic");
  const rest = file.subarray(MAGIC.length);
  const certificateEnd = rest.subarray(0, CERTIFICATE_BYTES_MAX).indexOf(0);
  if (certificateEnd === -1) {
    return failure(rest.length < CERTIFICATE_BYTES_MAX ? "truncated" : "certificate_unreadable");
  }
  const signed = rest.subarray(certificateEnd + 1);
  if (signed.length <= SIGNATURE_BYTES) return failure("truncated");
  const certificate = rest.toString("latin1", 0, certificateEnd);
  const signature = signed.subarray(0, SIGNATURE_BYTES);
  return { ok: true, parts: { certificate, signature, content: signed.subarray(SIGNATURE_BYTES) } };
}

export function joinWpk({ certificate, signature, content }: WpkParts): Buffer {
  assert(!certificate.includes("\0"), "a certificate without a NUL");
  assert.equal(signature.length, SIGNATURE_BYTES);
  return Buffer.concat([MAGIC, Buffer.from(`${certificate}\0`, "latin1"), signature, content]);
}

/** Every certificate of a PEM file, in order; null when one of them is none, or when there is none. */
export function parseCertificates(pem: string): readonly X509Certificate[] | null {
  try {
    const certificates = (pem.match(PEM_BLOCK) ?? []).map((block) => new X509Certificate(block));
    return certificates.length === 0 ? null : certificates;
  } catch {
    return null;
  }
}

export type Trust = { readonly authorities: readonly X509Certificate[]; readonly nowMs: number };

/** Null when the signer chains to a trusted root and signed the content. */
export function verifyWpk(
  { certificate, signature, content }: WpkParts,
  trust: Trust,
): WpkFailureCode | null {
  const [signer] = parseCertificates(certificate) ?? [];
  if (signer === undefined) return "certificate_unreadable";
  if (!chainsToRoot(signer, trust)) return "certificate_untrusted";
  const { publicKey } = signer;
  if (!isSigningKey(publicKey)) return "key_not_rsa";
  return verify(SIGNATURE_DIGEST, content, publicKey, signature) ? null : "signature_wrong";
}

/** Agents take the signer's certificate alone from the package: all above it must be among the trusted ones. */
function chainsToRoot(signer: X509Certificate, { authorities, nowMs }: Trust): boolean {
  let current = signer;
  for (let length = 0; length < CHAIN_LENGTH_MAX; length++) {
    if (nowMs < current.validFromDate.getTime() || nowMs > current.validToDate.getTime()) return false;
    const known = authorities.some(({ fingerprint256 }) => fingerprint256 === current.fingerprint256);
    if (known && isIssuerOf(current, current)) return true;
    const issuer = authorities.find((authority) => authority.ca && isIssuerOf(authority, current));
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
}

function isIssuerOf(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSigningKey(key: KeyObject): boolean {
  return key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === MODULUS_BITS;
}

/** The files of a package; `code` says what is wrong with hostile ones. The entries are views of one buffer. */
export function unpackWpk(
  content: Buffer,
  bytesMax = WPK_CONTENT_BYTES_MAX,
): { readonly ok: true; readonly entries: readonly MergedEntry[] } | Failure {
  let merged: Buffer;
  try {
    merged = gunzipSync(content, { maxOutputLength: bytesMax });
  } catch (error) {
    const tooLarge = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    return failure(tooLarge ? "content_too_large" : "content_unreadable");
  }
  const outcome = parseMerged(merged);
  return outcome.ok ? { ok: true, entries: outcome.entries } : failure("entry_refused");
}

export type Signer = { readonly certificate: string; readonly key: string };

/** Null when the key is no RSA key of 2,048 bits, or not the certificate's. */
export function packWpk(entries: readonly MergedEntry[], { certificate, key }: Signer): Buffer | null {
  const privateKey = readPrivateKey(key);
  const [owner] = parseCertificates(certificate) ?? [];
  if (privateKey === null || owner === undefined) return null;
  if (!isSigningKey(privateKey) || !owner.checkPrivateKey(privateKey)) return null;
  // No line with a name: packages of the peer have none.
  const [, ...files] = mergedParts("", entries);
  const content = gzipSync(Buffer.concat(files));
  return joinWpk({ certificate, signature: sign(SIGNATURE_DIGEST, content, privateKey), content });
}

function readPrivateKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
