/**
 * One run of a cluster: a storm of troubles and changes, calm in which the nodes must become alike, then everybody leaves.
 *
 * A run's seed gives it again. What must hold stands in `README.md`.
 */
import { createHash } from "node:crypto";
import { CHECK_PERIOD_MS, RECALCULATE_MS } from "#cluster/integrity/times.ts";
import {
  KEEPALIVE_CHECK_PERIOD_MS,
  RECONNECT_MS,
  REQUEST_TIMEOUT_MS,
  SILENCE_MS_MAX,
} from "#cluster/limits.ts";
import { HOME, SimulatedMaster, SimulatedWorker } from "./cluster-node.ts";
import { NO_TROUBLES } from "./disk.ts";
import { QUIET, SimulatedNetwork } from "./network.ts";
import { World } from "./world.ts";

const START_MS = Date.UTC(2026, 10, 21, 6, 0, 0);
const STEP_MS_MAX = 12_000;
const DOWN_MS_MAX = 60_000;
/** Until a connection that fell silent is given up by both sides, and the worker is back. */
export const RECOVERY_MS = SILENCE_MS_MAX + KEEPALIVE_CHECK_PERIOD_MS + RECONNECT_MS + 2 * REQUEST_TIMEOUT_MS;
/** From a change of the master until every worker has it: two of its checks, and what they wait for. */
const TWO_PERIODS_MS = 2 * (CHECK_PERIOD_MS + RECALCULATE_MS) + 5000;
const GROUPS = ["default", "web", "db", "dmz"] as const;
const RULES = [
  "etc/rules/local.xml",
  "etc/rules/sub/a.xml",
  "etc/decoders/local.xml",
  "etc/lists/ips",
] as const;
const KEYS = "etc/client.keys";
/** Of a worker alone: never sent, taken or removed. */
const OWN = [
  "etc/ossec.conf",
  "etc/shared/ar.conf",
  "queue/db/global.db",
  "etc/local_internal_options.conf",
] as const;
/** As hex, packed: too much to be sealed in place. */
const LARGE_BYTES = 300_000;
const WATCH_MS = 3000;

export type ClusterReport = {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly trace: readonly string[];
  readonly files: number;
};

/** A content that shows whether it is whole. */
function whole(body: string): string {
  return `${body}\n#${createHash("sha1").update(body).digest("hex")}`;
}

function isWhole(content: string): boolean {
  const end = content.lastIndexOf("\n#");
  return end >= 0 && content === whole(content.slice(0, end));
}

class ClusterRun {
  readonly world: World;
  readonly #network: SimulatedNetwork;
  readonly #master: SimulatedMaster;
  readonly #workers: readonly SimulatedWorker[];
  /** Files that a loss of power left cut, by worker: until the next check. */
  readonly #cut = new Set<string>();
  #agents: string[] = [];
  #version = 0;

  constructor(seed: number) {
    this.world = new World(seed, START_MS);
    this.#network = new SimulatedNetwork(this.world);
    this.#master = new SimulatedMaster(this.world, this.#network);
    this.#workers = Array.from(
      { length: this.world.between(2, 4) },
      (_, index) => new SimulatedWorker(this.world, this.#network, `w${index}`, `192.0.2.${10 + index}`),
    );
  }

