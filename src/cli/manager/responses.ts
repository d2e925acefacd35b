/** Has the running manager run, list and undo active responses. */
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { printable } from "#kernel/printable.ts";
import { isObject, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from "../environment.ts";
import { filledId } from "./agent-id.ts";
import { askHome } from "./control.ts";

type Common = { readonly home?: string; readonly json?: boolean };

export type RunOptions = Common & {
  readonly server?: boolean;
  readonly agent?: readonly string[];
  readonly all?: boolean;
  readonly timeout?: number;
  readonly dryRun?: boolean;
};

/** What programs and agents say may hold what moves a terminal's cursor or changes its colours. */
function shown(text: unknown): string {
  const whole = String(text);
  return printable(whole, whole.length);
}

async function askList(
  environment: Environment,
  home: string | undefined,
  request: { readonly command: string; readonly parameters: Readonly<Record<string, unknown>> },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const data = await askHome(environment, home, request);
  if (Array.isArray(data)) return data.filter(isObject);
  throw new CodedError("answer_invalid", "The manager's answer is none that this version knows");
}

export async function runResponse(
  environment: Environment,
  name: string,
  args: readonly string[],
  options: RunOptions,
): Promise<number> {
  const { server = false, agent, all = false, timeout = null, dryRun = false } = options;
  const chosen = [server, agent !== undefined, all].filter((isChosen) => isChosen).length;
  const onAgents = agent !== undefined || all;
  if (chosen > 1 || (onAgents && timeout !== null)) {
    const problem =
      chosen > 1 ? "--server, --agent and --all exclude each other" : "--timeout is for this host only";
    environment.stderr.write(`cyb3rhq: ${problem}\n`);
    return EXIT_USAGE;
  }
  const outcomes = await askList(environment, options.home, {
    command: "response.run",
    parameters: {
      name: utf8Bytes(name),
      arguments: args.map(utf8Bytes),
      target: agent?.map(filledId) ?? (all ? "all" : "server"),
      timeout,
      dryRun,
    },
  });
  if (options.json) environment.stdout.write(`${JSON.stringify(outcomes)}\n`);
  else
    for (const { agentId, message } of outcomes)
      environment.stdout.write(`${agentId === "000" ? "" : `${agentId}: `}${shown(message)}\n`);
  if (outcomes.length === 0) environment.stderr.write("cyb3rhq: No agent is active\n");
  return outcomes.length > 0 && outcomes.every(({ ok }) => ok === true) ? EXIT_OK : EXIT_FAILURE;
}

export async function listResponses(environment: Environment, options: Common): Promise<number> {
  const standing = await askList(environment, options.home, { command: "response.list", parameters: {} });
  if (options.json) {
    environment.stdout.write(`${JSON.stringify(standing)}\n`);
    return EXIT_OK;
  }
  const clock = new LocalClock();
  const time = (ms: unknown) =>
    typeof ms === "number" ? clock.at(ms).isoSeconds.replace("T", " ") : "it is undone";
  for (const { key, sinceMs, untilMs } of standing)
    environment.stdout.write(`${shown(key).padEnd(40)} since ${time(sinceMs)} until ${time(untilMs)}\n`);
  if (standing.length === 0) environment.stdout.write("Nothing is in force\n");
  return EXIT_OK;
}

export async function undoResponses(
  environment: Environment,
  keys: readonly string[],
  options: Common,
): Promise<number> {
  const outcomes: { readonly key: string; readonly ok: boolean; readonly text: string }[] = [];
  for (const key of keys) {
    const parameters = { key: utf8Bytes(key) };
    const data = await askHome(environment, options.home, { command: "response.undo", parameters });
    const { ok, text } = isObject(data) ? data : {};
    outcomes.push({ key, ok: ok === true, text: String(text) });
  }
  if (options.json) environment.stdout.write(utf8Bytes(`${JSON.stringify(outcomes)}\n`));
  else for (const { key, text } of outcomes) environment.stdout.write(`${utf8Bytes(key)}: ${shown(text)}\n`);
  return outcomes.every(({ ok }) => ok) ? EXIT_OK : EXIT_FAILURE;
}
