/** The commands of our own local socket: what the command line asks a running manager to do with agents. */
import { CodedError } from "#kernel/errors.ts";
import type { ControlCommands } from "#local-sockets/control.ts";
import type { JsonObject } from "#local-sockets/json.ts";
import { AGENTS_ASKED_MAX } from "#local-sockets/limits.ts";
import { type AgentId, parseAgentId, parseGroupName } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { PackageType } from "#upgrade/repository.ts";
import type { RepositoryPackages } from "#upgrade/repository-packages.ts";
import type { UpgradeService } from "#upgrade/service.ts";
import { parseShare, type Share } from "#upgrade/share.ts";
import type { AgentCalls } from "./agent-calls.ts";

/** Texts for the reasons why an agent was not asked or did not answer. */
const FAILURES: ReadonlyMap<string, string> = new Map([
  ["too_many", "Too many requests to agents are under way"],
  ["too_long", "The request is longer than an agent's message may be"],
  ["not_sent", "The agent is not connected"],
  ["not_connected", "The agent is not connected"],
  ["agent_disconnected", "The agent is not connected"],
  ["agent_unknown", "There is no such agent"],
  ["output_full", "The agent reads too slowly"],
  ["not_confirmed", "The agent did not confirm the request"],
  ["not_answered", "The agent did not answer in time"],
  ["service_stopped", "The manager is stopping"],
]);

const WAVE_MAX = 10_000;
const HEALTH_SECONDS_MAX = 86_400;

export type ControlCommandNeeds = {
  readonly agents: AgentStore;
  readonly calls: AgentCalls;
  readonly upgrades: UpgradeService;
  readonly repository: RepositoryPackages;
};

export type AgentOutcome = { readonly agentId: string; readonly ok: boolean; readonly message: string };

export function controlCommands({
  agents,
  calls,
  upgrades,
  repository,
}: ControlCommandNeeds): ControlCommands {
  return {
    "agents.request": async (parameters) => {
      const payload = `${text(parameters, "target")} ${text(parameters, "payload")}`;
      const id = agentOf(parameters);
      const outcome = await calls.request(id, Buffer.from(payload, "latin1"));
      if (!outcome.ok) throw new CodedError(outcome.code, unansweredText(agents, id, outcome.code));
      return { answer: latin1(outcome.answer) };
    },
    "agents.restart": (parameters) => eachOf(idsOf(parameters), (id) => restartAgent(agents, calls, id)),
    "agents.counts": (parameters) => calls.counts(idsOf(parameters)),
    "agents.reconnect": (parameters) => eachOf(idsOf(parameters), (id) => reconnectAgent(calls, id)),
    "upgrade.begin": (parameters) =>
      upgrades.begin({
        agents: selectedAgents(agents, parameters),
        path: text(parameters, "path"),
        version: textOrNull(parameters, "version"),
        installer: textOrNull(parameters, "installer"),
        force: parameters["force"] === true,
        canary: share(parameters, "canary"),
        wave: count(parameters, "wave", WAVE_MAX),
        failuresMax: share(parameters, "failuresMax"),
        healthSeconds: count(parameters, "healthSeconds", HEALTH_SECONDS_MAX),
        taskNumbers: null,
      }),
    "upgrade.fetch": (parameters) =>
      repository.fetch({
        agents: selectedAgents(agents, parameters),
        repository: textOrNull(parameters, "repository"),
        useHttp: parameters["useHttp"] === true,
        version: textOrNull(parameters, "version"),
        packageType: packageType(parameters),
        force: parameters["force"] === true,
      }),
    "upgrade.fetching": () => repository.progress,
    "upgrade.list": () => upgrades.summaries(),
    "upgrade.summary": (parameters) => upgrades.summary(count(parameters, "campaign")),
    "upgrade.tasks": (parameters) => upgrades.tasks(count(parameters, "campaign")),
    "upgrade.stop": (parameters) => upgrades.cancel(count(parameters, "campaign")),
  };
}

