/** Asks agents something, or has them restart or connect again: `agents request|restart|reconnect|getconfig`. */

import { CodedError } from "#kernel/errors.ts";
import { printableLines } from "#kernel/printable.ts";
import { isObject, parseJsonBytes, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { filledId } from "./agent-id.ts";
import { askHome } from "./control.ts";

type Common = { readonly home?: string; readonly json?: boolean };

/** What an agent's machinery and its components say when they could not do it. */
const FAILED = "err";

/** What an agent says may hold what moves a terminal's cursor or changes its colours. */
function shown(text: string, { stdout }: Environment): string {
  return stdout.isTerminal ? printableLines(text, text.length) : text;
}

/** One char a byte, as the agent sent it. */
async function ask(
  environment: Environment,
  home: string | undefined,
  question: { readonly agent: string; readonly target: string; readonly payload: string },
): Promise<string> {
  const { agent, target, payload } = question;
  const parameters = { agent: filledId(agent), target, payload: utf8Bytes(payload) };
  const data = await askHome(environment, home, { command: "agents.request", parameters });
  if (isObject(data) && typeof data["answer"] === "string") return data["answer"];
  throw new CodedError("answer_invalid", "The manager's answer is none that this version knows");
}

export async function requestAgent(
  environment: Environment,
  options: Common & { readonly agent: string; readonly target: string; readonly payload: string },
): Promise<number> {
  const answer = await ask(environment, options.home, options);
  const { agent } = options;
  const text = options.json ? JSON.stringify({ agent, answer }) : shown(answer, environment);
  environment.stdout.write(`${text}\n`);
  return answer === FAILED || answer.startsWith(`${FAILED} `) ? EXIT_FAILURE : EXIT_OK;
}

export async function printAgentConfig(
  environment: Environment,
  options: Common & { readonly agent: string; readonly component: string; readonly section: string },
): Promise<number> {
  const { agent, component: target, section } = options;
  const answer = await ask(environment, options.home, { agent, target, payload: `getconfig ${section}` });
  const config = answer.startsWith("ok ") ? parseJsonBytes(answer.slice("ok ".length)) : undefined;
  if (config === undefined) {
    environment.stderr.write(`cyb3rhq: ${shown(answer, environment)}\n`);
    return EXIT_FAILURE;
  }
  environment.stdout.write(`${JSON.stringify(config, null, options.json ? undefined : 2)}\n`);
  return EXIT_OK;
}

/** `restart` waits for each agent's answer; `reconnect` has none to wait for. */
export async function tellAgents(
  environment: Environment,
  options: Common & { readonly agents: readonly string[]; readonly command: "restart" | "reconnect" },
): Promise<number> {
  const { agents, command } = options;
  const outcomes = await askHome(environment, options.home, {
    command: `agents.${command}`,
    parameters: { agents: agents.map(filledId) },
  });
  if (!Array.isArray(outcomes))
    throw new CodedError("answer_invalid", "The manager's answer is none that this version knows");
  const told = outcomes.filter(isObject);
  if (options.json) environment.stdout.write(`${JSON.stringify(told)}\n`);
  else {
    for (const { agentId, ok, message } of told)
      environment.stdout.write(
        `${agentId}: ${ok === true ? `${command} asked for` : shown(String(message), environment)}\n`,
      );
  }
  return told.every(({ ok }) => ok === true) ? EXIT_OK : EXIT_FAILURE;
}
