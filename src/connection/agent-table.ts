/**
 * The agents that may connect, by id and by address, as `client.keys` names them.
 *
 * A change replaces the agent's entry by a new one. What that means for open connections is the service's matter.
 */
import { agentSource, escapeLocation } from "#formats/wire/agent/event.ts";
import { type CipherMethod, type MessageCipher, messageCipher } from "#formats/wire/agent/message-cipher.ts";
import { formatIpAddress, type IpAddress } from "#model/address.ts";
import type { AgentAddress, AgentId, AgentKey, AgentName } from "#model/agent.ts";
import { AgentStatistics } from "./agent-statistics.ts";

export type AgentEntry = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
};

export type AgentTableChange =
  /** A new agent, or another name, address or key of a known one. */
  { readonly kind: "put"; readonly agent: AgentEntry } | { readonly kind: "removed"; readonly id: AgentId };

/** The one connection that speaks for an agent, or what stands for one over UDP. */
export interface AgentLink {
  /** As log lines name the connection. */
  readonly number: number;
  /** Nothing is lost when another connection takes over at once. */
  readonly yields: boolean;
  /** When the last message was opened on it (monotonic). */
  readonly lastMessageMs: number;
  /** A control message came on it: messages to the agent may go out. */
  readonly greeted: boolean;
  /** Written and not yet handed to the system. */
  readonly pendingBytes: number;
  /** What is sent too fast does not arrive. */
  readonly losesParts: boolean;
  /** False when the agent reads too slowly: the message is not sent. */
  send(message: Uint8Array): boolean;
  /** Parts of a file, each a message, sealed faster than other messages and not as small. False: none of them is sent. */
  sendParts(parts: readonly Uint8Array[]): boolean;
  close(reason: string): void;
}

export class KnownAgent {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
  link: AgentLink | null = null;
  /** Digest of the last keepalive's text: most say what the one before said. */
  keepaliveDigest: string | null = null;
  #cipher: MessageCipher | null = null;
  #statistics: AgentStatistics | null = null;
  #locationPrefix: string | null = null; // made at the first event: most agents of a large table are silent

  constructor({ id, name, address, key }: AgentEntry) {
    this.id = id;
    this.name = name;
    this.address = address;
    this.key = key;
  }

  /** That of the agent's last message: it is answered the way it speaks. */
  get cipher(): MessageCipher {
    this.#cipher ??= messageCipher(this, "aes");
    return this.#cipher;
  }

  /** After a message was opened with it. */
  speaks(cipher: MessageCipher): void {
    this.#cipher = cipher;
  }

  cipherOf(method: CipherMethod): MessageCipher {
    return this.#cipher?.method === method ? this.#cipher : messageCipher(this, method);
  }

  get statistics(): AgentStatistics {
    this.#statistics ??= new AgentStatistics();
    return this.#statistics;
  }

  get locationPrefix(): string {
    this.#locationPrefix ??= `(${this.name}) ${this.address.text}->`;
    return this.#locationPrefix;
  }

  /** Bytes that the manager puts in front of an event's location in the peer's queue message. */
  get sourceBytes(): number {
    const { id, name, address } = this;
    return escapeLocation(agentSource({ id, name, address: address.text })).length;
  }
}

export class AgentTable {
  readonly #byId = new Map<string, KnownAgent>();
  /** Agents registered with one address; the first of several wins, as with the peer. */
  readonly #byAddress = new Map<string, KnownAgent[]>();

  get size(): number {
    return this.#byId.size;
  }

  byId(id: AgentId): KnownAgent | null {
    return this.#byId.get(id) ?? null;
  }

  all(): IterableIterator<KnownAgent> {
    return this.#byId.values();
  }

  byAddress(address: IpAddress): KnownAgent | null {
    return this.#byAddress.get(formatIpAddress(address))?.[0] ?? null;
  }

  /** The entry that this change put out of use, if any. An entry that says what is known already changes nothing. */
  apply(change: AgentTableChange): KnownAgent | null {
    const id = change.kind === "put" ? change.agent.id : change.id;
    const known = this.#byId.get(id) ?? null;
    if (change.kind === "put" && known !== null && sameEntry(known, change.agent)) return null;
    if (known !== null) this.#remove(known);
    if (change.kind === "put") this.#add(new KnownAgent(change.agent));
    return known;
  }

  #add(agent: KnownAgent): void {
    this.#byId.set(agent.id, agent);
    if (agent.address.kind !== "single") return;
    const sharing = this.#byAddress.get(agent.address.text);
    if (sharing === undefined) this.#byAddress.set(agent.address.text, [agent]);
    else sharing.push(agent);
  }

  #remove(agent: KnownAgent): void {
    this.#byId.delete(agent.id);
    if (agent.address.kind !== "single") return;
    const others = this.#byAddress.get(agent.address.text)?.filter((other) => other !== agent) ?? [];
    if (others.length === 0) this.#byAddress.delete(agent.address.text);
    else this.#byAddress.set(agent.address.text, others);
  }
}

function sameEntry(known: KnownAgent, entry: AgentEntry): boolean {
  const sameIdentity = known.name === entry.name && known.address.text === entry.address.text;
  return sameIdentity && known.key.equals(entry.key.reveal());
}
