/**
 * Goal: a supervisor such as systemd hears when the manager serves, that it is alive as long as its main thread is, and when it stops.
 * Method: a socket of the test's own as NOTIFY_SOCKET, a manager that is held by a signal.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SystemUnixDatagrams } from "#kernel/platform/unix-datagrams.ts";
import { isListening, makeHome, removeHome } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 60_000;
const WATCHDOG_MS = 600;
/** Some signs would have come in this time. */
const HELD_MS = 2 * WATCHDOG_MS;

test("Manager tells its supervisor that it serves, lives and stops", async (t) => {
  const home = await makeHome();
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-notify-"));
  const path = join(directory, "notify");
  const heard: string[] = [];
  const wasListening: Promise<boolean>[] = [];
  const socket = await new SystemUnixDatagrams().bind(
    { path, permissions: 0o666 },
    {
      datagram: (bytes) => {
        heard.push(bytes.toString("latin1"));
        if (heard.length === 1) wasListening.push(isListening(home.agentPort));
        return true;
      },
    },
  );
  t.after(async () => {
    await socket.close();
    rmSync(directory, { recursive: true });
    removeHome(home);
  });
  const variables = [`NOTIFY_SOCKET=${path}`, `WATCHDOG_USEC=${WATCHDOG_MS * 1000}`];
  const manager = await ManagerProcess.start(home, ["--quiet"], ["env", ...variables]);
  t.after(() => manager.kill());
  const signs = () => heard.filter((state) => state === "WATCHDOG=1").length;
  await until("signs of life", WAIT_MS_MAX, () => signs() >= 2);
  assert.equal(heard[0], "READY=1");
  assert.deepEqual(await Promise.all(wasListening), [true]);

  manager.signal("SIGSTOP");
  await delay(WATCHDOG_MS);
  const before = signs();
  await delay(HELD_MS);
  assert.equal(signs(), before);
  manager.signal("SIGCONT");
  await until("signs of life again", WAIT_MS_MAX, () => signs() > before + 1);

  assert.equal((await manager.stop()).code, 0);
  const left = heard.filter((state) => state !== "WATCHDOG=1");
  assert.deepEqual(left, ["READY=1", "STOPPING=1"]);
});

test("Manager does not start when the socket of its supervisor is none, which would wait in vain", async (t) => {
  const home = await makeHome();
  t.after(() => removeHome(home));
  const refused = await ManagerProcess.refused(home.path, [], ["env", "NOTIFY_SOCKET=relative"]);
  assert.equal(refused.stderr, "cyb3rhq: NOTIFY_SOCKET is no socket's name: relative\n");
});
