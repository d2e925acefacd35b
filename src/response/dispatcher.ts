/**
 * Tells agents and this host what was decided: each decision's responses in order, so many at a time that events still have the
 * intake thread.
 *
 * Held in memory: `WAITING_RESPONSES_MAX` responses of `WAITING_BYTES_MAX` bytes; one that does not fit is dropped and counted.
 */
import { MESSAGE_BYTES_MAX } from "#formats/wire/agent/message.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import { printable } from "#kernel/printable.ts";
import type { AgentId } from "#model/agent.ts";
import { type DecidedResponse, parseDecision, type ResponseDecision } from "#model/response-decision.ts";
import { type ArRequest, parseArRequest } from "./ar-request.ts";
import { EXECD_PREFIX } from "./delivery.ts";
import type { ResponseEvents } from "./events.ts";
import {
  TURN_AGENTS_MAX,
  TURN_BYTES_MAX,
  TURN_MS,
  WAITING_BYTES_MAX,
  WAITING_MS_MAX,
  WAITING_RESPONSES_MAX,
} from "./limits.ts";
import { type MessageForm, messageFormOf, responseMessage } from "./message.ts";
import type { RespondingAgent, RespondingAgents } from "./needs.ts";

export type DispatcherNeeds = {
  readonly clock: Clock;
  readonly events: ResponseEvents;
  readonly agents: RespondingAgents;
  /** The cluster node's; empty where there is none. */
  readonly nodeName: string;
  /** Without waiting for what becomes of it. */
  sendToAgent(agentId: AgentId, message: string): void;
  /** Runs it on this host. */
  runOnServer(text: string): void;
};

/** What is to be said, and whom it still has to reach. */
type Waiting = {
  /** For the log. */
  readonly name: string;
  readonly bytes: number;
  readonly toOne: boolean;
  readonly agents: Iterator<RespondingAgent>;
  /** Null for an agent whose version is not known. */
  readonly messageFor: (agent: RespondingAgent) => string | null;
  readonly sinceMs: number;
};

/** How requests of other programs are called in the log. */
const REQUEST_NAME = "(of the socket ar)";

export class ResponseDispatcher {
  readonly #needs: DispatcherNeeds;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #turnBeganMs = Number.NEGATIVE_INFINITY;
  #turnAgents = 0;
  #turnBytes = 0;
  #timer: Timer | null = null;
  #closed = false;

  constructor(needs: DispatcherNeeds) {
    this.#needs = needs;
  }

