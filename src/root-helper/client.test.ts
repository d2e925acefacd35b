/** Goal: every request has one outcome, and a line in the audit, whatever becomes of the helper. Method: a pipe that the test holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostAction } from "#model/host-action.ts";
import { FakeClock } from "#testing/clock.ts";
import { type HelperAudit, type HelperProcessHandler, RootHelperClient } from "./client.ts";
import { ANSWER_MS_MAX, LINE_BYTES_MAX, WAITING_MAX } from "./limits.ts";

const BAN: HostAction = { kind: "ban", address: "203.0.113.9" };

class Bench {
  readonly clock = new FakeClock();
  readonly audited: HelperAudit[] = [];
  readonly handlers: HelperProcessHandler[] = [];
  written = "";
  killed = 0;
  inputEnded = 0;
  readonly client = new RootHelperClient({
    clock: this.clock,
    audit: (line) => this.audited.push(line),
    start: (handler) => {
      this.handlers.push(handler);
      return {
        write: (bytes) => {
          this.written += Buffer.from(bytes).toString("utf8");
        },
        endInput: () => this.inputEnded++,
        leave: () => {},
        kill: () => this.killed++,
      };
    },
  });

  says(text: string): void {
    this.handlers.at(-1)?.output(Buffer.from(text));
  }
}

const real = { dryRun: false };

test("RootHelperClient gives each request its answer, and audits it", async () => {
  const bench = new Bench();
  const first = bench.client.ask(BAN, "alert 1.2 of rule 5", real);
  const second = bench.client.ask({ kind: "restart_manager" }, "command line", { dryRun: true });
  const lines = bench.written
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines, [
    { id: 1, action: BAN, dryRun: false },
    { id: 2, action: { kind: "restart_manager" }, dryRun: true },
  ]);
  bench.says(
    '{"id":2,"ok":true,"code":"would_run","text":"x"}\nnoise\n{"id":9,"ok":true,"code":"","text":""}\n',
  );
  bench.says('{"id":1,"ok":false,"code":"program_failed","text":"y"}\n');
  assert.deepEqual(await second, { ok: true, code: "would_run", text: "x" });
  assert.deepEqual(await first, { ok: false, code: "program_failed", text: "y" });
  assert.deepEqual(
    bench.audited.map(({ asker, action, dryRun, ok }) => [asker, action.kind, dryRun, ok]),
    [
      ["command line", "restart_manager", true, true],
      ["alert 1.2 of rule 5", "ban", false, false],
    ],
  );
  assert.equal(bench.clock.pendingTimers, 0);
  assert.equal(bench.handlers.length, 1);
});

test("RootHelperClient starts another helper when one ended, and says what was lost", async () => {
  const bench = new Bench();
  const lost = bench.client.ask(BAN, "x", real);
  bench.handlers[0]?.ended();
  assert.equal((await lost).code, "helper_lost");
  const next = bench.client.ask(BAN, "x", real);
  assert.equal(bench.handlers.length, 2);
  bench.says('{"id":2,"ok":true,"code":"done","text":"done"}\n');
  assert.equal((await next).ok, true);
});

test("RootHelperClient waits for a bounded time, number and length", async () => {
  const bench = new Bench();
  const late = bench.client.ask(BAN, "x", real);
  bench.clock.advance(ANSWER_MS_MAX);
  assert.equal((await late).code, "helper_late");
  const waiting = Array.from({ length: WAITING_MAX }, () => bench.client.ask(BAN, "x", real));
  assert.equal((await bench.client.ask(BAN, "x", real)).code, "helper_busy");
  bench.says("x".repeat(LINE_BYTES_MAX + 1));
  assert.equal(bench.killed, 1);
  bench.handlers[0]?.ended();
  assert((await Promise.all(waiting)).every(({ code }) => code === "helper_lost"));
});

test("RootHelperClient asks nothing more after its stop, and lets the helper finish", async () => {
  const bench = new Bench();
  const before = bench.client.ask(BAN, "x", real);
  bench.client.stop();
  assert.equal(bench.inputEnded, 1);
  assert.equal((await bench.client.ask(BAN, "x", real)).code, "helper_stopped");
  bench.says('{"id":1,"ok":true,"code":"done","text":"done"}\n');
  assert.equal((await before).ok, true);
});
