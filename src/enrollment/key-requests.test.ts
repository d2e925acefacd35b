/**
 * Goal: an unknown agent's key comes from elsewhere, once at a time, checked, and nothing that is asked can block or be believed blindly.
 * Method: programs and sockets that the test plays, a fake clock, and a real registry behind the enroller.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { KEY_ANSWER_BYTES_MAX } from "#formats/wire/enrollment/key-answer.ts";
import { parseIpAddress } from "#model/address.ts";
import { type AgentName, agentIdOf, type KeyWish } from "#model/agent.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { FakeProcesses } from "#testing/processes.ts";
import { Enroller } from "./enroller.ts";
import { EnrollmentEvents } from "./events.ts";
import { CONFIG, EnrollmentBench } from "./fixture.ts";
import { type KeyRequestConfig, KeyRequests } from "./key-requests.ts";

const SOCKET = "/keys.sock";
const KEY = "a".repeat(64);
const PROGRAM: KeyRequestConfig = {
  source: { kind: "program", program: "/bin/keys", args: ["-v"] },
  timeoutMs: 60_000,
  parallel: 1,
  waitingMax: 2,
};

async function setUp(t: TestContext, changes: Partial<KeyRequestConfig> = {}, keys = "") {
  const bench = await EnrollmentBench.start(t, {}, { keys });
  const processes = new FakeProcesses();
  const localSockets = new FakeLocalSockets();
  const { clock, random, registry, metrics, log } = bench;
  const events = new EnrollmentEvents({ clock, log, metrics });
  const enroller = new Enroller({
    config: CONFIG,
    password: null,
    clock,
    random,
    registry,
    events,
    master: null,
  });
  const needs = { clock, processes, localSockets, events, adopt: enroller.adopt.bind(enroller) };
  const requests = new KeyRequests({ ...PROGRAM, ...changes }, needs);
  const said = () => log.lines.map(({ text }) => text);
  /** What was answered is taken, then what follows from it is written. */
  const settle = async (): Promise<void> => {
    await bench.settle();
    await bench.settle();
  };
  return { bench, processes, localSockets, requests, clock, metrics, registry, said, settle };
}

function wishOf(idNumber: number): KeyWish {
  return { kind: "id", id: agentIdOf(idNumber) };
}

function wishFrom(text: string): KeyWish {
  const address = parseIpAddress(text);
  assert(address !== null);
  return { kind: "ip", address };
}

function answerOf(id: string, changes: object = {}): string {
  return JSON.stringify({ error: 0, data: { id, name: `agent-${id}`, ip: "any", key: KEY, ...changes } });
}

test("KeyRequests asks the program and stores the agent that it names", async (t) => {
  const { bench, processes, requests, metrics, registry, settle } = await setUp(t);
  requests.want(wishOf(7));
  assert.deepEqual([processes.last.command, ...processes.last.args], ["/bin/keys", "-v", "id", "007"]);
  const text = answerOf("007");
  processes.last.output(text.slice(0, 20));
  processes.last.output(text.slice(20));
  processes.last.end(0);
  await settle();
  assert.equal(bench.keys, `007 agent-007 any ${KEY}\n`);
  assert.equal(registry.agents.find(agentIdOf(7))?.status, "never_connected");
  assert.equal(metrics.get("key_requests_answered"), 1);
});

test("KeyRequests asks for one key once at a time, so many at a time, and keeps so many waiting", async (t) => {
  const { processes, requests, metrics, settle } = await setUp(t);
  for (const number of [1, 1, 2, 3, 3, 4, 5]) requests.want(wishOf(number));
  assert.equal(processes.started.length, 1);
  assert.equal(metrics.get("key_requests_over_limit"), 2);
  for (const id of ["001", "002", "003"]) {
    assert.equal(processes.last.args.at(-1), id);
    processes.last.end(1);
    await settle();
  }
  assert.equal(processes.started.length, 3);
  requests.want(wishOf(1));
  assert.equal(processes.started.length, 4);
});

test("KeyRequests stops a program that takes too long, and goes on with the next question", async (t) => {
  const { bench, clock, processes, requests, said, settle } = await setUp(t);
  requests.want(wishOf(1));
  requests.want(wishOf(2));
  const slow = processes.last;
  clock.advance(60_000);
  await settle();
  assert.equal(slow.stopped, true);
  assert.equal(processes.last.args.at(-1), "002");
  assert(said().includes("The key request for id '001' failed: no answer in time"));
  slow.output(answerOf("001"));
  slow.end(0);
  await settle();
  assert.equal(bench.keys, "");
});

test("KeyRequests uses no answer that is none, is of another agent, or is too long", async (t) => {
  const { bench, processes, requests, metrics, settle } = await setUp(t);
  const answers = ["", "no", '{"error":7,"message":"who?"}', answerOf("008"), answerOf("007", { ip: "x" })];
  for (const answer of [...answers, `${answerOf("007")}${" ".repeat(KEY_ANSWER_BYTES_MAX)}`]) {
    requests.want(wishOf(7));
    processes.last.output(answer);
    processes.last.end(0);
    await settle();
  }
  requests.want(wishFrom("10.0.0.7"));
  assert.deepEqual(processes.last.args, ["-v", "ip", "10.0.0.7"]);
  processes.last.output(answerOf("007", { ip: "10.0.0.8" }));
  processes.last.end(0);
  await settle();
  assert.equal(bench.keys, "");
  assert.equal(metrics.get("key_requests_refused"), 5);
  assert.equal(metrics.get("key_requests_unknown"), 1);
  assert.equal(metrics.get("key_requests_failed"), 1);
});

