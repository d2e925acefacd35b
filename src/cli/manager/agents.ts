/** The jobs of the peer's `manage_agents`: list, add, remove, extract a key. */
import { randomBytes } from "node:crypto";
import { formatKeyEntry, type KeyEntry } from "#formats/client-keys/client-keys.ts";
import { CodedError } from "#kernel/errors.ts";
import {
  type AgentId,
  type GroupName,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
  parseGroupName,
} from "#model/agent.ts";
import { type AgentRecord, STATUS_REASONS } from "#registry/agent-record.ts";
import type { Registry } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { existingHome, openAgentStore, withRegistry } from "./agent-files.ts";

/** As enrollment makes them: 64 hexadecimal digits. */
const KEY_BYTES = 32;

type Common = { readonly home?: string; readonly json?: boolean };

function usable<T>(value: T | null, problem: string): T {
  if (value === null) throw new CodedError("argument_invalid", problem);
  return value;
}

function agentJson(agent: AgentRecord): object {
  const { id, name, address, status, statusCode, lastKeepaliveSeconds, groups, info } = agent;
  return {
    id,
    name,
    ip: address,
    status,
    reason: STATUS_REASONS[statusCode] ?? "",
    lastKeepalive: lastKeepaliveSeconds === null ? null : new Date(lastKeepaliveSeconds * 1000).toISOString(),
    groups,
    version: info?.version ?? null,
    os: info === null ? null : `${info.os.name} ${info.os.version}`.trim(),
  };
}

function agentLine(agent: AgentRecord): string {
  const { id, name, address, status, statusCode, lastKeepaliveSeconds } = agent;
  const last = lastKeepaliveSeconds === null ? "never" : new Date(lastKeepaliveSeconds * 1000).toISOString();
  const reason = STATUS_REASONS[statusCode] ?? "";
  return `${id.padEnd(6)} ${name.padEnd(28)} ${address.padEnd(20)} ${status.padEnd(16)} ${last.padEnd(26)} ${reason}`.trimEnd();
}

export function listAgents(environment: Environment, home: string | undefined, json: boolean): number {
  const store = openAgentStore(environment, existingHome(environment, home));
  const agents: AgentRecord[] = [];
  if (store !== null) {
    for (let page = store.list(null); page.length > 0; page = store.list(page.at(-1)?.id ?? null))
      agents.push(...page);
    store.close();
  }
  if (json) environment.stdout.write(utf8Bytes(`${JSON.stringify(agents.map(agentJson))}\n`));
  else if (agents.length === 0)
    environment.stdout.write("No agents yet; 'cyb3rhq agents add NAME' registers one\n");
  else {
    const head = `${"ID".padEnd(6)} ${"NAME".padEnd(28)} ${"ADDRESS".padEnd(20)} ${"STATE".padEnd(16)} LAST KEEPALIVE`;
    environment.stdout.write(utf8Bytes(`${[head, ...agents.map(agentLine)].join("\n")}\n`));
  }
  return EXIT_OK;
}

type AddOptions = Common & { readonly name: string; readonly ip: string; readonly group: readonly string[] };

function groupsOf(registry: Registry, names: readonly string[]): readonly GroupName[] {
  return names.map((text) => {
    const group = usable(parseGroupName(text), `'${text}' is no group name`);
    if (registry.groups.exists(group)) return group;
    throw new CodedError("group_unknown", `There is no group '${text}'; 'cyb3rhq groups add' makes one`);
  });
}

export async function addAgent(environment: Environment, options: AddOptions): Promise<number> {
  const name = usable(
    parseAgentName(options.name),
    `'${options.name}' is no agent name: 2 to 128 of A-Z a-z 0-9 . _ -`,
  );
  const address = usable(parseAgentAddress(options.ip), `'${options.ip}' is no address or network`);
  const key = usable(parseAgentKey(randomBytes(KEY_BYTES).toString("hex")), "no key");
  const paths = existingHome(environment, options.home);
  const entry = await withRegistry(environment, paths, (registry) => {
    if (registry.keys.byName(name) !== null)
      throw new CodedError("agent_exists", `An agent '${name}' exists already`);
    return registry.register({ id: null, name, address, key, groups: groupsOf(registry, options.group) });
  });
  const text = options.json
    ? JSON.stringify({ id: entry.id, name: entry.name, ip: entry.address.text })
    : `Agent added with ID ${entry.id}. Its key: cyb3rhq agents key ${entry.id}`;
  environment.stdout.write(utf8Bytes(`${text}\n`));
  return EXIT_OK;
}

function findAgent(registry: Registry, text: string): KeyEntry {
  const id: AgentId = usable(parseAgentId(text), `'${text}' is no agent id, such as 001`);
  const entry = registry.keys.byId(id);
  if (entry !== null) return entry;
  throw new CodedError("agent_unknown", `There is no agent '${text}'; 'cyb3rhq agents list' shows them`);
}

export async function removeAgent(
  environment: Environment,
  options: Common & { readonly id: string; readonly purge: boolean },
): Promise<number> {
  const paths = existingHome(environment, options.home);
  const entry = await withRegistry(environment, paths, async (registry) => {
    const found = findAgent(registry, options.id);
    await registry.remove([found.id], { purge: options.purge });
    return found;
  });
  const text = options.json
    ? JSON.stringify({ removed: entry.id, name: entry.name })
    : `Agent '${entry.id}' removed.`;
  environment.stdout.write(utf8Bytes(`${text}\n`));
  return EXIT_OK;
}

export async function printKey(
  environment: Environment,
  options: Common & { readonly id: string },
): Promise<number> {
  const paths = existingHome(environment, options.home);
  const entry = await withRegistry(environment, paths, (registry) =>
    Promise.resolve(findAgent(registry, options.id)),
  );
  const exported = Buffer.from(formatKeyEntry(entry).trimEnd(), "latin1").toString("base64");
  environment.stdout.write(`${options.json ? JSON.stringify({ id: entry.id, key: exported }) : exported}\n`);
  return EXIT_OK;
}
