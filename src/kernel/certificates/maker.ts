/**
 * Makes keys and certificates, and reads signing requests: what Node's crypto cannot. Time and serial numbers are given.
 *
 * The library costs 20 MB and is loaded with the first call: who stays long makes certificates in a process or thread that ends.
 */
import { createPrivateKey, KeyObject, webcrypto } from "node:crypto";
import { CodedError } from "../errors.ts";
import type { Random } from "../ports/random.ts";
import type { AlternativeName } from "./names.ts";
import { provideReflectMetadata } from "./reflect-metadata.ts";

type CryptoKey = webcrypto.CryptoKey;
export type KeyPair = webcrypto.CryptoKeyPair;

export type KeyKind = { readonly kind: "ec" } | { readonly kind: "rsa"; readonly bits: number };

/** P-256 signs ten times as many handshakes a second as RSA of 2,048 bits; every agent of 4.x accepts it. */
const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const RSA_EXPONENT = Uint8Array.of(1, 0, 1);
/** OpenSSL's names of curves and Web Crypto's. */
const CURVES = new Map([
  ["prime256v1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
]);
const SERIAL_BYTES = 16;

/** One part of a name: `["CN", "agent-1"]`. */
export type NamePart = readonly [type: string, value: string];

/**
 * `authority` may sign others, `client` may only prove who it is; `manager` is both an authority of its own and a server, so that
 * agents can verify it with its certificate alone.
 */
export type CertificateRole = "authority" | "client" | "manager";

export type CertificateDetails = {
  readonly role: CertificateRole;
  readonly name: readonly NamePart[];
  readonly alternativeNames: readonly AlternativeName[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
};

/** Who signs: its certificate and private key as PEM. An RSA key, or one of the curves above. */
export type Issuer = { readonly certificate: string; readonly key: string };

export async function makeKeys(kind: KeyKind): Promise<KeyPair> {
  if (kind.kind === "ec") return await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const algorithm = { ...RSA, modulusLength: kind.bits, publicExponent: RSA_EXPONENT };
  return await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

/** PKCS #8. */
export function keyPem({ privateKey }: KeyPair): string {
  return KeyObject.from(privateKey).export({ type: "pkcs8", format: "pem" }).toString();
}

/** SPKI. */
export function publicKeyDer({ publicKey }: KeyPair): Buffer {
  return KeyObject.from(publicKey).export({ type: "spki", format: "der" });
}

export async function makeSelfSigned(
  details: CertificateDetails,
  keys: KeyPair,
  random: Random,
): Promise<string> {
  const x509 = await loadLibrary();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(random),
      name: details.name.map(([type, value]) => ({ [type]: [value] })),
      notBefore: new Date(details.notBeforeMs),
      notAfter: new Date(details.notAfterMs),
      keys,
      signingAlgorithm: signingAlgorithm(keys.privateKey),
      extensions: await extensions(details, keys.publicKey, keys.publicKey),
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

/** `publicKey` is SPKI in DER. Throws what the library throws for an issuer that is none. */
export async function makeSigned(
  details: CertificateDetails,
  publicKey: Buffer,
  issuer: Issuer,
  random: Random,
): Promise<string> {
  const x509 = await loadLibrary();
  const authority = new x509.X509Certificate(issuer.certificate);
  const signingKey = await importPrivateKey(issuer.key);
  const subjectKey = await new x509.PublicKey(publicKey).export(webcrypto);
  const authorityKey = await authority.publicKey.export(webcrypto);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(random),
      subject: details.name.map(([type, value]) => ({ [type]: [value] })),
      issuer: authority.subjectName,
      notBefore: new Date(details.notBeforeMs),
      notAfter: new Date(details.notAfterMs),
      publicKey: subjectKey,
      signingKey,
      signingAlgorithm: signingAlgorithm(signingKey),
      extensions: await extensions(details, subjectKey, authorityKey),
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

export type SigningRequest = { readonly commonName: string | null; readonly publicKey: Buffer };

/** Null for what is no PKCS #10 request, or one that its key did not sign: the asker has not the key. */
export async function readSigningRequest(pem: string): Promise<SigningRequest | null> {
  const x509 = await loadLibrary();
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify(webcrypto))) return null;
    const [commonName = null] = request.subjectName.getField("CN");
    return { commonName, publicKey: Buffer.from(request.publicKey.rawData) };
  } catch {
    return null; // the library throws for each kind of damage something else
  }
}

async function loadLibrary() {
  provideReflectMetadata();
  return await import("@peculiar/x509");
}

/** A positive number of full length. */
function serialNumber(random: Random): string {
  const serial = random.bytes(SERIAL_BYTES);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial.toString("hex");
}

function signingAlgorithm({ algorithm }: CryptoKey): typeof EC | typeof RSA {
  return algorithm.name === EC.name ? EC : RSA;
}

async function importPrivateKey(pem: string): Promise<CryptoKey> {
  const key = createPrivateKey(pem);
  const namedCurve = CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? "");
  if (key.asymmetricKeyType !== "rsa" && namedCurve === undefined) {
    const text = `Keys of type ${key.asymmetricKeyType} do not sign certificates here: RSA, P-256, P-384 and P-521 do`;
    throw new CodedError("issuer_key_unsupported", text);
  }
  const der = key.export({ type: "pkcs8", format: "der" });
  const algorithm = namedCurve === undefined ? RSA : { name: EC.name, namedCurve };
  return await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}

async function extensions({ role, alternativeNames }: CertificateDetails, own: CryptoKey, issuer: CryptoKey) {
  const x509 = await loadLibrary();
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const usages = {
    authority: keyCertSign | cRLSign,
    client: digitalSignature,
    manager: digitalSignature | keyCertSign,
  };
  return [
    new x509.BasicConstraintsExtension(role !== "client", undefined, true),
    new x509.KeyUsagesExtension(usages[role], true),
    ...(role === "client" ? [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])] : []),
    await x509.SubjectKeyIdentifierExtension.create(own, false, webcrypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
    ...(alternativeNames.length === 0
      ? []
      : [new x509.SubjectAlternativeNameExtension([...alternativeNames])]),
  ];
}
