/**
 * A test agent with a list of servers, as the `<server>` blocks of an agent of the 4.x generation are: it tries the one that it used
 * last `maxRetries` times, then the next of the list, behind the last the first again, and stays where it is until that server is lost.
 *
 * Lost is a connection that ended, a keepalive without an answer for `reconnectMs`, or the manager's own wish.
 */
import { setTimeout as delay } from "node:timers/promises";
import { TestAgent, type TestAgentIdentity } from "./agent.ts";
import type { AgentServer } from "./agent-link.ts";

const FORCE_RECONNECT = "#!-force_reconnect";

export type FailoverOptions = {
  readonly identity: TestAgentIdentity;
  /** At least one. */
  readonly servers: readonly AgentServer[];
  /** `max_retries` and `retry_interval`; agents have 5 and 10 s. */
  readonly maxRetries: number;
  readonly retryIntervalMs: number;
  /** `notify_time` and `time-reconnect`; agents have 20 s and 60 s. */
  readonly notifyMs: number;
  readonly reconnectMs: number;
  readonly localAddress?: string;
};

export class FailoverAgent {
  readonly agent: TestAgent;
  readonly #options: FailoverOptions;
  /** Place in the list of each server that was tried, in order. */
  readonly attempts: number[] = [];
  readonly #stopped = new AbortController();
  #place = 0;
  #isWelcome = false;
  #wished = Promise.withResolvers<void>();
  #run: Promise<void> = Promise.resolve();

  constructor(options: FailoverOptions) {
    const { identity, servers, reconnectMs: answerTimeoutMs, localAddress } = options;
    const [first] = servers;
    if (first === undefined) throw new Error("an agent without a server");
    this.#options = options;
    this.agent = new TestAgent({
      ...{ ...first, identity, answerTimeoutMs },
      ...(localAddress === undefined ? {} : { localAddress }),
      heard: (message) => {
        if (message === FORCE_RECONNECT) this.#wished.resolve();
      },
    });
  }

  /** Place in the list of the server that has welcomed it; null while none has. */
  get server(): number | null {
    return this.#isWelcome && this.agent.connected ? this.#place : null;
  }

  start(): void {
    this.#run = this.#keepConnected();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#run;
    await this.agent.drop();
  }

  async #keepConnected(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      if (await this.#connect()) await this.#untilLost();
    }
  }

  /** True when connected. */
  async #connect(): Promise<boolean> {
    const { servers, maxRetries, retryIntervalMs } = this.#options;
    for (let attempt = 1; attempt <= maxRetries && !this.#stopped.signal.aborted; attempt++) {
      this.attempts.push(this.#place);
      try {
        await this.agent.connect(servers[this.#place]);
        this.#isWelcome = true;
        return true;
      } catch {
        await this.agent.drop();
      }
      await this.#pause(retryIntervalMs);
    }
    if (!this.#stopped.signal.aborted) this.#place = (this.#place + 1) % servers.length;
    return false;
  }

  async #untilLost(): Promise<void> {
    this.#wished = Promise.withResolvers();
    let lost = false;
    const end = () => {
      lost = true;
    };
    const ended = Promise.race([this.agent.closed, this.#wished.promise]).then(end);
    while (!lost && !this.#stopped.signal.aborted) {
      await Promise.race([this.agent.keepalive().catch(end), ended]);
      await Promise.race([this.#pause(this.#options.notifyMs), ended]);
    }
    this.#isWelcome = false;
    await this.agent.drop();
  }

  /** Ends early when the agent is stopped. */
  async #pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.#stopped.signal }).catch(() => {});
  }
}
