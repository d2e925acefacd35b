/**
 * Goal: requests run where they belong, answers come back merged, and nobody gets more than he may. Method: a master and two workers in memory,
 * asked through their local sockets and by a hostile worker; the recorded call of the peer, with this program as either side.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { recorded } from "#formats/wire/cluster/recorded.fixture.ts";
import { FakeConnection } from "#testing/network.ts";
import { fakeNeeds, HOME, RawNode, settled, testCipher } from "../fixture.ts";
import { Session } from "../session.ts";
import { ItemsAnswer } from "./answers.ts";
import { apiCallable } from "./callable.ts";
import { join, program, record, toyApi, toyNode } from "./dapi.fixture.ts";
import {
  NODE_REQUEST_VALUES_MAX,
  QUERY_CHARS_MAX,
  QUERY_PARTS_MAX,
  RUNS_WAITING_MAX,
  UNANSWERED_MAX,
} from "./limits.ts";
import { ApiLinks } from "./links.ts";
import { newRequest } from "./request.ts";
import { callableTable } from "./table.ts";

const AGENTS = [
  record("001", { node: "em" }),
  record("002", { node: "w1" }),
  record("003", { node: "w2" }),
  record("004", { node: "w2", status: "disconnected" }),
];

function cluster() {
  const nodes = {
    em: toyNode("em", true, AGENTS),
    w1: toyNode("w1", false, AGENTS),
    w2: toyNode("w2", false, AGENTS),
  };
  const [em, w1, w2] = [toyApi(nodes.em, 1), toyApi(nodes.w1, 2), toyApi(nodes.w2, 3)];
  const sessions = { w1: join(em, w1, "w1"), w2: join(em, w2, "w2") };
  return { nodes, em, w1, w2, sessions };
}

function call(
  module: string,
  name: string,
  type: "local_any" | "local_master" | "distributed_master",
  values: JsonObject = {},
) {
  return newRequest({ module, function: name, arguments: values, type });
}

/** Of an answer of items: the items, and the failed ids by error code. */
function itemsOf(text: string) {
  const { __wazuh_result__: result } = JSON.parse(text);
  const { affected_items: items, failed_items_keys: errors, failed_items_values: ids } = result.__object__;
  const failed = errors.map((error: { __object__: { code: number } }, index: number) => [
    error.__object__.code,
    ids[index],
  ]);
  return { items, failed, total: result.__object__.total_affected_items };
}

function exceptionOf(text: string) {
  return JSON.parse(text).__wazuh_exception__.__object__;
}

test("reconnect_agents reaches each agent through its node, and says who could not be told", async () => {
  const { nodes, w1 } = cluster();
  const request = call("wazuh.agent", "reconnect_agents", "distributed_master", {
    agent_list: ["001", "002", "003", "004", "999", "000"],
  });
  const { now, later } = await program(w1).ask(request);
  assert.equal(now.kind === "ok" && now.payload.toString(), "Added request to API requests queue");
  const { items, failed } = itemsOf(later);
  assert.deepEqual(items, ["001", "002", "003"]);
  assert.deepEqual(
    new Map(failed),
    new Map([
      [1707, ["004"]],
      [1701, ["999"]],
      [1703, ["000"]],
    ]),
  );
  assert.deepEqual(
    [nodes.em.told, nodes.w1.told, nodes.w2.told],
    [["reconnect 001"], ["reconnect 002"], ["reconnect 003"]],
  );
});

test("a request to all nodes is answered by all of them, and a node that is gone is a failed item", async () => {
  const { em, w1, sessions } = cluster();
  const status = call("wazuh.manager", "validation", "distributed_master");
  assert.deepEqual(
    itemsOf((await program(em).ask(status)).later).items.map(({ name }: { name: string }) => name),
    ["em", "w1", "w2"],
  );
  const two = call("wazuh.manager", "validation", "distributed_master", { node_list: ["w1", "zz"] });
  const named = itemsOf((await program(w1).ask(two)).later);
  assert.deepEqual([named.items, named.failed], [[{ name: "w1", status: "OK" }], [[1730, ["zz"]]]]);
  sessions.w2.atMaster.close();
  const restart = call("wazuh.agent", "restart_agents", "distributed_master", { agent_list: ["002", "003"] });
  const { items, failed } = itemsOf((await program(em).ask(restart)).later);
  assert.deepEqual([items, failed], [["002"], [[3022, ["w2"]]]]);
});

