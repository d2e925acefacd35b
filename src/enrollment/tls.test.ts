/**
 * Goal: real TLS clients of every kind are served, and no other byte stream disturbs them. Method: the service on the system's network
 * and clock with Node's own clients; the registry on a real disk. Limits in time are tested with a fake clock in `service.test.ts`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { after, before, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { type CertificateSubject, makeCertificate } from "./certificate.ts";
import { CONFIG } from "./fixture.ts";
import { EnrollmentService } from "./service.ts";

const SUCCESS = /^OSSEC K:'\d+ \S+ any [0-9a-f]{64}'$/;

const home = mkdtempSync(join(tmpdir(), "enrollment-tls-"));
const metrics = new RecordingMetrics();
const log = new RecordingLog();
let registry: Registry;
let service: EnrollmentService;

before(async () => {
  for (const folder of ["etc/shared/default", "queue/db", "queue/diff", "queue/rids"]) {
    mkdirSync(join(home, folder), { recursive: true });
  }
  const needs = {
    files: systemFiles,
    clock: new SystemClock(),
    random: systemRandom,
    network: systemNetwork,
    log,
    metrics,
    makeCertificate: (subject: CertificateSubject) => makeCertificate(subject, systemRandom),
  };
  registry = new Registry({ ...needs, paths: registryPaths(home) });
  registry.start();
  const config = {
    ...CONFIG,
    host: "127.0.0.1",
    port: 0,
    certificatePath: join(home, "etc/sslmanager.cert"),
    keyPath: join(home, "etc/sslmanager.key"),
  };
  service = new EnrollmentService(config, { ...needs, registry, master: null });
  await service.start();
});

after(async () => {
  await service.stop();
  registry.stop();
  rmSync(home, { recursive: true });
});

function address() {
  assert(service.port !== null);
  return { host: "127.0.0.1", port: service.port };
}

async function ask(request: string, options: ConnectionOptions = {}): Promise<string> {
  const client = connectTls({ ...address(), rejectUnauthorized: false, ...options });
  client.write(request);
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

/** Sends raw bytes and waits for the end. */
async function sendRaw(bytes: Uint8Array): Promise<void> {
  const socket = connectTcp(address());
  socket.on("error", () => {});
  socket.on("data", () => {});
  socket.end(bytes);
  await once(socket, "close");
}

test("EnrollmentService makes its certificate on the first start, and clients can verify it", async () => {
  assert(log.texts("info").some((text) => text.startsWith("No certificate yet")));
  const ca = readFileSync(join(home, "etc/sslmanager.cert"));
  const options = { ca, rejectUnauthorized: true, servername: "manager01" };
  assert.match(await ask("OSSEC A:'verifying'\n", options), SUCCESS);
});

test("EnrollmentService serves TLS 1.2 and 1.3, and nothing older", async () => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const name = `tls-${version}`;
    const answer = await ask(`OSSEC A:'${name}' V:'v4.14.7' G:'default'\n`, {
      minVersion: version,
      maxVersion: version,
    });
    assert.match(answer, SUCCESS);
    assert(readFileSync(join(home, "etc/client.keys"), "latin1").includes(answer.slice(9, -1)));
  }
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;
  await assert.rejects(ask("OSSEC A:'tls-old'\n", old));
});

/** A stream that sends every byte by itself. */
function crumbling(socket: Socket): Duplex {
  const duplex = new Duplex({
    write: (chunk: Buffer, _encoding, done) => {
      for (const byte of chunk) socket.write(Uint8Array.of(byte));
      done();
    },
    read: () => {},
  });
  socket.on("data", (chunk) => duplex.push(chunk));
  socket.on("end", () => duplex.push(null));
  return duplex;
}

test("EnrollmentService takes a hello in pieces, and a request in pieces", async () => {
  const socket = connectTcp({ ...address(), noDelay: true });
  await once(socket, "connect");
  const client = connectTls({ socket: crumbling(socket), rejectUnauthorized: false });
  await once(client, "secureConnect");
  for (const char of "OSSEC A:'in-pieces'\n") client.write(char);
  const [answer] = await once(client, "data");
  assert.match(String(answer), SUCCESS);
  socket.destroy();
});

test("EnrollmentService is not disturbed by silence, garbage and broken hellos", async () => {
  const silent = connectTcp(address());
  await once(silent, "connect");
  const random = new SeededRandom(1515);
  const hello = await recordedHello();
  await Promise.all([
    sendRaw(Buffer.alloc(4096, 0xff)),
    sendRaw(Buffer.from("OSSEC A:'plain'\n")),
    sendRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n")),
    sendRaw(Buffer.from([22])),
    sendRaw(Buffer.from([22, 3, 1, 0xff, 0xff])),
    sendRaw(Buffer.concat([Buffer.from([22]), random.bytes(20_000)])),
    ...Array.from({ length: 30 }, () => sendRaw(random.mutate(hello))),
    ...Array.from({ length: 10 }, (_, index) => sendRaw(hello.subarray(0, 1 + index * 20))),
  ]);
  assert.match(await ask("OSSEC A:'undisturbed'\n"), SUCCESS);
  assert(metrics.get("enrollment_closed_handshake_failed") > 0);
  silent.destroy();
});

/** What a client sends first. */
async function recordedHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const local = server.address();
  assert(local !== null && typeof local === "object");
  const client = connectTls({ host: "127.0.0.1", port: local.port, rejectUnauthorized: false });
  client.on("error", () => {});
  const [socket] = await once(server, "connection");
  const [hello] = await once(socket, "data");
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

test("EnrollmentService enrols a hundred agents at once, each with an id of its own", async (t) => {
  const syncsBefore = metrics.get("key_file_syncs");
  const startedMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => ask(`OSSEC A:'crowd-${index}'\n`)),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  for (const answer of answers) assert.match(answer, SUCCESS);
  assert.equal(new Set(answers.map((answer) => answer.split(" ")[1])).size, 100);
  t.diagnostic(
    `100 enrolments in ${seconds.toFixed(2)} s, ${metrics.get("key_file_syncs") - syncsBefore} syncs`,
  );
});
