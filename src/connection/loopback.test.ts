/**
 * Goal: the service works on real sockets, and an agent that keeps its events until they are confirmed loses none.
 * Method: loopback connections of the independent test agent; the sink decides when what it took is durable.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Listener, Network } from "#kernel/ports/network.ts";
import { TestAgent, type TestAgentIdentity } from "#testing/agent.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { CONNECTION_DEFAULTS } from "./config.ts";
import { ACK, entryOf, KEY, TestSink, WEB } from "./fixture.ts";
import { RECEIVE_BUFFER_BYTES } from "./limits.ts";
import { AgentConnectionService } from "./service.ts";

/** The machine's network, which tells the port that was free. */
class LoopbackNetwork implements Network {
  readonly bindDatagrams = systemNetwork.bindDatagrams;
  port = 0;
  receiveBufferBytes: number | undefined;

  async listen(...[options, accept]: Parameters<Network["listen"]>): Promise<Listener> {
    this.receiveBufferBytes = options.receiveBufferBytes;
    const listener = await systemNetwork.listen(options, accept);
    this.port = listener.local.port;
    return listener;
  }
}

/** The test's end ends the service, and with it the agents' connections. */
async function startOnLoopback(context: TestContext, sink: TestSink) {
  const network = new LoopbackNetwork();
  const config = {
    ...CONNECTION_DEFAULTS,
    host: "127.0.0.1",
    port: 0,
    processId: 1,
    managerVersion: "v4.14.7",
    countersDirectory: "/rids",
  };
  const service = new AgentConnectionService(config, {
    network,
    clock: new SystemClock(),
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
    random: systemRandom,
    files: new FakeFiles(),
    sink,
    reports: { report: () => {}, keyWanted: () => {}, pushEnded: () => {} },
  });
  await service.start();
  context.after(() => service.stop());
  const agent = (who: TestAgentIdentity) =>
    new TestAgent({ host: "127.0.0.1", port: network.port, identity: who });
  return { service, network, agent };
}

function textsOf(sink: TestSink): string[] {
  return sink.events.map(({ message }) => Buffer.from(message).toString("latin1"));
}

/** Polls a condition that another socket brings about. */
async function until(holds: () => boolean): Promise<void> {
  for (let round = 0; !holds(); round++) {
    assert(round < 5000, "not reached");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("TestAgent connects, is acknowledged and delivers its events in order", async (context) => {
  const sink = new TestSink();
  const { service, agent } = await startOnLoopback(context, sink);
  service.applyKeyChange({ kind: "put", agent: entryOf(WEB) });
  const web = agent(WEB);
  await web.connect();
  for (let number = 0; number < 1000; number++) web.send(`1:log:${number}`);
  assert.equal(await web.keepalive(), ACK);
  assert.deepEqual([web.confirmedCount, web.sentCount], [1000, 1000]);
  assert.deepEqual(
    textsOf(sink),
    Array.from({ length: 1000 }, (_, number) => String(number)),
  );
  await web.shutdown();
  assert.match(textsOf(sink).at(-1) ?? "", /^ossec: Agent stopped/);
});

test("AgentConnectionService lets little of what agents send wait in the system", async (context) => {
  const { network } = await startOnLoopback(context, new TestSink());
  assert.equal(network.receiveBufferBytes, RECEIVE_BUFFER_BYTES);
});

test("TestAgent sends again what was not confirmed, and only that", async (context) => {
  const sink = new TestSink();
  const { service, agent } = await startOnLoopback(context, sink);
  service.applyKeyChange({ kind: "put", agent: entryOf(WEB) });
  const web = agent(WEB);
  await web.connect();
  web.send("1:log:a");
  await web.keepalive();
  sink.holds = true;
  web.send("1:log:b");
  const unanswered = assert.rejects(web.keepalive(), /connection closed/);
  await until(() => sink.waiting > 0);
  await web.drop();
  await unanswered;
  web.send("1:log:c");
  assert.deepEqual([web.confirmedCount, web.sentCount], [1, 3]);

  sink.holds = false;
  await until(() => service.connections === 0);
  await web.connect();
  await web.keepalive();
  assert.deepEqual([web.confirmedCount, web.sentCount], [3, 3]);
  assert.deepEqual(textsOf(sink), ["a", "b", "b", "c"]);
});

test("TestAgent is told why it may not start", async (context) => {
  const { service, agent } = await startOnLoopback(context, new TestSink());
  service.applyKeyChange({ kind: "put", agent: entryOf(WEB) });
  await assert.rejects(agent({ ...WEB, key: KEY.replace("0011", "ffff") }).connect(), /connection closed/);
});

test("AgentConnectionService confirms nothing while it reads nothing, and keeps the agent", async (context) => {
  const sink = new TestSink();
  const { service, agent } = await startOnLoopback(context, sink);
  service.applyKeyChange({ kind: "put", agent: entryOf(WEB) });
  const web = agent(WEB);
  await web.connect();
  sink.pressure = "full";
  web.send("1:log:last one");
  await until(() => sink.events.length === 1);
  web.send("1:log:unread");
  const answer = web.keepalive();
  sink.pressure = "none";
  assert.equal(await answer, ACK);
  assert.deepEqual(textsOf(sink), ["last one", "unread"]);
  await web.shutdown();
});
