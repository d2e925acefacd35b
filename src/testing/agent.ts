/**
 * An agent for tests: enrolls over TLS, reports over TCP or UDP, keeps what it sent until the manager confirmed it.
 *
 * Written from the protocol's description and on Node's sockets, with sealing code of its own: it shares nothing with
 * `formats/`, so that a mistake there cannot agree with itself. AES only. Not fit for production: it trusts any certificate.
 */
import { createCipheriv, createDecipheriv, createHash, randomInt } from "node:crypto";
import { connect as connectTls } from "node:tls";
import { deflateSync, inflateSync } from "node:zlib";
import { type AgentLink, type AgentServer, openLink } from "./agent-link.ts";
import { type SharedFiles, TestFileReceiver } from "./shared-files.ts";

const IV = Buffer.from("FEDCBA0987654321");
const TOKEN = "#AES:";
const ACK = "#!-agent ack ";
const ERR = "#!-err ";
/** MD5, random number, two counters and their separators. */
const OVERHEAD_BYTES = 53;
const LOCAL_COUNTER_MAX = 9997;
/** A random number above it marks an ack that confirms nothing; it keeps a waiting agent connected. */
const RANDOM_MAX = 65_535;
const ANSWER_TIMEOUT_MS = 10_000;
const RECEIVED_KEPT_MAX = 10_000;

export type TestAgentIdentity = {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly key: string;
};

export type EnrollOptions = {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly version?: string;
  readonly groups?: string;
  readonly password?: string;
  /** Where it comes from, on a host with several addresses. */
  readonly localAddress?: string;
};

export type TestAgentOptions = AgentServer & {
  readonly identity: TestAgentIdentity;
  readonly version?: string;
  readonly answerTimeoutMs?: number;
  /** Where its connection comes from, on a host with several addresses. */
  readonly localAddress?: string;
  /** What it answers to `#!-req <number> <target> <payload>`, one char a byte; null never answers. */
  readonly answers?: (target: string, payload: string) => string | null;
  /** Given each message of the manager, acks too. */
  readonly heard?: (message: string) => void;
};

