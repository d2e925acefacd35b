/** Goal: one node that floods does not delay another. Method: raw nodes with the key keep the master busy with the largest messages; a worker's small requests are timed meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attacked } from "./bed.ts";
import { FakeNode, frame, sealed } from "./fake-node.ts";

const FLOODERS = 3;
const FLOOD_MS = 1500;
/** Many times what the master takes, since other tests may run beside this one. */
const LATENCY_MS_MAX = 500;
const MESSAGE = frame(1, "str_upd", sealed(Buffer.concat([Buffer.from("77 "), Buffer.alloc(5_000_000)])));

/** Sends as fast as it is read. */
async function flood(node: FakeNode, untilMs: number): Promise<number> {
  let sent = 0;
  for (; performance.now() < untilMs && !node.isClosed; sent++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.socket.write(MESSAGE, () => resolve());
    await Promise.race([promise, node.closed]);
  }
  return sent;
}

test("a worker is answered at once while others flood the master", () =>
  attacked(async (bed) => {
    const nodes = await Promise.all(
      Array.from({ length: FLOODERS }, async (_, index) => {
        const node = await FakeNode.connect(bed.port, `127.0.0.${10 + index}`);
        assert.equal(await node.hello(`flood${index}`), `ok Client flood${index} added`);
        return node;
      }),
    );
    const quiet = await FakeNode.connect(bed.port);
    await quiet.hello("quiet");
    const untilMs = performance.now() + FLOOD_MS;
    const floods = Promise.all(nodes.map((node) => flood(node, untilMs)));
    let slowestMs = 0;
    let answers = 0;
    while (performance.now() < untilMs) {
      const startMs = performance.now();
      assert.equal(await quiet.text("echo-c", "keepalive"), "ok-m keepalive");
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
      answers++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const sent = (await floods).reduce((sum, count) => sum + count, 0);
    assert(sent >= 2 * FLOODERS, `${sent} large messages`);
    assert(slowestMs < LATENCY_MS_MAX, `${slowestMs.toFixed(0)} ms for one of ${answers} answers`);
    await Promise.all([...nodes, quiet].map((node) => node.end()));
  }));
