/** Goal: the manager that ended is started again once, and no other process is touched for it. Method: a process table and a clock of the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { ProgramStart } from "#kernel/ports/programs.ts";
import { FakeClock } from "#testing/clock.ts";
import { HelperBench } from "./fixture.ts";
import { MANAGER_LOOK_MS, MANAGER_NOTICE_MS, MANAGER_STOP_MS_MAX } from "./limits.ts";
import { type ManagerStart, restartManager } from "./manager-start.ts";

const MANAGER: ManagerStart = {
  pid: 4711,
  startTicks: "900",
  bySystemd: false,
  path: "/opt/cyb3rhq/cyb3rhq",
  args: ["start", "--quiet", "--home", "/var/ossec"],
  environment: { PATH: "/bin" },
};

class Bench {
  readonly clock = new FakeClock();
  readonly signals: string[] = [];
  readonly started: ProgramStart[] = [];
  startTicks: string | null = MANAGER.startTicks;

  restart(): boolean {
    return restartManager(MANAGER, {
      clock: this.clock,
      programs: { ...systemPrograms, startApart: (start) => void this.started.push(start) },
      processes: {
        find: (pid) =>
          this.startTicks === null
            ? null
            : {
                pid,
                parentPid: 1,
                threadGroup: pid,
                startTicks: this.startTicks,
                startedMs: 0,
                name: "node",
              },
        signal: (_pid, signal) => {
          this.signals.push(signal);
          return true;
        },
      },
    });
  }
}

test("restartManager() tells the manager to stop, and starts it when it has", () => {
  const bench = new Bench();
  assert.equal(bench.restart(), true);
  assert.deepEqual(bench.signals, []);
  bench.clock.advance(MANAGER_NOTICE_MS + 10 * MANAGER_LOOK_MS);
  assert.deepEqual([bench.signals, bench.started.length], [["SIGTERM"], 0]);
  bench.startTicks = null;
  bench.clock.advance(10 * MANAGER_LOOK_MS);
  const { path, args, environment } = bench.started[0] ?? MANAGER;
  assert.deepEqual({ ...MANAGER, path, args, environment }, MANAGER);
  assert.deepEqual([bench.signals, bench.started.length], [["SIGTERM"], 1]);
});

test("restartManager() ends by force what hangs, and never another process that has its number", () => {
  const hanging = new Bench();
  hanging.restart();
  hanging.clock.advance(MANAGER_NOTICE_MS + MANAGER_STOP_MS_MAX + MANAGER_LOOK_MS);
  assert.deepEqual([hanging.signals, hanging.started.length], [["SIGTERM", "SIGKILL"], 1]);
  const replaced = new Bench();
  replaced.startTicks = "901";
  assert.equal(replaced.restart(), false);
  assert.deepEqual([replaced.signals, replaced.started.length], [[], 0]);
});

test("RootHelper restarts by systemd what systemd started, and tells what it would do otherwise", async (t) => {
  const direct = new HelperBench({ manager: MANAGER });
  const unit = new HelperBench({ manager: { ...MANAGER, bySystemd: true } });
  t.after(() => direct.remove());
  t.after(() => unit.remove());
  const told = await direct.ask({ kind: "restart_manager" }, true);
  assert.equal(
    told.text,
    "would run: end process 4711, then /opt/cyb3rhq/cyb3rhq start --quiet --home /var/ossec",
  );
  const { text } = await unit.ask({ kind: "restart_manager" }, true);
  assert.match(text, /systemctl/);
});
