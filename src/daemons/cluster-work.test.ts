/** Goal: heavy work is done elsewhere and always ends. Method: real threads; the same results as in place; a stop in the middle. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fernetKey, open, seal } from "#formats/wire/cluster/fernet.ts";
import { ClusterWork } from "./cluster-work.ts";

const KEY = fernetKey("c98b62a9b6169ac5f67dae55ae4a9088");
const STAMP = { seconds: 1, iv: Buffer.alloc(16, 7) };

test("ClusterWork seals and opens on threads", async () => {
  const work = new ClusterWork(2);
  const plains = [1_000_000, 10, 500_000].map((bytes) => Buffer.alloc(bytes, bytes % 251));
  const tokens = await Promise.all(
    plains.map((plain) => work.run({ kind: "seal", key: KEY, plain, stamp: STAMP })),
  );
  for (const [index, token] of tokens.entries()) {
    const plain = plains[index] ?? Buffer.alloc(0);
    assert(Buffer.from(token).equals(seal(KEY, plain, STAMP)));
    const opened = await work.run({ kind: "open", key: KEY, token });
    assert(opened !== null && Buffer.from(opened).equals(plain));
    assert(open(KEY, token)?.equals(plain), "what was handed over is still there");
  }
  assert.equal(await work.run({ kind: "open", key: KEY, token: Buffer.from("nonsense") }), null);
  await work.stop();
});

test("ClusterWork fails what waits when it stops, and everything after it", async () => {
  const work = new ClusterWork(1);
  const waiting = work.run({ kind: "seal", key: KEY, plain: Buffer.alloc(50_000_000), stamp: STAMP });
  const rejected = assert.rejects(waiting, { code: "cluster_work_failed" });
  await work.stop();
  await rejected;
  const late = work.run({ kind: "open", key: KEY, token: Buffer.alloc(0) });
  await assert.rejects(late, { code: "cluster_work_failed" });
});
