/**
 * Goal: the listener works on real sockets, over TLS too, and lets in no client that its authority does not know. Method: loopback
 * clients of Node; certificates of a small authority made here.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { connect as connectTcp } from "node:net";
import { before, type TestContext, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Issuer } from "#kernel/certificates/maker.ts";
import { issue, issueServer, selfSigned } from "#testing/certificates.ts";
import { FakeFiles } from "#testing/files.ts";
import { startOnLoopback, until } from "./fixture.ts";

const LOOPBACK = "127.0.0.1";
const TLS = { certificatePath: "/s.pem", keyPath: "/s.key", clientAuthorityPath: null };
const MUTUAL_TLS = { ...TLS, clientAuthorityPath: "/ca.pem" };

let root: Issuer;
let otherRoot: Issuer;
let server: Issuer;

before(async () => {
  [root, otherRoot] = await Promise.all([selfSigned("authority", "root"), selfSigned("authority", "other")]);
  server = await issueServer(root);
});

function certificateFiles(): FakeFiles {
  const files = new FakeFiles();
  files.write("/s.pem", server.certificate);
  files.write("/s.key", server.key);
  files.write("/ca.pem", root.certificate);
  return files;
}

/** Resolves when the connection is over, with the error's code or null. */
function sendOverTls(port: number, text: string, options: ConnectionOptions): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: LOOPBACK,
      port,
      ca: root.certificate,
      servername: "localhost",
      ...options,
    });
    socket.on("secureConnect", () => socket.end(text));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
    socket.on("close", () => resolve(null));
    socket.resume();
  });
}

async function sendOverTcp(port: number, text: string, host = LOOPBACK): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connectTcp(port, host, () => socket.end(text));
    socket.on("close", () => resolve());
    socket.on("error", reject);
    socket.resume();
  });
}

async function sendDatagrams(port: number, texts: readonly string[], host: string): Promise<void> {
  const socket = createSocket(host === LOOPBACK ? "udp4" : "udp6");
  for (const text of texts) await new Promise((sent) => socket.send(text, port, host, sent));
  socket.close();
}

test("SyslogListener receives datagrams over IPv4 and IPv6", async (context) => {
  for (const host of [LOOPBACK, "::1"]) {
    const { sink, port } = await startOnLoopback(context, { protocol: "udp", host });
    await sendDatagrams(port, ["<13>one\n", "<13>two"], host);
    await until(() => sink.events.length === 2);
    assert.deepEqual(sink.texts, ["one", "two"]);
    const location = host === LOOPBACK ? LOOPBACK : "0000:0000:0000:0000:0000:0000:0000:0001";
    assert.equal(sink.events[0]?.location, location);
  }
});

test("SyslogListener receives connections, a whole megabyte of lines in order", async (context) => {
  const { sink, port } = await startOnLoopback(context, {});
  const lines = Array.from({ length: 20_000 }, (_, index) => `<13>line ${index} ${"x".repeat(50)}`);
  await sendOverTcp(port, `${lines.join("\n")}\n`);
  await until(() => sink.events.length === lines.length);
  assert.deepEqual(
    sink.texts,
    lines.map((line) => line.slice(4)),
  );
});

test("SyslogListener receives messages over TLS, and clear text is no TLS", async (context) => {
  const { sink, log, port } = await startOnLoopback(context, { tls: TLS }, certificateFiles());
  assert.equal(await sendOverTls(port, "7 <13>one<13>two\n", {}), null);
  await until(() => sink.events.length === 2);
  assert.deepEqual(sink.texts, ["one", "two"]);
  await sendOverTcp(port, "<13>in clear\n").catch(() => {});
  await until(() => log.texts("warning").length === 1);
  assert.match(log.texts("warning")[0] ?? "", /^TLS of syslog failed with '127\.0\.0\.1': ERR_SSL_/);
  assert.equal(sink.events.length, 2);
});

test("SyslogListener with an authority takes messages of its clients only", async (context) => {
  const listener = await startOnLoopback(context, { tls: MUTUAL_TLS }, certificateFiles());
  const { sink, log, port } = listener;
  for (const versions of [{}, { maxVersion: "TLSv1.2" }] as const) {
    const good = await issue(root);
    await sendOverTls(port, "<13>good\n", { ...versions, cert: good.certificate, key: good.key });
    const foreign = await issue(otherRoot);
    await sendOverTls(port, "<13>foreign\n", { ...versions, cert: foreign.certificate, key: foreign.key });
    await sendOverTls(port, "<13>none\n", versions);
  }
  await until(() => sink.events.length === 2 && listener.metrics.get("syslog_tls_failures") === 4);
  assert.deepEqual(sink.texts, ["good", "good"]);
  assert.match(log.texts("warning")[0] ?? "", /^TLS of syslog failed with '127\.0\.0\.1': [A-Z_]+$/);
});

test("SyslogListener does not start with certificates that cannot be used", async (context: TestContext) => {
  const other = await issueServer(root);
  const cases: readonly (readonly [path: string, text: string | null, code: string])[] = [
    ["/s.pem", null, "file_not_found"],
    ["/s.key", null, "file_not_found"],
    ["/ca.pem", null, "file_not_found"],
    ["/s.pem", "no certificate", "certificate_unusable"],
    ["/s.key", "no key", "certificate_unusable"],
    ["/s.key", other.key, "certificate_unusable"],
    ["/ca.pem", "no certificate", "certificate_unusable"],
  ];
  for (const [path, text, code] of cases) {
    const files = certificateFiles();
    if (text === null) files.remove(path);
    else files.write(path, text);
    await assert.rejects(startOnLoopback(context, { tls: MUTUAL_TLS }, files), { code }, `${path} ${text}`);
  }
});
