/**
 * Keys of agents that came and are not known: asked for elsewhere, checked, and stored, so that the agent is served when it comes again.
 *
 * Counterpart in the peer: src/os_auth/key_request.c. A key is asked for once at a time; how soon again is the connection service's matter.
 */

import type { KeyAnswer } from "#formats/wire/enrollment/key-answer.ts";
import type { EnrolledAgent } from "#formats/wire/enrollment/reply.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { addressMatches, type KeyWish, keyWishText } from "#model/agent.ts";
import type { EnrollmentEvents } from "./events.ts";
import { KeyQuestion, type KeySource, type KeySourceNeeds } from "./key-source.ts";

/** `<auth><key_request>`. */
export type KeyRequestConfig = {
  readonly source: KeySource;
  readonly timeoutMs: number;
  /** Questions under way at a time. */
  readonly parallel: number;
  readonly waitingMax: number;
};

export type KeyRequestNeeds = KeySourceNeeds & {
  readonly events: EnrollmentEvents;
  /** `Enroller.adopt()`. */
  readonly adopt: (agent: EnrolledAgent) => Promise<boolean>;
};

/** `question` is the one that is asked now. */
type Running = { question: KeyQuestion; done: Promise<void> };

export class KeyRequests {
  readonly #config: KeyRequestConfig;
  readonly #needs: KeyRequestNeeds;
  /** In the order of their coming. */
  readonly #waiting = new Map<string, KeyWish>();
  readonly #running = new Map<string, Running>();
  #stopped = false;

  constructor(config: KeyRequestConfig, needs: KeyRequestNeeds) {
    this.#config = config;
    this.#needs = needs;
  }

  want(wish: KeyWish): void {
    const name = nameOf(wish);
    if (this.#stopped || this.#waiting.has(name) || this.#running.has(name)) return;
    if (this.#waiting.size >= this.#config.waitingMax) {
      this.#needs.events.count("key_requests_over_limit");
      return;
    }
    this.#waiting.set(name, wish);
    this.#next();
  }

  /** Resolves when nothing is asked and stored any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    const running = [...this.#running.values()];
    for (const { question } of running) question.stop();
    await Promise.all(running.map(({ done }) => done));
  }

  #next(): void {
    for (const [name, wish] of this.#waiting) {
      if (this.#running.size >= this.#config.parallel) return;
      this.#waiting.delete(name);
      this.#needs.events.count("key_requests");
      const running: Running = { question: this.#ask(wish, this.#config.source), done: Promise.resolve() };
      this.#running.set(name, running);
      running.done = this.#serve(wish, running).then(() => {
        this.#running.delete(name);
        if (!this.#stopped) this.#next();
      });
    }
  }

  #ask(wish: KeyWish, source: KeySource): KeyQuestion {
    return new KeyQuestion(wish, source, this.#needs, this.#config.timeoutMs);
  }

  async #answerTo(wish: KeyWish, running: Running): Promise<KeyAnswer> {
    const { source } = this.#config;
    const otherwise = source.kind === "socket" ? source.otherwise : null;
    try {
      return await running.question.answer;
    } catch (error) {
      if (otherwise === null || this.#stopped) throw error;
      this.#needs.events.keySocketFailed();
      running.question = this.#ask(wish, otherwise);
      return await running.question.answer;
    }
  }

  async #serve(wish: KeyWish, running: Running): Promise<void> {
    const { events, adopt } = this.#needs;
    const name = nameOf(wish);
    try {
      const answer = await this.#answerTo(wish, running);
      if (answer.kind === "unknown") events.keyUnknown(name, answer.message);
      else if (answer.kind === "invalid") events.keyRefused(name, answer.problem);
      else if (!answers(answer.agent, wish)) events.keyRefused(name, "it is of another agent");
      else if (await adopt(answer.agent)) events.keyAdopted(answer.agent.id, answer.agent.name);
      else events.count("key_requests_refused");
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (!this.#stopped) events.keyRequestFailed(name, messageOf(error));
    }
  }
}

function nameOf(wish: KeyWish): string {
  return `${wish.kind} '${keyWishText(wish)}'`;
}

/** The peer stores whatever agent it is given. */
function answers({ id, address }: EnrolledAgent, wish: KeyWish): boolean {
  return wish.kind === "id" ? id === wish.id : addressMatches(address, wish.address);
}
