/** Goal: files of the rule set are listed, read, replaced and removed by safe names only. Method: the functions on files in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainResult } from "#formats/wire/cluster/objects.ts";
import { readPermissions } from "../permissions.ts";
import { toyRuleset } from "./ruleset.fixture.ts";

const FILES = {
  "ruleset/rules/0010-rules.xml": "stock",
  "etc/rules/local.xml": "own",
  "etc/lists/audit": "a:b",
};

test("files are listed, read as they are, replaced and removed", async () => {
  const { call, held } = toyRuleset(FILES);
  const place = { filename: "local.xml", relative_dirname: "etc/rules" };
  assert.deepEqual(await call("wazuh.rule.get_rules_files", { relative_dirname: "etc/rules" }), [
    { ...place, status: "enabled" },
  ]);
  assert.deepEqual(await call("wazuh.cdb_list.get_path_lists", {}), [
    { filename: "audit", relative_dirname: "etc/lists" },
  ]);
  const raw = await call("wazuh.rule.get_rule_file", { filename: ["local.xml"], raw: true });
  assert.deepEqual(raw, new PlainResult({ message: "own" }));
  assert.deepEqual(await call("wazuh.rule.get_rule_file", { filename: "none.xml", raw: true }), ["1415"]);
  assert.deepEqual(await call("wazuh.cdb_list.get_list_file", { filename: ["audit"] }), [{ a: "b" }]);
  const upload = { filename: "local.xml", content: "<group/>" };
  assert.equal(await call("wazuh.rule.upload_rule_file", upload), 1905);
  assert.deepEqual(await call("wazuh.rule.upload_rule_file", { ...upload, overwrite: true }), [
    "etc/rules/local.xml",
  ]);
  assert.equal(held.get("etc/rules/local.xml"), "<group/>");
  assert.equal(await call("wazuh.rule.upload_rule_file", { filename: "x.xml", content: "bad" }), 1113);
  assert.equal(await call("wazuh.rule.upload_rule_file", { filename: "x.xml", content: "" }), 1112);
  assert.deepEqual(await call("wazuh.rule.delete_rule_file", { filename: "local.xml" }), [
    "etc/rules/local.xml",
  ]);
  assert.equal(await call("wazuh.rule.delete_rule_file", { filename: "local.xml" }), 1906);
  assert.equal(
    await call("wazuh.rule.delete_rule_file", {
      filename: "0010-rules.xml",
      relative_dirname: "ruleset/rules",
    }),
    1210,
  );
});

test("names and folders that lead elsewhere are refused", async () => {
  const { call, held } = toyRuleset(FILES);
  const before = [...held];
  for (const filename of ["../x.xml", "/etc/x.xml", "a/b.xml", "x.xml\0", "x.txt", ".xml", "", "a.b.xml"]) {
    assert.equal(await call("wazuh.rule.get_rule_file", { filename, raw: true }), 1307, filename);
    assert.equal(await call("wazuh.decoder.upload_decoder_file", { filename, content: "x" }), 1307, filename);
    assert.equal(await call("wazuh.decoder.delete_decoder_file", { filename }), 1307, filename);
  }
  for (const relative_dirname of ["../rules", "/etc/rules", "etc/rules/..", "etc//rules", "etc/shared.d"]) {
    const values = { filename: "x.xml", content: "x", relative_dirname };
    assert.equal(await call("wazuh.rule.upload_rule_file", values), 1307, relative_dirname);
  }
  const elsewhere = { filename: "x.xml", content: "x", relative_dirname: "etc/shared" };
  assert.equal(await call("wazuh.rule.upload_rule_file", elsewhere), 1209);
  assert.deepEqual([...held], before);
});

test("permissions hide and protect files", async () => {
  const { call, table } = toyRuleset(FILES);
  const only = readPermissions({ rbac_mode: "white", "rules:read": { "rule:file:local.xml": "allow" } });
  assert(only !== null);
  assert.deepEqual(await call("wazuh.rule.get_rules_files", {}, only), [
    { filename: "local.xml", relative_dirname: "etc/rules", status: "enabled" },
  ]);
  assert.equal(await call("wazuh.rule.get_rule_file", { filename: "0010-rules.xml", raw: true }, only), 4000);
  assert.equal(await call("wazuh.rule.upload_rule_file", { filename: "x.xml", content: "x" }, only), 4000);
  assert.equal(await call("wazuh.rule.delete_rule_file", { filename: "local.xml" }, only), 4000);
  const forNodes = [...table.values()].filter((callable) => callable.forNodes).map(({ name }) => name);
  assert(forNodes.every((name) => !/upload|delete/.test(name)));
});
