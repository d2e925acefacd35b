/**
 * The peer's sockets `queue/tasks/upgrade` and `queue/tasks/task`: its programs order upgrades there and ask what became of them. An order is
 * one wave without a gate, as the peer's. It is answered before its packages are fetched; until then its tasks are kept here, in memory.
 */
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import { PEER_HEALTH_SECONDS, TASKS_MAX } from "./limits.ts";
import { type NodeTask, NodeTasks, type TaskStatus } from "./node-tasks.ts";
import {
  agentItem,
  answerOf,
  type PeerRequest,
  parsePeerRequest,
  parseTaskRequest,
  type RepositoryRequest,
  refusalOf,
  type TaskRequest,
} from "./peer-message.ts";
import type { FetchedPackage, RepositoryPackages } from "./repository-packages.ts";
import { type AgentTask, viewOf } from "./running.ts";
import type { UpgradeOrder, UpgradeService } from "./service.ts";
import { hasEnded, type TaskState } from "./tasks.ts";

export type PeerRequestNeeds = {
  readonly clock: Clock;
  readonly home: string;
  readonly nodeName: string;
  readonly upgrades: Pick<UpgradeService, "begin" | "reserveTask" | "lastTask" | "reported">;
  readonly repository: Pick<RepositoryPackages, "fetch" | "refused">;
};

const MODULE = "upgrade_module";
const ALREADY_UPGRADING = [10, "Upgrade procedure could not start. Agent already upgrading"] as const;
const FILE_MISSING = [16, "The WPK file does not exist"] as const;
const NO_TASK = [3, "No task in DB"] as const;
/** "Text of the task manager": what the peer has no number for. */
const OTHER = 5;
const FAILURES: ReadonlyMap<string, number> = new Map([
  ["repository_invalid", 14],
  ["version_invalid", 15],
]);

const STATUSES: Readonly<Record<TaskState, TaskStatus>> = {
  waiting: "Pending",
  sending: "In progress",
  installing: "In progress",
  updated: "Done",
  failed: "Failed",
  cancelled: "Failed",
};

/** The peer's words for people. */
const SHOWN: Readonly<Record<TaskStatus, string>> = {
  Pending: "In queue",
  "In progress": "Updating",
  Done: "Updated",
  Failed: "Error",
  Cancelled: "Task cancelled since the manager was restarted",
  Timeout:
    "Timeout reached while waiting for the response from the agent, check the result manually on the agent for more information",
  Legacy: "Legacy upgrade: check the result manually since the agent cannot report the result of the task",
};

/** A task whose package is being fetched, or could not be. */
type Promised = {
  readonly number: number;
  readonly createdMs: number;
  /** Empty while there is nothing wrong. */
  problem: string;
  endedMs: number | null;
};

/** One of this node. */
type OwnTask = Omit<NodeTask, "node" | "module">;

export class PeerRequests {
  readonly #needs: PeerRequestNeeds;
  readonly #local = new LocalClock();
  readonly #promised = new Map<AgentId, Promised>();
  readonly #nodeTasks: NodeTasks;
  /** Orders are fetched one behind the other. */
  #line: Promise<void> = Promise.resolve();

  constructor(needs: PeerRequestNeeds) {
    this.#needs = needs;
    this.#nodeTasks = new NodeTasks(needs.clock);
  }

