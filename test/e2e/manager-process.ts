/** The manager as users run it: a process of its own, started by the launcher, spoken to by signals and sockets only. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TestHome } from "./home.ts";
import { until } from "./until.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
/** What it prints when it serves. */
const SERVING = "is running (pid ";
/** Machines that are busy with other tests are slow. */
const START_MS_MAX = 60_000;
const EXIT_MS_MAX = 60_000;

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A manager has the rights of the test unless that says --user, whichever users there are on this machine. */
const ENVIRONMENT = process.getuid?.() === 0 ? { ...process.env, CYB3RHQ_USER: "root" } : process.env;

const running = new Set<ChildProcess>();
// A test that failed must not leave a manager behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class ManagerProcess {
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";
  #ended: Ended | null = null;

  private constructor(home: string, args: readonly string[], within: readonly string[] = []) {
    const [command = LAUNCHER, ...rest] = [...within, LAUNCHER, "start", "--home", home, ...args];
    const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env: ENVIRONMENT });
    this.#child = child;
    running.add(child);
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString("latin1");
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString("latin1");
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      this.#ended = { code, signal };
    });
  }

  /** Does not wait for anything. */
  static launch(home: string, args: readonly string[] = []): ManagerProcess {
    return new ManagerProcess(home, args);
  }

  /** Resolves when it serves. `within` is a command that executes the one behind it, in the same process. */
  static async start(
    home: TestHome,
    args: readonly string[] = [],
    within: readonly string[] = [],
  ): Promise<ManagerProcess> {
    const manager = new ManagerProcess(home.path, args, within);
    await manager.serving();
    return manager;
  }

  /** Runs one that is expected to refuse. */
  static async refused(
    home: string,
    args: readonly string[] = [],
    within: readonly string[] = [],
  ): Promise<ManagerProcess> {
    const manager = new ManagerProcess(home, args, within);
    await until("the manager refuses", EXIT_MS_MAX, () => manager.ended !== null);
    return manager;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Null while it runs. */
  get ended(): Ended | null {
    return this.#ended;
  }

  /** Of physical memory, as the kernel counts it. */
  get rssBytes(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "latin1"))?.[1];
    return Number(kilobytes) * 1024;
  }

  async serving(): Promise<void> {
    await until("the manager serves", START_MS_MAX, () => {
      if (this.#ended !== null) throw new Error(`the manager ended: ${this.#stdout}${this.#stderr}`);
      return this.#stdout.includes(SERVING);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to stop; resolves with how it ended and how long that took. */
  async stop(): Promise<Ended & { readonly milliseconds: number }> {
    const begun = performance.now();
    const ended = await this.#endBy("SIGTERM");
    return { ...ended, milliseconds: performance.now() - begun };
  }

  /** Ends it as a crash would, and waits until the system has let go of its files. */
  kill(): Promise<Ended> {
    return this.#endBy("SIGKILL");
  }

  async #endBy(signal: NodeJS.Signals): Promise<Ended> {
    this.signal(signal);
    await until(`the manager ends after ${signal}`, EXIT_MS_MAX, () => this.#ended !== null);
    return this.#ended ?? { code: null, signal };
  }
}
