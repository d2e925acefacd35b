/** Asks the intake thread about agents, or to say something to them, and waits for what came of it. */
import type { AgentId } from "#model/agent.ts";
import type { AgentCall, AgentCallAnswer, AgentCallResults, ToIntake } from "./thread-messages.ts";

type Waiting = {
  readonly [Kind in AgentCall["kind"]]: Map<number, (result: AgentCallResults[Kind]) => void>;
};

export class AgentCalls {
  readonly #sendToIntake: (message: ToIntake) => void;
  readonly #waiting: Waiting = { request: new Map(), send: new Map(), counts: new Map() };
  #number = 0;

  constructor(sendToIntake: (message: ToIntake) => void) {
    this.#sendToIntake = sendToIntake;
  }

  /** `payload` is `<target> <payload>`. */
  request(agentId: AgentId, payload: Uint8Array): Promise<AgentCallResults["request"]> {
    return this.#call(this.#waiting.request, { kind: "request", agentId, payload });
  }

  send(agentId: AgentId, message: string): Promise<AgentCallResults["send"]> {
    return this.#call(this.#waiting.send, { kind: "send", agentId, message });
  }

  counts(agentIds: readonly AgentId[]): Promise<AgentCallResults["counts"]> {
    return this.#call(this.#waiting.counts, { kind: "counts", agentIds });
  }

  take(answer: AgentCallAnswer): void {
    switch (answer.call) {
      case "request":
        settle(this.#waiting.request, answer.number, answer.result);
        return;
      case "send":
        settle(this.#waiting.send, answer.number, answer.result);
        return;
      case "counts":
        settle(this.#waiting.counts, answer.number, answer.result);
    }
  }

  #call<Result>(waiting: Map<number, (result: Result) => void>, call: AgentCall): Promise<Result> {
    const number = ++this.#number;
    return new Promise((resolve) => {
      waiting.set(number, resolve);
      this.#sendToIntake({ kind: "call", number, call });
    });
  }
}

function settle<Result>(
  waiting: Map<number, (result: Result) => void>,
  number: number,
  result: Result,
): void {
  waiting.get(number)?.(result);
  waiting.delete(number);
}
