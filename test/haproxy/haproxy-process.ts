/** A real HAProxy in master-worker mode on loopback, with its stats socket. Shares no code with the helper. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createConnection } from "node:net";
import { until } from "../e2e/until.ts";

const PROGRAM = "/usr/sbin/haproxy";
const START_MS_MAX = 10_000;
const RELOAD_AGAIN_MS = 2000;

export const NO_HAPROXY =
  spawnSync(PROGRAM, ["-v"]).status !== 0 && "no haproxy program: the helper was not tried with a real one";

/** Null when HAProxy takes these files, else what it says. */
export function configurationProblem(files: readonly string[]): string | null {
  const { status, stderr } = spawnSync(PROGRAM, ["-c", ...files.flatMap((file) => ["-f", file])], {
    encoding: "utf8",
  });
  return status === 0 ? null : stderr;
}

export class HaproxyProcess {
  readonly #child: ChildProcess;
  readonly #socket: string;

  private constructor(child: ChildProcess, socket: string) {
    this.#child = child;
    this.#socket = socket;
  }

  /** The files say where the stats socket is. */
  static async start(files: readonly string[], socket: string): Promise<HaproxyProcess> {
    const child = spawn(PROGRAM, ["-W", "-db", ...files.flatMap((file) => ["-f", file])], {
      stdio: "ignore",
    });
    const process = new HaproxyProcess(child, socket);
    await until("HAProxy answers", START_MS_MAX, () => process.#isUp());
    return process;
  }

  /** Returns when the new worker answers. */
  async reload(): Promise<void> {
    const before = await this.#workerPid();
    let askedMs = Number.NEGATIVE_INFINITY;
    await until("HAProxy is reloaded", START_MS_MAX, async () => {
      // A master that is just starting itself anew hears nothing.
      if (performance.now() - askedMs > RELOAD_AGAIN_MS) {
        this.#child.kill("SIGUSR2");
        askedMs = performance.now();
      }
      const now = await this.#workerPid().catch(() => before);
      return now !== before && now !== "";
    });
  }

  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = createConnection(this.#socket, () => socket.write(`${command}\n`));
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("error", reject);
      socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // The master ends its workers, those of earlier reloads too.
    this.#child.kill("SIGTERM");
    await ended;
  }

  async #workerPid(): Promise<string> {
    return /^Pid: (\d+)$/m.exec(await this.ask("show info"))?.[1] ?? "";
  }

  async #isUp(): Promise<boolean> {
    return (await this.#workerPid().catch(() => "")) !== "";
  }
}
