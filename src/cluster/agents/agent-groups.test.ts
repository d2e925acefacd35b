/**
 * Goal: agents have the same groups on all nodes, and a worker that has others finds out. Method: the recorded exchanges of real nodes against each side; both
 * sides over a wire with real registries; hostile strings by hand.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { wireFormOf } from "#formats/wire/cluster/wire-form.ts";
import { agentIdOf, type GroupName } from "#model/agent.ts";
import { settled, wire } from "../fixture.ts";
import { MasterAgentGroups } from "../master/agent-groups.ts";
import { WorkerAgentGroups } from "../worker/agent-groups.ts";
import { addAgent, node, type RecordedFrame, recordedFrames, recordedNode, replay } from "./fixture.ts";
import { groupChunks, readGroupChunk } from "./group-chunks.ts";
import { AGENT_GROUPS_DELAY_MS, AGENT_GROUPS_PERIOD_MS, GROUP_MISMATCHES_MAX } from "./times.ts";
import { CHUNK_CHARS_MAX } from "./write-reports.ts";

const GROUPS = ["default", "linux"];
const withoutTime = (text: string) => text.replace(/("time_spent": )[0-9.e-]+/, "$10");

function recorded(version: string): readonly RecordedFrame[] {
  return recordedFrames(`transcript_agent_groups_${version.replaceAll(".", "_")}`);
}

function master(t: TestContext, link: ReturnType<typeof wire>[number], version = "4.14.7") {
  const side = node(t, link, "worker1", 2);
  const groups = new MasterAgentGroups(version, side.store.sync, side.needs);
  const task = groups.workerTask("worker1", side.session);
  side.session.serve(task.handlers);
  groups.start();
  return { ...side, groups, task };
}

function worker(t: TestContext, link: ReturnType<typeof wire>[number]) {
  const side = node(t, link, "worker1", 1);
  const groups = new WorkerAgentGroups("worker1", side.store.sync, side.session, side.needs);
  side.session.serve(groups.handlers);
  return { ...side, groups };
}

function nodes(t: TestContext, version = "4.14.7") {
  const [near, far] = wire();
  const here = { worker: worker(t, near), master: master(t, far, version) };
  const rest = async () => {
    for (let turn = 0; turn < 10; turn++) await settled();
  };
  const turn = async () => {
    here.master.needs.clock.advance(AGENT_GROUPS_PERIOD_MS);
    await rest();
  };
  here.master.needs.clock.advance(AGENT_GROUPS_DELAY_MS - AGENT_GROUPS_PERIOD_MS);
  return { ...here, turn };
}

for (const version of ["4.14.7", "4.9.2"]) {
  test(`the master sends a worker of ${version} what the recorded one sent`, async (t) => {
    const [near, far] = wire();
    const { store, needs } = master(t, far, version);
    for (let id = 1; id <= 3; id++) addAgent(store, id, GROUPS);
    for (let taken = 1; taken > 0; ) taken = store.sync.takeOwedGroups(100).length;
    needs.clock.advance(AGENT_GROUPS_DELAY_MS);
    // A database of 4.9 gives no names; the recorded one was a stub.
    const names = version === "4.9.2" ? /\\"name\\":\\"agent-0000[0-9]\\",/g : /(?!)/g;
    await replay(recorded(version), "worker", recordedNode(near), (command, actual, expected) => {
      if (command === "new_str") assert.match(actual, /^[0-9]+$/);
      else if (expected.startsWith("<")) assert.equal(actual, "Sending all groups");
      else assert.equal(actual, expected.replaceAll(names, ""), command);
    });
  });

  test(`the worker answers a master of ${version} as the recorded one`, async (t) => {
    const [near, far] = wire();
    const { store, session, needs } = worker(t, near);
    for (let id = 1; id <= 3; id++) addAgent(store, id);
    const end = recordedNode(far);
    const frames = recorded(version);
    const [first] = frames.filter(({ command_field }) => command_field.startsWith("str_upd"));
    // The recorded exchange begins with the last of the differences that are waited for.
    const string = first?.payload?.slice(first.payload.indexOf("{")) ?? "";
    for (let round = 1; round < GROUP_MISMATCHES_MAX; round++) {
      end.raw.send("new_str", String(string.length));
      const id = (await end.read())[0]?.payload.toString() ?? "";
      end.raw.send("str_upd", `${id} ${string}`);
      await end.read();
      end.raw.send("syn_g_m_w", id);
      const report = (await end.read()).find(({ command }) => command === "syn_w_g_e");
      end.raw.send("ok", "Thanks", report?.counter);
      await settled();
    }
    await replay(frames, "master", end, (command, actual, expected) => {
      if (/^[0-9]+$/.test(expected)) assert.match(actual, /^[0-9]+$/);
      else assert.equal(withoutTime(actual), withoutTime(expected), command);
    });
    await settled();
    for (let id = 1; id <= 3; id++) assert.deepEqual(store.groups(agentIdOf(id)), GROUPS);
    assert.equal(session.isClosed, false);
    assert.deepEqual(needs.log.texts("error"), []);
  });
}

test("a change of groups reaches the workers, once", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  for (const { store } of [near, far]) for (let id = 1; id <= 3; id++) addAgent(store, id);
  far.store.setGroups(agentIdOf(2), ["web", "db"] as GroupName[]);
  await turn();
  assert.deepEqual(near.store.groups(agentIdOf(2)), ["web", "db"]);
  assert.equal(far.task.facts.changes.chunks, 1);
  far.store.setGroups(agentIdOf(2), []);
  await turn();
  assert.deepEqual(near.store.groups(agentIdOf(2)), []);
  assert.deepEqual(far.store.sync.takeOwedGroups(10), []);
  const texts = [...near.needs.log.texts(), ...far.needs.log.texts()];
  assert(!texts.some((text) => text.includes("differ")), "the hash of no groups is the same on both");
  assert(texts.includes("[Worker worker1] [Agent-groups recv] Finished in 0.000s. Updated 1 chunks."));
});

test("a worker that differs asks for all groups at the fifth time, and then it does not", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  for (const { store } of [near, far]) for (let id = 1; id <= 3; id++) addAgent(store, id, ["default"]);
  near.store.setGroups(agentIdOf(3), ["other"] as GroupName[]);
  far.store.sync.takeOwedGroups(10);
  for (let round = 1; round < GROUP_MISMATCHES_MAX; round++) await turn();
  assert.deepEqual(near.store.groups(agentIdOf(3)), ["other"]);
  await turn();
  assert.deepEqual(near.store.groups(agentIdOf(3)), ["default"]);
  assert.equal(far.task.facts.whole.chunks, 1);
  const lines = near.needs.log.texts("info");
  assert(lines.includes("[Worker worker1] [Agent-groups recv full] Finished in 0.000s. Updated 1 chunks."));
});

test("groups of an agent whose key comes later are its groups then", async (t) => {
  const { worker: near, master: far, turn } = nodes(t);
  addAgent(far.store, 7, ["web"]);
  await turn();
  addAgent(near.store, 7);
  await turn();
  assert.deepEqual(near.store.groups(agentIdOf(7)), ["web"]);
});

test("the master reads the groups once for all workers, be it one or 25", async (t) => {
  const readsFor = async (workers: number) => {
    const { store, needs, groups, session } = master(t, wire()[0]);
    for (let id = 1; id <= 3; id++) addAgent(store, id, GROUPS);
    let reads = 0;
    const { sync } = store;
    const [takeOwedGroups, groupListsAfter] = [
      sync.takeOwedGroups.bind(sync),
      sync.groupListsAfter.bind(sync),
    ];
    Object.assign(sync, {
      takeOwedGroups: (limit: number) => [reads++, takeOwedGroups(limit)][1],
      groupListsAfter: (...args: Parameters<typeof groupListsAfter>) =>
        [reads++, groupListsAfter(...args)][1],
    });
    let told = 0;
    const sendString = async () => [told++, { kind: "failed", error: {} }][1];
    const tells = { value: sendString };
    for (let index = 1; index < workers; index++) {
      groups.workerTask(`w${index}`, Object.create(session, { sendString: tells }));
    }
    Object.defineProperty(session, "sendString", tells);
    needs.clock.advance(AGENT_GROUPS_DELAY_MS);
    for (let turn = 0; turn < 10; turn++) await settled();
    assert.equal(told, workers);
    return reads;
  };
  assert.equal(await readsFor(25), await readsFor(1));
});

test("the master waits for its workers, and says so when there are none", async (t) => {
  const [near, far] = wire();
  const { needs, groups, session } = master(t, far);
  assert.match(needs.log.texts("info").join(), /Sleeping 30s before starting the agent-groups task/);
  session.close();
  near.destroy();
  needs.clock.advance(AGENT_GROUPS_DELAY_MS);
  await settled();
  assert.equal(
    needs.log.texts("info").at(-1),
    "[Master] [Local agent-groups] No clients connected. Skipping.",
  );
  groups.stop();
  assert.equal(needs.clock.pendingTimers, 0);
});

test("a string that is none, and groups that are none, are refused", async (t) => {
  const [near, far] = wire();
  const { store, needs } = worker(t, near);
  addAgent(store, 1, ["default"]);
  const side = node(t, far, "worker1", 2);
  const answers: string[] = [];
  const take = (payload: Buffer) => {
    answers.push(payload.toString());
    return { word: "ok" as const, payload: Buffer.from("Thanks") };
  };
  side.session.serve(new Map(["syn_w_g_e", "syn_w_g_err"].map((name) => [name, take])));
  const tell = async (chunks: string) => {
    const sent = await side.session.sendString(Buffer.from(chunks));
    assert(sent.kind === "sent");
    await side.session.request("syn_g_m_w", sent.id);
    for (let turn = 0; turn < 10; turn++) await settled();
    return answers.pop() ?? "";
  };
  assert.match(await tell("{"), /^error while trying to load JSON/);
  const data = [
    { id: 0, groups: [] },
    { id: 1, groups: ["../etc"] },
    { id: 1, groups: "default" },
    { id: 1, groups: Array.from({ length: 129 }, (_, at) => `g${at}`) },
    { id: "1", groups: [] },
  ];
  const wrong = JSON.stringify({ chunks: [JSON.stringify([{ data }]), "[]", "7", { data: [] }] });
  assert.match(
    await tell(wrong),
    /"5 agents of a chunk are not well-formed", "3 agents of no list are not well-formed"/,
  );
  assert.deepEqual(store.groups(agentIdOf(1)), ["default"]);
  await side.session.request("syn_g_m_w", "77");
  await settled();
  assert.match(needs.log.texts("error").join(), /access string under task_id 77\./);
});

test("groupChunks() divides what is long, and only the last chunk has the hash", () => {
  const groups = Array.from({ length: 50 }, (_, at) => `group-${at}`) as GroupName[];
  const agents = Array.from({ length: 500 }, (_, at) => ({
    id: agentIdOf(at + 1),
    name: "a" as never,
    groups,
  }));
  const chunks = groupChunks(agents, "lists", "a".repeat(40));
  assert(chunks.length > 1 && chunks.every((chunk) => chunk.length <= CHUNK_CHARS_MAX));
  const read = chunks.map((chunk) => readGroupChunk(chunk));
  assert.deepEqual(
    read.flatMap((chunk) => chunk?.agents ?? []),
    agents.map(({ id }) => ({ id, groups })),
  );
  assert.deepEqual(
    read.map((chunk) => chunk?.hash !== undefined),
    chunks.map((_, at) => at === chunks.length - 1),
  );
});

test("wireFormOf() follows the announced version", () => {
  const forms = ["4.8.2", "4.12.0", "v4.12.9", "3.13.0", "nothing"].map(wireFormOf);
  assert.deepEqual(new Set(forms), new Set(["chunks"]));
  assert.deepEqual(["4.13.0", "4.14.7", "5.0.0"].map(wireFormOf), ["lists", "lists", "lists"]);
});
