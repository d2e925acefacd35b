/** For the tests of this folder: agents in a table, a dispatcher on a clock that stands still, and lines as analysis writes them. */
import { CodedError } from "#kernel/errors.ts";
import { type AgentId, agentIdOf } from "#model/agent.ts";
import { type DecidedResponse, formatDecision, type ResponseTarget } from "#model/response-decision.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { EXECD_PREFIX } from "./delivery.ts";
import { ResponseDispatcher } from "./dispatcher.ts";
import { ResponseEvents } from "./events.ts";
import type { RespondingAgent } from "./needs.ts";

export const VERSION = "Wazuh v4.14.7";
const PAGE = 100;

export function toAgent(number: number): ResponseTarget {
  return { kind: "agent", agentId: agentIdOf(number) };
}

export function line(
  targets: readonly ResponseTarget[],
  { alert = "{}", name = "drop600" }: { readonly alert?: string; readonly name?: string } = {},
): string {
  const common = { name, executable: "drop.sh", timeoutSeconds: 600, extraArgs: "" };
  const responses = targets.map((target): DecidedResponse => ({ ...common, target }));
  const head = { id: "1795249255.36", ruleId: "5712", srcip: "203.0.113.9", dstuser: "", file: "" };
  return formatDecision({ ...head, location: "(web1) any->x", responses, alert });
}

export class DispatcherBench {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly agents: RespondingAgent[] = [];
  /** Without the prefix that tells an agent's execd. */
  readonly sent: { readonly agentId: string; readonly text: string }[] = [];
  readonly messages: string[] = [];
  readonly onServer: string[] = [];
  registryFails = false;
  readonly dispatcher = new ResponseDispatcher({
    clock: this.clock,
    events: new ResponseEvents(this),
    nodeName: "node01",
    agents: {
      find: (id) => this.#read().find((agent) => agent.id === id) ?? null,
      list: (after) => this.#page(after),
    },
    sendToAgent: (agentId, message) => {
      this.messages.push(message);
      this.sent.push({ agentId, text: message.replace(EXECD_PREFIX, "") });
    },
    runOnServer: (text) => this.onServer.push(text),
  });

  addAgent(number: number, changes: Partial<RespondingAgent> = {}): void {
    this.agents.push({ id: agentIdOf(number), version: VERSION, active: true, ...changes });
  }

  #read(): readonly RespondingAgent[] {
    if (this.registryFails) throw new CodedError("registry_read_failed", "disk I/O error");
    return this.agents;
  }

  #page(after: AgentId | null): readonly RespondingAgent[] {
    const from = after === null ? 0 : this.#read().findIndex(({ id }) => id === after) + 1;
    return this.#read().slice(from, from + PAGE);
  }
}
