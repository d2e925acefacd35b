/**
 * Goal: the peer's programs order upgrades and are told of them as by the peer. Method: its requests and whole answers; the service on fakes,
 * and a repository whose packages come when the test says so.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { SeededRandom } from "#testing/random.ts";
import { PACKAGES, Site } from "./fixture.ts";
import { type PeerRequestNeeds, PeerRequests } from "./peer-requests.ts";
import type { FetchedPackages, FetchOrder } from "./repository-packages.ts";

const WPK = `${PACKAGES}/wazuh_agent_v4.14.7_linux_amd64.deb.wpk`;

/** A repository that has a package for every agent but 3. */
class Repository {
  readonly orders: FetchOrder[] = [];
  problem: CodedError | null = null;
  #come: () => void = () => {};

  refused(order: FetchOrder) {
    if (order.version === "x") throw new CodedError("version_invalid", "'x' is no version such as v4.14.7");
    const code = { code: 9, message: "The WPK for this platform is not available" };
    return order.agents.filter((id) => id === "003").map((agentId) => ({ agentId, ...code }));
  }

  async fetch(order: FetchOrder): Promise<FetchedPackages> {
    this.orders.push(order);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#come = resolve;
    await promise;
    if (this.problem !== null) throw this.problem;
    return { version: "v4.14.7", packages: [{ path: WPK, agents: order.agents }], refused: [] };
  }

  come(): void {
    this.#come();
  }
}

function setUp(agents = 4) {
  const site = new Site(agents);
  const repository = new Repository();
  const needs: PeerRequestNeeds = {
    clock: site.clock,
    home: "/home",
    nodeName: "node01",
    upgrades: site.service,
    repository,
  };
  const requests = new PeerRequests(needs);
  const say = async (command: string, parameters: object) => {
    const request = { version: 1, origin: { module: "api" }, command, parameters };
    return JSON.parse((await requests.answerUpgrade(Buffer.from(JSON.stringify(request)))).toString());
  };
  const raw = async (text: string) => (await requests.answerUpgrade(Buffer.from(text))).toString();
  const task = (command: string, parameters: object, name = "node01") => {
    const origin = { name, module: "upgrade_module" };
    return requests.answerTask(Buffer.from(JSON.stringify({ origin, command, parameters }))).toString();
  };
  return { site, repository, say, raw, task };
}

const BUSY = "Upgrade procedure could not start. Agent already upgrading";
/** As the peer's framework names its times; the tests run in any zone. */
const TIME = /^2026\/01\/15 [0-9]{2}:[0-9]{2}:[0-9]{2}$/;

test("PeerRequests answers an order at once, fetches, upgrades, and tells how far it is", async () => {
  const { site, repository, say } = setUp();
  const order = { agents: [1, 2, 3, 0], version: "v4.14.7", force_upgrade: false, use_http: true };
  assert.deepEqual(await say("upgrade", { ...order, package_type: "deb", wpk_repo: "wpk.example.com" }), {
    error: 0,
    data: [
      { error: 0, message: "Success", agent: 1, task_id: 1 },
      { error: 0, message: "Success", agent: 2, task_id: 2 },
      { error: 9, message: "The WPK for this platform is not available", agent: 3 },
      { error: 0, message: "Success", agent: 0, task_id: 3 },
    ],
    message: "Success",
  });
  await site.settle();
  assert.partialDeepStrictEqual(repository.orders[0], {
    agents: ["001", "002", "000"],
    repository: "wpk.example.com",
    version: "v4.14.7",
    useHttp: true,
    packageType: "deb",
    force: false,
  });
  const result = async (agent: number) => (await say("upgrade_result", { agents: [agent] })).data[0];
  const { create_time: created, ...queued } = await result(1);
  assert.match(created, TIME);
  const known = {
    error: 0,
    message: "Success",
    agent: 1,
    task_id: 1,
    node: "node01",
    module: "upgrade_module",
  };
  assert.deepEqual(queued, { ...known, command: "upgrade", status: "In queue" });
  assert.deepEqual((await say("upgrade", { agents: [1] })).data, [{ error: 10, message: BUSY, agent: 1 }]);

  repository.come();
  await site.settle();
  assert.equal((await result(1)).status, "Updating");
  assert.equal((await result(1)).task_id, 1);
  // What the manager itself cannot have is said when its package is there.
  const { status, error_msg: problem } = await result(0);
  assert.deepEqual([status, problem], ["Error", "Action not available for Manager (agent 000)"]);
  assert.deepEqual((await say("upgrade", { agents: [2] })).data, [{ error: 10, message: BUSY, agent: 2 }]);
  await site.allComeBack();
  const { status: end, update_time: updated } = await result(1);
  assert.equal(end, "Updated");
  assert.match(updated, TIME);
  assert.deepEqual((await say("upgrade_result", { agents: [4] })).data, [
    { error: 3, message: "No task in DB", agent: 4 },
  ]);
  // After a restart the same is known.
  assert.equal(site.service.lastTask(site.agent(2).id)?.task.number, 2);
  site.restart();
  assert.equal(site.service.lastTask(site.agent(2).id)?.task.number, 2);
  assert.equal(site.service.reserveTask(), 3);
});

