/** Certificates for tests that speak TLS. EC keys: making one takes a millisecond. */
import {
  type CertificateRole,
  type Issuer,
  keyPem,
  makeKeys,
  makeSelfSigned,
  makeSigned,
  publicKeyDer,
} from "#kernel/certificates/maker.ts";
import type { AlternativeName } from "#kernel/certificates/names.ts";
import { systemRandom } from "#kernel/platform/random.ts";

const DAY_MS = 86_400_000;

export const LOOPBACK_NAMES: readonly AlternativeName[] = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
];

/** A pair, and the certificate with those above it that are not the root's. */
export type Made = Issuer & { readonly chain: string };

/** In days from now. */
type Days = readonly [from: number, to: number];

function details(role: CertificateRole, name: string, [from, to]: Days) {
  return {
    role,
    name: [["CN", name]],
    alternativeNames: [],
    notBeforeMs: Date.now() + from * DAY_MS,
    notAfterMs: Date.now() + to * DAY_MS,
  } as const;
}

export async function selfSigned(role: CertificateRole, name: string): Promise<Issuer> {
  const keys = await makeKeys({ kind: "ec" });
  const certificate = await makeSelfSigned(details(role, name, [-1, 30]), keys, systemRandom);
  return { certificate, key: keyPem(keys) };
}

export async function issue(
  issuer: Issuer & { readonly chain?: string },
  options: {
    readonly role?: CertificateRole;
    readonly name?: string;
    readonly days?: Days;
    readonly alternativeNames?: readonly AlternativeName[];
  } = {},
): Promise<Made> {
  const { role = "client", name = "agent", days = [-1, 30], alternativeNames = [] } = options;
  const keys = await makeKeys({ kind: "ec" });
  const asked = { ...details(role, name, days), alternativeNames };
  const certificate = await makeSigned(asked, publicKeyDer(keys), issuer, systemRandom);
  return { certificate, key: keyPem(keys), chain: certificate + (issuer.chain ?? "") };
}

/** Of a server on loopback. */
export function issueServer(issuer: Issuer): Promise<Made> {
  return issue(issuer, { role: "manager", name: "server", alternativeNames: LOOPBACK_NAMES });
}
