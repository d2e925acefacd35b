/** For the tests of this folder: the service on fakes, and agents that speak to it with sealing code of their own. */

import {
  type AgentId,
  type KeyWish,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import type { EventInput } from "#model/event-block.ts";
import type { EventSink, Pressure } from "#model/event-sink.ts";
import { type TestAgentIdentity, TestCipher } from "#testing/agent.ts";
import { frameOf, TestFrames } from "#testing/agent-link.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type FakeConnection, FakeNetwork } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import type { AgentEntry } from "./agent-table.ts";
import { CONNECTION_DEFAULTS, type ConnectionConfig } from "./config.ts";
import type { AgentUpdate } from "./needs.ts";
import { AgentConnectionService } from "./service.ts";

export const KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
export const STARTUP = '#!-agent startup {"version":"v4.14.7"}';
export const SHUTDOWN = "#!-agent shutdown ";
export const ACK = "#!-agent ack ";
export const KEEPALIVE =
  '#!-Linux |web1 |6.1.0 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)] - Wazuh v4.14.7 / ab73af41699f13fdd81903b5f23d8d00\nx merged.mg\n#"_agent_ip":192.0.2.10\n';
export const PEER_ADDRESS = "192.0.2.10";

export function identity(id: string, address = "any", key = KEY): TestAgentIdentity {
  return { id, name: `agent${id}`, address, key };
}

export function entryOf(agent: TestAgentIdentity): AgentEntry {
  const id = parseAgentId(agent.id);
  const name = parseAgentName(agent.name);
  const address = parseAgentAddress(agent.address);
  const key = parseAgentKey(agent.key);
  if (id === null || name === null || address === null || key === null)
    throw new Error(`no agent: ${agent.id}`);
  return { id, name, address, key };
}

export function idOf(agent: TestAgentIdentity): AgentId {
  return entryOf(agent).id;
}

/** Two agents from anywhere, and an event of the first: as it sends it, and as the peer's queue would show it. */
export const WEB = identity("001");
export const DB = identity("002");
export const EVENT = "1:/var/log/auth.log:Nov 21 10:00:01 web1 sshd[1]: hello";
export const EVENT_OF_WEB = "1:[001] (agent001) any->/var/log/auth.log:Nov 21 10:00:01 web1 sshd[1]: hello";

/** Keeps events; what waits for durability runs at once or, while `holds`, with `settle()`. */
export class TestSink implements EventSink {
  pressure: Pressure = "none";
  refuses = false;
  holds = false;
  /** What the journal becomes by the next event that it takes. */
  pressureAfterEvent: Pressure | null = null;
  readonly events: EventInput[] = [];
  #runs: (() => void)[] = [];

  append(event: EventInput): boolean {
    if (this.refuses) return false;
    this.events.push({ ...event, message: Buffer.from(event.message) });
    this.pressure = this.pressureAfterEvent ?? this.pressure;
    return true;
  }

  whenDurable(run: () => void): void {
    if (this.holds) this.#runs.push(run);
    else run();
  }

  get waiting(): number {
    return this.#runs.length;
  }

  settle(): void {
    const runs = this.#runs;
    this.#runs = [];
    for (const run of runs) run();
  }

  /** As the peer's queue would show them. */
  texts(): string[] {
    return this.events.map(
      ({ queue, agentId, locationPrefix, location, message }) =>
        `${queue}:[${agentId}] ${locationPrefix}${location}:${Buffer.from(message).toString("latin1")}`,
    );
  }
}

export class TestManager {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly files: FakeFiles;
  readonly sink = new TestSink();
  readonly updates: AgentUpdate[] = [];
  readonly keysWanted: KeyWish[] = [];
  readonly pushesEnded: { readonly agentId: string; readonly sum: string; readonly outcome: string }[] = [];
  readonly service: AgentConnectionService;

  constructor(changes: Partial<ConnectionConfig> = {}, files = new FakeFiles()) {
    this.files = files;
    const config: ConnectionConfig = {
      ...CONNECTION_DEFAULTS,
      host: "0.0.0.0",
      processId: 4711,
      managerVersion: "v4.14.7",
      countersDirectory: "/queue/rids",
      ...changes,
    };
    const random = new SeededRandom(7);
    this.service = new AgentConnectionService(config, {
      network: this.network,
      clock: this.clock,
      log: this.log,
      metrics: this.metrics,
      random: { bytes: (count) => random.bytes(count), below: (bound) => random.below(bound) },
      files,
      sink: this.sink,
      reports: {
        report: (update) => this.updates.push(update),
        keyWanted: (wish) => this.keysWanted.push(wish),
        pushEnded: (agentId, sum, outcome) => this.pushesEnded.push({ agentId, sum, outcome }),
      },
    });
  }

  know(...agents: readonly TestAgentIdentity[]): void {
    for (const agent of agents) this.service.applyKeyChange({ kind: "put", agent: entryOf(agent) });
  }

  forget(agent: TestAgentIdentity): void {
    this.service.applyKeyChange({ kind: "removed", id: entryOf(agent).id });
  }

  /** An agent that is connected and has said nothing yet. */
  agent(agent: TestAgentIdentity, address = PEER_ADDRESS): TestLink {
    return new TestLink(this.network.connect(1514, address), agent);
  }

  /** An agent that is connected and greeted. */
  greeted(agent: TestAgentIdentity, address = PEER_ADDRESS): TestLink {
    const link = this.agent(agent, address);
    link.say(STARTUP);
    return link;
  }

  /** Lines that an operator sees. */
  get warnings(): string[] {
    return this.log.lines.filter(({ level }) => level !== "debug").map(({ text }) => text);
  }
}

export async function startManager(changes: Partial<ConnectionConfig> = {}): Promise<TestManager> {
  const manager = new TestManager(changes);
  await manager.service.start();
  manager.log.lines.length = 0;
  manager.updates.length = 0;
  return manager;
}

/** The agent's end of one connection. */
export class TestLink {
  readonly connection: FakeConnection;
  readonly cipher: TestCipher;
  readonly #frames = new TestFrames();
  #taken = 0;

  constructor(connection: FakeConnection, agent: TestAgentIdentity) {
    this.connection = connection;
    this.cipher = new TestCipher(agent);
  }

  get open(): boolean {
    return !this.connection.ended;
  }

  /** Sends these messages in one chunk. */
  say(...messages: readonly (string | Buffer)[]): void {
    this.connection.receive(Buffer.concat(messages.map((message) => frameOf(this.cipher.seal(message)))));
  }

  /** Sends a payload as it is. */
  sayRaw(payload: string | Buffer): void {
    this.connection.receive(frameOf(typeof payload === "string" ? Buffer.from(payload, "latin1") : payload));
  }

  /** What the manager sent since the last call, in clear. */
  answers(): string[] {
    return this.sealedAnswers().map((payload) => this.cipher.open(payload).message);
  }

  sealedAnswers(): Buffer[] {
    const fresh = this.connection.sent.slice(this.#taken);
    this.#taken = this.connection.sent.length;
    return fresh.flatMap((chunk) => this.#frames.push(chunk));
  }
}
