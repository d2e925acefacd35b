/** Goal: the peer's scripts that can do something here do it, and the others say why not. Method: messages as agents and users send them, what is asked for written down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostAction } from "#model/host-action.ts";
import { BuiltIns } from "./built-in.ts";
import { Execd } from "./execd.ts";
import { whyNotHere } from "./foreign.ts";

const ADDRESS = "203.0.113.9";

test("BuiltIns does what the peer's scripts of Linux do with an address, and undoes it", async () => {
  const asked: HostAction[] = [];
  const builtIns = new BuiltIns({
    actions: {
      ask: async (action) => {
        asked.push(action);
        return { ok: true, code: "done", text: "done" };
      },
    },
    processes: { find: () => null },
    log: () => {},
  });
  const message = { parameters: { alert: { data: { srcip: ADDRESS } } } };
  for (const name of ["default-firewall-drop", "firewalld-drop", "ip-customblock"]) {
    assert(builtIns.has(name), name);
    assert.equal((await builtIns.perform(name, message, "act")).ok, true);
    assert.equal((await builtIns.perform(name, message, "undo")).ok, true);
  }
  assert.deepEqual(
    asked.map((action) => `${action.kind} ${"address" in action ? action.address : ""}`),
    ["ban", "unban", "ban", "unban", "mark_address", "unmark_address"].map((kind) => `${kind} ${ADDRESS}`),
  );
});

test("Execd says which system a response needs that is not there", () => {
  const commands = ["pf", "ipfw", "npf", "netsh.exe", "kaspersky", "own"].map((executable) => ({
    name: `${executable}600`,
    executable,
    timeoutSeconds: 600,
  }));
  const execd = new Execd({ commands, repeatedOffenderMinutes: [], isPresent: () => false });
  const refusal = (executable: string) => {
    const command = { version: 1, origin: { name: "", module: "x" }, command: `${executable}600` };
    const [output] = execd.message(JSON.stringify({ ...command, parameters: { extra_args: [], alert: {} } }));
    return output?.kind === "refused" ? output.text : "";
  };
  for (const { executable } of commands.slice(0, -1))
    assert.match(
      refusal(executable),
      /^\(1311\): Invalid command name '.+600' provided\. '.+' needs .+, which is not available on this system$/,
    );
  assert.equal(refusal("own"), "(1311): Invalid command name 'own600' provided.");
  assert.equal(whyNotHere("firewall-drop"), null);
});
