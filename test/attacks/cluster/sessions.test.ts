/**
 * Goal: a node that is in the cluster is a limited principal: its names, paths, ids, strings and payloads lead nowhere but its own scratch directory.
 * Method: a second implementation of the wire against a real master; the files outside and a worker that behaves are as before.
 */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TABLE_FILE_BYTES_MAX } from "#cluster/limits.ts";
import { attacked, type Bed, until } from "./bed.ts";
import { FakeNode, frame, sealed } from "./fake-node.ts";

const MIB = 1024 * 1024;
const UUID = /^[0-9a-f-]{36}$/;

/** `from`: its address. */
async function evil(bed: Bed, name = "evil", from = "127.0.0.2"): Promise<FakeNode> {
  const node = await FakeNode.connect(bed.port, from);
  assert.equal(await node.hello(name), `ok Client ${name} added`);
  return node;
}

test("names of nodes with parts of paths, too long, or taken (CVE-2026-74044)", () =>
  attacked(async (bed) => {
    const node = await FakeNode.connect(bed.port);
    const names = [
      "../..",
      "..",
      ".",
      "",
      "a/b",
      "/etc",
      "a\\b",
      "a\0b",
      "a\nb",
      "c-internal.sock",
      "x".repeat(300),
    ];
    for (const name of names) {
      assert.match(await node.hello(name), /^err \{"__wazuh_exception__".*"code": 3060/, name);
    }
    assert.match(await node.hello("a b"), /"code": 1000/);
    assert.match(await node.hello("master-node"), /"code": 3029/);
    assert.match(await node.hello("good"), /"code": 3028/);
    assert.match(await node.hello("evil", { cluster: "other" }), /"code": 3030/);
    assert.match(await node.hello("evil", { version: "4.14.6" }), /"code": 3031/);
    assert.equal(bed.count("cluster_hellos_refused"), names.length + 5);
    assert.deepEqual(bed.home.scratch, ["good"]);
    assert.equal(await node.hello("evil"), "ok Client evil added");
    assert.match(await node.hello("evil2"), /"code": 3028/, "one name for each connection");
    await node.end();
    await until("its directory is gone", () => bed.home.scratch.join() === "good");
  }));

test("a hello, names and paths of 12 MiB are refused at once", () =>
  attacked(async (bed) => {
    const node = await FakeNode.connect(bed.port);
    assert.equal(await node.text("echo", "x"), "ok x");
    const [spaces, letters, eights] = [" ", "x", "\x80"].map((byte) =>
      Buffer.alloc(12 * MIB, byte, "latin1"),
    );
    assert(spaces !== undefined && letters !== undefined && eights !== undefined);
    assert.match(await node.text("hello", spaces), /"code": 1000/);
    assert.equal(await node.hello("evil"), "ok Client evil added");
    for (const command of ["str_upd", "file_upd", "file_end"]) {
      const { word, payload } = await node.request(command, eights);
      assert(word === "err" && payload.length < 32_768, `${word}, ${payload.length} bytes`);
    }
    assert.match(await node.text("new_file", letters), /^err Write path not allowed/);
    assert.match(await node.text("new_str", letters), /"code": 1000/);
    assert.match(await node.text("syn_i_w_m_e", letters), /"code": 3027/);
    assert.equal(await node.text("cancel_task", letters), "ok Request received correctly");
    assert.equal(await node.text("syn_i_w_m_r", spaces), "ok Error received");
    await node.end();
  }));

test("strings of 8 GiB, of 256 MiB each, too many, and unknown ones (CVE-2026-44253)", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    const refused = "error Requested size exceeds maximum allowed limit";
    assert.equal(await node.text("new_str", "8589934592"), refused);
    for (const size of ["-1", "1e9", "0x10", "", "99999999999999999999", "NaN"]) {
      assert.match(await node.text("new_str", size), /^err /, size);
    }
    assert.match(await node.text("new_str", "268435456"), /^ok [0-9]+$/);
    assert.equal(await node.text("new_str", "1"), refused, "all strings of a connection together");
    assert.match(await node.text("err_str", "268435456"), /^ok [0-9]+$/);
    const answers = await Promise.all(Array.from({ length: 300 }, () => node.text("new_str", "0")));
    assert.equal(answers.filter((answer) => answer === refused).length, 300 - 256);
    assert.match(await node.text("str_upd", "12345 x"), /^err .*b'12345'/);
    assert.equal(bed.count("cluster_strings_refused"), 2 + 300 - 256);
    await node.end();
  }));

