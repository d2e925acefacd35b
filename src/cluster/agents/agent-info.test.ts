/**
 * Goal: a master knows of its workers' agents what they tell, of nobody else's, and a hostile worker changes nothing else. Method: the recorded exchanges of real
 * nodes against each side; both sides over a wire with real registries; hostile strings by hand.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import { settled, wire } from "../fixture.ts";
import { LOCK_MS_MAX } from "../integrity/times.ts";
import { WorkerAgentInfoTask } from "../master/agent-info.ts";
import { WorkerAgentInfo } from "../worker/agent-info.ts";
import {
  addAgent,
  connectAgent,
  INFO,
  KEEPALIVE_SECONDS,
  node,
  recordedFrames,
  recordedNode,
  replay,
} from "./fixture.ts";
import { AGENT_INFO_PERIOD_MS, AGENTS_PER_STRING_MAX } from "./times.ts";

const VERSIONS = ["4.14.7", "4.9.2"] as const;
const withoutTime = (text: string) => text.replace(/("time_spent": )[0-9.e-]+/, "$10");
const transcript = (version: string) =>
  recordedFrames(`transcript_agent_info_${version.replaceAll(".", "_")}`);

function master(t: TestContext, link: ReturnType<typeof wire>[number]) {
  const side = node(t, link, "worker1", 2);
  const task = new WorkerAgentInfoTask("worker1", side.store.sync, side.session, side.needs);
  side.session.serve(task.handlers);
  return { ...side, task };
}

function worker(t: TestContext, link: ReturnType<typeof wire>[number], version = "4.14.7") {
  const side = node(t, link, "worker1", 1);
  const options = { nodeName: "worker1", version, agents: side.store.sync };
  const info = new WorkerAgentInfo(options, side.session, side.needs);
  side.session.serve(info.handlers);
  info.start();
  return { ...side, info };
}

function nodes(t: TestContext, version = "4.14.7") {
  const [near, far] = wire();
  const here = { worker: worker(t, near, version), master: master(t, far) };
  const turn = async () => {
    here.worker.needs.clock.advance(AGENT_INFO_PERIOD_MS);
    for (let rest = 0; rest < 20; rest++) {
      await settled();
      here.worker.needs.clock.advance(0);
      here.master.needs.clock.advance(0);
    }
  };
  return { ...here, turn };
}

/** A string as a hostile worker sends it, and what the master answers. */
async function tell(t: TestContext, text: string, prepare: (store: AgentStore) => void = () => {}) {
  const [near, far] = wire();
  const side = node(t, near, "worker1", 1);
  const { store, needs } = master(t, far);
  for (let id = 1; id <= 3; id++) addAgent(store, id);
  prepare(store);
  const answers: string[] = [];
  const take = (name: string) => (payload: Buffer) => {
    answers.push(`${name} ${payload.toString()}`);
    return { word: "ok" as const, payload: Buffer.from("Thanks") };
  };
  side.session.serve(
    new Map([
      ["syn_m_a_e", take("done")],
      ["syn_m_a_err", take("failed")],
    ]),
  );
  const sent = await side.session.sendString(Buffer.from(text));
  assert(sent.kind === "sent");
  await side.session.request("syn_a_w_m", sent.id);
  for (let rest = 0; rest < 10; rest++) await settled();
  return { store, needs, answer: withoutTime(answers.join("\n")) };
}

const stringOf = (chunks: object) => JSON.stringify({ set_data_command: "x", payload: {}, chunks });
const full = (changes: object) => ({
  id: 1,
  version: "Wazuh v4.14.7",
  connection_status: "active",
  group_config_status: "synced",
  ...changes,
});

