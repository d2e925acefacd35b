/** Orders to the execd of agents, each in the form that its agent takes. */
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import type { AgentId } from "#model/agent.ts";
import { type MessageForm, messageFormOf } from "#response/message.ts";
import type { RespondingAgents } from "#response/needs.ts";
import type { AgentCalls } from "./agent-calls.ts";
import { failureText } from "./control-commands.ts";

export type OrderNeeds = {
  readonly agents: Pick<RespondingAgents, "find">;
  readonly calls: Pick<AgentCalls, "send">;
};

export type AgentOrder = {
  readonly id: AgentId;
  readonly messageFor: (form: MessageForm) => string;
  readonly dryRun: boolean;
};

/** In words for people. Whether it was sent; an agent's execd answers nothing. */
export type OrderOutcome = { readonly ok: boolean; readonly message: string };

export async function orderAgent(
  { agents, calls }: OrderNeeds,
  { id, messageFor, dryRun }: AgentOrder,
): Promise<OrderOutcome> {
  const agent = agents.find(id);
  if (agent === null) return { ok: false, message: failureText("agent_unknown") };
  const form = agent.version === null ? null : messageFormOf(agent.version);
  if (form === null) {
    const unknown = "The agent's version is not known";
    return { ok: false, message: agent.active ? unknown : failureText("not_connected") };
  }
  const message = messageFor(form);
  if (message.length > MESSAGE_BYTES_MAX) return { ok: false, message: failureText("too_long") };
  if (dryRun) return { ok: true, message: `would send: ${message}` };
  const result = await calls.send(id, message);
  return { ok: result === "sent", message: result === "sent" ? "sent" : failureText(result) };
}
