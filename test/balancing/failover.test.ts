/**
 * Goal: agents with a list of servers always find one that lives, in the list's order, and lose nothing. Method: three managers of a
 * cluster, the list two workers and the master; they are killed one after the other while agents report over TCP and over UDP.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enroll } from "#testing/agent.ts";
import { until } from "../e2e/until.ts";
import { TestCluster } from "./cluster-processes.ts";
import { Fleet, faults } from "./fleet.ts";

/** Two attempts at each server, and what a busy machine adds. */
const MOVED_MS_MAX = 15_000;
const WRITTEN_MS_MAX = 20_000;
const RETRIES = 2;
/** From the first server's death on: twice there, the second, twice there when it has died, the third. */
const ATTEMPTS = [0, 0, 1, 1, 1, 2];

test("agents go down their list of servers as nodes die, and their events are on one node each", async (t) => {
  const cluster = await TestCluster.make({ workers: 2 });
  t.after(() => cluster.stop());
  await cluster.start();
  const { agentPort, enrollmentPort } = cluster.network;
  const [first, second, last] = ["worker1", "worker2", "master"].map((name) => cluster.node(name));
  assert(first !== undefined && second !== undefined && last !== undefined);
  const identities = [];
  for (const name of ["by-tcp", "by-udp"])
    identities.push(await enroll({ host: cluster.master.address, port: enrollmentPort, name }));
  await cluster.keysAreEverywhere(identities.map(({ id }) => id));

  const protocols = ["tcp", "udp"] as const;
  const fleet = new Fleet(
    identities.map((identity, at) => {
      const protocol = protocols[at] ?? "tcp";
      const servers = [first, second, last].map(({ address: host }) => ({ host, port: agentPort, protocol }));
      return { identity, servers, maxRetries: RETRIES };
    }),
  );
  t.after(() => fleet.stop());
  const areAt = (place: number) => () => fleet.agents.every(({ server }) => server === place);
  await until("all are at the first", MOVED_MS_MAX, areAt(0));
  await until("something is confirmed", MOVED_MS_MAX, () => fleet.confirmed().length > 10);

  const before = fleet.agents.map(({ attempts }) => attempts.length);
  const confirmed = fleet.confirmed();
  await first.kill();
  await until("all are at the second", MOVED_MS_MAX, areAt(1));
  await second.kill();
  await until("all are at the third", MOVED_MS_MAX, areAt(2));
  const tried = fleet.agents.map(({ attempts }, at) => attempts.slice(before[at]));
  assert.deepEqual(tried, [ATTEMPTS, ATTEMPTS]);

  await fleet.fallSilent();
  await Promise.all([first.start(), second.start()]);
  const wrong = () => faults(cluster, fleet.sent(), confirmed);
  await until("every event is on a node", WRITTEN_MS_MAX, () => wrong().length === 0).catch(() => {});
  assert.deepEqual(wrong(), []);
});
