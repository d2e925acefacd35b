/**
 * Goal: each step between a payload and its effect, the states of agents, and the order and time of what is answered.
 * Method: the service on a network and a clock in memory; agents seal with code that shares nothing with ours.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAgentId } from "#model/agent.ts";
import {
  ACK,
  EVENT,
  EVENT_OF_WEB,
  identity,
  idOf,
  KEEPALIVE,
  KEY,
  SHUTDOWN,
  STARTUP,
  startManager,
  TestManager,
  WEB,
} from "./fixture.ts";
import { ANSWERS_WAITING_MAX, OUTPUT_PENDING_BYTES_MAX } from "./limits.ts";

const DATABASE = identity("002", "198.51.100.2", KEY.replace("0011", "2200"));

function agentId(text: string) {
  const id = parseAgentId(text);
  assert(id !== null);
  return id;
}

test("AgentConnectionService says that it started, with the peer's text", async () => {
  const manager = new TestManager();
  await manager.service.start();
  assert.deepEqual(manager.warnings, ["Started (pid: 4711). Listening on port 1514/TCP (secure)."]);
  assert.deepEqual(manager.updates, [{ kind: "service_started", atMs: manager.clock.wallMs() }]);
});

const REFUSALS = [
  {
    step: "1, unknown id",
    payload: "!007!#AES:x",
    log: "(1408): Invalid ID 007 for the source ip: '192.0.2.10' (name 'unknown').",
  },
  {
    step: "1, ids compare as text",
    payload: "!1!#AES:x",
    log: "(1408): Invalid ID 1 for the source ip: '192.0.2.10' (name 'unknown').",
  },
  {
    step: "1, registered elsewhere",
    payload: "!002!#AES:x",
    log: "(1408): Invalid ID 002 for the source ip: '192.0.2.10' (name 'agent002').",
  },
  {
    step: "1, prefix not closed",
    payload: "!001#AES:x",
    log: "(1403): Incorrectly formatted message from agent '(unknown)' (host '192.0.2.10').",
  },
  {
    step: "3, address unknown",
    payload: "#AES:x",
    log: "(1213): Message from '192.0.2.10' not allowed. Cannot find the ID of the agent. Source agent ID is unknown.",
  },
  { step: "5, empty", payload: "!001!", log: "Received message is empty" },
  {
    step: "6, not opened",
    payload: "!001!#AES:0123456789abcdef",
    log: "(1404): Authentication error. Wrong key or corrupt payload. Message received from agent '001' at '192.0.2.10'.",
  },
];

for (const { step, payload, log } of REFUSALS) {
  test(`AgentConnectionService closes the connection at step ${step}`, async () => {
    const manager = await startManager();
    manager.know(WEB, DATABASE);
    const link = manager.agent(WEB);
    link.sayRaw(payload);
    assert.equal(link.open, false);
    assert.deepEqual(manager.warnings, [log]);
    assert.deepEqual([manager.sink.events, manager.updates, link.answers()], [[], [], []]);
  });
}

test("AgentConnectionService.forgetKeepalives() has an unchanged keepalive told whole once more", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  const whole = () =>
    manager.updates.filter((update) => update.kind === "keepalive" && update.keepalive !== null);
  link.say(KEEPALIVE, KEEPALIVE);
  assert.equal(whole().length, 1);
  manager.service.forgetKeepalives();
  link.say(KEEPALIVE, KEEPALIVE);
  assert.equal(whole().length, 2);
});

const WISHES = [
  { payload: "!007!#AES:x", wanted: [{ kind: "id", id: "007" }] },
  { payload: "!002!#AES:x", wanted: [{ kind: "id", id: "002" }] },
  { payload: "!001!#AES:0123456789abcdef", wanted: [{ kind: "id", id: "001" }] },
  { payload: "#AES:x", wanted: [{ kind: "ip", address: { version: 4, words: [0xc000, 0x020a] } }] },
  { payload: "!001!", wanted: [] },
  { payload: "!001#AES:x", wanted: [] },
];

test("AgentConnectionService wants the key for what it refuses for want of one, once", async () => {
  for (const { payload, wanted } of WISHES) {
    const manager = await startManager({ asksForKeys: true });
    manager.know(WEB, DATABASE);
    for (let times = 0; times < 2; times++) manager.agent(WEB).sayRaw(payload);
    assert.deepEqual(manager.keysWanted, wanted, payload);
    assert.equal(manager.metrics.get("agent_key_wishes"), wanted.length);
  }
  const silent = await startManager();
  silent.agent(WEB).sayRaw("!007!#AES:x");
  assert.deepEqual(silent.keysWanted, []);
});

test("AgentConnectionService knows an agent without id by its address", async () => {
  const manager = await startManager();
  manager.know(WEB, DATABASE);
  const link = manager.agent(DATABASE, "198.51.100.2");
  link.say(STARTUP, EVENT);
  assert.deepEqual(link.answers(), [ACK]);
  assert.deepEqual(manager.sink.texts(), [
    EVENT_OF_WEB.replace("001] (agent001) any", "002] (agent002) 198.51.100.2"),
  ]);
});

test("AgentConnectionService takes an agent of a network from any of its addresses", async () => {
  const manager = await startManager();
  const agent = identity("003", "10.1.0.0/16");
  manager.know(agent);
  const [inside, outside] = [manager.agent(agent, "10.1.255.7"), manager.agent(agent, "10.2.0.1")];
  outside.say(STARTUP);
  inside.say(STARTUP);
  assert.deepEqual([inside.open, outside.open], [true, false]);
});

test("AgentConnectionService answers #ping without knowing who asks, also several in one chunk", async () => {
  const manager = await startManager();
  const link = manager.agent(WEB);
  link.connection.receive(Buffer.from("\x05\0\0\0#ping\x05\0\0\0#ping", "latin1"));
  assert.equal(link.connection.sentBytes.toString("latin1"), "\x05\0\0\0#pong\x05\0\0\0#pong");
  assert(link.open);
});

test("AgentConnectionService acknowledges a startup with and without a version", async () => {
  const manager = await startManager();
  manager.know(WEB);
  for (const startup of [STARTUP, "#!-agent startup ", '#!-agent startup {"version":"v4.14.9"}']) {
    const link = manager.agent(WEB);
    link.say(startup);
    assert.deepEqual(link.answers(), [ACK], startup);
    link.connection.hangUp();
  }
  assert.deepEqual(
    manager.updates.map((update) => update.kind === "startup" && update.version),
    ["v4.14.7", null, "v4.14.9"],
  );
});

test("AgentConnectionService refuses versions by the peer's texts and leaves the connection open", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.agent(WEB);
  link.say('#!-agent startup {"version":"v4.15.0"}', '#!-agent startup {"version":5}');
  assert.deepEqual(link.answers(), [
    '#!-err {"message":"Agent version must be lower or equal to manager version"}',
    `#!-err {"message":"Couldn't retrieve version"}`,
  ]);
  assert(link.open);
  assert.deepEqual(
    manager.updates.map((update) => update.kind === "startup_refused" && update.reason),
    ["version_too_high", "version_unreadable"],
  );
  assert.deepEqual(manager.warnings, ["Unable to get version from agent '001' on startup message"]);
});

test("AgentConnectionService accepts newer agents where it may", async () => {
  const manager = await startManager({ allowHigherVersions: true });
  manager.know(WEB);
  const link = manager.agent(WEB);
  link.say('#!-agent startup {"version":"v5.0.0"}');
  assert.deepEqual(link.answers(), [ACK]);
});

test("AgentConnectionService acknowledges keepalives and parses only what changed", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  link.say(KEEPALIVE, KEEPALIVE, KEEPALIVE.replace("x merged", `${"0".repeat(32)} merged`));
  assert.deepEqual(link.answers(), [ACK, ACK, ACK, ACK]);
  const sums = manager.updates.flatMap((update) =>
    update.kind === "keepalive" ? [update.keepalive?.mergedSum ?? null] : [],
  );
  assert.deepEqual(sums, ["x", null, "0".repeat(32)]);
});

test("AgentConnectionService counts the labels of a keepalive that are left out", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const long = `"long":${"x".repeat(5000)}\n"site":paris\n`;
  manager.greeted(WEB).say(KEEPALIVE, KEEPALIVE.replace("x merged", `${long}x merged`));
  const labels = manager.updates.flatMap((update) =>
    update.kind === "keepalive" ? (update.keepalive?.labels ?? []).map(({ key }) => key) : [],
  );
  assert.deepEqual(labels, ["site"]);
  assert.equal(manager.metrics.get("agent_labels_refused"), 1);
});

test("AgentConnectionService tells everything again after a new startup", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager.greeted(WEB).say(KEEPALIVE, STARTUP, KEEPALIVE);
  const told = manager.updates.flatMap((update) =>
    update.kind === "keepalive" ? [update.keepalive !== null] : [],
  );
  assert.deepEqual(told, [true, true]);
});

test("AgentConnectionService gives no answer to other control messages", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  link.answers();
  link.say("#!-no newline", "#!-req 60c89f72 ok {}");
  assert.deepEqual(link.answers(), []);
  assert(link.open);
  assert.deepEqual(manager.warnings, ["Invalid message from agent: 'agent001' (001)"]);
  assert.equal(manager.metrics.get("agent_request_answers_unknown"), 1);
});

test("AgentConnectionService raises the notice of a shutdown and frees the agent for its next connection", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const first = manager.greeted(WEB);
  first.answers();
  first.say(SHUTDOWN);
  assert.deepEqual(first.answers(), []);
  assert.deepEqual(manager.sink.texts(), [
    "1:[001] (agent001) any->wazuh-remoted:ossec: Agent stopped: 'agent001->any'.",
  ]);
  assert.deepEqual(manager.updates.at(-1), {
    kind: "shutdown",
    agentId: "001",
    atMs: manager.clock.wallMs(),
  });
  assert.deepEqual(manager.greeted(WEB).answers(), [ACK], "although the first is not closed yet");
});

test("AgentConnectionService hands on location and text of events as they are", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager
    .greeted(WEB)
    .say("1:C|:\\logs||x:text: with: colons", Buffer.from("2:a:\xe4\xff\0", "latin1"), "9:r:");
  const seen = manager.sink.events.map(({ queue, location, message }) => [
    queue,
    location,
    Buffer.from(message).toString("latin1"),
  ]);
  assert.deepEqual(seen, [
    ["1", "C:\\logs|x", "text: with: colons"],
    ["2", "a", "\xe4\xff\0"],
    ["9", "r", ""],
  ]);
  assert.equal(manager.sink.events[0]?.locationPrefix, "(agent001) any->");
  assert.equal(manager.sink.events[0]?.receivedMs, manager.clock.wallMs());
});

test("AgentConnectionService drops malformed and keepalive events and keeps the connection", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  link.say("no colon", "", "1:keepalive:x", "x", EVENT);
  assert(link.open);
  assert.deepEqual(manager.sink.texts(), [EVENT_OF_WEB]);
  assert.equal(manager.metrics.get("agent_dropped_event_malformed"), 3);
  assert.equal(manager.metrics.get("agent_dropped_event_keepalive"), 1);
});

test("AgentConnectionService cuts an event where the peer's queue message ends", async () => {
  const manager = await startManager();
  const agent = { ...identity("004", "2001:db8::/32"), name: "n".repeat(120) };
  manager.know(agent);
  // In the peer's form each colon of the address has an escape.
  const source = `[004] (${agent.name}) 2001|:0DB8|:0000|:0000|:0000|:0000|:0000|:0000/32->`;
  const textBytesMax = 65_535 - "1:".length - source.length - "loc:".length;
  const link = manager.agent(agent, "2001:db8::7");
  for (const bytes of [textBytesMax - 1, textBytesMax, textBytesMax + 1, 65_400]) {
    link.say(`1:loc:${"x".repeat(bytes)}`);
    assert.equal(manager.sink.events.at(-1)?.message.length, Math.min(bytes, textBytesMax));
  }
});

test("AgentConnectionService refuses a second connection of a live agent, and closes that one only", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const first = manager.greeted(WEB);
  manager.clock.advance(60_000);
  const second = manager.greeted(WEB);
  assert.deepEqual([first.open, second.open], [true, false]);
  assert.deepEqual(manager.warnings, ["Agent key already in use: agent ID '001'"]);
  assert.equal(manager.metrics.get("agent_refused_key_in_use"), 1);
});

test("AgentConnectionService lets a new connection overtake one that was idle too long", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const first = manager.greeted(WEB);
  manager.clock.advance(60_001);
  const second = manager.greeted(WEB);
  assert.deepEqual([first.open, second.open], [false, true]);
  assert.deepEqual(second.answers(), [ACK]);
  assert(manager.log.texts("debug").includes("Idle socket [1] from agent ID '001' will be closed."));
});

test("AgentConnectionService never overtakes with an overtake time of 0", async () => {
  const manager = await startManager({ overtakeSeconds: 0 });
  manager.know(WEB);
  const first = manager.greeted(WEB);
  manager.clock.advance(600_000);
  assert.deepEqual([manager.greeted(WEB).open, first.open], [false, true]);
});

test("AgentConnectionService decides on the overtake after the message was opened: a stranger ends no connection", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const first = manager.greeted(WEB);
  manager.clock.advance(61_000);
  for (const payload of ["!001!x", "!001!#AES:0123456789abcdef", "!001!"]) {
    const stranger = manager.agent(WEB);
    stranger.sayRaw(payload);
    assert.deepEqual([first.open, stranger.open], [true, false], payload);
  }
  assert.equal(manager.greeted(WEB).open, true, "nor did they refresh the idle one");
});

test("AgentConnectionService serves one agent on a connection", async () => {
  const manager = await startManager();
  const other = identity("005");
  manager.know(WEB, other);
  const link = manager.greeted(WEB);
  const { cipher } = manager.agent(other);
  link.sayRaw(cipher.seal(EVENT));
  assert.equal(link.open, false);
  assert.equal(manager.metrics.get("agent_refused_agent_changed"), 1);
});

test("AgentConnectionService sends an ack when all that was read before it is durable, in order", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager.sink.holds = true;
  const link = manager.agent(WEB);
  link.say(STARTUP);
  assert.deepEqual(link.answers(), []);
  manager.sink.settle();
  assert.deepEqual(link.answers(), [ACK]);
  link.say(EVENT, KEEPALIVE, EVENT, '#!-agent startup {"version":"v9.0.0"}', KEEPALIVE);
  assert.equal(manager.sink.events.length, 2);
  assert.deepEqual(link.answers(), []);
  manager.sink.settle();
  const err = '#!-err {"message":"Agent version must be lower or equal to manager version"}';
  assert.deepEqual(link.answers(), [ACK, err, ACK]);
});

test("AgentConnectionService sends nothing to a connection that ended while its ack waited", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager.sink.holds = true;
  const link = manager.greeted(WEB);
  link.connection.destroy = () => {}; // a system that takes its time to close
  manager.forget(WEB);
  manager.sink.settle();
  assert.deepEqual(link.answers(), []);
});

test("AgentConnectionService bounds the answers that wait and the output that is not read", async () => {
  const manager = await startManager();
  manager.know(WEB);
  manager.sink.holds = true;
  const link = manager.greeted(WEB);
  for (let count = 0; count < 2 * ANSWERS_WAITING_MAX; count++) link.say(KEEPALIVE);
  assert.equal(manager.sink.waiting, ANSWERS_WAITING_MAX);
  manager.sink.settle();
  assert.equal(link.answers().length, ANSWERS_WAITING_MAX);
  assert.equal(manager.metrics.get("agent_answers_over_limit"), ANSWERS_WAITING_MAX + 1);

  manager.sink.holds = false;
  link.connection.pendingBytes = OUTPUT_PENDING_BYTES_MAX + 1;
  link.say(KEEPALIVE);
  assert.deepEqual(link.answers(), []);
  assert.equal(manager.service.send(agentId("001"), Buffer.from("#!-x")), "output_full");
  link.connection.pendingBytes = 0;
  link.say(KEEPALIVE);
  assert.deepEqual(link.answers(), [ACK]);
  assert.equal(manager.metrics.get("agent_output_over_limit"), 2);
});

test("AgentConnectionService sends to greeted agents and says why it cannot", async () => {
  const manager = await startManager();
  manager.know(WEB, DATABASE);
  const id = agentId("001");
  const message = Buffer.from("#!-force_reconnect");
  assert.equal(manager.service.send(agentId("999"), message), "agent_unknown");
  assert.equal(manager.service.send(id, message), "not_connected");
  const link = manager.agent(WEB);
  link.say(EVENT);
  assert.equal(manager.service.send(id, message), "not_connected", "an event is no greeting");
  link.say(STARTUP);
  assert.equal(manager.service.send(id, message), "sent");
  assert.deepEqual(link.answers(), [ACK, "#!-force_reconnect"]);
  manager.clock.advance(899_000);
  assert.equal(manager.service.send(id, message), "sent");
  manager.clock.advance(2000);
  assert.equal(manager.service.send(id, message), "agent_disconnected");
  link.say(EVENT);
  assert.equal(manager.service.send(id, message), "sent");
  link.connection.hangUp();
  assert.equal(manager.service.send(id, message), "not_connected");
});

test("AgentConnectionService knows new keys at once and ends sessions of removed and changed ones", async () => {
  const manager = await startManager();
  const early = manager.greeted(WEB);
  assert.equal(early.open, false);
  manager.know(WEB);
  const link = manager.greeted(WEB);
  assert.deepEqual(link.answers(), [ACK]);
  manager.know(WEB);
  assert(link.open, "the same entry again changes nothing");

  const changed = { ...WEB, key: KEY.replace("0011", "9911") };
  manager.know(changed);
  assert.equal(link.open, false);
  assert.equal(manager.greeted(WEB).open, false, "the old key");
  const again = manager.greeted(changed);
  assert(again.open);
  manager.forget(changed);
  assert.deepEqual([again.open, manager.greeted(changed).open], [false, false]);
  manager.know(changed);
  manager.clock.advance(2_000_000);
  assert.deepEqual(
    manager.updates.map(({ kind }) => kind).filter((kind) => kind === "lost"),
    [],
  );
});

test("AgentConnectionService forgets what it received under a key that was replaced", async () => {
  const manager = await startManager({ verifyMessageIds: true });
  const changed = { ...WEB, key: KEY.replace("0011", "9911") };
  manager.know(WEB);
  manager.greeted(WEB).connection.hangUp();
  assert.equal(manager.greeted(WEB).open, false, "counters begin again under the same key");
  manager.know(changed);
  assert(manager.greeted(changed).open);
});

test("AgentConnectionService reports silent agents as lost and raises the peer's event, once", async () => {
  const manager = await startManager({ disconnectionAlertSeconds: 100 });
  manager.know(WEB, DATABASE);
  manager.greeted(WEB).say(KEEPALIVE);
  manager.greeted(DATABASE, "198.51.100.2").say(SHUTDOWN);
  manager.sink.events.length = 0;
  manager.clock.advance(900_000);
  const lost = () => manager.updates.filter(({ kind }) => kind === "lost");
  assert.deepEqual(lost(), []);
  manager.clock.advance(2000);
  assert.equal(lost().length, 1);
  assert.deepEqual(manager.sink.texts(), []);
  manager.clock.advance(100_000);
  assert.deepEqual(manager.sink.texts(), [
    "1:[001] (agent001) any->wazuh-monitord:ossec: Agent disconnected: 'agent001-any'.",
  ]);
  manager.clock.advance(2_000_000);
  assert.deepEqual([lost().length, manager.sink.events.length], [1, 1]);
});

test("AgentConnectionService leaves the event of lost agents to the node that raises it", async () => {
  const manager = await startManager({ raisesDisconnected: false });
  manager.know(WEB);
  manager.greeted(WEB);
  manager.clock.advance(1_000_000);
  assert.equal(manager.updates.at(-1)?.kind, "lost");
  assert.deepEqual(manager.sink.texts(), []);
});

test("AgentConnectionService closes a connection that fell silent without an end", async () => {
  const manager = await startManager();
  manager.know(WEB, identity("005"));
  const silent = manager.greeted(WEB);
  const alive = manager.greeted(identity("005"));
  for (let round = 0; round < 50; round++) {
    manager.clock.advance(20_000);
    alive.say(KEEPALIVE);
  }
  assert.deepEqual([silent.open, alive.open], [false, true]);
});

test("AgentConnectionService closes strangers in time and says nothing about a balancer's probe", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const silent = manager.agent(WEB);
  const pinging = manager.agent(WEB);
  const honest = manager.greeted(WEB);
  for (let probe = 0; probe < 1000; probe++) manager.agent(WEB).connection.hangUp();
  assert.equal(manager.service.unauthenticated, 2);
  manager.clock.advance(20_000);
  pinging.sayRaw("#ping");
  manager.clock.advance(11_000);
  assert.deepEqual([silent.open, pinging.open, honest.open], [false, false, true]);
  assert.deepEqual(manager.warnings, []);
  assert.equal(manager.service.unauthenticated, 0);
});

test("AgentConnectionService never uses a counter twice, after a stop and after a crash", async () => {
  const first = new TestManager();
  await first.service.start();
  first.know(WEB);
  const link = first.greeted(WEB);
  const sealed = link.sealedAnswers();
  assert.equal(sealed.length, 1);
  const crashed = new TestManager({}, first.files);
  await crashed.service.start();
  crashed.know(WEB);
  crashed.greeted(WEB);
  assert.equal(crashed.files.text("/queue/rids/sender_counter"), "20:0:");
  await crashed.service.stop();
  assert.equal(crashed.files.text("/queue/rids/sender_counter"), "10:1:");
});

test("AgentConnectionService ends all connections at stop and listens no more", async () => {
  const manager = await startManager();
  manager.know(WEB);
  const link = manager.greeted(WEB);
  await manager.service.stop();
  assert.equal(link.open, false);
  assert.equal(manager.clock.pendingTimers, 0);
  assert.throws(() => manager.agent(WEB));
});

test("AgentConnectionService keeps the entry of an agent registered first with an address", async () => {
  const manager = await startManager();
  const twin = identity("006", "198.51.100.2", KEY.replace("0011", "7700"));
  manager.know(DATABASE, twin);
  assert(manager.greeted(DATABASE, "198.51.100.2").open);
  assert.equal(manager.greeted(twin, "198.51.100.2").open, false);
  manager.forget(DATABASE);
  assert(manager.greeted(twin, "198.51.100.2").open);
  assert.equal(idOf(twin), "006");
});
