/**
 * Goal: who asks an agent gets its answer or one reason why not, in bounded time, whatever agents send. Method: the service on a
 * network in memory; agents that answer, answer late, twice, for others, not at all, or what nobody asked.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TestCipher } from "#testing/agent.ts";
import type { RequestConfig } from "./config.ts";
import {
  DB,
  identity,
  idOf,
  KEEPALIVE,
  SHUTDOWN,
  STARTUP,
  startManager,
  type TestManager,
  WEB,
} from "./fixture.ts";
import type { RequestOutcome } from "./pending-requests.ts";
import { parseUpgradeReport } from "./upgrade-report.ts";

const REQUESTS: RequestConfig = { pool: 3, responseMs: 60_000, retryMs: 1000, attemptsMax: 4 };
const UDP = { address: "192.0.2.20", port: 40_009 };

function ask(
  manager: TestManager,
  payload: string | Buffer,
  agent = WEB,
): { outcome: RequestOutcome | null } {
  const asked: { outcome: RequestOutcome | null } = { outcome: null };
  void manager.service.request(idOf(agent), Buffer.from(payload)).then((outcome) => {
    asked.outcome = outcome;
  });
  return asked;
}

/** Lets what waits for a settled promise run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

function numberOf(message: string): string {
  const number = /^#!-req ([0-9a-f]{1,8}) /.exec(message)?.[1];
  assert(number !== undefined, message);
  return number;
}

async function startWithAgent() {
  const manager = await startManager({ requests: REQUESTS, protocols: { tcp: true, udp: true } });
  manager.know(WEB, DB);
  const agent = manager.greeted(WEB);
  agent.answers();
  return { manager, agent };
}

/** An agent that speaks over UDP. */
async function startDatagramAgent() {
  const manager = await startManager({ requests: REQUESTS, protocols: { tcp: true, udp: true } });
  manager.know(WEB);
  const cipher = new TestCipher(WEB);
  const say = (message: string) => manager.network.datagram(1514, cipher.seal(message), UDP);
  let taken = 0;
  const heard = () => {
    const fresh = manager.network.sentDatagrams.slice(taken);
    taken += fresh.length;
    return fresh.map(({ bytes }) => cipher.open(bytes).message);
  };
  say(STARTUP);
  heard();
  return { manager, say, heard };
}

test("request() sends target and payload under a number and gives the bytes of the answer", async () => {
  const { manager, agent } = await startWithAgent();
  const payload = Buffer.concat([Buffer.from("com write 3 f "), Buffer.of(0, 0xff, 0x0a)]);
  const timersBefore = manager.clock.pendingTimers;
  const asked = ask(manager, payload);
  const [message = ""] = agent.answers();
  const number = numberOf(message);
  assert.equal(message, `#!-req ${number} ${payload.toString("latin1")}`);
  agent.say(Buffer.concat([Buffer.from(`#!-req ${number} ok `), Buffer.of(0, 0xfe)]));
  await settled();
  assert.deepEqual(asked.outcome, { ok: true, answer: Buffer.from("ok \0\xfe", "latin1") });
  assert.deepEqual(agent.answers(), [], "nothing is confirmed over TCP");
  assert.equal(manager.clock.pendingTimers, timersBefore, "no timer is left");
});

test("request() takes answers in any order, each once and only from the agent that was asked", async () => {
  const { manager, agent } = await startWithAgent();
  const other = manager.greeted(DB);
  other.answers();
  const first = ask(manager, "agent getconfig client");
  const second = ask(manager, "agent getstate");
  const [one, two] = agent.answers().map(numberOf);
  other.say(`#!-req ${one} stolen`);
  agent.say(
    `#!-req ${two} second`,
    `#!-req ${two} again`,
    `#!-req ${one?.toUpperCase()} first`,
    "#!-req 1 x",
  );
  await settled();
  assert.deepEqual(first.outcome, { ok: true, answer: Buffer.from("first") });
  assert.deepEqual(second.outcome, { ok: true, answer: Buffer.from("second") });
  assert.equal(manager.metrics.get("agent_request_answers_unknown"), 3);
});

test("request() ends when no answer comes, and an answer after that is counted", async () => {
  const { manager, agent } = await startWithAgent();
  const asked = ask(manager, "agent getstate");
  const [number] = agent.answers().map(numberOf);
  manager.clock.advance(REQUESTS.responseMs - 1);
  await settled();
  assert.equal(asked.outcome, null);
  manager.clock.advance(1);
  await settled();
  assert.deepEqual(asked.outcome, { ok: false, code: "not_answered" });
  agent.say(`#!-req ${number} late`);
  assert.equal(manager.metrics.get("agent_request_answers_unknown"), 1);
});

test("request() goes on when the agent comes back on another connection", async () => {
  const { manager, agent } = await startWithAgent();
  const asked = ask(manager, "com restart");
  const [number] = agent.answers().map(numberOf);
  agent.say(SHUTDOWN);
  agent.connection.hangUp();
  manager.greeted(WEB).say(`#!-req ${number} ok `);
  await settled();
  assert.deepEqual(asked.outcome, { ok: true, answer: Buffer.from("ok ") });
});

