/**
 * One run of a cluster with its agents: a storm of troubles, changes and requests, calm in which all nodes must come to say the same of
 * every agent, requests that must all succeed, then everybody leaves.
 *
 * What must hold stands in `README.md`; files are `cluster-simulation.ts`'s.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AGENT_GROUPS_DELAY_MS,
  AGENT_GROUPS_PERIOD_MS,
  GROUP_MISMATCHES_MAX,
} from "#cluster/agents/times.ts";
import { CHECK_PERIOD_MS, RECALCULATE_MS } from "#cluster/integrity/times.ts";
import { FILE_WAIT_MS, REQUEST_TIMEOUT_MS } from "#cluster/limits.ts";
import { fleetFaults } from "./cluster-fleet-invariants.ts";
import { FleetRequests } from "./cluster-fleet-requests.ts";
import { type Member, MemberMaster, MemberWorker } from "./cluster-member.ts";
import { DISCONNECTION_SECONDS } from "./cluster-member-life.ts";
import { HOME } from "./cluster-node.ts";
import { KEEPALIVE_MS, Reporter } from "./cluster-reporter.ts";
import { RequestLedger } from "./cluster-requests.ts";
import { RECOVERY_MS } from "./cluster-simulation.ts";
import { NO_TROUBLES } from "./disk.ts";
import { QUIET, SimulatedNetwork } from "./network.ts";
import { World } from "./world.ts";

const START_MS = Date.UTC(2026, 10, 21, 6, 0, 0);
const STEP_MS_MAX = 9000;
const DOWN_MS_MAX = 60_000;
const STALL_MS_MAX = 100_000;
/** A node is cut off: its agents move, and are told of by others before it is back and has missed them itself. */
const LEFT_BEHIND_MS = 4 * KEEPALIVE_MS;
/** Longer than an answer is waited for, shorter than a connection is believed in. */
const LAST_STALL_MS = 2 * REQUEST_TIMEOUT_MS;
/** Good, bad and very bad connections. */
const SLOW_MS_MAX = 1500;
const LATENCIES_MS_MAX = [20, 150, SLOW_MS_MAX] as const;
/** From a change of the master's keys until every node has read them: two checks, and what they wait for. */
const KEYS_MS = 2 * (CHECK_PERIOD_MS + RECALCULATE_MS) + 5000;
/** From then until groups that differ are asked for as a whole. */
const GROUPS_MS =
  AGENT_GROUPS_DELAY_MS + (GROUP_MISMATCHES_MAX + 2) * (AGENT_GROUPS_PERIOD_MS + 1000) + KEEPALIVE_MS;
/** Until silent agents are found by their node, and the master has heard of it. */
const SILENT_MS = DISCONNECTION_SECONDS * 1000 + 3 * KEEPALIVE_MS;
const AGENTS_FIRST = 5;
const LOOK_MS = 1000;
/** A request that comes and goes is not there at each of so many looks. */
const LOOKS = 25;

export type FleetReport = {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly trace: readonly string[];
  readonly answered: number;
  readonly agents: number;
  readonly simulatedSeconds: number;
};

export class Fleet {
  readonly world: World;
  readonly ledger: RequestLedger;
  readonly master: MemberMaster;
  readonly workers: readonly MemberWorker[];
  readonly reporters: Reporter[] = [];
  readonly #network: SimulatedNetwork;
  readonly #requests: FleetRequests;

