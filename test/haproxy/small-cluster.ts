/** Nodes and agents for a real HAProxy: agents name themselves when they connect, and connect anew when their node tells them. */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ActiveAgent, ClusterView } from "#haproxy-helper/needs.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import { type AgentId, agentIdOf, parseAgentId } from "#model/agent.ts";
import { until } from "../e2e/until.ts";
import type { HaproxyProcess } from "./haproxy-process.ts";

const RETRY_MS = 30;
const CROWD_MS_MAX = 5000;
const RECONNECT = "#!-force_reconnect";

class Node {
  readonly agents = new Map<AgentId, Socket>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let id: AgentId | null = null;
      socket.on("data", (chunk) => {
        id = parseAgentId(chunk.toString().trim());
        if (id !== null) this.agents.set(id, socket);
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        if (id !== null && this.agents.get(id) === socket) this.agents.delete(id);
      });
    });
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, reusePort: true }, resolve);
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

export class SmallCluster implements ClusterView {
  readonly #port: number;
  readonly #nodes = new Map<string, { readonly address: string; readonly node: Node }>();
  readonly #agents: { stop: () => void }[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async addNode(name: string, address: string): Promise<void> {
    const node = new Node();
    await node.listen(address, this.#port);
    this.#nodes.set(name, { address, node });
  }

  removeNode(name: string): void {
    this.#nodes.get(name)?.node.close();
    this.#nodes.delete(name);
  }

  startAgents(count: number, balancer: string): void {
    for (let index = 1; index <= count; index++) {
      this.#agents.push(startAgent(agentIdOf(index), balancer, this.#port));
    }
  }

  /** Agents on each node, by name. */
  spread(): Record<string, number> {
    return Object.fromEntries([...this.#nodes].map(([name, { node }]) => [name, node.agents.size]));
  }

  connected(): number {
    return Object.values(this.spread()).reduce((sum, count) => sum + count, 0);
  }

  /** Puts all agents of a node on the others: its server is out of service for a moment, which the helper leaves alone. */
  async crowd(haproxy: HaproxyProcess, backend: string, name: string): Promise<void> {
    const agents = this.#nodes.get(name)?.node.agents;
    const all = this.connected();
    await haproxy.ask(`set server ${backend}/${name} state maint`);
    await this.reconnect([...(agents?.keys() ?? [])]);
    await until(`no agent is on ${name}`, CROWD_MS_MAX, () => agents?.size === 0 && this.connected() === all);
    await haproxy.ask(`set server ${backend}/${name} state ready`);
  }

  stop(): void {
    for (const agent of this.#agents) agent.stop();
    for (const name of [...this.#nodes.keys()]) this.removeNode(name);
  }

  nodes(): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map([...this.#nodes].map(([name, { address }]) => [name, address])));
  }

  activeAgents(): Promise<ReadonlyMap<string, readonly ActiveAgent[]>> {
    const version = "Wazuh v4.14.7";
    const entries = [...this.#nodes].map(
      ([name, { node }]) => [name, [...node.agents.keys()].map((id) => ({ id, version }))] as const,
    );
    return Promise.resolve(new Map(entries));
  }

  reconnect(ids: readonly AgentId[]): Promise<void> {
    for (const { node } of this.#nodes.values()) {
      for (const id of ids) node.agents.get(id)?.write(RECONNECT);
    }
    return Promise.resolve();
  }
}

function startAgent(id: AgentId, host: string, port: number): { stop: () => void } {
  let stopped = false;
  let socket: Socket | null = null;
  const connect = () => {
    if (stopped) return;
    const current = createConnection({ host, port }, () => current.write(`${id}\n`));
    socket = current;
    current.on("data", () => current.destroy());
    current.on("error", () => {});
    current.on("close", () => void delay(RETRY_MS).then(connect));
  };
  connect();
  return {
    stop: () => {
      stopped = true;
      socket?.destroy();
    },
  };
}

/** Pauses are this many times shorter; HAProxy's own times are not. */
export function quickClock(factor: number): Clock {
  const clock = new SystemClock();
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs() * factor,
    after: (delayMs, run) => clock.after(delayMs / factor, run),
    every: (periodMs, run) => clock.every(periodMs / factor, run),
  };
}
