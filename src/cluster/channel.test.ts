/**
 * Goal: requests meet their answers whatever the other side does, and nothing waits or grows for ever. Method: a channel against a raw node, and
 * two channels back to back; the clock moves by hand.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fernetKey, seal } from "#formats/wire/cluster/fernet.ts";
import { encodeMessage, HEADER_BYTES } from "#formats/wire/cluster/frame.ts";
import { FakeConnection } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { Channel } from "./channel.ts";
import { fakeNeeds, RawNode, settled, testCipher, wire } from "./fixture.ts";
import { FRAME_DEADLINE_MS, OUTPUT_BYTES_MAX, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { type Handler, ok } from "./replies.ts";

function rawChannel(handlers: Record<string, Handler> = {}) {
  const needs = fakeNeeds();
  const connection = new FakeConnection({ address: "192.0.2.2", port: 40_000 });
  const ends: (string | null)[] = [];
  const channel = new Channel(
    {
      link: connection,
      cipher: testCipher(needs),
      log: needs.log,
      handlerOf: (command) => handlers[command] ?? null,
      closed: (error) => ends.push(error),
    },
    needs,
  );
  connection.attach({ data: (chunk) => channel.data(chunk), closed: () => channel.close() });
  const node = new RawNode((bytes) => connection.receive(bytes));
  let readTo = 0;
  const answers = () => {
    const fresh = Buffer.concat(connection.sent.slice(readTo));
    readTo = connection.sent.length;
    return node.read(fresh);
  };
  return { needs, connection, channel, node, answers, ends };
}

const echo: Handler = (payload) => ok(payload);

test("Channel answers a request under its counter", () => {
  const { node, answers } = rawChannel({ echo });
  node.send("echo", "hello", 77);
  assert.deepEqual(answers(), [{ counter: 77, command: "ok", payload: Buffer.from("hello") }]);
});

test("Channel answers an unknown command as the peer does", () => {
  const { node, answers } = rawChannel();
  node.send("nonsense", "");
  assert.equal(answers()[0]?.command, "err");
  node.send("it's", "");
  assert.equal(answers()[0]?.payload.toString(), `unknown command 'b"it's"'`);
});

test("Channel turns what a handler throws into an exception of code 1000", async () => {
  const boom = new Error("boom");
  const { node, answers, needs } = rawChannel({
    now: () => {
      throw boom;
    },
    later: () => Promise.reject(boom),
  });
  node.send("now", "");
  node.send("later", "");
  await settled();
  for (const { command, payload } of answers()) {
    assert.equal(command, "err");
    assert.match(payload.toString(), /"code": 1000, "extra_message": "boom"/);
  }
  assert.deepEqual(needs.log.texts("debug"), ["Command received: b'now'", "Command received: b'later'"]);
  assert.deepEqual(needs.log.texts("error"), [
    "Unhandled error processing request 'b'now'': boom",
    "Unhandled error processing request 'b'later'': boom",
  ]);
});

test("Channel tells the outcomes of its requests apart", async () => {
  const { channel, node, answers } = rawChannel();
  const ask = async (word: string, payload: string) => {
    const outcome = channel.request("hello", Buffer.from("x"));
    node.send(word, payload, answers()[0]?.counter);
    return outcome;
  };
  assert.deepEqual(await ask("ok", "fine"), { kind: "ok", payload: Buffer.from("fine") });
  assert.deepEqual(await ask("ok-m", "fine"), { kind: "ok", payload: Buffer.from("fine") });
  const refused = await ask("err", "unknown command 'b'x''");
  assert.equal(
    refused.kind === "failed" && refused.error.text,
    "Error 3000 - Cluster: unknown command 'b'x''",
  );
  const error = await ask("error", "Requested size exceeds maximum allowed limit");
  assert.equal(error.kind === "failed" && error.error.code, 3016);
});

test("Channel takes a request whose counter is one of its own as a request", async () => {
  const { channel, node, answers } = rawChannel({ echo });
  const outcome = channel.request("hello", Buffer.alloc(0));
  const counter = answers()[0]?.counter ?? 0;
  node.send("echo", "same", counter);
  assert.deepEqual(answers()[0]?.payload, Buffer.from("same"));
  node.send("ok", "", counter);
  assert.equal((await outcome).kind, "ok");
});

test("Channel gives up a request after its time and drops the late answer", async () => {
  const { channel, node, answers, needs } = rawChannel();
  const outcome = channel.request("syn_m_c", Buffer.alloc(0));
  const counter = answers()[0]?.counter;
  needs.clock.advance(REQUEST_TIMEOUT_MS);
  const ended = await outcome;
  assert.equal(ended.kind === "failed" && ended.error.text, "Error 3020 - Timeout sending request: syn_m_c");
  node.send("ok", "late", counter);
  assert.deepEqual(answers(), []);
});

test("Channel counts its requests up from a random start, beyond the last counter to zero", () => {
  const { channel, answers } = rawChannel();
  const counters = Array.from({ length: 3 }, () => {
    void channel.request("echo", Buffer.alloc(0));
    return answers()[0]?.counter ?? 0;
  });
  const [first = 0] = counters;
  assert.deepEqual(counters, [first, (first + 1) % 2 ** 32, (first + 2) % 2 ** 32]);
  assert(first > 1);
});

test("Channel closes on what was not sealed with the key, without an answer", () => {
  const { connection, ends } = rawChannel({ echo });
  const token = seal(fernetKey("x".repeat(32)), Buffer.from("hi"), { seconds: 1, iv: Buffer.alloc(16) });
  for (const frame of encodeMessage({ counter: 1, command: "echo" }, token, 2)) connection.receive(frame);
  assert.deepEqual(ends, ["Error 3025 - Could not decrypt message"]);
  assert.deepEqual(connection.sent, []);
  assert(connection.ended);
});

test("Channel closes when a frame is not whole in time, however its bytes trickle", () => {
  const { connection, channel, needs } = rawChannel({ echo });
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(1000, 4);
  connection.receive(header);
  for (let second = 0; second < FRAME_DEADLINE_MS / 1000 - 1; second++) {
    needs.clock.advance(1000);
    connection.receive(Buffer.of(65));
  }
  assert.equal(channel.isClosed, false);
  needs.clock.advance(1000);
  assert.equal(channel.isClosed, true);
  assert.deepEqual(needs.log.texts("warning"), [
    "Closing connection: incomplete message payload not received within deadline.",
  ]);
  assert.equal(needs.clock.pendingTimers, 0);
});

test("Channel gives each frame a deadline of its own", () => {
  const { connection, channel, node, needs } = rawChannel({ echo });
  const frames: Buffer[] = [];
  new RawNode((bytes) => frames.push(bytes)).send("echo", "x");
  const whole = frames[0] ?? Buffer.alloc(0);
  connection.receive(whole.subarray(0, 30));
  needs.clock.advance(FRAME_DEADLINE_MS - 1);
  connection.receive(Buffer.concat([whole.subarray(30), whole.subarray(0, 30)]));
  needs.clock.advance(FRAME_DEADLINE_MS - 1);
  connection.receive(whole.subarray(30));
  needs.clock.advance(FRAME_DEADLINE_MS * 2);
  assert.equal(channel.isClosed, false);
  node.send("echo", "still here");
});

test("Channel says what the peer says of a payload that is too large", () => {
  const { connection, node, needs, channel } = rawChannel({ echo });
  node.send("echo", "known from here on");
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(268_435_457, 4);
  connection.receive(header);
  assert.match(
    needs.log.texts("warning")[0] ?? "",
    /^\[Cluster\] Payload too large\. .*268435457 bytes received/,
  );
  assert(channel.isClosed);
});

test("Channel fails what waits when the connection ends, and everything after it", async () => {
  const { connection, channel, needs } = rawChannel();
  const waiting = channel.request("echo", Buffer.alloc(0));
  connection.hangUp();
  assert.equal((await waiting).kind, "failed");
  assert.equal((await channel.request("echo", Buffer.alloc(0))).kind, "failed");
  assert.equal(needs.clock.pendingTimers, 0);
});

test("Channel reads nothing while too much waits to be sent", () => {
  const { connection, channel, node, answers } = rawChannel({ echo });
  connection.pendingBytes = OUTPUT_BYTES_MAX + 1;
  node.send("echo", "one");
  assert.deepEqual(answers(), []);
  assert(connection.paused);
  connection.pendingBytes = 0;
  channel.drained();
  assert.equal(connection.paused, false);
  assert.equal(answers().length, 1);
});

test("two channels keep order when large messages are sealed and opened elsewhere", async () => {
  const [near, far] = wire();
  const needs = fakeNeeds();
  const seen: number[] = [];
  const make = (link: typeof near, handlers: Record<string, Handler>) => {
    const channel = new Channel(
      {
        link,
        cipher: testCipher(needs),
        log: needs.log,
        handlerOf: (command) => handlers[command] ?? null,
        closed: () => {},
      },
      needs,
    );
    link.handler = { data: (chunk) => channel.data(chunk), closed: () => channel.close() };
    return channel;
  };
  const client = make(near, {});
  make(far, {
    echo: (payload) => {
      seen.push(payload.length);
      return ok(payload);
    },
  });
  // The first message of a stranger must be small.
  await client.request("echo", Buffer.alloc(1));
  const payloads = [6_000_000, 2, 300_000, 3].map((bytes) => Buffer.alloc(bytes, bytes % 251));
  const outcomes = await Promise.all(payloads.map((payload) => client.request("echo", payload)));
  assert.deepEqual(seen, [1, 6_000_000, 2, 300_000, 3]);
  for (const [index, outcome] of outcomes.entries()) {
    assert(outcome.kind === "ok" && outcome.payload.equals(payloads[index] ?? Buffer.alloc(0)));
  }
});

test("Channel survives damaged streams", () => {
  const random = new SeededRandom(30);
  const frames: Buffer[] = [];
  const recorder = new RawNode((bytes) => frames.push(bytes));
  for (const command of ["echo", "nonsense", "ok"]) recorder.send(command, "payload");
  const stream = Buffer.concat(frames);
  for (let round = 0; round < 300; round++) {
    const { connection, channel, needs } = rawChannel({ echo });
    connection.receive(random.mutate(stream));
    connection.hangUp();
    assert(channel.isClosed);
    assert.equal(needs.clock.pendingTimers, 0);
  }
});
