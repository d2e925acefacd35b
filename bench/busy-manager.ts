/** A manager that knows many agents, in a process of its own, for benchmarks that look at it from outside. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { homePaths } from "#daemons/home.ts";
import { TestAgent } from "#testing/agent.ts";
import { LOOPBACK, makeHome, removeHome, type TestHome, writeInto } from "../test/e2e/home.ts";
import { ManagerProcess } from "../test/e2e/manager-process.ts";
import { until } from "../test/e2e/until.ts";
import { agentIdentity, clientKeys } from "./agents.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { cpuSecondsOf } from "./processor-time.ts";

const WAIT_MS_MAX = 30_000;
/** The manager writes its counters every five seconds. */
const STATE_PERIOD_MS = 5500;

export type ManagerCounters = Readonly<Record<string, number>>;
export type ManagerState = { readonly writtenMs: number; readonly counters: ManagerCounters };

export type BusyManagerOptions = {
  readonly agents: number;
  /** The peer's rule set is below it; null: the project's own. */
  readonly dataDirectory: string | null;
  readonly archives: boolean;
  /** As `<protocol>` has it. */
  readonly protocol?: "tcp" | "udp" | "tcp,udp";
};

export class BusyManager {
  readonly home: TestHome;
  readonly #agents: number;
  readonly #args: readonly string[];
  #process: ManagerProcess;
  #mergedSum: Promise<string> | null = null;

  private constructor(home: TestHome, agents: number, args: readonly string[], process: ManagerProcess) {
    this.home = home;
    this.#agents = agents;
    this.#args = args;
    this.#process = process;
  }

  static async start({
    agents,
    dataDirectory,
    archives,
    protocol,
  }: BusyManagerOptions): Promise<BusyManager> {
    const home = await makeHome();
    const path = join(home.path, "etc/ossec.conf");
    const protocols = `<protocol>${protocol ?? "tcp"}</protocol></remote>`;
    const config = readFileSync(path, "latin1").replace("</remote>", protocols);
    const all = archives ? config : config.replaceAll(/<(logall|logall_json)>yes/g, "<$1>no");
    writeInto(home.path, "etc/ossec.conf", all);
    writeInto(home.path, "etc/client.keys", clientKeys(agents + 1));
    const ruleset = dataDirectory === null ? [] : ["--ruleset", join(dataDirectory, RULESET_FOLDER)];
    const args = ["--quiet", ...ruleset];
    return new BusyManager(home, agents, args, await ManagerProcess.start(home, args));
  }

  get pid(): number {
    return this.#process.pid;
  }

  get rssBytes(): number {
    return this.#process.rssBytes;
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** The sum of the group's files, as an agent more than the others is given them. */
  mergedSum(): Promise<string> {
    // Asked for once: later there may be no room for one more.
    this.#mergedSum ??= this.#askMergedSum();
    return this.#mergedSum;
  }

  async #askMergedSum(): Promise<string> {
    const identity = agentIdentity(this.#agents + 1);
    const agent = new TestAgent({ host: LOOPBACK, port: this.home.agentPort, identity });
    await agent.connect();
    await agent.keepalive();
    await until("the group's files", WAIT_MS_MAX, () => agent.shared !== null);
    await agent.shutdown();
    return agent.shared?.sum ?? "";
  }

  /** As the manager itself counts, not older than this call. */
  async counters(): Promise<ManagerCounters> {
    return (await this.state()).counters;
  }

  /** The same, with the time at which it was written. */
  async state(): Promise<ManagerState> {
    await delay(STATE_PERIOD_MS);
    return JSON.parse(readFileSync(homePaths(this.home.path).state, "utf8"));
  }

  async restart(): Promise<void> {
    await this.#process.stop();
    this.#process = await ManagerProcess.start(this.home, this.#args);
  }

  /** For an end that need not be in order; the home is gone then. */
  async remove(): Promise<void> {
    await this.#process.kill();
    removeHome(this.home);
  }

  /** Ends it in order; the home stays. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
