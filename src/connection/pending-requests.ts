/**
 * Requests to agents that wait for their answers: `#!-req <number> <target> <payload>` goes out, `#!-req <number> <answer>` comes back.
 *
 * Over UDP each side confirms what it got with `ack`, and what was not confirmed is sent again. An answer counts only when it comes
 * from the agent that was asked. Held: `request_pool` requests, each with its message while that may have to be sent again.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Random } from "#kernel/ports/random.ts";
import type { AgentId } from "#model/agent.ts";
import type { RequestConfig } from "./config.ts";
import type { ConnectionEvents } from "./events.ts";
import { REQUEST_BYTES_MAX } from "./limits.ts";

/** The number has 32 bits. */
const NUMBER_BOUND = 2 ** 32;
const CONFIRMATION = "ack";

export type RequestFailureCode =
  | "too_many"
  | "too_long"
  | "not_sent"
  | "not_confirmed"
  | "not_answered"
  | "service_stopped";

/** `answer` is the agent's word: any bytes, at most what a message holds. */
export type RequestOutcome =
  | { readonly ok: true; readonly answer: Buffer }
  | { readonly ok: false; readonly code: RequestFailureCode };

export type RequestNeeds = {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: ConnectionEvents;
  /** False when the message could not go out. */
  readonly send: (agentId: AgentId, message: Uint8Array) => boolean;
  /** What is sent to the agent may get lost. */
  readonly losesMessages: (agentId: AgentId) => boolean;
};

type Pending = {
  readonly agentId: AgentId;
  readonly settle: (outcome: RequestOutcome) => void;
  sendings: number;
  /** The agent said that it has the request. */
  confirmed: boolean;
  timer: Timer;
};

export class PendingRequests {
  readonly #config: RequestConfig;
  readonly #needs: RequestNeeds;
  readonly #pending = new Map<number, Pending>();

  constructor(config: RequestConfig, needs: RequestNeeds) {
    this.#config = config;
    this.#needs = needs;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** `payload` is `<target> <payload>`. Resolves within the response timeout and the time of all tries. */
  request(agentId: AgentId, payload: Uint8Array): Promise<RequestOutcome> {
    const { events } = this.#needs;
    events.count("agent_requests");
    if (payload.length > REQUEST_BYTES_MAX) return Promise.resolve({ ok: false, code: "too_long" });
    if (this.#pending.size >= this.#config.pool) {
      events.count("agent_requests_over_limit");
      return Promise.resolve({ ok: false, code: "too_many" });
    }
    const number = this.#freeNumber();
    const message = Buffer.concat([Buffer.from(head(number), "latin1"), payload]);
    return new Promise((resolve) => {
      const timer = { cancel: () => {} };
      this.#pending.set(number, { agentId, settle: resolve, sendings: 0, confirmed: false, timer });
      this.#send(number, message);
    });
  }

  /** What an agent sent behind `#!-req <number> `. */
  answered(agentId: AgentId, number: number, answer: Buffer): void {
    const { clock, events, losesMessages } = this.#needs;
    events.count("agent_request_answers");
    const pending = this.#pending.get(number);
    const isConfirmation =
      answer.length === CONFIRMATION.length && answer.toString("latin1") === CONFIRMATION;
    // Ours may have been lost: then the answer came before, and comes until it is confirmed.
    if (!isConfirmation && losesMessages(agentId)) this.#confirm(agentId, number);
    if (pending === undefined || pending.agentId !== agentId) {
      events.count("agent_request_answers_unknown");
      return;
    }
    if (!isConfirmation) {
      this.#end(number, { ok: true, answer: Buffer.from(answer) });
      return;
    }
    if (pending.confirmed) return; // an agent that says so for ever must not be waited for as long
    pending.confirmed = true;
    pending.timer.cancel();
    pending.timer = clock.after(this.#config.responseMs, () => this.#fail(number, "not_answered"));
  }

  /** Whoever waits is told. */
  stop(): void {
    for (const number of [...this.#pending.keys()]) this.#fail(number, "service_stopped");
  }

  #freeNumber(): number {
    const { random } = this.#needs;
    let number = random.below(NUMBER_BOUND);
    while (this.#pending.has(number)) number = random.below(NUMBER_BOUND);
    return number;
  }

  #send(number: number, message: Uint8Array): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    const { clock, losesMessages, send } = this.#needs;
    const { attemptsMax, responseMs, retryMs } = this.#config;
    const { agentId } = pending;
    if (pending.sendings === attemptsMax) this.#fail(number, "not_confirmed");
    else if (!send(agentId, message)) this.#fail(number, "not_sent");
    else {
      pending.sendings++;
      pending.timer = losesMessages(agentId)
        ? clock.after(retryMs, () => this.#send(number, message))
        : clock.after(responseMs, () => this.#fail(number, "not_answered"));
    }
  }

  #confirm(agentId: AgentId, number: number): void {
    this.#needs.send(agentId, Buffer.from(`${head(number)}${CONFIRMATION}`, "latin1"));
  }

  #fail(number: number, code: RequestFailureCode): void {
    this.#needs.events.count("agent_requests_failed");
    this.#end(number, { ok: false, code });
  }

  #end(number: number, outcome: RequestOutcome): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    this.#pending.delete(number);
    pending.timer.cancel();
    pending.settle(outcome);
  }
}

function head(number: number): string {
  return `#!-req ${number.toString(16)} `;
}
