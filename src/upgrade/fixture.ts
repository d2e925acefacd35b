/** For the tests of this folder: the service on fakes, and agents that take a package as real ones do, or misbehave. */
import { createHash } from "node:crypto";
import { type AgentId, agentIdOf } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import type { RequestOutcome, UpgradableAgent, UpgradeNeeds, UpgradeSettings } from "./needs.ts";
import { packagePath } from "./package-file.ts";
import { type UpgradeOrder, UpgradeService } from "./service.ts";

export const PACKAGE_BYTES = Buffer.alloc(70_000, "wpk ");
export const SHA1 = createHash("sha1").update(PACKAGE_BYTES).digest("hex");
export const PACKAGES = "/var/upgrade";
export const TASK_FILE = "/queue/tasks/upgrades.jsonl";
const OLD = "Wazuh v4.9.2";

/** As ossec.conf has them when it says nothing. */
export const SETTINGS: UpgradeSettings = {
  enabled: true,
  chunkBytes: 32_768,
  transfersMax: 8,
  repository: null,
  repositoryAuthorities: null,
};

/** What goes wrong with an agent; each at the step of its name. */
export type Misbehaviour =
  | "none"
  | "locked"
  | "busy_once"
  | "write"
  | "lies"
  | "refuses"
  | "silent"
  | "never_back"
  | "fails";

export class FakeAgent {
  readonly id: AgentId;
  readonly said: string[] = [];
  active = true;
  version = OLD;
  platform = "ubuntu";
  architecture = "x86_64";
  lastKeepaliveSeconds = 0;
  misbehaves: Misbehaviour = "none";
  upgraded = false;
  #written: Buffer[] = [];
  #opens = 0;

  constructor(number: number) {
    this.id = agentIdOf(number);
  }

  get view(): UpgradableAgent {
    const { id, active, version, platform, architecture, lastKeepaliveSeconds } = this;
    return { id, active, version, platform, architecture, lastKeepaliveSeconds };
  }

  answer(payload: Buffer): string | null {
    const text = payload.toString("latin1");
    this.said.push(text.slice(0, 60));
    if (this.misbehaves === "silent") return null;
    if (text === "com lock_restart -1") return this.misbehaves === "locked" ? "err Invalid timeout" : "ok ";
    if (text.startsWith("com ")) return this.#com(payload, text.slice("com ".length));
    const { command, parameters } = JSON.parse(text.slice("upgrade ".length));
    if (command === "write") this.#written.push(Buffer.from(parameters.buffer, "base64"));
    const message = this.#step(command);
    return JSON.stringify({
      error: message === null ? 7 : 0,
      message: message ?? "File not opened",
      data: [],
    });
  }

  #com(payload: Buffer, text: string): string {
    const [step = "", count] = text.split(" ");
    if (step === "write") this.#written.push(payload.subarray(payload.length - Number(count)));
    const message = this.#step(step);
    return message === null ? "err Cannot" : `ok ${message}`;
  }

  #step(command: string): string | null {
    switch (command) {
      case "open":
        this.#written = [];
        return this.misbehaves === "busy_once" && this.#opens++ === 0 ? null : "ok";
      case "write":
        return this.misbehaves === "write" && this.#written.length === 2 ? null : "ok";
      case "sha1":
        return this.misbehaves === "lies" ? "0".repeat(40) : sha1Of(this.#written);
      case "upgrade":
        this.upgraded = true;
        return this.misbehaves === "refuses" ? "1" : "0";
      default:
        return "ok";
    }
  }

  /** Back after its upgrade. */
  comeBack(atSeconds: number, version = "Wazuh v4.14.7"): void {
    this.active = true;
    this.version = version;
    this.lastKeepaliveSeconds = atSeconds;
  }
}

function sha1Of(parts: readonly Buffer[]): string {
  return createHash("sha1").update(Buffer.concat(parts)).digest("hex");
}

export class Site {
  readonly clock: FakeClock;
  readonly files: FakeFiles;
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly agents = new Map<string, FakeAgent>();
  service: UpgradeService;
  /** Requests that are held back, to be answered by `release()`. */
  holds = false;
  #held: (() => void)[] = [];

  constructor(agents: number) {
    this.clock = new FakeClock();
    this.files = new FakeFiles();
    for (let number = 1; number <= agents; number++) {
      const agent = new FakeAgent(number);
      this.agents.set(agent.id, agent);
    }
    this.service = this.#makeService();
    this.service.start();
  }

  agent(number: number): FakeAgent {
    const agent = this.agents.get(agentIdOf(number));
    if (agent === undefined) throw new Error(`no agent ${number}`);
    return agent;
  }

  /** As after a kill: what was not written is gone. */
  restart(): void {
    this.service.stop();
    this.service = this.#makeService();
    this.service.start();
  }

  order(changes: Partial<UpgradeOrder> = {}): UpgradeOrder {
    return {
      agents: [...this.agents.values()].map(({ id }) => id),
      path: "/tmp/wazuh_agent_v4.14.7_linux_x86_64.deb.wpk",
      version: null,
      installer: null,
      force: false,
      canary: { unit: "agents", value: 0 },
      wave: 50,
      failuresMax: { unit: "percent", value: 100 },
      healthSeconds: 600,
      taskNumbers: null,
      ...changes,
    };
  }

  /** Lets requests be answered and what follows from the answers happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  }

  release(): void {
    const held = this.#held;
    this.#held = [];
    this.holds = false;
    for (const run of held) run();
  }

  /** Every agent that installs comes back, and the service looks. */
  async allComeBack(): Promise<void> {
    this.clock.advance(2000);
    for (const agent of this.agents.values())
      if (agent.upgraded && agent.misbehaves !== "never_back") agent.comeBack(this.nowSeconds);
    this.clock.advance(1000);
    await this.settle();
  }

  get nowSeconds(): number {
    return Math.floor(this.clock.wallMs() / 1000);
  }

  states(campaign = 1): string {
    return this.service
      .tasks(campaign)
      .map(({ state }) => state[0])
      .join("");
  }

  #makeService(): UpgradeService {
    const needs: UpgradeNeeds = {
      clock: this.clock,
      files: this.files,
      log: this.log,
      metrics: this.metrics,
      managerVersion: "v4.14.7",
      settings: SETTINGS,
      packages: PACKAGES,
      taskFile: TASK_FILE,
      agent: (id) => this.agents.get(id)?.view ?? null,
      request: (id, payload) => this.#request(id, Buffer.from(payload)),
      preparePackage: (path) => {
        this.files.replace(packagePath(PACKAGES, SHA1), PACKAGE_BYTES);
        const name = path.slice(path.lastIndexOf("/") + 1);
        const scripts = ["upgrade.sh"];
        return Promise.resolve({
          ok: true,
          package: { name, sha1: SHA1, bytes: PACKAGE_BYTES.length, scripts },
        });
      },
    };
    return new UpgradeService(needs);
  }

  #request(id: AgentId, payload: Buffer): Promise<RequestOutcome> {
    return new Promise((resolve) => {
      const run = () => {
        const answer = this.agents.get(id)?.answer(payload) ?? null;
        resolve(
          answer === null ? { ok: false, code: "not_answered" } : { ok: true, answer: Buffer.from(answer) },
        );
      };
      if (this.holds) this.#held.push(run);
      else run();
    });
  }
}
