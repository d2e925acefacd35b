/** The commands of our own local socket about active responses: to run one here or on agents, to see what is in force, to undo it. */
import { CodedError } from "#kernel/errors.ts";
import type { ControlCommands } from "#local-sockets/control.ts";
import type { JsonObject } from "#local-sockets/json.ts";
import type { AgentId } from "#model/agent.ts";
import type { DecidedResponse, ResponseDecision } from "#model/response-decision.ts";
import { EXECD_PREFIX } from "#response/delivery.ts";
import { askedAbout } from "#response/host/built-in.ts";
import type { Order } from "#response/host/execd.ts";
import type { HostResponses } from "#response/host/host-responses.ts";
import { type MessageForm, responseMessage } from "#response/message.ts";
import type { RespondingAgents } from "#response/needs.ts";
import type { AgentCalls } from "./agent-calls.ts";
import { type OrderOutcome, orderAgent } from "./agent-orders.ts";
import { type AgentOutcome, eachOf, idOf } from "./control-commands.ts";

export type ResponseCommandNeeds = {
  readonly agents: RespondingAgents;
  readonly calls: Pick<AgentCalls, "send">;
  readonly responses: Pick<HostResponses, "resolve" | "perform" | "rehearse" | "list" | "undo" | "note">;
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
      const ids = target === "all" ? activeAgents(needs.agents) : agentsOf(target);
      const order = agentOrder(needs, asked);
      return eachOf(ids, (id) => tellAgent(needs, asked, order, id));
    },
    "response.list": () => responses.list(),
    "response.undo": (parameters) => responses.undo(text(parameters, "key")),
  };
}

async function runHere({ responses }: ResponseCommandNeeds, asked: Asked): Promise<readonly AgentOutcome[]> {
  const found = responses.resolve(asked.name) ?? responses.resolve(`!${plainName(asked.name)}`);
  if (found === null) throw unknownName(asked.name);
  const { timeoutSeconds } = asked;
  const about = askedAbout(found.executable, asked.args[0]);
  if (about.kind === "refused") return [{ agentId: SERVER, ok: false, message: about.problem }];
  const isAbout = about.kind === "about";
  const message = {
    version: 1,
    origin: { name: "", module: "cyb3rhq" },
    command: asked.name,
    parameters: { extra_args: isAbout ? asked.args.slice(1) : asked.args, alert: isAbout ? about.alert : {} },
  };
  const order: Order = { ...found, timeoutSeconds: timeoutSeconds ?? found.timeoutSeconds, message };
  const { ok, text: said } = await (asked.dryRun ? responses.rehearse(order) : responses.perform(order));
  return [{ agentId: SERVER, ok, message: said }];
}

/** The same for every agent. */
type AgentOrder = {
  readonly decision: ResponseDecision;
  readonly response: Omit<DecidedResponse, "target">;
};

function agentOrder({ responses }: ResponseCommandNeeds, { name: asked, args }: Asked): AgentOrder {
  // A name of ar.conf is one; any other stands for a file of the agent, without a timeout.
  const named = responses.resolve(asked);
  const name = named === null ? `!${plainName(asked)}` : asked;
  const executable = named?.executable ?? plainName(asked);
  const about = askedAbout(executable, args[0]);
  if (about.kind === "refused") throw new CodedError("argument_invalid", about.problem);
  const known = about.kind === "about" ? about : { alert: {}, address: "", user: "" };
  const extraArgs = (about.kind === "about" ? args.slice(1) : args).join(" ");
  const decision = {
    ...{ id: "", ruleId: "", location: "", file: "", responses: [], alert: JSON.stringify(known.alert) },
    srcip: known.address,
    dstuser: known.user,
  };
  return { decision, response: { name, executable, timeoutSeconds: 0, extraArgs } };
}

async function tellAgent(
  needs: ResponseCommandNeeds,
  { args, dryRun }: Asked,
  order: AgentOrder,
  id: AgentId,
): Promise<AgentOutcome> {
  const { ok, message } = await sendOrder(needs, order, dryRun, id);
  const { executable: program } = order.response;
  const given = args.map((arg) => Buffer.from(arg, "latin1").toString("utf8"));
  needs.responses.note({
    ...{ asker: "command line", agent: id, program, arguments: given },
    ...{ dryRun, ok, text: message },
  });
  return { agentId: id, ok, message };
}

function sendOrder(
  { agents, calls, nodeName }: ResponseCommandNeeds,
  { decision, response }: AgentOrder,
  dryRun: boolean,
  id: AgentId,
): Promise<OrderOutcome> {
  const target = { kind: "agent", agentId: id } as const;
  const told = { decision, response: { ...response, target } };
  const messageFor = (form: MessageForm) => EXECD_PREFIX + responseMessage(form, told, nodeName);
  return orderAgent({ agents, calls }, { id, messageFor, dryRun });
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

function agentsOf(value: unknown): readonly AgentId[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid("target");
  return value.map(idOf);
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
