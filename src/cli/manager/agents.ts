/** Registers, imports and removes agents, and prints their keys; agent-list.ts lists them. */
import { formatKeyEntry, type KeyEntry } from "#formats/client-keys/client-keys.ts";
import { CodedError } from "#kernel/errors.ts";
import { type GroupName, parseAgentId, parseAgentKey, parseGroupName } from "#model/agent.ts";
import type { Registry } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { Questions } from "../questions.ts";
import { demandRightToChange, existingHome, withRegistry } from "./agent-files.ts";
import {
  addressOf,
  idOf,
  nameOf,
  newKey,
  parseExportedKey,
  type Replacement,
  registerAgent,
  usable,
} from "./agent-registration.ts";
import { demandNoWorker, isWorker, removedByMaster } from "./cluster-home.ts";

type Common = { readonly home?: string; readonly json?: boolean };

/** `force` alone: whoever has the name, the address or the id goes. */
export type ForceOptions = {
  readonly force?: boolean;
  readonly disconnectedFor?: number;
  readonly registeredFor?: number;
};

export type AddOptions = Common &
  ForceOptions & {
    readonly name: string;
    readonly ip: string;
    readonly group: readonly string[];
    readonly id?: string;
    readonly key?: string;
  };

export function replacementOf({ force, disconnectedFor, registeredFor }: ForceOptions): Replacement {
  if (force !== true && disconnectedFor === undefined && registeredFor === undefined) return null;
  return { disconnectedSeconds: disconnectedFor ?? null, registeredSeconds: registeredFor ?? null };
}

function groupsOf(registry: Registry, names: readonly string[]): readonly GroupName[] {
  return names.map((text) => {
    const group = usable(parseGroupName(text), `'${text}' is no group name`);
    if (registry.groups.exists(group)) return group;
    throw new CodedError("group_unknown", `There is no group '${text}'; 'cyb3rhq groups add' makes one`);
  });
}

function printAdded(environment: Environment, entry: KeyEntry, json: boolean | undefined): void {
  const text =
    json === true
      ? JSON.stringify({ id: entry.id, name: entry.name, ip: entry.address.text })
      : `Agent added with ID ${entry.id}. Its key: cyb3rhq agents key ${entry.id}`;
  environment.stdout.write(utf8Bytes(`${text}\n`));
}

export async function addAgent(environment: Environment, options: AddOptions): Promise<number> {
  const wanted = {
    id: options.id === undefined ? null : idOf(options.id),
    name: nameOf(options.name),
    address: addressOf(options.ip),
    key: options.key === undefined ? newKey() : usable(parseAgentKey(options.key), "The key is none"),
  };
  const paths = existingHome(environment, options.home);
  demandNoWorker(environment, paths);
  demandRightToChange(environment, paths);
  const entry = await withRegistry(environment, paths, (registry) => {
    const agent = { ...wanted, groups: groupsOf(registry, options.group) };
    return registerAgent(environment, registry, agent, replacementOf(options));
  });
  printAdded(environment, entry, options.json);
  return EXIT_OK;
}

/** Lines `address,name`, as the peer's `manage_agents -f` reads them. A line that cannot be done is said, the others are. */
export async function addAgentsOfFile(
  environment: Environment,
  options: Common & ForceOptions & { readonly file: string },
): Promise<number> {
  const text = environment.files.read(options.file).toString("latin1");
  const paths = existingHome(environment, options.home);
  demandNoWorker(environment, paths);
  demandRightToChange(environment, paths);
  let failed = false;
  await withRegistry(environment, paths, async (registry) => {
    for (const [index, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      const [address = "", name = ""] = line.split(",").map((part) => part.trim());
      try {
        const wanted = {
          id: null,
          name: nameOf(name),
          address: addressOf(address),
          key: newKey(),
          groups: [],
        };
        const entry = await registerAgent(environment, registry, wanted, replacementOf(options));
        printAdded(environment, entry, options.json);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        failed = true;
        environment.stderr.write(utf8Bytes(`cyb3rhq: ${options.file}:${index + 1}: ${error.message}\n`));
      }
    }
  });
  return failed ? EXIT_FAILURE : EXIT_OK;
}

export async function importAgent(
  environment: Environment,
  options: Common & ForceOptions & { readonly exported: string },
): Promise<number> {
  const wanted = parseExportedKey(options.exported);
  const paths = existingHome(environment, options.home);
  demandNoWorker(environment, paths);
  demandRightToChange(environment, paths);
  const entry = await withRegistry(environment, paths, (registry) =>
    registerAgent(environment, registry, wanted, replacementOf(options)),
  );
  printAdded(environment, entry, options.json);
  return EXIT_OK;
}

export function findAgent(registry: Registry, text: string): KeyEntry {
  const written = parseAgentId(text);
  const entry = (written && registry.keys.byId(written)) ?? registry.keys.byId(idOf(text));
  if (entry !== null) return entry;
  throw new CodedError("agent_unknown", `There is no agent '${text}'; 'cyb3rhq agents list' shows them`);
}

/** On a terminal it asks first, unless it is told not to. */
export async function removeAgent(
  environment: Environment,
  options: Common & { readonly id: string; readonly purge: boolean; readonly yes: boolean },
): Promise<number> {
  const { stdin, stdout } = environment;
  const paths = existingHome(environment, options.home);
  const asks = !options.yes && options.json !== true && stdin.isTerminal && stdout.isTerminal;
  if (!isWorker(environment, paths)) demandRightToChange(environment, paths);
  const removed = await withRegistry(environment, paths, async (registry) => {
    const found = findAgent(registry, options.id);
    if (asks && !(await confirmed(environment, found))) return null;
    const { purge } = options;
    const isDone = await removedByMaster(environment, paths, { id: found.id, purge });
    if (!isDone) await registry.remove([found.id], { purge });
    return found;
  });
  if (removed === null) {
    stdout.write("Nothing was removed.\n");
    return EXIT_FAILURE;
  }
  const text =
    options.json === true
      ? JSON.stringify({ removed: removed.id, name: removed.name })
      : `Agent '${removed.id}' removed.`;
  stdout.write(utf8Bytes(`${text}\n`));
  return EXIT_OK;
}

async function confirmed(environment: Environment, { id, name }: KeyEntry): Promise<boolean> {
  const questions = new Questions(environment);
  const yes = await questions.confirm(`Remove agent '${id}' (${name})? [y/N]: `);
  await questions.close();
  return yes;
}

/** The form that an agent's own manage_agents takes. Holds the key in clear. */
export function exportedKey(entry: KeyEntry): string {
  return Buffer.from(formatKeyEntry(entry).trimEnd(), "latin1").toString("base64");
}

export async function printKey(
  environment: Environment,
  options: Common & { readonly id: string },
): Promise<number> {
  const paths = existingHome(environment, options.home);
  const entry = await withRegistry(environment, paths, (registry) =>
    Promise.resolve(findAgent(registry, options.id)),
  );
  const exported = exportedKey(entry);
  environment.stdout.write(`${options.json ? JSON.stringify({ id: entry.id, key: exported }) : exported}\n`);
  return EXIT_OK;
}
