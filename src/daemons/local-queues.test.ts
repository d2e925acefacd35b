/** Goal: a system without datagram sockets, or a path that is taken, keeps no agent out. Method: sockets that refuse, and some in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import type { DatagramHandler, DatagramOptions } from "#kernel/ports/unix-datagrams.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeUnixDatagrams } from "#testing/unix-datagrams.ts";
import { LocalQueues } from "./local-queues.ts";

const PATHS = { events: "/q/queue", agentResponses: "/q/ar", hostResponses: "/q/execq" };

/** Those whose path has a code fail with it. */
function queues(codes: Readonly<Record<string, string>>, paths = PATHS) {
  const fake = new FakeUnixDatagrams();
  const log = new RecordingLog();
  const sent: string[] = [];
  const bound: string[] = [];
  const bind = (options: DatagramOptions, handler: DatagramHandler) => {
    const code = codes[options.path];
    if (code !== undefined) return Promise.reject(new CodedError(code, `no: ${code}`));
    bound.push(options.path);
    return fake.bind(options, handler);
  };
  const sink = { pressure: "none", append: () => true, whenDurable: (run: () => void) => run() } as const;
  const queue = new LocalQueues(paths, {
    clock: new FakeClock(),
    metrics: new RecordingMetrics(),
    datagrams: { bind },
    sink,
    logOf: () => log,
    sent: (to, text) => sent.push(`${to} ${text}`),
  });
  return { queue, log, sent, bound, fake };
}

test("LocalQueues tells the main thread what came and for whom", async () => {
  const { queue, sent, fake, log } = queues({});
  await queue.start();
  fake.send("/q/ar", "(x) [] NNS 001 y");
  fake.send("/q/execq", "{}");
  assert.deepEqual(sent, ["agents (x) [] NNS 001 y", "host {}"]);
  await queue.stop();
  assert.deepEqual(log.lines, []);
});

test("LocalQueues says once that the system has none, and goes on without a socket that it cannot have", async () => {
  const none = queues({ "/q/queue": "datagrams_unavailable" });
  await none.queue.start();
  assert.deepEqual(none.log.texts(), ["The socket /q/queue is not served: no: datagrams_unavailable"]);
  assert.deepEqual(none.bound, []);
  await none.queue.stop();
  const taken = queues({ "/q/ar": "socket_path_taken" });
  await taken.queue.start();
  assert.deepEqual(taken.log.texts("error"), ["The socket /q/ar is not served: no: socket_path_taken"]);
  assert.deepEqual(taken.bound, ["/q/queue", "/q/execq"]);
});
