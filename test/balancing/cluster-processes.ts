/** Real managers as the nodes of a cluster: processes of their own, each on an address of loopback of its own, all on the same ports. */
import { execFile, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { forEachEvent } from "#model/event-block.ts";
import type { TestAgentIdentity } from "#testing/agent.ts";
import { freePort, readOutput, type TestHome, temporaryDirectory, writeInto } from "../e2e/home.ts";
import { ManagerProcess } from "../e2e/manager-process.ts";
import { until } from "../e2e/until.ts";
import { DeadJournal } from "../kill/journal.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const run = promisify(execFile);
/** A check of the workers' files, and the slowness of a busy machine. */
const SYNCHRONISED_MS_MAX = 40_000;

const DECODERS = `<decoder name="probe">
  <program_name>^probe$</program_name>
</decoder>
<decoder name="probe-fields">
  <parent>probe</parent>
  <regex>number=(\\S+)</regex>
  <order>id</order>
</decoder>
`;

/** Every event alerts. */
const RULES = `<group name="probe,">
  <rule id="1" level="0" noalert="1">
    <category>syslog</category>
    <description>Events of syslog decoders.</description>
  </rule>
  <rule id="100001" level="3">
    <decoded_as>probe</decoded_as>
    <description>Probe $(id).</description>
  </rule>
</group>
`;

const EVENT_LIMIT = /<limits>.*<\/limits>/;
const NUMBER = /number=([\d-]+)$/;

export function probeEvent(number: string): string {
  return `1:/var/log/probe:Nov 21 10:00:00 host probe: number=${number}`;
}

export type ListedAgent = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** Null for an agent that never reported. */
  readonly node: string | null;
};

export type ClusterOptions = {
  readonly workers: number;
  /** Goes into `<remote>` and `<auth>` of every node. */
  readonly remote?: string;
  readonly auth?: string;
  /** Goes into every node's `<cluster>`, where workers leave it alone; given the directory of all homes. */
  readonly helper?: (directory: string) => string;
  /** Agents that every node knows from its start. */
  readonly agents?: number;
  /** The master sees each worker's own address, which takes a route of this machine: see `ROUTES_NEED`. */
  readonly hasRoutes?: boolean;
};

/** On loopback every connection comes from 127.0.0.1, unless a route says otherwise. */
export const ROUTES_NEED =
  (process.getuid?.() !== 0 || spawnSync("ip", ["-V"]).status !== 0) &&
  "needs root and the program ip, for addresses of loopback that workers come from";
const LOG_CHARS_SHOWN = 3000;
/** From here on are addresses of the master, one for each worker, with routes that give the worker's connection its own. */
const MASTER_FOR_WORKERS_AT = 200;

/** Of one cluster: nobody else's test has the same addresses. */
export type Network = {
  /** `at` from 1 to 250. */
  readonly address: (at: number) => string;
  readonly agentPort: number;
  readonly enrollmentPort: number;
  readonly clusterPort: number;
};

