/**
 * Upgrades agents in waves: which may begin is `waves.ts`, what is said to one is `procedure.ts`, what must outlive a restart is in
 * `task-file.ts`.
 *
 * An agent is updated when it is back, active and of the new version; one that is not within `healthSeconds` has failed.
 */
import assert from "node:assert/strict";
import { CodedError } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import { CLEAR_RESULT } from "./dialogue.ts";
import { installerFor, refusalOf, type UpgradeAim } from "./eligibility.ts";
import type { UpgradeErrorCode } from "./errors.ts";
import { UpgradeEvents } from "./events.ts";
import { CAMPAIGNS_MAX, INACTIVE_MS_MAX, LOOK_PERIOD_MS, REMEMBERED_MS, TASKS_MAX } from "./limits.ts";
import { checkEnabled, type UpgradableAgent, type UpgradeNeeds, type UpgradeResult } from "./needs.ts";
import { packagePath } from "./package-file.ts";
import { type ProcedureOutcome, upgradeAgent } from "./procedure.ts";
import {
  type AgentTask,
  allEnded,
  type CampaignSummary,
  countsOf,
  errorView,
  isBack,
  lastChangeMs,
  newTask,
  type RefusedAgent,
  type Running,
  recordsOf,
  summaryOf,
  type TaskView,
  viewOf,
} from "./running.ts";
import { atLeast, type Share } from "./share.ts";
import { TaskFile } from "./task-file.ts";
import { type Campaign, hasEnded, type TaskRecord, type UpgradeTask } from "./tasks.ts";
import { versionInName } from "./versions.ts";
import { failsTooOften, openedBy } from "./waves.ts";

export type UpgradeOrder = {
  readonly agents: readonly AgentId[];
  readonly path: string;
  /** Null: what the file's name says, if anything. */
  readonly version: string | null;
  /** Null: the usual one of each agent's platform. */
  readonly installer: string | null;
  readonly force: boolean;
  readonly canary: Share;
  readonly wave: number;
  readonly failuresMax: Share;
  readonly healthSeconds: number;
  /** Of tasks that were promised; null: they have none yet. */
  readonly taskNumbers: ReadonlyMap<AgentId, number> | null;
};

export type BegunCampaign = {
  /** Null when no agent can be upgraded. */
  readonly campaign: number | null;
  readonly agents: number;
  readonly version: string | null;
  readonly refused: readonly RefusedAgent[];
};

export class UpgradeService {
  readonly #needs: UpgradeNeeds;
  readonly #events: UpgradeEvents;
  readonly #file: TaskFile;
  readonly #campaigns = new Map<number, Running>();
  /** Agents whose procedure is under way. */
  readonly #transfers = new Set<AgentId>();
  /** Agents that are being told that their report has arrived. */
  readonly #clearing = new Set<AgentId>();
  #timer: Timer | null = null;
  #lastTask = 0;
  #startedMs = 0;
  #stopping = false;

  constructor(needs: UpgradeNeeds) {
    this.#needs = needs;
    this.#events = new UpgradeEvents(needs);
    this.#file = new TaskFile(needs.files, needs.taskFile);
  }