test("PeerRequests says why a package was not had, and takes the next order", async () => {
  const { site, repository, say } = setUp();
  repository.problem = new CodedError("repository_unreachable", "The repository is not reachable");
  await say("upgrade", { agents: [1] });
  await site.settle();
  repository.come();
  await site.settle();
  const [failed] = (await say("upgrade_result", { agents: [1] })).data;
  assert.partialDeepStrictEqual(failed, { status: "Error", error_msg: "The repository is not reachable" });
  repository.problem = null;
  assert.equal((await say("upgrade", { agents: [1] })).data[0].task_id, 2);
  const [unknown] = (await say("upgrade", { agents: [2], version: "x" })).data;
  assert.deepEqual(unknown, { error: 15, message: "'x' is no version such as v4.14.7", agent: 2 });
});

test("PeerRequests upgrades with a file of this host, and takes what an agent reports", async () => {
  const { site, say, task } = setUp(2);
  site.agent(2).active = false;
  const order = {
    agents: [1, 2],
    file_path: "/tmp/custom.wpk",
    installer: "upgrade.sh",
    force_upgrade: false,
  };
  assert.deepEqual((await say("upgrade_custom", order)).data, [
    { error: 0, message: "Success", agent: 1, task_id: 1 },
    { error: 8, message: "Agent is not active", agent: 2 },
  ]);
  await site.settle();
  const status = () => task("upgrade_get_status", { agents: [1] });
  assert.equal(
    status(),
    '{"error":0,"data":[{"error":0,"message":"Success","agent":1,"status":"In progress"}],"message":"Success"}',
  );
  const report = { agents: [1], error: 1, message: "no", status: "Failed" };
  assert.deepEqual(await say("upgrade_update_status", report), {
    error: 0,
    data: [{ error: 0, message: "Success", agent: 1 }],
    message: "Success",
  });
  const [result] = JSON.parse(task("upgrade_result", { agents: [1] })).data;
  assert.equal(result.command, "upgrade_custom");
  assert.equal(result.status, "Error");
  assert.match(result.error_msg, /^Upgrade procedure exited with error code, missing dependency in agent/);
  assert.deepEqual((await say("upgrade_update_status", { ...report, agents: [2] })).data, [
    { error: 3, message: "No task in DB", agent: 2 },
  ]);
});

