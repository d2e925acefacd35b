/** One of very many agents: as little memory and work as an agent can be, so that thousands fit beside the manager that they measure. */
import { connect, type Socket } from "node:net";
import { type TestAgentIdentity, TestCipher } from "#testing/agent.ts";
import { frameOf, TestFrames } from "#testing/agent-link.ts";

export const STARTUP = '#!-agent startup {"version":"v4.14.7"}';
const ACK = "#!-agent ack ";
/** The random number of an ack that answers nothing is above it. */
const RANDOM_MAX = 65_535;
const RECONNECT_MS = 1000;
/** More source addresses give more ports: one address has some 28,000. */
const SOURCE_ADDRESSES = 8;

/** What all agents of a process have in common; the counts are of all of them. */
export type FleetState = {
  readonly host: string;
  readonly port: number;
  readonly mergedSum: string;
  connected: number;
  connections: number;
  /** Ended before the manager answered. */
  refused: number;
  closed: number;
  keepalivesAnswered: number;
  longestAnswerMs: number;
  /** Of the manager, towards a connected agent. */
  longestSilenceMs: number;
  eventsWritten: number;
  stopping: boolean;
};

export class FleetAgent {
  readonly #state: FleetState;
  readonly #number: number;
  readonly #identity: TestAgentIdentity;
  readonly #cipher: TestCipher;
  #socket: Socket | null = null;
  #frames = new TestFrames();
  #asked: number[] = [];
  #heardAt = 0;
  #greeted = false;
  /** Frames of events that are sent again and again while `#rounds` is above 0. */
  #events: Buffer | null = null;
  #eventCount = 0;
  #rounds = 0;

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
    return this.#rounds > 0;
  }

  /** For how long a keepalive has waited for its answer. */
  get waitingMs(): number {
    const [asked] = this.#asked;
    return asked === undefined ? 0 : performance.now() - asked;
  }

  get silenceMs(): number {
    return this.#greeted ? performance.now() - this.#heardAt : 0;
  }

  /** Connects, and goes on connecting whenever the connection ends. */
  connect(): void {
    const { host, port } = this.#state;
    const localAddress = `127.0.0.${2 + (this.#number % SOURCE_ADDRESSES)}`;
    const socket = connect({ host, port, localAddress, noDelay: true });
    this.#socket = socket;
    this.#frames = new TestFrames();
    this.#asked = [];
    socket.on("connect", () => {
      this.#state.connected++;
      this.#state.connections++;
      this.#ask(STARTUP);
    });
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("drain", () => this.#sendRounds());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#closed(socket));
  }

  keepalive(): void {
    if (!this.#greeted) return;
    const { name } = this.#identity;
    const system = `Linux |${name} |6.1.0 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)]`;
    const version = "Wazuh v4.14.7 / ab73af41699f13fdd81903b5f23d8d00";
    this.#ask(`#!-${system} - ${version}\n${this.#state.mergedSum} merged.mg\n#"_agent_ip":127.0.0.1\n`);
  }

  /** Sealed once: what is measured is the manager. */
  prepareEvents(messages: readonly string[]): void {
    const frames = messages.map((message) => frameOf(this.#cipher.seal(Buffer.from(message, "latin1"))));
    this.#events = Buffer.concat(frames);
    this.#eventCount = messages.length;
  }

  /** Sends its events so many times, as fast as the manager reads them. */
  sendEvents(rounds: number): void {
    this.#rounds = rounds;
    this.#sendRounds();
  }

  /** After what was already written. */
  stopEvents(): void {
    this.#rounds = 0;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #sendRounds(): void {
    const socket = this.#socket;
    if (socket === null || this.#events === null) return;
    while (this.#rounds > 0 && !socket.writableNeedDrain) {
      this.#rounds--;
      socket.write(this.#events);
      this.#state.eventsWritten += this.#eventCount;
    }
  }

  #ask(message: string): void {
    this.#asked.push(performance.now());
    this.#socket?.write(frameOf(this.#cipher.seal(message)));
  }

  #received(chunk: Buffer): void {
    this.#state.longestSilenceMs = Math.max(this.#state.longestSilenceMs, this.silenceMs);
    this.#heardAt = performance.now();
    for (const payload of this.#frames.push(chunk)) {
      const { message, random } = this.#cipher.open(payload);
      if (message === ACK && random <= RANDOM_MAX) this.#answered();
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
    this.#greeted = false;
    if (!state.stopping) setTimeout(() => this.connect(), RECONNECT_MS * (1 + Math.random()));
  }
}
