/** Goal: a certificate that OpenSSL and agents take, in files that are safe. Method: Node's own X.509 reader looks at what was made. */
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { systemRandom } from "#kernel/platform/random.ts";
import { FakeFiles } from "#testing/files.ts";
import { makeCertificate, readCertificate, writeCertificate } from "./certificate.ts";

const PATHS = { certificatePath: "/etc/sslmanager.cert", keyPath: "/etc/sslmanager.key" };
const NOW_MS = Date.UTC(2026, 0, 15, 12);

function make(
  hostName = "siem.example.org",
  addresses: readonly string[] = ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"],
) {
  return makeCertificate({ hostName, addresses, nowMs: NOW_MS }, systemRandom);
}

test("makeCertificate() makes a self-signed authority of its own for ten years", async () => {
  const { certificate, key } = await make();
  const read = new X509Certificate(certificate);
  assert.equal(read.verify(read.publicKey), true);
  assert.equal(read.checkPrivateKey(createPrivateKey(key)), true);
  assert.equal(read.ca, true);
  assert.equal(read.subject, "CN=siem.example.org");
  assert.equal(read.issuer, read.subject);
  assert.equal(read.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.equal(new Date(read.validFrom).getTime(), NOW_MS - 86_400_000);
  assert.equal(new Date(read.validTo).getTime(), NOW_MS + 3650 * 86_400_000);
  assert.equal(read.checkHost("siem.example.org"), "siem.example.org");
  for (const address of ["192.0.2.1", "2001:db8::1"]) assert.equal(read.checkIP(address), address);
  assert.match(read.serialNumber, /^[4-7][0-9A-F]{31}$/);
});

test("makeCertificate() bears odd host names", async () => {
  for (const hostName of ["", "a, CN=b", "bücher", "x".repeat(255), "*", "a\0b"]) {
    const { certificate } = await make(hostName, []);
    const read = new X509Certificate(certificate);
    assert.equal(read.checkHost("localhost"), "localhost", hostName);
    assert.equal(read.checkHost("b"), undefined, hostName);
  }
});

test("readCertificate() gives back what was written, with the key for owner and group only", async () => {
  const files = new FakeFiles();
  assert.equal(readCertificate(files, PATHS), null);
  const made = await make();
  writeCertificate(files, PATHS, made);
  assert.deepEqual(readCertificate(files, PATHS), made);
  assert.equal(files.info(PATHS.keyPath)?.mode, 0o640);
});

test("readCertificate() refuses halves, junk and a foreign key: no client could be served", async () => {
  const { certificate, key } = await make();
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const foreignPem = foreign.export({ type: "pkcs8", format: "pem" }).toString();
  const read = (certificateText: string | null, keyText: string | null) => {
    const files = new FakeFiles();
    if (certificateText !== null) files.write(PATHS.certificatePath, certificateText);
    if (keyText !== null) files.write(PATHS.keyPath, keyText);
    return readCertificate(files, PATHS);
  };
  assert.throws(() => read(certificate, null), { code: "file_not_found" });
  assert.throws(() => read(null, key), { code: "file_not_found" });
  assert.throws(() => read("junk", key), { code: "certificate_unusable" });
  assert.throws(() => read(certificate, "junk"), { code: "certificate_unusable" });
  assert.throws(() => read(certificate, foreignPem), { code: "certificate_unusable" });
});
