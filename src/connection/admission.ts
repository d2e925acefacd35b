/**
 * What a received payload is: decided from its bytes, the sender's address and the agents that are known, changing nothing.
 *
 * Whatever a stranger sends ends here: no connection, state or time of an agent is touched before its message was opened
 * with its key.
 */
import type { Counters } from "#formats/wire/agent/counters.ts";
import { splitEnvelope } from "#formats/wire/agent/envelope.ts";
import { type OpenFailureCode, openMessage } from "#formats/wire/agent/message.ts";
import type { CipherMethod, MessageCipher } from "#formats/wire/agent/message-cipher.ts";
import { invalidIdLog } from "#formats/wire/agent/message-logs.ts";
import type { IpAddress } from "#model/address.ts";
import { addressMatches } from "#model/agent.ts";
import type { AgentTable, KnownAgent } from "./agent-table.ts";
import type { RefusalCode } from "./events.ts";

/** Where a connection comes from: the text for log lines, the value for comparing; null matches no agent but those of `any`. */
export type Peer = { readonly text: string; readonly address: IpAddress | null };

export type Refusal = { readonly kind: "refused"; readonly code: RefusalCode; readonly log: string };

export type Opened = {
  readonly kind: "opened";
  readonly agent: KnownAgent;
  readonly message: Buffer;
  readonly counters: Counters;
  readonly cipher: MessageCipher;
};

export type Admission = Refusal | { readonly kind: "ping" } | Opened;

const OPEN_FAILURES: Record<OpenFailureCode, RefusalCode> = {
  EMPTY: "message_empty",
  CORRUPT: "message_corrupt",
  ENCKEY: "message_unauthentic",
};

export function admit(payload: Buffer, peer: Peer, table: AgentTable): Admission {
  const envelope = splitEnvelope(payload, peer.text);
  switch (envelope.kind) {
    case "ping":
      return envelope;
    case "refused":
      return envelope;
    case "identified": {
      const agent = table.byId(envelope.id);
      if (agent === null) return unknownId(envelope.id, peer, "unknown");
      if (!mayConnectFrom(agent, peer)) return unknownId(envelope.id, peer, agent.name);
      return open(agent, envelope.sealed, peer);
    }
    case "anonymous": {
      const agent = peer.address === null ? null : table.byAddress(peer.address);
      if (agent !== null) return open(agent, envelope.sealed, peer);
      const log = `(1213): Message from '${peer.text}' not allowed. Cannot find the ID of the agent. Source agent ID is unknown.`;
      return { kind: "refused", code: "address_unknown", log };
    }
  }
}

function mayConnectFrom(agent: KnownAgent, peer: Peer): boolean {
  if (peer.address === null) return agent.address.kind === "any";
  return addressMatches(agent.address, peer.address);
}

function unknownId(id: string, peer: Peer, name: string): Refusal {
  return { kind: "refused", code: "id_unknown", log: invalidIdLog(id, peer.text, name) };
}

function open(agent: KnownAgent, sealed: Buffer, peer: Peer): Admission {
  const input = {
    cipherOf: (method: CipherMethod) => agent.cipherOf(method),
    agentId: agent.id,
    registeredAddress: agent.address.text,
    peerAddress: peer.text,
  };
  const opened = openMessage(input, sealed);
  if (!opened.ok) return { kind: "refused", code: OPEN_FAILURES[opened.code], log: opened.log };
  return { kind: "opened", agent, message: opened.message, counters: opened.counters, cipher: opened.cipher };
}
