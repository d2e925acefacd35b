/**
 * A simulated agent: enrols, reports over TCP or UDP, sends numbered events and keepalives, and comes back whatever happens.
 *
 * It behaves as agents of the 4.x generation do, and one kind of it keeps events until the manager has confirmed them. What it
 * sent, and what it was promised, goes into the `History`.
 */
import { SenderCounter } from "#formats/wire/agent/counters.ts";
import { openMessage, sealMessage } from "#formats/wire/agent/message.ts";
import type { CipherMethod } from "#formats/wire/agent/message-cipher.ts";
import type { TestAgentIdentity } from "#testing/agent.ts";
import { TestFrames } from "#testing/agent-link.ts";
import { TestFileReceiver } from "#testing/shared-files.ts";
import { AgentLink, cipherOf } from "./agent-link.ts";
import type { History } from "./history.ts";
import type { SimulatedHost, SimulatedNetwork } from "./network.ts";
import { SimulatedProcess, type World } from "./world.ts";

export const AGENT_PORT = 1514;
export const ENROLLMENT_PORT = 1515;
export const KEEPALIVE_MS = 5000;

const HELLO = Buffer.of(22);
const STARTUP = '#!-agent startup {"version":"v4.14.7"}';
const SHUTDOWN = "#!-agent shutdown ";
const ACK = "#!-agent ack ";
/** A random number above it marks an ack that answers nothing. */
const RANDOM_MAX = 65_535;
const ANSWER_MS_MAX = 8000;
const SILENCE_MS_MAX = 16_000;
const EVENT_PAUSE_MS_MAX = 900;
const BURST_EVENTS_MAX = 12;
/** Tries with a key that nobody answers, until the agent enrols anew. */
const REFUSALS_MAX = 4;
const SOURCES = 5;

export type AgentKind = {
  readonly protocol: "tcp" | "udp";
  readonly cipher: CipherMethod;
  /** Keeps events until they are confirmed, and sends them again. TCP only. */
  readonly resends: boolean;
};

export type AgentSetup = {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly history: History;
  readonly manager: string;
  readonly address: string;
  readonly number: number;
  readonly kind: AgentKind;
  readonly groups: string | null;
};

export class SimulatedAgent {
  readonly name: string;
  readonly setup: AgentSetup;
  identity: TestAgentIdentity | null = null;
  /** Told to be away: it does not come back by itself. */
  away = false;
  /** Sends no more events. */
  quiet = false;
  #process: SimulatedProcess | null = null;
  #host: SimulatedHost | null = null;
  #counter = new SenderCounter({ global: 0, local: 0 });
  #eventNumber = 0;
  /** Sent and not confirmed, oldest first; kept by an agent that resends. */
  #spool: number[] = [];
  #link: AgentLink | null = null;
  #files = new TestFileReceiver();
  #refusals = 0;
  #lastAckMs = Number.NEGATIVE_INFINITY;

  constructor(setup: AgentSetup) {
    this.setup = setup;
    this.name = `agent${setup.number}`;
  }

