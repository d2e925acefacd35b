/**
 * The helper's task: it starts once HAProxy can be reached, then compares nodes and servers turn by turn, and moves agents
 * where the balance asks for it (wazuh v4.14.7: framework/wazuh/core/cluster/hap_helper/hap_helper.py).
 */
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { pythonDictionary, pythonString } from "#formats/python-text.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import { Absences } from "./absences.ts";
import { type AgentBackend, backendMissing } from "./agent-backend.ts";
import { type Connections, exceedingAgents, hardStopSeconds } from "./balance.ts";
import { helperError } from "./errors.ts";
import * as limits from "./limits.ts";
import { planMigration } from "./migration.ts";
import type { ActiveAgent, ClusterView, HelperLog } from "./needs.ts";
import { canBeServer, findChanges, isGone } from "./node-changes.ts";
import type { ProxyConfiguration } from "./proxy-driver.ts";
import { chunksOf, inOrder, reconnectable } from "./reconnection.ts";
import type { Sleeper } from "./sleeper.ts";

export type BalancingOptions = Pick<
  HaproxyHelperConfig,
  | "excludedNodes"
  | "frequencySeconds"
  | "agentChunkSize"
  | "agentReconnectionSeconds"
  | "stabilitySeconds"
  | "imbalanceTolerance"
  | "removeDisconnectedMinutes"
>;

type HelperParts = {
  readonly backend: AgentBackend;
  readonly cluster: ClusterView;
  readonly clock: Clock;
  readonly log: HelperLog;
  readonly sleeper: Sleeper;
};

/** By name. */
type Addresses = ReadonlyMap<string, string>;
type AgentsOfNodes = ReadonlyMap<string, readonly ActiveAgent[]>;

type Change = {
  readonly nodes: Addresses;
  /** The servers behind the change: nodes, and servers whose node may come back. */
  readonly kept: Addresses;
  readonly added: Addresses;
  readonly removed: readonly string[];
};

export class HaproxyHelper {
  readonly #options: BalancingOptions;
  readonly #backend: AgentBackend;
  readonly #cluster: ClusterView;
  readonly #clock: Clock;
  readonly #log: HelperLog;
  readonly #sleeper: Sleeper;
  readonly #absences = new Absences();
  /** As HAProxy has it now; null while it has none. */
  #hardStopSeconds: number | null = null;
  /** Nodes that were said not to fit. */
  readonly #unfit = new Set<string>();

  constructor(options: BalancingOptions, { backend, cluster, clock, log, sleeper }: HelperParts) {
    this.#options = options;
    this.#backend = backend;
    this.#cluster = cluster;
    this.#clock = clock;
    this.#log = log;
    this.#sleeper = sleeper;
  }

