/** Goal: who may not signal the manager is told so. Method: the system's answers by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { signalManager } from "./manager-signal.ts";

function refusing(code: string): () => void {
  return () => {
    throw Object.assign(new Error(`kill ${code}`), { code });
  };
}

test("signalManager() says whose manager it is, and nothing when it has ended", () => {
  const calls: (readonly [number, string])[] = [];
  signalManager({ pid: 7 }, "SIGHUP", (pid, signal) => calls.push([pid, signal]));
  assert.deepEqual(calls, [[7, "SIGHUP"]]);
  signalManager({ pid: 7 }, "SIGTERM", refusing("ESRCH"));
  assert.throws(() => signalManager({ pid: 7 }, "SIGTERM", refusing("EPERM")), {
    code: "manager_of_other",
    message: "The manager (pid 7) is another user's: call this as root or as that user",
  });
  assert.throws(() => signalManager({ pid: 7 }, "SIGTERM", refusing("EINVAL")), { code: "EINVAL" });
});
