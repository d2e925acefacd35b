/** What programs of this host may ask the cluster daemon, on every node; wazuh v4.14.7: framework/wazuh/core/cluster/local_server.py. */
import type { ClusterConfig } from "#config/sections/cluster.ts";
import { ClusterException, clusterError, writeException } from "#formats/wire/cluster/exceptions.ts";
import type { FileTable } from "#formats/wire/cluster/file-table.ts";
import { isOfRuleSet } from "#formats/wire/cluster/items.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import type { LocalClient } from "./server.ts";

/** The peer shows the key here; whoever needs it reads ossec.conf, and everybody else gets this. */
const MASKED_KEY = "*".repeat(32);

/** `get_config`: the section with what it leaves out filled in, in the peer's order. */
export function configJson(config: ClusterConfig): JsonObject {
  return {
    name: config.name,
    node_name: config.nodeName,
    node_type: config.nodeType,
    key: MASKED_KEY,
    port: config.port,
    bind_addr: config.bindAddress,
    nodes: config.nodes,
    hidden: config.hidden ? "yes" : "no",
    disabled: config.disabled,
  };
}

/** What is told to whoever asked, as an answer. */
export function jsonReply(answer: JsonObject | ClusterException): Reply {
  return answer instanceof ClusterException ? refused(answer) : ok(jsonBytes(answer));
}

function jsonBytes(value: JsonObject): Buffer {
  return Buffer.from(pythonJson(value), "latin1");
}

/** Of every node. `table` gives the files that this node holds now. */
export function commonCommands(config: ClusterConfig, table: () => Promise<FileTable>): HandlerTable {
  return new Map<string, Handler>([
    ["get_config", () => ok(jsonBytes(configJson(config)))],
    ["get_hash", async () => ok(jsonBytes(ruleSetHashes(await table())))],
  ]);
}

/** By path. */
export function ruleSetHashes(table: FileTable): JsonObject {
  const hashes = [...table]
    .filter(([, { itemKey }]) => isOfRuleSet(itemKey))
    .map(([path, { hash }]) => [path, hash]);
  return Object.fromEntries(hashes);
}

/**
 * Of a worker: the master is asked, and its answer follows as `control_res`. When the master refuses, the peer's client hears nothing; here it
 * gets the exception.
 */
export function forwardedToMaster(
  command: "get_nodes" | "get_health",
  session: () => Pick<Session, "request"> | null,
  client: Pick<LocalClient, "request">,
): Handler {
  return (payload) => {
    const master = session();
    if (master === null) return refused(clusterError(3023));
    void master.request(command, payload).then((outcome) => {
      const answer = outcome.kind === "ok" ? outcome.payload : writeException(outcome.error);
      return client.request("control_res", answer);
    });
    return ok("Sent request to master node");
  };
}
