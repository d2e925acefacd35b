/**
 * What is kept by agent, bounded for all agents together. At the limit the agent that was silent for longest is forgotten whole: it
 * is then as new, which every user of this states for itself.
 */

export interface AgentState {
  /** In the unit of the limit; 0 when there is nothing to keep. */
  readonly weight: number;
}

export class AgentStates<State extends AgentState> {
  /** In order of the last use. */
  readonly #states = new Map<string, State>();
  readonly #weightMax: number;
  readonly #create: () => State;
  #weight = 0;
  #forgotten = 0;

  constructor(weightMax: number, create: () => State) {
    this.#weightMax = weightMax;
    this.#create = create;
  }

  get weight(): number {
    return this.#weight;
  }

  /** How many agents were forgotten because of the limit. */
  get forgotten(): number {
    return this.#forgotten;
  }

  entries(): IterableIterator<[agentId: string, state: State]> {
    return this.#states.entries();
  }

  /** Lets `use` read and change what is kept of an agent. */
  with<Result>(agentId: string, use: (state: State) => Result): Result {
    const state = this.#states.get(agentId) ?? this.#create();
    const weightBefore = this.#states.delete(agentId) ? state.weight : 0;
    const result = use(state);
    this.#weight += state.weight - weightBefore;
    if (state.weight > 0) this.#states.set(agentId, state);
    if (this.#weight > this.#weightMax) this.#forgetOthers(agentId);
    return result;
  }

  #forgetOthers(agentId: string): void {
    for (const [other, { weight }] of this.#states) {
      if (this.#weight <= this.#weightMax || other === agentId) return;
      this.#states.delete(other);
      this.#weight -= weight;
      this.#forgotten++;
    }
  }
}
