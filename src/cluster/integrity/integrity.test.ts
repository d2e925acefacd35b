/**
 * Goal: a worker becomes like its master, and what a hostile node sends changes nothing else. Method: both sides over a wire with files in memory;
 * the recorded synchronisation of real nodes; archives made by hand.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encodeMember, encodeMetadata } from "#formats/wire/cluster/archive.ts";
import { contentHash } from "#formats/wire/cluster/file-table.ts";
import type { JsonValue } from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";
import type { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { fakeNeeds, HOME, RawNode, settled, testCipher, testNode, wire } from "../fixture.ts";
import { runHeavyJob } from "../heavy-work.ts";
import { MasterIntegrity, type WorkerIntegrityTask } from "../master/integrity.ts";
import { MasterServer } from "../master/server.ts";
import type { HeavyJob } from "../needs.ts";
import { Session } from "../session.ts";
import { WorkerIntegrity } from "../worker/integrity.ts";
import { readTableArchive, writeChangesArchive } from "./archive-file.ts";
import { type LocalTable, readLocalTable } from "./local-table.ts";
import { CHECK_PERIOD_MS, LOCK_MS_MAX, RECALCULATE_MS } from "./times.ts";

const TRANSCRIPT: {
  frames: {
    dir: string;
    command_field: string;
    payload?: string;
    payload_hex?: string;
    frame_hex?: string;
  }[];
} = JSON.parse(
  readFileSync(
    new URL("../../../test/vectors/cluster/transcript_hello_integrity_4_14_7.json", import.meta.url),
    "utf8",
  ),
);
const EMPTY: LocalTable = new Map();
/** Long after all files were written. */
const NOW_MS = Date.UTC(2026, 0, 15);

function put(files: FakeFiles, path: string, content: string): void {
  const absolute = `${HOME}/${path}`;
  files.makeDirectory(absolute.slice(0, absolute.lastIndexOf("/")));
  files.nowMs++;
  files.write(absolute, content);
}

/** What is synchronised, with its content. */
function held(files: FakeFiles): Record<string, string> {
  const { table } = readLocalTable(files, HOME, EMPTY, NOW_MS);
  return Object.fromEntries([...table.keys()].map((path) => [path, files.text(`${HOME}/${path}`)]));
}

function archives(files: FakeFiles): readonly string[] {
  return files.paths().filter((path) => path.includes("queue"));
}

async function nodes() {
  const [near, far] = wire();
  const make = (link: typeof near, seed: number) => {
    const needs = fakeNeeds(seed);
    const options = { link, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} };
    const session = new Session(options, needs);
    link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
    session.enter("w1");
    return { session, needs };
  };
  const worker = make(near, 1);
  const master = make(far, 2);
  const checks: (number | null)[] = [];
  const integrity = new MasterIntegrity(HOME, master.needs);
  const task = integrity.workerTask("w1", master.session);
  master.session.serve(task.handlers);
  const checked = (applied: { created: number } | null) => checks.push(applied?.created ?? null);
  const side = new WorkerIntegrity({ home: HOME, nodeName: "w1", checked }, worker.session, worker.needs);
  worker.session.serve(side.handlers);
  side.start();
  /** One round: the master's table, then the worker's check. */
  const round = async () => {
    master.needs.clock.advance(RECALCULATE_MS);
    await settled();
    worker.needs.clock.advance(CHECK_PERIOD_MS);
    for (let turn = 0; turn < 20; turn++) await settled();
  };
  return { worker, master, integrity, task, checks, round };
}

