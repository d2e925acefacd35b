/**
 * Goal: clients of every kind get their answer or their end, and hold nothing afterwards. Method: the service on local sockets in
 * memory, where bytes are cut at will and time moves when told; then on a real socket in a temporary folder.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";
import { BACKLOG } from "#local-sockets/limits.ts";
import { doorLog } from "#rule-tests/ruleset.fixture.ts";
import type { FakeConnection } from "#testing/network.ts";
import { type Answer, CONFIG, FakeNeeds, frame, parseAnswer, processing, SOCKET } from "./fixture.ts";
import { CLIENT_MS_MAX, CLIENTS_MAX } from "./limits.ts";
import { LogtestService } from "./service.ts";

const REQUEST = processing(doorLog("opened by ada"));
const TOO_LARGE = {
  message: "(7315): Failure to receive message: size is bigger than expected",
  error: 5,
};

async function startFake(): Promise<{ needs: FakeNeeds; service: LogtestService; client(): FakeConnection }> {
  const needs = new FakeNeeds();
  const service = new LogtestService(CONFIG, needs);
  await service.start();
  return { needs, service, client: () => needs.localSockets.connect(SOCKET) };
}

/** The one answer in what a client received; null when there is none. */
function answerIn(bytes: Buffer): Answer | null {
  if (bytes.length === 0) return null;
  assert.equal(bytes.readUInt32LE(0), bytes.length - 4);
  return parseAnswer(bytes.toString("latin1", 4));
}

function header(payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(payloadBytes);
  return bytes;
}

test("LogtestService answers one request a connection, however it is cut", async () => {
  const { needs, client } = await startFake();
  const bytes = frame(processing("x"));
  for (let cut = 0; cut <= bytes.length; cut++) {
    const connection = client();
    connection.receive(bytes.subarray(0, cut));
    connection.receive(bytes.subarray(cut));
    assert.equal(answerIn(connection.sentBytes)?.error, 0, `cut at ${cut}`);
    assert.ok(connection.ended);
  }
  const drop = client();
  for (const byte of bytes) drop.receive(Buffer.of(byte));
  assert.equal(answerIn(drop.sentBytes)?.error, 0);
  const twice = client();
  twice.receive(Buffer.concat([bytes, bytes]));
  assert.equal(answerIn(twice.sentBytes)?.error, 0);
  assert.equal(needs.clock.pendingTimers, 1, "only the sweep is left");
});

test("LogtestService takes a request of 65,535 bytes, and says of a longer one that it is too large", async () => {
  const { needs, client } = await startFake();
  const longest = processing("x".repeat(65_535 - processing("").length));
  assert.equal(longest.length, 65_535);
  const taken = client();
  taken.receive(frame(longest));
  assert.equal(answerIn(taken.sentBytes)?.data?.codemsg, 0);
  const refused = client();
  refused.receive(frame(Buffer.alloc(65_536, 0x20)));
  assert.deepEqual(answerIn(refused.sentBytes), TOO_LARGE);
  for (const length of [65_537, 0x7fffffff, 0xffffffff]) {
    const connection = client();
    connection.receive(header(length));
    assert.deepEqual(answerIn(connection.sentBytes), TOO_LARGE, String(length));
    assert.ok(connection.ended);
  }
  assert.equal(needs.metrics.get("logtest_requests_too_large"), 4);
});

test("LogtestService closes without an answer whoever asks nothing", async () => {
  const { needs, client } = await startFake();
  const empty = client();
  empty.receive(header(0));
  assert.ok(empty.ended);
  const cut = client();
  cut.receive(frame(REQUEST).subarray(0, 20));
  cut.hangUp();
  client().hangUp("ECONNRESET");
  for (const connection of [empty, cut]) assert.equal(connection.sentBytes.length, 0);
  assert.equal(needs.metrics.get("logtest_clients_without_request"), 3);
  assert.equal(needs.clock.pendingTimers, 1);
});

test("LogtestService closes silent clients, and keeps no more of them than it says", async () => {
  const { needs, client } = await startFake();
  const silent = Array.from({ length: CLIENTS_MAX }, client);
  for (const connection of silent) connection.receive(header(1000));
  const refused = Array.from({ length: 1000 }, client);
  assert.ok(refused.every(({ ended }) => ended));
  assert.equal(needs.metrics.get("logtest_clients_over_limit"), 1000);

  needs.clock.advance(CLIENT_MS_MAX - 1);
  silent[0]?.receive(Buffer.of(0x20));
  assert.ok(silent.every(({ ended }) => !ended));
  needs.clock.advance(1);
  assert.ok(silent.every(({ ended, sentBytes }) => ended && sentBytes.length === 0));
  assert.equal(needs.metrics.get("logtest_clients_silent"), CLIENTS_MAX);
  const served = client();
  served.receive(frame(REQUEST));
  assert.equal(answerIn(served.sentBytes)?.error, 0);
});

