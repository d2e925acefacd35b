/** A campaign with its tasks as they stand: what is read from it, and nothing that changes it. */
import type { AgentId } from "#model/agent.ts";
import { UPGRADE_ERRORS, type UpgradeErrorCode } from "./errors.ts";
import type { UpgradableAgent } from "./needs.ts";
import { type Campaign, hasEnded, type TaskRecord, type TaskState, type UpgradeTask } from "./tasks.ts";
import { compareVersions, parseVersion } from "./versions.ts";

export type Running = {
  readonly campaign: Campaign;
  /** In the order of their waves. */
  readonly tasks: Map<AgentId, UpgradeTask>;
  /** Why agents that wait are left as they are; null: they are not. */
  stopped: string | null;
  ended: boolean;
};

export type CampaignSummary = {
  readonly campaign: number;
  readonly createdMs: number;
  readonly file: string;
  readonly version: string | null;
  readonly running: boolean;
  readonly stopped: string | null;
  readonly counts: Readonly<Record<TaskState, number>>;
};

export type TaskView = {
  readonly agentId: string;
  readonly state: TaskState;
  readonly sinceMs: number;
  readonly fromVersion: string;
  /** The peer's number; 0 when nothing went wrong. */
  readonly code: number;
  readonly message: string;
};

/** `code` is the peer's number. */
export type RefusedAgent = { readonly agentId: string; readonly code: number; readonly message: string };

export type AgentTask = { readonly task: UpgradeTask; readonly campaign: Campaign };

export function newTask(
  { number: campaign, createdMs }: Campaign,
  number: number,
  agent: UpgradableAgent,
): UpgradeTask {
  return {
    campaign,
    number,
    agentId: agent.id,
    state: "waiting",
    sinceMs: createdMs,
    error: null,
    detail: "",
    fromVersion: agent.version ?? "",
    reportedDone: false,
  };
}

export function countsOf({ tasks }: Running): Readonly<Record<TaskState, number>> {
  const counts = { waiting: 0, sending: 0, installing: 0, updated: 0, failed: 0, cancelled: 0 };
  for (const { state } of tasks.values()) counts[state]++;
  return counts;
}

export function allEnded({ tasks }: Running): boolean {
  return [...tasks.values()].every(hasEnded);
}

export function lastChangeMs({ campaign, tasks }: Running): number {
  return [...tasks.values()].reduce((latest, { sinceMs }) => Math.max(latest, sinceMs), campaign.createdMs);
}

/** Active again after it began. A version that it had before proves nothing: then its installer must have said that it is done. */
export function isBack(agent: UpgradableAgent, task: UpgradeTask, wanted: string | null): boolean {
  if (!agent.active || agent.lastKeepaliveSeconds * 1000 < task.sinceMs) return false;
  const current = parseVersion(agent.version ?? "");
  const target = parseVersion(wanted ?? "");
  if (target === null || current === null) return task.reportedDone;
  if (compareVersions(current, target) !== 0) return false;
  const before = parseVersion(task.fromVersion);
  return task.reportedDone || (before !== null && compareVersions(before, target) !== 0);
}

/** All that the task file must know of it. */
export function recordsOf({ campaign, tasks, stopped }: Running): TaskRecord[] {
  const records: TaskRecord[] = [{ kind: "campaign", campaign }];
  for (const task of tasks.values()) records.push({ kind: "task", task });
  if (stopped !== null) records.push({ kind: "stopped", campaign: campaign.number, reason: stopped });
  return records;
}

export function summaryOf(running: Running): CampaignSummary {
  const { campaign, stopped, ended } = running;
  const { number, createdMs, version } = campaign;
  const counts = countsOf(running);
  return {
    campaign: number,
    createdMs,
    file: campaign.package.name,
    version,
    running: !ended,
    stopped,
    counts,
  };
}

export function viewOf({ agentId, state, sinceMs, fromVersion, error, detail }: UpgradeTask): TaskView {
  const view = { agentId, state, sinceMs, fromVersion };
  if (error === null) return { ...view, code: 0, message: detail };
  const { code, message } = errorView(error);
  return { ...view, code, message: detail === "" ? message : `${message}: ${detail}` };
}

export function errorView(error: UpgradeErrorCode): { readonly code: number; readonly message: string } {
  const [code, message] = UPGRADE_ERRORS[error];
  return { code, message };
}