  /** Until the sleeper is stopped. What HAProxy or the cluster refuse is told, and tried again a period later. */
  async run(): Promise<void> {
    let started = false;
    while (!started) started = await this.#succeeds(() => this.#start());
    this.#log.write("info", "Main", "Starting HAProxy Helper");
    let reached = true;
    for (;;) {
      reached = await this.#succeeds(async () => {
        // What it is reached with, such as a certificate, may be another by now.
        if (!reached) await this.#backend.initialize();
        await this.#turn();
      });
    }
  }

  async #succeeds(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const seconds = this.#options.frequencySeconds;
      this.#log.write("error", "Main", error.message);
      const consequence = `Tasks may not perform as expected. Sleeping ${seconds}s before trying again...`;
      this.#log.write("warning", "Main", consequence);
      await this.#sleeper.sleep(seconds);
      return false;
    }
  }

  async #start(): Promise<void> {
    const backend = this.#backend;
    await backend.initialize();
    const { configuration } = backend;
    if (configuration !== null) this.#hardStopSeconds = await configuration.hardStopSeconds();
    this.#log.write("info", "Main", "Proxy was initialized");
    await backend.locate();
    if (configuration !== null) {
      await this.#prepare(configuration);
    } else {
      await this.#waitForWorkers();
      if (await backend.ensureBackend()) return;
      await backend.keep(await this.#nodes(new Map()));
      throw backendMissing(backend.name);
    }
  }

  /** They connect to a master that has just started when they next try. */
  async #waitForWorkers(): Promise<void> {
    const seconds = limits.WORKERS_WAIT_SECONDS;
    this.#log.write("debug", "Main", `Waiting ${seconds}s for workers connections...`);
    await this.#sleeper.sleep(seconds);
  }

  async #prepare(configuration: ProxyConfiguration): Promise<void> {
    await this.#backend.warnOfOtherFrontends(configuration);
    const known = this.#hardStopSeconds;
    if (known !== null) {
      const seconds = Math.max(known, limits.WORKERS_WAIT_SECONDS);
      const text = `Ensuring only exists one HAProxy process. Sleeping ${seconds}s before start...`;
      this.#log.write("info", "Main", text);
      await this.#sleeper.sleep(seconds);
    }
    await this.#backend.ensureBackend();
    await this.#backend.ensureFrontend(configuration);
    if (known !== null) return;
    await this.#waitForWorkers();
    const agents = await this.#agents();
    await this.#setHardStop(configuration, await this.#nodes(new Map()), agents);
    const { ids } = reconnectable([...agents.values()].flat());
    this.#log.write("info", "Main", `Reconnecting ${ids.length} agents.`);
    await this.#reconnect(ids);
  }

  async #turn(): Promise<void> {
    await this.#fixDrained();
    const servers = await this.#backend.servers();
    const nodes = await this.#nodes(servers);
    this.#absences.look(nodes.keys(), servers.keys(), this.#clock.monotonicMs());
    const { added, moved, strangers } = findChanges(nodes, servers);
    const gone = await this.#gone(strangers);
    const removed = [...moved, ...gone];
    const waiting = [...servers].filter(([name]) => strangers.includes(name) && !gone.includes(name));
    const kept = new Map([...nodes, ...waiting.filter(([name, address]) => canBeServer(name, address))]);
    if (added.size > 0 || removed.length > 0) {
      const cluster = `Detected changes in Wazuh cluster nodes. Current cluster: ${pythonDictionary(nodes)}`;
      this.#log.write("info", "Main", cluster);
      await this.#change({ nodes, kept, added, removed });
      return;
    }
    this.#log.write("info", "Main", "Load balancer backend is up to date");
    await this.#keep(kept);
    await this.#balance();
    const seconds = this.#options.frequencySeconds;
    this.#log.write("info", "Main", `Sleeping ${seconds}s before next cycle...`);
    await this.#sleeper.sleep(seconds);
  }

  async #fixDrained(): Promise<void> {
    for (const server of (await this.#backend.servers()).keys()) {
      if (!(await this.#backend.isDrained(server))) continue;
      this.#log.write("warning", "Main", `Server '${server}' was found DRAIN. Fixing it`);
      await this.#backend.setState(server, "ready");
    }
  }

  /** Nodes that are to be servers, with the addresses that HAProxy shall have. */
  async #nodes(servers: Addresses): Promise<Addresses> {
    const { excludedNodes } = this.#options;
    const nodes = new Map<string, string>();
    for (const [name, address] of await this.#cluster.nodes()) {
      if (excludedNodes.includes(name)) continue;
      if (canBeServer(name, address)) {
        nodes.set(name, await this.#backend.serverAddress(address, servers.get(name) ?? null));
      } else {
        this.#tellUnfit(name, address);
      }
    }
    return nodes;
  }

  #tellUnfit(name: string, address: string): void {
    if (this.#unfit.has(name) || this.#unfit.size >= limits.SERVERS_MAX) return;
    this.#unfit.add(name);
    const what = `${pythonString(name)} with the address ${pythonString(address)}`;
    this.#log.write("warning", "Main", `Node ${what} cannot be a server of HAProxy`);
  }

  /** Servers that are no node and shall not wait for one. */
  async #gone(strangers: readonly string[]): Promise<readonly string[]> {
    const { excludedNodes, removeDisconnectedMinutes: minutes } = this.#options;
    const gone: string[] = [];
    for (const server of strangers) {
      const say = (text: string) => this.#log.write("info", "Main", `Server '${server}' ${text}`);
      if (excludedNodes.includes(server)) {
        say("has been excluded but is currently active. Removing it");
        gone.push(server);
        continue;
      }
      const stats = await this.#backend.stats(server);
      const downSeconds = `Server '${server}' has been disconnected for ${stats.lastChangeSeconds}s`;
      this.#log.write("debug2", "Main", downSeconds);
      const missingSeconds = this.#absences.secondsOf(server, this.#clock.monotonicMs());
      if (isGone(stats, missingSeconds, minutes)) {
        say(`has been disconnected for over ${minutes} minutes`);
        gone.push(server);
      } else {
        say("has not been disconnected enough time to remove it");
      }
    }
    return gone;
  }

  async #change({ nodes, kept, added, removed }: Change): Promise<void> {
    this.#log.write("info", "Main", "Attempting to update proxy backend");
    for (const server of removed) await this.#backend.removeServer(server);
    for (const [server, address] of added) await this.#backend.addServer(server, address);
    await this.#keep(kept);
    const { configuration } = this.#backend;
    if (configuration !== null) await this.#setHardStop(configuration, nodes, await this.#agents());
    await this.#migrate(new Set(added.keys()), new Set(removed));
  }

  async #setHardStop(
    configuration: ProxyConfiguration,
    nodes: Addresses,
    agents: AgentsOfNodes,
  ): Promise<void> {
    const seconds = hardStopSeconds({
      activeAgents: [...agents.values()].reduce((sum, list) => sum + list.length, 0),
      nodes: nodes.size,
      chunkSize: this.#options.agentChunkSize,
      chunkSeconds: this.#options.agentReconnectionSeconds,
      serverStateSeconds: limits.SERVER_STATE_SECONDS,
    });
    if (this.#hardStopSeconds === seconds) return;
    this.#log.write("info", "Main", "Setting a value for `hard-stop-after` configuration.");
    await this.#backend.setHardStop(configuration, seconds);
    this.#hardStopSeconds = seconds;
  }

  async #migrate(added: ReadonlySet<string>, removed: ReadonlySet<string>): Promise<void> {
    await this.#waitUntilUp(added);
    const agents = await this.#agents();
    const connections = await this.#backend.connections();
    const tolerance = this.#options.imbalanceTolerance;
    const { held, moved } = planMigration({ agents, connections, added, removed, tolerance });
    // Only a reload leaves old processes behind, so only then there is something to bring agents away from.
    if (this.#backend.configuration !== null) {
      for (const [node, list] of held) await this.#hold(node, list);
    }
    const { ids } = reconnectable(moved);
    if (ids.length > 0) {
      const text = "Balancing exceeding connections after changes on the Wazuh backend";
      this.#log.write("info", "Main", text);
      await this.#reconnect(ids);
    }
    this.#log.write("info", "Main", "Waiting for agent connections stability");
    await this.#sleeper.sleep(this.#options.stabilitySeconds);
  }

  async #waitUntilUp(added: ReadonlySet<string>): Promise<void> {
    let missing: readonly string[] = [...added];
    for (let tries = 0; missing.length > 0; tries++) {
      if (tries === limits.SERVER_CHECKS_MAX) {
        const names = `{${missing.map(pythonString).join(", ")}}`;
        this.#log.write("error", "Main", `Some of the new servers did not go UP: ${names}`);
        throw helperError(3041);
      }
      this.#log.write("debug", "Main", "Waiting for new servers to go UP");
      await this.#sleeper.sleep(limits.SERVER_CHECK_SECONDS);
      const up = await this.#backend.connections();
      missing = [...added].filter((server) => !up.has(server));
    }
    if (added.size > 0) this.#log.write("debug", "Main", "All new servers are UP");
  }

  /** Agents connect anew while all other servers take none, so they come back to the node they were on. */
  async #hold(node: string, agents: readonly ActiveAgent[]): Promise<void> {
    const { ids, incomplete } = reconnectable(agents);
    if (incomplete) {
      const consequence = "Those connections will be balanced afterwards";
      const text = `Some agents from '${node}' are not compatible with the reconnection endpoint. ${consequence}`;
      this.#log.write("warning", "Main", text);
    }
    if (ids.length === 0) return;
    this.#log.write("info", "Main", `Migrating ${ids.length} connections from server '${node}'`);
    const others = [...(await this.#backend.servers()).keys()].filter((server) => server !== node);
    try {
      for (const server of others) await this.#backend.setState(server, "drain");
      await this.#sleeper.sleep(limits.SERVER_STATE_SECONDS);
      await this.#reconnect(ids);
    } finally {
      // Whatever happened: a cluster whose servers stay drained takes no agents.
      for (const server of others) await this.#takeBack(server);
    }
    await this.#sleeper.sleep(limits.SERVER_STATE_SECONDS);
  }

  /** One that fails must not keep the others drained; the next turn finds it. */
  async #takeBack(server: string): Promise<void> {
    try {
      await this.#backend.setState(server, "ready");
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.write("error", "Main", error.message);
    }
  }

  async #balance(): Promise<void> {
    const exceeding = this.#checkBalance(await this.#backend.connections());
    if (exceeding.size === 0) {
      this.#log.write("info", "Main", "Load balancer backend is balanced");
      return;
    }
    this.#log.write("info", "Main", "Agent imbalance detected. Waiting for agent status sync...");
    await this.#sleeper.sleep(limits.AGENT_STATUS_SYNC_SECONDS);
    const agents = await this.#agents();
    for (const [node, over] of exceeding) {
      const { ids, incomplete } = reconnectable((agents.get(node) ?? []).slice(0, over));
      if (incomplete) {
        const consequence = "Balance might not be precise";
        const text = `Some agents from node ${node} are not compatible with the reconnection endpoint. ${consequence}`;
        this.#log.write("warning", "Main", text);
      }
      if (ids.length === 0) continue;
      this.#log.write("info", "Main", `Balancing ${ids.length} agents from '${node}'`);
      await this.#reconnect(ids);
    }
  }

  #checkBalance(connections: Connections): ReadonlyMap<string, number> {
    if (connections.size === 0) {
      this.#log.write("debug", "Main", "There are not connections at the moment");
      return connections;
    }
    const distribution = `Current connections distribution: ${pythonDictionary(connections)}`;
    this.#log.write("debug", "Main", `Checking for agent balance. ${distribution}`);
    const exceeding = exceedingAgents(connections, this.#options.imbalanceTolerance);
    if (exceeding.size === 0) this.#log.write("debug", "Main", "Current balance is under tolerance");
    return exceeding;
  }

  async #agents(): Promise<AgentsOfNodes> {
    const agents = await this.#cluster.activeAgents();
    return new Map([...agents].map(([node, list]) => [node, inOrder(list)]));
  }

  async #reconnect(ids: readonly AgentId[]): Promise<void> {
    const { agentChunkSize, agentReconnectionSeconds: seconds } = this.#options;
    const chunks = chunksOf(ids, agentChunkSize);
    this.#log.write("debug", "Main", "Reconnecting agents");
    const size = `Agent reconnection chunk size is set to ${agentChunkSize}`;
    this.#log.write("debug", "Main", `${size}. Total iterations: ${chunks.length}`);
    for (const chunk of chunks) {
      await this.#cluster.reconnect(chunk);
      this.#log.write("debug", "Main", `Delay between agent reconnections. Sleeping ${seconds}s...`);
      await this.#sleeper.sleep(seconds);
    }
  }

  /** A file that cannot be written is no reason to leave agents where they are. */
  async #keep(servers: Addresses): Promise<void> {
    try {
      await this.#backend.keep(servers);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.write(
        "error",
        "Main",
        `The servers are not kept for HAProxy's next start: ${messageOf(error)}`,
      );
    }
  }
}