  /** It has been greeted and hears from the manager. */
  get connected(): boolean {
    return this.#link?.greeted === true && this.setup.world.nowMs - this.#lastAckMs < SILENCE_MS_MAX;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** The sum of the files that it has; null when it has none. */
  get mergedSum(): string | null {
    return this.#files.shared?.sum ?? null;
  }

  get unconfirmed(): number {
    return this.#spool.length;
  }

  start(): void {
    const { address, network, world } = this.setup;
    if (this.#process !== null) return;
    this.away = false;
    const process = new SimulatedProcess(world, this.name);
    this.#process = process;
    this.#host = network.hostOf(address, process);
    process.after(0, () => this.#begin());
    process.every(KEEPALIVE_MS, () => this.keepalive());
    process.every(1000, () => this.#watch());
    this.#sendEventsLater();
  }

  /** Says goodbye, or loses its power, or is killed. */
  stop(how: "goodbye" | "power_loss" | "kill"): void {
    this.away = true;
    const link = this.#link;
    if (how === "goodbye" && link?.greeted === true) {
      link.write(this.#seal(SHUTDOWN));
      link.end();
    }
    this.#link = null;
    this.#process?.end(how === "power_loss" ? "power_loss" : "kill");
    this.#process = null;
  }

  /** Loses its connection of its own doing and makes another one. */
  reconnect(): void {
    this.#drop(0);
  }

  /** An administrator gives it another key. */
  useKey(key: string): void {
    if (this.identity !== null) this.identity = { ...this.identity, key };
    this.#drop(500);
  }

  /** Sends a few events now. */
  burst(events: number): void {
    for (let count = 0; count < events; count++) this.#sendNewEvent();
  }

  #begin(): void {
    if (this.#link !== null || this.#process === null) return;
    if (this.identity === null || this.#refusals >= REFUSALS_MAX) this.#enroll();
    else if (this.setup.kind.protocol === "tcp") this.#connect();
    else this.#bind();
  }

  #enroll(): void {
    const { groups, world } = this.setup;
    const link = this.#newLink();
    let answer = "";
    const handler = {
      secured: () => {
        const wish = groups === null ? "" : ` G:'${groups}'`;
        link.write(Buffer.from(`OSSEC A:'${this.name}' V:'v4.14.7'${wish}\n`));
      },
      data: (chunk: Buffer) => {
        answer += chunk.toString("latin1");
      },
      closed: () => {
        if (this.#link !== link) return;
        this.#enrolled(answer);
        this.#drop(this.identity === null ? world.between(500, 3000) : 100);
      },
    };
    this.#open(ENROLLMENT_PORT, link, handler, () => link.write(HELLO));
  }

  #enrolled(answer: string): void {
    const found = /^OSSEC K:'(\S+) (\S+) (\S+) (\S+)'\n*$/.exec(answer);
    const [, id, name, address, key] = found ?? [];
    if (id === undefined || name === undefined || address === undefined || key === undefined) return;
    this.setup.history.enrolled(this.name, id);
    this.setup.world.note(`${this.name} is ${id}`);
    this.identity = { id, name, address, key };
    this.#refusals = 0;
    this.#counter = new SenderCounter({ global: 0, local: 0 });
  }

  #connect(): void {
    const link = this.#newLink();
    const frames = new TestFrames();
    link.connectionId = this.setup.history.connection();
    const handler = {
      data: (chunk: Buffer) => {
        for (const payload of frames.push(chunk)) this.#take(payload, link);
      },
      closed: () => {
        if (this.#link !== link) return;
        if (!link.greeted) this.#refusals++;
        this.#drop(this.setup.world.between(200, 3000));
      },
    };
    this.#open(AGENT_PORT, link, handler, () => this.#ask(link, STARTUP, []));
  }

  #bind(): void {
    const link = this.#newLink();
    const socket = this.#host?.bindAnyPort((bytes) => this.#take(bytes, link));
    if (socket === undefined) return;
    link.useSocket(socket, { address: this.setup.manager, port: AGENT_PORT });
    const ask = (): void => {
      if (this.#link !== link || link.greeted) return;
      this.#refusals++; // until it is answered
      if (this.#refusals > REFUSALS_MAX * 2) this.#drop(100);
      else this.#ask(link, STARTUP, []);
    };
    ask();
    link.every(2000, ask);
  }

  #newLink(): AgentLink {
    const link = new AgentLink(this.setup.kind.protocol, this.#process);
    this.#link = link;
    return link;
  }

  #open(
    port: number,
    link: AgentLink,
    handler: Parameters<SimulatedHost["open"]>[1],
    opened: () => void,
  ): void {
    const { manager, world } = this.setup;
    this.#process?.after(ANSWER_MS_MAX, () => {
      if (this.#link === link && !link.greeted) this.#drop(world.between(100, 2000));
    });
    this.#host?.open({ address: manager, port }, handler).then(
      (connection) => {
        if (this.#link !== link) return connection.destroy();
        link.useConnection(connection);
        opened();
      },
      () => {
        if (this.#link === link) this.#drop(world.between(500, 3000));
      },
    );
  }

  /** Gives the connection up and begins again after a while. */
  #drop(pauseMs: number): void {
    const link = this.#link;
    this.#link = null;
    link?.destroy();
    this.#process?.after(pauseMs, () => this.#begin());
  }

  #watch(): void {
    const silentMs = this.setup.world.nowMs - this.#lastAckMs;
    if (this.#link?.greeted === true && silentMs > SILENCE_MS_MAX) this.#drop(100);
  }

  keepalive(): void {
    const link = this.#link;
    if (link?.greeted !== true) return;
    const uname = `Linux |${this.name} |6.1.0 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)]`;
    const sum = this.mergedSum ?? "x";
    const text = `#!-${uname} - Wazuh v4.14.7 / ab73af41699f13fdd81903b5f23d8d00\n${sum} merged.mg\n#"_agent_ip":${this.setup.address}\n`;
    this.#ask(link, text, link.sent);
    link.sent = [];
  }

  #ask(link: AgentLink, message: string, confirms: readonly number[]): void {
    link.asked.push({ confirms });
    link.write(this.#seal(message));
  }

  #sendEventsLater(): void {
    const { world } = this.setup;
    this.#process?.after(world.between(1, EVENT_PAUSE_MS_MAX), () => {
      if (!this.quiet) this.burst(world.chance(0.1) ? world.between(2, BURST_EVENTS_MAX) : 1);
      this.#sendEventsLater();
    });
  }

  #sendNewEvent(): void {
    const number = this.#eventNumber++;
    if (this.setup.kind.resends) this.#spool.push(number);
    const link = this.#link;
    if (link?.greeted === true) this.#sendEvent(link, number);
  }

