/**
 * Goal: each agent is put in a group, compared with it at each keepalive, and sent its file once. Method: the decisions with a registry
 * in memory and everything that is asked for written down.
 */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { type AgentId, agentIdOf, type GroupName } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { GroupEvents } from "./events.ts";
import { LOADED_BYTES_MAX, PLACED_IN_ONE_GO, PLACING_PAUSE_MS, PUSH_AGAIN_MS } from "./limits.ts";
import { SharedConfiguration } from "./shared-configuration.ts";

const WEB = agentIdOf(1);
const DB = agentIdOf(2);
const OLD = "0".repeat(32);
const NEW = "1".repeat(32);

let clock: FakeClock;
let log: RecordingLog;
let groups: Map<AgentId, readonly string[]>;
let asked: string[];
let assigned: string[];
let shared: SharedConfiguration;

function make(guessesGroup: boolean): SharedConfiguration {
  return new SharedConfiguration({
    agents: {
      groups: (id) => (groups.get(id) ?? []) as readonly GroupName[],
      setGroups: (id, list) => {
        groups.set(id, list);
      },
      setGroupConfigStatus: (id, status) => asked.push(`${id} ${status}`),
    },
    clock,
    events: new GroupEvents(log, new RecordingMetrics()),
    guessesGroup,
    assigned: (id, reported) => assigned.push(`${id} ${reported}`),
    want: (list) => asked.push(`want ${list}`),
    load: (list, sum) => asked.push(`load ${list} ${sum[0]}`),
    push: ({ agentId, sum, name, bytes }) =>
      asked.push(`push ${agentId} ${name} ${sum[0]} ${bytes.byteLength}`),
  });
}

function tell(list: string, sum: string | null, bytes = 10): void {
  shared.sumsChanged([{ list, merged: sum === null ? null : { sum, bytes } }]);
}

function taken(): string[] {
  return asked.splice(0);
}

beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
  groups = new Map();
  asked = [];
  assigned = [];
  shared = make(false);
  tell("default", NEW);
});

test("an agent without groups is put into default when it names a merged.mg, and sent the file", () => {
  assert.equal(shared.keepalive(WEB, null), "not synced");
  assert.equal(groups.get(WEB), undefined, "it takes no part in this");
  assert.equal(shared.keepalive(WEB, "x"), "not synced");
  assert.deepEqual(groups.get(WEB), ["default"]);
  assert.deepEqual(taken(), ["load default 1"]);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  assert.deepEqual(taken(), ["push 001 default/merged.mg 1 10"]);
  shared.pushEnded(WEB, NEW, "sent");
  assert.equal(shared.keepalive(WEB, NEW), "synced");
  assert.deepEqual(taken(), []);
  assert.deepEqual(assigned, ["001 x"], "said once");
});

test("an agent without groups is put into those whose file it has, when that is wished", () => {
  tell("web,db", OLD);
  assert.equal(shared.keepalive(WEB, OLD), "not synced");
  assert.deepEqual(groups.get(WEB), ["default"]);
  shared = make(true);
  tell("web,db", OLD);
  tell("default", NEW);
  assert.equal(shared.keepalive(DB, OLD), "synced");
  assert.deepEqual(groups.get(DB), ["web", "db"]);
  assert.equal(shared.keepalive(agentIdOf(3), "2".repeat(32)), "not synced");
  assert.deepEqual(groups.get(agentIdOf(3)), ["default"]);
});

test("a file is sent once until it is done, and again only after a while or on a new connection", () => {
  shared.keepalive(WEB, OLD);
  shared.sameKeepalive(WEB);
  shared.keepalive(WEB, "x");
  assert.deepEqual(taken(), ["load default 1"]);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["push 001 default/merged.mg 1 10"]);
  shared.pushEnded(WEB, NEW, "sent");
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), [], "it may not have it yet");
  clock.advance(PUSH_AGAIN_MS);
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["load default 1"]);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  shared.pushEnded(WEB, NEW, "sent");
  shared.connected(WEB);
  shared.keepalive(WEB, OLD);
  assert.deepEqual(taken().slice(-1), ["load default 1"]);
});

test("a push that failed is said and tried with the next keepalive", () => {
  shared.keepalive(WEB, OLD);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  shared.pushEnded(WEB, NEW, "stalled");
  assert.deepEqual(log.texts("warning"), ["(1246): Unable to send file 'merged.mg' to agent ID '001'."]);
  taken();
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["load default 1"]);
  shared.loaded(NEW, null); // the file changed meanwhile
  assert.deepEqual(taken(), []);
  tell("default", "2".repeat(32));
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["load default 2"]);
});

