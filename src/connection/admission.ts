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
import { type AgentId, addressMatches, type KeyWish } from "#model/agent.ts";
import type { AgentTable, KnownAgent } from "./agent-table.ts";
import type { RefusalCode } from "./events.ts";

/** Where a connection comes from: the text for log lines, the value for comparing; null matches no agent but those of `any`. */
export type Peer = { readonly text: string; readonly address: IpAddress | null };

export type Refusal = {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly log: string;
  /** The key with which the message might be opened. */
  readonly wish: KeyWish | null;
};

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
      return { ...envelope, wish: null };
    case "identified": {
      const { id, sealed } = envelope;
      const agent = table.byId(id);
      if (agent === null) return unknownId(id, peer, "unknown");
      if (!mayConnectFrom(agent, peer)) return unknownId(id, peer, agent.name);
      return open(agent, sealed, peer, { kind: "id", id });
    }
    case "anonymous": {
      const { address } = peer;
      const wish: KeyWish | null = address === null ? null : { kind: "ip", address };
      const agent = address === null ? null : table.byAddress(address);
      if (agent !== null) return open(agent, envelope.sealed, peer, wish);
      const log = `(1213): Message from '${peer.text}' not allowed. Cannot find the ID of the agent. Source agent ID is unknown.`;
      return { kind: "refused", code: "address_unknown", log, wish };
    }
  }
}

function mayConnectFrom(agent: KnownAgent, peer: Peer): boolean {
  if (peer.address === null) return agent.address.kind === "any";
  return addressMatches(agent.address, peer.address);
}

function unknownId(id: AgentId, peer: Peer, name: string): Refusal {
  const log = invalidIdLog(id, peer.text, name);
  return { kind: "refused", code: "id_unknown", log, wish: { kind: "id", id } };
}

function open(agent: KnownAgent, sealed: Buffer, peer: Peer, wish: KeyWish | null): Admission {
  const input = {
    cipherOf: (method: CipherMethod) => agent.cipherOf(method),
    agentId: agent.id,
    registeredAddress: agent.address.text,
    peerAddress: peer.text,
  };
  const opened = openMessage(input, sealed);
  if (!opened.ok) {
    const { code, log } = opened;
    return { kind: "refused", code: OPEN_FAILURES[code], log, wish: code === "ENCKEY" ? wish : null };
  }
  return { kind: "opened", agent, message: opened.message, counters: opened.counters, cipher: opened.cipher };
}