  #sendEvent(link: AgentLink, number: number): void {
    const { history, world } = this.setup;
    const padding = "x".repeat(world.chance(0.02) ? world.below(30_000) : world.below(200));
    const name = `${this.setup.number}-${number}`;
    const source = `10.0.${this.setup.number}.${number % SOURCES}`;
    const text = `1:/var/log/probe.log:Nov 21 10:00:01 web1 probe[1]: number=${name} from=${source} ${padding}`;
    link.sent = [...link.sent, number];
    history.sent(name, link.connectionId);
    link.write(this.#seal(text));
  }

  #take(payload: Buffer, link: AgentLink): void {
    if (this.#link !== link || this.identity === null) return;
    const opened = this.#openPayload(payload);
    if (opened === null) return;
    const message = opened.message.toString("latin1");
    if (message === ACK && opened.random > RANDOM_MAX) return;
    if (message === ACK) this.#acknowledged(link);
    else if (this.setup.kind.protocol === "tcp") this.#files.take(message);
    else this.#takeFilePart(message);
  }

  /** Over UDP parts of files may be missing: the agent then throws the file away. */
  #takeFilePart(message: string): void {
    try {
      this.#files.take(message);
    } catch {
      const { shared } = this.#files;
      this.#files = new TestFileReceiver();
      this.#files.shared = shared;
    }
  }

  #acknowledged(link: AgentLink): void {
    this.#lastAckMs = this.setup.world.nowMs;
    this.#refusals = 0;
    const asked = link.asked.shift();
    if (this.setup.kind.protocol === "tcp") {
      const confirmed = asked?.confirms ?? [];
      this.setup.history.confirmed(confirmed.map((number) => `${this.setup.number}-${number}`));
      this.#spool = this.#spool.filter((number) => !confirmed.includes(number));
    }
    if (link.greeted) return;
    link.greeted = true;
    for (const number of this.#spool) this.#sendEvent(link, number);
    this.keepalive();
  }

  #openPayload(payload: Buffer): { readonly message: Buffer; readonly random: number } | null {
    const identity = this.identity;
    if (identity === null) return null;
    const opened = openMessage(
      {
        cipherOf: (method) => cipherOf(identity, method),
        agentId: identity.id,
        registeredAddress: identity.address,
        peerAddress: this.setup.manager,
      },
      payload,
    );
    if (!opened.ok) return null; // of another key, or another agent's with this address before
    this.setup.history.received(opened.counters, this.setup.kind.protocol);
    return opened;
  }

  #seal(message: string): Buffer {
    const { identity } = this;
    if (identity === null) throw new Error("an agent without a key");
    return sealMessage({
      cipher: cipherOf(identity, this.setup.kind.cipher),
      random: this.setup.world.below(RANDOM_MAX + 1),
      counters: this.#counter.next(),
      message: Buffer.from(message, "latin1"),
      idPrefix: identity.id,
      compression: 1,
    });
  }
}