test("get_agents_overview on a worker is the master's list with the filters of cluster_control", async () => {
  const { w1 } = cluster();
  const overview = (filters: JsonObject) =>
    call("wazuh.core.agent", "Agent.get_agents_overview", "local_master", {
      filters,
      limit: null,
      select: ["id", "ip", "name", "status", "node_name", "version"],
    });
  const asked = async (filters: JsonObject) => {
    const { __wazuh_result__: answer } = JSON.parse((await program(w1).ask(overview(filters))).later);
    assert.equal(answer.__class__, "WazuhResult");
    assert.equal(answer.__object__.str_priority, null);
    return answer.__object__.result;
  };
  const all = await asked({ status: "all", node_name: "all" });
  assert.deepEqual(
    [all.totalItems, all.items[0].id, all.items[1]],
    [
      5,
      "000",
      {
        id: "001",
        name: "agent-001",
        ip: "192.0.2.7",
        status: "active",
        version: "Wazuh v4.14.7",
        node_name: "em",
      },
    ],
  );
  const some = await asked({ status: "active,pending", node_name: "w2" });
  assert.deepEqual(
    some.items.map(({ id }: { id: string }) => id),
    ["003"],
  );
});

test("groups are the master's, whoever asks", async () => {
  const { w1, nodes } = cluster();
  const created = await program(w1).ask(
    call("wazuh.agent", "create_group", "local_master", { group_id: "db" }),
  );
  assert.equal(JSON.parse(created.later).__wazuh_result__.__object__.result.message, "Group 'db' created.");
  const again = await program(w1).ask(
    call("wazuh.agent", "create_group", "local_master", { group_id: "db" }),
  );
  assert.equal(exceptionOf(again.later).code, 1711);
  const assigned = await program(w1).ask(
    call("wazuh.agent", "assign_agents_to_group", "local_master", {
      group_list: ["web"],
      agent_list: ["002", "999"],
    }),
  );
  assert.deepEqual(itemsOf(assigned.later).items, ["002"]);
  assert.deepEqual(nodes.em.rows.get(AGENTS[1]?.id ?? record("2").id)?.groups, ["default", "web"]);
  const members = await program(w1).ask(
    call("wazuh.agent", "get_agents_in_group", "local_master", { group_list: ["web"] }),
  );
  assert.equal(itemsOf(members.later).total, 1);
  const removed = await program(w1).ask(
    call("wazuh.agent", "remove_agent_from_group", "local_master", {
      group_list: ["web"],
      agent_list: ["002"],
    }),
  );
  assert.equal(
    JSON.parse(removed.later).__wazuh_result__.__object__.result.message,
    "Agent '002' removed from 'web'.",
  );
});

test("get_agents gives the page, the selection and the order that were asked for", async () => {
  const { em } = cluster();
  const get = async (values: JsonObject) =>
    itemsOf((await program(em).ask(call("wazuh.agent", "get_agents", "local_master", values))).later);
  const idsOf = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id);
  assert.deepEqual(idsOf(await get({ limit: 2, offset: 1 })), ["001", "002"]);
  assert.deepEqual(idsOf(await get({ sort: { fields: ["id"], order: "desc" }, limit: 2 })), ["004", "003"]);
  assert.deepEqual(idsOf(await get({ q: "os.name=ubuntu;id>2,id=1" })), ["001", "003", "004"]);
  assert.deepEqual(idsOf(await get({ search: { value: "agent-003", negation: false } })), ["003"]);
  assert.deepEqual((await get({ agent_list: ["003", "777"], select: ["os.name"] })).items, [
    { id: "003", os: { name: "Ubuntu" } },
  ]);
  const distinct = await get({ select: ["node_name"], distinct: true });
  assert.deepEqual(
    [distinct.items, distinct.total],
    [[{ node_name: "em" }, { node_name: "w1" }, { node_name: "w2" }], 3],
  );
  const unknown = await program(em).ask(
    call("wazuh.agent", "get_agents", "local_master", { select: ["secret"] }),
  );
  assert.equal(exceptionOf(unknown.later).code, 1724);
});

