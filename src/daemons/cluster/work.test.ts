/** Goal: heavy work is done elsewhere and always ends. Method: real threads; the same results as in place; a stop in the middle. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fernetKey, open, seal } from "#formats/wire/cluster/fernet.ts";
import { ClusterWork } from "./work.ts";

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

test("ClusterWork lets no connection wait for an archive", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "cluster-work-"));
  const archive = join(directory, "archive");
  execFileSync("mkfifo", [archive]);
  const work = new ClusterWork(1);
  t.after(async () => {
    await work.stop();
    rmSync(directory, { recursive: true });
  });
  // Who opens the pipe waits until it is written to.
  let isCompared = false;
  const compared = work.run({ kind: "compare_table", archive, table: new Map() }).catch(() => {
    isCompared = true;
  });
  const release = () => writeFileSync(archive, "");
  const timer = setTimeout(release, 5000);
  const plain = Buffer.alloc(300_000);
  const token = await work.run({ kind: "seal", key: KEY, plain, stamp: STAMP });
  assert(Buffer.from(token).equals(seal(KEY, plain, STAMP)));
  assert(!isCompared, "the seal was not behind it");
  clearTimeout(timer);
  release();
  await compared;
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
