/**
 * Goal: with an authority configured nobody enrols without a certificate of it, and the log says what was wrong. Method: certificates
 * of a small authority made here, good and bad, shown over real TLS of both versions by Node's client and by `openssl s_client`.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import type { Issuer } from "#kernel/certificates/maker.ts";
import { issue, type Made, selfSigned } from "#testing/certificates.ts";
import { refusalTexts } from "./client-certificate.ts";
import type { EnrollmentConfig } from "./config.ts";
import { RealEnrollment } from "./real-service.fixture.ts";

const SUCCESS = /^OSSEC K:'\d+ \S+ any [0-9a-f]{64}'$/;
const HAS_OPENSSL = spawnSync("openssl", ["version"]).status === 0;

const enrollment = new RealEnrollment();
const { home, log, metrics } = enrollment;
const clientAuthorityPath = join(home, "etc/rootCA.pem");
let root: Issuer;
let otherRoot: Issuer;

before(async () => {
  root = await selfSigned("authority", "agents root");
  otherRoot = await selfSigned("authority", "other root");
  writeFileSync(clientAuthorityPath, root.certificate);
});

after(() => enrollment.end());

function withService(config: Partial<EnrollmentConfig>, use: (port: number) => Promise<void>): Promise<void> {
  return enrollment.serve({ clientAuthorityPath, ...config }, use);
}

let asked = 0;

/** The answer; empty when the connection ended without one, however it ended. */
function ask(port: number, shown: Partial<Made>, options: ConnectionOptions = {}): Promise<string> {
  const { chain, key } = shown;
  return new Promise((resolve) => {
    const client = connect({
      ...{ host: "127.0.0.1", port, rejectUnauthorized: false },
      ...(chain === undefined ? {} : { cert: chain }),
      ...(key === undefined ? {} : { key }),
      ...options,
    });
    let answer = "";
    client.on("data", (chunk) => {
      answer += chunk;
    });
    client.on("error", () => {});
    client.on("close", () => resolve(answer));
    client.write(`OSSEC A:'asked-${asked++}'\n`);
  });
}

function errorsSince(count: number): readonly string[] {
  return log.texts("error").slice(count);
}

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

test("EnrollmentService enrols who shows a certificate of the authority, also through one between", async () => {
  const direct = await issue(root);
  const between = await issue(await issue(root, { role: "authority", name: "between" }));
  await withService({}, async (port) => {
    for (const version of VERSIONS) {
      const versions = { minVersion: version, maxVersion: version };
      assert.match(await ask(port, direct, versions), SUCCESS, version);
      assert.match(await ask(port, between, versions), SUCCESS, version);
    }
  });
});

test("EnrollmentService enrols nobody else", async () => {
  const own = await selfSigned("authority", "agents root"); // the right name, another key
  const noAuthority = await issue(root, { name: "no authority" });
  const expiredBetween = await issue(root, { role: "authority", name: "between", days: [-20, -10] });
  const cases: readonly (readonly [string, Partial<Made>, readonly string[]])[] = [
    ["no certificate", {}, ["Enrollment client 127.0.0.1 has no certificate"]],
    [
      "expired",
      await issue(root, { days: [-20, -10] }),
      problem(0, "/CN=agents root", "/CN=agent", "10:certificate has expired"),
    ],
    [
      "of tomorrow",
      await issue(root, { days: [1, 10] }),
      problem(0, "/CN=agents root", "/CN=agent", "9:certificate is not yet valid"),
    ],
    [
      "self-signed",
      await selfSigned("client", "agent"),
      problem(0, "/CN=agent", "/CN=agent", "18:self-signed certificate"),
    ],
    [
      "another authority",
      await issue(otherRoot),
      problem(0, "/CN=other root", "/CN=agent", "21:unable to verify the first certificate"),
    ],
    [
      "another authority, sent along",
      await issue({ ...otherRoot, chain: otherRoot.certificate }),
      problem(1, "/CN=other root", "/CN=other root", "19:self-signed certificate in certificate chain"),
    ],
    ["the authority's name, not its key", await issue({ ...own, chain: own.certificate }), []],
    [
      "signed by an agent",
      await issue(noAuthority),
      problem(1, "/CN=agents root", "/CN=no authority", "79:invalid CA certificate"),
    ],
    [
      "through an expired one",
      await issue(expiredBetween),
      problem(1, "/CN=agents root", "/CN=between", "10:certificate has expired"),
    ],
  ];
  for (const version of VERSIONS) {
    for (const [what, shown, lines] of cases) {
      const chain = shown.chain ?? shown.certificate;
      const saidBefore = log.texts("error").length;
      const refusedBefore = metrics.get("enrollment_closed_certificate_refused");
      // A service each: one says no more than one refusal a second for a network.
      await withService({}, async (port) => {
        const versions = { minVersion: version, maxVersion: version };
        assert.equal(
          await ask(port, { ...shown, ...(chain === undefined ? {} : { chain }) }, versions),
          "",
          what,
        );
      });
      assert.equal(metrics.get("enrollment_closed_certificate_refused"), refusedBefore + 1, what);
      if (lines.length > 0) assert.deepEqual(errorsSince(saidBefore), lines, `${what} ${version}`);
    }
  }
});

