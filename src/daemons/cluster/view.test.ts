/** Goal: the HAProxy helper sees every node and its active agents, and its agents are told. Method: a registry's pages by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterError, writeException } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { parseAgentId } from "#model/agent.ts";
import { clusterView } from "./view.ts";

const id = (text: string) => {
  const parsed = parseAgentId(text);
  assert(parsed !== null);
  return parsed;
};

function record(agent: string, status: "active" | "disconnected", nodeName: string | null) {
  return { id: id(agent), status, info: nodeName === null ? null : { nodeName, version: "Wazuh v4.14.7" } };
}

const PAGES = [
  [record("001", "active", "m"), record("002", "disconnected", "m")],
  [record("003", "active", "w1"), record("004", "active", "m"), record("005", "active", null)],
];
const last = (page: number) => PAGES[page]?.at(-1)?.id;
const agents = {
  list: (after: string | null) =>
    (after === null ? PAGES[0] : after === last(0) ? PAGES[1] : undefined) ?? [],
};

function view(asked: JsonObject[], answer: Buffer = Buffer.from("{}"), fails = false) {
  return clusterView({
    nodes: () => [
      { name: "m", type: "master", version: "4.14.7", ip: "10.0.0.1" },
      { name: "w1", type: "worker", version: "4.14.7", ip: "10.0.0.2" },
    ],
    agents,
    ask: async (request) => {
      asked.push(request);
      if (fails) return { kind: "failed", error: clusterError(3022) };
      return { kind: "answered", bytes: answer };
    },
    pause: async () => {},
  });
}

test("clusterView() gives addresses of nodes and active agents of each", async () => {
  const cluster = view([]);
  assert.deepEqual(
    [...(await cluster.nodes())],
    [
      ["m", "10.0.0.1"],
      ["w1", "10.0.0.2"],
    ],
  );
  const found = await cluster.activeAgents();
  const ids = [...found].map(([node, ofNode]) => [node, ofNode.map((agent) => agent.id).join(" ")]);
  assert.deepEqual(ids, [
    ["m", "001 004"],
    ["w1", "003"],
    ["", "005"],
  ]);
  assert.equal(found.get("w1")?.[0]?.version, "Wazuh v4.14.7");
});

test("clusterView() has agents told by the distributed API, and says when it cannot", async () => {
  const asked: JsonObject[] = [];
  await view(asked).reconnect([id("001"), id("003")]);
  assert.deepEqual(
    [asked[0]?.["request_type"], asked[0]?.["f_kwargs"]],
    ["distributed_master", { agent_list: ["001", "003"] }],
  );
  const exception = writeException(clusterError(3021));
  for (const [cluster, message] of [
    [view([], Buffer.alloc(0), true), /3022/],
    [view([], exception), /3021/],
  ] as const) {
    await assert.rejects(cluster.reconnect([id("001")]), { code: "cluster_refused", message });
  }
});