test("a worker becomes like its master, and then nothing is to do", async () => {
  const { worker, master, integrity, task, checks, round } = await nodes();
  put(master.needs.files, "etc/client.keys", "001 a any k");
  put(master.needs.files, "etc/shared/default/agent.conf", "<agent_config/>");
  put(master.needs.files, "etc/rules/local.xml", "new");
  put(master.needs.files, "etc/rules/gé.xml", "accent");
  put(master.needs.files, "etc/ossec.conf", "the master's own");
  put(worker.needs.files, "etc/rules/local.xml", "old");
  put(worker.needs.files, "etc/shared/gone/agent.conf", "old");
  put(worker.needs.files, "etc/shared/gone/ar.conf", "excluded");
  put(worker.needs.files, "etc/ossec.conf", "the worker's own");
  await integrity.start();
  await round();
  assert.deepEqual(held(worker.needs.files), held(master.needs.files));
  assert.equal(worker.needs.files.text(`${HOME}/etc/ossec.conf`), "the worker's own");
  assert.equal(worker.needs.files.info(`${HOME}/etc/shared/gone`), null, "an empty directory goes");
  assert.deepEqual(checks, [3]);
  const { missing, shared, extra } = task.facts.sync;
  assert.deepEqual({ missing, shared, extra }, { missing: 3, shared: 1, extra: 1 });
  assert(task.facts.isFree);

  await round();
  assert.deepEqual(checks, [3, null]);
  assert.deepEqual(archives(master.needs.files), []);
  for (const { needs } of [worker, master]) {
    assert.deepEqual([...needs.log.texts("error"), ...needs.log.texts("warning")], []);
  }
  const lines = master.needs.log.texts("info");
  const counts = "Files to create in worker: 3 | Files to update in worker: 1 | Files to delete in worker: 1";
  assert(lines.includes(`[Worker w1] [Integrity sync] ${counts}`));
  const calm = "Finished in 0.000s. Received metadata of 4 files. Sync not required.";
  assert(lines.includes(`[Worker w1] [Integrity check] ${calm}`));
  const steps = worker.needs.log.texts("debug").filter((line) => line.includes("[Integrity check]"));
  assert.deepEqual(
    steps.slice(-4).map((line) => line.slice("[Worker w1] [Integrity check] ".length)),
    [
      "Permission to synchronize granted.",
      "Compressing 'files_metadata.json' of 4 files.",
      "Sending zip file.",
      "Zip file sent.",
    ],
  );
});

test("a check compares nothing when nothing has changed, and misses no change on either side", async () => {
  const { worker, master, integrity, checks, round } = await nodes();
  const random = new SeededRandom(7);
  let compared = 0;
  const { run } = master.needs.heavy;
  Object.assign(master.needs.heavy, {
    run: (job: HeavyJob) => {
      if (job.kind === "compare_table") compared++;
      return run(job);
    },
  });
  for (const name of ["a", "b", "c"]) put(master.needs.files, `etc/lists/${name}`, "0");
  await integrity.start();
  await round();
  await round();
  for (let step = 0; step < 25; step++) {
    const { files, clock } = random.pick([worker, master]).needs;
    const path = `etc/lists/${random.pick(["a", "b", "c", "d"])}`;
    const isThere = files.info(`${HOME}/${path}`) !== null;
    const kind = random.below(4);
    if (kind === 0) put(files, path, String(random.below(100)));
    // Of the same size and time.
    else if (kind === 1) files.write(`${HOME}/${path}`, String(random.below(10)));
    else if (kind === 2 && isThere) files.remove(`${HOME}/${path}`);
    else if (kind === 3) clock.jump(-random.below(100_000));
    await round();
    assert.deepEqual(held(worker.needs.files), held(master.needs.files), `step ${step}, change ${kind}`);
    // The worker's table is another one after it was changed.
    await round();
    const before = compared;
    await round();
    assert.equal(compared, before, `step ${step}: nothing has changed`);
  }
  assert.equal(checks.length, 2 + 3 * 25, "every check has ended");
});

test("a worker packs its table once while it is the same, and anew after a failure", async () => {
  const { worker, master, integrity, task, checks, round } = await nodes();
  put(worker.needs.files, "etc/lists/a", "0");
  put(master.needs.files, "etc/lists/a", "0");
  await integrity.start();
  await round();
  const first = archives(worker.needs.files);
  assert.equal(first.length, 1);
  await round();
  assert.deepEqual(archives(worker.needs.files), first);
  for (const { needs } of [worker, master]) put(needs.files, "etc/lists/b", "0");
  await round();
  const second = archives(worker.needs.files);
  assert.equal(second.length, 1, "the one of the old table is gone");
  assert.notDeepEqual(second, first);
  assert.deepEqual(checks, [null, null, null]);
  worker.needs.files.remove(second[0] ?? "");
  await round();
  assert.match(worker.needs.log.texts("error")[0] ?? "", /Error 3034/);
  assert(task.facts.isFree, "the master was told that nothing comes");
  await round();
  assert.equal(checks.length, 4, "it is there again");
  worker.session.close();
  assert.deepEqual(archives(worker.needs.files), []);
});