for (const version of VERSIONS) {
  test(`the master answers a worker of ${version} as the recorded one, and knows its agents`, async (t) => {
    const [near, far] = wire();
    const { store, task, needs } = master(t, far);
    for (let id = 1; id <= 4; id++) addAgent(store, id);
    await replay(transcript(version), "worker", recordedNode(near), (command, actual, recorded) => {
      if (/^[0-9]+$/.test(recorded)) assert.match(actual, /^[0-9]+$/);
      else assert.equal(withoutTime(actual), withoutTime(recorded), command);
    });
    for (let id = 1; id <= 4; id++) {
      const record = store.find(agentIdOf(id));
      assert.deepEqual(record?.info, { ...INFO, agentAddress: `10.0.0.${id}` });
      assert.deepEqual(
        [record?.status, record?.lastKeepaliveSeconds, record?.groupConfigStatus],
        ["active", KEEPALIVE_SECONDS, "synced"],
      );
    }
    await settled();
    assert.equal(task.facts.chunks, version === "4.9.2" ? 1 : 3);
    assert(task.facts.isFree && task.facts.endMs !== null);
    assert.deepEqual(needs.log.texts("error"), []);
  });

  test(`the worker tells a master of ${version} byte for byte what the recorded one told`, async (t) => {
    const [near, far] = wire();
    const { store, needs } = worker(t, near, version);
    for (let id = 1; id <= 4; id++) {
      addAgent(store, id);
      connectAgent(store, id);
    }
    const end = recordedNode(far);
    needs.clock.advance(AGENT_INFO_PERIOD_MS);
    await replay(transcript(version), "master", end, (_, actual, recorded) => assert.equal(actual, recorded));
    const chunks = version === "4.9.2" ? 1 : 3;
    const lines = needs.log.texts("info");
    assert(
      lines.includes(`[Worker worker1] [Agent-info sync] Finished in 0.000s. Updated ${chunks} chunks.`),
    );
  });

  test(`a change reaches the master once, whatever kind it is (${version})`, async (t) => {
    const { worker: near, master: far, turn } = nodes(t, version);
    for (const { store } of [near, far]) for (let id = 1; id <= 4; id++) addAgent(store, id);
    const labels = [
      { key: '"site"', value: 'caf\u00c3\u00a9 "x" \\' },
      { key: '!"empty"', value: "" },
    ];
    const told = connectAgent(near.store, 1, { labels });
    connectAgent(near.store, 2);
    await turn();
    assert.deepEqual(far.store.find(told)?.info, { ...INFO, labels });
    assert.equal(far.store.find(agentIdOf(3))?.status, "never_connected");

    near.store.setStatus(told, { status: "active", atSeconds: KEEPALIVE_SECONDS + 60 });
    near.store.setStatus(agentIdOf(2), { status: "disconnected", statusCode: 3, atSeconds: 77 });
    near.store.setStatus(agentIdOf(3), { status: "refused", statusCode: 1 });
    far.needs.clock.advance(100_000);
    await turn();
    const [first, second, third] = [1, 2, 3].map((id) => far.store.find(agentIdOf(id)));
    assert((first?.lastKeepaliveSeconds ?? 0) >= KEEPALIVE_SECONDS + 60);
    assert.deepEqual(first?.info?.labels, labels);
    assert.deepEqual(
      [second?.status, second?.statusCode, second?.disconnectionSeconds],
      ["disconnected", 3, 77],
    );
    assert.deepEqual([third?.status, third?.statusCode], ["never_connected", 1]);
    const before = far.task.facts.startMs;
    await turn();
    assert.equal(far.task.facts.startMs, before, "nothing is told twice");
    assert.deepEqual([...near.needs.log.texts("error"), ...far.needs.log.texts("error")], []);
  });
}

test("what the master did not write down is told again, on the next connection too", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  for (const { store } of [near, far]) addAgent(store, 1);
  connectAgent(near.store, 1);
  Object.assign(far.store.sync, { apply: () => assert.fail("a bug") });
  far.session.serve(new Map([["syn_a_w_m", () => ({ word: "err" as const, payload: Buffer.from("no") })]]));
  await turn();
  assert.equal(near.store.find(agentIdOf(1))?.syncStatus, "synced", "it is on its way");
  near.info.stop();
  assert.equal(near.store.find(agentIdOf(1))?.syncStatus, "syncreq");
});

test("more agents than one string takes follow at once", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  const count = AGENTS_PER_STRING_MAX + 50;
  for (const { store } of [near, far]) for (let id = 1; id <= count; id++) addAgent(store, id);
  for (let id = 1; id <= count; id++) connectAgent(near.store, id);
  near.needs.clock.advance(AGENT_INFO_PERIOD_MS);
  await turn();
  for (let rest = 0; rest < 100 && far.store.find(agentIdOf(count))?.info === null; rest++) {
    // Sealing and opening are done in place here, so only turns are waited for.
    await new Promise((resolve) => setImmediate(resolve));
    near.needs.clock.advance(0);
    far.needs.clock.advance(0);
  }
  const missing = [1, AGENTS_PER_STRING_MAX, count].filter(
    (id) => far.store.find(agentIdOf(id))?.info === null,
  );
  assert.deepEqual(missing, []);
});

test("a worker speaks for itself only", async (t) => {
  const lists = {
    syncreq: [full({ node_name: "em", name: "other", groups: ["admin"], id: 1 })],
    syncreq_status: [{ id: 2, connection_status: "disconnected", disconnection_time: 9, status_code: 4 }],
    syncreq_keepalive: [{ id: 3, version: "x" }, { id: 99 }],
    agents: [full({})],
  };
  const { store, answer } = await tell(t, stringOf(lists), (agents) =>
    connectAgent(agents, 2, { nodeName: "w2" }),
  );
  const [first, second, third] = [1, 2, 3].map((id) => store.find(agentIdOf(id)));
  assert.deepEqual([first?.info?.nodeName, first?.name, first?.groups], ["worker1", "agent-00001", []]);
  assert.equal(second?.status, "active", "it was seen at another node");
  assert.equal(third?.status, "active");
  assert.equal(store.find(agentIdOf(99)), null);
  assert.equal(
    answer,
    'done {"updated_chunks": 4, "error_messages": ["1 agents of agents are not well-formed"], "time_spent": 0}',
  );
});

