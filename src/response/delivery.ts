/** The last step to an agent, in the thread that has the connections: the control message, and a word about what became of it. */
import { type AgentId, parseAgentId } from "#model/agent.ts";
import type { ResponseEvents } from "./events.ts";
import type { SendOutcome } from "./needs.ts";

export const CONTROL_PREFIX = "#!-";
export const EXECD_PREFIX = `${CONTROL_PREFIX}execd `;

export class ResponseDelivery {
  readonly #send: (agentId: AgentId, message: Uint8Array) => SendOutcome;
  readonly #events: ResponseEvents;

  constructor(send: (agentId: AgentId, message: Uint8Array) => SendOutcome, events: ResponseEvents) {
    this.#send = send;
    this.#events = events;
  }

  /** `message` has its prefix, and is short enough (`dispatcher.ts`). */
  deliver(agentId: string, message: string): void {
    const id = parseAgentId(agentId);
    const outcome = id === null ? "agent_unknown" : this.#send(id, Buffer.from(message, "latin1"));
    if (outcome === "sent") this.#events.sent();
    else this.#events.unsent(outcome, `${REASONS[outcome](agentId)} Its active response is lost.`);
  }
}

/** The first two are the peer's (wazuh v4.14.7: src/error_messages). */
const REASONS: Readonly<Record<Exclude<SendOutcome, "sent">, (id: string) => string>> = {
  agent_unknown: (id) => `(1320): Agent '${id}' not found.`,
  agent_disconnected: (id) => `(1245): Sending message to disconnected agent '${id}'.`,
  not_connected: (id) => `Agent '${id}' is not connected.`,
  output_full: (id) => `Agent '${id}' does not read what it is sent.`,
};