test("delete_agents removes those that meet all conditions", async () => {
  const { em, nodes } = cluster();
  const values = {
    agent_list: ["003", "004"],
    filters: { status: ["disconnected"], older_than: "1m" },
    purge: true,
  };
  const { items, failed } = itemsOf(
    (await program(em).ask(call("wazuh.agent", "delete_agents", "local_master", values))).later,
  );
  assert.deepEqual([items, failed, nodes.em.told], [["004"], [[1731, ["003"]]], ["enrollment remove"]]);
  const added = await program(em).ask(call("wazuh.agent", "add_agent", "local_master", { name: "a" }));
  assert.equal(exceptionOf(added.later).code, 1705);
});

test("what a request claims of permissions can only take away", async () => {
  const { em, nodes } = cluster();
  const request = JSON.parse(
    call("wazuh.agent", "restart_agents", "local_master", { agent_list: ["001", "002"] }).toString(),
  );
  request.rbac_permissions = { rbac_mode: "white", "agent:restart": { "agent:id:002": "allow" } };
  const { items, failed } = itemsOf((await program(em).ask(JSON.stringify(request))).later);
  assert.deepEqual([items, failed, nodes.em.told], [["002"], [[4000, ["001"]]], ["restart 002"]]);
});

/** A worker that says whatever it likes to the master. */
function hostileWorker(session = cluster()) {
  const { em } = session;
  const connection = new FakeConnection({ address: "192.0.2.9", port: 40_000 });
  const { needs } = em;
  const master = new Session(
    {
      link: connection,
      cipher: testCipher(needs),
      log: needs.log,
      home: HOME,
      closed: () => em.links.workerLeft("bad"),
    },
    needs,
  );
  connection.attach({ data: (chunk) => master.channel.data(chunk), closed: () => master.close() });
  master.enter("bad");
  master.serve(em.links.worker("bad", master));
  const node = new RawNode((bytes) => connection.receive(bytes));
  let readTo = 0;
  const read = () => {
    const messages = node.read(Buffer.concat(connection.sent.slice(readTo)));
    readTo = connection.sent.length;
    return messages.map(({ command, counter, payload }) => ({ command, counter, text: payload.toString() }));
  };
  return { ...session, master, node, read };
}

/** The outcome of one request of a hostile worker: the later command. The strings that it is sent are acknowledged. */
async function hostile({ node, read }: ReturnType<typeof hostileWorker>, payload: Buffer | string) {
  node.send("dapi", Buffer.concat([Buffer.from("7 "), Buffer.from(payload)]));
  let text = "";
  for (let turn = 0; turn < 20; turn++) {
    await settled();
    for (const message of read()) {
      if (message.command === "new_str") node.send("ok", "5", message.counter);
      if (message.command === "str_upd") {
        text += message.text.slice(2);
        node.send("ok", "String updated", message.counter);
      }
      if (message.command === "dapi_res" || message.command === "dapi_err") {
        node.send("ok", "", message.counter);
        return message.command === "dapi_res" ? text : `${message.command} ${message.text}`;
      }
    }
  }
  return "nothing";
}

