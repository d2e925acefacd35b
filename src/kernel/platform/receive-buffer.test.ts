/**
 * Goal: the connections of a listener have the receive buffer that was asked for, and those of others are left to the system.
 * Method: real sockets on loopback. The system is asked which of this process's sockets have a size that nobody else would choose.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import type { Connection, ListenOptions } from "../ports/network.ts";
import { loadCLibrary } from "./c-library.ts";
import { systemNetwork } from "./network.ts";
import { receiveBufferLimit } from "./receive-buffer.ts";

const HOST = "127.0.0.1";
const BUFFER_BYTES = 70_002;
/** The size that was asked for and as much for the system's own bookkeeping (socket(7)). */
const GIVEN_BYTES = 2 * BUFFER_BYTES;
/** Linux: asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

async function socketsWithBuffer(bytes: number): Promise<number> {
  const library = await loadCLibrary();
  const get = library.call("int getsockopt(int, int, int, void *, void *)");
  const value = Buffer.alloc(4);
  const size = Buffer.from([4, 0, 0, 0]);
  const bufferOf = (descriptor: string) =>
    get(Number(descriptor), SOL_SOCKET, SO_RCVBUF, value, size) === 0 ? value.readInt32LE() : null;
  return readdirSync("/proc/self/fd").filter((descriptor) => bufferOf(descriptor) === bytes).length;
}

/** How many sockets of ours have the size, while a listener has one connection. */
async function countWhileConnected(options: Partial<ListenOptions>): Promise<number> {
  const accepted = Promise.withResolvers<Connection>();
  const place = { host: HOST, port: 0, backlog: 1 };
  const listener = await systemNetwork.listen({ ...place, ...options }, (connection) => {
    accepted.resolve(connection);
    return { data: () => {}, closed: () => {} };
  });
  const client = connect(listener.local.port, HOST);
  const connection = await accepted.promise;
  const counted = await socketsWithBuffer(GIVEN_BYTES);
  connection.end();
  client.end();
  await listener.close();
  return counted;
}

test("listen() gives a listener and its connection the receive buffer that was asked for", async () => {
  assert.equal(await countWhileConnected({ receiveBufferBytes: BUFFER_BYTES }), 2);
});

test("listen() leaves the size to the system where none was asked for", async () => {
  assert.equal(await countWhileConnected({}), 0);
});

test("receiveBufferLimit() does nothing to a server that does not listen", async () => {
  const limit = await receiveBufferLimit(BUFFER_BYTES);
  assert(limit !== null);
  limit(createServer());
  assert.equal(await socketsWithBuffer(GIVEN_BYTES), 0);
});