test("LogtestService sweeps sessions by itself, and stops with clients and timers gone", async () => {
  const { needs, service, client } = await startFake();
  client().receive(frame(REQUEST));
  assert.equal(needs.metrics.get("logtest_sessions"), 1);
  needs.clock.advance(CONFIG.sessionSeconds * 1000);
  assert.equal(needs.metrics.get("logtest_sessions"), 0);
  assert.equal(needs.metrics.get("logtest_rulesets"), 0);
  const waiting = client();
  await service.stop();
  assert.ok(waiting.ended);
  assert.equal(needs.clock.pendingTimers, 0);
  assert.throws(client, /nothing listens/);
  await service.stop();
  assert.deepEqual(needs.log.texts(), ["(7200): Logtest started"]);
});

test("LogtestService says why it has no socket", async () => {
  const needs = new FakeNeeds();
  needs.localSockets.take(SOCKET);
  await assert.rejects(new LogtestService(CONFIG, needs).start(), { code: "socket_path_taken" });
});

/** The service on a real socket; its other needs are in memory. */
async function startReal(t: TestContext): Promise<{ path: string; needs: FakeNeeds }> {
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-logtest-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "logtest");
  const needs = Object.assign(new FakeNeeds(), { localSockets: systemLocalSockets as LocalSockets });
  const service = new LogtestService({ ...CONFIG, socketPath: path }, needs);
  await service.start();
  t.after(() => service.stop());
  return { path, needs };
}

/** Sends the pieces one after the other; resolves with all that came until the end. */
function exchange(path: string, pieces: readonly Uint8Array[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true }, () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on("data", (chunk) => received.push(Buffer.from(chunk)));
    socket.on("end", () => socket.end());
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(received)));
  });
}

test("LogtestService serves a socket of owner and group, which is gone when it stops", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-logtest-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, "logtest");
  const needs = Object.assign(new FakeNeeds(), { localSockets: systemLocalSockets as LocalSockets });
  const first = new LogtestService({ ...CONFIG, socketPath }, needs);
  const second = new LogtestService({ ...CONFIG, socketPath }, needs);
  t.after(() => Promise.all([first.stop(), second.stop()]));
  await first.start();
  assert.equal(statSync(socketPath).mode & 0o777, 0o660);
  assert.ok(statSync(socketPath).isSocket());
  await second.start();
  assert.equal(answerIn(await exchange(socketPath, [frame(REQUEST)]))?.error, 0, "what was left is replaced");
  await second.stop();
  await first.stop();
  assert.ok(!existsSync(socketPath));

  writeFileSync(socketPath, "somebody's");
  await assert.rejects(first.start(), { code: "socket_path_taken" });
  const tooLong = new LogtestService({ ...CONFIG, socketPath: join(directory, "x".repeat(120)) }, needs);
  await assert.rejects(tooLong.start(), { code: "listen_failed" });
});

test("LogtestService keeps a session over connections of a real socket", async (t) => {
  const { path } = await startReal(t);
  const first = answerIn(await exchange(path, [frame(REQUEST)]));
  const token = first?.data?.token;
  const ids = [first?.data?.output?.rule?.id];
  const bytes = frame(processing(doorLog("opened by ada"), { token }));
  for (const pieces of [[bytes], Array.from(bytes, (byte) => Buffer.of(byte))])
    ids.push(answerIn(await exchange(path, pieces))?.data?.output?.rule?.id);
  assert.deepEqual(ids, ["100", "100", "103"]);
});

test("LogtestService outlives hostile clients of a real socket", async (t) => {
  const { path, needs } = await startReal(t);
  assert.deepEqual(answerIn(await exchange(path, [header(0xffffffff), Buffer.alloc(65_536)])), TOO_LARGE);
  assert.equal((await exchange(path, [header(0)])).length, 0);
  const hostile = [Buffer.from([0xff, 0xfe, 0x00]), Buffer.from("[".repeat(65_535)), Buffer.from("{}")];
  for (const payload of hostile) {
    const error = answerIn(await exchange(path, [frame(payload)]))?.error;
    assert.ok(error === 1 || error === 2, String(error));
  }
  // Who leaves in the midst of a request, or without reading the answer.
  for (const bytes of [frame(REQUEST).subarray(0, 30), frame(REQUEST)]) {
    await new Promise<void>((resolve) => {
      const socket = connect(path, () => socket.write(bytes, () => socket.destroy()));
      socket.on("close", () => resolve());
    });
  }
  assert.equal(answerIn(await exchange(path, [frame(REQUEST)]))?.error, 0);
  assert.equal(needs.metrics.get("logtest_requests_refused"), hostile.length);
});

test("LogtestService serves, of 1,000 connections at once, those that the system lets wait", async (t) => {
  const { path, needs } = await startReal(t);
  const received = await Promise.all(
    Array.from({ length: 1000 }, () => exchange(path, [frame(REQUEST)]).catch(() => Buffer.alloc(0))),
  );
  const answered = received.filter((bytes) => answerIn(bytes)?.error === 0).length;
  assert.ok(answered >= BACKLOG, String(answered));
  assert.equal(needs.metrics.get("logtest_requests"), answered);
  assert.equal(answerIn(await exchange(path, [frame(REQUEST)]))?.error, 0);
});
