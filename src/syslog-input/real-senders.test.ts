/**
 * Goal: what is installed everywhere is understood: `logger` of util-linux, rsyslog, HAProxy. Method: each of them sends to the listener on
 * loopback in each of its forms. Where a program is missing its tests are skipped.
 */
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { startOnLoopback, type TestSink, until } from "./fixture.ts";

const run = promisify(execFile);
const LOOPBACK = "127.0.0.1";
/** System programs are not in everyone's path. */
const PATH = `${process.env["PATH"]}:/usr/sbin:/sbin`;

function missing(program: string): string | false {
  const { status } = spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH } });
  return status !== 0 && `no ${program} program`;
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "syslog-senders-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs until the test is over. */
function start(context: TestContext, program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: "ignore", env: { PATH } });
  const ended = new Promise((resolve) => child.once("close", resolve));
  context.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, LOOPBACK, listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  assert(typeof address === "object" && address !== null);
  return address.port;
}

async function firstText(sink: TestSink): Promise<string> {
  await until(() => sink.events.length > 0);
  return sink.texts[0] ?? "";
}

const CLASSIC = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ app(?:\[\d+\])?: hello \[there\]$/;
const REWRITTEN =
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ app(?:\[\d+\])?: \[ID (\{"syslog":\{.*\}\})\] hello \[there\]$/;

function fieldsOf(line: string): Record<string, unknown> {
  return JSON.parse(REWRITTEN.exec(line)?.[1] ?? assert.fail(line)).syslog;
}

for (const [name, protocol, options] of [
  ["UDP", "udp", ["--udp"]],
  ["TCP", "tcp", ["--tcp"]],
  ["TCP with lengths", "tcp", ["--tcp", "--octet-count"]],
] as const) {
  test(`logger sends over ${name}`, { skip: missing("logger") }, async (context) => {
    const send = async (format: "raw" | "rfc5424", option: string) => {
      const { sink, port } = await startOnLoopback(context, { protocol, format });
      const to = ["--server", LOOPBACK, "--port", String(port), ...options, option];
      await run("logger", [...to, "--priority", "auth.err", "--tag", "app", "hello [there]"]);
      return firstText(sink);
    };
    assert.match(await send("raw", "--rfc3164"), CLASSIC);
    assert.match(await send("rfc5424", "--rfc3164"), CLASSIC);
    assert.match(await send("raw", "--rfc5424"), /^1 \S+ \S+ app - - \[timeQuality .*\] hello \[there\]$/);
    const { facility, severity, structured_data: data } = fieldsOf(await send("rfc5424", "--rfc5424"));
    assert.deepEqual([facility, severity], ["auth", "err"]);
    assert.deepEqual(Object.keys(data as object), ["timeQuality"]);
  });
}

for (const [name, protocol, options] of [
  ["UDP", "udp", 'protocol="udp"'],
  ["TCP", "tcp", 'protocol="tcp"'],
  ["TCP with lengths", "tcp", 'protocol="tcp" TCP_Framing="octet-counted"'],
] as const) {
  const skip = missing("rsyslogd") || missing("logger");
  test(`rsyslog forwards over ${name}`, { skip }, async (context) => {
    const classic = await startOnLoopback(context, { protocol });
    const modern = await startOnLoopback(context, { protocol, format: "rfc5424" });
    const folder = temporaryFolder(context);
    const forward = (port: number, template: string) =>
      `action(type="omfwd" target="${LOOPBACK}" port="${port}" template="${template}" ${options})`;
    const socket = join(folder, "log");
    writeFileSync(
      join(folder, "rsyslog.conf"),
      `global(workDirectory="${folder}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}")
${forward(classic.port, "RSYSLOG_TraditionalForwardFormat")}
${forward(modern.port, "RSYSLOG_SyslogProtocol23Format")}
`,
    );
    start(context, "rsyslogd", ["-n", "-f", join(folder, "rsyslog.conf"), "-i", join(folder, "pid")]);
    await until(() => existsSync(socket));
    await run("logger", ["--socket", socket, "--id=4711", "--tag", "app", "hello [there]"]);
    assert.match(await firstText(classic.sink), CLASSIC);
    const { facility, procid } = fieldsOf(await firstText(modern.sink));
    assert.deepEqual([facility, procid], ["user", "4711"]);
  });
}

for (const [name, protocol] of [
  ["UDP", "udp"],
  ["TCP with lengths", "tcp"],
] as const) {
  test(`HAProxy logs over ${name}`, { skip: missing("haproxy") }, async (context) => {
    const classic = await startOnLoopback(context, { protocol });
    const modern = await startOnLoopback(context, { protocol, format: "rfc5424" });
    const folder = temporaryFolder(context);
    const frontendPort = await freePort();
    const ring = (port: number, format: string) =>
      `ring to-${format}\n  format ${format}\n  size 32764\n  server s ${LOOPBACK}:${port} log-proto octet-count\n`;
    const isUdp = protocol === "udp";
    const target = (port: number, format: string) =>
      isUdp ? `${LOOPBACK}:${port} format ${format}` : `ring@to-${format} format ${format}`;
    writeFileSync(
      join(folder, "haproxy.cfg"),
      `${isUdp ? "" : ring(classic.port, "rfc3164") + ring(modern.port, "rfc5424")}
global
  log ${target(classic.port, "rfc3164")} local0
  log ${target(modern.port, "rfc5424")} local0
  log-send-hostname lb1
defaults
  mode http
  log global
  option httplog
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend in
  bind ${LOOPBACK}:${frontendPort}
  http-request return status 204
`,
    );
    start(context, "haproxy", ["-db", "-f", join(folder, "haproxy.cfg")]);
    const asked = (texts: readonly string[]) => texts.find((text) => text.includes("GET /probe"));
    const ask = () =>
      get({ host: LOOPBACK, port: frontendPort, path: "/probe" }, (answer) => answer.resume()).on(
        "error",
        () => {},
      );
    await until(() => {
      if (asked(classic.sink.texts) === undefined) ask();
      return asked(classic.sink.texts) !== undefined && asked(modern.sink.texts) !== undefined;
    });
    assert.match(
      asked(classic.sink.texts) ?? "",
      /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d lb1 haproxy\[\d+\]: 127\.0\.0\.1:\d+ .*"GET \/probe HTTP\/1\.1"$/,
    );
    assert.match(
      asked(modern.sink.texts) ?? "",
      / lb1 haproxy\[\d+\]: \[ID \{"syslog":\{"facility":"local0","severity":"info",.*\}\}\] 127\.0\.0\.1:/,
    );
  });
}