test("KeyRequests asks a socket, which may leave the connection open", async (t) => {
  const { bench, localSockets, requests, settle } = await setUp(t, {
    source: { kind: "socket", path: SOCKET, otherwise: null },
  });
  const asked: string[] = [];
  const listener = await localSockets.listen(
    { path: SOCKET, permissions: 0o660, backlog: 1 },
    (connection) => ({
      data: (chunk) => {
        asked.push(chunk.toString());
        const answer = Buffer.from(answerOf("007", { ip: "10.0.0.7" }));
        connection.write(answer.subarray(0, 10));
        connection.write(answer.subarray(10));
      },
      closed: () => {},
    }),
  );
  requests.want(wishFrom("10.0.0.7"));
  await settle();
  assert.deepEqual(asked, ["ip:10.0.0.7"]);
  assert.equal(bench.keys, `007 agent-007 10.0.0.7 ${KEY}\n`);
  await listener.close();
});

test("KeyRequests tries a socket three times", async (t) => {
  const { clock, requests, said, settle } = await setUp(t, {
    source: { kind: "socket", path: SOCKET, otherwise: null },
  });
  requests.want(wishOf(1));
  for (const waitMs of [0, 1000, 2000]) {
    assert.equal(said().length, 1, "only the start of the service was said");
    clock.advance(waitMs);
    await settle();
  }
  assert.match(said().at(-1) ?? "", /^The key request for id '001' failed: connect ENOENT/);
});

test("KeyRequests asks the program when nothing comes from the socket", async (t) => {
  const { bench, clock, localSockets, metrics, processes, requests, said, settle } = await setUp(t, {
    source: { kind: "socket", path: SOCKET, otherwise: { kind: "program", program: "/bin/keys", args: [] } },
  });
  const fallsBack = async (id: string): Promise<void> => {
    assert.deepEqual(processes.last.args, ["id", id]);
    assert.equal(said().at(-1), "Socket connect fail. Trying to run 'exec_path'");
    processes.last.output(answerOf(id));
    processes.last.end(0);
    await settle();
    assert(bench.keys.includes(`${id} agent-${id} any ${KEY}\n`));
  };
  // Nobody listens.
  requests.want(wishOf(1));
  for (const waitMs of [0, 1000, 2000]) {
    clock.advance(waitMs);
    await settle();
  }
  await fallsBack("001");
  // It hangs up, or is silent.
  let hangsUp = true;
  const listener = await localSockets.listen(
    { path: SOCKET, permissions: 0o660, backlog: 1 },
    (connection) => ({
      data: () => {
        if (hangsUp) connection.destroy();
      },
      closed: () => {},
    }),
  );
  requests.want(wishOf(2));
  await settle();
  await fallsBack("002");
  hangsUp = false;
  requests.want(wishOf(3));
  await settle();
  clock.advance(60_000);
  await settle();
  await fallsBack("003");
  assert.equal(metrics.get("key_requests_by_program"), 3);
  await listener.close();
});

test("KeyRequests.stop() lets go of programs, and nothing is asked afterwards", async (t) => {
  const { processes, requests, said } = await setUp(t);
  requests.want(wishOf(1));
  requests.want(wishOf(2));
  const lines = said().length;
  await requests.stop();
  assert.equal(processes.last.stopped, true);
  requests.want(wishOf(3));
  assert.equal(processes.started.length, 1);
  assert.equal(said().length, lines);
});

test("Enroller.adopt() leaves an agent its place unless <force> gives it away", async (t) => {
  const old = `007 agent-007 any ${"b".repeat(64)}\n`;
  const { bench, processes, registry, requests, metrics, said, settle } = await setUp(t, {}, old);
  const ask = async (wish: KeyWish, answer: string): Promise<void> => {
    requests.want(wish);
    processes.last.output(answer);
    processes.last.end(0);
    await settle();
  };
  registry.agents.setStatus(agentIdOf(7), { status: "active", atSeconds: 1 });
  await ask(wishOf(7), answerOf("007"));
  await ask(wishOf(8), answerOf("008", { name: "agent-007" }));
  assert.equal(bench.keys, old);
  const because = "Agent '007' can't be replaced since it is not disconnected.";
  assert(said().includes(`Duplicate ID '007', rejecting enrollment. ${because}`));
  assert(said().includes(`Duplicate name 'agent-007', rejecting enrollment. ${because}`));
  assert.equal(metrics.get("key_requests_refused"), 2);

  registry.agents.setStatus(agentIdOf(7), {
    status: "disconnected",
    statusCode: 4,
    atSeconds: 1,
  });
  await ask(wishOf(7), answerOf("007"));
  assert.equal(bench.keys, `007 agent-007 any ${KEY}\n`);
  assert.equal(registry.keys.byName("agent-007" as AgentName)?.key.reveal(), KEY);
  const before = said().length;
  await ask(wishOf(7), answerOf("007"));
  assert.equal(bench.keys, `007 agent-007 any ${KEY}\n`, "the same agent again changes nothing");
  assert(
    !said()
      .slice(before)
      .some((text) => text.includes("Removing")),
  );
});
