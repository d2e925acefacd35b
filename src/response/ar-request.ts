/**
 * What other programs send to `queue/alerts/ar`: `(<source>) [<address>] <a><r><s> <agent id> <text>` (wazuh v4.14.7: src/remoted/ar-forward.c).
 * Pure: one latin1 datagram in, what is to be said to whom out.
 */
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { CONTROL_PREFIX, EXECD_PREFIX } from "./delivery.ts";

export type ArRequest = {
  /** Null for all active agents. */
  readonly agentId: AgentId | null;
  /** The whole control message. */
  readonly message: string;
};

/** Source, all or none, the event's agent or plain text or none, the given agent or none, agent, text. */
const FORM = /^\([^)]*\) \[[^\]]*\] ([AN])([R!N])([SN]) ([^ ]{1,16}) (.+)$/s;

/** Null for what is none. The agent of an event and a given one are both the agent that is named. */
export function parseArRequest(text: string): ArRequest | null {
  const found = FORM.exec(text);
  if (found === null) return null;
  const [, all, event, given, id = "", words = ""] = found;
  const message = `${event === "!" ? CONTROL_PREFIX : EXECD_PREFIX}${words}`;
  if (all === "A") return { agentId: null, message };
  const agentId = event === "R" || given === "S" ? parseAgentId(id) : null;
  return agentId === null ? null : { agentId, message };
}
