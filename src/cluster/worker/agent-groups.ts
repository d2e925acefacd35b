/**
 * The worker's side of agent-groups: agents here have the groups that the master says, and the whole table is asked for when the two stay different.
 * wazuh v4.14.7: framework/wazuh/core/cluster/worker.py.
 */

import type { CommandName } from "#formats/wire/cluster/commands.ts";
import { clusterError } from "#formats/wire/cluster/exceptions.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { AgentId, GroupName } from "#model/agent.ts";
import { ChunkReader } from "../agents/chunk-reader.ts";
import { type GroupsOfAgent, readGroupChunk } from "../agents/group-chunks.ts";
import { hashOfAllGroups } from "../agents/group-hash.ts";
import { APPLY_MS_MAX, GROUP_MISMATCHES_MAX } from "../agents/times.ts";
import {
  logUpdateReport,
  RefusedCounts,
  type UpdateReport,
  writeUpdateReport,
} from "../agents/update-report.ts";
import type { ClusterAgents, ClusterNeeds } from "../needs.ts";
import { type Handler, type HandlerTable, ok, type Reply, refused } from "../replies.ts";
import type { Session } from "../session.ts";
import { Slices } from "../slices.ts";
import { type Subtag, taggedLog } from "../tagged-log.ts";

/** Groups of agents whose keys have not come here yet; of more the first goes, and comes again with the whole table. */
const EARLY_AGENTS_MAX = 10_000;

type Kind = {
  readonly subtag: Subtag;
  readonly done: CommandName;
  readonly failed: CommandName;
  /** The master says which hash its table has, and it is compared. */
  readonly isCompared: boolean;
};
const CHANGES: Kind = {
  subtag: "Agent-groups recv",
  done: "syn_w_g_e",
  failed: "syn_w_g_err",
  isCompared: true,
};
const WHOLE: Kind = {
  subtag: "Agent-groups recv full",
  done: "syn_wgc_e",
  failed: "syn_wgc_err",
  isCompared: false,
};

type Applied = UpdateReport & { readonly hash: string | null | undefined };

/** With one connection to the master, as long as it lasts. */
export class WorkerAgentGroups {
  readonly #nodeName: string;
  readonly #agents: Pick<ClusterAgents, "applyGroups" | "groupListsAfter">;
  readonly #session: Session;
  readonly #needs: ClusterNeeds;
  readonly #early = new Map<AgentId, readonly GroupName[]>();
  #isApplying = false;
  #mismatches = 0;

  constructor(
    nodeName: string,
    agents: Pick<ClusterAgents, "applyGroups" | "groupListsAfter">,
    session: Session,
    needs: ClusterNeeds,
  ) {
    this.#nodeName = nodeName;
    this.#agents = agents;
    this.#session = session;
    this.#needs = needs;
  }

  get handlers(): HandlerTable {
    return new Map<string, Handler>([
      ["syn_g_m_w", (payload) => this.#begin(payload, CHANGES)],
      ["syn_g_m_w_c", (payload) => this.#begin(payload, WHOLE)],
    ]);
  }

  #begin(payload: Buffer, kind: Kind): Reply {
    const id = payload.toString("latin1", 0, 64);
    const bytes = this.#session.takeString(id);
    if (this.#isApplying) return refused(clusterError(3037, "another synchronisation is going on"));
    this.#isApplying = true;
    void this.#take(id, bytes, kind);
    return ok(id);
  }

  async #take(id: string, bytes: Buffer | null, kind: Kind): Promise<void> {
    const log = taggedLog(this.#needs.log, `Worker ${this.#nodeName}`, kind.subtag);
    const { clock } = this.#needs;
    const startMs = clock.monotonicMs();
    log.write("info", "Starting.");
    try {
      const applied = bytes === null ? null : await this.#apply(bytes);
      if (this.#session.isClosed) return;
      if (applied === null) {
        const what = bytes === null ? "access string" : "load JSON";
        const text = `error while trying to ${what} under task_id ${id}.`;
        log.write("error", text);
        await this.#session.request(kind.failed, text);
        return;
      }
      const spentMs = clock.monotonicMs() - startMs;
      logUpdateReport(log, applied, spentMs);
      await this.#session.request(kind.done, writeUpdateReport(applied, spentMs));
      if (kind.isCompared && applied.hash !== undefined) await this.#compare(applied.hash, log);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log.write("error", error.message);
      void this.#session.request(kind.failed, error.message);
    } finally {
      this.#isApplying = false;
    }
  }

  /** Null for a string that cannot be read to its end. */
  async #apply(bytes: Buffer): Promise<Applied | null> {
    const reader = new ChunkReader(bytes);
    const slices = new Slices(this.#needs.clock, () => this.#session.isClosed);
    const counts = new RefusedCounts();
    let updatedChunks = 0;
    let hash: string | null | undefined;
    for (const [id, groups] of [...this.#early]) {
      this.#applyTo({ id, groups });
      if (slices.isTired && !(await slices.rest())) return null;
    }
    for (let step = reader.next(); step.kind !== "end"; step = reader.next()) {
      if (step.kind === "malformed") return null;
      const chunk = step.list === null ? readGroupChunk(step.value) : null;
      if (chunk === null) counts.add("no list");
      else {
        for (const agent of chunk.agents) this.#applyTo(agent);
        hash = chunk.hash;
        if (chunk.refused === 0) updatedChunks++;
        else counts.add("a chunk", chunk.refused);
      }
      if (!slices.isTired) continue;
      if (!(await slices.rest())) return null;
      if (slices.elapsedMs <= APPLY_MS_MAX) continue;
      throw new CodedError("cluster_apply_timeout", "timeout while writing the groups");
    }
    return { updatedChunks, errors: counts.errors, hash };
  }

  /** An agent may be heard of before its key has come. */
  #applyTo({ id, groups }: GroupsOfAgent): void {
    this.#early.delete(id);
    if (this.#agents.applyGroups(id, groups)) return;
    const [first] = this.#early.size < EARLY_AGENTS_MAX ? [] : this.#early.keys();
    if (first !== undefined) this.#early.delete(first);
    this.#early.set(id, groups);
  }

  async #compare(masters: string | null, log: Log): Promise<void> {
    const slices = new Slices(this.#needs.clock, () => this.#session.isClosed);
    const own = await hashOfAllGroups(this.#agents, slices);
    if (this.#session.isClosed) return;
    if (own === masters) {
      this.#mismatches = 0;
      return;
    }
    this.#mismatches++;
    const counted = `${this.#mismatches} of ${GROUP_MISMATCHES_MAX}`;
    log.write("debug", `The groups differ from the master's (${counted}): ${own} here, ${masters} there.`);
    if (this.#mismatches < GROUP_MISMATCHES_MAX) return;
    this.#mismatches = 0;
    log.write("info", "The groups still differ from the master's. Asking for all of them.");
    const outcome = await this.#session.request("syn_w_g_c");
    if (outcome.kind === "failed") log.write("error", outcome.error.text);
  }
}