test("a worker cannot have functions called that are not in the table", async () => {
  const worker = hostileWorker();
  const f = (module: string, name: string) => ({
    __callable__: { __name__: name, __module__: module, __qualname__: name, __type__: "function" },
  });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [
      { f: f("os", "system"), f_kwargs: { command: "id" } },
      /^dapi_err 7 Error 1000 - Decoding callable from module 'os' is not allowed$/,
    ],
    [{ f: f("wazuh.agent", "__init__") }, /not exposed with @dapi_allower decorator$/],
    [{ f: f("__proto__", "toString") }, /^dapi_err/],
    [{ f: { __unhandled_exc__: { __class__: "exec", __args__: ["1"] } } }, /The request names no function/],
    [{ f: "get_agents" }, /The request names no function/],
    [{}, /The request names no function/],
    [[], /no JSON object/],
    ["x", /no JSON object/],
    [
      {
        f: f("wazuh.agent", "get_agents"),
        f_kwargs: { filters: { __unhandled_exc__: { __class__: "exec" } } },
      },
      /no plain data/,
    ],
    [{ f: f("wazuh.agent", "get_agents"), f_kwargs: { select: [f("os", "system")] } }, /no plain data/],
    [{ f: f("wazuh.agent", "get_agents"), f_kwargs: [1] }, /no plain data/],
    [{ f: f("wazuh.agent", "get_agents"), request_type: "local_everywhere" }, /type of the request/],
    [{ f: f("wazuh.agent", "get_agents"), rbac_permissions: "all" }, /permissions/],
    [{ f: f("wazuh.agent", "get_agents"), api_timeout: "long" }, /time of the request/],
    [{ f: f("wazuh.agent", "get_agents"), f_kwargs: { limit: -1 } }, /1307/],
    [{ f: f("wazuh.agent", "get_agents"), f_kwargs: { limit: { a: 1 } } }, /1307/],
    [
      { f: f("wazuh.agent", "get_agents"), f_kwargs: { tmp_file: "/etc/shadow" } },
      /unexpected keyword argument 'tmp_file'/,
    ],
    [{ f: f("wazuh.agent", "get_agents"), f_kwargs: { limit: 0 } }, /"code": 1406/],
    [{ f: f("wazuh.manager", "restart"), request_type: "distributed_master" }, /"code": 4000/],
    [
      { f: f("wazuh.active_response", "run_command"), f_kwargs: { command: "x", agent_list: ["001"] } },
      /"code": 4000/,
    ],
  ];
  for (const [request, expected] of cases)
    assert.match(await hostile(worker, JSON.stringify(request)), expected);
  assert.match(await hostile(worker, "{"), /no JSON object/);
  assert.match(await hostile(worker, `{"f": ${"[".repeat(5000)}${"]".repeat(5000)}}`), /no JSON object/);
  assert.match(await hostile(worker, '{"f": {"__callable__": {}}, "__proto__": {"x": 1}}'), /no JSON object/);
  assert.deepEqual(worker.nodes.em.told, []);
});

test("no node answers for another one, and an answer is taken once", async () => {
  const worker = hostileWorker();
  const asked = program(worker.em).ask(
    call("wazuh.agent", "restart_agents", "distributed_master", { agent_list: ["002"] }),
  );
  for (const id of ["0", "1", "1048575"]) worker.node.send("dapi_res", `${id} 5`);
  worker.node.send("dapi_err", "1 gone");
  await settled();
  assert(worker.read().every(({ command, text }) => command === "err" && text.includes("3032")));
  assert.deepEqual(itemsOf((await asked).later).items, ["002"]);
});

test("an answer that is none, or names types to be called, is an error", async () => {
  const worker = hostileWorker();
  const answers = [
    '{"__wazuh_result__": {"__class__": "AffectedItemsWazuhResult", "__object__": {"affected_items": [], "sort_casting": ["exec"]}}}',
    "not json",
    '{"__callable__": {"__name__": "system", "__module__": "os"}}',
  ];
  for (const answer of answers) {
    const values = { node_list: ["bad", "em"] };
    const asked = program(worker.em).ask(call("wazuh.manager", "get_status", "distributed_master", values));
    await settled();
    const request = worker.read().find(({ command }) => command === "dapi");
    assert(request !== undefined);
    worker.node.send("ok", "", request.counter);
    worker.node.send("new_str", String(answer.length));
    await settled();
    const [id] = worker.read().map(({ text }) => text);
    worker.node.send("str_upd", `${id} ${answer}`);
    worker.node.send("dapi_res", `${request.text.split(" ", 1)[0]} ${id}`);
    assert.equal(exceptionOf((await asked).later).code, 3036);
    worker.read();
  }
});

test("a thousand requests at once are all answered, and more are refused at once", async () => {
  const { w1, sessions } = cluster();
  const request = call("wazuh.agent", "get_agents_summary_status", "local_master");
  const outcomes = await Promise.all(Array.from({ length: 1000 }, () => w1.links.askMaster(request, 1000)));
  assert(outcomes.every(({ kind }) => kind === "answered"));
  const flood = await Promise.all(
    Array.from({ length: UNANSWERED_MAX + 50 }, () => w1.links.askMaster(request, 1000)),
  );
  assert.equal(flood.filter(({ kind }) => kind === "failed").length, 50);
  sessions.w1.atMaster.close();
  assert.equal((await w1.links.askMaster(request, 1000)).kind, "failed");
});

