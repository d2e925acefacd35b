/**
 * Goal: datagrams of other programs come whole and in order, senders wait while nobody reads, and a socket goes away at once. Method: real
 * sockets in a folder of the test's own.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DatagramSender } from "#testing/unix-datagrams.ts";
import { DATAGRAM_BYTES_MAX } from "../ports/unix-datagrams.ts";
import { SystemUnixDatagrams } from "./unix-datagrams.ts";

const DIRECTORY = mkdtempSync(`${tmpdir()}/datagrams-`);
after(() => rmSync(DIRECTORY, { recursive: true }));
const PERMISSIONS = 0o660;

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !isSo(); tries++) await delay(5);
  assert(isSo());
}

function recorder() {
  const taken: { readonly text: string; readonly sentBytes: number }[] = [];
  const host = { taken, hasRoom: true };
  const datagram = (bytes: Buffer, sentBytes: number) => {
    taken.push({ text: bytes.toString("latin1"), sentBytes });
    return host.hasRoom;
  };
  return { host, handler: { datagram } };
}

test("SystemUnixDatagrams gives datagrams whole, in order, each to its socket", async () => {
  const datagrams = new SystemUnixDatagrams();
  const [one, two] = [recorder(), recorder()];
  const [onePath, twoPath] = [`${DIRECTORY}/one`, `${DIRECTORY}/two`];
  const sockets = [
    await datagrams.bind({ path: onePath, permissions: PERMISSIONS }, one.handler),
    await datagrams.bind({ path: twoPath, permissions: PERMISSIONS }, two.handler),
  ];
  assert.equal(statSync(onePath).mode & 0o777, PERMISSIONS);
  const [toOne, toTwo] = [new DatagramSender(onePath), new DatagramSender(twoPath)];
  const long = "x".repeat(DATAGRAM_BYTES_MAX + 10);
  assert(toOne.send("a\xff\0b"));
  assert(toOne.send(""));
  assert(toOne.send(long));
  assert(toTwo.send("other"));
  await until(() => one.host.taken.length === 2 && two.host.taken.length === 1);
  assert.deepEqual(one.host.taken, [
    { text: "a\xff\0b", sentBytes: 4 },
    { text: long.slice(0, DATAGRAM_BYTES_MAX), sentBytes: long.length },
  ]);
  assert.deepEqual(two.host.taken, [{ text: "other", sentBytes: 5 }]);
  assert(toOne.send("last"), "sent before the end");
  await Promise.all(sockets.map((socket) => socket.close()));
  assert.equal(one.host.taken.at(-1)?.text, "last");
  assert(!existsSync(onePath));
  assert(!toOne.send("gone"));
});

test("SystemUnixDatagrams lets senders wait while a handler has no room", async () => {
  const { host, handler } = recorder();
  host.hasRoom = false;
  const path = `${DIRECTORY}/full`;
  const socket = await new SystemUnixDatagrams().bind({ path, permissions: PERMISSIONS }, handler);
  const sender = new DatagramSender(path);
  const sent: string[] = [];
  // Past the one that was taken, the system's queue fills.
  for (let number = 0; number < 5000 && sender.send(`${number}`); number++) sent.push(`${number}`);
  await until(() => host.taken.length === 1);
  await delay(50);
  assert.equal(host.taken.length, 1);
  host.hasRoom = true;
  socket.resume();
  await until(() => host.taken.length === sent.length);
  assert.deepEqual(
    host.taken.map(({ text }) => text),
    sent,
  );
  host.hasRoom = false;
  assert(sender.send("x"));
  await until(() => host.taken.length === sent.length + 1);
  const startMs = performance.now();
  await socket.close();
  assert(performance.now() - startMs < 1000, "closes while it is paused");
});

test("SystemUnixDatagrams replaces a stale socket, nothing else, and says what it cannot have", async () => {
  const datagrams = new SystemUnixDatagrams();
  const { handler } = recorder();
  const bind = (path: string) => datagrams.bind({ path, permissions: PERMISSIONS }, handler);
  const path = `${DIRECTORY}/again`;
  const first = await bind(path);
  const second = await bind(path);
  await first.close();
  writeFileSync(path, "text");
  await assert.rejects(bind(path), { code: "socket_path_taken" });
  await second.close();
  await assert.rejects(bind(`${DIRECTORY}/none/x`), { code: "listen_failed" });
  await assert.rejects(bind(`${DIRECTORY}/${"x".repeat(108)}`), { code: "listen_failed" });
  const third = await bind(`${DIRECTORY}/third`);
  await third.close();
});