test("request() says at once why nothing is sent", async () => {
  const { manager, agent } = await startWithAgent();
  const unknown = ask(manager, "agent getstate", identity("009"));
  const silent = ask(manager, "agent getstate", DB);
  const long = ask(manager, "x".repeat(65_377));
  const longest = ask(manager, "x".repeat(65_376));
  await settled();
  assert.deepEqual(unknown.outcome, { ok: false, code: "not_sent" });
  assert.deepEqual(silent.outcome, { ok: false, code: "not_sent" });
  assert.deepEqual(long.outcome, { ok: false, code: "too_long" });
  assert.equal(longest.outcome, null);
  ask(manager, "agent getstate");
  ask(manager, "agent getstate");
  const tooMany = ask(manager, "agent getstate");
  await settled();
  assert.deepEqual(tooMany.outcome, { ok: false, code: "too_many" });
  assert.equal(agent.answers().length, 3);
  await manager.service.stop();
  await settled();
  assert.deepEqual(longest.outcome, { ok: false, code: "service_stopped" });
});

test("request() over UDP is repeated until the agent confirms it, then waits for the answer and confirms that", async () => {
  const { manager, say, heard } = await startDatagramAgent();
  const asked = ask(manager, "agent getstate");
  manager.clock.advance(REQUESTS.retryMs * 2);
  const sent = heard();
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent).size, 1, "the same request each time");
  const [first = ""] = sent;
  const number = numberOf(first);
  say(`#!-req ${number} ack`);
  manager.clock.advance(REQUESTS.responseMs - 1);
  assert.deepEqual(heard(), [], "confirmed: not sent again");
  say(`#!-req ${number} {"error":0}`);
  await settled();
  assert.deepEqual(asked.outcome, { ok: true, answer: Buffer.from('{"error":0}') });
  assert.deepEqual(heard(), [`#!-req ${number} ack`]);
  say(`#!-req ${number} {"error":0}`);
  assert.deepEqual(
    heard(),
    [`#!-req ${number} ack`],
    "our confirmation was lost: the agent sends its answer again",
  );
});

test("request() over UDP ends when the agent confirms nothing, or never answers", async () => {
  const { manager, say, heard } = await startDatagramAgent();
  const lost = ask(manager, "agent getstate");
  manager.clock.advance(REQUESTS.retryMs * REQUESTS.attemptsMax);
  await settled();
  assert.equal(heard().length, REQUESTS.attemptsMax);
  assert.deepEqual(lost.outcome, { ok: false, code: "not_confirmed" });
  const slow = ask(manager, "agent getstate");
  say(`#!-req ${numberOf(heard().join())} ack`);
  manager.clock.advance(REQUESTS.responseMs);
  await settled();
  assert.deepEqual(slow.outcome, { ok: false, code: "not_answered" });
});

test("request() does not wait longer for an agent that confirms again and again", async () => {
  const { manager, agent } = await startWithAgent();
  const asked = ask(manager, "agent getstate");
  const number = numberOf(agent.answers().join());
  for (let second = 0; second < 2 * (REQUESTS.responseMs / 1000); second++) {
    agent.say(`#!-req ${number} ack`);
    manager.clock.advance(1000);
  }
  await settled();
  assert.deepEqual(asked.outcome, { ok: false, code: "not_answered" });
});

test("countsOf() tells what passed between the manager and one agent", async () => {
  const { manager, agent } = await startWithAgent();
  const atMs = manager.clock.wallMs();
  agent.say(KEEPALIVE, "1:a:b", "1:a:c", "#!-req 5 x");
  const id = idOf(WEB);
  for (const message of [
    "#!-execd {}",
    "#!-up file x merged.mg\n",
    "part",
    "#!-close file ",
    "#!-sca-dump:x",
  ])
    manager.service.send(id, Buffer.from(message));
  ask(manager, "agent getstate");
  assert.deepEqual(manager.service.countsOf(id), {
    sinceMs: atMs,
    lastMs: atMs,
    startups: 1,
    keepalives: 1,
    shutdowns: 0,
    requestAnswers: 1,
    events: 2,
    sent: { ack: 2, request: 1, ar: 1, sca: 1, shared: 3 },
    notSent: 0,
    missing: 0,
  });
  assert.equal(manager.service.countsOf(idOf(DB)), null);
});

test("an agent's word on its upgrade is an event like others and told to who upgrades", async () => {
  const { manager, agent } = await startWithAgent();
  const report =
    '{"command":"upgrade_update_status","parameters":{"error":2,"message":"Upgrade failed","status":"Failed"}}';
  manager.updates.length = 0;
  agent.say(`u:upgrade_module:${report}`, "u:upgrade_module:{}", "u:upgrade_module:no json");
  assert.deepEqual(manager.updates, [
    { kind: "upgrade_reported", agentId: "001", atMs: manager.clock.wallMs(), result: "failed" },
  ]);
  assert.equal(manager.sink.events.length, 3);
});

test("parseUpgradeReport() takes the three results and nothing else", () => {
  const report = (error: unknown) =>
    parseUpgradeReport(
      Buffer.from(JSON.stringify({ command: "upgrade_update_status", parameters: { error } })),
    );
  assert.deepEqual([0, 1, 2].map(report), ["done", "missing_dependency", "failed"]);
  for (const error of [3, -1, 0.5, "0", null, [0]]) assert.equal(report(error), null, String(error));
  for (const text of [
    "",
    "[]",
    "null",
    '{"command":"upgrade","parameters":{"error":0}}',
    `{"a":"${"x".repeat(5000)}"}`,
  ])
    assert.equal(parseUpgradeReport(Buffer.from(text)), null, text.slice(0, 20));
});
