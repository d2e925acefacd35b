/**
 * Goal: what a person asks for goes where it should, in the form that each agent takes. Method: the commands over agents in a table and
 * a host that only notes what it is asked.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { agentIdOf } from "#model/agent.ts";
import type { Order } from "#response/host/execd.ts";
import type { AgentAudit } from "#response/host/host-responses.ts";
import type { RespondingAgent } from "#response/needs.ts";
import { responseCommands } from "./response-commands.ts";

const ADDRESS = "203.0.113.9";
const EXECD = "#!-execd ";
const AGENTS: readonly RespondingAgent[] = [
  { id: agentIdOf(1), version: "Wazuh v4.14.7", active: true },
  { id: agentIdOf(2), version: "Wazuh v4.1.5", active: true },
  { id: agentIdOf(3), version: "Wazuh v4.14.7", active: false },
  { id: agentIdOf(4), version: null, active: true },
];
const NAMED = { executable: "firewall-drop", args: [], timeoutSeconds: 600 };

class Bench {
  readonly orders: { readonly order: Order; readonly isRehearsal: boolean }[] = [];
  readonly sent: { readonly id: string; readonly message: string }[] = [];
  readonly noted: AgentAudit[] = [];
  readonly #commands;

  constructor(isDisabled = false) {
    const perform = (isRehearsal: boolean) => async (order: Order) => {
      this.orders.push({ order, isRehearsal });
      return { ok: true, text: "done" };
    };
    this.#commands = responseCommands({
      agents: {
        find: (wanted) => AGENTS.find(({ id }) => id === wanted) ?? null,
        list: (after) => (after === null ? AGENTS : []),
      },
      calls: {
        send: async (id, message) => {
          this.sent.push({ id, message });
          return id === "002" ? "not_connected" : "sent";
        },
      },
      responses: {
        resolve: (name) => {
          if (name === "drop600") return NAMED;
          return name.startsWith("!") ? { executable: name.slice(1), args: [], timeoutSeconds: 0 } : null;
        },
        perform: perform(false),
        rehearse: perform(true),
        list: () => [],
        note: (line) => this.noted.push(line),
        undo: async (key) => ({ ok: false, text: `'${key}' is not in force` }),
      },
      nodeName: "node01",
      isDisabled,
    });
  }

  run(parameters: object): unknown {
    return this.#commands["response.run"]?.({ target: "server", arguments: [], ...parameters });
  }
}

test("response.run puts what a response is about into its alert, and the rest into its arguments", async () => {
  const bench = new Bench();
  await bench.run({ name: "drop600", arguments: [ADDRESS, "-a"] });
  await bench.run({ name: "firewall-drop", arguments: [ADDRESS], timeout: 60, dryRun: true });
  await bench.run({ name: "!own-script", arguments: ["a", "b"] });
  const shown = bench.orders.map(({ order: { executable, timeoutSeconds, message }, isRehearsal }) => {
    return [executable, timeoutSeconds, isRehearsal, message["parameters"]];
  });
  assert.deepEqual(shown, [
    ["firewall-drop", 600, false, { extra_args: ["-a"], alert: { data: { srcip: ADDRESS } } }],
    ["firewall-drop", 60, true, { extra_args: [], alert: { data: { srcip: ADDRESS } } }],
    ["own-script", 0, false, { extra_args: ["a", "b"], alert: {} }],
  ]);
});

test("response.run tells all active agents, each in its form", async () => {
  const bench = new Bench();
  const outcomes = await bench.run({ name: "firewall-drop", arguments: [ADDRESS], target: "all" });
  assert.deepEqual(outcomes, [
    { agentId: "001", ok: true, message: "sent" },
    { agentId: "002", ok: false, message: "The agent is not connected" },
    { agentId: "004", ok: false, message: "The agent's version is not known" },
  ]);
  const [json, words] = bench.sent.map(({ message }) => message.slice(EXECD.length));
  const { command, parameters, origin } = JSON.parse(json ?? "");
  assert.deepEqual(
    [command, parameters, origin.name],
    ["!firewall-drop", { extra_args: [], alert: { data: { srcip: ADDRESS } } }, "node01"],
  );
  assert.equal(words, `!firewall-drop - ${ADDRESS} - - - - -`);
});

test("response.run keeps a name of ar.conf, and sends nothing on a dry run", async () => {
  const bench = new Bench();
  const asked = { name: "drop600", arguments: [ADDRESS], target: ["001"] };
  assert.match(
    JSON.stringify(await bench.run({ ...asked, dryRun: true })),
    /would send: #!-execd .*\\"command\\":\\"drop600\\"/,
  );
  assert.equal(bench.sent.length, 0);
  await bench.run({ name: "disable-account", arguments: ["mira"], target: ["001"] });
  assert.deepEqual(JSON.parse(bench.sent[0]?.message.slice(EXECD.length) ?? "").parameters.alert, {
    data: { dstuser: "mira" },
  });
});

test("response.run tells each agent that is named, and says of each why not", async () => {
  const bench = new Bench();
  const asked = { name: "netsh", arguments: [ADDRESS, "-a"], target: ["001", "002", "004", "009"] };
  assert.deepEqual(await bench.run(asked), [
    { agentId: "001", ok: true, message: "sent" },
    { agentId: "002", ok: false, message: "The agent is not connected" },
    { agentId: "004", ok: false, message: "The agent's version is not known" },
    { agentId: "009", ok: false, message: "There is no such agent" },
  ]);
  assert.deepEqual(JSON.parse(bench.sent[0]?.message.slice(EXECD.length) ?? "").parameters, {
    extra_args: ["-a"],
    alert: { data: { srcip: ADDRESS } },
  });
  assert.equal(bench.noted.length, 4);
  assert.deepEqual(
    bench.noted.find(({ agent }) => agent === "001"),
    {
      ...{ asker: "command line", agent: "001", program: "netsh", arguments: [ADDRESS, "-a"] },
      ...{ dryRun: false, ok: true, text: "sent" },
    },
  );
});

test("response.run gives no agent a subject of the wrong type (CVE-2023-50260, CVE-2026-54085)", async () => {
  const bench = new Bench();
  const addresses = [
    "",
    "-j",
    "-o x",
    "--",
    "1.1.1.1;id",
    "1.1.1.1\n0.0.0.0",
    "$(id)",
    "host",
    "10.1",
    "x".repeat(300),
  ];
  for (const name of ["drop600", "firewall-drop", "!netsh", "route-null.exe"])
    for (const target of ["all", ["001"]])
      for (const args of [[], ...addresses.map((address) => [address])])
        assert.throws(
          () => bench.run({ name, arguments: args, target }),
          /invalid IP format/,
          `${name} ${args}`,
        );
  for (const user of ["", "-d root", "-d", "--", "a b", "a;id", "../x"])
    assert.throws(
      () => bench.run({ name: "disable-account", arguments: [user], target: "all" }),
      /account name/,
    );
  for (const address of addresses) await bench.run({ name: "drop600", arguments: [address] });
  assert.deepEqual([bench.sent, bench.orders], [[], []]);
});

test("response.run gives what is no address to own programs of agents as arguments alone", async () => {
  const bench = new Bench();
  await bench.run({ name: "own", arguments: ["1.1.1.1 - - x", "b;c"], target: ["002"] });
  assert.equal(bench.sent[0]?.message, `${EXECD}!own - - - - - - 1.1.1.1 - - x b\\;c`);
});

test("response.run refuses names that lead elsewhere and parameters that are none", () => {
  const bench = new Bench();
  const wrong: readonly object[] = [
    ...["../../bin/sh", "!../x", "/bin/sh", "a b", "a\nb", "", 7, null].map((name) => ({ name })),
    ...["001", "../1", [], ["x"], ["001", 7]].map((target) => ({
      name: "drop600",
      arguments: [ADDRESS],
      target,
    })),
    { name: "drop600", timeout: -1 },
    { name: "drop600", timeout: 1.5 },
    { name: "drop600", arguments: [7] },
    { name: "drop600", arguments: Array(100).fill("x") },
  ];
  for (const parameters of wrong)
    assert.throws(() => bench.run(parameters), CodedError, JSON.stringify(parameters));
  assert.throws(() => new Bench(true).run({ name: "drop600" }), /\(1350\): Active response disabled\./);
  assert.deepEqual([bench.orders, bench.sent], [[], []]);
});
