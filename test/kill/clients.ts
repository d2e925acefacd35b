/** Agents that send numbered events under load: plain ones, as all of the 4.x generation, and one that resends what was not confirmed. */
import { enroll, TestAgent } from "#testing/agent.ts";
import { LOOPBACK, type TestHome } from "../e2e/home.ts";

/** Sources of the events of one client: few enough that the rule about many of one source holds again and again. */
const SOURCES = 5;
/** A burst is sent at once, then the client waits for its next turn. */
export const BURST_EVENTS_MAX = 20;

export class LoadClient {
  readonly resends: boolean;
  readonly #number: number;
  readonly #agent: TestAgent;
  #sentCount = 0;
  #asking = false;
  #nextConfirmation = Promise.withResolvers<void>();

  private constructor(number: number, resends: boolean, agent: TestAgent) {
    this.#number = number;
    this.resends = resends;
    this.#agent = agent;
  }

  static async enroll(home: TestHome, number: number, resends: boolean): Promise<LoadClient> {
    const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: `client${number}` });
    return new LoadClient(number, resends, new TestAgent({ host: LOOPBACK, port: home.agentPort, identity }));
  }

  /** Events sent so far; their names are `nameOf(0)` and so on. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** Sent and not confirmed; a plain client keeps nothing. */
  get unconfirmedCount(): number {
    return this.resends ? this.#agent.sentCount - this.#agent.confirmedCount : 0;
  }

  nameOf(event: number): string {
    return `${this.#number}-${event}`;
  }

  /** Sends again what is not confirmed, when it is a client that does. */
  connect(): Promise<void> {
    return this.#agent.connect();
  }

  burst(events: number): void {
    if (!this.#agent.connected) return;
    for (let count = 0; count < events; count++) {
      const event = this.#sentCount++;
      const source = `10.0.${this.#number}.${event % SOURCES}`;
      const text = `1:/var/log/probe.log:Nov 21 10:00:01 web1 probe[1]: number=${this.nameOf(event)} from=${source}`;
      if (this.resends) this.#agent.send(text);
      else this.#agent.sendRaw(text);
    }
    if (this.resends && !this.#asking) void this.#askForConfirmation();
  }

  /** Resolves when the manager has confirmed all. */
  async confirmAll(): Promise<void> {
    await this.#agent.keepalive();
  }

  /** Resolves the moment the manager confirms something under load. */
  confirmation(): Promise<void> {
    return this.#nextConfirmation.promise;
  }

  drop(): Promise<void> {
    return this.#agent.drop();
  }

  async #askForConfirmation(): Promise<void> {
    this.#asking = true;
    try {
      await this.#agent.keepalive();
      this.#nextConfirmation.resolve();
      this.#nextConfirmation = Promise.withResolvers();
    } catch {
      // The kill came before the answer.
    }
    this.#asking = false;
  }
}
