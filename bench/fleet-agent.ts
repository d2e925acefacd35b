/** One of very many agents: as little memory and work as an agent can be, so that thousands fit beside the manager that they measure. */
import { connect, type Socket } from "node:net";
import { type TestAgentIdentity, TestCipher } from "#testing/agent.ts";
import { type AgentLink, frameOf, openLink, TestFrames } from "#testing/agent-link.ts";

export const STARTUP = '#!-agent startup {"version":"v4.14.7"}';
const ACK = "#!-agent ack ";
/** The random number of an ack that answers nothing is above it. */
const RANDOM_MAX = 65_535;
const RECONNECT_MS = 1000;
/** More source addresses give more ports: one address has some 28,000. */
const SOURCE_ADDRESSES = 8;
/** Events that are written at once. A real agent waits in its send(), so one piece, no longer than a long message, may wait here. */
const PIECE_BYTES = 8192;
/** Then the next agent has its turn. */
const PIECES_A_TURN = 8;

/** What all agents of a process have in common; the counts are of all of them. */
export type FleetState = {
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly mergedSum: string;
  connected: number;
  connections: number;
  /** Ended before the manager answered. */
  refused: number;
  closed: number;
  keepalivesAnswered: number;
  /** From a keepalive to the answer that was made when it was read. */
  longestAnswerMs: number;
  /** From a keepalive to the next ack: acks have no number, so that is what an agent can know. */
  longestAckWaitMs: number;
  /** Of the manager, towards a connected agent. */
  longestSilenceMs: number;
  eventsWritten: number;
  stopping: boolean;
};

/** What a process's agents begin with. */
export function newFleetState(
  place: Pick<FleetState, "host" | "port" | "protocol" | "mergedSum">,
): FleetState {
  return {
    ...place,
    ...{ connected: 0, connections: 0, refused: 0, closed: 0, keepalivesAnswered: 0 },
    ...{ longestAnswerMs: 0, longestAckWaitMs: 0, longestSilenceMs: 0, eventsWritten: 0, stopping: false },
  };
}

type Piece = { readonly bytes: Buffer; readonly events: number };

export class FleetAgent {
  readonly #state: FleetState;
  readonly #number: number;
  readonly #identity: TestAgentIdentity;
  readonly #cipher: TestCipher;
  #socket: Socket | null = null;
  #datagrams: AgentLink | null = null;
  #frames = new TestFrames();
  #asked: number[] = [];
  /** The first keepalive since the last ack. */
  #unackedSince: number | null = null;
  #heardAt = 0;
  #greeted = false;
  /** Frames of events, sent again and again while `#eventsDue` is above 0. */
  #pieces: readonly Piece[] = [];
  #nextPiece = 0;
  #eventsDue = 0;
  #turnAsked = false;

  constructor(state: FleetState, number: number, identity: TestAgentIdentity) {
    this.#state = state;
    this.#number = number;
    this.#identity = identity;
    this.#cipher = new TestCipher(identity);
  }

  get greeted(): boolean {
    return this.#greeted;
  }

  get sending(): boolean {
    return this.#eventsDue > 0;
  }

  /** For how long a keepalive has waited for its answer. */
  get waitingMs(): number {
    const [asked] = this.#asked;
    return asked === undefined ? 0 : performance.now() - asked;
  }

  get ackWaitMs(): number {
    return this.#unackedSince === null ? 0 : performance.now() - this.#unackedSince;
  }

  get silenceMs(): number {
    return this.#greeted ? performance.now() - this.#heardAt : 0;
  }

  /** Connects, and goes on connecting whenever the connection ends. */
  connect(): void {
    const { host, port, protocol } = this.#state;
    const localAddress = `127.0.0.${2 + (this.#number % SOURCE_ADDRESSES)}`;
    this.#asked = [];
    this.#unackedSince = null;
    if (protocol === "udp") {
      this.#openDatagrams(localAddress).catch(() => this.#ended());
      return;
    }
    const socket = connect({ host, port, localAddress, noDelay: true });
    this.#socket = socket;
    this.#frames = new TestFrames();
    socket.on("connect", () => {
      this.#state.connected++;
      this.#state.connections++;
      this.#ask(STARTUP);
    });
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#closed(socket));
  }

