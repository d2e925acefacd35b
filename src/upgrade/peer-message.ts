/**
 * What the peer's programs ask its upgrade module and its task manager, and how they are answered (wazuh v4.14.7:
 * src/wazuh_modules/agent_upgrade/manager/wm_agent_upgrade_parsing.c, task_manager/wm_task_manager_parsing.c). Pure.
 */
import { AGENT_ID_NUMBER_MAX, type AgentId, agentIdOf } from "#model/agent.ts";
import { DETAIL_CHARS_MAX, NAME_CHARS_MAX } from "./limits.ts";
import type { UpgradeResult } from "./needs.ts";
import type { TaskStatus } from "./node-tasks.ts";
import type { PackageType } from "./repository.ts";

type Fields = Readonly<Record<string, unknown>>;

export type RepositoryRequest = {
  readonly repository: string | null;
  readonly version: string | null;
  readonly useHttp: boolean;
  readonly force: boolean;
  readonly packageType: PackageType | null;
};

export type UpgradeCommand =
  | ({ readonly command: "upgrade" } & RepositoryRequest)
  | { readonly command: "upgrade_custom"; readonly path: string; readonly installer: string | null }
  | { readonly command: "upgrade_result" }
  | { readonly command: "upgrade_update_status"; readonly result: UpgradeResult };

export type PeerRequest = UpgradeCommand & { readonly agents: readonly AgentId[] };

/** By the peer's numbers; one of `TEXTS` unless the request has a text of its own. */
export type MessageProblem = { readonly code: 1 | 2 | 3; readonly text: string };

const NO_JSON: MessageProblem = { code: 1, text: "Could not parse message JSON" };
const MISSING: MessageProblem = { code: 2, text: "Required parameters in json message where not found" };
const UNKNOWN: MessageProblem = { code: 3, text: "JSON parameter not recognized" };

/** The numbers of a report, in their order. */
const RESULTS: readonly UpgradeResult[] = ["done", "missing_dependency", "failed"];

class Unrecognized extends Error {}

export function parsePeerRequest(text: string): PeerRequest | MessageProblem {
  const fields = parseFields(text);
  if (fields === null) return NO_JSON;
  const { command, parameters } = fields;
  if (typeof command !== "string" || !isFields(parameters)) return MISSING;
  const { agents } = parameters;
  if (!Array.isArray(agents) || agents.length === 0) return MISSING;
  const ids = agents.map(agentIdFrom);
  const known = ids.filter((id) => id !== null);
  if (known.length < ids.length) return { code: UNKNOWN.code, text: "Agent id not recognized" };
  try {
    const read = readCommand(command, parameters);
    return read === null ? UNKNOWN : { ...read, agents: [...new Set(known)] };
  } catch (error) {
    if (!(error instanceof Unrecognized)) throw error;
    return { code: UNKNOWN.code, text: error.message };
  }
}

/** Null for a command that there is not, or that lacks what it must say. */
function readCommand(command: string, parameters: Fields): UpgradeCommand | null {
  switch (command) {
    case "upgrade":
      return {
        command,
        repository: text(parameters, "wpk_repo"),
        version: text(parameters, "version"),
        useHttp: flag(parameters, "use_http"),
        force: flag(parameters, "force_upgrade"),
        packageType: packageType(parameters),
      };
    case "upgrade_custom": {
      const path = text(parameters, "file_path");
      return path === null ? null : { command, path, installer: text(parameters, "installer") };
    }
    case "upgrade_result":
      return { command };
    case "upgrade_update_status": {
      const { error = 0 } = parameters;
      if (typeof error !== "number") throw new Unrecognized('Parameter "error" should be a number');
      return { command, result: RESULTS[error] ?? "failed" };
    }
    default:
      return null;
  }
}

/** What the task manager is asked. `node` is who asks. */
export type TaskRequest =
  | ({
      readonly command: "upgrade" | "upgrade_custom";
      readonly node: string;
      readonly module: string;
    } & OfAgents)
  | ({ readonly command: "upgrade_get_status" | "upgrade_result" } & OfAgents)
  | ({
      readonly command: "upgrade_update_status";
      readonly node: string;
      readonly status: TaskStatus;
      readonly problem: string;
    } & OfAgents)
  | { readonly command: "upgrade_cancel_tasks"; readonly node: string };
type OfAgents = { readonly agents: readonly AgentId[] };

const STATUSES: readonly TaskStatus[] = ["In progress", "Done", "Failed", "Legacy"];

export function parseTaskRequest(json: string): TaskRequest | "invalid_message" | "invalid_command" {
  const { command, origin, parameters } = parseFields(json) ?? {};
  if (!isFields(origin) || !isFields(parameters) || typeof command !== "string") return "invalid_message";
  const { name: node, module } = origin;
  const { agents: written, status: text, error_msg: problem = "" } = parameters;
  const ids = Array.isArray(written) ? written.map(agentIdFrom) : [];
  const known = ids.filter((id) => id !== null);
  const agents = known.length === ids.length ? [...new Set(known)] : [];
  if (agents.length === 0 && command !== "upgrade_cancel_tasks") return "invalid_message";
  switch (command) {
    case "upgrade":
    case "upgrade_custom":
      if (!isName(node) || !isName(module)) return "invalid_message";
      return { command, node, module, agents };
    case "upgrade_get_status":
    case "upgrade_result":
      return { command, agents };
    case "upgrade_update_status": {
      const status = STATUSES.find((known) => known === text);
      if (!isName(node) || status === undefined || typeof problem !== "string") return "invalid_message";
      return { command, node, agents, status, problem: problem.slice(0, DETAIL_CHARS_MAX) };
    }
    case "upgrade_cancel_tasks":
      return isName(node) ? { command, node } : "invalid_message";
    default:
      return "invalid_command";
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= NAME_CHARS_MAX;
}

function text(parameters: Fields, name: string): string | null {
  const value = parameters[name] ?? null;
  if (value === null || typeof value === "string") return value;
  throw new Unrecognized(`Parameter "${name}" should be a string`);
}

function flag(parameters: Fields, name: string): boolean {
  const value = parameters[name] ?? false;
  if (typeof value === "boolean") return value;
  throw new Unrecognized(`Parameter "${name}" should be true or false`);
}

function packageType(parameters: Fields): PackageType | null {
  const value = text(parameters, "package_type");
  if (value === null || value === "deb" || value === "rpm") return value;
  throw new Unrecognized('Parameter "package_type" should be "rpm" or "deb"');
}

function agentIdFrom(value: unknown): AgentId | null {
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  return value < 0 || value > AGENT_ID_NUMBER_MAX ? null : agentIdOf(value);
}

function parseFields(json: string): Fields | null {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of one agent; `more` follows the agent's number. */
export function agentItem(id: AgentId, error: number, message: string, more: object = {}): object {
  return { error, message, agent: Number(id), ...more };
}

export function answerOf(items: readonly object[]): string {
  return JSON.stringify({ error: 0, data: items, message: "Success" });
}

export function refusalOf({ code, text: message }: MessageProblem): string {
  const general = [NO_JSON, MISSING, UNKNOWN].find((problem) => problem.code === code)?.text ?? message;
  return JSON.stringify({ error: code, data: [{ error: code, message }], message: general });
}