export class ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly home: TestHome;
  #process: ManagerProcess | null = null;

  constructor(name: string, address: string, home: TestHome) {
    this.name = name;
    this.address = address;
    this.home = home;
  }

  /** Before a start: how many events a second are analysed; what comes faster waits in the journal. Null for no limit. */
  limitAnalysis(eventsPerSecond: number | null): void {
    const path = join(this.home.path, "etc/ossec.conf");
    const config = readFileSync(path, "latin1").replace(EVENT_LIMIT, "");
    const limit = `<limits><eps><maximum>${eventsPerSecond}</maximum><timeframe>1</timeframe></eps></limits>`;
    const added = eventsPerSecond === null ? config : config.replace("</global>", `${limit}</global>`);
    writeInto(this.home.path, "etc/ossec.conf", added);
  }

  async start(): Promise<void> {
    this.#process = await ManagerProcess.start(this.home, ["--quiet"]);
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = null;
  }

  async stop(): Promise<void> {
    if (this.#process !== null && this.#process.ended === null) await this.#process.stop();
    this.#process = null;
  }

  /** How often each event's number is among its alerts. */
  alerts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    // Whole documents are parsed elsewhere; here thousands of them are read again and again.
    for (const [, number = ""] of readOutput(this.home, "alerts", "json").matchAll(/number=([\d-]+)"/g))
      counts.set(number, (counts.get(number) ?? 0) + 1);
    return counts;
  }

  /** For whoever asks why a test failed. */
  get state(): string {
    const process = this.#process;
    const ended = process === null ? "does not run" : JSON.stringify(process.ended);
    return `== ${this.name}: ${ended}\n${process?.stderr ?? ""}${this.clusterLog().slice(-LOG_CHARS_SHOWN)}`;
  }

  /** Numbers of the events in its journal, which is what it has accepted; it must be dead. */
  accepted(): ReadonlySet<string> {
    const numbers = new Set<string>();
    const visitor = {
      event: ({ message }: { readonly message: string }) => {
        const number = NUMBER.exec(message)?.[1];
        if (number !== undefined) numbers.add(number);
      },
      control: () => {},
    };
    new DeadJournal(this.home.path).readNew((block) => forEachEvent(block, visitor));
    return numbers;
  }

  clusterLog(): string {
    const path = join(this.home.path, "logs/cluster.log");
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  }

  /** What a command of this home answers with `--json`. */
  async ask(...words: readonly string[]): Promise<unknown> {
    const { stdout } = await run(LAUNCHER, [...words, "--json", "--home", this.home.path]);
    return JSON.parse(stdout);
  }

  /** As this node knows them. */
  async agents(): Promise<readonly ListedAgent[]> {
    const listed = await this.ask("agents", "list");
    return Array.isArray(listed) ? listed : [];
  }
}

export class TestCluster {
  readonly network: Network;
  readonly nodes: readonly ClusterNode[];
  /** Those of `ClusterOptions.agents`. */
  readonly identities: readonly TestAgentIdentity[];
  readonly #directory: string;
  readonly #routes: readonly (readonly string[])[];

  private constructor(
    { network, nodes, identities, routes }: Pick<TestCluster, "network" | "nodes" | "identities"> & Routes,
    directory: string,
  ) {
    this.network = network;
    this.nodes = nodes;
    this.identities = identities;
    this.#routes = routes;
    this.#directory = directory;
  }

  /** The homes; nothing runs yet. The master is the first node. */
  static async make(options: ClusterOptions): Promise<TestCluster> {
    const directory = temporaryDirectory();
    const network = await makeNetwork();
    const key = randomBytes(16).toString("hex");
    const identities = Array.from({ length: options.agents ?? 0 }, (_, at) => identity(at + 1));
    const keys = identities.map(({ id, name, key }) => `${id} ${name} any ${key}\n`).join("");
    const nodes = Array.from({ length: options.workers + 1 }, (_, at) => {
      const name = at === 0 ? "master" : `worker${at}`;
      const { agentPort, enrollmentPort } = network;
      const home = { path: join(directory, name), agentPort, enrollmentPort };
      writeInto(home.path, "etc/ossec.conf", configOf(network, at, { ...options, name, key, directory }));
      writeInto(home.path, "etc/client.keys", keys);
      writeInto(home.path, "probe-rules/decoders/probe.xml", DECODERS);
      writeInto(home.path, "probe-rules/rules/probe.xml", RULES);
      return new ClusterNode(name, network.address(at + 1), home);
    });
    const routes = options.hasRoutes === true ? nodes.slice(1).map((_, at) => routeOf(network, at + 1)) : [];
    for (const route of routes) await run("ip", ["route", "add", ...route]);
    return new TestCluster({ network, nodes, identities, routes }, directory);
  }

  get master(): ClusterNode {
    return this.node("master");
  }

  node(name: string): ClusterNode {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  async start(): Promise<void> {
    // A worker that does not find the master waits 10 s before it tries again.
    await this.master.start();
    await Promise.all(this.nodes.map((node) => (node === this.master ? undefined : node.start())));
  }

  /** Every node knows these agents. */
  async keysAreEverywhere(ids: readonly string[]): Promise<void> {
    for (const node of this.nodes) {
      await this.eventually(`${node.name} has every key`, SYNCHRONISED_MS_MAX, async () => {
        const known = new Set((await node.agents()).map(({ id }) => id));
        return ids.every((id) => known.has(id));
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    for (const route of this.#routes) await run("ip", ["route", "del", ...route]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get state(): string {
    return this.nodes.map(({ state }) => state).join("\n");
  }

  /** Waits; when it is in vain, what the nodes say is in the error. */
  async eventually(
    what: string,
    milliseconds: number,
    condition: () => boolean | Promise<boolean>,
  ): Promise<void> {
    await until(what, milliseconds, condition).catch((error: unknown) => {
      throw new Error(`not within ${milliseconds} ms: ${what}\n${this.state}`, { cause: error });
    });
  }

  path(name: string): string {
    return join(this.#directory, name);
  }
}

async function makeNetwork(): Promise<Network> {
  const [agentPort, enrollmentPort, clusterPort] = [await freePort(), await freePort(), await freePort()];
  const third = randomInt(1, 250);
  const second = randomInt(1, 250);
  const address = (at: number) => `127.${second}.${third}.${at}`;
  return { address, agentPort, enrollmentPort, clusterPort };
}

type Routes = { readonly routes: readonly (readonly string[])[] };

function masterFor({ address }: Network, worker: number): string {
  return address(MASTER_FOR_WORKERS_AT + worker);
}

function routeOf(network: Network, worker: number): readonly string[] {
  const own = network.address(worker + 1);
  return ["local", `${masterFor(network, worker)}/32`, "dev", "lo", "src", own, "table", "local"];
}

function identity(at: number): TestAgentIdentity {
  const key = randomBytes(32).toString("hex");
  return { id: String(at).padStart(3, "0"), name: `agent${at}`, address: "any", key };
}

type NodeOptions = ClusterOptions & {
  readonly name: string;
  readonly key: string;
  readonly directory: string;
};

function configOf(network: Network, at: number, options: NodeOptions): string {
  const { address, agentPort, enrollmentPort, clusterPort } = network;
  const { name, key, directory, remote = "", auth = "", helper = () => "", hasRoutes = false } = options;
  const master = hasRoutes && at > 0 ? masterFor(network, at) : address(1);
  return `<ossec_config>
  <global>
    <jsonout_output>yes</jsonout_output>
    <alerts_log>no</alerts_log>
  </global>
  <remote>
    <connection>secure</connection>
    <port>${agentPort}</port>
    <protocol>tcp,udp</protocol>
    <local_ip>${address(at + 1)}</local_ip>
    ${remote}
  </remote>
  <auth>
    <port>${enrollmentPort}</port>
    ${auth}
  </auth>
  <ruleset>
    <decoder_dir>probe-rules/decoders</decoder_dir>
    <rule_dir>probe-rules/rules</rule_dir>
  </ruleset>
  <cluster>
    <name>balanced</name>
    <node_name>${name}</node_name>
    <node_type>${at === 0 ? "master" : "worker"}</node_type>
    <key>${key}</key>
    <port>${clusterPort}</port>
    <bind_addr>${hasRoutes ? "0.0.0.0" : address(at + 1)}</bind_addr>
    <nodes><node>${master}</node></nodes>
    <disabled>no</disabled>
    ${helper(directory)}
  </cluster>
</ossec_config>
`;
}
