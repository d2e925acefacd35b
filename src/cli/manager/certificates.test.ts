/**
 * Goal: pairs that OpenSSL accepts and that nobody loses by accident. Method: the whole command line on a temporary home; what it made
 * is read by Node and verified by the `openssl` program.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemFiles } from "#kernel/platform/files.ts";
import { FakeClock } from "#testing/clock.ts";
import { fakeProcess } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const DAY_MS = 86_400_000;
const skip = spawnSync("openssl", ["version"]).status !== 0 && "no openssl program";

class Authority {
  readonly home = mkdtempSync(join(tmpdir(), "certificates-"));

  constructor(t: TestContext) {
    t.after(() => rmSync(this.home, { recursive: true }));
    mkdirSync(join(this.home, "etc"));
    writeFileSync(join(this.home, "etc/ossec.conf"), "<ossec_config/>");
  }

  path(name: string): string {
    return join(this.home, "etc/agent-certificates", name);
  }

  async run(args: readonly string[], nowMs = NOW_MS) {
    const fake = {
      ...fakeProcess(["agents", "certificate", ...args, "--home", this.home], { files: systemFiles }),
      clock: new FakeClock(nowMs),
    };
    await runProgram(fake);
    return { code: fake.exitCode, stdout: fake.stdout.text, stderr: fake.stderr.text };
  }

  async ok(args: readonly string[], nowMs = NOW_MS): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, nowMs);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  certificate(name: string): X509Certificate {
    return new X509Certificate(readFileSync(this.path(name)));
  }

  /** What `openssl verify` says for a TLS client. */
  verify(name: string, atMs = NOW_MS): string {
    const at = String(Math.floor(atMs / 1000));
    const args = [
      "verify",
      "-purpose",
      "sslclient",
      "-x509_strict",
      "-attime",
      at,
      "-CAfile",
      this.path("rootCA.pem"),
    ];
    const { stdout, stderr } = spawnSync("openssl", [...args, this.path(name)]);
    return `${stdout}${stderr}`;
  }
}

test("agents certificate makes a root and a pair that OpenSSL accepts", { skip }, async (t) => {
  const authority = new Authority(t);
  assert.match(
    await authority.ok(["root"]),
    /until 2036-01-13\n(?:.*\n)*? *<ssl_agent_ca>.*rootCA\.pem<\/ssl_agent_ca>/,
  );
  const said = await authority.ok(["issue", "web-1", "--ip", "192.0.2.7", "--dns", "web-1.example.org"]);
  assert.match(said, /web-1\.cert, until 2027-01-15/);
  assert.match(authority.verify("web-1.cert"), /web-1\.cert: OK/);
  assert.match(authority.verify("web-1.cert", NOW_MS + 366 * DAY_MS), /certificate has expired/);
  const certificate = authority.certificate("web-1.cert");
  assert.equal(
    certificate.checkPrivateKey(createPrivateKey(readFileSync(authority.path("web-1.key")))),
    true,
  );
  assert.equal(certificate.subject, "CN=web-1");
  assert.equal(certificate.subjectAltName, "IP Address:192.0.2.7, DNS:web-1.example.org");
  assert.equal(certificate.ca, false);
  const modes = ["", "rootCA.pem", "rootCA.key", "web-1.cert", "web-1.key"].map((name) =>
    (statSync(authority.path(name)).mode & 0o777).toString(8),
  );
  assert.deepEqual(modes, ["700", "600", "400", "600", "400"]);
});

test("agents certificate writes nothing over", async (t) => {
  const authority = new Authority(t);
  await authority.ok(["root"]);
  await authority.ok(["issue", "web-1"]);
  const before = ["rootCA.pem", "rootCA.key", "web-1.cert", "web-1.key"].map((name) =>
    readFileSync(authority.path(name), "latin1"),
  );
  for (const args of [["root"], ["issue", "web-1"]]) {
    const { code, stderr } = await authority.run(args);
    assert.equal(code, 1);
    assert.match(stderr, /exists already and is not written over/);
  }
  rmSync(authority.path("web-1.cert"));
  assert.equal((await authority.run(["issue", "web-1"])).code, 1, "its key is somebody's");
  writeFileSync(authority.path("web-1.cert"), before[2] ?? "");
  const after = ["rootCA.pem", "rootCA.key", "web-1.cert", "web-1.key"].map((name) =>
    readFileSync(authority.path(name), "latin1"),
  );
  assert.deepEqual(after, before);
});