  /** A startup that was lost over UDP is sent again in its place. */
  keepalive(): void {
    if (!this.#greeted) {
      if (this.#datagrams !== null) this.#ask(STARTUP);
      return;
    }
    const { name } = this.#identity;
    const system = `Linux |${name} |6.1.0 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)]`;
    const version = "Wazuh v4.14.7 / ab73af41699f13fdd81903b5f23d8d00";
    this.#ask(`#!-${system} - ${version}\n${this.#state.mergedSum} merged.mg\n#"_agent_ip":127.0.0.1\n`);
  }

  /** Sealed once: what is measured is the manager. */
  prepareEvents(messages: readonly string[]): void {
    const pieces: Piece[] = [];
    let frames: Buffer[] = [];
    let bytes = 0;
    for (const [index, message] of messages.entries()) {
      const frame = frameOf(this.#cipher.seal(Buffer.from(message, "latin1")));
      frames.push(frame);
      bytes += frame.length;
      if (bytes < PIECE_BYTES && index < messages.length - 1) continue;
      pieces.push({ bytes: Buffer.concat(frames), events: frames.length });
      frames = [];
      bytes = 0;
    }
    this.#pieces = pieces;
  }

  /** Sends all its events so many times, as fast as the manager reads them. */
  sendRounds(rounds: number): void {
    this.offerEvents(rounds * this.#pieces.reduce((events, piece) => events + piece.events, 0));
  }

  /** It has so many more to send. */
  offerEvents(count: number): void {
    this.#eventsDue += count;
    this.#sendSoon();
  }

  /** After what was already written. */
  stopEvents(): void {
    this.#eventsDue = 0;
  }

  close(): void {
    this.#socket?.destroy();
    this.#datagrams?.destroy();
  }

  async #openDatagrams(localAddress: string): Promise<void> {
    const { host, port, protocol } = this.#state;
    const handler = {
      payload: (payload: Buffer) => this.#heard([payload]),
      closed: () => {
        this.#datagrams = null;
        if (this.#greeted) this.#state.closed++;
        this.#ended();
      },
    };
    this.#datagrams = await openLink({ host, port, protocol }, localAddress, handler);
    this.#state.connected++;
    this.#state.connections++;
    this.#ask(STARTUP);
  }

  #sendSoon(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    setImmediate(() => {
      this.#turnAsked = false;
      this.#sendPieces();
    });
  }

  #sendPieces(): void {
    for (let turn = 0; turn < PIECES_A_TURN && this.#eventsDue > 0; turn++) {
      const piece = this.#pieces[this.#nextPiece];
      if (piece === undefined || this.#socket === null || this.#socket.writableLength > 0) return;
      this.#write(piece.bytes);
      this.#nextPiece = (this.#nextPiece + 1) % this.#pieces.length;
      this.#eventsDue -= piece.events;
      this.#state.eventsWritten += piece.events;
    }
  }

  #write(bytes: Buffer): void {
    this.#socket?.write(bytes, () => this.#sendSoon());
  }

  #ask(message: string): void {
    const nowMs = performance.now();
    // What was lost over UDP is never answered.
    this.#asked = this.#datagrams === null ? [...this.#asked, nowMs] : [nowMs];
    this.#unackedSince ??= nowMs;
    const payload = this.#cipher.seal(message);
    if (this.#datagrams === null) this.#write(frameOf(payload));
    else this.#datagrams.write(payload);
  }

  #received(chunk: Buffer): void {
    this.#heard(this.#frames.push(chunk));
  }

  #heard(payloads: readonly Buffer[]): void {
    const state = this.#state;
    state.longestSilenceMs = Math.max(state.longestSilenceMs, this.silenceMs);
    this.#heardAt = performance.now();
    for (const payload of payloads) {
      const { message, random } = this.#cipher.open(payload);
      if (message !== ACK) continue;
      state.longestAckWaitMs = Math.max(state.longestAckWaitMs, this.ackWaitMs);
      this.#unackedSince = null;
      if (random <= RANDOM_MAX) this.#answered();
    }
  }

  #answered(): void {
    const asked = this.#asked.shift();
    if (asked === undefined) return;
    const state = this.#state;
    state.longestAnswerMs = Math.max(state.longestAnswerMs, performance.now() - asked);
    if (this.#greeted) state.keepalivesAnswered++;
    else {
      this.#greeted = true;
      this.keepalive();
    }
  }

  #closed(socket: Socket): void {
    const state = this.#state;
    if (!socket.connecting && socket.bytesWritten > 0) {
      state.connected--;
      if (this.#greeted) state.closed++;
      else state.refused++;
    }
    this.#socket = null;
    this.#ended();
  }

  #ended(): void {
    this.#greeted = false;
    if (!this.#state.stopping) setTimeout(() => this.connect(), RECONNECT_MS * (1 + Math.random()));
  }
}