function problem(depth: number, issuer: string, subject: string, text: string): readonly string[] {
  return [`Problem with certificate at depth ${depth}`, `issuer =  ${issuer}`, `subject =  ${subject}`, text];
}

test("EnrollmentService is not held up by huge chains", async () => {
  let last: Made = { ...root, chain: "" };
  for (let length = 0; length < 12; length++)
    last = await issue(last, { role: "authority", name: `c${length}` });
  const long = await issue(last);
  const good = await issue(root);
  const filler = (await issue(otherRoot)).certificate.repeat(400); // more than OpenSSL takes
  await withService({}, async (port) => {
    assert.match(await ask(port, long), SUCCESS, "long but right");
    const started = performance.now();
    const hostile = Array.from({ length: 8 }, () => ask(port, { ...good, chain: good.chain + filler }));
    assert.match(await ask(port, good), SUCCESS);
    for (const answer of await Promise.all(hostile)) assert.equal(answer, "");
    assert(performance.now() - started < 2000);
  });
});

test("EnrollmentService with verify_host takes a certificate from its own host only", async () => {
  const here = await issue(root, { alternativeNames: [{ type: "ip", value: "127.0.0.1" }] });
  const there = await issue(root, { alternativeNames: [{ type: "ip", value: "127.0.0.2" }] });
  const named = await issue(root, { name: "127.0.0.1" });
  await withService({ verifiesHost: true }, async (port) => {
    assert.match(await ask(port, here), SUCCESS);
    assert.match(await ask(port, named), SUCCESS);
    const saidBefore = log.texts("error").length;
    assert.equal(await ask(port, there), "");
    assert.deepEqual(errorsSince(saidBefore)[0], "Unable to verify client certificate.");
  });
  await withService({ verifiesHost: true, clientAuthorityPath: null }, async (port) => {
    assert.match(await ask(port, {}), SUCCESS, "without an authority it says nothing");
  });
});

test("EnrollmentService and openssl s_client agree", {
  skip: !HAS_OPENSSL && "no openssl program",
}, async () => {
  const good = await issue(root);
  const foreign = await issue(otherRoot);
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const run = (port: number, made: Made | null, version: string): Promise<string> => {
    const shown =
      made === null
        ? []
        : ["-cert", file("agent.cert", made.certificate), "-key", file("agent.key", made.key)];
    const args = ["s_client", "-quiet", version, "-connect", `127.0.0.1:${port}`, ...shown];
    const client = spawn("openssl", args, { stdio: ["pipe", "pipe", "ignore"] });
    client.stdin.on("error", () => {});
    client.stdin.write(`OSSEC A:'openssl-${asked++}'\n`);
    let answer = "";
    client.stdout.on("data", (chunk) => {
      answer += chunk;
    });
    return new Promise((resolve) => client.on("close", () => resolve(answer)));
  };
  await withService({}, async (port) => {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      assert.match(await run(port, good, version), SUCCESS, version);
      assert.equal(await run(port, foreign, version), "", version);
      assert.equal(await run(port, null, version), "", version);
    }
  });
});

test("EnrollmentService takes what openssl's plainest commands make", {
  skip: !HAS_OPENSSL && "no openssl program",
}, async () => {
  const openssl = (...args: readonly string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: home });
    assert.equal(status, 0, String(stderr));
  };
  const key = ["-nodes", "-newkey", "rsa:2048"];
  openssl(
    "req",
    "-x509",
    "-subj",
    "/CN=own root",
    ...key,
    "-days",
    "365",
    "-keyout",
    "own.key",
    "-out",
    "own.pem",
  );
  openssl("req", "-new", "-batch", ...key, "-keyout", "plain.key", "-out", "plain.csr");
  const signing = ["-CA", "own.pem", "-CAkey", "own.key", "-CAcreateserial", "-out", "plain.cert"];
  openssl("x509", "-req", "-days", "365", "-in", "plain.csr", ...signing);
  const read = (name: string) => readFileSync(join(home, name), "latin1");
  const plain = { chain: read("plain.cert"), key: read("plain.key") };
  await withService({ clientAuthorityPath: join(home, "own.pem") }, async (port) => {
    assert.match(await ask(port, plain), SUCCESS);
    assert.equal(await ask(port, await issue(root)), "");
  });
});

test("refusalTexts() gives names on one line, and of an unknown problem its name", async () => {
  const { certificate } = await issue(root, { name: "x".repeat(60) });
  const chain = [new X509Certificate(certificate).raw];
  const texts = refusalTexts("EMAIL_MISMATCH", chain, { address: "192.0.2.1", nowMs: 0 });
  assert.deepEqual(texts.slice(2), [`subject =  /CN=${"x".repeat(60)}`, "1:EMAIL_MISMATCH"]);
});
