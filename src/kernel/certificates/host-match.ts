/**
 * Whether a certificate is that of a host: the peer's rules, for an agent that enrols and for a manager that an agent verifies.
 *
 * wazuh v4.14.7: src/os_auth/check_cert.c. Alternative names first, then common names, whichever of them exist.
 */
import type { X509Certificate } from "node:crypto";
import { alternativeNamesOf, commonNamesOf } from "./names.ts";

/** RFC 1035, 2.3.4. */
const HOST_CHARS_MAX = 253;
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** `host` is a name or the text of an address. */
export function certificateIsOf(certificate: X509Certificate, host: string): boolean {
  if (host.length > HOST_CHARS_MAX) return false;
  if (namesAddress(certificate, host)) return true;
  const alternatives = alternativeNamesOf(certificate).filter(({ type }) => type === "dns");
  const patterns = [...alternatives.map(({ value }) => value), ...commonNamesOf(certificate)];
  return patterns.some((pattern) => nameMatches(pattern, host));
}

/** `*` stands for one whole label and only for the first; an address in text is compared like a name. */
export function nameMatches(pattern: string, host: string): boolean {
  const patternLabels = pattern.toLowerCase().split(".");
  const hostLabels = host.toLowerCase().split(".");
  if (patternLabels.length !== hostLabels.length) return false;
  return patternLabels.every((label, index) => {
    const hostLabel = hostLabels[index] ?? "";
    if (!LABEL.test(hostLabel)) return false;
    return label === hostLabel || (label === "*" && index === 0);
  });
}

function namesAddress(certificate: X509Certificate, host: string): boolean {
  try {
    return certificate.checkIP(host) !== undefined;
  } catch {
    return false; // a name, not an address
  }
}
