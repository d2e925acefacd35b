/** Goal: files of the rule set are listed, read, replaced and removed by safe names only. Method: the functions on files in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { AffectedItems, PlainResult } from "#formats/wire/cluster/objects.ts";
import { Caller, exceptionOf } from "../callable.ts";
import { EVERYTHING, type Permissions, readPermissions } from "../permissions.ts";
import { callableTable } from "../table.ts";
import type { RulesetFile, RulesetWorld } from "../world.ts";
import { rulesetFileCallables } from "./ruleset-files.ts";

function toy() {
  const held = new Map<string, string>([
    ["rule ruleset/rules 0010-rules.xml", "stock"],
    ["rule etc/rules local.xml", "own"],
    ["list etc/lists audit", "a:b"],
  ]);
  const keyOf = ({ kind, directory, name }: RulesetFile) => `${kind} ${directory} ${name}`;
  const world: RulesetWorld = {
    list: (wanted) =>
      [...held.keys()].flatMap((key) => {
        const [kind, directory = "", name = ""] = key.split(" ");
        return kind === wanted ? [{ kind: wanted, directory, name, isEnabled: true }] : [];
      }),
    read: (file) => Buffer.from(held.get(keyOf(file)) ?? ""),
    place: (kind, name, directory) =>
      directory === null || directory === `etc/${kind}s`
        ? { kind, name, directory: `etc/${kind}s`, isEnabled: true }
        : null,
    replace: async (file, bytes) => {
      if (bytes.toString().includes("bad")) return "line 1";
      held.set(keyOf(file), bytes.toString());
      return null;
    },
    remove: (file) => void held.delete(keyOf(file)),
  };
  const table = callableTable(rulesetFileCallables(world));
  const call = async (name: string, values: JsonObject, permissions: Permissions = EVERYTHING) => {
    const prepared = table.get(name)?.prepare(values);
    assert(prepared !== undefined, name);
    if (prepared instanceof ClusterException) return prepared.code;
    const answer = await prepared(new Caller(permissions)).catch(exceptionOf);
    if (answer instanceof ClusterException) return answer.code;
    return answer instanceof AffectedItems ? answer.fields.affectedItems : answer;
  };
  return { held, table, call };
}

test("files are listed, read as they are, replaced and removed", async () => {
  const { call, held } = toy();
  const place = { filename: "local.xml", relative_dirname: "etc/rules" };
  assert.deepEqual(await call("wazuh.rule.get_rules_files", { relative_dirname: "etc/rules" }), [
    { ...place, status: "enabled" },
  ]);
  assert.deepEqual(await call("wazuh.cdb_list.get_path_lists", {}), [
    { filename: "audit", relative_dirname: "etc/lists" },
  ]);
  const raw = await call("wazuh.rule.get_rule_file", { filename: ["local.xml"], raw: true });
  assert.deepEqual(raw, new PlainResult({ message: "own" }));
  assert.equal(await call("wazuh.rule.get_rule_file", { filename: "none.xml", raw: true }), 1415);
  const upload = { filename: "local.xml", content: "<group/>" };
  assert.equal(await call("wazuh.rule.upload_rule_file", upload), 1905);
  assert.deepEqual(await call("wazuh.rule.upload_rule_file", { ...upload, overwrite: true }), [
    "etc/rules/local.xml",
  ]);
  assert.equal(held.get("rule etc/rules local.xml"), "<group/>");
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
  const { call, held } = toy();
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
  const { call, table } = toy();
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
