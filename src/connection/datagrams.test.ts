/**
 * Goal: agents over UDP are served as over TCP, strangers change nothing, and what is lost is counted.
 * Method: the service on a network in memory; agents seal with code that shares nothing with ours; a real socket once.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { type TestAgentIdentity, TestCipher } from "#testing/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import {
  ACK,
  EVENT,
  EVENT_OF_WEB,
  identity,
  idOf,
  KEEPALIVE,
  SHUTDOWN,
  STARTUP,
  startManager,
  TestManager,
  WEB,
} from "./fixture.ts";

import { DATAGRAM_BYTES_MAX } from "./limits.ts";

const FIRST = { address: "192.0.2.10", port: 40_001 };
const SECOND = { address: "192.0.2.11", port: 40_002 };

/** An agent's end of UDP. */
class TestSender {
  readonly #manager: TestManager;
  readonly cipher: TestCipher;
  remote = FIRST;
  #taken = 0;

  constructor(manager: TestManager, agent: TestAgentIdentity) {
    this.#manager = manager;
    this.cipher = new TestCipher(agent);
  }

  say(...messages: readonly string[]): void {
    for (const message of messages) this.sayRaw(this.cipher.seal(message));
  }

  sayRaw(payload: Buffer): void {
    this.#manager.network.datagram(1514, payload, this.remote);
  }

  answers(): { readonly message: string; readonly port: number }[] {
    const fresh = this.#manager.network.sentDatagrams.slice(this.#taken);
    this.#taken += fresh.length;
    return fresh.map(({ bytes, to }) => ({ message: this.cipher.open(bytes).message, port: to.port }));
  }
}

async function startUdp(changes = {}): Promise<{ manager: TestManager; agent: TestSender }> {
  const manager = await startManager({ protocols: { tcp: true, udp: true }, ...changes });
  manager.know(WEB);
  return { manager, agent: new TestSender(manager, WEB) };
}

test("an agent over UDP starts up, is acknowledged and its events are taken", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP, EVENT, KEEPALIVE);
  assert.deepEqual(agent.answers(), [
    { message: ACK, port: FIRST.port },
    { message: ACK, port: FIRST.port },
  ]);
  assert.deepEqual(manager.sink.texts(), [EVENT_OF_WEB]);
  assert.deepEqual(
    manager.updates.map(({ kind }) => kind),
    ["startup", "keepalive"],
  );
});

test("the line at the start names the protocols, and without TCP nothing listens there", async () => {
  const both = new TestManager({ protocols: { tcp: true, udp: true } });
  await both.service.start();
  assert.deepEqual(both.warnings, ["Started (pid: 4711). Listening on port 1514/TCP,UDP (secure)."]);
  const only = new TestManager({ protocols: { tcp: false, udp: true } });
  await only.service.start();
  assert.deepEqual(only.warnings, ["Started (pid: 4711). Listening on port 1514/UDP (secure)."]);
  assert.throws(() => only.network.connect(1514));
  await only.service.stop();
});

test("an answer goes where the last control message came from, and waits for the journal", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  agent.answers();
  agent.remote = SECOND;
  agent.say(EVENT);
  assert.equal(manager.service.send(idOf(WEB), Buffer.from("#!-force_reconnect")), "sent");
  assert.deepEqual(agent.answers(), [{ message: "#!-force_reconnect", port: FIRST.port }]);
  manager.sink.holds = true;
  agent.say(KEEPALIVE);
  assert.deepEqual(agent.answers(), []);
  manager.sink.settle();
  assert.deepEqual(agent.answers(), [{ message: ACK, port: SECOND.port }]);
});

test("nothing is sent to an agent that sent no control message, or said goodbye", async () => {
  const { manager, agent } = await startUdp();
  agent.say(EVENT);
  assert.equal(manager.service.send(idOf(WEB), Buffer.from("x")), "not_connected");
  agent.say(STARTUP, SHUTDOWN);
  assert.equal(manager.service.send(idOf(WEB), Buffer.from("x")), "not_connected");
  assert.equal(manager.updates.at(-1)?.kind, "shutdown");
});