  /** Throws `CodedError` when the task file cannot be read or written. */
  start(): void {
    const { clock } = this.#needs;
    const { records, damagedLines } = this.#file.read();
    if (damagedLines > 0) this.#events.damaged(damagedLines);
    for (const record of records) this.#restore(record);
    this.#startedMs = clock.wallMs();
    for (const [number, running] of this.#campaigns) {
      this.#requeue(running);
      running.ended = allEnded(running);
      const { waiting, installing } = countsOf(running);
      if (!running.ended) this.#events.resumed(number, waiting + installing);
      else if (this.#startedMs - lastChangeMs(running) > REMEMBERED_MS) this.#campaigns.delete(number);
    }
    this.#file.begin([...this.#campaigns.values()].flatMap(recordsOf));
    this.#timer = clock.every(LOOK_PERIOD_MS, () => this.#look());
  }

  /** What is under way goes on after the next start. */
  stop(): void {
    this.#stopping = true;
    this.#timer?.cancel();
    this.#file.close();
  }

  /** Throws `CodedError` when the package is refused, or too much is asked. */
  async begin(order: UpgradeOrder): Promise<BegunCampaign> {
    checkEnabled(this.#needs.settings);
    if (order.agents.length > TASKS_MAX)
      throw new CodedError("too_many_agents", `More than ${TASKS_MAX} agents at a time`);
    const prepared = await this.#needs.preparePackage(order.path);
    if (!prepared.ok) throw new CodedError(prepared.code, prepared.text);
    const { installer, force, failuresMax, healthSeconds, wave } = order;
    const version = order.version ?? versionInName(prepared.package.name);
    if (installer !== null && !prepared.package.scripts.includes(installer))
      throw new CodedError("installer_missing", `The package has no '${installer}'`);
    const fromRepository = order.path.startsWith(`${this.#needs.packages}/`);
    const aim = { package: prepared.package, version, installer, force };
    const { chosen, refused } = this.#choose(order.agents, aim);
    if (chosen.length === 0) {
      this.#dropPackage(prepared.package.sha1);
      return { campaign: null, agents: 0, version, refused };
    }
    this.#forgetOldest();
    const campaign: Campaign = {
      ...aim,
      fromRepository,
      number: Math.max(0, ...this.#campaigns.keys()) + 1,
      createdMs: this.#needs.clock.wallMs(),
      canary: atLeast(order.canary, chosen.length),
      wave,
      failuresMax,
      healthSeconds,
    };
    const numberOf = (id: AgentId) => order.taskNumbers?.get(id) ?? this.reserveTask();
    const tasks = new Map(chosen.map((agent) => [agent.id, newTask(campaign, numberOf(agent.id), agent)]));
    const running: Running = { campaign, tasks, stopped: null, ended: false };
    this.#campaigns.set(campaign.number, running);
    this.#save(recordsOf(running));
    this.#events.began(campaign, tasks.size);
    this.#advance(running);
    return { campaign: campaign.number, agents: tasks.size, version, refused };
  }

  /** Agents that wait are not upgraded any more; those that began are brought to an end. Throws `CodedError`. */
  cancel(number: number): void {
    this.#stop(this.#find(number), "cancelled");
  }

  /** The number of a task that is promised before its campaign begins. */
  reserveTask(): number {
    this.#lastTask += 1;
    return this.#lastTask;
  }

  /** The agent's last task; null when none is remembered. */
  lastTask(id: AgentId): AgentTask | null {
    let last: AgentTask | null = null;
    for (const { campaign, tasks } of this.#campaigns.values()) {
      const task = tasks.get(id);
      if (task !== undefined && task.number >= (last?.task.number ?? 0)) last = { task, campaign };
    }
    return last;
  }

  summaries(): readonly CampaignSummary[] {
    return [...this.#campaigns.values()].map(summaryOf);
  }

  /** Throws `CodedError` for an unknown one. */
  summary(number: number): CampaignSummary {
    return summaryOf(this.#find(number));
  }

  /** Throws `CodedError` for an unknown one. */
  tasks(number: number): readonly TaskView[] {
    return [...this.#find(number).tasks.values()].map(viewOf);
  }

  /** What an agent says became of its upgrade; it says so until it is told that we know. */
  reported(agentId: AgentId, result: UpgradeResult): void {
    if (this.#stopping) return;
    const found = this.#busyWith(agentId);
    if (found?.task.state === "installing") {
      if (result === "done") this.#change(found.running, found.task, { reportedDone: true });
      else this.#fail(found.running, found.task, result, "the agent says so");
    }
    if (this.#clearing.has(agentId)) return;
    this.#clearing.add(agentId);
    void this.#needs.request(agentId, CLEAR_RESULT).then(() => this.#clearing.delete(agentId));
  }

  #restore(record: TaskRecord): void {
    if (record.kind === "campaign") {
      const { campaign } = record;
      this.#campaigns.set(campaign.number, { campaign, tasks: new Map(), stopped: null, ended: false });
    } else if (record.kind === "task") {
      this.#campaigns.get(record.task.campaign)?.tasks.set(record.task.agentId, record.task);
      this.#lastTask = Math.max(this.#lastTask, record.task.number);
    } else {
      const running = this.#campaigns.get(record.campaign);
      if (running !== undefined) running.stopped = record.reason;
    }
  }

  /** A transfer that the end of the manager broke off begins again, unless its campaign was stopped. */
  #requeue({ tasks, stopped }: Running): void {
    const sinceMs = this.#startedMs;
    for (const [id, task] of tasks) {
      if (hasEnded(task) || task.state === "installing") continue;
      if (stopped !== null) tasks.set(id, { ...task, state: "cancelled", detail: stopped, sinceMs });
      else if (task.state === "sending") tasks.set(id, { ...task, state: "waiting", sinceMs });
    }
  }

  #choose(ids: readonly AgentId[], aim: UpgradeAim) {
    const chosen: UpgradableAgent[] = [];
    const refused: RefusedAgent[] = [];
    for (const id of new Set(ids)) {
      const agent = this.#needs.agent(id);
      const busy = this.#busyWith(id) === null ? null : "already_upgrading";
      const code = refusalOf(id, agent, aim, this.#needs.managerVersion) ?? busy;
      if (code !== null) refused.push({ agentId: id, ...errorView(code) });
      else if (agent !== null) chosen.push(agent);
    }
    return { chosen, refused };
  }

  /** The agent's task that has not ended; there is one at most. */
  #busyWith(id: AgentId): { readonly running: Running; readonly task: UpgradeTask } | null {
    for (const running of this.#campaigns.values()) {
      const task = running.ended ? undefined : running.tasks.get(id);
      if (task !== undefined && !hasEnded(task)) return { running, task };
    }
    return null;
  }

  #forgetOldest(): void {
    if (this.#campaigns.size < CAMPAIGNS_MAX) return;
    for (const [number, { ended }] of this.#campaigns) {
      if (!ended) continue;
      this.#campaigns.delete(number);
      return;
    }
    throw new CodedError("too_many_campaigns", `${CAMPAIGNS_MAX} upgrades are under way`);
  }

  #look(): void {
    for (const running of this.#campaigns.values()) if (!running.ended) this.#advance(running);
  }

  #advance(running: Running): void {
    const { campaign, tasks } = running;
    for (const task of tasks.values()) if (task.state === "installing") this.#checkHealth(running, task);
    const { updated, failed, cancelled } = countsOf(running);
    const plan = { total: tasks.size, canary: campaign.canary, wave: campaign.wave };
    const opened = openedBy(plan, updated + failed + cancelled);
    if (failsTooOften(failed, opened, campaign.failuresMax))
      this.#stop(running, `${failed} of ${opened} agents failed`);
    for (const task of [...tasks.values()].slice(0, opened))
      if (task.state === "waiting") this.#tryToSend(running, task);
    if (!allEnded(running)) return;
    running.ended = true;
    this.#events.ended(campaign.number, updated, failed);
    this.#dropPackage(campaign.package.sha1);
  }

  #tryToSend(running: Running, task: UpgradeTask): void {
    if (this.#transfers.size >= this.#needs.settings.transfersMax) return;
    const { agentId } = task;
    const agent = this.#needs.agent(agentId);
    if (agent?.active !== true) {
      const waitedMs = this.#needs.clock.wallMs() - Math.max(task.sinceMs, this.#startedMs);
      if (waitedMs > INACTIVE_MS_MAX) this.#fail(running, task, "not_active", "");
      return;
    }
    const sending = this.#change(running, task, { state: "sending" });
    this.#transfers.add(agentId);
    void this.#send(running, agent).then((outcome) => {
      this.#transfers.delete(agentId);
      if (this.#stopping) return; // requests fail at a stop: that is not the agent's fault
      if (outcome.ok) this.#change(running, sending, { state: "installing" });
      else this.#fail(running, sending, outcome.code, outcome.text);
      this.#advance(running);
    });
  }

  async #send({ campaign }: Running, agent: UpgradableAgent): Promise<ProcedureOutcome> {
    const { clock, files, packages, request, settings } = this.#needs;
    const aim = {
      chunkBytes: settings.chunkBytes,
      package: campaign.package,
      agentVersion: agent.version ?? "",
      installer: installerFor(agent.platform, campaign),
    };
    try {
      const file = files.open(packagePath(packages, campaign.package.sha1), "read");
      const chunk = (position: number, bytes: number) => {
        const buffer = Buffer.alloc(bytes);
        return buffer.subarray(0, file.read(buffer, position));
      };
      try {
        return await upgradeAgent(aim, { clock, request: (payload) => request(agent.id, payload), chunk });
      } finally {
        file.close();
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { ok: false, code: "open_file", text: error.message };
    }
  }

  #checkHealth(running: Running, task: UpgradeTask): void {
    const { version, healthSeconds } = running.campaign;
    const agent = this.#needs.agent(task.agentId);
    if (agent !== null && isBack(agent, task, version)) {
      this.#change(running, task, { state: "updated", detail: agent.version ?? "" });
      return;
    }
    if (this.#needs.clock.wallMs() - task.sinceMs <= healthSeconds * 1000) return;
    const wanted = version ?? "a report of its installer";
    this.#fail(running, task, "failed", `not back and active with ${wanted} within ${healthSeconds} s`);
  }

  #stop(running: Running, reason: string): void {
    if (running.stopped !== null || running.ended) return;
    running.stopped = reason;
    const { number } = running.campaign;
    this.#events.stopped(number, reason);
    const sinceMs = this.#needs.clock.wallMs();
    for (const [id, task] of running.tasks) {
      if (task.state !== "waiting") continue;
      running.tasks.set(id, { ...task, state: "cancelled", detail: reason, sinceMs });
    }
    // At a start this cancels those that wait, so their own lines are not needed.
    this.#save([{ kind: "stopped", campaign: number, reason }]);
  }

  #fail(running: Running, task: UpgradeTask, error: UpgradeErrorCode, detail: string): void {
    this.#change(running, task, { state: "failed", error, detail });
  }

  #change(running: Running, before: UpgradeTask, change: Partial<UpgradeTask>): UpgradeTask {
    assert.equal(running.tasks.get(before.agentId), before, "changed by somebody else");
    const sinceMs = change.state === undefined ? before.sinceMs : this.#needs.clock.wallMs();
    const task = { ...before, ...change, sinceMs };
    running.tasks.set(task.agentId, task);
    this.#save([{ kind: "task", task }]);
    if (change.state !== undefined) this.#events.changed(task);
    return task;
  }

  #save(records: readonly TaskRecord[]): void {
    if (!this.#file.append(records)) this.#events.notSaved();
  }

  /** Nobody is sent it any more. */
  #dropPackage(sha1: string): void {
    const { files, packages } = this.#needs;
    for (const { campaign, ended } of this.#campaigns.values())
      if (!ended && campaign.package.sha1 === sha1) return;
    try {
      files.remove(packagePath(packages, sha1));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#events.packageKept(error.message);
    }
  }

  #find(number: number): Running {
    const running = this.#campaigns.get(number);
    if (running !== undefined) return running;
    const text = `There is no upgrade ${number}; 'cyb3rhq agents upgrades' lists them`;
    throw new CodedError("campaign_unknown", text);
  }
}
