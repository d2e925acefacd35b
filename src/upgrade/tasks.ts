/** Campaigns and their tasks as plain data, and how they are read back from a line of the task file. Pure. */
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { isUpgradeErrorCode, type UpgradeErrorCode } from "./errors.ts";
import type { UpgradePackage } from "./package-file.ts";
import { formatShare, parseShare, type Share } from "./share.ts";

/** `sending`: the package is on its way. `installing`: the agent began, and is to come back. The last three are ends. */
export const TASK_STATES = ["waiting", "sending", "installing", "updated", "failed", "cancelled"] as const;
export type TaskState = (typeof TASK_STATES)[number];

export type UpgradeTask = {
  readonly campaign: number;
  /** Of all tasks; a later one has a higher one. */
  readonly number: number;
  readonly agentId: AgentId;
  readonly state: TaskState;
  /** Wall time of the state's beginning. */
  readonly sinceMs: number;
  /** Why it failed. */
  readonly error: UpgradeErrorCode | null;
  /** The agent's words, or ours. */
  readonly detail: string;
  /** Before the upgrade. */
  readonly fromVersion: string;
  /** The agent said that its installer ended well. */
  readonly reportedDone: boolean;
};

export type Campaign = {
  readonly number: number;
  readonly createdMs: number;
  readonly package: UpgradePackage;
  /** The package came from a repository, else somebody named a file. */
  readonly fromRepository: boolean;
  readonly version: string | null;
  readonly installer: string | null;
  readonly force: boolean;
  /** Agents of the first step; 0 for none. */
  readonly canary: number;
  readonly wave: number;
  readonly failuresMax: Share;
  /** An agent that is not back and active by then has failed. */
  readonly healthSeconds: number;
};

export function hasEnded({ state }: UpgradeTask): boolean {
  return state === "updated" || state === "failed" || state === "cancelled";
}

/** One line of the task file; what comes later replaces what came before. */
export type TaskRecord =
  | { readonly kind: "campaign"; readonly campaign: Campaign }
  | { readonly kind: "task"; readonly task: UpgradeTask }
  | { readonly kind: "stopped"; readonly campaign: number; readonly reason: string };

export function formatRecord(record: TaskRecord): string {
  if (record.kind !== "campaign") return JSON.stringify(record);
  const { campaign } = record;
  return JSON.stringify({
    kind: record.kind,
    campaign: { ...campaign, failuresMax: formatShare(campaign.failuresMax) },
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** Null for a torn or damaged line. */
export function parseRecord(line: string): TaskRecord | null {
  const fields = parseFields(line);
  switch (fields?.["kind"]) {
    case "campaign": {
      const campaign = readCampaign(fields["campaign"]);
      return campaign === null ? null : { kind: "campaign", campaign };
    }
    case "task": {
      const task = readTask(fields["task"]);
      return task === null ? null : { kind: "task", task };
    }
    case "stopped": {
      const { campaign, reason } = fields;
      if (!isCount(campaign) || typeof reason !== "string") return null;
      return { kind: "stopped", campaign, reason };
    }
    default:
      return null;
  }
}

function parseFields(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function readTask(value: unknown): UpgradeTask | null {
  if (!isFields(value)) return null;
  const { campaign, number, agentId, sinceMs, error, detail, fromVersion, reportedDone } = value;
  const state = TASK_STATES.find((known) => known === value["state"]);
  const id = typeof agentId === "string" ? parseAgentId(agentId) : null;
  if (!isCount(campaign) || !isCount(number) || !isCount(sinceMs)) return null;
  if (state === undefined || id === null) return null;
  if (typeof detail !== "string" || typeof fromVersion !== "string" || typeof reportedDone !== "boolean") {
    return null;
  }
  if (error !== null && !isUpgradeErrorCode(error)) return null;
  return { campaign, number, agentId: id, state, sinceMs, error, detail, fromVersion, reportedDone };
}

function readCampaign(value: unknown): Campaign | null {
  if (!isFields(value)) return null;
  const { number, createdMs, version, installer, force, canary, wave, failuresMax, healthSeconds } = value;
  const { fromRepository } = value;
  const share = typeof failuresMax === "string" ? parseShare(failuresMax) : null;
  const upgradePackage = readPackage(value["package"]);
  if (!isCount(number) || !isCount(createdMs) || !isCount(canary) || !isCount(wave)) return null;
  if (!isCount(healthSeconds) || wave === 0 || share === null || upgradePackage === null) return null;
  if (!isTextOrNull(version) || !isTextOrNull(installer)) return null;
  if (typeof force !== "boolean" || typeof fromRepository !== "boolean") return null;
  const numbers = { number, createdMs, canary, wave, healthSeconds };
  return {
    ...numbers,
    package: upgradePackage,
    fromRepository,
    version,
    installer,
    force,
    failuresMax: share,
  };
}

function readPackage(value: unknown): UpgradePackage | null {
  if (!isFields(value)) return null;
  const { name, sha1, bytes, scripts } = value;
  if (typeof name !== "string" || typeof sha1 !== "string" || !/^[0-9a-f]{40}$/.test(sha1)) return null;
  if (!isCount(bytes) || !Array.isArray(scripts)) return null;
  return { name, sha1, bytes, scripts: scripts.map(String) };
}
