/** Which agents can be told to connect anew, in which order and how many at once. Pure. */
import type { AgentId } from "#model/agent.ts";
import type { ActiveAgent } from "./needs.ts";

const VERSION = /v([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})/;

type Version = readonly [number, number, number];
const NO_VERSION: Version = [0, 0, 0];

function versionOf({ version }: ActiveAgent): Version {
  const [, major, minor, patch] = VERSION.exec(version) ?? [];
  return major === undefined ? NO_VERSION : [Number(major), Number(minor), Number(patch)];
}

/** Agents know `force_reconnect` from 4.3 on (wazuh v4.14.7: hap_helper/wazuh.py, which refuses 5.0 too). */
export function canReconnect(agent: ActiveAgent): boolean {
  const [major, minor] = versionOf(agent);
  return major > 4 || (major === 4 && minor >= 3);
}

/** Newest versions first, then latest enrolled: the peer's order, so that old agents are moved last. */
export function inOrder(agents: readonly ActiveAgent[]): readonly ActiveAgent[] {
  const keyed = agents.map((agent) => ({ agent, version: versionOf(agent), id: Number(agent.id) }));
  keyed.sort(
    (a, b) =>
      b.version[0] - a.version[0] ||
      b.version[1] - a.version[1] ||
      b.version[2] - a.version[2] ||
      b.id - a.id,
  );
  return keyed.map(({ agent }) => agent);
}

export type Selection = {
  readonly ids: readonly AgentId[];
  /** Some were left out because they would not understand. */
  readonly incomplete: boolean;
};

export function reconnectable(agents: readonly ActiveAgent[]): Selection {
  const able = agents.filter(canReconnect);
  return { ids: able.map(({ id }) => id), incomplete: able.length < agents.length };
}

export function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