test("the registry is told when a file changed under an agent that says the same as before", () => {
  assert.equal(shared.keepalive(WEB, NEW), "synced");
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), []);
  tell("default", OLD);
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["load default 0", "001 not synced"]);
  groups.set(WEB, ["web"]); // somebody assigned it; there is no such sum yet
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["want web"]);
  shared.sameKeepalive(DB);
  assert.deepEqual(taken(), [], "nothing is known of it");
});

test("agents of one file share its bytes, which are let go with the last of them", () => {
  for (const id of [WEB, DB]) shared.keepalive(id, "x");
  assert.deepEqual(taken(), ["load default 1"]);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  shared.keepalive(agentIdOf(3), "x");
  assert.equal(taken().length, 3);
  for (const id of [WEB, DB]) shared.pushEnded(id, NEW, "sent");
  shared.keepalive(agentIdOf(4), "x");
  assert.deepEqual(taken(), ["push 004 default/merged.mg 1 10"]);
  for (const number of [3, 4]) shared.pushEnded(agentIdOf(number), NEW, "sent");
  shared.keepalive(agentIdOf(5), "x");
  assert.deepEqual(taken(), ["load default 1"]);
});

test("files in memory have a bound; one is loaded whatever its size", () => {
  const sizes = [LOADED_BYTES_MAX + 1, 10, 10, LOADED_BYTES_MAX];
  const sums = sizes.map((_, index) => String(index + 2).repeat(32));
  for (const [index, bytes] of sizes.entries()) {
    const list = `g${index}`;
    tell(list, sums[index] ?? "", bytes);
    groups.set(agentIdOf(index + 1), [list]);
    shared.keepalive(agentIdOf(index + 1), "x");
  }
  assert.deepEqual(taken(), ["load g0 2"]);
  shared.loaded(sums[0] ?? "", new SharedArrayBuffer(1));
  shared.pushEnded(WEB, sums[0] ?? "", "sent");
  assert.deepEqual(taken().slice(1), ["load g1 3", "load g2 4"]);
  shared.loaded(sums[1] ?? "", null);
  assert.deepEqual(taken(), []);
  shared.loaded(sums[2] ?? "", null);
  assert.deepEqual(taken(), ["load g3 5"]);
});

test("what is asked for an agent that is gone ends without trace", () => {
  shared.keepalive(WEB, "x");
  shared.forget(WEB);
  shared.loaded(NEW, new SharedArrayBuffer(10));
  shared.pushEnded(WEB, NEW, "not_connected");
  taken();
  shared.keepalive(DB, "x");
  assert.deepEqual(taken(), ["load default 1"]);
});

test("a list of several groups is asked for once, and named by its folder", () => {
  groups.set(WEB, ["default", "web"]);
  shared.keepalive(WEB, "x");
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), ["want default,web"]);
  tell("default,web", OLD);
  shared.sameKeepalive(WEB);
  shared.loaded(OLD, new SharedArrayBuffer(10));
  assert.deepEqual(taken(), ["load default,web 0", "push 001 5288d400/merged.mg 0 10"]);
  tell("default,web", null);
  shared.sameKeepalive(WEB);
  assert.deepEqual(taken(), []);
});

test("SharedConfiguration.place() puts agents where files.yml says, at once and with each keepalive", () => {
  const many = Array.from({ length: PLACED_IN_ONE_GO + 1 }, (_, index) => agentIdOf(index + 10));
  for (const id of [DB, ...many]) groups.set(id, ["default"]);
  const web = ["web"] as unknown as readonly GroupName[];
  shared.place([WEB, DB, ...many].map((id) => ({ id, groups: web })));
  assert.equal(groups.get(WEB), undefined, "it has not come yet");
  assert.deepEqual(groups.get(DB), ["web"]);
  assert.deepEqual(groups.get(many.at(-1) ?? DB), ["default"], "others have their turn first");
  clock.advance(PLACING_PAUSE_MS);
  assert.deepEqual(groups.get(many.at(-1) ?? DB), ["web"]);
  shared.keepalive(WEB, "x");
  assert.deepEqual(groups.get(WEB), ["web"]);
  assert.deepEqual(assigned, []);
  // Somebody else moves it.
  groups.set(DB, ["db"]);
  shared.keepalive(DB, "x");
  assert.deepEqual(groups.get(DB), ["web"]);
  // It is not listed any more; what was not done of an older list is not done.
  shared.place(many.map((id) => ({ id, groups: ["db"] as unknown as readonly GroupName[] })));
  shared.place([]);
  clock.advance(PLACING_PAUSE_MS);
  assert.deepEqual(groups.get(many.at(-1) ?? DB), ["web"]);
  groups.set(DB, ["db"]);
  shared.keepalive(DB, "x");
  assert.deepEqual(groups.get(DB), ["db"]);
});
