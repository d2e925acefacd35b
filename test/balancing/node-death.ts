/** One node of three dies behind a balancer: what must hold whichever balancer it is. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { enroll } from "#testing/agent.ts";
import { BALANCER_AT, type Balancer } from "./balancers.ts";
import { type ClusterOptions, type Network, TestCluster } from "./cluster-processes.ts";
import { Fleet, faults, nodesOf } from "./fleet.ts";

const AGENTS = 6;
const FAULTS_SHOWN = 20;
/**
 * What comes from each agent of the node that dies, and how much of it a worker analyses in a second: its journal holds most of the
 * burst when it dies. Of datagrams no more than fit the system's buffer are sent at once.
 */
const LOADS = {
  tcp: { burst: 2000, eventsPerSecond: 200 },
  udp: { burst: 50, eventsPerSecond: 40 },
} as const;
/** Agents come from addresses of their own: a balancer may go by them. */
export const AGENTS_FROM = 100;
/** A balancer that asks a dead node three times, a second between, and what a busy machine adds. */
const MOVED_MS_MAX = 20_000;
/** A worker tells the master every 10 s. */
const KNOWN_MS_MAX = 30_000;
const WRITTEN_MS_MAX = 30_000;

type Located = { readonly id: string; readonly node_name: string; readonly status: string };

export type Scenario = {
  readonly balancer: (directory: string, network: Network) => Promise<Balancer>;
  readonly options?: Partial<ClusterOptions>;
  /** The managers see agents' addresses behind the balancer, and give keys for them. */
  readonly hasOwnAddresses?: boolean;
  /** Fewest agents on a node when all are there: how evenly the balancer must spread them. */
  readonly agentsEachMin: number;
  /** TCP unless written. */
  readonly protocol?: "tcp" | "udp";
};

export async function nodeDies(
  t: TestContext,
  { balancer, options, agentsEachMin, hasOwnAddresses = false, protocol = "tcp" }: Scenario,
): Promise<void> {
  const cluster = await TestCluster.make({ workers: 2, ...options });
  t.after(() => cluster.stop());
  const workers = cluster.nodes.filter(({ name }) => name !== "master");
  const { burst, eventsPerSecond } = LOADS[protocol];
  for (const worker of workers) worker.limitAnalysis(eventsPerSecond);
  await cluster.start();
  const running = await balancer(cluster.path("balancer"), cluster.network);
  t.after(() => running.stop());
  const fleet = await balancedFleet(cluster, protocol);
  t.after(() => fleet.stop());
  const addresses = fleet.agents.map(({ agent }) => agent.identity.address);
  const expected = addresses.map((_, at) => cluster.network.address(AGENTS_FROM + 1 + at));
  if (hasOwnAddresses) assert.deepEqual(addresses, expected);

  await cluster.eventually(
    "all are connected and reported",
    MOVED_MS_MAX,
    () => fleet.connected && nodesOf(cluster).size === AGENTS,
  );
  const nodes = nodesOf(cluster);
  const counts = cluster.nodes.map(({ name }) => [...nodes.values()].filter((node) => node === name).length);
  assert(Math.min(...counts) >= agentsEachMin, `agents on each node: ${counts}`);

  const victim = cluster.nodes.find(({ name }) => name !== "master" && [...nodes.values()].includes(name));
  assert(victim !== undefined, `agents on each node: ${counts}`);
  // It dies in the middle of its work.
  const orphans = fleet.agents.filter(({ agent }) => nodes.get(agent.identity.id) === victim.name);
  fleet.burst(orphans, burst);
  if (protocol === "udp") {
    // On a connection the node has some of it at once; datagrams may still be on their way.
    const sent = orphans.map(({ agent }) => agent.sentCount);
    await cluster.eventually("the burst is confirmed", MOVED_MS_MAX, () =>
      orphans.every(({ agent }, at) => agent.confirmedCount >= (sent[at] ?? 0)),
    );
  }
  const confirmed = fleet.confirmed();
  await victim.kill();
  const accepted = victim.accepted();
  const written = victim.alerts().size;
  assert(written < accepted.size, `all of ${accepted.size} events were analysed when it died`);
  await cluster.eventually("its agents report to others", MOVED_MS_MAX, () => {
    const now = nodesOf(cluster);
    return fleet.connected && ![...now.values()].includes(victim.name);
  });

  await cluster.eventually("the master knows where they are", KNOWN_MS_MAX, async () => {
    const located = await locatedAgents(cluster);
    const listed = await cluster.master.agents();
    const now = nodesOf(cluster);
    const isThere = (id: string, node: string | null, status: string) =>
      status === "active" && node === now.get(id);
    return (
      located.length === AGENTS &&
      listed.length === AGENTS &&
      located.every(({ id, node_name, status }) => isThere(id, node_name, status)) &&
      listed.every(({ id, node, status }) => isThere(id, node, status))
    );
  });

  await fleet.fallSilent();
  victim.limitAnalysis(null);
  await victim.start();
  const wrong = () => {
    const alerts = victim.alerts();
    const lost = [...accepted].filter((number) => alerts.get(number) !== 1);
    return [
      ...faults(cluster, fleet.sent(), confirmed, protocol),
      ...lost.map((number) => `${number} was accepted`),
    ];
  };
  await cluster.eventually("all is written", WRITTEN_MS_MAX, () => wrong().length === 0).catch(() => {});
  assert.deepEqual(wrong().slice(0, FAULTS_SHOWN), []);
}

/** Enrolled and reporting through the balancer. */
async function balancedFleet(cluster: TestCluster, protocol: "tcp" | "udp"): Promise<Fleet> {
  const { address, agentPort, enrollmentPort } = cluster.network;
  const host = address(BALANCER_AT);
  const reporters = [];
  for (let at = 1; at <= AGENTS; at++) {
    const localAddress = address(AGENTS_FROM + at);
    const identity = await enroll({ host, port: enrollmentPort, name: `agent${at}`, localAddress });
    const servers = [{ host, port: agentPort, protocol }];
    reporters.push({ identity, servers, maxRetries: 5, localAddress });
  }
  await cluster.keysAreEverywhere(reporters.map(({ identity }) => identity.id));
  return new Fleet(reporters);
}

export async function locatedAgents(cluster: TestCluster): Promise<readonly Located[]> {
  const answer = await cluster.master.ask("cluster", "agents");
  const items: readonly Located[] =
    typeof answer === "object" && answer !== null && "items" in answer && Array.isArray(answer.items)
      ? answer.items
      : [];
  return items.filter(({ id }) => id !== "000");
}
