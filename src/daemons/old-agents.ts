/**
 * Removes agents that have been disconnected for long, as `monitord.delete_old_agents` says (wazuh v4.14.7: src/monitord/monitor_actions.c).
 *
 * Nobody goes in the first while after a start: who could not connect then is not to blame. Agents that never connected stay.
 */
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { Registry } from "#registry/registry.ts";

const LOOK_MS = 60_000;
/** Removed in one look: their files go one after the other, and nobody waits for it. */
const REMOVED_PER_LOOK_MAX = 500;

export type OldAgentsConfig = {
  /** From disconnected to removed. */
  readonly afterSeconds: number;
  /** `<global><agents_disconnection_time>`. */
  readonly disconnectionSeconds: number;
  readonly purge: boolean;
  /** An event for each. */
  readonly tells: boolean;
};

export type OldAgentsNeeds = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly agents: Pick<AgentStore, "disconnectedBefore">;
  readonly remove: Registry["remove"];
  /** An event of the manager's own. */
  readonly tell: (location: string, message: string) => void;
};

export class OldAgents {
  readonly #config: OldAgentsConfig;
  readonly #needs: OldAgentsNeeds;
  readonly #startedMs: number;
  readonly #timer: Timer;

  constructor(config: OldAgentsConfig, needs: OldAgentsNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#startedMs = needs.clock.monotonicMs();
    this.#timer = needs.clock.every(LOOK_MS, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { afterSeconds, disconnectionSeconds, purge, tells } = this.#config;
    const { agents, clock, log, metrics, remove, tell } = this.#needs;
    if (clock.monotonicMs() - this.#startedMs <= disconnectionSeconds * 1000) return;
    try {
      const goneSinceSeconds = Math.floor(clock.wallMs() / 1000) - afterSeconds;
      const silentSinceSeconds = goneSinceSeconds - disconnectionSeconds;
      const old = agents.disconnectedBefore({ silentSinceSeconds, goneSinceSeconds }, REMOVED_PER_LOOK_MAX);
      if (old.length === 0) return;
      const removed = remove(
        old.map(({ id }) => id),
        { purge },
      );
      removed.catch((error: unknown) =>
        log.write("error", `Old agents stay in client.keys for now: ${messageOf(error)}`),
      );
      metrics.add("agents_removed_old", old.length);
      for (const { id, name, address } of old) {
        log.write("info", `Agent '${id}' (${name}) removed: disconnected for too long.`);
        if (tells) tell("wazuh-monitord", `ossec: Agent removed: '${name}-${address}'.`);
      }
    } catch (error) {
      // The registry has said what is wrong with it; the next look comes soon.
      if (!(error instanceof CodedError)) throw error;
    }
  }
}
