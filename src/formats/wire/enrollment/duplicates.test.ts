/** Goal: who may take whose place, at both sides of each limit. Method: tables from the rules; the vectors have the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAgentAddress, parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import { keyHashOf } from "../agent/keys.ts";
import { admit, type ForceSettings, type RegisteredAgent, replacementObstacle } from "./duplicates.ts";

const NOW = 1_700_000_000;
const FORCE: ForceSettings = {
  enabled: true,
  keyMismatch: true,
  disconnectedTime: { enabled: true, seconds: 3600 },
  afterRegistrationSeconds: 3600,
};
type State = NonNullable<RegisteredAgent["state"]>;
const GONE: State = { status: "disconnected", registeredAtSeconds: 1, disconnectedAtSeconds: 1 };

function agent(
  idText: string,
  nameText: string,
  addressText = "any",
  state: State | null = GONE,
): RegisteredAgent {
  const id = parseAgentId(idText);
  const name = parseAgentName(nameText);
  const address = parseAgentAddress(addressText);
  const key = parseAgentKey("0".repeat(64));
  assert.ok(id !== null && name !== null && address !== null && key !== null);
  return { id, name, address, key, state };
}

const newcomer = { ...agent("999", "node-1", "10.1.2.3"), keyHash: null };
const NO_ONE = { byAddress: null, byName: null, managerHostName: "manager01" };

test("replacementObstacle() names the first rule that protects an agent", () => {
  const connected = "Agent '001' can't be replaced since it is not disconnected.";
  const recent = "Agent '001' has not been disconnected long enough to be replaced.";
  const young = "Agent '001' doesn't comply with the registration time to be removed.";
  const off = { ...FORCE, disconnectedTime: { enabled: false, seconds: 3600 } };
  const rows: readonly (readonly [State | null, ForceSettings, string | null])[] = [
    [GONE, FORCE, null],
    [null, FORCE, "Failed to get agent-info for agent '001'"],
    [
      GONE,
      { ...FORCE, enabled: false },
      "Agent '001' won't be removed because the force option is disabled.",
    ],
    [{ ...GONE, disconnectedAtSeconds: NOW - 3599 }, FORCE, recent],
    [{ ...GONE, disconnectedAtSeconds: NOW - 3600 }, FORCE, null],
    [{ ...GONE, disconnectedAtSeconds: 0 }, FORCE, connected],
    [{ ...GONE, status: "active", disconnectedAtSeconds: 0 }, FORCE, connected],
    [{ ...GONE, status: "pending", disconnectedAtSeconds: 0 }, FORCE, connected],
    [{ ...GONE, status: "active", disconnectedAtSeconds: 0 }, off, null],
    [{ ...GONE, status: "never_connected", disconnectedAtSeconds: 0 }, FORCE, null],
    [{ ...GONE, registeredAtSeconds: NOW - 3599 }, FORCE, young],
    [{ ...GONE, registeredAtSeconds: NOW - 3600 }, FORCE, null],
    [{ ...GONE, registeredAtSeconds: NOW }, { ...FORCE, afterRegistrationSeconds: 0 }, null],
  ];
  for (const [index, [state, force, expected]] of rows.entries()) {
    const incumbent = agent("001", "node-1", "any", state);
    assert.equal(replacementObstacle(incumbent, newcomer, force, NOW), expected, `row ${index}`);
  }
});

test("replacementObstacle() keeps an agent whose key the newcomer has already", () => {
  const incumbent = agent("001", "node-1");
  const keyHash = keyHashOf(incumbent);
  const text = "Agent '001' key already exists on the manager.";
  assert.equal(replacementObstacle(incumbent, { ...newcomer, keyHash }, FORCE, NOW), text);
  assert.equal(
    replacementObstacle(incumbent, { ...newcomer, keyHash }, { ...FORCE, keyMismatch: false }, NOW),
    null,
  );
});

test("admit() removes the holder of the address, then the holder of the name", () => {
  const byAddress = agent("001", "old", "10.1.2.3");
  const byName = agent("002", "node-1");
  const { removals, refusal, logs } = admit(newcomer, { ...NO_ONE, byAddress, byName }, FORCE, NOW);
  assert.equal(refusal, null);
  assert.deepEqual(removals, [byAddress, byName]);
  assert.deepEqual(
    logs.map(({ text }) => text),
    [
      "Duplicate IP '10.1.2.3'. Removing old agent 'old' (id '001').",
      "Duplicate name. Removing old agent 'node-1' (id '002').",
    ],
  );
});

test("admit() removes an agent that holds both once", () => {
  const both = agent("001", "node-1", "10.1.2.3");
  const { removals } = admit(newcomer, { ...NO_ONE, byAddress: both, byName: both }, FORCE, NOW);
  assert.deepEqual(removals, [both]);
});

test("admit() keeps a removal by address when the name is refused", () => {
  const byAddress = agent("001", "old", "10.1.2.3");
  const byName = agent("002", "node-1", "any", null);
  const { removals, refusal } = admit(newcomer, { ...NO_ONE, byAddress, byName }, FORCE, NOW);
  assert.deepEqual(removals, [byAddress]);
  assert.equal(refusal?.text, "ERROR: Duplicate agent name: node-1");

  const manager = admit(newcomer, { ...NO_ONE, byAddress, managerHostName: "node-1" }, FORCE, NOW);
  assert.deepEqual(manager.removals, [byAddress]);
  assert.equal(manager.refusal?.text, "ERROR: Invalid agent name: node-1");
});

test("admit() has no duplicates of the address any", () => {
  const anyone = { ...newcomer, address: agent("001", "old").address };
  const { removals, refusal } = admit(anyone, { ...NO_ONE, byAddress: agent("001", "old") }, FORCE, NOW);
  assert.deepEqual([removals, refusal], [[], null]);
});