test("agents certificate sign takes openssl's request, its key and no more of it", { skip }, async (t) => {
  const authority = new Authority(t);
  await authority.ok(["root"]);
  const csr = join(authority.home, "agent.csr");
  const key = join(authority.home, "agent.key");
  const subject = ["-subj", "/O=Somebody/CN=db-1", "-addext", "subjectAltName=DNS:manager.example.org"];
  const made = spawnSync("openssl", [
    "req",
    "-new",
    "-nodes",
    "-newkey",
    "rsa:2048",
    "-keyout",
    key,
    "-out",
    csr,
    ...subject,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  await authority.ok(["sign", "--csr", csr]);
  assert.match(authority.verify("db-1.cert"), /db-1\.cert: OK/);
  const certificate = authority.certificate("db-1.cert");
  assert.equal(certificate.checkPrivateKey(createPrivateKey(readFileSync(key))), true);
  assert.equal(certificate.subject, "CN=db-1");
  assert.equal(certificate.subjectAltName, undefined);

  const text = readFileSync(csr, "latin1");
  const forged = Buffer.from(text.replace(/-----.*-----|\n/g, ""), "base64");
  forged.writeUInt8(forged.readUInt8(forged.length - 9) ^ 1, forged.length - 9);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${forged.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  for (const [index, bad] of ["", "junk", text.slice(0, 300), pem, "x".repeat(100_000)].entries()) {
    writeFileSync(csr, bad);
    const { code, stderr } = await authority.run(["sign", "--csr", csr, "--name", `bad-${index}`]);
    assert.equal(code, 1, String(index));
    assert.match(stderr, /is no certificate signing request/);
  }
});

test("agents certificate renew keeps key and names, and renews only its own", { skip }, async (t) => {
  const authority = new Authority(t);
  await authority.ok(["root"]);
  await authority.ok(["issue", "web-1", "--ip", "2001:db8::7", "--dns", "*.example.org"]);
  await authority.ok(["issue", "web-2", "--days", "700"]);
  const old = authority.certificate("web-1.cert");
  const laterMs = NOW_MS + 340 * DAY_MS;
  assert.match(
    await authority.ok(["renew", "--all"], laterMs),
    /^Certificate of web-1: [^\n]*until 2027-12-21;[^\n]*\n$/,
  );
  const renewed = authority.certificate("web-1.cert");
  assert.deepEqual(
    renewed.publicKey.export({ type: "spki", format: "pem" }),
    old.publicKey.export({ type: "spki", format: "pem" }),
  );
  assert.equal(renewed.subjectAltName, old.subjectAltName);
  assert.notEqual(renewed.serialNumber, old.serialNumber);
  assert.match(authority.verify("web-1.cert", laterMs + 360 * DAY_MS), /OK/);
  assert.equal(await authority.ok(["renew", "--all"], laterMs), "No certificate is to be renewed yet\n");
  assert.match(await authority.ok(["renew", "web-2"], laterMs), /until 2027-12-21/);

  const other = new Authority(t);
  await other.ok(["root"]);
  await other.ok(["issue", "web-3"]);
  writeFileSync(authority.path("web-3.cert"), readFileSync(other.path("web-3.cert")));
  assert.match((await authority.run(["renew", "web-3"])).stderr, /it is not renewed/);
  assert.match(await authority.ok(["list"]), /web-3 +2027-01-15 +365 not of the root/);
});

test("agents certificate list shows expiry, and nothing outlives the root", async (t) => {
  const authority = new Authority(t);
  assert.match(await authority.ok(["list"]), /^No certificates yet/);
  await authority.ok(["root", "--days", "100"]);
  await authority.ok(["issue", "web-1"]);
  await authority.ok(["issue", "web-2", "--days", "5"]);
  assert.equal(
    await authority.ok(["list"], NOW_MS + 10 * DAY_MS),
    [
      "NAME                         EXPIRES      DAYS STATE",
      "(root)                       2026-04-25     90 valid",
      "web-1                        2026-04-25     90 valid",
      "web-2                        2026-01-20     -5 expired",
      "",
    ].join("\n"),
  );
  const json = JSON.parse(await authority.ok(["list", "--json"], NOW_MS + 80 * DAY_MS));
  assert.deepEqual([json[1].name, json[1].daysLeft, json[1].state], ["web-1", 20, "expires soon"]);
  assert.match((await authority.run(["issue", "web-9"], NOW_MS + 101 * DAY_MS)).stderr, /has expired/);
});

test("agents certificate says what is wrong with a call", async (t) => {
  const authority = new Authority(t);
  assert.match((await authority.run(["issue", "web-1"])).stderr, /agents certificate root' makes it/);
  await authority.ok(["root"]);
  for (const [args, code] of [
    [["issue", "../../x"], 1],
    [["issue", ".."], 1],
    [["issue", "rootCA"], 1],
    [["issue", "web-1", "--ip", "everywhere"], 1],
    [["issue", "web-1", "--dns", "a,b"], 1],
    [["issue", "web-1", "--days", "0"], 2],
    [["renew"], 2],
    [["renew", "web-1", "--all"], 2],
    [["renew", "web-1"], 1],
  ] as const) {
    assert.equal((await authority.run(args)).code, code, args.join(" "));
  }
  writeFileSync(authority.path("web-1.cert"), "junk");
  assert.match((await authority.run(["list"])).stderr, /web-1\.cert is no certificate/);
});
