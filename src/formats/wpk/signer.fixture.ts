/** For tests that need packages: authorities, and signers under them. RSA keys take a moment; make few. */
import { KeyObject } from "node:crypto";
import {
  type CertificateDetails,
  keyPem,
  makeKeys,
  makeSelfSigned,
  makeSigned,
} from "#kernel/certificates/maker.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Signer } from "./wpk.ts";

const DAY_MS = 86_400_000;

export type SignerOptions = {
  readonly name: string;
  /** Null: it signs itself. */
  readonly issuer: Signer | null;
  readonly isAuthority: boolean;
  readonly keyBits?: number;
  readonly notAfterMs?: number;
};

export async function makeSigner(nowMs: number, options: SignerOptions): Promise<Signer> {
  const { name, issuer, isAuthority, keyBits = 2048, notAfterMs = nowMs + DAY_MS } = options;
  const keys = await makeKeys({ kind: "rsa", bits: keyBits });
  const details: CertificateDetails = {
    role: isAuthority ? "authority" : "client",
    name: [["CN", name]],
    alternativeNames: [],
    notBeforeMs: nowMs - DAY_MS,
    notAfterMs,
  };
  const publicKey = KeyObject.from(keys.publicKey).export({ type: "spki", format: "der" });
  const certificate =
    issuer === null
      ? await makeSelfSigned(details, keys, systemRandom)
      : await makeSigned(details, publicKey, issuer, systemRandom);
  return { certificate, key: keyPem(keys) };
}
