/** Goal: the list of nodes is the peer's, and no filter breaks it. Method: the recorded answer, each option by hand, hostile filters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { SeededRandom } from "#testing/random.ts";
import { readUpdateReport } from "./agents/update-report.ts";
import { healthReport } from "./health.ts";
import { nodeList } from "./nodes.ts";

const NODES = [
  { name: "m", type: "master", version: "4.14.7", ip: "10.0.0.1" },
  { name: "w2", type: "worker", version: "4.14.7", ip: "10.0.0.3" },
  { name: "w1", type: "worker", version: "4.14.7", ip: "10.0.0.2" },
];

function ask(query: object) {
  return nodeList(NODES, Buffer.from(JSON.stringify(query)));
}

function names(query: object): readonly unknown[] {
  const answer = ask(query);
  assert(!(answer instanceof ClusterException), "an answer");
  const { items } = answer;
  assert(Array.isArray(items));
  return items.map((item: { name?: string }) => item.name);
}

function code(query: object): number | null {
  const answer = ask(query);
  return answer instanceof ClusterException ? answer.code : null;
}

test("nodeList() gives the master first and the workers as they came", () => {
  assert.deepEqual(ask({}), { items: NODES, totalItems: 3 });
});

test("nodeList() filters, searches, sorts and pages", () => {
  assert.deepEqual(names({ filter_node: "w1" }), ["w1"]);
  assert.deepEqual(names({ filter_node: ["w1", "m"] }), ["m", "w1"]);
  assert.deepEqual(names({ filter_type: "worker" }), ["w2", "w1"]);
  assert.deepEqual(names({ search: { value: "0.0.3", negation: false } }), ["w2"]);
  assert.deepEqual(names({ search: { value: "0.0.3", negation: true } }), ["m", "w1"]);
  assert.deepEqual(names({ sort: { fields: ["type", "name"], order: "asc" } }), ["m", "w1", "w2"]);
  assert.deepEqual(names({ sort: { fields: ["name"], order: "desc" } }), ["w2", "w1", "m"]);
  assert.deepEqual(names({ offset: 1, limit: 1 }), ["w2"]);
  assert.deepEqual(ask({ select: ["type"], distinct: true }), {
    items: [{ type: "master" }, { type: "worker" }],
    totalItems: 2,
  });
});

test("nodeList() refuses with the peer's codes", () => {
  assert.equal(code({ filter_node: "x" }), 1730);
  assert.equal(code({ filter_type: "x" }), 1728);
  assert.equal(code({ select: ["name", "key"] }), 1724);
  assert.equal(code({ sort: { fields: ["key"] } }), 1403);
  assert.equal(code({ limit: 0 }), 1406);
  assert.equal(code({ limit: 100_001 }), 1405);
  assert.equal(code({ offset: -1 }), 1000);
  const absent = ask({ filter_node: "x" });
  assert(absent instanceof ClusterException);
  assert.equal(absent.text, "Error 1730 - Node does not exist");
});

test("nodeList() takes any bytes without throwing", () => {
  const random = new SeededRandom(3);
  const whole = Buffer.from(
    JSON.stringify({ filter_node: ["m"], sort: { fields: ["name"], order: "asc" }, select: ["name"] }),
  );
  for (let run = 0; run < 500; run++) {
    const bytes = Buffer.from(whole);
    bytes[random.below(bytes.length)] = random.below(256);
    nodeList(NODES, bytes.subarray(0, random.below(bytes.length + 1)));
  }
});

test("questions and reports of megabytes are not read", () => {
  const [info] = NODES;
  assert(info !== undefined);
  const many = Array.from({ length: 200_000 }, () => info.name);
  assert.equal(code({ filter_node: many }), 1000);
  const health = healthReport({ info, activeAgents: 0 }, [], Buffer.from(JSON.stringify(many)));
  assert(health instanceof ClusterException && health.code === 1000);
  const report = { updated_chunks: 1, error_messages: many };
  assert.equal(readUpdateReport(Buffer.from(JSON.stringify(report))), null);
});
