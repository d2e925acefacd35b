/**
 * Goal: programs of this host and workers register and remove agents with the peer's answers; a worker's enrollments are its master's. Method:
 * requests and whole enrollments against a real registry, with a master that is scripted.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { parseIpAddress } from "#model/address.ts";
import { ANY_ADDRESS, parseAgentId, parseAgentName } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { Enroller } from "./enroller.ts";
import { EnrollmentEvents } from "./events.ts";
import { CONFIG, EnrollmentBench } from "./fixture.ts";
import { LocalRequests } from "./local-requests.ts";
import { type MasterRequest, MasterRequests } from "./master-requests.ts";

const KEY = "0123456789abcdef".repeat(4);

function localRequests(t: TestContext, { keys = "", isWorker = false } = {}) {
  const bench = new EnrollmentBench({}, { keys });
  t.after(() => bench.stop());
  const { clock, random, registry, log } = bench;
  const events = new EnrollmentEvents(bench);
  const enroller = new Enroller({
    config: CONFIG,
    password: null,
    clock,
    random,
    registry,
    events,
    master: null,
  });
  const requests = new LocalRequests({ enroller, registry, log, config: CONFIG, isWorker });
  const ask = async (
    request: object | string,
  ): Promise<{ error: number; message?: string; data?: unknown }> => {
    const bytes = Buffer.from(typeof request === "string" ? request : JSON.stringify(request));
    const answer = requests.answer(bytes);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    clock.advance(1);
    return JSON.parse((await answer).toString());
  };
  return { ask, bench, requests };
}

function add(values: object) {
  return { function: "add", arguments: { name: "new-agent", ip: "any", ...values } };
}

test("LocalRequests adds an agent with its groups, shows it and removes it", async (t) => {
  const { ask, bench } = localRequests(t);
  const added = await ask(add({ id: "005", key: KEY, groups: "web,db" }));
  const data = { id: "005", name: "new-agent", ip: "any", key: KEY };
  assert.deepEqual(added, { error: 0, data });
  assert.deepEqual(await ask({ function: "get", arguments: { id: "005" } }), { error: 0, data });
  const id = parseAgentId("005");
  assert(id !== null);
  assert.deepEqual(bench.registry.agents.groups(id), ["web", "db"]);
  assert.deepEqual(await ask({ function: "remove", arguments: { id: "005", purge: 1 } }), {
    error: 0,
    data: "Agent deleted successfully.",
  });
  assert.equal((await ask({ function: "get", arguments: { id: "005" } })).error, 9011);
  const keys = () => bench.files.read("/home/etc/client.keys").toString();
  assert.match(keys(), /^005 !new-agent /m, "only the JSON value true purges");
  await ask(add({ id: "006", name: "other" }));
  await ask({ function: "remove", arguments: { id: "006", purge: true } });
  assert.doesNotMatch(keys(), /other/);
});

test("LocalRequests refuses with the peer's numbers", async (t) => {
  const { ask } = localRequests(t, { keys: `001 taken 192.0.2.1 ${KEY}\n` });
  const force = { enabled: false, key_mismatch: false, after_registration_time: 0 };
  const off = { ...force, disconnected_time: { enabled: false, value: "0" } };
  const cases: readonly (readonly [object | string, number])[] = [
    ["{", 9002],
    ["{}]", 9002],
    [`{${"x".repeat(70_000)}`, 9002],
    [`{"function":${"[".repeat(60_000)}`, 9002],
    [{ function: ["add"], arguments: {} }, 9003],
    [{ function: "add", arguments: [] }, 9004],
    [{ function: "sudo", arguments: {} }, 9003],
    [{ function: "constructor", arguments: {} }, 9003],
    [{ function: "add" }, 9004],
    [add({ name: "" }), 9005],
    [add({ name: 7 }), 9005],
    [add({ name: "../x" }), 9005],
    [add({ ip: "here" }), 9006],
    [add({ ip: "192.0.2.1", force: off }), 9007],
    [add({ name: "taken", force: off }), 9008],
    [add({ name: "manager01" }), 9008],
    [add({ key: "two words" }), 9009],
    [add({ id: "abc" }), 9010],
    [add({ id: "000" }), 9012],
    [add({ id: "001", force: off }), 9012],
    [add({ groups: "nowhere" }), 9014],
    [add({ force: { enabled: true } }), 9004],
    [{ function: "get", arguments: {} }, 9010],
    [{ function: "get", arguments: { id: { toString: "001" } } }, 9010],
    [{ function: "remove", arguments: { id: "777" } }, 9011],
  ];
  for (const [request, code] of cases)
    assert.equal((await ask(request)).error, code, JSON.stringify(request));
});

test("LocalRequests shows its configuration and knows no other command", async (t) => {
  const { requests } = localRequests(t);
  const ask = async (text: string) => (await requests.answer(Buffer.from(text, "latin1"))).toString("latin1");
  const shown = await ask("getconfig auth\0");
  assert(shown.startsWith("ok "));
  const { auth } = JSON.parse(shown.slice(3));
  assert.deepEqual([auth.port, auth.purge, auth.force.after_registration_time], [1515, "no", 3600]);
  assert.equal(await ask("getconfig"), "err Could not get requested section");
  assert.equal(await ask("getconfig client"), "err Could not get requested section");
  for (const text of ["", "\0", "x", "[]", "\xff\xfe"])
    assert.equal(await ask(text), "err Unrecognized command");
});

test("LocalRequests answers whatever it is sent, and gives no agent to damaged requests of others", async (t) => {
  const { requests, bench } = localRequests(t);
  const whole = Buffer.from(JSON.stringify({ function: "remove", arguments: { id: "001", purge: true } }));
  const random = new SeededRandom(5);
  const texts: Buffer[] = [...whole.keys()].map((cut) => whole.subarray(0, cut));
  for (let round = 0; round < 500; round++) texts.push(random.mutate(whole));
  for (const text of texts)
    assert.match((await requests.answer(text)).toString(), /^(err |ok |\{"error":9\d{3},)/);
  assert.deepEqual([...bench.registry.keys.entries()], []);
});

test("LocalRequests of a worker registers nobody", async (t) => {
  const { ask } = localRequests(t, { isWorker: true });
  assert.deepEqual(await ask(add({})), {
    error: 9015,
    message: "Cannot execute this request on a worker node",
  });
});

/** A worker whose master answers what it is told to; null: cannot be reached. */
function worker(t: TestContext, answers: readonly (string | null)[]) {
  const bench = new EnrollmentBench({}, {});
  t.after(() => bench.stop());
  const asked: MasterRequest[] = [];
  const left = [...answers];
  const ask = async (request: MasterRequest) => {
    asked.push(request);
    return left.shift() ?? null;
  };
  const { clock, random, registry, log } = bench;
  const master = new MasterRequests({ ask }, bench);
  const events = new EnrollmentEvents(bench);
  const enroller = new Enroller({ config: CONFIG, password: null, clock, random, registry, events, master });
  return { asked, bench, enroller, log, master, registry };
}