test("permission is given once in each round of the master, and not while locked", async () => {
  const { worker, master, integrity, task } = await nodes();
  await integrity.start();
  const ask = async () => {
    const outcome = await worker.session.request("syn_i_w_m_p");
    return outcome.kind === "ok" && outcome.payload.toString();
  };
  assert.equal(await ask(), "True");
  assert.equal(await ask(), "False");
  master.needs.clock.advance(RECALCULATE_MS);
  await settled();
  await worker.session.request("syn_i_w_m");
  assert.equal(task.facts.isFree, false);
  assert.equal(await ask(), "False", "a check is going on");
  const second = await worker.session.request("syn_i_w_m");
  assert.equal(second.kind, "failed");
});

test("a lock that was forgotten is released", async () => {
  const { worker, master, integrity, task } = await nodes();
  await integrity.start();
  // A heavy job that never ends.
  Object.assign(master.needs.heavy, { run: () => new Promise(() => {}) });
  const begun = await worker.session.request("syn_i_w_m");
  assert(begun.kind === "ok");
  const taskId = begun.payload.toString();
  worker.needs.files.write(`${worker.session.directory}/a.zip`, "x");
  await worker.session.sendFile(`${worker.session.directory}/a.zip`, taskId);
  await worker.session.request("syn_i_w_m_e", `${taskId} queue/cluster/w1/a.zip`);
  master.needs.clock.advance(LOCK_MS_MAX + 1);
  await settled();
  const asked = await worker.session.request("syn_i_w_m_p");
  assert.equal(asked.kind === "ok" && asked.payload.toString(), "True");
  assert(task.facts.isFree);
});

test("a worker whose connection breaks leaves the master free", async () => {
  const { worker, master, integrity, task } = await nodes();
  await integrity.start();
  await worker.session.request("syn_i_w_m");
  worker.session.close();
  await settled();
  assert(task.facts.isFree);
  assert.match(master.needs.log.texts("error")[0] ?? "", /Error 3040/);
});

