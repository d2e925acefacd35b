/**
 * What nodes with the key say: payloads of all commands and the JSON objects in them. What was read can be written and read again; errors are one
 * line of bounded length; nothing of an object is ever more than data. An input is the command, a newline, and its payload.
 */
import assert from "node:assert/strict";
import { isCommandName, NAME_BYTES_MAX, readRequest, writePayload } from "#formats/wire/cluster/commands.ts";
import { ERROR_BYTES_MAX, readErrorReply, writeException } from "#formats/wire/cluster/exceptions.ts";
import { readFileChanges, readFileTable } from "#formats/wire/cluster/file-table.ts";
import { JSON_DEPTH_MAX, type JsonValue, parseJson } from "#formats/wire/cluster/json-value.ts";
import { readObjects, writeObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import type { SeededRandom } from "#testing/random.ts";
import { damagedJson, damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const HASH = "0123456789abcdef".repeat(8);
const ENTRY = `{"mod_time": 1763707456.25, "cluster_item_key": "etc/rules/", "merged": false, "hash": "${HASH}"}`;
const EXCEPTION =
  '{"__wazuh_exception__": {"__class__": "WazuhError", "__object__": {"type": "about:blank", "title": "Bad Request", "code": 1730, "extra_message": null, "extra_remediation": null, "cmd_error": false, "dapi_errors": {}, "ids": ["001"]}}}';
const DOCUMENTS = [
  EXCEPTION,
  `{"etc/rules/a.xml": ${ENTRY}}`,
  `{"missing": {"etc/rules/a.xml": ${ENTRY}}, "extra": {}, "shared": {}}`,
  '{"f": {"__callable__": {"__name__": "get_agents", "__module__": "wazuh.agent", "__qualname__": "get_agents", "__type__": "function"}}, "f_kwargs": {"agent_list": ["001"]}, "request_type": "distributed_master", "wait_for_complete": false}',
  '{"__wazuh_result__": {"__class__": "WazuhResult", "__object__": {"str_priority": ["KO", "OK"], "result": {"a": [1, {"__wazuh_datetime__": "2026-11-21T06:51:54Z"}]}}}}',
  '{"__wazuh_result__": {"__class__": "AffectedItemsWazuhResult", "__object__": {"affected_items": [{"id": "001"}], "sort_fields": ["id"], "sort_casting": ["int"], "sort_ascending": [true], "total_affected_items": 1, "total_failed_items": 0, "dikt": {}, "all_msg": "a", "some_msg": "b", "none_msg": "c", "failed_items_keys": [], "failed_items_values": []}}}',
  '{"__unhandled_exc__": {"__class__": "os.system", "__args__": ["id"]}}',
  '{"filter_node": ["w1"], "offset": 0, "limit": 500, "filter_type": "all", "distinct": false}',
];
const COMMANDS = [
  "hello",
  "new_str",
  "file_upd",
  "file_end",
  "str_upd",
  "cancel_task",
  "syn_i_w_m_e",
  "dapi",
  "sendsync",
  "get_nodes",
];
const PLAIN = [
  "worker1 wazuh worker 4.14.7",
  "1048576",
  "/queue/cluster/w1/w1-1763707456.25-0123456789abcdef0123456789abcdef.zip 0123456789abcdef",
  `None ${EXCEPTION}`,
];
const WORDS = [
  " ",
  "  ",
  "../",
  "/etc/",
  "\0",
  "None",
  "9".repeat(16),
  "-1",
  "x".repeat(5000),
  "__callable__",
  "__proto__",
  "constructor",
];

function checkRequest(command: string, payload: Buffer): void {
  if (!isCommandName(command)) return;
  const request = readRequest(command, payload);
  if ("code" in request) {
    assert(request.text.length < 1024);
    return;
  }
  const written = writePayload(request);
  if ("size" in request) assert.equal(Number(written.toString("latin1")), Number(payload.toString("latin1")));
  else if ("name" in request) {
    assert(request.name.length <= NAME_BYTES_MAX && !request.name.includes(" "));
    if (payload.subarray(0, NAME_BYTES_MAX).includes(" ")) assert.deepEqual(written, payload);
  } else if ("bytes" in request || "nodeName" in request) assert.deepEqual(written, payload);
}

function depthOf(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function checkJson(payload: Buffer): void {
  const error = readErrorReply(payload);
  assert(error.text.length <= 2 * ERROR_BYTES_MAX);
  const sent = writeException(error);
  if (sent.length <= ERROR_BYTES_MAX) assert.equal(readErrorReply(sent).text, error.text);
  const json = parseJson(payload);
  if (json === undefined) return;
  assert(depthOf(json) <= JSON_DEPTH_MAX);
  const value = readObjects(json);
  if (value !== undefined) {
    const written = writeObjects(value);
    const text = Buffer.from(pythonJson(written), "latin1");
    const again = parseJson(text);
    assert(again !== undefined && /^[\x20-\x7f]*$/.test(text.toString("latin1")));
    assert.deepEqual(readObjects(again), value);
  }
  const table = readFileTable(json);
  if (!("code" in table)) {
    for (const path of table.keys())
      assert(/^(etc|var)\//.test(path) && !path.split("/").includes(".."), path);
  }
  const changes = readFileChanges(json);
  if (!("code" in changes)) assert(changes.missing instanceof Map);
}

function run(input: string): void {
  const end = input.indexOf("\n");
  const payload = Buffer.from(input.slice(end + 1), "latin1");
  checkRequest(input.slice(0, Math.max(0, end)), payload);
  checkJson(payload);
}

function make(random: SeededRandom): string {
  const payload =
    random.below(3) === 0
      ? damagedText(random, random.pick(PLAIN), WORDS)
      : damagedJson(random, random.pick(DOCUMENTS));
  return `${random.pick(COMMANDS)}\n${payload}`;
}

export const clusterPayloadsTarget: Target = {
  make,
  change: (random, input, other) => {
    const end = input.indexOf("\n") + 1;
    const payload = input.slice(end);
    if (random.below(2) === 0) return input.slice(0, end) + damagedJson(random, payload);
    return input.slice(0, end) + damagedText(random, payload, [...WORDS, other.slice(0, 60)]);
  },
  run,
};
