/** What a simulated agent speaks through, over TCP or UDP. */
import { type CipherMethod, type MessageCipher, messageCipher } from "#formats/wire/agent/message-cipher.ts";
import type { Connection, DatagramSocket, SocketAddress } from "#kernel/ports/network.ts";
import { parseAgentId, parseAgentKey, parseAgentName } from "#model/agent.ts";
import type { TestAgentIdentity } from "#testing/agent.ts";
import { frameOf } from "#testing/agent-link.ts";
import type { SimulatedProcess } from "./world.ts";

/** One keepalive or startup that waits for its ack, with the events that it confirms. */
type Asked = { readonly confirms: readonly number[] };

/** What an agent speaks through: a connection, or a socket. */
export class AgentLink {
  readonly protocol: "tcp" | "udp";
  readonly #process: SimulatedProcess | null;
  connectionId = -1;
  greeted = false;
  /** Events since the last keepalive. */
  sent: readonly number[] = [];
  readonly asked: Asked[] = [];
  #connection: Connection | null = null;
  #socket: DatagramSocket | null = null;
  #to: SocketAddress | null = null;
  #timer: { cancel(): void } | null = null;

  constructor(protocol: "tcp" | "udp", process: SimulatedProcess | null) {
    this.protocol = protocol;
    this.#process = process;
  }

  useConnection(connection: Connection): void {
    this.#connection = connection;
  }

  useSocket(socket: DatagramSocket, to: SocketAddress): void {
    this.#socket = socket;
    this.#to = to;
  }

  every(periodMs: number, run: () => void): void {
    this.#timer = this.#process?.every(periodMs, run) ?? null;
  }

  write(payload: Buffer): void {
    if (this.#connection !== null) this.#connection.write(this.#isFramed ? frameOf(payload) : payload);
    else if (this.#socket !== null && this.#to !== null) this.#socket.send(payload, this.#to);
  }

  end(): void {
    this.#connection?.end();
    this.#close();
  }

  destroy(): void {
    this.#connection?.destroy();
    this.#close();
  }

  /** Only messages are: enrolment is lines. */
  get #isFramed(): boolean {
    return this.connectionId >= 0;
  }

  #close(): void {
    this.#timer?.cancel();
    void this.#socket?.close();
  }
}

const ciphers = new Map<string, MessageCipher>();

export function cipherOf({ id, name, key }: TestAgentIdentity, method: CipherMethod): MessageCipher {
  const label = `${method} ${id} ${name} ${key}`;
  const known = ciphers.get(label);
  if (known !== undefined) return known;
  const owner = { id: parseAgentId(id), name: parseAgentName(name), key: parseAgentKey(key) };
  if (owner.id === null || owner.name === null || owner.key === null) throw new Error(`no agent: ${id}`);
  const cipher = messageCipher({ id: owner.id, name: owner.name, key: owner.key }, method);
  ciphers.set(label, cipher);
  return cipher;
}
