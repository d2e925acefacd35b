/** Goal: agents are counted, compared and told as the peer's API does it. Method: a master and two workers in memory, asked over the local socket. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { join, program, record, toyApi, toyNode } from "../dapi.fixture.ts";
import { newRequest } from "../request.ts";

const OLD = record("002", { node: "w1", groupConfigStatus: "not synced" });
const NEW = record("001");
const { info } = OLD;
const AGENTS = [
  NEW,
  {
    ...OLD,
    info: info === null ? null : { ...info, version: "Wazuh v4.9.2", os: { ...info.os, platform: "centos" } },
  },
  record("003", { node: "w2", info: null, status: "never_connected" }),
];

function cluster() {
  const nodes = ["em", "w1", "w2"].map((name) => toyNode(name, name === "em", AGENTS));
  const [em, w1, w2] = nodes.map((node, index) => toyApi(node, index + 1));
  assert(em !== undefined && w1 !== undefined && w2 !== undefined);
  join(em, w1, "w1");
  join(em, w2, "w2");
  const asked = async (
    module: string,
    name: string,
    values: JsonObject,
    type: "local_master" | "distributed_master",
  ) => {
    const request = newRequest({ module, function: name, arguments: values, type });
    const answer = JSON.parse((await program(em).ask(request)).later);
    return answer.__wazuh_result__?.__object__ ?? answer.__wazuh_exception__.__object__.code;
  };
  return { nodes, asked };
}

async function items(name: string, values: JsonObject = {}) {
  const { asked } = cluster();
  return (await asked("wazuh.agent", name, values, "local_master")).affected_items;
}

test("platforms are listed once, and combinations of fields are counted", async () => {
  assert.deepEqual(await items("get_agents_summary_os"), ["centos", "ubuntu"]);
  const counted = await items("get_distinct_agents", { fields: ["os.platform", "status"], q: "id!=000" });
  assert.deepEqual(counted, [
    { status: "active", os: { platform: "ubuntu" }, count: 1 },
    { status: "active", os: { platform: "centos" }, count: 1 },
    { status: "never_connected", os: { platform: "N/A" }, count: 1 },
  ]);
  const byStatus = { fields: ["status"], sort: { fields: ["count"], order: "asc" } };
  assert.deepEqual(await items("get_distinct_agents", byStatus), [
    { status: "never_connected", count: 1 },
    { status: "active", count: 3 },
  ]);
});

test("agents of another version than the manager's, and agents that lack their groups' files, are shown", async () => {
  const outdated = await items("get_outdated_agents", { select: ["id", "version"] });
  assert.deepEqual(outdated, [{ id: "002", version: "Wazuh v4.9.2" }]);
  assert.deepEqual(await items("get_agents_sync_group", { agent_list: ["001", "002", "009"] }), [
    { id: "001", synced: true },
    { id: "002", synced: false },
  ]);
});

test("each node says whether its rule set is the master's", async () => {
  const { asked } = cluster();
  const hashes = await asked("wazuh.core.cluster.control", "get_node_ruleset_integrity", {}, "local_master");
  assert.deepEqual(hashes.result, { "etc/rules/local_rules.xml": "new" });
  const values = { master_md5: hashes.result };
  const { affected_items: nodes } = await asked(
    "wazuh.cluster",
    "get_ruleset_sync_status",
    values,
    "distributed_master",
  );
  assert.deepEqual(nodes, [
    { name: "em", synced: true },
    { name: "w1", synced: true },
    { name: "w2", synced: false },
  ]);
});

test("rules are reloaded on the nodes that are named, and agents of a node are restarted there", async () => {
  const { asked, nodes } = cluster();
  const { affected_items: told } = await asked(
    "wazuh.analysis",
    "reload_ruleset",
    { node_list: ["em", "w2"] },
    "distributed_master",
  );
  const msg = "Ruleset reload request sent successfully.";
  assert.deepEqual(told, [
    { name: "em", msg },
    { name: "w2", msg },
  ]);
  const all = { agent_list: "*", node_id: "w1" };
  const restarted = await asked("wazuh.agent", "restart_agents_by_node", all, "distributed_master");
  assert.deepEqual(restarted.affected_items, ["002"]);
  const nobody = { agent_list: ["001"], node_id: "w1" };
  const none = await asked("wazuh.agent", "restart_agents_by_node", nobody, "distributed_master");
  assert.deepEqual([none.affected_items, none.total_failed_items], [[], 0]);
  const nowhere = { agent_list: "*", node_id: "zz" };
  const unknown = await asked("wazuh.agent", "restart_agents_by_node", nowhere, "distributed_master");
  assert.deepEqual([unknown.affected_items, unknown.failed_items_values], [[], [["zz"]]]);
  assert.deepEqual(
    nodes.map(({ told }) => told),
    [["reload em"], ["restart 002"], ["reload w2"]],
  );
});

test("a response that ar.conf does not name is refused before any agent is told", async () => {
  const { asked, nodes } = cluster();
  const run = (command: string) =>
    asked("wazuh.active_response", "run_command", { agent_list: ["001"], command }, "distributed_master");
  assert.equal(await run("drop9"), 1652);
  assert.equal(await run(""), 1650);
  assert.deepEqual((await run("drop600")).affected_items, ["001"]);
  assert.deepEqual(nodes[0]?.told, ["respond 001"]);
});