test("PeerRequests keeps the tasks of other nodes' upgrades, step by step", async () => {
  const { site, say, task } = setUp();
  const items = (command: string, parameters: object, node = "worker2") =>
    JSON.parse(task(command, parameters, node)).data;
  const success = { error: 0, message: "Success" };
  const none = { error: 3, message: "No task in DB", agent: 1 };
  assert.deepEqual(items("upgrade_get_status", { agents: [1] }), [{ ...success, agent: 1 }]);
  assert.deepEqual(items("upgrade_custom", { agents: [1, 2] }), [
    { ...success, agent: 1, task_id: 1 },
    { ...success, agent: 2, task_id: 2 },
  ]);
  const status = () => items("upgrade_get_status", { agents: [1] })[0].status;
  assert.equal(status(), "Pending");
  const update = (to: string, node?: string) =>
    items("upgrade_update_status", { agents: [1], status: to }, node);
  assert.deepEqual(update("Done"), [none], "it has not begun");
  assert.deepEqual(update("In progress", "worker3"), [none], "it is another node's");
  assert.deepEqual(update("In progress"), [{ ...success, agent: 1 }]);
  assert.equal(status(), "In progress");
  site.clock.advance(900_001);
  assert.equal(status(), "Timeout");
  assert.deepEqual(update("Done"), [none]);

  items("upgrade", { agents: [1] });
  update("In progress");
  const failed = { agents: [1], status: "Failed", error_msg: "Send open file error" };
  assert.deepEqual(items("upgrade_update_status", failed, "node01"), [{ ...success, agent: 1 }]);
  const [result] = (await say("upgrade_result", { agents: [1] })).data;
  assert.match(result.update_time, TIME);
  const { create_time: _, update_time: __, ...told } = result;
  const known = { ...success, agent: 1, task_id: 3, node: "worker2", module: "upgrade_module" };
  assert.deepEqual(told, {
    ...known,
    command: "upgrade",
    status: "Error",
    error_msg: "Send open file error",
  });

  assert.deepEqual(items("upgrade_cancel_tasks", {}, "worker3"), [success]);
  const second = () => items("upgrade_result", { agents: [2] })[0].status;
  assert.equal(second(), "In queue");
  assert.deepEqual(items("upgrade_cancel_tasks", {}), [success]);
  assert.equal(second(), "Task cancelled since the manager was restarted");
});

test("PeerRequests refuses requests in the peer's words", async () => {
  const { raw, say, task } = setUp();
  const refused = (error: number, message: string, general = message) =>
    JSON.stringify({ error, data: [{ error, message }], message: general });
  const missing = refused(2, "Required parameters in json message where not found");
  assert.equal(await raw("upgrade 001"), refused(1, "Could not parse message JSON"));
  for (const request of ["{}", '{"command":"upgrade"}', '{"command":"upgrade","parameters":{"agents":[]}}'])
    assert.equal(await raw(request), missing);
  const general = "JSON parameter not recognized";
  const table: readonly (readonly [command: string, parameters: object, text: string])[] = [
    ["upgrade", { agents: ["001"] }, "Agent id not recognized"],
    ["upgrade", { agents: [1], version: 4 }, 'Parameter "version" should be a string'],
    ["upgrade", { agents: [1], use_http: "yes" }, 'Parameter "use_http" should be true or false'],
    ["upgrade", { agents: [1], package_type: "apk" }, 'Parameter "package_type" should be "rpm" or "deb"'],
    ["upgrade_custom", { agents: [1] }, general],
    ["downgrade", { agents: [1] }, general],
    ["upgrade_update_status", { agents: [1], error: "0" }, 'Parameter "error" should be a number'],
  ];
  for (const [command, parameters, text] of table)
    assert.equal(JSON.stringify(await say(command, parameters)), refused(3, text, general), text);
  assert.equal(task("downgrade", { agents: [1] }), refused(2, "Invalid command"));
  const invalid = refused(1, "Invalid message");
  assert.equal(task("upgrade_result", {}), invalid);
  assert.equal(task("upgrade_result", { agents: [1, "2"] }), invalid);
  assert.equal(task("upgrade", { agents: [1] }, "n".repeat(256)), invalid);
  assert.equal(task("upgrade_update_status", { agents: [1], status: "Pending" }), invalid);
});

test("PeerRequests answers any bytes", async () => {
  const { raw, task } = setUp();
  JSON.parse(task("\0", {}));
  const random = new SeededRandom(3);
  const request = '{"command":"upgrade_result","parameters":{"agents":[1,2]}}';
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(request);
    for (let flip = 0; flip < 3; flip++) bytes[random.below(bytes.length)] = random.below(256);
    JSON.parse(await raw(bytes.toString("latin1")));
    JSON.parse(await raw(request.slice(0, round)));
  }
});