test("an agent may change from TCP to UDP and back at once", async () => {
  const { manager, agent } = await startUdp();
  const link = manager.greeted(WEB);
  agent.say(STARTUP);
  assert.equal(link.open, false);
  const again = manager.greeted(WEB);
  assert.ok(again.open);
  assert.deepEqual(again.answers(), [ACK]);
  assert.equal(manager.service.send(idOf(WEB), Buffer.from("#!-x")), "sent");
  assert.deepEqual(again.answers(), ["#!-x"]);
});

test("what strangers send changes nothing and is counted", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  agent.answers();
  const random = new SeededRandom(5);
  const good = agent.cipher.seal(KEEPALIVE);
  const stranger = new TestSender(manager, identity("001", "any", "f".repeat(64)));
  stranger.remote = SECOND;
  stranger.say(STARTUP, EVENT);
  for (let round = 0; round < 2000; round++) {
    const damaged = random.mutate(good);
    if (!damaged.equals(good)) stranger.sayRaw(damaged);
  }
  for (let length = 0; length <= 64; length++) stranger.sayRaw(Buffer.alloc(length, "!"));
  assert.equal(manager.service.send(idOf(WEB), Buffer.from("#!-x")), "sent");
  assert.equal(manager.network.sentDatagrams.at(-1)?.to.port, FIRST.port);
  assert.equal(manager.sink.events.length, 0);
  assert.ok(manager.metrics.get("agent_refused_message_unauthentic") > 0);
});

test("a datagram that no key opens is a wish for the key, where keys are asked for", async () => {
  const { manager, agent } = await startUdp({ asksForKeys: true });
  agent.sayRaw(Buffer.from("!007!#AES:x"));
  agent.sayRaw(Buffer.from("!007!#AES:x"));
  assert.deepEqual(manager.keysWanted, [{ kind: "id", id: "007" }]);
});

test("#ping is answered with #pong, which is no longer", async () => {
  const { manager, agent } = await startUdp();
  agent.sayRaw(Buffer.from("#ping"));
  assert.deepEqual(
    manager.network.sentDatagrams.map(({ bytes, to }) => [bytes.toString(), to]),
    [["#pong", FIRST]],
  );
});

test("gaps in the message counters are counted, late messages too, and a new count is no loss", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  const lost = [agent.cipher.seal(EVENT), agent.cipher.seal(EVENT)];
  agent.say(EVENT);
  assert.equal(manager.metrics.get("agent_datagrams_missing"), 2);
  assert.equal(manager.service.countsOf(idOf(WEB))?.missing, 2);
  agent.sayRaw(lost[1] ?? Buffer.alloc(0));
  assert.equal(manager.metrics.get("agent_datagrams_late"), 1);
  const ahead = new TestSender(manager, WEB);
  for (let sent = 0; sent < 2000; sent++) ahead.cipher.seal("x");
  ahead.say(EVENT); // the 2001st after the 4th
  assert.equal(manager.metrics.get("agent_datagrams_missing"), 2 + 1996);
  const anew = new TestSender(manager, WEB);
  anew.say(EVENT, EVENT);
  assert.equal(manager.metrics.get("agent_datagrams_late"), 1);
  assert.equal(manager.metrics.get("agent_datagrams_missing"), 2 + 1996);
});

/** Bytes that no compressor makes smaller. */
function noise(bytes: number): Buffer {
  return new SeededRandom(11).bytes(bytes);
}

test("a message to an agent that is more than a datagram when it is sealed is not sent, and told", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  agent.answers();
  const id = idOf(WEB);
  const results = new Set<string>();
  for (let bytes = MESSAGE_BYTES_MAX - 40; bytes <= MESSAGE_BYTES_MAX; bytes++)
    results.add(`${manager.service.send(id, noise(bytes))}`);
  assert.deepEqual([...results], ["sent", "output_full"], "short ones are sent, the longest are not");
  const longest = manager.network.sentDatagrams.reduce((most, { bytes }) => Math.max(most, bytes.length), 0);
  assert(longest > DATAGRAM_BYTES_MAX - 16 && longest <= DATAGRAM_BYTES_MAX, `${longest}`);
  assert((manager.metrics.get("agent_datagrams_too_long") ?? 0) > 0);
  assert.match(manager.warnings.at(-1) ?? "", /'001' has 655\d\d bytes sealed, more than a datagram carries/);
  assert.equal(manager.service.send(id, Buffer.alloc(MESSAGE_BYTES_MAX, "x")), "sent");
  assert.equal(agent.answers().at(-1)?.message.length, MESSAGE_BYTES_MAX);
});

