/** The one answer to an enrollment request: no newline, the connection closes after it. */
import type { AgentAddress, AgentId, AgentKey, AgentName } from "#model/agent.ts";
import type { LogLine, Refusal } from "./outcome.ts";

export type EnrolledAgent = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
};

/** Holds the key in clear: for the TLS stream only. */
export function successReply({ id, name, address, key }: EnrolledAgent): Buffer {
  return Buffer.from(`OSSEC K:'${id} ${name} ${address.text} ${key.reveal()}'`, "latin1");
}

/** For one write: a client that reads once must see all of it. */
export function refusalReply({ text }: Pick<Refusal, "text">): Buffer {
  return Buffer.from(`${text}. Unable to add agent`, "latin1");
}

export function successLog({ name, address }: Pick<EnrolledAgent, "name" | "address">): LogLine {
  return { level: "info", text: `Agent key generated for '${name}' (requested by ${address.text})` };
}