  /** Takes whole lines as `formatDecision()` writes them. */
  dispatch(lines: string): void {
    for (const line of lines.split("\n")) if (line !== "") this.#take(line);
    if (this.#timer === null) this.#work();
  }

  /** Takes what another program sent to `queue/alerts/ar`. */
  request(text: string): void {
    const request = parseArRequest(text);
    if (request === null) {
      const shown = printable(text);
      this.#needs.events.unsent(
        "request_invalid",
        `(1310): Invalid active response (execd) message '${shown}'.`,
      );
    } else if (this.#closed) this.#lost(REQUEST_NAME);
    else this.#waitForRequest(request);
    if (this.#timer === null) this.#work();
  }

  /** Agents can no longer be reached: what waits and what still comes is counted. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { name } of this.#waiting) this.#lost(name);
    this.#waiting = [];
  }

  #take(line: string): void {
    const decision = parseDecision(line);
    if (decision === null) {
      this.#needs.events.unsent("decision_invalid", "A record of responses cannot be read: nothing is sent");
      return;
    }
    for (const response of decision.responses) this.#takeResponse(decision, response);
  }

  #takeResponse(decision: ResponseDecision, response: DecidedResponse): void {
    const { runOnServer, nodeName } = this.#needs;
    if (this.#closed) this.#lost(response.name);
    else if (response.target.kind === "server") {
      runOnServer(responseMessage("json", { decision, response }, nodeName));
    } else this.#waitForResponse(decision, response);
  }

  #waitForResponse(decision: ResponseDecision, response: DecidedResponse): void {
    const { name, target } = response;
    const messages = new Map<MessageForm, string>();
    const messageFor = ({ version }: RespondingAgent) => {
      const form = version === null ? null : messageFormOf(version);
      if (form === null) return null;
      const said = messages.get(form);
      if (said !== undefined) return said;
      const message = EXECD_PREFIX + responseMessage(form, { decision, response }, this.#needs.nodeName);
      messages.set(form, message);
      return message;
    };
    const agentId = target.kind === "agent" ? target.agentId : null;
    this.#wait({ name, bytes: decision.alert.length, agentId, messageFor });
  }

  #waitForRequest({ agentId, message }: ArRequest): void {
    this.#wait({ name: REQUEST_NAME, bytes: message.length, agentId, messageFor: () => message });
  }

  #wait({
    agentId,
    ...said
  }: Pick<Waiting, "name" | "bytes" | "messageFor"> & { readonly agentId: AgentId | null }): void {
    const bytes = this.#waitingBytes + said.bytes;
    if (this.#waiting.length >= WAITING_RESPONSES_MAX || bytes > WAITING_BYTES_MAX) {
      const text = `Too many active responses at once: '${said.name}' is not sent`;
      this.#needs.events.unsent("over_limit", text);
      return;
    }
    this.#waitingBytes = bytes;
    const sinceMs = this.#needs.clock.monotonicMs();
    this.#waiting.push({ ...said, toOne: agentId !== null, agents: this.#agentsOf(agentId), sinceMs });
  }

  #lost(name: string): void {
    const text = `The manager stops: the active response '${name}' is not sent any more`;
    this.#needs.events.unsent("lost_at_stop", text);
  }

  *#agentsOf(agentId: AgentId | null): Generator<RespondingAgent> {
    const { agents } = this.#needs;
    if (agentId !== null) {
      yield agents.find(agentId) ?? { id: agentId, version: null, active: false };
      return;
    }
    let page = agents.list(null);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      yield* page;
      page = agents.list(last.id);
    }
  }

  #work(): void {
    this.#timer = null;
    const { clock } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#turnBeganMs >= TURN_MS) {
      this.#turnBeganMs = nowMs;
      this.#turnAgents = 0;
      this.#turnBytes = 0;
    }
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (nowMs - first.sinceMs > WAITING_MS_MAX) this.#tooLate(first.name);
      else if (!this.#serve(first)) {
        this.#timer = clock.after(TURN_MS, () => this.#work());
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= first.bytes;
    }
  }

  #tooLate(name: string): void {
    const text = `Too many active responses at once: '${name}' is not sent to all, it waited too long`;
    this.#needs.events.unsent("too_late", text);
  }

  /** False when the turn ended before all were told. */
  #serve(waiting: Waiting): boolean {
    for (;;) {
      if (this.#turnAgents >= TURN_AGENTS_MAX || this.#turnBytes >= TURN_BYTES_MAX) return false;
      const agent = this.#nextAgent(waiting);
      if (agent === null) return true;
      this.#turnAgents++;
      if (agent.active || waiting.toOne) this.#turnBytes += this.#tell(agent, waiting);
      if (waiting.toOne) return true;
    }
  }

  #nextAgent({ agents, name }: Waiting): RespondingAgent | null {
    try {
      const next = agents.next();
      return next.done === true ? null : next.value;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const text = `Agents cannot be looked up for the active response '${name}': ${messageOf(error)}`;
      this.#needs.events.unsent("registry_failed", text, { level: "error" });
      return null;
    }
  }

  /** The bytes that it was sent. */
  #tell(agent: RespondingAgent, { name, messageFor }: Waiting): number {
    const { events, sendToAgent } = this.#needs;
    const message = messageFor(agent);
    if (message === null) {
      const text = `The version of agent '${agent.id}' is not known: the active response '${name}' is not sent`;
      events.unsent("version_unknown", text);
      return 0;
    }
    if (message.length > MESSAGE_BYTES_MAX) {
      const text = `The active response '${name}' is too long for a message to agent '${agent.id}': not sent`;
      events.unsent("message_too_long", text);
      return 0;
    }
    sendToAgent(agent.id, message);
    return message.length;
  }
}
