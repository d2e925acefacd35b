/** Certificates of the agents that enrol: the authority they must come from, and what is said of one that is refused. */
import { X509Certificate } from "node:crypto";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { CertificateChain } from "#kernel/ports/network.ts";
import { printable } from "#kernel/printable.ts";

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** The peer prints names into 256 bytes. */
const NAME_CHARS_MAX = 255;

/** The PEM of `ssl_agent_ca`. Throws `CodedError` `client_authority_unusable`, or what the file system throws. */
export function readClientAuthority(files: Files, path: string): string {
  const text = files.read(path).toString("latin1");
  const detail = { path };
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    throw new CodedError("client_authority_unusable", `ssl_agent_ca: no certificate in ${path}`, detail);
  }
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      const reason = `ssl_agent_ca: ${path}: ${messageOf(error)}`;
      throw new CodedError("client_authority_unusable", reason, detail, error);
    }
  }
  return blocks.join("\n");
}

/** OpenSSL's numbers and texts (include/openssl/x509_vfy.h, crypto/x509/x509_txt.c). */
const PROBLEMS: Readonly<Record<string, readonly [number: number, text: string]>> = {
  UNABLE_TO_GET_ISSUER_CERT: [2, "unable to get issuer certificate"],
  CERT_SIGNATURE_FAILURE: [7, "certificate signature failure"],
  CERT_NOT_YET_VALID: [9, "certificate is not yet valid"],
  CERT_HAS_EXPIRED: [10, "certificate has expired"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [18, "self-signed certificate"],
  SELF_SIGNED_CERT_IN_CHAIN: [19, "self-signed certificate in certificate chain"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [20, "unable to get local issuer certificate"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [21, "unable to verify the first certificate"],
  CERT_CHAIN_TOO_LONG: [22, "certificate chain too long"],
  PATH_LENGTH_EXCEEDED: [25, "path length constraint exceeded"],
  INVALID_PURPOSE: [26, "unsuitable certificate purpose"],
  CERT_UNTRUSTED: [27, "certificate not trusted"],
  CERT_REJECTED: [28, "certificate rejected"],
  INVALID_CA: [79, "invalid CA certificate"],
};
const UNSPECIFIED_ERROR = 1;
/** What Node calls errors that it has no name for; that of a signer which is no authority is one of them. */
const UNNAMED = "UNSPECIFIED";

/** The peer's four lines. Without a certificate it has none: that line is ours. */
export function refusalTexts(
  problem: string,
  chain: CertificateChain,
  client: { readonly address: string; readonly nowMs: number },
): readonly string[] {
  const certificates = chain.map((der) => new X509Certificate(der));
  if (certificates.length === 0) return [`Enrollment client ${client.address} has no certificate`];
  const known = problem === UNNAMED && signersWithoutRight(certificates) ? "INVALID_CA" : problem;
  const depth = depthOf(known, certificates, client.nowMs);
  const at = certificates[depth] ?? certificates.at(-1);
  const [number, text] = PROBLEMS[known] ?? [UNSPECIFIED_ERROR, known];
  return [
    `Problem with certificate at depth ${depth}`,
    `issuer =  ${nameOnOneLine(at?.issuer)}`,
    `subject =  ${nameOnOneLine(at?.subject)}`,
    `${number}:${text}`,
  ];
}

/** Which certificate of the chain has the problem; Node says only that one has. An authority that was not sent stands behind the last. */
function depthOf(problem: string, chain: readonly X509Certificate[], nowMs: number): number {
  const first = (
    isAtFault: (certificate: X509Certificate, index: number) => boolean,
    otherwise: number,
  ): number => {
    const index = chain.findIndex(isAtFault);
    return index === -1 ? otherwise : index;
  };
  switch (problem) {
    case "CERT_HAS_EXPIRED":
      return first(({ validToDate }) => validToDate.getTime() < nowMs, chain.length);
    case "CERT_NOT_YET_VALID":
      return first(({ validFromDate }) => validFromDate.getTime() > nowMs, chain.length);
    case "INVALID_CA":
      return first((certificate, index) => index > 0 && !certificate.ca, 0);
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return chain.length - 1;
    default:
      return 0;
  }
}

function signersWithoutRight(chain: readonly X509Certificate[]): boolean {
  return chain.slice(1).some(({ ca }) => !ca);
}

/** `C=US`, `CN=agent`, a line each, become `/C=US/CN=agent`; control characters have been escaped by OpenSSL. */
function nameOnOneLine(name: string | undefined): string {
  const lines = name === undefined || name === "" ? [] : name.split("\n");
  const bytes = Buffer.from(lines.map((line) => `/${line}`).join(""), "utf8").toString("latin1");
  return printable(bytes, NAME_CHARS_MAX);
}
