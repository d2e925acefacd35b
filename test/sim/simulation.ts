/**
 * One run: a manager and its agents through a storm of what may go wrong, then calm, then everybody leaves; the invariants are held
 * against it at each of these points.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, makeCertificate } from "#enrollment/certificate.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { parseGroupName } from "#model/agent.ts";
import type { FakeFiles } from "#testing/files.ts";
import { type AgentKind, SimulatedAgent } from "./agent.ts";
import { NO_TROUBLES, SimulatedDisk } from "./disk.ts";
import { History } from "./history.ts";
import { journalFaults, keyFaults, memoryFaults, outputFaults, stateFaults } from "./invariants.ts";
import { SimulatedManager } from "./manager.ts";
import { expected, HOME, type ManagerSettings } from "./manager-life.ts";
import { QUIET, SimulatedNetwork } from "./network.ts";
import { World } from "./world.ts";

const START_MS = Date.UTC(2026, 0, 15, 12, 0, 0);
const MANAGER_ADDRESS = "192.0.2.1";
const PAUSE_MS_MAX = 2500;
/** Longer than agents and manager need to find out about each other, at the settings of these runs. */
const CALM_MS = 20_000;
const QUIET_MS = 60_000;
const EMPTY_MS = 130_000;
const GROUPS = ["default", "web", "db"];
const KINDS: readonly AgentKind[] = [
  { protocol: "tcp", cipher: "aes", resends: true },
  { protocol: "tcp", cipher: "aes", resends: false },
  { protocol: "tcp", cipher: "blowfish", resends: true },
  { protocol: "udp", cipher: "aes", resends: false },
  { protocol: "udp", cipher: "blowfish", resends: false },
];

export type RunOptions = { readonly seed: number; readonly steps: number };

export type RunReport = {
  readonly seed: number;
  readonly steps: number;
  readonly faults: readonly string[];
  readonly events: number;
  readonly confirmed: number;
  readonly lives: number;
  readonly simulatedSeconds: number;
  readonly worldSteps: number;
  /** What happened last; empty when all is well. */
  readonly trace: readonly string[];
};

class Simulation {
  readonly world: World;
  readonly disk: SimulatedDisk;
  readonly network: SimulatedNetwork;
  readonly history: History;
  readonly manager: SimulatedManager;
  readonly agents: readonly SimulatedAgent[];
  readonly #settings: ManagerSettings;
  readonly #actions: readonly (() => void)[];

  constructor(seed: number, folder: string, certificate: Certificate) {
    const world = new World(seed, START_MS);
    this.world = world;
    this.disk = new SimulatedDisk(world);
    this.network = new SimulatedNetwork(world);
    this.history = new History(world);
    this.#settings = randomSettings(world);
    this.manager = new SimulatedManager({
      ...{ world, network: this.network, disk: this.disk, history: this.history, certificate, folder },
      address: MANAGER_ADDRESS,
      settings: this.#settings,
    });
    this.agents = Array.from({ length: world.between(2, 7) }, (_, number) => this.#makeAgent(number));
    for (const group of GROUPS) this.#writeGroup(group);
    this.#actions = this.#allActions();
  }

  /** True time at which the storm is over. */
  async storm(steps: number): Promise<void> {
    const { world } = this;
    this.manager.start();
    for (const agent of this.agents) world.after(world.below(5000), () => agent.start());
    for (let step = 0; step < steps && world.failures.length === 0; step++) {
      await world.run(world.nowMs + world.below(PAUSE_MS_MAX));
      world.random.pick(this.#actions)();
    }
  }

  /** Nothing goes wrong any more, and everybody finds out. */
  async calm(): Promise<void> {
    const { agents, disk, manager, network, world } = this;
    world.note("calm");
    disk.troubles = NO_TROUBLES;
    disk.ending = null;
    disk.content.freeSpace = Number.POSITIVE_INFINITY;
    network.conditions = QUIET;
    for (const address of [MANAGER_ADDRESS, ...agents.map(({ setup }) => setup.address)])
      network.heal(address);
    for (const agent of agents) if (!agent.running && world.chance(0.8)) agent.start();
    await world.run(world.nowMs + CALM_MS);
    for (const agent of agents) agent.quiet = true;
    await world.run(world.nowMs + QUIET_MS);
    this.#check(() => {
      const { life } = manager;
      if (life === null) return ["the manager does not run"];
      return [...keyFaults(life, disk.content), ...stateFaults(life, agents, disk.content)];
    });
  }

