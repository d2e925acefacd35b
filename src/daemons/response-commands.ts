/** The commands of our own local socket about active responses: to run one here or on agents, to see what is in force, to undo it. */
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import { CodedError } from "#kernel/errors.ts";
import type { ControlCommands } from "#local-sockets/control.ts";
import type { JsonObject } from "#local-sockets/json.ts";
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { EXECD_PREFIX } from "#response/delivery.ts";
import { alertAbout } from "#response/host/built-in.ts";
import type { Order } from "#response/host/execd.ts";
import type { HostResponses } from "#response/host/host-responses.ts";
import { messageFormOf, responseMessage } from "#response/message.ts";
import type { RespondingAgents } from "#response/needs.ts";
import type { AgentCalls } from "./agent-calls.ts";
import { type AgentOutcome, eachOf, failureText } from "./control-commands.ts";

export type ResponseCommandNeeds = {
  readonly agents: RespondingAgents;
  readonly calls: Pick<AgentCalls, "send">;
  readonly responses: Pick<HostResponses, "resolve" | "perform" | "rehearse" | "list" | "undo">;
  readonly nodeName: string;
  /** `<disabled>` of an `<active-response>`. */
  readonly isDisabled: boolean;
};

type Asked = {
  readonly name: string;
  readonly args: readonly string[];
  readonly timeoutSeconds: number | null;
  readonly dryRun: boolean;
};

/** The agent that stands for the manager itself. */
const SERVER = "000";
const ARGUMENTS_MAX = 64;
/** A year: longer is for good. */
const TIMEOUT_SECONDS_MAX = 366 * 86_400;

export function responseCommands(needs: ResponseCommandNeeds): ControlCommands {
  const { responses } = needs;
  return {
    "response.run": (parameters) => {
      if (needs.isDisabled) throw new CodedError("responses_disabled", "(1350): Active response disabled.");
      const asked = askedOf(parameters);
      const { target } = parameters;
      if (target === "server") return runHere(needs, asked);
      const ids = target === "all" ? activeAgents(needs.agents) : [agentOf(target)];
      return eachOf(ids, (id) => tellAgent(needs, asked, id));
    },
    "response.list": () => responses.list(),
    "response.undo": (parameters) => responses.undo(text(parameters, "key")),
  };
}

/** For the distributed API. */
export async function respondOnAgent(
  needs: ResponseCommandNeeds,
  { name, arguments: args }: { readonly name: string; readonly arguments: readonly string[] },
  id: AgentId,
): Promise<AgentOutcome> {
  try {
    const asked = askedOf({ name, arguments: args });
    return await tellAgent(needs, asked, id);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { agentId: id, ok: false, message: error.message };
  }
}

async function runHere({ responses }: ResponseCommandNeeds, asked: Asked): Promise<readonly AgentOutcome[]> {
  const found = responses.resolve(asked.name) ?? responses.resolve(`!${plainName(asked.name)}`);
  if (found === null) throw unknownName(asked.name);
  const { timeoutSeconds } = asked;
  const { alert, extraArgs } = alertOf(found.executable, asked.args);
  const message = {
    version: 1,
    origin: { name: "", module: "cyb3rhq" },
    command: asked.name,
    parameters: { extra_args: extraArgs, alert },
  };
  const order: Order = { ...found, timeoutSeconds: timeoutSeconds ?? found.timeoutSeconds, message };
  const { ok, text: said } = await (asked.dryRun ? responses.rehearse(order) : responses.perform(order));
  return [{ agentId: SERVER, ok, message: said }];
}

async function tellAgent(needs: ResponseCommandNeeds, asked: Asked, id: AgentId): Promise<AgentOutcome> {
  const { agents, calls, responses, nodeName } = needs;
  const version = agents.find(id)?.version ?? null;
  const form = version === null ? null : messageFormOf(version);
  if (form === null) return { agentId: id, ok: false, message: "The agent's version is not known" };
  // A name of ar.conf is one; any other stands for a file of the agent, without a timeout.
  const named = responses.resolve(asked.name);
  const name = named === null ? `!${plainName(asked.name)}` : asked.name;
  const executable = named?.executable ?? plainName(asked.name);
  const { alert, extraArgs } = alertOf(executable, asked.args);
  const [subject = ""] = asked.args;
  const decision = {
    ...{ id: "", ruleId: "", location: "", file: "", responses: [], alert: JSON.stringify(alert) },
    srcip: executable === "disable-account" ? "" : subject,
    dstuser: executable === "disable-account" ? subject : "",
  };
  const response = {
    ...{ name, executable, timeoutSeconds: 0, extraArgs: extraArgs.join(" ") },
    target: { kind: "agent", agentId: id } as const,
  };
  const message = EXECD_PREFIX + responseMessage(form, { decision, response }, nodeName);
  if (message.length > MESSAGE_BYTES_MAX) return { agentId: id, ok: false, message: failureText("too_long") };
  if (asked.dryRun) return { agentId: id, ok: true, message: `would send: ${message}` };
  const result = await calls.send(id, message);
  return { agentId: id, ok: result === "sent", message: result === "sent" ? "sent" : failureText(result) };
}

/** What a response is about stands in the alert, where it looks for it; the rest are arguments. */
function alertOf(
  executable: string,
  args: readonly string[],
): { readonly alert: JsonObject; readonly extraArgs: readonly string[] } {
  const [subject, ...rest] = args;
  const alert = subject === undefined ? {} : alertAbout(executable, subject);
  return Object.keys(alert).length === 0 ? { alert, extraArgs: args } : { alert, extraArgs: rest };
}

function activeAgents(agents: RespondingAgents): readonly AgentId[] {
  const ids: AgentId[] = [];
  for (let page = agents.list(null); page.length > 0; page = agents.list(page.at(-1)?.id ?? null))
    ids.push(...page.filter(({ active }) => active).map(({ id }) => id));
  return ids;
}

function askedOf(parameters: JsonObject): Asked {
  const { arguments: args = [], timeout = null, dryRun } = parameters;
  const isList =
    Array.isArray(args) && args.length <= ARGUMENTS_MAX && args.every((arg) => typeof arg === "string");
  if (!isList) throw invalid("arguments");
  const isTime =
    timeout === null ||
    (typeof timeout === "number" &&
      Number.isInteger(timeout) &&
      timeout >= 0 &&
      timeout <= TIMEOUT_SECONDS_MAX);
  if (!isTime) throw invalid("timeout");
  const name = text(parameters, "name");
  if (/[\s/]|\.\./.test(name)) throw unknownName(name);
  return { name, args, timeoutSeconds: timeout, dryRun: dryRun === true };
}

function plainName(name: string): string {
  return name.startsWith("!") ? name.slice(1) : name;
}

function agentOf(value: unknown): AgentId {
  const id = typeof value === "string" ? parseAgentId(value) : null;
  if (id === null) throw invalid("target");
  return id;
}

function text(parameters: JsonObject, name: string): string {
  const value = parameters[name];
  if (typeof value === "string" && value !== "") return value;
  throw invalid(name);
}

function invalid(name: string): CodedError {
  return new CodedError("parameter_invalid", `The parameter '${name}' is missing or wrong`);
}

function unknownName(name: string): CodedError {
  return new CodedError("response_unknown", `(1311): Invalid command name '${name}' provided.`);
}
