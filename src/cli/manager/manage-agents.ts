/**
 * The peer's `manage_agents`, for scripts and habits: its options, its words and its menu. wazuh v4.14.7: src/addagent/.
 *
 * What is done is registering, exporting and removing as `cyb3rhq agents` does it.
 */
import { readSettings } from "#daemons/settings.ts";
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Registry } from "#registry/registry.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { Questions } from "../questions.ts";
import { demandRightToChange, existingHome, withRegistry } from "./agent-files.ts";
import {
  addressOf,
  nameOf,
  newKey,
  parseExportedKey,
  type Replacement,
  registerAgent,
} from "./agent-registration.ts";
import { exportedKey, findAgent } from "./agents.ts";

export type ManageAction =
  | { readonly kind: "add"; readonly name: string; readonly address: string }
  | { readonly kind: "bulk"; readonly file: string }
  | { readonly kind: "extract"; readonly id: string }
  | { readonly kind: "import"; readonly exported: string }
  | { readonly kind: "list" }
  | { readonly kind: "remove"; readonly id: string }
  | { readonly kind: "menu" };

export type ManageOptions = {
  readonly home?: string;
  readonly json: boolean;
  readonly replacement: Replacement;
};

type Managed = {
  readonly environment: Environment;
  readonly registry: Registry;
  readonly options: ManageOptions;
};

/** Of the peer's JSON; what it has no number for is its "internal error". */
const ERROR_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["agent_duplicate_name", 75],
  ["agent_name_invalid", 76],
  ["agent_name", 76],
  ["agent_address_invalid", 77],
  ["agent_unknown", 78],
  ["agent_id_invalid", 78],
  ["agent_duplicate_address", 79],
  ["file_not_found", 71],
  ["file_access_denied", 71],
]);
const ERROR_NUMBER_OTHER = 80;

/** Of scripts that cannot answer questions; the first one also ends the menu after its action. */
const VARIABLES = {
  action: "OSSEC_ACTION",
  name: "OSSEC_AGENT_NAME",
  address: "OSSEC_AGENT_IP",
  id: "OSSEC_AGENT_ID",
  confirmed: "OSSEC_ACTION_CONFIRMED",
} as const;

export async function manageAgents(
  environment: Environment,
  action: ManageAction,
  options: ManageOptions,
): Promise<number> {
  const paths = existingHome(environment, options.home);
  const { cluster } = readSettings(environment.files, paths).config;
  if (cluster !== null && !cluster.disabled && cluster.nodeType === "worker") {
    const text = "Wazuh is running in cluster mode: manage_agents is not available in worker nodes.";
    write(environment, `${text} Please, try again in the master node: ${cluster.masterAddress}.\n`);
    return EXIT_OK;
  }
  try {
    if (action.kind !== "list" && action.kind !== "extract") demandRightToChange(environment, paths);
    await withRegistry(environment, paths, (registry) => act({ environment, registry, options }, action));
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof CodedError) || !options.json) throw error;
    writeJson(environment, ERROR_NUMBERS.get(error.code) ?? ERROR_NUMBER_OTHER, { message: error.message });
    return EXIT_FAILURE;
  }
}

async function act(managed: Managed, action: ManageAction): Promise<void> {
  switch (action.kind) {
    case "add":
      return await add(managed, action.name, action.address);
    case "bulk":
      return await addAll(managed, action.file);
    case "extract":
      return extract(managed, action.id);
    case "import":
      return await importKey(managed, action.exported);
    case "list":
      return list(managed);
    case "remove":
      return await remove(managed, action.id);
    case "menu":
      return await new Menu(managed).run();
  }
}

function write({ stdout }: Environment, text: string): void {
  stdout.write(utf8Bytes(text));
}

function writeJson(environment: Environment, error: number, rest: object): void {
  write(environment, `${JSON.stringify({ error, ...rest })}\n`);
}

async function add(
  { environment, registry, options }: Managed,
  name: string,
  address: string,
): Promise<void> {
  const wanted = { id: null, name: nameOf(name), address: addressOf(address), key: newKey(), groups: [] };
  const { id } = await registerAgent(environment, registry, wanted, options.replacement);
  if (options.json) writeJson(environment, 0, { data: { id, message: "Agent added" } });
  else write(environment, `Agent added with ID ${id}.\n`);
}

/** Ends at the first line that cannot be done, as the peer does. */
async function addAll(managed: Managed, file: string): Promise<void> {
  const text = managed.environment.files.read(file).toString("latin1");
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [address = "", name = ""] = line.split(",").map((part) => part.trim());
    await add(managed, name, address);
  }
}

