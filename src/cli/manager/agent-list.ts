/** The agents of a home with their states, from its registry; what passed between them and the manager is asked of the one that runs. */
import { CodedError } from "#kernel/errors.ts";
import { CONNECTION_STATUSES, parseConnectionStatus } from "#model/agent.ts";
import { type AgentRecord, STATUS_REASONS } from "#registry/agent-record.ts";
import { isObject, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { existingHome, openAgentStore } from "./agent-files.ts";
import { isInCluster } from "./cluster-home.ts";
import { askHome } from "./control.ts";

export type ListOptions = {
  readonly home?: string;
  readonly json?: boolean;
  readonly status?: string;
  readonly group?: string;
  readonly name?: string;
  readonly statistics?: boolean;
};

/** Null for an agent that said nothing since the manager's start. */
type Statistics = { readonly events: number; readonly lost: number; readonly lastMessage: string } | null;

/** Of whom one request asks: their ids fit a frame of the socket. */
const AGENTS_ASKED_MAX = 1000;

type Listed = { readonly agent: AgentRecord; readonly statistics: Statistics };

function timeText(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString();
}

function agentJson({ agent, statistics }: Listed, withStatistics: boolean): object {
  const { id, name, address, status, statusCode, groups, info } = agent;
  return {
    id,
    name,
    ip: address,
    status,
    reason: STATUS_REASONS[statusCode] ?? "",
    registered: timeText(agent.registeredSeconds),
    node: info?.nodeName || null,
    lastKeepalive: timeText(agent.lastKeepaliveSeconds),
    disconnected: agent.disconnectionSeconds === 0 ? null : timeText(agent.disconnectionSeconds),
    groups,
    version: info?.version ?? null,
    os: `${info?.os.name ?? ""} ${info?.os.version ?? ""}`.trim() || null,
    ...(withStatistics ? { statistics } : {}),
  };
}

/** Wider where something does not fit, such as IPv6 addresses. */
const COLUMNS = [6, 28, 20, 16, 26] as const;
const NODE_COLUMN = 20;

type Columns = { readonly counted: boolean; readonly nodes: boolean };

/** The cells of a line, and what stands behind them. */
type Line = { readonly cells: readonly string[]; readonly rest: string };

function agentLine({ agent, statistics }: Listed, { counted: withStatistics, nodes }: Columns): Line {
  const { id, name, address, status, statusCode, lastKeepaliveSeconds, info } = agent;
  const cells = [id, name, address, status, timeText(lastKeepaliveSeconds) ?? "never"];
  const node = nodes ? `${(info?.nodeName || "-").padEnd(NODE_COLUMN)} ` : "";
  const { events = "-", lost = "-", lastMessage = "-" } = statistics ?? {};
  const counted = `${String(events).padEnd(12)} ${String(lost).padEnd(8)} ${lastMessage.padEnd(26)} `;
  const rest = `${node}${withStatistics ? counted : ""}${STATUS_REASONS[statusCode] ?? ""}`;
  return { cells, rest };
}

function table(lines: readonly Line[]): string {
  const widths: number[] = [...COLUMNS];
  for (const { cells } of lines)
    for (const [at, { length }] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, length);
  return lines
    .map(({ cells, rest }) =>
      `${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" ")} ${rest}`.trimEnd(),
    )
    .join("\n");
}

function filterOf({ status, group, name }: ListOptions): (agent: AgentRecord) => boolean {
  const wanted = status === undefined ? null : parseConnectionStatus(status);
  if (status !== undefined && wanted === null) {
    const text = `'${status}' is no state of agents: ${CONNECTION_STATUSES.join(", ")}`;
    throw new CodedError("selection_invalid", text);
  }
  return (agent) =>
    (wanted === null || agent.status === wanted) &&
    (group === undefined || agent.groups.some((own) => own === group)) &&
    (name === undefined || agent.name.includes(name));
}

function readAgents(environment: Environment, options: ListOptions): readonly AgentRecord[] {
  const isWanted = filterOf(options);
  const store = openAgentStore(environment, existingHome(environment, options.home));
  if (store === null) return [];
  const agents: AgentRecord[] = [];
  for (let page = store.list(null); page.length > 0; page = store.list(page.at(-1)?.id ?? null))
    agents.push(...page.filter(isWanted));
  store.close();
  return agents;
}

function statisticsOf(counts: unknown): Statistics {
  if (!isObject(counts)) return null;
  const { events, missing, lastMs } = counts;
  if (typeof events !== "number" || typeof missing !== "number" || typeof lastMs !== "number") return null;
  return { events, lost: missing, lastMessage: new Date(lastMs).toISOString() };
}

async function withStatistics(
  environment: Environment,
  options: ListOptions,
  agents: readonly AgentRecord[],
): Promise<readonly Listed[]> {
  if (options.statistics !== true || agents.length === 0)
    return agents.map((agent) => ({ agent, statistics: null }));
  const listed: Listed[] = [];
  for (let at = 0; at < agents.length; at += AGENTS_ASKED_MAX) {
    const asked = agents.slice(at, at + AGENTS_ASKED_MAX);
    const parameters = { agents: asked.map(({ id }) => id) };
    const counts = await askHome(environment, options.home, { command: "agents.counts", parameters });
    const known: readonly unknown[] = Array.isArray(counts) ? counts : [];
    listed.push(...asked.map((agent, place) => ({ agent, statistics: statisticsOf(known[place]) })));
  }
  return listed;
}

export async function listAgents(environment: Environment, options: ListOptions): Promise<number> {
  const counted = options.statistics === true;
  const agents = readAgents(environment, options);
  const listed = await withStatistics(environment, options, agents);
  const filtered = [options.status, options.group, options.name].some((filter) => filter !== undefined);
  const { stdout } = environment;
  if (options.json === true)
    stdout.write(utf8Bytes(`${JSON.stringify(listed.map((entry) => agentJson(entry, counted)))}\n`));
  else if (listed.length === 0)
    stdout.write(filtered ? "No such agents\n" : "No agents yet; 'cyb3rhq agents add NAME' registers one\n");
  else {
    const numbers = `${"EVENTS".padEnd(12)} ${"LOST".padEnd(8)} ${"LAST MESSAGE".padEnd(26)} `;
    const nodes = isInCluster(environment, existingHome(environment, options.home));
    const head = {
      cells: ["ID", "NAME", "ADDRESS", "STATE", "LAST KEEPALIVE"],
      rest: `${nodes ? `${"NODE".padEnd(NODE_COLUMN)} ` : ""}${counted ? numbers : ""}REASON`,
    };
    const lines = [head, ...listed.map((entry) => agentLine(entry, { counted, nodes }))];
    stdout.write(utf8Bytes(`${table(lines)}\n`));
  }
  return EXIT_OK;
}
