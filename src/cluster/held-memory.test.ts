/** Goal: what connections hold together is bounded, and who holds most pays for it. Method: sessions on connections in memory, a small limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeConnection } from "#testing/network.ts";
import { fakeNeeds, HOME, RawNode, testCipher } from "./fixture.ts";
import { HeldMemory } from "./held-memory.ts";
import { Session } from "./session.ts";

const LIMIT_BYTES = 1_000_000;
const NAMES = ["greedy", "modest"] as const;

function connected() {
  const needs = fakeNeeds();
  const memory = new HeldMemory(LIMIT_BYTES);
  const nodes = NAMES.map((name) => {
    const connection = new FakeConnection({ address: "192.0.2.2", port: 40_000 });
    const options = { link: connection, cipher: testCipher(needs), log: needs.log, home: HOME, memory };
    const session = new Session({ ...options, closed: () => {} }, needs);
    connection.attach({ data: (chunk) => session.channel.data(chunk), closed: () => session.close() });
    session.enter(name);
    const node = new RawNode((bytes) => connection.receive(bytes));
    node.send("echo", "");
    const newString = (bytes: number): string => {
      const sent = connection.sent.length;
      node.send("new_str", String(bytes));
      return node.read(Buffer.concat(connection.sent.slice(sent)))[0]?.payload.toString() ?? "";
    };
    return { connection, session, node, newString };
  });
  const [greedy, modest] = nodes;
  assert(greedy !== undefined && modest !== undefined);
  return { needs, memory, greedy, modest };
}

test("HeldMemory closes the connection that holds most, whoever goes beyond the limit", () => {
  const { needs, memory, greedy, modest } = connected();
  for (let part = 0; part < 9; part++) {
    const frame = Buffer.alloc(100_020, "-");
    frame.writeUInt32BE(1, 0);
    frame.writeUInt32BE(100_000, 4);
    frame.write("echo -----d", 8, "latin1");
    frame[19] = "d".charCodeAt(0);
    greedy.connection.receive(frame);
  }
  assert(memory.totalBytes >= 900_000 && !greedy.session.isClosed);
  const id = modest.newString(400_000);
  modest.node.send("str_upd", Buffer.concat([Buffer.from(`${id} `), Buffer.alloc(150_000)]));
  assert(greedy.session.isClosed && !modest.session.isClosed);
  assert(memory.totalBytes >= 150_000 && memory.totalBytes < 500_000);
  assert.equal(needs.metrics.get("cluster_memory_refusals"), 1);
  modest.session.takeString(id);
  modest.node.send("echo", "");
  assert(memory.totalBytes < 1000, "what was handled is held no more");
  modest.session.close();
  assert.equal(memory.totalBytes, 0);
});

test("HeldMemory counts what is announced by what has arrived", () => {
  const { memory, modest } = connected();
  const head = Buffer.alloc(20, "-");
  head.writeUInt32BE(200_000_000, 4);
  modest.connection.receive(head);
  modest.newString(100_000_000);
  assert(memory.totalBytes < 20_000 && !modest.session.isClosed);
});
