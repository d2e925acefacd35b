/**
 * Active responses that were decided for one event, as one line: the record of who was answered, where and why, and what is dispatched
 * from it.
 *
 * `{"version":1,"id":"<seconds>.<position>","rule":"5712",…,"responses":[…],"alert":{…}}`; the alert is the last member and is handed on as
 * it stands, byte for byte. Texts are latin1 strings (one char a byte).
 */
import { type AgentId, parseAgentId } from "./agent.ts";

export type ResponseTarget =
  | { readonly kind: "agent"; readonly agentId: AgentId }
  | { readonly kind: "all" | "server" };

export type DecidedResponse = {
  /** As `ar.conf` names it: the command's name and its timeout. */
  readonly name: string;
  readonly executable: string;
  /** After which it is undone; 0 for never. */
  readonly timeoutSeconds: number;
  readonly extraArgs: string;
  readonly target: ResponseTarget;
};

export type ResponseDecision = {
  /** The alert's. */
  readonly id: string;
  readonly ruleId: string;
  /** Empty where the event has none. */
  readonly srcip: string;
  readonly dstuser: string;
  /** With the agent in front: `(web1) any->/var/log/auth.log`. */
  readonly location: string;
  /** The path of a file integrity event; empty for other events. */
  readonly file: string;
  readonly responses: readonly DecidedResponse[];
  /** The alert document. */
  readonly alert: string;
};

/** Far above an alert that an agent can be sent, with its responses: what is longer is no line of ours. */
export const DECISION_CHARS_MAX = 1024 * 1024;
const FORMAT_VERSION = 1;
/** Inside a text the quotes would be escaped, so only the member itself looks like this. */
const ALERT_MEMBER = ',"alert":';

export function formatDecision({ alert, responses, ...head }: ResponseDecision): string {
  const { id, ruleId, srcip, dstuser, location, file } = head;
  const shown = responses.map(({ name, executable, timeoutSeconds, extraArgs, target }) => ({
    command: name,
    executable,
    timeout: timeoutSeconds,
    extra_args: extraArgs,
    target: target.kind,
    ...(target.kind === "agent" ? { agent: target.agentId } : {}),
  }));
  const members = { version: FORMAT_VERSION, id, rule: ruleId, srcip, dstuser, location, file };
  return `${JSON.stringify({ ...members, responses: shown }).slice(0, -1)}${ALERT_MEMBER}${alert}}\n`;
}

/** Takes the line without its newline; null for anything that `formatDecision()` did not write. */
export function parseDecision(line: string): ResponseDecision | null {
  const alertAt = line.indexOf(ALERT_MEMBER);
  if (alertAt < 0 || line.length > DECISION_CHARS_MAX || !line.endsWith("}")) return null;
  const head = parseObject(`${line.slice(0, alertAt)}}`);
  const alert = line.slice(alertAt + ALERT_MEMBER.length, -1);
  const list = head?.["responses"];
  if (head === null || head["version"] !== FORMAT_VERSION || !Array.isArray(list)) return null;
  if (parseObject(alert) === null) return null;
  const texts = textMembers(head, ["id", "rule", "srcip", "dstuser", "location", "file"]);
  const responses = list.flatMap((value: unknown) => parseResponse(value) ?? []);
  if (texts === null || responses.length < list.length) return null;
  const { rule: ruleId, ...others } = texts;
  return { ...others, ruleId, responses, alert };
}

function parseResponse(value: unknown): DecidedResponse | null {
  if (!isObject(value)) return null;
  const texts = textMembers(value, ["command", "executable", "extra_args"]);
  const timeoutSeconds = value["timeout"];
  const target = parseTarget(value);
  if (texts === null || target === null || typeof timeoutSeconds !== "number") return null;
  const { command: name, executable, extra_args: extraArgs } = texts;
  return { name, executable, timeoutSeconds, extraArgs, target };
}

function parseTarget({ target, agent }: Readonly<Record<string, unknown>>): ResponseTarget | null {
  if (target === "all" || target === "server") return { kind: target };
  const agentId = typeof agent === "string" ? parseAgentId(agent) : null;
  return target === "agent" && agentId !== null ? { kind: "agent", agentId } : null;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Null when one of them is no text. */
function textMembers<const Name extends string>(
  value: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Readonly<Record<Name, string>> | null {
  const texts = names.map((name) => [name, value[name]] as const);
  if (!texts.every(([, text]) => typeof text === "string")) return null;
  return Object.fromEntries(texts) as Record<Name, string>;
}
