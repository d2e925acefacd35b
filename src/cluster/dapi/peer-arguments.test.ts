/**
 * Goal: what API nodes of the 4.x generation send is taken as it is. Method: each function with all of the arguments that the peer's API can give it
 * (wazuh v4.14.7: api/api/controllers), and with none but those that it always gives.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { toyRuleset } from "./callables/ruleset.fixture.ts";
import { toyApi, toyNode } from "./dapi.fixture.ts";

const PAGE = { offset: 0, limit: 500 };
/** The two ways in which the peer's functions are told of order and search. */
const SORT = { sort: { fields: ["name"], order: "desc" }, search: { value: "x", negation: 0 } };
const SORT_BY = { sort_by: ["name"], sort_ascending: true, search_text: "x", complementary_search: false };
const CHOICE = { select: ["name"], q: "name=x", distinct: false };
const AGENTS = { agent_list: ["001"] };
const GROUP = { group_list: ["web"] };
const FILTERS = {
  status: ["active"],
  older_than: "7d",
  version: null,
  group: null,
  node_name: null,
  name: null,
};
const FILES = { filename: ["local.xml"], relative_dirname: "etc/rules" };
const FILE = { filename: "local.xml", relative_dirname: "etc/rules" };

const CALLS: readonly (readonly [string, JsonObject])[] = [
  ["wazuh.agent.get_agents", { ...AGENTS, ...PAGE, ...SORT, ...CHOICE, filters: FILTERS }],
  ["wazuh.agent.get_agents", { ...PAGE, ...SORT, select: ["id"], q: "group=null" }],
  ["wazuh.agent.delete_agents", { ...AGENTS, purge: false, filters: FILTERS, q: "id!=000" }],
  [
    "wazuh.agent.add_agent",
    { name: "a", ip: "any", agent_id: "001", key: "k".repeat(64), force: { enabled: true } },
  ],
  ["wazuh.agent.restart_agents", AGENTS],
  ["wazuh.agent.restart_agents_by_node", AGENTS],
  ["wazuh.agent.restart_agents_by_group", AGENTS],
  ["wazuh.agent.reconnect_agents", AGENTS],
  ["wazuh.agent.get_agents_keys", AGENTS],
  ["wazuh.agent.get_agents_sync_group", AGENTS],
  ["wazuh.agent.get_agents_summary_status", {}],
  ["wazuh.agent.get_agents_summary_os", {}],
  ["wazuh.agent.get_outdated_agents", { ...PAGE, ...SORT, select: ["id"], q: "id!=000" }],
  ["wazuh.agent.get_distinct_agents", { ...PAGE, ...SORT, fields: ["os.platform", "version"], q: "id!=000" }],
  ["wazuh.agent.get_agent_groups", { ...PAGE, ...GROUP, ...SORT_BY, ...CHOICE, hash_algorithm: "md5" }],
  ["wazuh.agent.get_agents_in_group", { ...PAGE, ...GROUP, ...SORT, ...CHOICE, filters: FILTERS }],
  ["wazuh.agent.get_agents_in_group", { ...GROUP, select: ["id"], limit: null }],
  [
    "wazuh.agent.get_group_files",
    { ...PAGE, ...GROUP, ...SORT_BY, hash_algorithm: "md5", q: "", select: ["filename"] },
  ],
  ["wazuh.agent.create_group", { group_id: "web" }],
  ["wazuh.agent.delete_groups", GROUP],
  ["wazuh.agent.assign_agents_to_group", { ...AGENTS, ...GROUP, replace: true }],
  ["wazuh.agent.remove_agent_from_group", { ...AGENTS, ...GROUP }],
  ["wazuh.agent.remove_agent_from_groups", { ...AGENTS, ...GROUP }],
  ["wazuh.agent.remove_agents_from_group", { ...AGENTS, ...GROUP }],
  [
    "wazuh.active_response.run_command",
    { ...AGENTS, command: "!x", arguments: ["a"], alert: { data: { a: 1 } } },
  ],
  ["wazuh.cluster.get_node_wrapper", {}],
  ["wazuh.cluster.read_config_wrapper", {}],
  ["wazuh.cluster.get_status_json", {}],
  ["wazuh.cluster.get_health_nodes", { filter_node: ["em"] }],
  ["wazuh.cluster.get_nodes_info", { filter_node: ["em"], filter_type: "all", ...PAGE, ...SORT, ...CHOICE }],
  ["wazuh.cluster.get_ruleset_sync_status", { master_md5: { "etc/rules/local_rules.xml": "h" } }],
  ["wazuh.core.cluster.control.get_node_ruleset_integrity", {}],
  ["wazuh.manager.get_status", {}],
  ["wazuh.manager.get_basic_info", {}],
  ["wazuh.manager.restart", {}],
  ["wazuh.manager.validation", {}],
  ["wazuh.analysis.reload_ruleset", {}],
  [
    "wazuh.rule.get_rules",
    {
      ...{
        rule_ids: [1, 2],
        ...PAGE,
        ...SORT_BY,
        ...CHOICE,
        ...FILES,
        status: "enabled",
        group: "sshd",
        level: "3-5",
      },
      ...{ pci_dss: "1", gdpr: "1", gpg13: "1", hipaa: "1", nist_800_53: "1", tsc: "1", mitre: "T1" },
    },
  ],
  ["wazuh.rule.get_groups", { ...PAGE, ...SORT_BY }],
  ["wazuh.rule.get_requirement", { requirement: "tsc", ...PAGE, ...SORT_BY }],
  ["wazuh.rule.get_rules_files", { ...PAGE, ...SORT_BY, ...CHOICE, ...FILES, status: "all" }],
  ["wazuh.rule.get_rule_file", { ...FILE, raw: false }],
  ["wazuh.rule.upload_rule_file", { ...FILE, overwrite: true, content: "<group/>" }],
  ["wazuh.rule.delete_rule_file", FILE],
  ["wazuh.decoder.get_decoders", { names: ["a"], ...PAGE, ...SORT_BY, ...CHOICE, ...FILES, status: "all" }],
  ["wazuh.decoder.get_decoders", { ...PAGE, ...SORT_BY, select: ["name"], parents: true }],
  ["wazuh.decoder.get_decoders_files", { ...PAGE, ...SORT_BY, ...CHOICE, ...FILES, status: "all" }],
  ["wazuh.decoder.get_decoder_file", { ...FILE, raw: true }],
  ["wazuh.decoder.upload_decoder_file", { ...FILE, overwrite: true, content: "<decoder/>" }],
  ["wazuh.decoder.delete_decoder_file", FILE],
  [
    "wazuh.cdb_list.get_lists",
    { ...PAGE, ...SORT_BY, ...CHOICE, filename: ["a"], relative_dirname: "etc/lists" },
  ],
  ["wazuh.cdb_list.get_path_lists", { ...PAGE, ...SORT_BY, search_in_fields: ["filename"], filename: ["a"] }],
  ["wazuh.cdb_list.get_list_file", { filename: "a", raw: true }],
  ["wazuh.cdb_list.upload_list_file", { filename: "a", overwrite: true, content: "a:b" }],
  ["wazuh.cdb_list.delete_list_file", { filename: "a" }],
];

test("every function takes what the peer's API sends, and every function is asked", () => {
  const table = new Map([...toyApi(toyNode("em", true, []), 1).table, ...toyRuleset({}).table]);
  for (const [name, values] of CALLS) {
    const prepared = table.get(name)?.prepare(values);
    assert(prepared !== undefined, name);
    assert(
      !(prepared instanceof ClusterException),
      `${name}: ${prepared instanceof ClusterException && prepared.text}`,
    );
  }
  const asked = new Set(CALLS.map(([name]) => name));
  const unasked = [...table.keys()].filter((name) => !asked.has(name));
  // Asked by cluster_control, not by the API.
  assert.deepEqual(unasked, ["wazuh.core.agent.Agent.get_agents_overview"]);
});
