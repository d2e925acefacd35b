/**
 * Goal: strings and files arrive whole, in their place only, and leave nothing behind. Method: two sessions back to back, and one session
 * against a raw node that misbehaves.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { clusterError, writeException } from "#formats/wire/cluster/exceptions.ts";
import { FakeConnection } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { fakeNeeds, HOME, RawNode, settled, testCipher, wire } from "./fixture.ts";
import { FILE_WAIT_MS, FILES_MAX, REQUEST_TIMEOUT_MS, STRING_WAIT_MS, STRINGS_MAX } from "./limits.ts";
import { ok } from "./replies.ts";
import { Session } from "./session.ts";

const SCRATCH = `${HOME}/queue/cluster/w1`;

function pair() {
  const [near, far] = wire();
  const make = (link: typeof near, seed: number) => {
    const needs = fakeNeeds(seed);
    const session = new Session(
      { link, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} },
      needs,
    );
    link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
    session.enter("w1");
    return { session, needs };
  };
  return { worker: make(near, 1), master: make(far, 2) };
}

function rawSession() {
  const needs = fakeNeeds();
  const connection = new FakeConnection({ address: "192.0.2.2", port: 40_000 });
  const session = new Session(
    { link: connection, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} },
    needs,
  );
  connection.attach({ data: (chunk) => session.channel.data(chunk), closed: () => session.close() });
  session.enter("w1");
  const node = new RawNode((bytes) => connection.receive(bytes));
  let readTo = 0;
  const ask = (command: string, payload: Buffer | string) => {
    node.send(command, payload);
    const [answer] = node.read(Buffer.concat(connection.sent.slice(readTo)));
    readTo = connection.sent.length;
    return `${answer?.command}: ${answer?.payload.toString()}`;
  };
  return { needs, connection, session, node, ask };
}

test("sendString() delivers a string of several parts", async () => {
  const { worker, master } = pair();
  await worker.session.request("echo", "");
  const bytes = new SeededRandom(1).bytes(1_000_000);
  const long = Buffer.concat(Array(6).fill(bytes));
  const sent = await worker.session.sendString(long);
  assert(sent.kind === "sent");
  assert(master.session.takeString(sent.id)?.equals(long));
  assert.equal(master.session.takeString(sent.id), null);
});

test("sendString() says why it failed", async () => {
  const { worker, master } = pair();
  for (let count = 0; count < STRINGS_MAX; count++) await worker.session.sendString(Buffer.from("x"));
  const sent = await worker.session.sendString(Buffer.from("x"));
  assert.equal(sent.kind === "failed" && sent.error.code, 3016);
  master.session.close();
  assert.equal((await worker.session.sendString(Buffer.from("x"))).kind, "failed");
});

test("sendFile() delivers a file, and the task's promise is kept", async () => {
  const { worker, master } = pair();
  master.session.serve(new Map([["syn_i_w_m_e", master.session.fileArrived]]));
  const content = Buffer.concat(Array(8).fill(new SeededRandom(2).bytes(1_000_000)));
  worker.needs.files.replace(`${SCRATCH}/a.zip`, content);
  const promised = master.session.promiseFile();
  assert(promised !== null);
  const sent = await worker.session.sendFile(`${SCRATCH}/a.zip`, promised.taskId);
  assert.equal(sent.kind === "sent" && sent.sentBytes, content.length);
  const reply = await worker.session.request("syn_i_w_m_e", `${promised.taskId} queue/cluster/w1/a.zip`);
  assert.deepEqual(reply, { kind: "ok", payload: Buffer.from("File correctly received") });
  const outcome = await promised.outcome;
  const digest = createHash("sha256").update(content).digest("hex");
  assert.deepEqual(outcome, { kind: "received", path: `${SCRATCH}/a.zip`, digest });
  assert(master.needs.files.read(`${SCRATCH}/a.zip`).equals(content));
  assert.match(promised.taskId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("sendFile() delivers an empty file and misses one that is not there", async () => {
  const { worker, master } = pair();
  worker.needs.files.write(`${SCRATCH}/empty.zip`, "");
  assert.equal((await worker.session.sendFile(`${SCRATCH}/empty.zip`, "t")).kind, "sent");
  assert.equal(master.needs.files.text(`${SCRATCH}/empty.zip`), "");
  const missing = await worker.session.sendFile(`${SCRATCH}/none.zip`, "t");
  assert.equal(missing.kind === "failed" && missing.error.code, 3034);
});

test("sendFile() stops when the other side cancels the task", async () => {
  const { worker, master } = pair();
  worker.needs.files.replace(`${SCRATCH}/a.zip`, Buffer.alloc(30_000_000));
  const seen: number[] = [];
  master.session.serve(
    new Map([
      [
        "file_upd",
        (payload: Buffer) => {
          if (seen.push(payload.length) === 2) {
            void master.session.request(
              "cancel_task",
              Buffer.concat([Buffer.from("task "), writeException(clusterError(3039))]),
            );
          }
          return ok("File updated");
        },
      ],
    ]),
  );
  const sent = await worker.session.sendFile(`${SCRATCH}/a.zip`, "task");
  assert(sent.kind === "cancelled");
  assert.equal(sent.error.code, 3039);
  assert(seen.length < 5, `${seen.length} parts`);
  assert.match(worker.needs.log.texts("error")[0] ?? "", /^The task was canceled .* Error 3039 - Timeout/);
});

test("sendFile() ends when the other side answers no part and does not cancel", async () => {
  const { worker, master } = pair();
  worker.needs.files.replace(`${SCRATCH}/a.zip`, Buffer.alloc(100_000_000));
  let parts = 0;
  const silent = () => {
    parts++;
    return null;
  };
  master.session.serve(new Map([["file_upd", silent]]));
  const { promise, resolve } = Promise.withResolvers<"late">();
  const sending = worker.session.sendFile(`${SCRATCH}/a.zip`, "task");
  for (let second = 0; second <= (FILE_WAIT_MS + 3 * REQUEST_TIMEOUT_MS) / 1000; second++) {
    await settled();
    worker.needs.clock.advance(1000);
  }
  setImmediate(() => resolve("late"));
  const sent = await Promise.race([sending, promise]);
  assert(sent !== "late" && sent.kind === "failed" && sent.error.code === 3039);
  assert(parts < 20, `${parts} parts`);
});

test("promiseFile() ends after its time and tells the other side", async () => {
  const { worker, master } = pair();
  const promised = master.session.promiseFile();
  master.needs.clock.advance(FILE_WAIT_MS);
  const outcome = await promised?.outcome;
  assert.equal(outcome?.kind === "failed" && outcome.error.code, 3039);
  await settled();
  assert.match(
    worker.needs.log.texts("error")[0] ?? "",
    /Error 3039 - Timeout while waiting to receive a file$/,
  );
});

test("a session that ends fails its promises and removes what arrived", async () => {
  const { needs, session, connection, ask } = rawSession();
  const promised = session.promiseFile();
  ask("new_file", "/queue/cluster/w1/a.zip");
  ask("file_upd", "/queue/cluster/w1/a.zip abc");
  assert.equal(needs.files.text(`${SCRATCH}/a.zip`), "abc");
  connection.hangUp();
  assert.equal((await promised?.outcome)?.kind, "failed");
  assert.deepEqual(needs.files.paths(), []);
  assert.equal(needs.clock.pendingTimers, 0);
});

test("a session writes nowhere but directly into its scratch directory", () => {
  const { needs, ask } = rawSession();
  for (const path of [
    "/etc/x",
    "/queue/cluster/w1/../../../etc/x",
    "/queue/cluster/w2/x",
    "/queue/cluster/w1/sub/x",
    "/queue/cluster/w1/",
    "/queue/cluster/w1/.",
    "/queue/cluster/w1/a\u0000b",
    "",
  ]) {
    assert.equal(ask("new_file", path), "err: Write path not allowed", path);
  }
  assert.deepEqual(needs.files.paths(), []);
});

test("a session removes a file whose checksum is wrong, and bounds the number of files", () => {
  const { needs, ask } = rawSession();
  const path = "/queue/cluster/w1/a.zip";
  ask("new_file", path);
  assert.equal(
    ask("file_end", `${path} ${"0".repeat(32)}`),
    "err: File wasn't correctly received. Checksums aren't equal.",
  );
  assert.deepEqual(needs.files.paths(), []);
  for (let count = 0; count < FILES_MAX; count++) {
    assert.equal(ask("new_file", `${path}${count}`), "ok: Ready to receive new file");
  }
  assert.equal(ask("new_file", path), "err: Too many files at once");
  assert.equal(ask("new_file", `${path}0`), "ok: Ready to receive new file", "the same one again");
});

test("fileArrived refuses files that are not whole and tasks that are not known", async () => {
  const { needs, session, ask } = rawSession();
  session.serve(new Map([["syn_m_c_e", session.fileArrived]]));
  needs.files.write(`${HOME}/etc/ossec.conf`, "precious");
  const path = "/queue/cluster/w1/a.zip";
  ask("new_file", path);
  ask("file_upd", `${path} abc`);
  const promised = session.promiseFile();
  assert.match(ask("syn_m_c_e", `${promised?.taskId} ${path.slice(1)}`), /"code": 3052/);
  assert.equal((await promised?.outcome)?.kind, "failed");
  const digest = createHash("sha256").update("abc").digest();
  assert.equal(
    ask("file_end", Buffer.concat([Buffer.from(`${path} `), digest])),
    "ok: File received correctly",
  );
  assert.match(
    ask("syn_m_c_e", `nosuchtask ${path.slice(1)}`),
    /"code": 3027, "extra_message": "nosuchtask"/,
  );
  assert.match(ask("syn_m_c_e", "nosuchtask ../../../etc/ossec.conf"), /"code": 3027/);
  assert.deepEqual(needs.files.paths(), [`${HOME}/etc/ossec.conf`]);
});

test("fileFailed passes the other side's reason on", async () => {
  const { session, ask } = rawSession();
  session.serve(new Map([["syn_m_c_r", session.fileFailed]]));
  const promised = session.promiseFile();
  const reason = Buffer.concat([Buffer.from(`${promised?.taskId} `), writeException(clusterError(3001))]);
  assert.equal(ask("syn_m_c_r", reason), "ok: Error received");
  const outcome = await promised?.outcome;
  assert.equal(outcome?.kind === "failed" && outcome.error.text, "Error 3001 - Error creating zip file");
});

test("a session keeps strings within their declared and its total size", () => {
  const { session, ask } = rawSession();
  assert.equal(ask("new_str", "8589934592"), "error: Requested size exceeds maximum allowed limit");
  const id = ask("new_str", "3").slice(4);
  assert.equal(ask("str_upd", `${id} abcdef`), "ok: String updated");
  assert.equal(session.takeString(id)?.toString(), "abc");
  const empty = ask("new_str", "5").slice(4);
  assert.equal(ask("err_str", "6"), "ok: None");
  assert.equal(ask("err_str", "5"), `ok: ${empty}`);
  assert.match(ask("new_str", "268435456"), /^ok: /);
  assert.equal(ask("new_str", "1"), "error: Requested size exceeds maximum allowed limit");
});

test("a session forgets a string that its sender has given up", () => {
  const { needs, session, ask } = rawSession();
  const id = ask("new_str", "268435456").slice(4);
  needs.clock.advance(STRING_WAIT_MS - 1);
  assert.equal(ask("str_upd", `${id} abc`), "ok: String updated");
  needs.clock.advance(STRING_WAIT_MS - 1);
  assert.equal(session.stringsHeld, 1, "from its last part on");
  needs.clock.advance(1);
  assert.equal(session.stringsHeld, 0);
  assert.equal(session.takeString(id), null);
  assert.match(ask("new_str", "268435456"), /^ok: /, "its place is free again");
  session.close();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("a session tells the sender when the disk is full, and keeps nothing", () => {
  const { needs, ask } = rawSession();
  const path = "/queue/cluster/w1/a.zip";
  ask("new_file", path);
  needs.files.freeSpace = 2;
  assert.match(ask("file_upd", `${path} abc`), /^err: .*"code": 1000/);
  assert.deepEqual(needs.files.paths(), []);
});

test("a session survives damaged requests", () => {
  const random = new SeededRandom(31);
  const { needs, session, ask } = rawSession();
  session.serve(
    new Map([
      ["syn_i_w_m_e", session.fileArrived],
      ["syn_i_w_m_r", session.fileFailed],
    ]),
  );
  const requests = [
    "/queue/cluster/w1/a.zip abc",
    "12",
    "1 abc",
    `None ${writeException(clusterError(3039))}`,
  ];
  for (const command of [
    "new_str",
    "str_upd",
    "err_str",
    "new_file",
    "file_upd",
    "file_end",
    "cancel_task",
    "syn_i_w_m_e",
    "syn_i_w_m_r",
  ]) {
    for (let round = 0; round < 100; round++) {
      assert.match(ask(command, random.mutate(Buffer.from(random.pick(requests)))), /^(?:ok|err|error): /);
    }
  }
  for (const path of needs.files.paths()) assert(path.startsWith(`${SCRATCH}/`), path);
});
