/** Goal: a table names only files that may be synchronised. Method: recorded hashes; tables with one lie each; a comparison by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { compareTables, contentHash, fileTableJson, readFileTable } from "./file-table.ts";
import { parseJson } from "./json-value.ts";
import { isNodeName, scratchName } from "./paths.ts";
import { hex, recorded } from "./recorded.fixture.ts";

const HASHES = recorded<{
  file_hash_blake2b_512: { content_hex: string | null; content_rule: string | null; hash: string }[];
}>("hashes");

const HASH = contentHash(Buffer.from("a"));
const entry = (itemKey: string, hash = HASH) => ({ modifiedSeconds: 1.5, itemKey, hash });
const wire = (cluster_item_key: string) => ({ mod_time: 1.5, cluster_item_key, merged: false, hash: HASH });

test("contentHash() is the peer's", () => {
  const allBytes = Buffer.concat(Array(4).fill(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))));
  for (const { content_hex, content_rule, hash } of HASHES.file_hash_blake2b_512) {
    assert.equal(contentHash(content_hex === null ? allBytes : hex(content_hex)), hash, `${content_rule}`);
  }
});

test("readFileTable() takes what may be synchronised", () => {
  const paths = {
    "etc/client.keys": "etc/",
    "etc/shared/default/agent.conf": "etc/shared/",
    "etc/rules/own/rules.xml": "etc/rules/",
    "var/multigroups/abc/merged.mg": "var/multigroups/",
  };
  const table = Object.fromEntries(Object.entries(paths).map(([path, key]) => [path, wire(key)]));
  const read = readFileTable(table);
  assert(!("code" in read));
  assert.deepEqual(fileTableJson(read), table);
});

test("readFileTable() refuses a file outside the item that its entry names", () => {
  const lies: [string, string, string][] = [
    ["etc/shared/x", "etc/rules/", "path_outside_item"],
    ["etc/ossec.conf", "etc/", "path_outside_item"],
    ["etc/rules/ossec.conf", "etc/rules/", "path_outside_item"],
    ["etc/rules/x.swp", "etc/rules/", "path_outside_item"],
    ["etc/sub/client.keys", "etc/", "path_outside_item"],
    ["etc/rules/../ossec.conf", "etc/rules/", "path_outside_item"],
    ["etc/rules/", "etc/rules/", "path_outside_item"],
    ["/etc/rules/x", "etc/rules/", "path_outside_item"],
    ["var/multigroups/abc/other", "var/multigroups/", "path_outside_item"],
    ["bin/x", "bin/", "unknown_item"],
  ];
  for (const [path, key, code] of lies) {
    const read = readFileTable({ [path]: wire(key) });
    assert.equal("code" in read && read.code, code, path);
  }
  const noHash = readFileTable({ "etc/rules/x": { ...wire("etc/rules/"), hash: "short" } });
  assert.equal("code" in noHash && noHash.code, "not_a_table");
  for (const value of [null, [], "x", { a: 1 }]) assert("code" in readFileTable(value));
});

test("compareTables() goes by path and content", () => {
  const master = new Map([
    ["etc/rules/same", entry("etc/rules/")],
    ["etc/rules/new", entry("etc/rules/")],
    ["etc/rules/changed", entry("etc/rules/", contentHash(Buffer.from("b")))],
  ]);
  const worker = new Map([
    ["etc/rules/same", { ...entry("etc/rules/"), modifiedSeconds: 9 }],
    ["etc/rules/changed", entry("etc/rules/")],
    ["etc/rules/old", entry("etc/rules/")],
  ]);
  const { missing, shared, extra } = compareTables(master, worker);
  assert.deepEqual([...missing.keys()], ["etc/rules/new"]);
  assert.deepEqual([...shared], [["etc/rules/changed", master.get("etc/rules/changed")]]);
  assert.deepEqual([...extra], [["etc/rules/old", worker.get("etc/rules/old")]]);
});

test("readFileTable() survives damage", () => {
  const random = new SeededRandom(24);
  const text = Buffer.from(JSON.stringify({ "etc/rules/x": wire("etc/rules/") }));
  for (let round = 0; round < 1000; round++) {
    const value = parseJson(random.mutate(text));
    if (value !== undefined) readFileTable(value);
  }
});

test("scratchName() takes files directly in the worker's directory only", () => {
  assert.equal(scratchName("/queue/cluster/w1/w1-1.zip", "w1"), "w1-1.zip");
  assert.equal(scratchName("queue/cluster/w1/w1-1.zip", "w1"), "w1-1.zip");
  for (const path of [
    "/etc/x",
    "/queue/cluster/w2/x",
    "/queue/cluster/w1/../x",
    "/queue/cluster/w1/",
    "//queue/cluster/w1/x",
    "/queue/cluster/w1/a/b",
    "/queue/cluster/w1/..",
    "/queue/cluster/w1/a b",
    "/queue/cluster/w1/a\u0000",
  ]) {
    assert.equal(scratchName(path, "w1"), null, path);
  }
});

test("isNodeName() refuses what could be a path", () => {
  assert(isNodeName("node-01_a"));
  for (const name of ["", ".", "..", "a.b", "../x", "a b", "a\n"])
    assert.equal(isNodeName(name), false, name);
});
