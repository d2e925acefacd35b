/** Goal: programs of the host get the peer's answers, and no key. Method: the recorded frames of a master and a worker, byte for byte. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import { CLUSTER_KEY } from "../fixture.ts";
import { healthReport, type WorkerHealth } from "../health.ts";
import { NO_CHUNKS } from "../needs.ts";
import { nodeList } from "../nodes.ts";
import { commonCommands, forwardedToMaster, jsonReply } from "./commands.ts";

type Recorded = { request: string; payload: string; frames_received: { payload: string }[] };
const VECTORS = new URL("../../../test/vectors/cluster/", import.meta.url);
const LOCAL: { nodes: { master: Recorded[]; worker: Recorded[] } } = JSON.parse(
  readFileSync(new URL("local_socket.json", VECTORS), "utf8"),
);

function recorded(node: "master" | "worker", request: string): Recorded {
  const found = LOCAL.nodes[node].find((entry) => entry.request === request);
  assert(found !== undefined);
  return found;
}

function config(node: "em" | "ew", type: "master" | "worker") {
  const { config, problems } = readManagerConfig(
    `<ossec_config><cluster><node_name>${node}</node_name><node_type>${type}</node_type><key>${CLUSTER_KEY}</key>
     <port>15570</port><bind_addr>127.0.0.1</bind_addr><nodes><node>127.0.0.1</node></nodes></cluster></ossec_config>`,
    "ossec.conf",
  );
  assert.deepEqual(problems, []);
  return config.cluster;
}

const INFO = { version: "4.14.7", ip: "127.0.0.1" };
const MASTER = { name: "em", type: "master", ...INFO };
const WORKER = { name: "ew", type: "worker", ...INFO };
const KEEPALIVE_MS = Date.UTC(2026, 10, 21, 7, 18, 0, 793);
const HEALTH: WorkerHealth = {
  info: WORKER,
  activeAgents: 0,
  integrity: {
    isFree: true,
    check: { startMs: null, endMs: null },
    sync: { startMs: null, endMs: null, missing: 0, shared: 0, extra: 0 },
  },
  agentInfo: { ...NO_CHUNKS, isFree: true },
  agentGroups: NO_CHUNKS,
  agentGroupsFull: NO_CHUNKS,
  lastKeepaliveMs: KEEPALIVE_MS,
};

test("commonCommands() answers get_config as recorded, without the key", async () => {
  for (const [node, type] of [
    ["em", "master"],
    ["ew", "worker"],
  ] as const) {
    const commands = commonCommands(config(node, type), async () => new Map());
    const reply = await commands.get("get_config")?.(Buffer.alloc(0));
    const text = reply?.payload.toString() ?? "";
    const expected = recorded(type, "get_config").frames_received[0]?.payload ?? "";
    assert.equal(text, expected.replace(CLUSTER_KEY, "*".repeat(32)));
    assert(!text.includes(CLUSTER_KEY));
  }
});

test("commonCommands() answers get_hash with what the analysis reads", async () => {
  const entry = { modifiedSeconds: 1, hash: "0".repeat(128) };
  const table = new Map([
    ["etc/client.keys", { ...entry, itemKey: "etc/" }],
    ["etc/rules/a.xml", { ...entry, itemKey: "etc/rules/" }],
    ["etc/lists/l", { ...entry, itemKey: "etc/lists/" }],
  ]);
  const commands = commonCommands(config("em", "master"), async () => table);
  const reply = await commands.get("get_hash")?.(Buffer.alloc(0));
  assert.equal(
    reply?.payload.toString(),
    `{"etc/rules/a.xml": "${entry.hash}", "etc/lists/l": "${entry.hash}"}`,
  );
});

test("nodeList() and healthReport() are written as recorded", () => {
  const nodes = recorded("master", "get_nodes");
  const list = jsonReply(nodeList([MASTER, WORKER], Buffer.from(nodes.payload)));
  assert.equal(list.payload.toString(), nodes.frames_received[0]?.payload);

  const health = recorded("master", "get_health");
  const report = jsonReply(
    healthReport({ info: MASTER, activeAgents: 0 }, [HEALTH], Buffer.from(health.payload)),
  );
  // Microseconds are not measured here.
  assert.equal(
    report.payload.toString(),
    health.frames_received[0]?.payload.replace("00.793865Z", "00.793000Z"),
  );
});

test("healthReport() tells of whom it is asked", () => {
  const asked = (payload: string) =>
    jsonReply(healthReport({ info: MASTER, activeAgents: 3 }, [HEALTH], Buffer.from(payload)));
  const names = (payload: string) => Object.keys(JSON.parse(asked(payload).payload.toString()).nodes);
  assert.deepEqual(names("null"), ["ew", "em"]);
  assert.deepEqual(names("{}"), ["ew"]);
  assert.deepEqual(names('["em"]'), ["em"]);
  assert.equal(asked('["x"]').word, "err");
  assert.equal(asked("7").word, "err");
  assert.equal(asked("{").word, "err");
});

test("healthReport() has the peer's two forms of counted files", () => {
  const sync = { startMs: KEEPALIVE_MS, endMs: KEEPALIVE_MS + 1, missing: 4, shared: 1, extra: 2 };
  const worker = { ...HEALTH, integrity: { ...HEALTH.integrity, sync } };
  const { payload } = jsonReply(healthReport({ info: MASTER, activeAgents: 0 }, [worker], Buffer.from("{}")));
  assert.match(payload.toString(), /"total_files": \{"missing": 4, "extra": 2, "shared": 1\}/);
});

function client() {
  const requests: { command: string; payload: string }[] = [];
  const request = async (command: string, payload: Buffer) => {
    requests.push({ command, payload: payload.toString() });
    return { kind: "ok", payload: Buffer.alloc(0) } as const;
  };
  return { requests, request };
}

test("forwardedToMaster() brings the master's answer, or why there is none", async () => {
  const answers = [
    { kind: "ok", payload: Buffer.from('{"items": []}') } as const,
    { kind: "failed", error: clusterError(1724) } as const,
  ];
  const session = {
    request: async () => answers.shift() ?? ({ kind: "failed", error: clusterError(3018) } as const),
  };
  const local = client();
  const handler = forwardedToMaster("get_nodes", () => session, local);
  for (let turn = 0; turn < 2; turn++) {
    const reply = await handler(Buffer.from("{}"));
    assert.equal(reply?.payload.toString(), recorded("worker", "get_nodes").frames_received[0]?.payload);
    await new Promise((resolve) => queueMicrotask(() => resolve(null)));
  }
  await Promise.resolve();
  assert.deepEqual(local.requests[0], { command: "control_res", payload: '{"items": []}' });
  assert.match(local.requests[1]?.payload ?? "", /"code": 1724/);

  const alone = await forwardedToMaster("get_nodes", () => null, local)(Buffer.from("{}"));
  assert.equal(alone?.word, "err");
  assert.match(alone?.payload.toString() ?? "", /"code": 3023/);
});
