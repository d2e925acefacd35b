/**
 * Goal: local programs are answered as the peer answers them, and none of them can hold memory or time. Method: the services on sockets
 * in memory, fed whole, byte by byte and cut; the peer's errors as a table; our own socket with its own client.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { AgentCounts } from "#model/agent-counts.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { answerControl, type ControlCommands } from "./control.ts";
import { askManager } from "./control-client.ts";
import { FramedService, ONE_FRAME } from "./framed-service.ts";
import { ANSWER_MS_MAX, CLIENTS_MAX, REQUEST_MS_MAX } from "./limits.ts";
import type { RemoteNeeds, RequestOutcome } from "./needs.ts";
import { answerRemote } from "./remote.ts";

const PATH = "/home/queue/sockets/test";

function frame(payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

async function serve(answer: (request: Buffer) => Promise<Uint8Array | null>) {
  const needs = {
    clock: new FakeClock(),
    localSockets: new FakeLocalSockets(),
    metrics: new RecordingMetrics(),
    answer,
  };
  const service = new FramedService(PATH, needs);
  await service.start();
  return { ...needs, service, connect: () => needs.localSockets.connect(PATH) };
}

test("FramedService answers one request however it is cut, and hangs up", async () => {
  const { connect, clock } = await serve((request) => Promise.resolve(Buffer.concat([request, request])));
  const bytes = frame("hello");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const client = connect();
    client.receive(bytes.subarray(0, cut));
    client.receive(bytes.subarray(cut));
    client.receive(frame("another"));
    await settled();
    assert.deepEqual(client.sentBytes, frame("hellohello"), `cut at ${cut}`);
    assert(client.ended);
  }
  assert.equal(clock.pendingTimers, 0);
});

test("FramedService sends a long answer in several frames and none for null", async () => {
  const long = Buffer.alloc(65_537, "x");
  const { connect } = await serve((request) => Promise.resolve(request.length === 0 ? null : long));
  const client = connect();
  client.receive(frame("x"));
  const empty = connect();
  empty.receive(frame(""));
  await settled();
  assert.deepEqual(client.sentBytes, Buffer.concat([frame(long.subarray(0, 65_536)), frame("x")]));
  assert.equal(empty.sent.length, 0);
  assert(empty.ended);
});

test("FramedService sends a long answer in one frame to those who read one", async () => {
  const long = Buffer.alloc(200_000, "x");
  const localSockets = new FakeLocalSockets();
  const needs = { clock: new FakeClock(), localSockets, metrics: new RecordingMetrics(), answer: () => long };
  await new FramedService(PATH, needs, ONE_FRAME).start();
  const client = localSockets.connect(PATH);
  client.receive(frame("x"));
  assert.deepEqual(client.sentBytes, frame(long));
});

test("FramedService ends clients that are silent, send too much or are too many", async () => {
  const { connect, clock, metrics } = await serve(() => new Promise(() => {}));
  const silent = connect();
  silent.receive(frame("hello").subarray(0, 6));
  clock.advance(REQUEST_MS_MAX);
  assert(silent.ended);
  assert.equal(metrics.get("local_clients_silent"), 1);
  const large = connect();
  large.receive(Buffer.of(1, 0, 1, 0));
  assert(large.ended);
  const clients = Array.from({ length: CLIENTS_MAX }, connect);
  assert(connect().ended);
  assert.equal(metrics.get("local_clients_over_limit"), 1);
  const [first] = clients;
  first?.hangUp();
  assert(!connect().ended, "its place is free");
});

test("FramedService waits for an answer as long as it takes, then not for ever for its reader", async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const { connect, clock, service } = await serve(() => promise);
  const waiting = connect();
  waiting.receive(frame("x"));
  const gone = connect();
  gone.receive(frame("x"));
  gone.hangUp();
  clock.advance(10 * ANSWER_MS_MAX);
  assert(!waiting.ended);
  resolve(Buffer.from("late"));
  await settled();
  assert.deepEqual(waiting.sentBytes, frame("late"));
  assert.equal(gone.sent.length, 0);
  assert.equal(clock.pendingTimers, 0);
  await service.stop();
});

const COMMANDS: ControlCommands = {
  echo: (parameters) => parameters,
  nothing: () => undefined,
  fails: () => Promise.reject(new CodedError("no_agent", "There is no such agent")),
  long: () => "x".repeat(200_000),
};

async function control(request: string): Promise<unknown> {
  return JSON.parse((await answerControl(COMMANDS, Buffer.from(request))).toString("utf8"));
}

test("answerControl() runs the commands of its table and nothing else", async () => {
  assert.deepEqual(await control('{"command":"echo","parameters":{"a":"\u00e9"}}'), {
    data: { a: "\u00e9" },
  });
  assert.deepEqual(await control('{"command":"nothing"}'), { data: null });
  assert.deepEqual(await control('{"command":"fails"}'), {
    code: "no_agent",
    message: "There is no such agent",
  });
  const refusals = [
    ["", "request_invalid"],
    ["[]", "request_invalid"],
    ["{}", "request_invalid"],
    ['{"command":"echo","parameters":[]}', "request_invalid"],
    ['{"command":"toString"}', "command_unknown"],
    ['{"command":"__proto__"}', "command_unknown"],
  ];
  for (const [request = "", code] of refusals) {
    const answer = await control(request);
    assert(typeof answer === "object" && answer !== null && "code" in answer);
    assert.equal(answer.code, code, request);
  }
});

test("askManager() gives what a command gives, throws what it throws, and says when nobody is there", async () => {
  const { localSockets } = await serve((request) => answerControl(COMMANDS, request));
  const ask = (command: string, parameters = {}) => askManager(localSockets, PATH, { command, parameters });
  assert.deepEqual(await ask("echo", { a: 1 }), { a: 1 });
  assert.equal(await ask("long"), "x".repeat(200_000));
  await assert.rejects(ask("fails"), { code: "no_agent", message: "There is no such agent" });
  await assert.rejects(ask("echo", { a: "x".repeat(65_536) }), { code: "request_too_large" });
  const nowhere = askManager(localSockets, "/nowhere", { command: "echo", parameters: {} });
  await assert.rejects(nowhere, { code: "manager_unreachable" });
  const silent = await serve(() => Promise.resolve(null));
  const unanswered = askManager(silent.localSockets, PATH, { command: "echo", parameters: {} });
  await assert.rejects(unanswered, { code: "answer_invalid" });
});

const COUNTS: AgentCounts = {
  sinceMs: 1_700_000_000_999,
  keepalives: 3,
  startups: 1,
  shutdowns: 2,
  requestAnswers: 4,
  events: 50,
  sent: { ack: 4, ar: 5, request: 6, sca: 7, shared: 8 },
  notSent: 9,
  lastMs: 0,
  missing: 0,
};

function remoteNeeds(changes: Partial<RemoteNeeds> = {}): RemoteNeeds {
  return {
    request: () => Promise.resolve({ ok: true, answer: Buffer.from("ok {}") }),
    counters: () => ({ agent_keepalives: 2, agent_startups: 1, agent_events: 7, agent_sent_ack: 3 }),
    agentCounts: (ids) => Promise.resolve(ids.map((id) => (id === "002" ? null : COUNTS))),
    activeAgents: () => [],
    section: (name) => (name === "remote" ? { remote: [] } : null),
    assignGroup: (id) => (id === "001" ? "default" : null),
    wallMs: () => 1_800_000_000_500,
    startedMs: 1_700_000_000_000,
    queueSize: 131_072,
    ...changes,
  };
}

async function remote(request: string | object, needs = remoteNeeds()): Promise<string> {
  const bytes = Buffer.from(typeof request === "string" ? request : JSON.stringify(request), "latin1");
  return Buffer.from((await answerRemote(needs, bytes)) ?? "(hung up)").toString("latin1");
}

test("answerRemote() asks an agent and gives its bytes, or the peer's words for why not", async () => {
  const asked: string[] = [];
  const outcomes: RequestOutcome[] = [{ ok: true, answer: Buffer.from("ok \0\xff", "latin1") }];
  const needs = remoteNeeds({
    request: (id, payload) => {
      asked.push(`${id}|${Buffer.from(payload).toString("latin1")}`);
      return Promise.resolve(outcomes.shift() ?? { ok: false, code: "none" });
    },
  });
  assert.equal(await remote("001 com write 1 f \xfe", needs), "ok \0\xff");
  assert.deepEqual(asked, ["001|com write 1 f \xfe"]);
  const failures = [
    ["not_sent", "err Cannot send request"],
    ["not_confirmed", "err Maximum attempts exceeded"],
    ["not_answered", "err Response timeout"],
    ["too_many", "err Internal error"],
  ] as const;
  for (const [code, text] of failures) {
    outcomes.push({ ok: false, code });
    assert.equal(await remote("001 agent getstate", needs), text);
  }
  assert.equal(await remote("nobody agent getstate", needs), "err Cannot send request");
  assert.equal(await remote("001", needs), "(hung up)");
  assert.equal(await remote("", needs), "(hung up)");
});

test("answerRemote() refuses what is wrong with the peer's numbers and words", async () => {
  const ids = Array.from({ length: 150 }, (_, index) => index + 1);
  const cases: readonly (readonly [string | object, number, string])[] = [
    ["{", 2, "Invalid JSON input"],
    ["{}", 3, "Empty command"],
    [{ command: 1 }, 3, "Empty command"],
    [{ command: "x" }, 4, "Unrecognized command"],
    [{ command: "getconfig" }, 5, "Empty parameters"],
    [{ command: "getagentsstats", parameters: [] }, 5, "Empty parameters"],
    [{ command: "getconfig", parameters: {} }, 6, "Empty section"],
    [{ command: "getconfig", parameters: { section: "auth" } }, 7, "Unrecognized or not configured section"],
    [{ command: "getagentsstats", parameters: { agents: "some" } }, 8, "Invalid agents parameter"],
    [{ command: "getagentsstats", parameters: { agents: ["1"] } }, 9, "Error getting agents from DB"],
    [
      { command: "getagentsstats", parameters: { agents: [-1, 1e9, 0.5] } },
      9,
      "Error getting agents from DB",
    ],
    [{ command: "getagentsstats", parameters: { agents: "all" } }, 10, "Empty last id"],
    [{ command: "getagentsstats", parameters: { agents: ids } }, 11, "Too many agents"],
    [{ command: "assigngroup", parameters: { agent: 1 } }, 12, "Invalid agent or md5 parameter"],
  ];
  for (const [request, error, message] of cases)
    assert.deepEqual(
      JSON.parse(await remote(request)),
      { error, message, data: {} },
      JSON.stringify(request),
    );
});

test("answerRemote() gives configuration, groups and statistics", async () => {
  const section = { command: "getconfig", parameters: { section: "remote" } };
  assert.equal(await remote(section), '{"error":0,"message":"ok","data":{"remote":[]}}');
  const assigned = { command: "assigngroup", parameters: { agent: "001", md5: "x" } };
  assert.equal(await remote(assigned), '{"error":0,"message":"ok","data":{"group":"default"}}');
  const { data } = JSON.parse(await remote({ command: "getstats" }));
  assert.equal(data.uptime, 1_700_000_000);
  assert.equal(data.timestamp, 1_800_000_000);
  assert.equal(data.metrics.messages.received_breakdown.control, 3);
  assert.equal(data.metrics.messages.received_breakdown.event, 7);
  assert.equal(data.metrics.messages.sent_breakdown.ack, 3);
  const agents = { command: "getagentsstats", parameters: { agents: [1, 2] } };
  assert.deepEqual(JSON.parse(await remote(agents)).data, {
    timestamp: 1_800_000_000,
    name: "wazuh-remoted",
    agents: [
      {
        uptime: 1_700_000_000,
        id: 1,
        metrics: {
          messages: {
            received_breakdown: {
              control: 10,
              control_breakdown: { keepalive: 3, request: 4, shutdown: 2, startup: 1 },
              event: 50,
            },
            sent_breakdown: { ack: 4, ar: 5, discarded: 9, request: 6, sca: 7, shared: 8 },
          },
        },
      },
    ],
  });
});

test("answerRemote() gives all agents page by page, each page small enough for one frame", async () => {
  const page = (count: number) =>
    remoteNeeds({
      activeAgents: (_, limit) => Array.from({ length: Math.min(count, limit) }, () => "001" as never),
    });
  const all = { command: "getagentsstats", parameters: { agents: "all", last_id: 0 } };
  const full = await remote(all, page(1000));
  assert.match(full, /^\{"error":1,"message":"due"/);
  assert.equal(JSON.parse(full).data.agents.length, 150);
  assert(full.length < 65_536);
  assert.match(await remote(all, page(149)), /^\{"error":0,"message":"ok"/);
  const broken = await remote(all, remoteNeeds({ activeAgents: () => null }));
  assert.deepEqual(JSON.parse(broken), { error: 9, message: "Error getting agents from DB", data: {} });
});

test("answerRemote() and answerControl() survive damaged requests", async () => {
  const random = new SeededRandom(5);
  const whole = Buffer.from('{"command":"getagentsstats","parameters":{"agents":[1,2],"last_id":3}}');
  for (let round = 0; round < 500; round++) {
    await answerRemote(remoteNeeds(), random.mutate(whole));
    await answerControl(COMMANDS, random.mutate(whole));
  }
});