test("the longest datagram of an agent is an event", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  const head = Buffer.from("1:/var/log/x:");
  let bytes = MESSAGE_BYTES_MAX - head.length;
  let sealed = agent.cipher.seal(Buffer.concat([head, noise(bytes)]));
  while (sealed.length > DATAGRAM_BYTES_MAX)
    sealed = agent.cipher.seal(Buffer.concat([head, noise(--bytes)]));
  assert(sealed.length > DATAGRAM_BYTES_MAX - 16, `${sealed.length}`);
  agent.sayRaw(sealed);
  const { message } = manager.sink.events.at(-1) ?? {};
  assert.deepEqual(message, noise(bytes));
});

test("what the journal does not take is dropped and counted, and asks for no answer", async () => {
  const { manager, agent } = await startUdp();
  agent.say(STARTUP);
  agent.answers();
  manager.sink.refuses = true;
  agent.say(EVENT, EVENT, KEEPALIVE);
  assert.equal(manager.metrics.get("agent_datagrams_dropped"), 2);
  assert.deepEqual(agent.answers(), []);
  manager.sink.refuses = false;
  manager.clock.advance(200);
  agent.say(EVENT);
  assert.deepEqual(manager.sink.texts(), [EVENT_OF_WEB, EVENT_OF_WEB]);
});

test("what was lost here is told as an event, once a minute at most", async () => {
  const { manager, agent } = await startUdp();
  const table = (drops: number) =>
    Buffer.from(
      `  1: 00000000:05EA 00000000:0000 07 0:0 00:0 00000000 0 0 19005 2 0000000068a5e2a1 ${drops}\n`,
    );
  manager.files.replace("/proc/net/udp", table(7));
  manager.sink.refuses = true;
  agent.say(EVENT, EVENT);
  manager.sink.refuses = false;
  manager.clock.advance(5000);
  const notice = "ossec: Messages lost: '8' on port 1514/UDP (secure): journal 1, receive_buffer 7.";
  assert.deepEqual(manager.sink.texts(), [EVENT_OF_WEB, `1:[000] wazuh-remoted:${notice}`]);
  assert.equal(manager.metrics.get("agent_datagrams_dropped_by_kernel"), 7);
  assert.deepEqual(manager.warnings, [notice]);
  manager.files.replace("/proc/net/udp", table(9));
  manager.clock.advance(59_000);
  assert.equal(manager.sink.events.length, 2);
  manager.clock.advance(6000);
  assert.match(manager.sink.texts().at(-1) ?? "", /lost: '2'.*: receive_buffer 2\.$/);
});

test("repeated messages are refused where that is asked for", async () => {
  const { manager, agent } = await startUdp({ verifyMessageIds: true });
  const sealed = agent.cipher.seal(EVENT);
  agent.sayRaw(sealed);
  agent.sayRaw(sealed);
  assert.equal(manager.sink.events.length, 1);
  assert.equal(manager.metrics.get("agent_refused_counter_repeated"), 1);
});

for (const host of ["127.0.0.1", "::1"]) {
  test(`a datagram socket of the system, on ${host}`, async () => {
    const received: { bytes: Buffer; address: string }[] = [];
    const options = { host, port: 0, receiveBufferBytes: 65_536 };
    const socket = await systemNetwork.bindDatagrams(options, (bytes, remote) => {
      received.push({ bytes, address: remote.address });
      socket.send(Buffer.from("answer"), remote);
    });
    const client = createSocket(host === "::1" ? "udp6" : "udp4");
    client.send("question", socket.local.port, host);
    const [answer] = await once(client, "message");
    assert.equal(String(answer), "answer");
    assert.deepEqual(received, [{ bytes: Buffer.from("question"), address: host }]);
    const longest = noise(DATAGRAM_BYTES_MAX);
    client.send(longest, socket.local.port, host);
    await once(client, "message");
    assert.deepEqual(received.at(-1)?.bytes, longest);
    await assert.rejects(
      systemNetwork.bindDatagrams({ ...options, port: socket.local.port }, () => {}),
      { code: "port_taken" },
    );
    client.close();
    await socket.close();
  });
}
