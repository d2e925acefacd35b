/** One node of a simulated cluster: a host with a disk, and the processes that run on it one after the other, put together as `daemons/` does. */
import type { ClusterNode } from "#cluster/config.ts";
import { runHeavyJob } from "#cluster/heavy-work.ts";
import { MasterIntegrity } from "#cluster/master/integrity.ts";
import { MasterServer } from "#cluster/master/server.ts";
import type { ClusterNeeds, Dialer, HeavyJob, HeavyResult, HeavyWork } from "#cluster/needs.ts";
import { emptyScratch } from "#cluster/scratch.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import { itemHolding } from "#formats/wire/cluster/items.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { Secret } from "#model/secret.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { SimulatedDisk } from "./disk.ts";
import type { SimulatedHost, SimulatedNetwork } from "./network.ts";
import { type ProcessEnding, SimulatedProcess, type World } from "./world.ts";

export const HOME = "/home";
export const PORT = 1516;
export const MASTER_ADDRESS = "192.0.2.1";
/** As the dialer of `daemons/`. */
const CONNECT_TIMEOUT_MS = 20_000;
const HEAVY_MS_MAX = 40;
/** The system's service manager does. */
const START_AGAIN_MS = 5000;

type Life = { readonly process: SimulatedProcess; readonly stop: () => void };

export type NodeNeeds = ClusterNeeds & { readonly network: SimulatedHost; readonly dialer: Dialer };

export abstract class SimulatedNode {
  readonly name: string;
  readonly disk: SimulatedDisk;
  protected readonly world: World;
  readonly #network: SimulatedNetwork;
  readonly #address: string;
  #life: Life | null = null;
  #lives = 0;

  constructor(world: World, network: SimulatedNetwork, name: string, address: string) {
    this.world = world;
    this.name = name;
    this.disk = new SimulatedDisk(world);
    this.#network = network;
    this.#address = address;
    this.disk.content.makeDirectory(`${HOME}/queue/cluster`);
  }

  get isAlive(): boolean {
    return this.#life?.process.alive === true;
  }

  get address(): string {
    return this.#address;
  }

  start(): void {
    if (this.isAlive) return;
    const process = new SimulatedProcess(this.world, `${this.name}.${++this.#lives}`);
    this.world.note(`${process.name} starts`);
    const files = this.disk.filesOf(process);
    const host = this.#network.hostOf(this.#address, process);
    const needs = { ...this.#needs(process, files), network: host, dialer: dialerOf(host, process) };
    try {
      emptyScratch(files, HOME);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    try {
      this.#life = { process, stop: this.run(needs, process) };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.world.note(`${process.name} cannot start: ${error.message}`);
      process.end("kill");
      this.world.after(START_AGAIN_MS, () => this.start());
    }
  }

  /** How many processes it has had. */
  get lives(): number {
    return this.#lives;
  }

  /** Null when it does not run. */
  get process(): SimulatedProcess | null {
    return this.#life !== null && this.isAlive ? this.#life.process : null;
  }

  end(how: ProcessEnding): void {
    this.world.note(`${this.name} ends: ${how}`);
    this.#life?.process.end(how);
  }

  /** As an operator stops it; its connections are closed. */
  stop(): void {
    if (this.isAlive) this.#life?.stop();
  }

  /** Gives what stops it. Throws what keeps a process from starting. */
  protected abstract run(needs: NodeNeeds, process: SimulatedProcess): () => void;

  protected get node(): ClusterNode {
    const key = new Secret("c98b62a9b6169ac5f67dae55ae4a9088");
    const where = { bindAddress: "0.0.0.0", masterAddress: MASTER_ADDRESS, port: PORT };
    return { home: HOME, nodeName: this.name, clusterName: "wazuh", version: "4.14.7", key, ...where };
  }

  /** What is synchronised of this node's files, by their contents. */
  get held(): Readonly<Record<string, string>> {
    const { content } = this.disk;
    const paths = content.paths().map((path) => path.slice(HOME.length + 1));
    const synced = paths.filter((path) => itemHolding(path) !== null);
    return Object.fromEntries(synced.map((path) => [path, content.text(`${HOME}/${path}`)]));
  }

  get scratch(): readonly string[] {
    return this.disk.content.list(`${HOME}/queue/cluster`).map(({ name }) => name);
  }

  #needs(process: SimulatedProcess, files: Files): ClusterNeeds {
    const { random } = this.world;
    return {
      clock: process,
      random: { bytes: (count) => random.bytes(count), below: (bound) => random.below(bound) },
      log: { write: (level, text) => this.world.note(`${process.name} ${level} ${text}`) },
      files,
      heavy: heavyOf(this.world, process, files),
      metrics: new RecordingMetrics(),
    };
  }
}

/** The jobs of a process take a while, and end with it. */
function heavyOf(world: World, process: SimulatedProcess, files: Files): HeavyWork {
  return {
    run: <Kind extends HeavyJob["kind"]>(job: Extract<HeavyJob, { kind: Kind }>) =>
      new Promise<HeavyResult[Kind]>((resolve, reject) => {
        process.after(world.between(0, HEAVY_MS_MAX), () => {
          try {
            resolve(runHeavyJob(files, job) as HeavyResult[Kind]);
          } catch (error) {
            reject(error);
          }
        });
      }),
  };
}

function dialerOf(host: SimulatedHost, process: SimulatedProcess): Dialer {
  return {
    connect: (address, port, handler) =>
      new Promise((resolve, reject) => {
        let isOver = false;
        const timer = process.after(CONNECT_TIMEOUT_MS, () => {
          isOver = true;
          reject(new CodedError("connect_failed", `no answer of ${address}:${port}`));
        });
        host.open({ address, port }, handler).then(
          (connection) => {
            timer.cancel();
            if (isOver) connection.destroy();
            else resolve(connection);
          },
          (error) => {
            timer.cancel();
            reject(error);
          },
        );
      }),
  };
}

export class SimulatedMaster extends SimulatedNode {
  #server: MasterServer | null = null;

  constructor(world: World, network: SimulatedNetwork) {
    super(world, network, "master", MASTER_ADDRESS);
  }

  get connections(): number {
    return this.#server?.connections ?? 0;
  }

  get workerNames(): readonly string[] {
    return this.#server?.workers.map(({ name }) => name) ?? [];
  }

  protected run(needs: NodeNeeds): () => void {
    const integrity = new MasterIntegrity(HOME, needs);
    const server = new MasterServer(this.node, needs, {
      welcomed: ({ name, session }) => session.serve(integrity.workerTask(name, session).handlers),
      left: () => {},
    });
    this.#server = server;
    void integrity.start();
    void server.start();
    return () => {
      integrity.stop();
      void server.stop();
    };
  }
}

export class SimulatedWorker extends SimulatedNode {
  protected run(needs: NodeNeeds): () => void {
    let integrity: WorkerIntegrity | null = null;
    const client = new WorkerClient(this.node, needs, {
      handlers: (session) => {
        const options = { home: HOME, nodeName: this.name, checked: () => {} };
        integrity = new WorkerIntegrity(options, session, needs, integrity?.table);
        return integrity.handlers;
      },
      joined: () => integrity?.start(),
      left: () => integrity?.stop(),
    });
    client.start();
    return () => client.stop();
  }
}
