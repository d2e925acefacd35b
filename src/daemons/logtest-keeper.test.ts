/** Goal: the log test comes back, and never ends the manager. Method: threads that fail, hang and refuse when the test says so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog } from "#testing/log.ts";
import { type KeptThread, LogtestKeeper, REQUEST_MS_MAX, RESTART_DELAY_MS } from "./logtest-keeper.ts";

class FakeThread implements KeptThread {
  readonly ready: Promise<string>;
  counters: Readonly<Record<string, number>> = {};
  terminated = false;
  readonly lost: (name: string, error: CodedError) => void;

  constructor(lost: FakeThread["lost"], ready: Promise<string>) {
    this.lost = lost;
    this.ready = ready;
  }

  terminate(): Promise<number> {
    this.terminated = true;
    return Promise.resolve(1);
  }
}

function keeperOf(ready: () => Promise<string> = () => Promise.resolve("")) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const threads: FakeThread[] = [];
  const startThread = (lost: FakeThread["lost"]) => {
    const thread = new FakeThread(lost, ready());
    threads.push(thread);
    return thread;
  };
  return { keeper: new LogtestKeeper({ clock, log, startThread }), clock, log, threads };
}

/** Time passes; a thread that lives tells its counters every second. */
function pass(clock: FakeClock, milliseconds: number, alive: FakeThread | undefined): void {
  for (let passed = 0; passed < milliseconds; passed += 1000) {
    if (alive !== undefined) alive.counters = { seconds: passed };
    clock.advance(1000);
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("LogtestKeeper starts a thread anew that failed", async () => {
  const { keeper, clock, log, threads } = keeperOf();
  await keeper.start();
  pass(clock, 10 * REQUEST_MS_MAX, threads[0]);
  assert.equal(threads.length, 1);
  threads[0]?.lost("logtest", new CodedError("thread_failed", "out of memory"));
  clock.advance(RESTART_DELAY_MS - 1);
  assert.equal(threads.length, 1);
  clock.advance(1);
  assert.equal(threads.length, 2);
  assert.deepEqual(log.texts("error"), [
    "The log test ended: out of memory; its sessions are lost, and it is started again",
  ]);
  await keeper.stop();
});

test("LogtestKeeper ends a thread that says nothing for too long, and starts another", async () => {
  const { keeper, clock, log, threads } = keeperOf();
  await keeper.start();
  pass(clock, REQUEST_MS_MAX, threads[0]);
  pass(clock, REQUEST_MS_MAX - 5000, undefined);
  assert.equal(threads[0]?.terminated, false);
  pass(clock, 10_000, undefined);
  assert.equal(threads[0]?.terminated, true);
  await settled();
  clock.advance(RESTART_DELAY_MS);
  assert.equal(threads.length, 2);
  assert.match(log.texts("error")[0] ?? "", /it was busy for 60 s/);
  pass(clock, REQUEST_MS_MAX, threads[1]);
  assert.equal(threads[1]?.terminated, false);
  await keeper.stop();
});

test("LogtestKeeper says that a thread cannot serve, and leaves it", async () => {
  const failed = () => Promise.reject(new CodedError("socket_path_taken", "/s is no socket"));
  const { keeper, clock, log, threads } = keeperOf(failed);
  await keeper.start();
  clock.advance(10 * REQUEST_MS_MAX);
  assert.equal(threads.length, 1);
  assert.deepEqual(log.texts("error"), ["The log test cannot be served: /s is no socket"]);
  assert.deepEqual(keeper.counters, {});
  await keeper.stop();
});

test("LogtestKeeper starts nothing once it was stopped", async () => {
  const { keeper, clock, threads } = keeperOf();
  await keeper.start();
  threads[0]?.lost("logtest", new CodedError("thread_failed", "x"));
  await keeper.stop();
  threads[0]?.lost("logtest", new CodedError("thread_failed", "x"));
  clock.advance(10 * REQUEST_MS_MAX);
  assert.equal(threads.length, 1);
  assert.equal(clock.pendingTimers, 0);
});