test("the master sends a recorded worker what the recorded master sent", async () => {
  const frames = TRANSCRIPT.frames;
  const recordedSync = frames.find(
    (f) => f.dir === "master->worker" && f.command_field.startsWith("file_upd"),
  );
  const upd = Buffer.from(recordedSync?.payload_hex ?? "", "hex");
  const needs = fakeNeeds();
  // The master holds what the recorded one had sent, and the worker's other files are unknown to it.
  const before = fakeNeeds();
  put(before.files, "queue/cluster/worker1/a.zip", upd.subarray(upd.indexOf(" ") + 1).toString("latin1"));
  const applied = runHeavyJob(before.files, {
    kind: "apply_changes",
    home: HOME,
    archive: `${HOME}/queue/cluster/worker1/a.zip`,
  });
  assert(typeof applied === "object" && applied !== null && "created" in applied);
  assert.deepEqual([applied.created + applied.updated > 0, applied.problems], [true, []]);
  const contents = held(before.files);
  for (const [path, content] of Object.entries(contents)) put(needs.files, path, content);

  const integrity = new MasterIntegrity(HOME, needs);
  let task: WorkerIntegrityTask | null = null;
  const server = new MasterServer(testNode({ nodeName: "master-node" }), needs, {
    welcomed: ({ name, session }) => {
      task = integrity.workerTask(name, session);
      session.serve(task.handlers);
    },
    left: () => {},
  });
  await integrity.start();
  await server.start();
  const connection = needs.network.connect(1516);
  const node = new RawNode((bytes) => connection.receive(bytes));
  let taskId = "";
  let readTo = 0;
  const read = () => {
    const fresh = Buffer.concat(connection.sent.slice(readTo));
    readTo = connection.sent.length;
    return node.read(fresh);
  };
  for (const { dir, command_field, payload, frame_hex } of frames) {
    if (dir !== "worker->master" || command_field.startsWith("ok")) continue;
    if (command_field.startsWith("syn_i_w_m_e"))
      node.send("syn_i_w_m_e", `${taskId} ${payload?.split(" ")[1]}`);
    else connection.receive(Buffer.from(frame_hex ?? "", "hex"));
    const [answer] = command_field.startsWith("syn_i_w_m_e") ? [] : read();
    if (command_field.startsWith("syn_i_w_m -")) taskId = answer?.payload.toString() ?? "";
    if (command_field.startsWith("syn_i_w_m_e")) break;
  }
  const asked: string[] = [];
  let archive = Buffer.alloc(0);
  for (let turn = 0; turn < 20; turn++) {
    await settled();
    for (const { command, counter, payload } of read()) {
      if (!/^(?:syn_m_c|new_file|file_)/.test(command)) continue;
      asked.push(command);
      if (command === "file_upd")
        archive = Buffer.concat([archive, payload.subarray(payload.indexOf(" ") + 1)]);
      node.send("ok", command === "syn_m_c" ? "6214d54e-7caa-47d8-a31c-e1e329eec368" : "", counter);
    }
  }
  assert.deepEqual(asked, ["syn_m_c", "new_file", "file_upd", "file_end", "syn_m_c_e"]);
  const after = fakeNeeds();
  put(after.files, "queue/cluster/worker1/a.zip", archive.toString("latin1"));
  const ours = runHeavyJob(after.files, {
    kind: "apply_changes",
    home: HOME,
    archive: `${HOME}/queue/cluster/worker1/a.zip`,
  });
  assert.deepEqual(ours, applied, "the same counts as recorded");
  assert.deepEqual(held(after.files), contents);
  assert(task !== null);
});

const entry = (content: string, itemKey: string): JsonValue => ({
  mod_time: 1,
  cluster_item_key: itemKey,
  merged: false,
  hash: contentHash(Buffer.from(content)),
});

/** An archive as a hostile master would send it, applied. */
function apply(metadata: JsonValue, members: Record<string, string>) {
  const { files } = fakeNeeds();
  put(files, "etc/ossec.conf", "precious");
  put(files, "etc/client.keys", "keys");
  const parts = Object.entries(members).map(([path, content]) => encodeMember(path, Buffer.from(content)));
  const archive = Buffer.concat([...parts.map((part) => part ?? Buffer.alloc(0)), encodeMetadata(metadata)]);
  put(files, "queue/cluster/w1/a.zip", archive.toString("latin1"));
  const job = { kind: "apply_changes", home: HOME, archive: `${HOME}/queue/cluster/w1/a.zip` } as const;
  try {
    return { result: runHeavyJob(files, job), files };
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    return { result: error.message, files };
  } finally {
    assert.equal(files.info(`${HOME}/queue/cluster/w1/a.zipdir`), null);
    assert.equal(files.text(`${HOME}/etc/ossec.conf`), "precious");
  }
}

test("a hostile master writes and removes nothing outside the items", () => {
  const lies: [string, string][] = [
    ["etc/ossec.conf", "etc/"],
    ["etc/shared/x", "etc/rules/"],
    ["bin/x", "bin/"],
    ["etc/rules/../ossec.conf", "etc/rules/"],
  ];
  for (const [path, key] of lies) {
    const written = { missing: { [path]: entry("evil", key) }, shared: {}, extra: {} };
    assert.match(String(apply(written, { [path]: "evil" }).result), /^path outside item|^unknown item/);
    const removed = { missing: {}, shared: {}, extra: { [path]: entry("evil", key) } };
    assert.match(String(apply(removed, {}).result), /^path outside item|^unknown item/);
  }
});

