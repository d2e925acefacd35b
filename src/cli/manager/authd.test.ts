/** Goal: who has the peer's call gets its effect or is told how. Method: the whole command line on a home in memory, what it wrote is read as the manager reads it. */
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { resolve } from "node:path";
import { before, test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { selfSigned } from "#testing/certificates.ts";
import { FakeFiles } from "#testing/files.ts";
import { runCommand } from "../environment.fixture.ts";

const CONFIG = "/home/etc/ossec.conf";
const ROOT = "/home/etc/rootCA.pem";
const TEXT = "<!-- mine -->\n<ossec_config>\n  <auth>\n    <port>1600</port>\n  </auth>\n</ossec_config>\n";
let rootPem = "";

before(async () => {
  rootPem = (await selfSigned("authority", "root")).certificate;
});

function homeFiles(text = TEXT): FakeFiles {
  const files = new FakeFiles();
  files.write(CONFIG, text);
  files.write(ROOT, rootPem);
  return files;
}

function run(files: FakeFiles, ...args: readonly string[]) {
  return runCommand([...args, "--home", "/home"], { files });
}

function auth(files: FakeFiles) {
  const { config, problems } = readManagerConfig(files.text(CONFIG), CONFIG);
  assert.deepEqual(problems, []);
  return config.auth;
}

test("authd -v says what ossec.conf lacks and changes nothing", async () => {
  const files = homeFiles();
  const { exitCode, stdout } = await run(files, "ossec-authd", "-v", ROOT, "-s", "-p", "1600");
  assert.equal(exitCode, 1);
  assert.match(
    stdout.text,
    /^ {4}<ssl_agent_ca>\/home\/etc\/rootCA\.pem<\/ssl_agent_ca>\n {4}<ssl_verify_host>yes<\/ssl_verify_host>\nPut/m,
  );
  assert.doesNotMatch(stdout.text, /<port>|<disabled>/);
  assert.equal(files.text(CONFIG), TEXT);
});

test("authd --write adds one block, which a second call replaces", async () => {
  const files = homeFiles();
  const first = await run(files, "authd", "-v", ROOT, "-P", "-c", "HIGH:!ADH", "--write");
  assert.equal(first.exitCode, 0, first.stderr.text);
  assert(files.text(CONFIG).startsWith(TEXT));
  const { agentCa, usePassword, ciphers, port, disabled } = auth(files);
  assert.deepEqual([agentCa, usePassword, ciphers, port, disabled], [ROOT, true, "HIGH:!ADH", 1600, false]);
  assert.equal((await run(files, "authd", "-v", ROOT, "-P")).exitCode, 0, "nothing is missing now");

  assert.equal((await run(files, "authd", "-p", "1700", "--write")).exitCode, 0);
  assert.deepEqual([auth(files).agentCa, auth(files).port], [null, 1700]);
  assert.equal(files.text(CONFIG).match(/Written by/g)?.length, 1);
});

test("authd --write enables what was never there", async () => {
  const files = homeFiles("<ossec_config/>");
  assert.match((await run(files, "authd")).stdout.text, /<disabled>no<\/disabled>/);
  assert.equal((await run(files, "authd", "--write")).exitCode, 0);
  assert.equal(auth(files).disabled, false);
});

test("authd refuses what the manager would not start with", async () => {
  const files = homeFiles();
  files.write("/home/etc/junk.pem", "junk");
  for (const [args, code] of [
    [["-v", "/home/etc/no.pem"], 1],
    [["-v", "/home/etc/junk.pem"], 1],
    [["-c", "</ciphers>"], 1],
    [["-p", "0"], 2],
    [["-C", "10"], 2],
  ] as const) {
    assert.equal((await run(files, "authd", ...args, "--write")).exitCode, code, args.join(" "));
  }
  assert.equal(files.text(CONFIG), TEXT);
  assert.equal((await run(files, "authd", "-t")).exitCode, 0);
  assert.equal(
    (await run(homeFiles("<ossec_config><auth><x/></auth></ossec_config>"), "authd", "-t")).exitCode,
    1,
  );
});

test("authd says which options the peer does not take any more", async () => {
  const { stderr } = await run(homeFiles(), "authd", "-t", "-i", "-F", "1", "-L");
  assert.deepEqual(stderr.text.split("\n"), [
    "cyb3rhq: Option '-i' is deprecated. Configure it in the file 'etc/ossec.conf'.",
    "cyb3rhq: Option '-F' is deprecated. Configure it in the file 'etc/ossec.conf'.",
    "cyb3rhq: This option no longer applies. The agent limit has been removed.",
    "",
  ]);
});

test("authd -C -B -K -X -S makes a self-signed pair and writes nothing over", async () => {
  const files = homeFiles();
  const order = [
    "-C",
    "10",
    "-B",
    "2048",
    "-K",
    "/home/a.key",
    "-X",
    "/home/a.cert",
    "-S",
    "/C=US/ST=California/CN=Wazuh/",
  ];
  const made = await run(files, "authd", ...order);
  assert.equal(made.exitCode, 0, made.stderr.text);
  const certificate = new X509Certificate(files.text("/home/a.cert"));
  assert.equal(certificate.subject, "C=US\nST=California\nCN=Wazuh");
  assert.equal(certificate.ca, true);
  assert.equal(certificate.checkPrivateKey(createPrivateKey(files.text("/home/a.key"))), true);
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
  assert.match((await run(files, "authd", ...order)).stderr.text, /not written over/);
  const bad = order.with(-1, "CN").with(5, resolve("/home/b.key")).with(7, "/home/b.cert");
  assert.match((await run(files, "authd", ...bad)).stderr.text, /is no subject/);
});
