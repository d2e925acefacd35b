/** Nodes for tests: a needs object of fakes, a raw node that speaks the wire, and two connections joined back to back. */
import { fernetKey, open, seal } from "#formats/wire/cluster/fernet.ts";
import { encodeMessage, type Message, MessageReader } from "#formats/wire/cluster/frame.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Connection, ConnectionHandler } from "#kernel/ports/network.ts";
import type { Random } from "#kernel/ports/random.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { FakeNetwork } from "#testing/network.ts";
import { SeededRandom } from "#testing/random.ts";
import { Cipher } from "./cipher.ts";
import type { ClusterNode } from "./config.ts";
import { runHeavyJob } from "./heavy-work.ts";
import type { Dialer, HeavyJob, HeavyResult, HeavyWork } from "./needs.ts";

/** Of the recorded nodes. */
export const CLUSTER_KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
export const HOME = "/home";

/** Jobs run at once, and are done a turn of the loop later. */
export function heavyHere(files: Files): HeavyWork {
  return {
    run: async <Kind extends HeavyJob["kind"]>(job: Extract<HeavyJob, { kind: Kind }>) =>
      runHeavyJob(files, job) as HeavyResult[Kind],
  };
}

export function randomPort(seed: number): Random {
  const random = new SeededRandom(seed);
  return { bytes: (count) => random.bytes(count), below: (bound) => random.below(bound) };
}

export function fakeNeeds(seed = 1) {
  const files = new FakeFiles();
  return {
    clock: new FakeClock(),
    random: randomPort(seed),
    log: new RecordingLog(),
    files,
    heavy: heavyHere(files),
    metrics: new RecordingMetrics(),
    network: new FakeNetwork(),
  };
}

export function testNode(changes: Partial<ClusterNode> = {}): ClusterNode {
  return {
    home: HOME,
    clusterName: "wazuh",
    nodeName: "em",
    version: "4.14.7",
    key: new Secret(CLUSTER_KEY),
    bindAddress: "0.0.0.0",
    masterAddress: "192.0.2.1",
    port: 1516,
    ...changes,
  };
}

export function testCipher(needs = fakeNeeds()): Cipher {
  return new Cipher(fernetKey(CLUSTER_KEY), needs);
}

/** One side of a wire; what it writes arrives at the other side in the next microtask. */
export class WireEnd implements Connection {
  readonly remote = { address: "192.0.2.1", port: 1516 };
  pendingBytes = 0;
  readonly written: Buffer[] = [];
  other: WireEnd | null = null;
  handler: ConnectionHandler | null = null;
  #isPaused = false;
  #isEnded = false;
  #waiting: Buffer[] = [];

  write(bytes: Uint8Array): void {
    const copy = Buffer.from(bytes);
    this.written.push(copy);
    queueMicrotask(() => this.other?.receive(copy));
  }

  receive(bytes: Buffer): void {
    if (this.#isEnded) return;
    if (this.#isPaused) this.#waiting.push(bytes);
    else this.handler?.data(bytes);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      this.handler?.data(chunk);
    }
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.handler?.closed(null);
    this.other?.destroy();
  }

  startTls(): void {
    throw new Error("no TLS between nodes");
  }
}

export function wire(): readonly [WireEnd, WireEnd] {
  const ends = [new WireEnd(), new WireEnd()] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

/** A dialer whose connections lead to the listener of a fake network through a wire. */
export function wireDialer(accept: (connection: Connection) => ConnectionHandler): Dialer {
  return {
    connect: (_host, _port, handler) => {
      const [near, far] = wire();
      near.handler = handler;
      far.handler = accept(far);
      return Promise.resolve(near);
    },
  };
}

/** A node that says whatever a test wants, on top of the codec only. */
export class RawNode {
  readonly #key = fernetKey(CLUSTER_KEY);
  readonly #reader = new MessageReader({ isAdmitted: true });
  readonly #deliver: (bytes: Buffer) => void;
  #counter = 1000;

  constructor(deliver: (bytes: Buffer) => void) {
    this.#deliver = deliver;
  }

  /** Sends a request, or an answer when the counter says so. */
  send(command: string, payload: Buffer | string, counter = this.#counter++): void {
    const plain = Buffer.from(payload);
    const token = seal(this.#key, plain, { seconds: 1, iv: Buffer.alloc(16) });
    for (const frame of encodeMessage({ counter, command }, token, plain.length)) this.#deliver(frame);
  }

  /** What the node under test wrote, opened. */
  read(written: Buffer): Message[] {
    this.#reader.push(written);
    const messages: Message[] = [];
    for (let next = this.#reader.next(); next !== null; next = this.#reader.next()) {
      if (next.kind === "violation") throw new Error(next.violation.code);
      const payload = open(this.#key, next.message.payload);
      if (payload === null) throw new Error("sealed with another key");
      messages.push({ ...next.message, payload });
    }
    return messages;
  }
}

/** Lets everything that waits for nothing but its turn go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
