/**
 * The master's side of agent-info: what its workers say of their agents is written into the registry, and nothing else of what they say.
 * wazuh v4.14.7: framework/wazuh/core/cluster/master.py.
 */
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import type { Log } from "#kernel/ports/log.ts";
import { type ApplyFailure, applyReports } from "../agents/apply-reports.ts";
import { logUpdateReport, type UpdateReport, writeUpdateReport } from "../agents/update-report.ts";
import { LOCK_MS_MAX } from "../integrity/times.ts";
import { type ChunkFacts, type ClusterAgents, type ClusterNeeds, NO_CHUNKS } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { taggedLog } from "../tagged-log.ts";

/** For the health report. */
export type AgentInfoFacts = ChunkFacts & { readonly isFree: boolean };

/** With one worker, as long as its connection lasts. */
export class WorkerAgentInfoTask {
  readonly #name: string;
  readonly #agents: Pick<ClusterAgents, "apply">;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  readonly #log: Log;
  #lockedSinceMs: number | null = null;
  #facts: ChunkFacts = NO_CHUNKS;

  constructor(name: string, agents: Pick<ClusterAgents, "apply">, session: Session, needs: ClusterNeeds) {
    this.#name = name;
    this.#agents = agents;
    this.#session = session;
    this.#needs = needs;
    this.#log = taggedLog(needs.log, `Worker ${name}`, "Agent-info sync");
  }

  get facts(): AgentInfoFacts {
    return { isFree: this.#lockedSinceMs === null, ...this.#facts };
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_a_w_m_p", () => this.#permission()],
      ["syn_a_w_m", (payload) => this.#begin(payload)],
    ]);
  }

  #permission(): Reply {
    const nowMs = this.#needs.clock.monotonicMs();
    if (this.#lockedSinceMs !== null && nowMs - this.#lockedSinceMs > LOCK_MS_MAX) {
      this.#log.write(
        "warning",
        "Automatically releasing Agent-info permissions flag (b'syn_a_w_m_p') after being locked out for more than 1000s.",
      );
      this.#lockedSinceMs = null;
    }
    return ok(this.#lockedSinceMs === null ? "True" : "False");
  }

  #begin(payload: Buffer): Reply {
    const id = payload.toString("latin1", 0, 64);
    const bytes = this.#session.takeString(id);
    if (this.#lockedSinceMs !== null) {
      return refused(clusterError(3037, "another synchronisation is going on"));
    }
    this.#lockedSinceMs = this.#needs.clock.monotonicMs();
    void this.#take(id, bytes, this.#lockedSinceMs);
    return ok(id);
  }

  async #take(id: string, bytes: Buffer | null, lockMs: number): Promise<void> {
    this.#log.write("info", "Starting.");
    this.#facts = { startMs: this.#needs.clock.wallMs(), endMs: null, chunks: 0 };
    try {
      const outcome = bytes === null ? unknownString(id) : await this.#apply(bytes);
      if (this.#session.isClosed) return;
      const spentMs = this.#needs.clock.monotonicMs() - lockMs;
      if ("code" in outcome) {
        this.#log.write("error", `Agent-info was not written: ${outcome.text}`);
        await this.#session.request("syn_m_a_err", outcome.text);
        return;
      }
      this.#facts = { ...this.#facts, endMs: this.#needs.clock.wallMs(), chunks: outcome.updatedChunks };
      logUpdateReport(this.#log, outcome, spentMs);
      await this.#session.request("syn_m_a_e", writeUpdateReport(outcome, spentMs));
    } finally {
      // After an automatic release another string may hold it.
      if (this.#lockedSinceMs === lockMs) this.#lockedSinceMs = null;
    }
  }

  #apply(bytes: Buffer): Promise<UpdateReport | ApplyFailure> {
    return applyReports(bytes, {
      agents: this.#agents,
      clock: this.#needs.clock,
      nodeName: this.#name,
      isOver: () => this.#session.isClosed,
    });
  }
}

function unknownString(id: string): ApplyFailure {
  const text = `error while trying to access string under task_id ${id}.`;
  return { code: "string_not_applied", text };
}