test("what takes too long ends with 3021, and slow functions do not hold up others than those that wait", async () => {
  const needs = fakeNeeds();
  const slow = apiCallable({
    ...{ name: "wazuh.slow", action: "x", place: "anywhere", forNodes: true },
    parse: () => null,
    run: () => new Promise<never>(() => {}),
  });
  const agents = { of: async () => [], all: async () => [] };
  const links = new ApiLinks({ nodeName: "em", isMaster: true, table: callableTable([slow]), agents }, needs);
  const request = Buffer.from(
    JSON.stringify({ f: { __callable__: { __name__: "slow", __module__: "wazuh", __qualname__: "slow" } } }),
  );
  const asked = Array.from({ length: RUNS_WAITING_MAX + 100 }, () =>
    links.api.serve(request, { kind: "local" }, needs.log, "1"),
  );
  await settled();
  needs.clock.advance(10_000);
  const outcomes = await Promise.all(asked);
  const refused = outcomes.filter(({ kind }) => kind === "failed").length;
  assert.equal(refused, 100 - 16);
  assert(
    outcomes.every(
      (outcome) => outcome.kind === "failed" || exceptionOf(outcome.bytes.toString()).code === 3021,
    ),
  );
});

type Frame = { dir: string; command_field: string; payload: string };
const { frames } = recorded<{ frames: Frame[] }>("transcript_dapi_4_14_7");

function recordedFrame(index: number): Frame {
  const frame = frames[index];
  assert(frame !== undefined);
  return frame;
}

/** `get_status` with the recorded items. */
function recordedStatus() {
  const object = JSON.parse(recordedFrame(6).payload.slice("693851063 ".length)).__wazuh_result__.__object__;
  const messages = { all: object.all_msg, some: object.some_msg, none: object.none_msg };
  return apiCallable({
    ...{ name: "wazuh.manager.get_status", action: "cluster:read", place: "anywhere", forNodes: true },
    parse: () => null,
    run: () => {
      const answer = new ItemsAnswer(messages, { field: null, casting: "int" });
      for (const item of object.affected_items) answer.add(item);
      return answer.answer;
    },
  });
}

/** One side of the recorded call, joined to a raw node that says what was recorded of the other one. */
function recordedSide(isMaster: boolean) {
  const needs = fakeNeeds();
  const nodeName = isMaster ? "master-node" : "worker1";
  const agents = { of: async () => [], all: async () => [] };
  const links = new ApiLinks({ nodeName, isMaster, table: callableTable([recordedStatus()]), agents }, needs);
  const connection = new FakeConnection({ address: "192.0.2.2", port: 40_000 });
  const session = new Session(
    { link: connection, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} },
    needs,
  );
  connection.attach({ data: (chunk) => session.channel.data(chunk), closed: () => session.close() });
  session.enter("worker1");
  session.serve(isMaster ? links.worker("worker1", session) : links.master(session));
  const node = new RawNode((bytes) => connection.receive(bytes));
  let readTo = 0;
  const read = async () => {
    await settled();
    const messages = node.read(Buffer.concat(connection.sent.slice(readTo)));
    readTo = connection.sent.length;
    return messages.map(({ command, counter, payload }) => ({ command, counter, text: payload.toString() }));
  };
  return { links, needs, node, read };
}

/** A payload without its first part, which each side chooses. */
function afterName(text: string): string {
  return text.slice(text.indexOf(" ") + 1);
}