async function restartAgent(agents: AgentStore, calls: AgentCalls, id: AgentId): Promise<AgentOutcome> {
  const outcome = await calls.request(id, Buffer.from("com restart"));
  if (!outcome.ok) return { agentId: id, ok: false, message: unansweredText(agents, id, outcome.code) };
  const answer = latin1(outcome.answer);
  return { agentId: id, ok: answer.startsWith("ok"), message: answer.trim() };
}

export async function reconnectAgent(calls: Pick<AgentCalls, "send">, id: AgentId): Promise<AgentOutcome> {
  const result = await calls.send(id, "#!-force_reconnect");
  return { agentId: id, ok: result === "sent", message: result === "sent" ? "sent" : failureText(result) };
}

/** Requests are not sent to agents that are not connected, and those that do not exist are not either. */
function unansweredText(agents: AgentStore, id: AgentId, code: string): string {
  return failureText(code === "not_sent" && agents.find(id) === null ? "agent_unknown" : code);
}

export function failureText(code: string): string {
  return FAILURES.get(code) ?? "The agent could not be asked";
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** In the order of `ids`, at most `AGENTS_ASKED_MAX` at a time. */
export async function eachOf(
  ids: readonly AgentId[],
  act: (id: AgentId) => Promise<AgentOutcome>,
): Promise<readonly AgentOutcome[]> {
  const outcomes: AgentOutcome[] = [];
  for (let at = 0; at < ids.length; at += AGENTS_ASKED_MAX)
    outcomes.push(...(await Promise.all(ids.slice(at, at + AGENTS_ASKED_MAX).map(act))));
  return outcomes;
}

function invalid(name: string): CodedError {
  return new CodedError("parameter_invalid", `The parameter '${name}' is missing or wrong`);
}

function text(parameters: JsonObject, name: string): string {
  const value = parameters[name];
  if (typeof value === "string" && value !== "") return value;
  throw invalid(name);
}

function textOrNull(parameters: JsonObject, name: string): string | null {
  return parameters[name] === null || parameters[name] === undefined ? null : text(parameters, name);
}

function count(parameters: JsonObject, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = parameters[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw invalid(name);
}

function share(parameters: JsonObject, name: string): Share {
  const parsed = parseShare(text(parameters, name));
  if (parsed === null) throw invalid(name);
  return parsed;
}

function packageType(parameters: JsonObject): PackageType | null {
  const value = textOrNull(parameters, "packageType");
  if (value === null || value === "deb" || value === "rpm") return value;
  throw invalid("packageType");
}

function agentOf(parameters: JsonObject): AgentId {
  return idOf(text(parameters, "agent"));
}

export function idOf(text: unknown): AgentId {
  const id = typeof text === "string" ? parseAgentId(text) : null;
  if (id === null) throw new CodedError("parameter_invalid", `'${text}' is no agent id, such as 001`);
  return id;
}

function idsOf(parameters: JsonObject): readonly AgentId[] {
  const { agents } = parameters;
  if (!Array.isArray(agents) || agents.length === 0) throw invalid("agents");
  return agents.map(idOf);
}

/** `agents`, else all of `group`, else all. */
function selectedAgents(agents: AgentStore, parameters: JsonObject): readonly AgentId[] {
  if (parameters["agents"] !== undefined) return idsOf(parameters);
  const group = parameters["all"] === true ? null : parseGroupName(text(parameters, "group"));
  if (group === null && parameters["all"] !== true) throw invalid("group");
  const isWanted = ({ groups }: AgentRecord) => group === null || groups.includes(group);
  const ids: AgentId[] = [];
  for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null))
    ids.push(...page.filter(isWanted).map(({ id }) => id));
  if (ids.length > 0) return ids;
  throw new CodedError("agent_unknown", group === null ? "There are no agents" : `No agent is in '${group}'`);
}