  constructor(seed: number, folder: string) {
    this.world = new World(seed, START_MS);
    this.ledger = new RequestLedger(this.world);
    this.#network = new SimulatedNetwork(this.world);
    const parts = { world: this.world, network: this.#network, ledger: this.ledger, folder };
    this.master = new MemberMaster(parts);
    this.workers = Array.from(
      { length: this.world.between(2, 3) },
      (_, index) => new MemberWorker(parts, `w${index}`, `192.0.2.${10 + index}`),
    );
    for (const { name } of this.nodes) mkdirSync(join(folder, name));
    this.#requests = new FleetRequests(this, (id) => {
      this.reporters.push(new Reporter(this.world, id, this.nodes));
    });
  }

  get nodes(): readonly Member[] {
    return [this.master, ...this.workers];
  }

  /** Ids whose deletion was confirmed, and those that somebody wanted to delete. */
  get deletions() {
    return this.#requests.deletions;
  }

  get enrolled() {
    return this.#requests.enrolled;
  }

  async all(steps: number): Promise<void> {
    for (const group of ["web", "db", "dmz"]) this.#put(`etc/shared/${group}/agent.conf`, `<${group}/>`);
    for (const node of this.nodes) node.start();
    for (let count = 0; count < AGENTS_FIRST; count++) this.#requests.enrol(this.master);
    const watch = this.world.every(LOOK_MS, () => this.#lookForReturned());
    for (const part of [() => this.#storm(steps), () => this.#calm(), () => this.#quiet()])
      if (this.world.failures.length === 0) await part();
    watch.cancel();
    if (this.world.failures.length === 0) await this.#farewell();
    for (const node of this.nodes) node.end("kill");
    await this.#pass(1);
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.world.run(this.world.nowMs + milliseconds);
  }

  async #storm(steps: number): Promise<void> {
    const { world } = this;
    const to = world.random.pick(LATENCIES_MS_MAX);
    this.#network.conditions = { ...QUIET, latencyMs: { from: 0, to }, cut: 0.5 };
    for (let step = 0; step < steps && world.failures.length === 0; step++) {
      this.#agentsAct();
      if (world.chance(0.7)) this.#requests.any();
      if (world.chance(0.6)) this.#trouble();
      if (world.chance(0.15)) this.#loseInTheMiddle();
      if (world.chance(0.15)) this.#leaveBehind();
      await this.#pass(world.between(0, STEP_MS_MAX));
    }
  }

  /** In a cluster that is whole, and nothing that comes later sets right what goes wrong here. */
  async #lastTroubles(): Promise<void> {
    const { world } = this;
    this.#network.conditions = { ...QUIET, latencyMs: { from: 0, to: SLOW_MS_MAX }, cut: 0.5 };
    for (const reporter of this.reporters) reporter.change();
    this.#leaveBehind();
    const worker = world.random.pick(this.workers);
    world.after(world.below(2 * KEEPALIVE_MS), () => {
      this.#requests.enrol(worker);
      world.after(world.below(SLOW_MS_MAX), () => {
        if (world.chance(0.5)) this.#network.disturb(worker.address, "reset");
        else this.#network.stall(worker.address, LAST_STALL_MS);
      });
    });
    await this.#pass(LEFT_BEHIND_MS);
    this.#network.conditions = QUIET;
  }

  #agentsAct(): void {
    const { world } = this;
    if (this.reporters.length === 0) return;
    const reporter = world.random.pick(this.reporters);
    switch (world.below(5)) {
      case 0:
        reporter.move(world.chance(0.5));
        return;
      case 1:
        reporter.leave(world.chance(0.5));
        return;
      case 2:
        reporter.change();
        reporter.move(false);
        return;
      default:
        reporter.change();
    }
  }

  #trouble(): void {
    const { world } = this;
    const node = world.random.pick(this.nodes);
    switch (world.below(9)) {
      case 0:
        this.#crash(node);
        return;
      case 1:
        node.disk.ending = {
          operationsLeft: world.below(30),
          how: world.chance(0.5) ? "kill" : "power_loss",
        };
        world.after(DOWN_MS_MAX, () => node.start());
        return;
      case 2:
        this.#network.disturb(node.address, world.chance(0.7) ? "reset" : "silence");
        return;
      case 3:
      case 4:
        world.note(`a stream of ${node.name} stalls`);
        this.#network.stall(node.address, world.between(1000, STALL_MS_MAX));
        return;
      case 5:
      case 6:
        this.#cutOff(node, world.between(1000, DOWN_MS_MAX));
        return;
      case 7:
        node.disk.troubles = { open: 0.05, write: 0.05, sync: 0.1, rename: 0.05 };
        world.after(DOWN_MS_MAX / 2, () => {
          node.disk.troubles = NO_TROUBLES;
        });
        return;
      default:
        node.stop();
        world.after(0, () => this.#crash(node));
    }
  }

  /** All nodes are asked for something long, and one of them goes. */
  #loseInTheMiddle(): void {
    const { world } = this;
    const worker = world.random.pick(this.workers);
    this.#requests.touchAllSlowly();
    world.after(world.between(0, 3000), () => {
      if (world.chance(0.5)) this.#crash(worker);
      else this.#network.disturb(worker.address, "reset");
    });
  }

  /** A node that is cut off believes that its agents are still there. */
  #leaveBehind(): void {
    const { world } = this;
    const worker = world.random.pick(this.workers);
    this.#cutOff(worker, LEFT_BEHIND_MS);
    for (const reporter of this.reporters) {
      if (!reporter.isAt(worker)) continue;
      reporter.change();
      world.after(KEEPALIVE_MS, () => {
        reporter.change();
        reporter.move(false);
      });
    }
  }

  #cutOff(node: Member, milliseconds: number): void {
    this.world.note(`${node.name} is cut off`);
    this.#network.partition(node.address);
    this.world.after(milliseconds, () => this.#network.heal(node.address));
  }

  #crash(node: Member): void {
    node.end(this.world.chance(0.5) ? "kill" : "power_loss");
    this.world.after(this.world.between(100, DOWN_MS_MAX), () => node.start());
  }

  #put(path: string, content: string): void {
    const { content: files } = this.master.disk;
    const absolute = `${HOME}/${path}`;
    files.nowMs = this.world.wallMs;
    files.makeDirectory(absolute.slice(0, absolute.lastIndexOf("/")));
    files.replace(absolute, Buffer.from(content));
  }

  /** Whatever workers say: an agent whose deletion was confirmed is gone. */
  #lookForReturned(): void {
    const registry = this.master.life?.registry;
    if (registry === undefined) return;
    for (const id of this.deletions.confirmed) {
      if (registry.keys.byId(id) !== null) this.world.fail(`deleted agent ${id} has a key again`);
      if (registry.agents.find(id) !== null) this.world.fail(`deleted agent ${id} has a row again`);
    }
  }

  async #calm(): Promise<void> {
    this.#network.conditions = QUIET;
    for (const node of this.nodes) {
      node.disk.troubles = NO_TROUBLES;
      node.disk.ending = null;
      this.#network.heal(node.address);
    }
    this.world.note("calm");
    await this.#pass(DOWN_MS_MAX);
    for (const node of this.nodes) node.start();
    for (const reporter of this.reporters) reporter.isEager = true;
    await this.world.run(this.world.nowMs + RECOVERY_MS, () => this.#isWhole);
    if (this.master.workerNames.length !== this.workers.length)
      this.world.fail(`connected: ${this.master.workerNames.join(", ")}`);
    await this.#pass(KEYS_MS);
    await this.#lastTroubles();
    await this.#pass(FILE_WAIT_MS + GROUPS_MS);
    this.#check("after the storm", { withStates: true });
    this.#lastChanges();
    await this.#pass(KEYS_MS);
    this.#check("two periods after the last change", { withStates: false });
    await this.#pass(SILENT_MS);
    this.#check("at the end", { withStates: true });
  }

  /** As it is at the latest when no connection is left that nobody answers on. */
  get #isWhole(): boolean {
    const count = this.workers.length;
    return (
      this.#network.isSound &&
      this.#network.openStreams === count &&
      this.master.workerNames.length === count &&
      this.workers.every(({ hasJoined }) => hasJoined)
    );
  }

  /** Now all must succeed. */
  #lastChanges(): void {
    this.world.note("last changes");
    for (const node of this.nodes) {
      this.#requests.enrol(node);
      this.#requests.touchAll(node, { mustSucceed: true });
      this.#requests.touchMaster(node, { mustSucceed: true });
    }
    this.#requests.assign(this.world.random.pick(this.nodes));
    this.#requests.remove(this.world.random.pick(this.nodes));
    for (const [index, reporter] of this.reporters.entries()) {
      if (index % 4 === 0) reporter.leave(true);
      else if (index % 4 === 1) reporter.leave(false);
      else if (index % 4 === 2) reporter.change();
    }
  }

  #check(when: string, { withStates }: { readonly withStates: boolean }): void {
    if (this.world.failures.length > 0) return;
    for (const fault of fleetFaults(this, { withStates })) this.world.fail(`${when}: ${fault}`);
  }

  /** Nothing is asked any more, so nothing is held, and every node has the timers of one that has just begun. */
  async #quiet(): Promise<void> {
    const least = new Map<string, number>();
    const look = (what: string, count: number) => least.set(what, Math.min(least.get(what) ?? count, count));
    for (let looks = 0; looks < LOOKS; looks++) {
      await this.#pass(LOOK_MS);
      for (const node of this.nodes) {
        for (const [what, count] of Object.entries(node.pending)) look(`${what} of ${node.name}`, count);
        const allowed = node === this.master ? MASTER_TIMERS : WORKER_TIMERS;
        look(`timers of ${node.name} beyond ${allowed}`, Math.max(0, (node.process?.timers ?? 0) - allowed));
      }
    }
    if (this.world.failures.length > 0) return;
    for (const [what, count] of least) if (count > 0) this.world.fail(`${count} ${what} when all is quiet`);
  }

  async #farewell(): Promise<void> {
    for (const worker of this.workers) worker.stop();
    await this.#pass(REQUEST_TIMEOUT_MS);
    if (this.master.connections !== 0) this.world.fail(`${this.master.connections} connections are left`);
    if (this.#network.openStreams !== 0) this.world.fail(`${this.#network.openStreams} streams are left`);
    for (const node of this.nodes) {
      if (node.scratch.length > 0) this.world.fail(`left at ${node.name}: ${node.scratch.join(", ")}`);
    }
  }
}

/** Of a node that has nothing to do: looks of the registry, checks, the next turns of the tasks. */
const MASTER_TIMERS = 8;
const WORKER_TIMERS = 7;

export async function simulateFleet(options: { seed: number; steps: number }): Promise<FleetReport> {
  const folder = mkdtempSync(join(tmpdir(), "cluster-fleet-"));
  try {
    const fleet = new Fleet(options.seed, folder);
    await fleet.all(options.steps);
    const { failures, nowMs, trace } = fleet.world;
    const counts = { answered: fleet.ledger.answered, agents: fleet.enrolled.size };
    return { seed: options.seed, faults: failures, trace, ...counts, simulatedSeconds: nowMs / 1000 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