test("as a worker it says what the peer's worker said, byte for byte", async () => {
  const { links, needs, node, read } = recordedSide(false);
  const client = program({ links, needs });
  const asked = client.ask(afterName(recordedFrame(0).payload));
  const [first] = await read();
  assert.deepEqual(
    [first?.command, afterName(first?.text ?? "")],
    ["dapi", afterName(recordedFrame(0).payload)],
  );
  node.send("ok", recordedFrame(1).payload, first?.counter);
  node.send("dapi", recordedFrame(2).payload);
  const [taken, begun] = await read();
  assert.deepEqual(
    [taken?.text, begun?.command, begun?.text],
    [recordedFrame(3).payload, "new_str", recordedFrame(4).payload],
  );
  node.send("ok", recordedFrame(5).payload, begun?.counter);
  const [part] = await read();
  assert.deepEqual([part?.command, part?.text], ["str_upd", recordedFrame(6).payload]);
  node.send("ok", recordedFrame(7).payload, part?.counter);
  const [result] = await read();
  assert.deepEqual([result?.command, result?.text], ["dapi_res", recordedFrame(8).payload]);
  node.send("ok", recordedFrame(9).payload, result?.counter);
  // The master's answer to the program.
  node.send("new_str", recordedFrame(10).payload);
  const [id] = await read();
  node.send("str_upd", `${id?.text} ${afterName(recordedFrame(12).payload)}`);
  node.send("dapi_res", `${first?.text.split(" ", 1)[0]} ${id?.text}`);
  const replies = await read();
  assert.deepEqual(
    replies.map(({ text }) => text),
    [recordedFrame(13).payload, recordedFrame(15).payload],
  );
  assert.equal((await asked).later, afterName(recordedFrame(12).payload));
  assert.deepEqual(needs.log.texts("info"), [
    "[Local Server] [D API] Receiving request: get_status from 36414",
    "[Worker worker1] [D API] Receiving request: get_status from master (8fd255eb-025f-402c-80ad-ebc03631b4c6)",
  ]);
});

test("as a master it sends on what the peer's master sent on, and answers with both nodes", async () => {
  const { needs, node, read } = recordedSide(true);
  node.send("dapi", recordedFrame(0).payload);
  const [taken, forwarded] = await read();
  assert.equal(taken?.text, recordedFrame(1).payload);
  assert.deepEqual(
    [forwarded?.command, afterName(forwarded?.text ?? "")],
    ["dapi", afterName(recordedFrame(2).payload)],
  );
  node.send("ok", recordedFrame(3).payload, forwarded?.counter);
  node.send("new_str", recordedFrame(4).payload);
  const [id] = await read();
  node.send("str_upd", `${id?.text} ${afterName(recordedFrame(6).payload)}`);
  node.send("dapi_res", `${forwarded?.text.split(" ", 1)[0]} ${id?.text}`);
  const [, reply, begun] = await read();
  assert.equal(reply?.text, recordedFrame(9).payload);
  node.send("ok", "77", begun?.counter);
  const [part] = await read();
  // The peer forgets all but the first node here.
  assert.equal(itemsOf(afterName(part?.text ?? "")).total, 2);
  node.send("ok", "String updated", part?.counter);
  const [result] = await read();
  assert.deepEqual([result?.command, result?.text], ["dapi_res", "555717 77"]);
  assert.deepEqual(needs.log.texts("info"), [
    "[Master] [D API] Receiving request: get_status from worker1 (555717)",
  ]);
});

test("a node's request with more values than it could need is refused before it is looked at", async () => {
  const { em } = cluster();
  const log = { write: () => {} };
  const ask = (agents: number, origin: Parameters<typeof em.links.api.serve>[1]) =>
    em.links.api.serve(
      call("wazuh.agent", "get_agents", "local_master", {
        agent_list: Array.from({ length: agents }, () => "1"),
      }),
      origin,
      log,
      "x",
    );
  const many = NODE_REQUEST_VALUES_MAX + 1;
  const refused = await ask(many, { kind: "worker", name: "w1" });
  assert.match(refused.kind === "failed" ? refused.error.text : "", /The request is no JSON object/);
  assert.equal((await ask(100_000, { kind: "worker", name: "w1" })).kind, "answered");
  assert.equal((await ask(many, { kind: "local" })).kind, "answered");
});

test("a list is not looked through for more than a user could mean", async () => {
  const { em } = cluster();
  const many = Array.from({ length: QUERY_PARTS_MAX + 1 }, () => "id");
  const queries: JsonObject[] = [
    { select: many },
    { sort: { fields: many, order: "asc" } },
    { filters: { name: many.join(",") } },
    { q: many.map((name) => `${name}=1`).join(";") },
    { q: `name=${"x".repeat(QUERY_CHARS_MAX)}` },
  ];
  for (const query of queries) {
    const { later } = await program(em).ask(call("wazuh.agent", "get_agents", "local_master", query));
    assert.equal(exceptionOf(later).code, 1307, later.slice(0, 200));
  }
});