  /** On the socket of the upgrade module. */
  async answerUpgrade(request: Buffer): Promise<Buffer> {
    const parsed = parsePeerRequest(textOf(request));
    if ("code" in parsed) return Buffer.from(refusalOf(parsed));
    return Buffer.from(answerOf(await this.#answerTo(parsed)));
  }

  /** On that of the task manager, which tells and is told; it begins nothing. */
  answerTask(request: Buffer): Buffer {
    const parsed = parseTaskRequest(textOf(request));
    if (parsed === "invalid_message") return Buffer.from(taskRefusal(1, "Invalid message"));
    if (parsed === "invalid_command") return Buffer.from(taskRefusal(2, "Invalid command"));
    return Buffer.from(answerOf(this.#taskItems(parsed)));
  }

  #taskItems(request: TaskRequest): readonly object[] {
    switch (request.command) {
      case "upgrade":
      case "upgrade_custom": {
        const { agents, command, module, node } = request;
        return agents.map((id) => {
          const number = this.#needs.upgrades.reserveTask();
          this.#nodeTasks.add(id, { number, node, module, command });
          return agentItem(id, 0, "Success", { task_id: number });
        });
      }
      case "upgrade_get_status":
        return request.agents.map((id) => {
          const shown = this.#shown(id);
          return agentItem(id, 0, "Success", shown === null ? {} : { status: shown.status });
        });
      case "upgrade_update_status":
        return request.agents.map((id) =>
          this.#update(id, request) ? agentItem(id, 0, "Success") : agentItem(id, ...NO_TASK),
        );
      case "upgrade_result":
        return request.agents.map((id) => this.#resultOf(id));
      case "upgrade_cancel_tasks":
        this.#nodeTasks.cancel(request.node);
        return [{ error: 0, message: "Success" }];
    }
  }

  /** False when the agent has no task that could come to this. */
  #update(id: AgentId, said: Extract<TaskRequest, { readonly command: "upgrade_update_status" }>): boolean {
    const { node, problem, status } = said;
    if (this.#nodeTasks.update(id, node, status, problem)) return true;
    const { upgrades } = this.#needs;
    // An agent of this node may report to another one meanwhile.
    if (upgrades.lastTask(id)?.task.state !== "installing") return false;
    if (status !== "Done" && status !== "Failed") return false;
    upgrades.reported(id, status === "Done" ? "done" : "failed");
    return true;
  }

  async #answerTo(request: PeerRequest): Promise<readonly object[]> {
    const { agents } = request;
    switch (request.command) {
      case "upgrade":
        return this.#upgrade(agents, request);
      case "upgrade_custom":
        return this.#upgradeWith(agents, request.path, request.installer);
      case "upgrade_update_status":
        return agents.map((id) => {
          if (this.#needs.upgrades.lastTask(id) === null) return agentItem(id, ...NO_TASK);
          this.#needs.upgrades.reported(id, request.result);
          return agentItem(id, 0, "Success");
        });
      case "upgrade_result":
        return agents.map((id) => this.#resultOf(id));
    }
  }

  #upgrade(ids: readonly AgentId[], wish: RepositoryRequest): readonly object[] {
    const order = { ...wish, agents: ids.filter((id) => !this.#isBusy(id)) };
    const refused = new Map<string, readonly [number, string]>();
    try {
      for (const { agentId, code, message } of this.#needs.repository.refused(order))
        refused.set(agentId, [code, message]);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const problem = [FAILURES.get(error.code) ?? OTHER, error.message] as const;
      return ids.map((id) => agentItem(id, ...problem));
    }
    const agents = order.agents.filter((id) => !refused.has(id));
    const numbers = new Map(agents.map((id) => [id, this.#promise(id)]));
    if (agents.length > 0) this.#line = this.#line.then(() => this.#fetch({ ...wish, agents }, numbers));
    return ids.map((id) => {
      const number = numbers.get(id);
      if (number !== undefined) return agentItem(id, 0, "Success", { task_id: number });
      return agentItem(id, ...(refused.get(id) ?? ALREADY_UPGRADING));
    });
  }

  async #upgradeWith(
    agents: readonly AgentId[],
    path: string,
    installer: string | null,
  ): Promise<readonly object[]> {
    const { home, upgrades } = this.#needs;
    const whole = path.startsWith("/") ? path : `${home}/${path}`;
    const free = agents.filter((id) => !this.#isBusy(id));
    const refused = new Map<string, readonly [number, string]>();
    try {
      const begun = await upgrades.begin({ ...usualOrder(free, whole), installer });
      for (const { agentId, code, message } of begun.refused) refused.set(agentId, [code, message]);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const [code, text] = error.code === "file_missing" ? FILE_MISSING : [OTHER, error.message];
      return agents.map((id) => agentItem(id, code, text));
    }
    return agents.map((id) => {
      const problem = refused.get(id) ?? (free.includes(id) ? null : ALREADY_UPGRADING);
      if (problem !== null) return agentItem(id, ...problem);
      return agentItem(id, 0, "Success", { task_id: upgrades.lastTask(id)?.task.number });
    });
  }

  /** Never rejects. */
  async #fetch(
    order: RepositoryRequest & { readonly agents: readonly AgentId[] },
    taskNumbers: ReadonlyMap<AgentId, number>,
  ): Promise<void> {
    try {
      const { packages, refused, version } = await this.#needs.repository.fetch(order);
      for (const { agentId, message } of refused) this.#failed(order.agents, agentId, message);
      for (const fetched of packages)
        await this.#begin(fetched, { version, taskNumbers, force: order.force });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      for (const id of order.agents) this.#failed(order.agents, id, error.message);
    }
  }

  async #begin(
    { agents, path }: FetchedPackage,
    aim: Pick<UpgradeOrder, "version" | "taskNumbers" | "force">,
  ): Promise<void> {
    try {
      const { refused } = await this.#needs.upgrades.begin({ ...usualOrder(agents, path), ...aim });
      for (const { agentId, message } of refused) this.#failed(agents, agentId, message);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      for (const id of agents) this.#failed(agents, id, error.message);
    }
    for (const id of agents) if (this.#promised.get(id)?.problem === "") this.#promised.delete(id);
  }

  #promise(id: AgentId): number {
    const number = this.#needs.upgrades.reserveTask();
    // Its place is now the last one.
    this.#promised.delete(id);
    const [oldest] = this.#promised.keys();
    if (oldest !== undefined && this.#promised.size >= TASKS_MAX) this.#promised.delete(oldest);
    const createdMs = this.#needs.clock.wallMs();
    this.#promised.set(id, { number, createdMs, problem: "", endedMs: null });
    return number;
  }

  #failed(agents: readonly AgentId[], agentId: string, problem: string): void {
    const id = agents.find((agent) => agent === agentId);
    const promised = id === undefined ? undefined : this.#promised.get(id);
    if (promised === undefined) return;
    promised.problem = problem;
    promised.endedMs = this.#needs.clock.wallMs();
  }

  #isBusy(id: AgentId): boolean {
    const last = this.#needs.upgrades.lastTask(id);
    return this.#promised.get(id)?.endedMs === null || (last !== null && !hasEnded(last.task));
  }

  #shown(id: AgentId): NodeTask | null {
    const { nodeName: node, upgrades } = this.#needs;
    const last = upgrades.lastTask(id);
    const promised = this.#promised.get(id);
    return [
      last === null ? null : { ...shownTask(last), node, module: MODULE },
      promised === undefined ? null : { ...shownPromise(promised), node, module: MODULE },
      this.#nodeTasks.find(id),
    ].reduce((latest, task) => ((task?.number ?? 0) > (latest?.number ?? 0) ? task : latest));
  }

  #resultOf(id: AgentId): object {
    const shown = this.#shown(id);
    if (shown === null) return agentItem(id, ...NO_TASK);
    const { number, node, module, command, status, problem, createdMs, changedMs } = shown;
    return agentItem(id, 0, "Success", {
      task_id: number,
      node,
      module,
      command,
      status: SHOWN[status],
      ...(problem === "" ? {} : { error_msg: problem }),
      create_time: this.#time(createdMs),
      ...(changedMs === null ? {} : { update_time: this.#time(changedMs) }),
    });
  }

  /** `2026/11/21 06:44:10` */
  #time(ms: number): string {
    const { isoSeconds, clock } = this.#local.at(ms);
    return `${isoSeconds.slice(0, 10).replaceAll("-", "/")} ${clock}`;
  }
}

function shownPromise({ number, createdMs, problem, endedMs }: Promised): OwnTask {
  const status = endedMs === null ? "Pending" : "Failed";
  return { number, command: "upgrade", status, problem, createdMs, changedMs: endedMs };
}

function shownTask({ task, campaign }: AgentTask): OwnTask {
  const { number, sinceMs, state } = task;
  const { message } = viewOf(task);
  const cancelled = state === "cancelled" ? `Upgrade task cancelled: ${message}` : "";
  return {
    number,
    command: campaign.fromRepository ? "upgrade" : "upgrade_custom",
    status: STATUSES[state],
    problem: state === "failed" ? message : cancelled,
    createdMs: campaign.createdMs,
    changedMs: state === "waiting" ? null : sinceMs,
  };
}

/** All at once, whatever becomes of them. */
function usualOrder(agents: readonly AgentId[], path: string): UpgradeOrder {
  return {
    agents,
    path,
    version: null,
    installer: null,
    force: true,
    canary: { unit: "agents", value: 0 },
    wave: TASKS_MAX,
    failuresMax: { unit: "percent", value: 100 },
    healthSeconds: PEER_HEALTH_SECONDS,
    taskNumbers: null,
  };
}

function taskRefusal(error: number, message: string): string {
  return JSON.stringify({ error, data: [{ error, message }], message });
}

/** Programs in C send the end of their text too. */
function textOf(request: Buffer): string {
  const [text = ""] = request.toString("utf8").split("\0", 1);
  return text;
}