  /** All agents leave, most of them without a word; then the manager stops. */
  async leave(): Promise<void> {
    const { agents, disk, history, manager, world } = this;
    for (const agent of agents) agent.stop(world.random.pick(["goodbye", "kill", "power_loss"]));
    await world.run(world.nowMs + EMPTY_MS);
    this.#check(() => {
      const { life } = manager;
      if (life === null) return ["the manager does not run"];
      return [...memoryFaults(life), ...stateFaults(life, agents, disk.content)];
    });
    manager.hold();
    manager.stop();
    await world.run(world.nowMs + 20_000, () => manager.life === null);
    this.#check(() => [...journalFaults(history, this.#settings), ...outputFaults(history, disk.content)]);
  }

  report(seed: number, steps: number): RunReport {
    const { history, manager, world } = this;
    return {
      seed,
      steps,
      faults: world.failures,
      events: history.accepted.size,
      confirmed: history.confirmedEvents.size,
      lives: manager.starts,
      simulatedSeconds: Math.round(world.nowMs / 1000),
      worldSteps: world.steps,
      trace: world.failures.length === 0 ? [] : world.trace,
    };
  }

  #check(faults: () => readonly string[]): void {
    if (this.world.failures.length > 0) return;
    for (const fault of faults()) this.world.fail(fault);
  }

  #makeAgent(number: number): SimulatedAgent {
    const { history, network, world } = this;
    return new SimulatedAgent({
      ...{ history, network, world, number },
      manager: MANAGER_ADDRESS,
      address: `198.51.100.${number + 1}`,
      kind: world.random.pick(KINDS),
      groups: world.chance(0.3) ? world.random.pick(GROUPS) : null,
    });
  }

  #allActions(): (() => void)[] {
    const { disk, manager, network, world } = this;
    const say = (text: string): void => world.note(`action: ${text}`);
    return [
      () => {
        const how = world.random.pick(["kill", "power_loss"] as const);
        say(`manager ${how}`);
        manager.end(how);
      },
      () => {
        disk.ending = {
          operationsLeft: world.below(60),
          how: world.random.pick(["kill", "power_loss"]),
        };
        say(`manager ends after ${disk.ending.operationsLeft} operations`);
      },
      () => {
        say("manager stops");
        manager.stop();
      },
      () => this.#troubleDisk(),
      () => {
        const bytes = world.below(20_000);
        say(`disk has ${bytes} bytes left`);
        disk.content.freeSpace = bytes;
        world.after(world.between(200, 6000), () => {
          disk.content.freeSpace = Number.POSITIVE_INFINITY;
        });
      },
      () => this.#changeNetwork(),
      () => {
        const address = world.random.pick([MANAGER_ADDRESS, this.#agent().setup.address]);
        say(`partition of ${address}`);
        network.partition(address);
        world.after(world.between(100, 40_000), () => network.heal(address));
      },
      () => {
        const { name, setup } = this.#agent();
        const how = world.random.pick(["reset", "silence"] as const);
        if (network.disturb(setup.address, how)) say(`${how} of a connection of ${name}`);
      },
      () => {
        const minutes = world.between(-90, 90);
        say(`manager's clock jumps by ${minutes} minutes`);
        manager.clockOffsetMs += minutes * 60_000;
      },
      () => {
        const ms = world.between(100, 15_000);
        say(`analysis stands still for ${ms} ms`);
        if (manager.life !== null) manager.life.analysis.stalledUntilMs = world.nowMs + ms;
      },
      () => this.#stopOrStartAgent(),
      () => this.#agent().reconnect(),
      () => this.#agent().burst(world.between(1, 120)),
      () => this.#removeAgent(),
      () => this.#editKeys(),
      () => this.#moveGroup(),
      () => this.#writeGroup(world.random.pick(GROUPS)),
    ];
  }

  #agent(): SimulatedAgent {
    return this.world.random.pick(this.agents);
  }

  #troubleDisk(): void {
    const { disk, world } = this;
    const operation = world.random.pick(["open", "write", "sync", "rename"] as const);
    const share = world.random.pick([0.1, 0.5, 1]);
    const forMs = world.between(50, 4000);
    world.note(`action: ${share} of ${operation} fail for ${forMs} ms`);
    disk.troubles = { ...NO_TROUBLES, [operation]: share };
    world.after(forMs, () => {
      disk.troubles = NO_TROUBLES;
    });
  }

  #changeNetwork(): void {
    const { network, world } = this;
    const slow = world.random.pick([2, 30, 400]);
    network.conditions = {
      latencyMs: { from: 0, to: slow },
      cut: world.random.pick([0, 0.3, 1]),
      drop: world.random.pick([0, 0.05, 0.4]),
      duplicate: world.random.pick([0, 0.05, 0.4]),
      lateMsMax: world.random.pick([0, 50, 3000]),
    };
    world.note(`action: network ${JSON.stringify(network.conditions)}`);
  }

  #stopOrStartAgent(): void {
    const agent = this.#agent();
    const { world } = this;
    if (!agent.running) {
      agent.start();
      return;
    }
    const how = world.random.pick(["goodbye", "kill", "power_loss"] as const);
    world.note(`action: ${agent.name} stops: ${how}`);
    agent.stop(how);
    if (world.chance(0.8)) world.after(world.between(10, 20_000), () => agent.start());
  }

  #removeAgent(): void {
    const agent = this.#agent();
    const id = agent.identity?.id;
    if (id === undefined) return;
    // While what it said is on its way through the manager.
    if (this.world.chance(0.5)) agent.keepalive();
    this.world.after(this.world.below(150), () => {
      this.world.note(`action: ${agent.name} (${id}) is removed`);
      this.manager.life?.remove(id, this.world.chance(0.5));
    });
  }

  /** As an administrator's editor does: what was added meanwhile may be gone with it. */
  #editKeys(): void {
    const { disk, world } = this;
    const path = `${HOME}/etc/client.keys`;
    if (disk.content.info(path) === null) return;
    const agent = this.#agent();
    const lines = disk.content.text(path).split("\n");
    const at = lines.findIndex((line) => line.startsWith(`${agent.identity?.id} ${agent.name} `));
    const line = lines[at];
    if (line === undefined) return;
    const remove = world.chance(0.3);
    const key = world.random.bytes(32).toString("hex");
    const edited = remove ? [] : [line.replace(/\S+$/, key)];
    world.note(`action: client.keys edited: ${agent.name} ${remove ? "removed" : "has another key"}`);
    const text = lines.toSpliced(at, 1, ...edited).join("\n");
    if (world.chance(0.5)) this.#byHand((content) => content.replace(path, Buffer.from(text)));
    else this.#writeInPieces(path, text);
    if (remove) this.history.takenAway(line.slice(0, line.indexOf(" ")));
    else agent.useKey(key);
  }

  #writeInPieces(path: string, text: string): void {
    const { disk, world } = this;
    const half = world.below(text.length + 1);
    const file = disk.content.open(path, "update");
    this.#byHand(() => {
      file.truncate(0);
      file.write(Buffer.from(text.slice(0, half)), 0);
    });
    world.after(world.below(400), () =>
      this.#byHand(() => {
        file.write(Buffer.from(text.slice(half)), half);
        file.sync();
      }),
    );
  }

  /** What an administrator does to files; the troubles of the disk are the manager's. */
  #byHand(act: (content: FakeFiles) => void): void {
    const { content } = this.disk;
    const { freeSpace } = content;
    content.nowMs = this.world.wallMs;
    content.freeSpace = Number.POSITIVE_INFINITY;
    act(content);
    content.freeSpace = freeSpace;
  }

  #moveGroup(): void {
    const { manager, world } = this;
    const agent = this.#agent();
    const entry = [...(manager.life?.registry.keys.entries() ?? [])].find(
      ({ id }) => id === agent.identity?.id,
    );
    const groups = [world.random.pick(GROUPS), ...(world.chance(0.3) ? [world.random.pick(GROUPS)] : [])];
    const names = [...new Set(groups)].flatMap((name) => parseGroupName(name) ?? []);
    if (entry === undefined) return;
    world.note(`action: ${agent.name} is in ${names.join(",")}`);
    try {
      manager.life?.registry.agents.setGroups(entry.id, names);
    } catch (error) {
      expected(error);
    }
  }

  #writeGroup(group: string): void {
    const { world } = this;
    const folder = `${HOME}/etc/shared/${group}`;
    const text = `<agent_config>\n  <!-- ${world.random.bytes(8).toString("hex")} -->\n</agent_config>\n`;
    const list = "line\n".repeat(world.below(1500));
    this.#byHand((content) => {
      content.makeDirectory(folder);
      content.replace(`${folder}/agent.conf`, Buffer.from(text));
      content.replace(`${folder}/list.txt`, Buffer.from(list));
    });
  }
}

