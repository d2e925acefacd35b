/**
 * Upgrades that other nodes of a cluster carry out themselves, as the peer's workers do: they have their tasks numbered and kept by the master's
 * task manager (wazuh v4.14.7: src/wazuh_modules/task_manager, src/wazuh_db/wdb_task.c). Nothing is begun here. They are in memory: what a
 * node says of a task after a restart of the manager is answered as one of an unknown task.
 */
import type { Clock } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import { PEER_HEALTH_SECONDS, TASKS_MAX } from "./limits.ts";

/** The peer's words. */
export type TaskStatus = "Pending" | "In progress" | "Done" | "Failed" | "Cancelled" | "Timeout" | "Legacy";

export type NodeTask = {
  readonly number: number;
  readonly node: string;
  readonly module: string;
  readonly command: "upgrade" | "upgrade_custom";
  readonly status: TaskStatus;
  readonly problem: string;
  readonly createdMs: number;
  readonly changedMs: number | null;
};

/** What may follow what; from the same node, where `sameNode`. */
const STEPS: Partial<Record<TaskStatus, { readonly from: TaskStatus; readonly sameNode: boolean }>> = {
  "In progress": { from: "Pending", sameNode: true },
  Legacy: { from: "In progress", sameNode: true },
  Done: { from: "In progress", sameNode: false },
  Failed: { from: "In progress", sameNode: false },
};

export class NodeTasks {
  readonly #clock: Clock;
  /** The last one of each agent. */
  readonly #tasks = new Map<AgentId, NodeTask>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(id: AgentId, task: Pick<NodeTask, "number" | "node" | "module" | "command">): void {
    // Its place is now the last one.
    this.#tasks.delete(id);
    const [oldest] = this.#tasks.keys();
    if (oldest !== undefined && this.#tasks.size >= TASKS_MAX) this.#tasks.delete(oldest);
    const createdMs = this.#clock.wallMs();
    this.#tasks.set(id, { ...task, status: "Pending", problem: "", createdMs, changedMs: null });
  }

  /** Null when none is known. */
  find(id: AgentId): NodeTask | null {
    const task = this.#tasks.get(id);
    if (task === undefined) return null;
    const sinceMs = this.#clock.wallMs() - (task.changedMs ?? task.createdMs);
    const isLate = task.status === "In progress" && sinceMs > PEER_HEALTH_SECONDS * 1000;
    return isLate ? this.#change(id, task, "Timeout", "") : task;
  }

  /** False when the agent has no task that could come to this. */
  update(id: AgentId, node: string, status: TaskStatus, problem: string): boolean {
    const task = this.find(id);
    const step = STEPS[status];
    if (task === null || step === undefined || task.status !== step.from) return false;
    if (step.sameNode && task.node !== node) return false;
    this.#change(id, task, status, problem);
    return true;
  }

  /** Those of the node that had not begun: it was started again. */
  cancel(node: string): void {
    for (const [id, task] of this.#tasks)
      if (task.node === node && task.status === "Pending") this.#change(id, task, "Cancelled", "");
  }

  #change(id: AgentId, task: NodeTask, status: TaskStatus, problem: string): NodeTask {
    const changed = { ...task, status, problem, changedMs: this.#clock.wallMs() };
    this.#tasks.set(id, changed);
    return changed;
  }
}
