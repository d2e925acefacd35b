/** Agents that report numbered events all the time, and what became of each event on the nodes. */
import type { TestAgentIdentity } from "#testing/agent.ts";
import type { AgentServer } from "#testing/agent-link.ts";
import { FailoverAgent } from "#testing/failover-agent.ts";
import { until } from "../e2e/until.ts";
import { probeEvent, type TestCluster } from "./cluster-processes.ts";

const EVENT_PERIOD_MS = 100;
/** As agents have them, about a hundred times quicker: a test waits for every one of them. */
const TIMES = { retryIntervalMs: 150, notifyMs: 200, reconnectMs: 3000 };
const CONFIRMED_MS_MAX = 20_000;

export type Reporter = {
  readonly identity: TestAgentIdentity;
  readonly servers: readonly AgentServer[];
  readonly maxRetries: number;
  readonly localAddress?: string;
};

export class Fleet {
  readonly agents: readonly FailoverAgent[];
  readonly #timer: NodeJS.Timeout;
  #isSending = true;

  constructor(reporters: readonly Reporter[]) {
    this.agents = reporters.map((reporter) => new FailoverAgent({ ...TIMES, ...reporter }));
    for (const agent of this.agents) agent.start();
    this.#timer = setInterval(() => this.#report(), EVENT_PERIOD_MS);
  }

  /** Every agent has a connection that was answered. */
  get connected(): boolean {
    return this.agents.every(({ server }) => server !== null);
  }

  /** Many events at once. */
  burst(agents: readonly FailoverAgent[], count: number): void {
    for (const { agent } of agents) {
      for (let sent = 0; sent < count; sent++)
        agent.send(probeEvent(`${agent.identity.id}-${agent.sentCount}`));
    }
  }

  /** Numbers of the events that a manager has confirmed. */
  confirmed(): readonly string[] {
    return this.agents.flatMap(({ agent }) => numbersOf(agent.identity.id, agent.confirmedCount));
  }

  sent(): readonly string[] {
    return this.agents.flatMap(({ agent }) => numbersOf(agent.identity.id, agent.sentCount));
  }

  /** Says no more and waits until all that was said is confirmed. */
  async fallSilent(): Promise<void> {
    this.#isSending = false;
    await until("every event is confirmed", CONFIRMED_MS_MAX, () =>
      this.agents.every(({ agent }) => agent.confirmedCount === agent.sentCount),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.agents.map((agent) => agent.stop()));
  }

  #report(): void {
    if (!this.#isSending) return;
    for (const { agent } of this.agents) agent.send(probeEvent(`${agent.identity.id}-${agent.sentCount}`));
  }
}

function numbersOf(id: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${id}-${at}`);
}

/** For each agent the node that has the newest of its events; agents of whom nobody has one are left out. */
export function nodesOf(cluster: TestCluster): ReadonlyMap<string, string> {
  const newest = new Map<string, { readonly at: number; readonly node: string }>();
  for (const node of cluster.nodes) {
    for (const number of node.alerts().keys()) {
      const [id = "", at = ""] = number.split("-");
      if (Number(at) > (newest.get(id)?.at ?? -1)) newest.set(id, { at: Number(at), node: node.name });
    }
  }
  return new Map([...newest].map(([id, { node }]) => [id, node]));
}

/**
 * What is wrong with the alerts: an event that none has, that one node has twice, or that two nodes have though it was confirmed
 * before the first of them died (an event that was not, the agent sends again, for it cannot know). Datagrams reach the next node before
 * the agent has asked it anything, so of those that were not confirmed it may have some twice.
 */
export function faults(
  cluster: TestCluster,
  sent: readonly string[],
  confirmedBefore: readonly string[],
  protocol: "tcp" | "udp" = "tcp",
): readonly string[] {
  const alerts = cluster.nodes.map((node) => ({ name: node.name, counts: node.alerts() }));
  const safe = new Set(confirmedBefore);
  return sent.flatMap((number) => {
    const holders = alerts.filter(({ counts }) => counts.has(number));
    const twice = holders.find(({ counts }) => (counts.get(number) ?? 0) > 1);
    if (holders.length === 0) return [`${number} is lost`];
    if (twice !== undefined && (protocol === "tcp" || safe.has(number)))
      return [`${number} is twice on ${twice.name}`];
    return holders.length > 1 && safe.has(number)
      ? [`${number} is on ${holders.map(({ name }) => name)}`]
      : [];
  });
}