test("an agent that the master has removed does not come back, labels and all", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  for (const { store } of [near, far]) for (let id = 1; id <= 2; id++) addAgent(store, id);
  far.store.remove(agentIdOf(1));
  for (let id = 1; id <= 2; id++) connectAgent(near.store, id, { labels: [{ key: "a", value: "b" }] });
  await turn();
  assert.equal(far.store.find(agentIdOf(1)), null);
  assert.deepEqual(far.store.find(agentIdOf(2))?.info?.labels, [{ key: "a", value: "b" }]);
  connectAgent(near.store, 1, { labels: [{ key: "a", value: "c" }] });
  await turn();
  assert.equal(far.store.find(agentIdOf(1)), null);
  assert.deepEqual([...near.needs.log.texts("error"), ...far.needs.log.texts("error")], []);
  assert.equal(near.store.find(agentIdOf(1))?.syncStatus, "synced", "it is not told for ever");
});

test("reports of impossible agents are counted and not applied", async (t) => {
  const wrong: object[] = [
    full({ id: 0 }),
    full({ id: "1" }),
    full({ id: 1e9 }),
    full({ connection_status: "gone" }),
    full({ connection_status: undefined }),
    full({ status_code: 6 }),
    full({ group_config_status: "maybe" }),
    full({ last_keepalive: "now" }),
    full({ last_keepalive: -1 }),
    full({ disconnection_time: 1e15 }),
    full({ os_name: 7 }),
    full({ os_name: "x".repeat(70_000) }),
    full({ labels: [{ key: "a" }, "b"] }),
    full({ labels: Array.from({ length: 9000 }, () => ({ key: "a", value: "" })) }),
  ];
  const { store, answer } = await tell(t, stringOf({ syncreq: wrong }));
  assert.equal(store.find(agentIdOf(1))?.info, null);
  assert.match(answer, /"14 agents of syncreq are not well-formed"/);
  const { store: later } = await tell(t, stringOf({ syncreq: [full({ last_keepalive: 9e9 })] }));
  assert.equal(
    later.find(agentIdOf(1))?.lastKeepaliveSeconds,
    KEEPALIVE_SECONDS + 5,
    "no keepalive is of tomorrow",
  );
});

test("a string that is none is refused, and so is a name of none", async (t) => {
  for (const text of ["", "x", "[]", '{"chunks": {"syncreq": [{"id": 1}']) {
    const { answer, needs } = await tell(t, text);
    assert.match(answer, /^failed error while trying to load JSON/);
    assert.equal(needs.log.texts("error").length, 1);
  }
  const [near, far] = wire();
  const side = node(t, near, "worker1", 1);
  const { needs } = master(t, far);
  await side.session.request("syn_a_w_m", "77");
  await settled();
  assert.match(needs.log.texts("error").join(), /access string under task_id 77\./);
});

test("permission is given while nothing is written, and a lock that was forgotten is released", async (t) => {
  const { worker: near, master: far } = nodes(t);
  const ask = async () => {
    const outcome = await near.session.request("syn_a_w_m_p");
    return outcome.kind === "ok" && outcome.payload.toString();
  };
  assert.equal(await ask(), "True");
  far.session.serve(new Map());
  // The report of the string never ends: its answer does not come.
  near.session.serve(new Map([["syn_m_a_e", () => new Promise<null>(() => {})]]));
  const sent = await near.session.sendString(Buffer.from(stringOf({})));
  assert(sent.kind === "sent");
  await near.session.request("syn_a_w_m", sent.id);
  await settled();
  assert.equal(await ask(), "False");
  assert.equal(far.task.facts.isFree, false);
  const second = await near.session.request("syn_a_w_m", "1");
  assert.equal(second.kind, "failed");
  Object.defineProperty(far.needs.clock, "monotonicMs", { value: () => LOCK_MS_MAX + 1 });
  assert.equal(await ask(), "True");
  assert.match(far.needs.log.texts("warning").join(), /Automatically releasing Agent-info permissions flag/);
});

test("a master that has lost what it was told hears it when the worker joins again", async (t) => {
  const { worker: joined, master: knowing, turn } = nodes(t);
  for (const { store } of [joined, knowing]) addAgent(store, 1);
  const id = connectAgent(joined.store, 1);
  await turn();
  assert.equal(knowing.store.find(id)?.status, "active");
  // It came back from a loss of power with the row as it was before.
  const lost = master(t, wire()[1]);
  addAgent(lost.store, 1);
  const [near, far] = wire();
  joined.session.close();
  const after = node(t, near, "worker1", 3);
  const next = new WorkerAgentInfo(
    { nodeName: "worker1", version: "4.14.7", agents: joined.store.sync },
    after.session,
    after.needs,
  );
  after.session.serve(next.handlers);
  const returned = node(t, far, "worker1", 4);
  returned.session.serve(
    new WorkerAgentInfoTask("worker1", lost.store.sync, returned.session, returned.needs).handlers,
  );
  next.start();
  after.needs.clock.advance(AGENT_INFO_PERIOD_MS);
  for (let rest = 0; rest < 20; rest++) {
    await settled();
    after.needs.clock.advance(0);
    returned.needs.clock.advance(0);
  }
  assert.deepEqual(lost.store.find(id)?.info, knowing.store.find(id)?.info);
  assert.equal(lost.store.find(id)?.status, "active");
});
