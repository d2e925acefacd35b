/**
 * Goal: who does not hold the key, or has not said hello, costs the master next to nothing. Method: a second implementation of the wire against a real
 * master; a worker that behaves is served all the while.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONNECTIONS_PER_ADDRESS_MAX, HELLO_DEADLINE_MS } from "#cluster/limits.ts";
import { attacked, type Bed, until } from "./bed.ts";
import { FakeNode, frame, sealed } from "./fake-node.ts";

const NONE = Buffer.alloc(0);
const GIB_4 = 0xffff_ffff;

/** Workers that are not the one that behaves. */
function strangers(bed: Bed): number {
  return bed.server.workers.filter(({ name }) => name !== "good").length;
}

test("a header of 4 GiB on a thousand connections (CVE-2026-33754)", () =>
  attacked(async (bed) => {
    const beforeBytes = process.memoryUsage().rss;
    const nodes: FakeNode[] = [];
    for (let index = 0; index < 1000; index++) {
      const node = await FakeNode.connect(bed.port, `127.0.1.${1 + Math.floor(index / 10)}`);
      node.raw(frame(1, "hello", NONE, { bytes: index % 2 === 0 ? GIB_4 : 16_385 }));
      nodes.push(node);
    }
    await Promise.all(nodes.map((node) => node.ended()));
    assert.equal(bed.count("cluster_frames_refused") + bed.count("cluster_connections_refused"), 1000);
    assert(process.memoryUsage().rss - beforeBytes < 100 * 1024 * 1024);
  }));

test("payloads that were not sealed with the key end the connection without an answer", () =>
  attacked(async (bed) => {
    const hello = Buffer.from("w wazuh worker 4.14.7");
    const good = sealed(hello);
    const cut = (count: number) => good.subarray(0, count);
    const flipped = (at: number) => Buffer.from(good.map((byte, index) => (index === at ? byte ^ 1 : byte)));
    const tokens = [
      sealed(hello, { key: "d98b62a9b6169ac5f67dae55ae4a9088" }),
      hello,
      NONE,
      cut(1),
      cut(44),
      cut(good.length - 4),
      // The last characters may hold bits that mean nothing.
      ...Array.from({ length: 7 }, (_, index) => flipped(index * 17)),
      Buffer.alloc(16_384, "A"),
    ];
    let answers = 0;
    for (const token of tokens) {
      const node = await FakeNode.connect(bed.port);
      node.raw(frame(1, "hello", token));
      await node.ended();
      answers += node.receivedBytes;
    }
    assert.equal(answers, 0);
    assert.equal(bed.count("cluster_payloads_unverified"), tokens.length);
    assert.equal(strangers(bed), 0);
  }));

test("a connection that says nothing, or one byte a second, is closed in 30 s", () =>
  attacked(async (bed) => {
    const silent = await FakeNode.connect(bed.port);
    const slow = await FakeNode.connect(bed.port);
    const bytes = frame(1, "hello", sealed(Buffer.from("w wazuh worker 4.14.7")));
    const admitted = await FakeNode.connect(bed.port);
    assert.equal(await admitted.hello("slow"), "ok Client slow added");
    for (let second = 0; second <= HELLO_DEADLINE_MS / 1000; second++) {
      for (const node of [slow, admitted]) node.raw(bytes.subarray(second, second + 1));
      await new Promise((resolve) => setTimeout(resolve, 3));
      bed.clock.advance(1000);
    }
    await Promise.all([silent, slow, admitted].map((node) => node.ended()));
    assert.equal(bed.count("cluster_frames_late") + bed.count("cluster_hellos_late"), 3);
    await until("all are forgotten", () => strangers(bed) === 0);
  }));

test("the eleventh connection of an address is closed without a byte, and others come in", () =>
  attacked(async (bed) => {
    const nodes: FakeNode[] = [];
    for (let index = 0; index < CONNECTIONS_PER_ADDRESS_MAX; index++) {
      nodes.push(await FakeNode.connect(bed.port));
    }
    const eleventh = await FakeNode.connect(bed.port);
    await eleventh.ended();
    assert.equal(eleventh.receivedBytes, 0);
    const other = await FakeNode.connect(bed.port, "127.0.0.3");
    assert.equal(await other.hello("other"), "ok Client other added");
    await nodes[0]?.end();
    await until("a place is free again", () => nodes[0]?.isClosed === true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const again = await FakeNode.connect(bed.port);
    assert.equal(await again.hello("again"), "ok Client again added");
    for (const node of [...nodes, other, again]) await node.end();
  }));

test("a storm of connections leaves nothing behind, and few lines in the log", () =>
  attacked(async (bed) => {
    const warnings = () => bed.needs.log.texts("warning").length;
    for (let round = 0; round < 30; round++) {
      const storm = Array.from({ length: 20 }, () => FakeNode.connect(bed.port, "127.0.0.9"));
      const nodes = await Promise.all(storm);
      await Promise.all(nodes.map((node) => node.end()));
    }
    assert(bed.count("cluster_connections_refused") > 0);
    assert.equal(warnings(), 1, "one a second for each network");
    await until("all are forgotten", () => bed.server.connections === 1);
  }));

test("the time in a token is of no importance", () =>
  attacked(async (bed) => {
    for (const [index, seconds] of [0n, 1n, 4_102_444_800n, 2n ** 63n, 2n ** 64n - 1n].entries()) {
      const node = await FakeNode.connect(bed.port);
      const hello = Buffer.from(`skewed${index} wazuh worker 4.14.7`);
      node.raw(frame(1, "hello", sealed(hello, { seconds })));
      await until("it is in", () => bed.server.worker(`skewed${index}`) !== null);
      await node.end();
    }
  }));

test("before its hello a node with the key may say nothing else", () =>
  attacked(async (bed) => {
    const node = await FakeNode.connect(bed.port);
    assert.equal(await node.text("echo", "x"), "ok x");
    for (const command of [
      "new_file",
      "new_str",
      "syn_i_w_m",
      "syn_i_w_m_p",
      "dapi",
      "get_nodes",
      "sendsync",
    ]) {
      assert.match(await node.text(command, "1"), /^err unknown command/);
    }
    assert.deepEqual(
      bed.home.scratch.filter((name) => name !== "good"),
      [],
    );
    await node.end();
  }));