  async all(steps: number): Promise<void> {
    for (let change = 0; change < 6; change++) this.#changeMaster();
    for (const worker of this.#workers)
      for (const path of OWN) this.#put(worker, path, whole(`${worker.name}'s`));
    for (const node of [this.#master, ...this.#workers]) node.start();
    const watch = this.world.every(WATCH_MS, () => this.#checkWhole());
    await this.#storm(steps);
    await this.#calm();
    watch.cancel();
    await this.#farewell();
  }

  get files(): number {
    return Object.keys(this.#master.held).length;
  }

  async #pass(milliseconds: number, done: () => boolean = () => false): Promise<void> {
    await this.world.run(this.world.nowMs + milliseconds, done);
  }

  async #storm(steps: number): Promise<void> {
    const { world } = this;
    this.#network.conditions = { ...QUIET, latencyMs: { from: 0, to: 150 }, cut: 0.5 };
    for (let step = 0; step < steps && world.failures.length === 0; step++) {
      this.#trouble();
      await this.#pass(world.between(0, STEP_MS_MAX));
    }
  }

  #trouble(): void {
    const { world } = this;
    const node = world.random.pick([this.#master, ...this.#workers]);
    switch (world.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.#changeMaster();
        return;
      case 4:
      case 5:
        this.#changeWorker(world.random.pick(this.#workers));
        return;
      case 6:
        this.#crash(node);
        return;
      case 7:
        node.disk.ending = {
          operationsLeft: world.below(30),
          how: world.chance(0.5) ? "kill" : "power_loss",
        };
        world.after(DOWN_MS_MAX, () => this.#restart(node));
        return;
      case 8:
        this.#network.disturb(node.address, world.chance(0.7) ? "reset" : "silence");
        return;
      case 9:
        this.#network.partition(node.address);
        world.note(`${node.name} is cut off`);
        world.after(world.between(1000, DOWN_MS_MAX), () => this.#network.heal(node.address));
        return;
      case 10:
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

  #crash(node: SimulatedMaster | SimulatedWorker): void {
    node.end(this.world.chance(0.5) ? "kill" : "power_loss");
    this.world.after(this.world.between(100, DOWN_MS_MAX), () => this.#restart(node));
  }

  #restart(node: SimulatedMaster | SimulatedWorker): void {
    if (node.isAlive) return;
    for (const [path, content] of Object.entries(node.held)) {
      if (!isWhole(content)) this.#cut.add(`${node.name} ${path}`);
    }
    if (this.#cut.delete(`${node.name} ${KEYS}`))
      this.world.fail(`${node.name} lost its keys with its power`);
    node.start();
  }

  #changeMaster(): void {
    const { world } = this;
    const content = whole(`version ${++this.#version} ${"x".repeat(world.below(200))}`);
    const group = world.random.pick(GROUPS);
    switch (world.below(6)) {
      case 0:
        this.#agents.push(`${String(this.#version).padStart(3, "0")} agent any ${"0".repeat(64)}`);
        this.#put(this.#master, KEYS, whole(this.#agents.join("\n")));
        return;
      case 1:
        this.#agents = this.#agents.filter(() => world.chance(0.7));
        this.#put(this.#master, KEYS, whole(this.#agents.join("\n")));
        return;
      case 2:
        for (const name of ["agent.conf", "merged.mg", "ar.conf"]) {
          this.#put(this.#master, `etc/shared/${group}/${name}`, content);
        }
        this.#put(
          this.#master,
          `var/multigroups/${group}/merged.mg`,
          whole(world.random.bytes(this.#size()).toString("hex")),
        );
        return;
      case 3:
        this.#master.disk.content.removeTree(`${HOME}/etc/shared/${group}`);
        this.#master.disk.content.removeTree(`${HOME}/var/multigroups/${group}`);
        return;
      case 4:
        this.#remove(this.#master, world.random.pick(RULES));
        return;
      default:
        this.#put(this.#master, world.random.pick(RULES), content);
    }
  }

  #size(): number {
    return this.world.chance(0.05) ? LARGE_BYTES : this.world.below(2000);
  }

  /** Somebody edits what the master will set right. */
  #changeWorker(worker: SimulatedWorker): void {
    const { world } = this;
    const content = whole(`edited ${++this.#version}`);
    const path = world.random.pick([...RULES, KEYS, "etc/rules/extra.xml", "etc/shared/gone/agent.conf"]);
    if (world.chance(0.4)) this.#remove(worker, path);
    else this.#put(worker, path, content);
  }

  #put(node: SimulatedMaster | SimulatedWorker, path: string, content: string): void {
    const absolute = `${HOME}/${path}`;
    const { content: files } = node.disk;
    // Two changes in one millisecond differ in their times on a real disk.
    files.nowMs = this.world.wallMs + (++this.#version % 1000) / 1000;
    files.makeDirectory(absolute.slice(0, absolute.lastIndexOf("/")));
    files.replace(absolute, Buffer.from(content, "latin1"));
  }

  #remove(node: SimulatedMaster | SimulatedWorker, path: string): void {
    if (node.disk.content.info(`${HOME}/${path}`) !== null) node.disk.content.remove(`${HOME}/${path}`);
  }

  #checkWhole(): void {
    for (const worker of this.#workers) {
      for (const [path, content] of Object.entries(worker.held)) {
        const where = `${worker.name} ${path}`;
        if (isWhole(content)) this.#cut.delete(where);
        else if (worker.isAlive && !this.#cut.has(where)) this.world.fail(`${where} is not whole`);
      }
      for (const path of OWN) {
        if (worker.disk.content.text(`${HOME}/${path}`) !== whole(`${worker.name}'s`)) {
          this.world.fail(`${path} of ${worker.name} was touched`);
        }
      }
    }
  }

  async #calm(): Promise<void> {
    this.#network.conditions = QUIET;
    for (const node of [this.#master, ...this.#workers]) {
      node.disk.troubles = NO_TROUBLES;
      node.disk.ending = null;
      this.#network.heal(node.address);
    }
    this.world.note("calm");
    await this.#pass(DOWN_MS_MAX);
    for (const node of [this.#master, ...this.#workers]) this.#restart(node);
    await this.#pass(RECOVERY_MS);
    for (let change = 0; change < 4; change++) this.#changeMaster();
    for (const worker of this.#workers) this.#changeWorker(worker);
    this.world.note("last changes");
    await this.#pass(TWO_PERIODS_MS);
    if (this.#master.workerNames.length !== this.#workers.length) {
      this.world.fail(`connected: ${this.#master.workerNames.join(", ")}`);
    }
    const wanted = this.#master.held;
    for (const worker of this.#workers) {
      const { held } = worker;
      const paths = new Set([...Object.keys(wanted), ...Object.keys(held)]);
      const unlike = [...paths].filter((path) => wanted[path] !== held[path]);
      if (unlike.length > 0) this.world.fail(`${worker.name} is unlike the master: ${unlike.join(", ")}`);
    }
  }

  async #farewell(): Promise<void> {
    for (const worker of this.#workers) worker.stop();
    await this.#pass(REQUEST_TIMEOUT_MS);
    if (this.#master.connections !== 0) this.world.fail(`${this.#master.connections} connections are left`);
    if (this.#network.openStreams !== 0) this.world.fail(`${this.#network.openStreams} streams are left`);
    for (const node of [this.#master, ...this.#workers]) {
      if (node.scratch.length > 0) this.world.fail(`left at ${node.name}: ${node.scratch.join(", ")}`);
    }
  }
}

export async function simulateCluster(options: { seed: number; steps: number }): Promise<ClusterReport> {
  const run = new ClusterRun(options.seed);
  await run.all(options.steps);
  const { failures, trace } = run.world;
  return { seed: options.seed, faults: failures, trace, files: run.files };
}
