/** Agents of other nodes that no node has heard of for long: their worker fell silent, and the master says that they are disconnected. */
import { messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import { ROWS_AT_ONCE } from "../agents/times.ts";
import { KEEPALIVE_CHECK_PERIOD_MS } from "../limits.ts";
import type { ClusterAgents, ClusterNeeds } from "../needs.ts";
import { Slices } from "../slices.ts";
import { taggedLog } from "../tagged-log.ts";

export type SilentAgentsOptions = {
  readonly ownName: string;
  /** `<global><agents_disconnection_time>`. */
  readonly disconnectionSeconds: number;
  readonly agents: Pick<ClusterAgents, "disconnectSilent">;
};

export class SilentAgentsCheck {
  readonly #options: SilentAgentsOptions;
  readonly #needs: ClusterNeeds;
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(options: SilentAgentsOptions, needs: ClusterNeeds) {
    this.#options = options;
    this.#needs = needs;
  }

  start(): void {
    this.#timer = this.#needs.clock.after(KEEPALIVE_CHECK_PERIOD_MS, () => void this.#turn());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #turn(): Promise<void> {
    const log = taggedLog(this.#needs.log, "Master", "Keep alive");
    try {
      const count = await this.#disconnect();
      if (count > 0)
        log.write("info", `${count} agents of other nodes have fallen silent and are disconnected.`);
    } catch (error) {
      log.write("error", `Error looking for silent agents: ${messageOf(error)}`);
    }
    if (!this.#isStopped) this.start();
  }

  async #disconnect(): Promise<number> {
    const { agents, disconnectionSeconds, ownName } = this.#options;
    const slices = new Slices(this.#needs.clock, () => this.#isStopped);
    const nowSeconds = Math.floor(this.#needs.clock.wallMs() / 1000);
    const silentSinceSeconds = nowSeconds - disconnectionSeconds;
    const look = { ownName, nowSeconds, silentSinceSeconds, limit: ROWS_AT_ONCE };
    let count = 0;
    for (let after: AgentId | null = null; ; ) {
      const { disconnected, next }: ReturnType<typeof agents.disconnectSilent> = agents.disconnectSilent(
        after,
        look,
      );
      count += disconnected;
      if (next === null) return count;
      after = next;
      if (slices.isTired && !(await slices.rest())) return count;
    }
  }
}
