/** Real balancers with the files of deploy/, put on loopback: other addresses and ports, and no user or directory of a service. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../e2e/until.ts";
import type { Network } from "./cluster-processes.ts";

export const DEPLOY = fileURLToPath(new URL("../../deploy", import.meta.url));
const HAPROXY = "/usr/sbin/haproxy";
const NGINX = "/usr/sbin/nginx";
/** Of Debian's package libnginx-mod-stream; where it is missing NGINX has the module built in, or not at all. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
const START_MS_MAX = 10_000;
/** Of every cluster of these tests. */
export const BALANCER_AT = 9;

export const NO_HAPROXY =
  spawnSync(HAPROXY, ["-v"]).status !== 0 && "no haproxy program: nothing was tried behind a real HAProxy";
export const NO_NGINX =
  (spawnSync(NGINX, ["-v"]).status !== 0 || !hasStreamModule()) &&
  "no nginx program with its stream module: nothing was tried behind a real NGINX";

function hasStreamModule(): boolean {
  return (
    existsSync(STREAM_MODULE) ||
    / --with-stream(?: |$)/m.test(spawnSync(NGINX, ["-V"], { encoding: "utf8" }).stderr)
  );
}

/** A file of deploy/ for these nodes, its text otherwise as it is shipped. */
export function onLoopback(file: string, network: Network): string {
  const { address, agentPort, enrollmentPort } = network;
  const front = address(BALANCER_AT);
  return readFileSync(join(DEPLOY, file), "utf8")
    .replaceAll(/192\.0\.2\.1(\d)/g, (_, at) => address(Number(at)))
    .replaceAll(/(?<=bind |listen )(?=:?151[45])/g, `${front}:`)
    .replaceAll("::", ":")
    .replaceAll(":1514", `:${agentPort}`)
    .replaceAll(":1515", `:${enrollmentPort}`);
}

/** What only a service of a host can have. */
function withoutService(text: string, statsSocket: string): string {
  return text
    .replaceAll(/^ *(?:chroot|user|group|log) +\/?\w[^\n]*\n/gm, "")
    .replace("/var/lib/haproxy/stats", statsSocket);
}

export class Balancer {
  readonly #child: ChildProcess;
  readonly #said: string[] = [];

  private constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#said.push(chunk.toString("latin1")));
    this.#child.stderr?.on("data", (chunk: Buffer) => this.#said.push(chunk.toString("latin1")));
    process.on("exit", () => this.#child.kill("SIGKILL"));
  }

  /** `change` is applied to the text of each file. */
  static async haproxy(
    directory: string,
    network: Network,
    change: (text: string) => string = (text) => text,
  ): Promise<Balancer> {
    mkdirSync(directory, { recursive: true });
    const files = ["haproxy.cfg", "agents.cfg"].map((name) => {
      const path = join(directory, name);
      const text = withoutService(onLoopback(`haproxy/${name}`, network), join(directory, "stats.sock"));
      writeFileSync(path, change(text));
      return ["-f", path];
    });
    return Balancer.#started(new Balancer(HAPROXY, ["-db", ...files.flat()]), network);
  }

  static async nginx(
    directory: string,
    network: Network,
    file: string,
    change: (text: string) => string = (text) => text,
  ): Promise<Balancer> {
    const args = nginxArguments(directory, change(onLoopback(`nginx/${file}`, network)));
    return Balancer.#started(new Balancer(NGINX, [...args, "-g", "daemon off;"]), network);
  }

  static async #started(balancer: Balancer, network: Network): Promise<Balancer> {
    await until("the balancer listens", START_MS_MAX, () => {
      if (balancer.#child.exitCode !== null) throw new Error(balancer.#said.join(""));
      return answers(network.address(BALANCER_AT), network.enrollmentPort);
    });
    return balancer;
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** Writes a whole nginx.conf around a file of deploy/nginx. */
export function nginxArguments(directory: string, stream: string): readonly string[] {
  mkdirSync(directory, { recursive: true });
  const load = existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};\n` : "";
  const path = join(directory, "nginx.conf");
  writeFileSync(path, `${load}pid nginx.pid;\nerror_log nginx.log;\nevents {}\n${stream}`);
  return ["-p", directory, "-c", path];
}

/** Null when NGINX takes it, else what it says. */
export function nginxProblem(directory: string, stream: string): string | null {
  const { status, stderr } = spawnSync(NGINX, ["-t", ...nginxArguments(directory, stream)], {
    encoding: "utf8",
  });
  return status === 0 ? null : stderr;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