test("files of an archive that its metadata does not name are left out", () => {
  const { files } = apply({ missing: {}, shared: {}, extra: {} }, { "etc/rules/unnamed.xml": "evil" });
  assert.equal(files.info(`${HOME}/etc/rules/unnamed.xml`), null);
});

test("a file that the archive lacks is one failure, the rest is applied", () => {
  const missing = {
    "etc/rules/a.xml": entry("a", "etc/rules/"),
    "etc/rules/b.xml": entry("b", "etc/rules/"),
  };
  const { result, files } = apply({ missing, shared: {}, extra: {} }, { "etc/rules/b.xml": "b" });
  assert(result !== null && typeof result !== "string" && "failedCreations" in result);
  assert.equal(result.failedCreations, 1);
  assert.match(result.problems[0] ?? "", /^Error processing missing file 'etc\/rules\/a.xml': /);
  assert.equal(files.text(`${HOME}/etc/rules/b.xml`), "b");
});

test("readLocalTable() reads only what changed, and keeps what it cannot read", () => {
  const { files } = fakeNeeds();
  put(files, "etc/rules/a.xml", "a");
  put(files, "etc/rules/sub/b.xml", "b");
  const first = readLocalTable(files, HOME, EMPTY, NOW_MS).table;
  const forged = new Map([...first].map(([path, known]) => [path, { ...known, hash: "kept" }]));
  const second = readLocalTable(files, HOME, forged, NOW_MS).table;
  assert.equal(second.get("etc/rules/a.xml")?.hash, "kept");
  put(files, "etc/rules/a.xml", "changed");
  files.deny(`${HOME}/etc/rules/a.xml`);
  const third = readLocalTable(files, HOME, first, NOW_MS);
  assert.deepEqual(third.table, first);
  assert.match(third.problems[0] ?? "", /^Can't read metadata from file etc\/rules\/a.xml: /);
});

test("writeChangesArchive() leaves out what does not fit, and everything after it", () => {
  const { files } = fakeNeeds();
  const random = new SeededRandom(40);
  const noise = (bytes: number) => random.bytes(bytes).toString("latin1");
  for (const [name, bytes] of [
    ["a", 300],
    ["huge", 5000],
    ["b", 900],
    ["c", 10],
  ] as const) {
    put(files, `etc/lists/${name}`, noise(bytes));
  }
  const { table } = readLocalTable(files, HOME, EMPTY, NOW_MS);
  const changes = { missing: table, shared: EMPTY, extra: EMPTY };
  const written = writeChangesArchive(files, HOME, `${HOME}/a.zip`, changes, 1000);
  assert.deepEqual([...written.changes.missing.keys()], ["etc/lists/a"]);
  assert.deepEqual(
    written.warnings.map(([path, text]) => `${path}: ${text.slice(0, 27)}`),
    ["etc/lists/huge: File too large to be synced", "etc/lists/b: Maximum zip size exceeded. "],
  );
});

test("writeChangesArchive() lets the worker remove a shared file that is gone here", () => {
  const { files } = fakeNeeds();
  put(files, "etc/lists/a", "a");
  const { table } = readLocalTable(files, HOME, EMPTY, NOW_MS);
  files.remove(`${HOME}/etc/lists/a`);
  const written = writeChangesArchive(
    files,
    HOME,
    `${HOME}/a.zip`,
    { missing: table, shared: table, extra: EMPTY },
    1000,
  );
  assert.deepEqual([written.changes.missing.size, written.changes.shared.size], [0, 0]);
  assert.deepEqual([...written.changes.extra.keys()], ["etc/lists/a"]);
});

test("readTableArchive() takes a table and no files", () => {
  const { files } = fakeNeeds();
  const member = encodeMember("etc/rules/a.xml", Buffer.from("a")) ?? Buffer.alloc(0);
  put(files, "a.zip", Buffer.concat([member, encodeMetadata({})]).toString("latin1"));
  const read = readTableArchive(files, `${HOME}/a.zip`);
  assert.deepEqual(read, { code: "unexpected_file", what: "etc/rules/a.xml" });
});