function md5(data: string | Buffer): string {
  return createHash("md5").update(data).digest("hex");
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The two ends of a sealed message, as an agent sees them. */
export class TestCipher {
  readonly #aesKey: Buffer;
  readonly #prefix: string;
  #global = 0;
  #local = 0;

  constructor(identity: TestAgentIdentity) {
    this.#aesKey = Buffer.from(md5(identity.key));
    // Only the agent registered with one IPv4 address is known by it; every other names itself.
    const singleIpv4 = /^\d+\.\d+\.\d+\.\d+$/.test(identity.address);
    this.#prefix = singleIpv4 ? "" : `!${identity.id}!`;
  }

  /** The payload of one frame or datagram. */
  seal(message: string | Buffer): Buffer {
    if (this.#local >= LOCAL_COUNTER_MAX) {
      this.#local = 0;
      this.#global++;
    }
    this.#local++;
    const counters = `${digits(this.#global, 10)}:${digits(this.#local, 4)}:`;
    const head = Buffer.from(digits(randomInt(RANDOM_MAX + 1), 5) + counters);
    const body = Buffer.concat([head, typeof message === "string" ? Buffer.from(message) : message]);
    const stream = deflateSync(Buffer.concat([Buffer.from(md5(body)), body]));
    const marked = Buffer.concat([Buffer.alloc(8 - (stream.length % 8), "!"), stream]);
    const cipher = createCipheriv("aes-256-cbc", this.#aesKey, IV);
    return Buffer.concat([Buffer.from(this.#prefix + TOKEN), cipher.update(marked), cipher.final()]);
  }

  /** Throws for anything that the manager could not have sent. */
  open(payload: Buffer): { readonly message: string; readonly random: number } {
    if (payload.toString("latin1", 0, TOKEN.length) !== TOKEN) throw new Error("no sealed message");
    const decipher = createDecipheriv("aes-256-cbc", this.#aesKey, IV);
    const marked = Buffer.concat([decipher.update(payload.subarray(TOKEN.length)), decipher.final()]);
    const plain = inflateSync(marked.subarray(marked.findIndex((byte) => byte !== 0x21)));
    const body = plain.subarray(32);
    if (plain.toString("latin1", 0, 32) !== md5(body)) throw new Error("checksum mismatch");
    return {
      message: plain.toString("latin1", OVERHEAD_BYTES),
      random: Number(body.toString("latin1", 0, 5)),
    };
  }
}

/** The manager's whole answer to an enrollment request, success or refusal. */
export function enrollmentAnswer(options: EnrollOptions, request: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    const { host, port, localAddress } = options;
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connectTls({ host, port, rejectUnauthorized: false, ...from }, () =>
      socket.write(request),
    );
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
  return within(answer, ANSWER_TIMEOUT_MS, "enrollment");
}

export async function enroll(options: EnrollOptions): Promise<TestAgentIdentity> {
  const password = options.password === undefined ? "" : `OSSEC PASS: ${options.password} `;
  const groups = options.groups === undefined ? "" : ` G:'${options.groups}'`;
  const version = options.version ?? "v4.14.7";
  const request = `${password}OSSEC A:'${options.name}' V:'${version}'${groups}\n`;
  const answer = await enrollmentAnswer(options, request);
  const found = /^OSSEC K:'(\S+) (\S+) (\S+) (\S+)'$/.exec(answer.trim());
  const [, id, name, address, key] = found ?? [];
  if (id === undefined || name === undefined || address === undefined || key === undefined) {
    throw new Error(`enrollment refused: ${answer}`);
  }
  return { id, name, address, key };
}

type Waiter = { readonly resolve: (message: string) => void; readonly reject: (error: Error) => void };
/** What the manager's next ack answers: everything up to `sentCount` events was sent before it. */
type Awaited = { readonly sentCount: number; readonly waiter: Waiter };

export class TestAgent {
  readonly identity: TestAgentIdentity;
  readonly #options: TestAgentOptions;
  readonly #cipher: TestCipher;
  /** Messages of the manager in order, without its unsolicited acks; the oldest go at `RECEIVED_KEPT_MAX`. */
  readonly received: string[] = [];
  unsolicitedAcks = 0;
  readonly #files = new TestFileReceiver();
  #link: AgentLink | null = null;
  #welcome = false; // the startup was answered: events may go out
  #spool: Buffer[] = []; // events sent and not yet confirmed
  #confirmedCount = 0;
  #awaited: Awaited[] = [];
  #closed: Promise<void> = Promise.resolve();

  constructor(options: TestAgentOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#cipher = new TestCipher(options.identity);
  }

  /** Events that the manager confirmed by an ack to a later keepalive. */
  get confirmedCount(): number {
    return this.#confirmedCount;
  }

  get sentCount(): number {
    return this.#confirmedCount + this.#spool.length;
  }

  /** What it got of its groups; null before. */
  get shared(): SharedFiles | null {
    return this.#files.shared;
  }

  get filesTaken(): number {
    return this.#files.taken;
  }

  get connected(): boolean {
    return this.#link !== null;
  }

  /** Resolves when the connection is over, whoever ended it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /**
   * Connects, sends the startup message, waits for its answer and sends again what is not confirmed. `server` is another than the
   * one of the options, for an agent that has several.
   */
  async connect(server: AgentServer = this.#options): Promise<void> {
    await this.#open(server);
    const version = this.#options.version ?? "v4.14.7";
    // Nothing of the spool went over this connection yet, so the startup's ack confirms nothing.
    const answer = this.#ask(`#!-agent startup {"version":"${version}"}`, this.#confirmedCount);
    const message = await within(answer, this.#timeoutMs, "startup");
    if (message.startsWith(ERR)) throw new Error(message);
    this.#welcome = true;
    for (const event of this.#spool) this.#write(event);
  }

  /** Sends `<queue>:<location>:<text>` and keeps it until it is confirmed; offline it is only kept. */
  send(event: string | Buffer): void {
    const bytes = typeof event === "string" ? Buffer.from(event) : event;
    this.#spool.push(bytes);
    if (this.#welcome) this.#write(bytes);
  }

  /** Sends a keepalive; resolves with its ack: every event sent before it is then durable at the manager. */
  keepalive(extraLines = ""): Promise<string> {
    const uname = `Linux |${this.identity.name} |6.1.0 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)]`;
    const version = this.#options.version ?? "v4.14.7";
    const mergedSum = this.shared?.sum ?? "x";
    const text = `#!-${uname} - Wazuh ${version} / ab73af41699f13fdd81903b5f23d8d00\n${extraLines}${mergedSum} merged.mg\n#"_agent_ip":127.0.0.1\n`;
    return within(this.#ask(text, this.sentCount), this.#timeoutMs, "keepalive");
  }

  /** Sends any message as it is, outside the count of events. */
  sendRaw(message: string | Buffer): void {
    this.#write(typeof message === "string" ? Buffer.from(message) : message);
  }

  /** Says goodbye and hangs up; what is not confirmed stays for the next `connect()`. */
  async shutdown(): Promise<void> {
    this.#write(Buffer.from("#!-agent shutdown "));
    this.#link?.end();
    await this.#closed;
  }

  /** Hangs up as a machine that loses power. */
  async drop(): Promise<void> {
    this.#link?.destroy();
    await this.#closed;
  }

  get #timeoutMs(): number {
    return this.#options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  async #open(server: AgentServer): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const handler = {
      payload: (payload: Buffer) => this.#take(payload),
      closed: () => {
        this.#lost();
        resolve();
      },
    };
    const opening = openLink(server, this.#options.localAddress, handler);
    try {
      this.#link = await within(opening, this.#timeoutMs, "connect");
      this.#closed = closed;
    } catch (error) {
      opening.then((late) => late.destroy()).catch(() => {});
      throw error;
    }
  }

  #lost(): void {
    this.#link = null;
    this.#welcome = false;
    const lost = this.#awaited;
    this.#awaited = [];
    for (const { waiter } of lost) waiter.reject(new Error("connection closed"));
  }

  #answerRequest(message: string): void {
    const [, number, target = "", payload = ""] = /^#!-req ([0-9a-f]+) (\S+) (.*)$/s.exec(message) ?? [];
    if (number === undefined) return;
    const answer = this.#options.answers?.(target, payload) ?? null;
    if (answer !== null) this.#write(Buffer.from(`#!-req ${number} ${answer}`, "latin1"));
  }

  #ask(message: string, sentCount: number): Promise<string> {
    const answer = new Promise<string>((resolve, reject) => {
      this.#awaited.push({ sentCount, waiter: { resolve, reject } });
    });
    this.#write(Buffer.from(message));
    return answer;
  }

  #write(message: Buffer): void {
    this.#link?.write(this.#cipher.seal(message));
  }

  #take(payload: Buffer): void {
    const { message, random } = this.#cipher.open(payload);
    this.#options.heard?.(message);
    if (message === ACK && random > RANDOM_MAX) {
      this.unsolicitedAcks++;
      return;
    }
    this.received.push(message);
    if (this.received.length > RECEIVED_KEPT_MAX) this.received.shift();
    if (this.#files.take(message)) return;
    this.#answerRequest(message);
    if (message !== ACK && !message.startsWith(ERR)) return;
    // The manager answers in order; an answer that it left out makes later ones confirm less, never more.
    const awaited = this.#awaited.shift();
    if (awaited === undefined) return;
    const newlyConfirmed = Math.max(0, awaited.sentCount - this.#confirmedCount);
    this.#spool.splice(0, newlyConfirmed);
    this.#confirmedCount += newlyConfirmed;
    awaited.waiter.resolve(message);
  }
}
