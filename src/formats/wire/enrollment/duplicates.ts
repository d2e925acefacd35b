/**
 * Whether a new agent may take the place of registered ones with its address or its name.
 *
 * Pure: the registry looks the agents up, the clock gives `nowSeconds`, and the caller carries out `removals`, also
 * when a refusal follows.
 */
import type { AgentAddress, AgentId, AgentKey, AgentName, ConnectionStatus } from "#model/agent.ts";
import { keyHashOf } from "../agent/keys.ts";
import { errorLine, type LogLine, type Refusal, refusal } from "./outcome.ts";

/** The `<force>` block. */
export type ForceSettings = {
  readonly enabled: boolean;
  readonly keyMismatch: boolean;
  readonly disconnectedTime: { readonly enabled: boolean; readonly seconds: number };
  /** 0: the time since registration does not matter. */
  readonly afterRegistrationSeconds: number;
};

export type RegisteredAgent = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
  /** Null: the registry lacks a part of it. Times are Unix seconds; `disconnectedAtSeconds` 0 is none. */
  readonly state: {
    readonly status: ConnectionStatus;
    readonly registeredAtSeconds: number;
    readonly disconnectedAtSeconds: number;
  } | null;
};

export type Newcomer = {
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly keyHash: string | null;
};

export type Incumbents = {
  /** The agent registered with the newcomer's address; not asked for when that is `any`. */
  readonly byAddress: RegisteredAgent | null;
  readonly byName: RegisteredAgent | null;
  readonly managerHostName: string;
};

export type Admission = {
  readonly removals: readonly RegisteredAgent[];
  readonly refusal: Refusal | null;
  /** Those of the removals; a refusal has its own. */
  readonly logs: readonly LogLine[];
};

/** Address, then the manager's own name, then the agent's name: the peer's order, which the answers show. */
export function admit(
  newcomer: Newcomer,
  incumbents: Incumbents,
  force: ForceSettings,
  nowSeconds: number,
): Admission {
  const removals: RegisteredAgent[] = [];
  const logs: LogLine[] = [];
  const { byAddress, byName, managerHostName } = incumbents;
  if (byAddress !== null && newcomer.address.kind !== "any") {
    const ip = newcomer.address.text;
    const obstacle = replacementObstacle(byAddress, newcomer, force, nowSeconds);
    if (obstacle !== null) {
      const log: LogLine = {
        level: "warning",
        text: `Duplicate IP '${ip}', rejecting enrollment. ${obstacle}`,
      };
      return { removals, logs, refusal: refusal("duplicate_address", `ERROR: Duplicate IP: ${ip}`, log) };
    }
    removals.push(byAddress);
    logs.push(removalLog(`Duplicate IP '${ip}'`, byAddress));
  }
  if (newcomer.name === managerHostName) {
    const log = errorLine(`Invalid agent name ${newcomer.name} (same as manager)`);
    return { removals, logs, refusal: refusal("name", `ERROR: Invalid agent name: ${newcomer.name}`, log) };
  }
  if (byName !== null && !removals.some(({ id }) => id === byName.id)) {
    const obstacle = replacementObstacle(byName, newcomer, force, nowSeconds);
    if (obstacle !== null) {
      const text = `Duplicate name '${newcomer.name}', rejecting enrollment. ${obstacle}`;
      const reply = `ERROR: Duplicate agent name: ${newcomer.name}`;
      return { removals, logs, refusal: refusal("duplicate_name", reply, { level: "warning", text }) };
    }
    removals.push(byName);
    logs.push(removalLog("Duplicate name", byName));
  }
  return { removals, logs, refusal: null };
}

/** The same for an agent that brings its id along; who has that id has to give way first. */
export function admitWithId(
  newcomer: Newcomer,
  { byId, ...others }: Incumbents & { readonly byId: RegisteredAgent | null },
  force: ForceSettings,
  nowSeconds: number,
): Admission {
  if (byId === null) return admit(newcomer, others, force, nowSeconds);
  const obstacle = replacementObstacle(byId, newcomer, force, nowSeconds);
  if (obstacle !== null) {
    const text = `Duplicate ID '${byId.id}', rejecting enrollment. ${obstacle}`;
    const refused = refusal("duplicate_id", `ERROR: Duplicate ID: ${byId.id}`, { level: "warning", text });
    return { removals: [], logs: [], refusal: refused };
  }
  const butHim = (agent: RegisteredAgent | null) => (agent?.id === byId.id ? null : agent);
  const rest = { ...others, byAddress: butHim(others.byAddress), byName: butHim(others.byName) };
  const { removals, logs, refusal: refused } = admit(newcomer, rest, force, nowSeconds);
  const log = removalLog(`Duplicate ID '${byId.id}'`, byId);
  // Nobody goes when the newcomer does not come.
  return refused === null
    ? { removals: [byId, ...removals], logs: [log, ...logs], refusal: null }
    : { removals, logs, refusal: refused };
}

/** Why a registered agent must stay, in the peer's words, or null when it may be replaced. */
export function replacementObstacle(
  { id, name, key, state }: RegisteredAgent,
  newcomer: Newcomer,
  force: ForceSettings,
  nowSeconds: number,
): string | null {
  if (!force.enabled) return `Agent '${id}' won't be removed because the force option is disabled.`;
  if (state === null) return `Failed to get agent-info for agent '${id}'`;
  if (force.disconnectedTime.enabled && state.status !== "never_connected") {
    const disconnected = state.status === "disconnected" && state.disconnectedAtSeconds > 0;
    if (disconnected && nowSeconds - state.disconnectedAtSeconds < force.disconnectedTime.seconds) {
      return `Agent '${id}' has not been disconnected long enough to be replaced.`;
    }
    if (state.disconnectedAtSeconds === 0)
      return `Agent '${id}' can't be replaced since it is not disconnected.`;
  }
  if (
    force.afterRegistrationSeconds > 0 &&
    nowSeconds - state.registeredAtSeconds < force.afterRegistrationSeconds
  ) {
    return `Agent '${id}' doesn't comply with the registration time to be removed.`;
  }
  if (force.keyMismatch && newcomer.keyHash !== null && newcomer.keyHash === keyHashOf({ id, name, key })) {
    return `Agent '${id}' key already exists on the manager.`;
  }
  return null;
}

function removalLog(cause: string, { id, name }: RegisteredAgent): LogLine {
  return { level: "info", text: `${cause}. Removing old agent '${name}' (id '${id}').` };
}