async function enrolled({ bench, enroller }: ReturnType<typeof worker>, line: string): Promise<string> {
  const peer = parseIpAddress("192.0.2.5");
  assert(peer !== null);
  const outcome = enroller.enroll(line, peer);
  for (let second = 0; second < 12; second++) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    bench.clock.advance(1000);
  }
  return (await outcome).answer.toString();
}

test("on a worker the master registers the agent, and its answer is the agent's", async (t) => {
  const answer = JSON.stringify({ error: 0, data: { id: "009", name: "a-1", ip: "any", key: KEY } });
  const node = worker(t, [answer]);
  assert.equal(await enrolled(node, "OSSEC A:'a-1' G:'nowhere,web'"), `OSSEC K:'009 a-1 any ${KEY}'`);
  assert.equal(
    JSON.stringify(node.asked[0]),
    '{"arguments":{"name":"a-1","ip":"any","groups":"nowhere,web"},"function":"add"}',
  );
  assert(node.log.texts("info").includes("Dispatching request to master node"));
  assert.equal(node.registry.keys.size, 0);
});

test("on a worker a refusal has the master's words, and a master that is away is asked ten times", async (t) => {
  const refused = worker(t, ['{"error":9008,"message":"Duplicate name"}']);
  assert.equal(await enrolled(refused, "OSSEC A:'a-1'"), "ERROR: Duplicate name. Unable to add agent");
  const invalid = worker(t, ["nonsense"]);
  assert.equal(
    await enrolled(invalid, "OSSEC A:'a-1'"),
    "ERROR: Invalid message format. Unable to add agent",
  );
  const away = worker(t, []);
  assert.equal(
    await enrolled(away, "OSSEC A:'a-1'"),
    "ERROR: Cannot comunicate with master. Unable to add agent",
  );
  assert.equal(away.asked.length, 10);
  assert.match(
    away.log.texts("error").join(),
    /Could not send message through the cluster after '10' attempts/,
  );
  const late = worker(t, [null, null, '{"error":9007,"message":"Duplicate IP"}']);
  assert.equal(await enrolled(late, "OSSEC A:'a-1'"), "ERROR: Duplicate IP. Unable to add agent");
});

test("on a worker adopt() and withdraw() ask the master too", async (t) => {
  const entry = { id: "009", name: "a-1", ip: "any", key: KEY };
  const node = worker(t, [
    JSON.stringify({ error: 0, data: entry }),
    '{"error":9011,"message":"Agent ID not found"}',
  ]);
  const name = parseAgentName("a-1");
  assert(name !== null);
  const line = await node.master.add({
    id: null,
    name,
    address: ANY_ADDRESS,
    key: null,
    keyHash: "h",
    groups: [],
  });
  assert(line.kind === "added");
  assert.deepEqual(node.asked[0]?.arguments, { name: "a-1", ip: "any", key_hash: "h" });
  await node.enroller.withdraw(line.agent);
  assert.deepEqual(node.asked[1], { arguments: { id: "009", purge: true }, function: "remove" });
});