function randomSettings(world: World): ManagerSettings {
  return {
    connection: {
      overtakeSeconds: world.random.pick([2, 10]),
      disconnectionSeconds: world.random.pick([20, 40]),
      verifyMessageIds: world.chance(0.3),
      receivedCounterFlush: world.random.pick([1, 16, 128]),
    },
    journal: {
      segmentBytes: world.random.pick([2000, 20_000, 200_000]),
      journalBytesMax: world.random.pick([600_000, 2_000_000, 20_000_000]),
    },
    purge: world.chance(0.5),
  };
}

let certificate: Promise<Certificate> | null = null;

/** Nobody looks at it: TLS is a flag here. Made once, because that takes its time. */
function anyCertificate(): Promise<Certificate> {
  const subject = { hostName: "manager01", addresses: ["127.0.0.1"], nowMs: Date.now() };
  certificate ??= makeCertificate(subject, systemRandom);
  return certificate;
}

export async function simulate(options: RunOptions): Promise<RunReport> {
  const folder = mkdtempSync(join(tmpdir(), "cyb3rhq-sim-"));
  try {
    const simulation = new Simulation(options.seed, folder, await anyCertificate());
    await simulation.storm(options.steps);
    await simulation.calm();
    await simulation.leave();
    return simulation.report(options.seed, options.steps);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