test("messages that never end: too many, too many parts, too large (CVE-2026-44253)", () =>
  attacked(async (bed) => {
    const violations: readonly ((node: FakeNode) => void)[] = [
      (node) => {
        for (let part = 0; part < 1000; part++)
          node.raw(frame(part, "echo", Buffer.alloc(64), { flag: "d" }));
      },
      (node) => {
        for (let part = 0; part < 2000; part++) node.raw(frame(1, "echo", Buffer.alloc(1), { flag: "d" }));
      },
      (node) => node.raw(frame(1, "echo", Buffer.alloc(64), { bytes: 0xffff_ffff })),
      (node) => node.raw(frame(1, "echo", Buffer.alloc(64), { bytes: 256 * MIB + 1 })),
    ];
    for (const violate of violations) {
      const node = await evil(bed);
      violate(node);
      await node.ended();
      await until("the name is free", () => bed.server.worker("evil") === null);
    }
    assert.equal(bed.count("cluster_frames_refused"), violations.length);
  }));

const OUTSIDE = [
  "/etc/ossec.conf",
  "/etc/client.keys",
  "/queue/cluster/evil/../../../etc/ossec.conf",
  "/queue/cluster/evil/../good/x",
  "/queue/cluster/good/x",
  "/queue/cluster/evil",
  "/queue/cluster/evil/",
  "/queue/cluster/evil/.",
  "/queue/cluster/evil/..",
  "/queue/cluster/evil/a/b",
  "/queue/cluster/evil/a\\b",
  "/queue/cluster/evil/a\0b",
  "/queue/cluster/evil//etc/passwd",
  "/queue/cluster/evil2/x",
  "/queue/cluster/c-internal.sock",
  "//queue/cluster/evil/x",
  "/tmp/x",
  "../outside",
  "",
];

test("files outside the scratch directory are not written (CVE-2026-25770)", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    for (const path of OUTSIDE) {
      assert.equal(await node.text("new_file", path), "err Write path not allowed", path);
      assert.match(await node.text("file_upd", `${path} evil`), /^err /, path);
      assert.match(await node.text("file_end", `${path} ${"0".repeat(32)}`), /^err /, path);
    }
    assert.equal(bed.count("cluster_paths_refused"), 3 * OUTSIDE.length);
    assert.deepEqual(bed.home.scratch, ["evil", "good"]);
    const sixteen = Array.from({ length: 17 }, (_, index) =>
      node.text("new_file", `/queue/cluster/evil/${index}`),
    );
    assert.equal((await Promise.all(sixteen)).at(-1), "err Too many files at once");
    await node.end();
    await until("all that arrived is gone", () => bed.home.scratch.join() === "good");
  }));

test("tasks that nobody promised, and files outside, remove nothing (CVE-2026-46343)", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    for (const path of OUTSIDE.map((outside) => outside.replace(/^\//, ""))) {
      assert.match(await node.text("syn_i_w_m_e", `00000000-0000 ${path}`), /"code": 3027/, path);
      const taskId = await node.text("syn_i_w_m");
      assert.match(taskId.slice(3), UUID);
      assert.match(await node.text("syn_i_w_m_e", `${taskId.slice(3)} ${path}`), /"code": 3052/, path);
    }
    for (const id of [
      "../../etc/ossec.conf",
      "/etc/ossec.conf",
      "None",
      "__proto__",
      "constructor",
      "",
      "\0",
    ]) {
      assert.match(await node.text("syn_i_w_m_e", `${id} etc/ossec.conf`), /"code": 3027/, id);
      assert.match(await node.text("cancel_task", `${id} {}`), /^ok/, id);
      assert.match(await node.text("syn_i_w_m_r", `${id} {}`), /^ok/, id);
    }
    await node.end();
  }));

test("files of a worker take little of the disk, whole or not, one or many", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    const path = (index: number) => `/queue/cluster/evil/${index}.zip`;
    const part = Buffer.alloc(4 * MIB);
    const answers: string[] = [];
    for (let index = 0; index < 5; index++) {
      assert.match(await node.text("new_file", path(index)), /^ok /);
      for (let parts = 0; parts < 4; parts++) {
        const answer = await node.text("file_upd", Buffer.concat([Buffer.from(`${path(index)} `), part]));
        answers.push(/"code": 3050/.test(answer) ? "too large" : answer);
      }
    }
    const held = Math.floor(TABLE_FILE_BYTES_MAX / part.length);
    assert.deepEqual(answers.slice(0, held), Array(held).fill("ok File updated"));
    assert.equal(answers[held], "too large");
    const bytes = bed.home.scratch
      .filter((name) => name.startsWith("evil/"))
      .reduce((sum, name) => sum + statSync(join(bed.home.path, "queue/cluster", name)).size, 0);
    assert(bytes <= TABLE_FILE_BYTES_MAX);
    assert(bed.count("cluster_files_refused") > 0);
    await node.end();
    await until("its directory is gone", () => bed.home.scratch.join() === "good");
  }));