function extract({ environment, registry, options }: Managed, id: string): void {
  const entry = findAgent(registry, id);
  const exported = exportedKey(entry);
  if (options.json) writeJson(environment, 0, { data: exported });
  else write(environment, `\nAgent key information for '${entry.id}' is: \n${exported}\n`);
}

async function importKey({ environment, registry, options }: Managed, exported: string): Promise<void> {
  const wanted = parseExportedKey(exported);
  const { id, name, address } = wanted;
  const { variables } = environment;
  write(environment, `Agent information:\n   ID:${id}\n   Name:${name}\n   IP Address:${address.text}\n\n`);
  const questions = new Questions(environment);
  const confirmed =
    variables[VARIABLES.confirmed] === "y" || (await questions.confirm("Confirm adding it?(y/n): "));
  await questions.close();
  if (!confirmed) return write(environment, "Not adding it.\n");
  await registerAgent(environment, registry, wanted, options.replacement);
  write(environment, "Added.\n");
}

function list({ environment, registry, options }: Managed): void {
  const agents = [...registry.keys.entries()];
  if (options.json) {
    const data = agents.map(({ id, name, address }) => ({ id, name, ip: address.text }));
    writeJson(environment, 0, { data });
  } else write(environment, `\nAvailable agents: \n${agents.map(lineOf).join("")}\n`);
}

function lineOf({ id, name, address }: KeyEntry): string {
  return `   ID: ${id}, Name: ${name}, IP: ${address.text}\n`;
}

async function remove({ environment, registry, options }: Managed, idText: string): Promise<void> {
  const { id } = findAgent(registry, idText);
  await registry.remove([id], { purge: false });
  if (options.json) writeJson(environment, 0, { data: `Agent '${id}' removed.` });
  else write(environment, `Agent '${id}' removed.\n`);
}

const BANNER = `

****************************************
* Cyb3rhq agent manager.               *
* The following options are available: *
****************************************
   (A)dd an agent (A).
   (E)xtract key for an agent (E).
   (L)ist already added agents (L).
   (R)emove an agent (R).
   (Q)uit.
`;
const LEAVE = "\\q";

class Menu {
  readonly #managed: Managed;
  readonly #questions: Questions;

  constructor(managed: Managed) {
    this.#managed = managed;
    this.#questions = new Questions(managed.environment);
  }

  async run(): Promise<void> {
    const { environment } = this.#managed;
    let letter: string | null;
    do {
      write(environment, BANNER);
      letter = await this.#answer("Choose your action: A,E,L,R or Q: ", VARIABLES.action);
      try {
        await this.#act((letter ?? "q").toLowerCase());
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        write(environment, `** ${error.message}\n`);
      }
    } while (letter !== null && !/^q/i.test(letter) && environment.variables[VARIABLES.action] === undefined);
    await this.#questions.close();
    write(environment, "manage_agents: Exiting.\n");
  }

  async #act(letter: string): Promise<void> {
    switch (letter.slice(0, 1)) {
      case "a":
        return await this.#add();
      case "e":
        return await this.#withAgent("to extract the key", (id) => extract(this.#managed, id));
      case "l":
        return list(this.#managed);
      case "r":
        return await this.#withAgent("to be removed", (id) => this.#remove(id));
      case "q":
        return;
      default:
        write(this.#managed.environment, "\n** Invalid Action ** \n");
    }
  }

  async #add(): Promise<void> {
    write(this.#managed.environment, "\n- Adding a new agent (use '\\q' to return to the main menu).\n");
    const name = await this.#answer("   * A name for the new agent: ", VARIABLES.name);
    if (name === null || name === LEAVE) return;
    const address = await this.#answer("   * The IP Address of the new agent: ", VARIABLES.address);
    if (address === null || address === LEAVE) return;
    if (await this.#confirm("Confirm adding it?(y/n): ")) await add(this.#managed, name, address);
  }

  async #withAgent(purpose: string, use: (id: string) => void | Promise<void>): Promise<void> {
    list(this.#managed);
    const id = await this.#answer(
      `Provide the ID of the agent ${purpose} (or '\\q' to quit): `,
      VARIABLES.id,
    );
    if (id !== null && id !== LEAVE) await use(id);
  }

  async #remove(id: string): Promise<void> {
    if (await this.#confirm("Confirm deleting it?(y/n): ")) await remove(this.#managed, id);
  }

  async #confirm(question: string): Promise<boolean> {
    return /^y/i.test((await this.#answer(question, VARIABLES.confirmed)) ?? "");
  }

  async #answer(question: string, variable: string): Promise<string | null> {
    return this.#managed.environment.variables[variable] ?? (await this.#questions.ask(question));
  }
}
