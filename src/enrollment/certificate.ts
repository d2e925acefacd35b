/**
 * The manager's certificate: the one that is configured, or a self-signed one made on the first start.
 *
 * Agents check it only when they are told to, and then against this very file, so it is an authority for itself.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { keyPem, makeKeys, makeSelfSigned } from "#kernel/certificates/maker.ts";
import type { AlternativeName } from "#kernel/certificates/names.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Random } from "#kernel/ports/random.ts";
import { parseIpAddress } from "#model/address.ts";

const DAY_MS = 86_400_000;
const VALID_DAYS = 3650;
/** Agents whose clocks are behind must not find it in their future. */
const VALID_BEFORE_DAYS = 1;
/** RFC 5280, ub-common-name. */
const COMMON_NAME_CHARS_MAX = 64;
const DNS_NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const KEY_PERMISSIONS = 0o640;
const CERTIFICATE_PERMISSIONS = 0o644;

export type Certificate = { readonly certificate: string; readonly key: string };

export type CertificatePaths = { readonly certificatePath: string; readonly keyPath: string };

export type CertificateSubject = {
  readonly hostName: string;
  readonly addresses: readonly string[];
  readonly nowMs: number;
};

/** Null when neither file exists. Throws `CodedError` `certificate_unusable`, or what the file system throws. */
export function readCertificate(
  files: Files,
  { certificatePath, keyPath }: CertificatePaths,
): Certificate | null {
  if (files.info(certificatePath) === null && files.info(keyPath) === null) return null;
  const certificate = files.read(certificatePath).toString("latin1");
  const key = files.read(keyPath).toString("latin1");
  const detail = { certificatePath, keyPath };
  let matches: boolean;
  try {
    matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new CodedError("certificate_unusable", messageOf(error), detail, error);
  }
  if (!matches) throw new CodedError("certificate_unusable", "The key is not the certificate's", detail);
  return { certificate, key };
}

export function writeCertificate(
  files: Files,
  { certificatePath, keyPath }: CertificatePaths,
  { certificate, key }: Certificate,
): void {
  files.replace(keyPath, Buffer.from(key), KEY_PERMISSIONS);
  files.replace(certificatePath, Buffer.from(certificate), CERTIFICATE_PERMISSIONS);
}

export async function makeCertificate(
  { hostName, addresses, nowMs }: CertificateSubject,
  random: Random,
): Promise<Certificate> {
  const keys = await makeKeys({ kind: "ec" });
  const details = {
    role: "manager",
    name: [["CN", hostName.slice(0, COMMON_NAME_CHARS_MAX)]],
    alternativeNames: alternativeNames(hostName, addresses),
    notBeforeMs: nowMs - VALID_BEFORE_DAYS * DAY_MS,
    notAfterMs: nowMs + VALID_DAYS * DAY_MS,
  } as const;
  return { certificate: await makeSelfSigned(details, keys, random), key: keyPem(keys) };
}

/** An agent that verifies looks here for what it was told to connect to. `localhost` is for agents of this machine, and never wrong. */
function alternativeNames(hostName: string, addresses: readonly string[]): AlternativeName[] {
  const names = new Set([...(DNS_NAME.test(hostName) ? [hostName] : []), "localhost"]);
  const valid = addresses.filter((address) => parseIpAddress(address) !== null);
  return [
    ...[...names].map((value): AlternativeName => ({ type: "dns", value })),
    ...valid.map((value): AlternativeName => ({ type: "ip", value })),
  ];
}