test("links that somebody has planted in the scratch directory lead nowhere", () =>
  attacked(async (bed) => {
    const outside = join(bed.home.path, "outside");
    const scratch = join(bed.home.path, "queue/cluster/evil");
    // The directory itself is a link to one of the product's.
    symlinkSync(join(bed.home.path, "etc"), scratch);
    const node = await evil(bed);
    assert.equal(
      await node.text("new_file", "/queue/cluster/evil/ossec.conf"),
      "ok Ready to receive new file",
    );
    assert.equal(await node.text("file_upd", "/queue/cluster/evil/ossec.conf evil"), "ok File updated");
    symlinkSync(outside, join(scratch, "link"));
    symlinkSync(join(bed.home.path, "absent"), join(scratch, "dangling"));
    linkSync(outside, join(scratch, "hard"));
    mkdirSync(join(scratch, "directory"));
    for (const name of ["link", "dangling", "hard", "directory"]) {
      const path = `/queue/cluster/evil/${name}`;
      await node.text("new_file", path);
      await node.text("file_upd", `${path} evil`);
    }
    assert.equal(readFileSync(outside, "latin1"), "outside");
    assert.equal(statSync(outside).nlink, 1, "a hard link is taken away, not written through");
    symlinkSync(join(bed.home.path, "etc"), join(scratch, "tree"));
    await node.end();
    await until("all that arrived is gone", () => bed.home.scratch.join() === "good");
    rmSync(scratch, { recursive: true, force: true });
  }));

test("functions, exceptions and prototypes in payloads are data (CVE-2025-24016, CVE-2026-25769)", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    const mark = join(bed.home.path, "executed");
    const objects = [
      { __unhandled_exc__: { __class__: "os.system", __args__: [`touch ${mark}`] } },
      {
        __callable__: { __name__: "system", __module__: "os", __qualname__: "system", __type__: "function" },
      },
      { __wazuh_exception__: { __class__: "os.system", __object__: { code: `touch ${mark}` } } },
      {
        __wazuh_exception__: {
          __class__: "WazuhError",
          __object__: { code: "x", title: 1, __proto__: null },
        },
      },
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
      JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`),
    ];
    for (const object of objects) {
      const text = JSON.stringify(object);
      assert.equal(await node.text("cancel_task", `None ${text}`), "ok Request received correctly");
      assert.equal(await node.text("syn_i_w_m_r", `None ${text}`), "ok Error received");
      const request = `1 {"f": ${text}, "f_kwargs": {}, "rbac_permissions": {"rbac_mode": "black"}}`;
      assert.match(await node.text("dapi", request), /^err unknown command/);
    }
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
    assert.equal(bed.count("cluster_requests_failed"), 0);
    await node.end();
  }));

test("what only programs of the host may ask is not served to nodes (CVE-2026-61802)", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    for (const command of ["get_config", "get_hash", "dapi_fwd", "send_file", "sendrreload", "sendasync"]) {
      assert.match(await node.text(command), /^err unknown command/);
    }
    assert.equal(bed.count("cluster_commands_unknown"), 6);
    await node.end();
  }));

test("a node that asks and never reads is not read either", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    node.socket.pause();
    const request = frame(1, "echo", sealed(Buffer.alloc(4 * MIB)));
    for (let count = 0; count < 30; count++) node.raw(request);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert(node.socket.writableLength > 20 * MIB, "it waits at the sender");
    await bed.stillSyncs();
    await node.end();
  }));

test("answers that nobody asked for, and a name with a second connection, change nothing", () =>
  attacked(async (bed) => {
    const node = await evil(bed);
    for (let counter = 0; counter < 200; counter++) {
      for (const word of ["ok", "err", "error", "ok-m"])
        node.raw(frame(counter, word, sealed(Buffer.from("x"))));
    }
    assert.equal(await node.text("echo", "x"), "ok x");
    const second = await FakeNode.connect(bed.port);
    assert.match(await second.hello("evil"), /"code": 3028/);
    await second.end();
    assert.equal(await node.text("echo", "x"), "ok x");
    await node.end();
  }));
