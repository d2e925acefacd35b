/** The manager as a process in the background, for the peer's `wazuh-control`: started, asked whether it runs, started again. */
import { spawn } from "node:child_process";
import { readManagerConfig } from "#config/manager-config.ts";
import { homePaths, lockHolder } from "#daemons/home.ts";
import { PEER_VERSION } from "#daemons/settings.ts";
import { PROGRAM_DIRECTORY } from "#kernel/platform/program-places.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { programVersion } from "../program-version.ts";
import { homeDirectory } from "./home-choice.ts";
import { readState } from "./state-file.ts";
import { stopManager } from "./stop.ts";

/** Reading the rules of a large set on a busy machine. */
const START_MS_MAX = 120_000;
const LOOK_PERIOD_MS = 100;
/** What a start that failed said at its end. */
const COMPLAINT_CHARS_MAX = 65_536;
const DAEMON = "cyb3rhq-managerd";
/** A part of the manager, which runs when <cluster> is not disabled. */
const CLUSTER_DAEMON = "cyb3rhq-clusterd";

export type InfoPart = "version" | "revision" | "type";

type Asked = { readonly home?: string; readonly json: boolean };

/** The pid of a manager that serves; its state file is of the last step of its start. */
export function servingPid(environment: Environment, home: string): number | null {
  const paths = homePaths(home);
  const holder = lockHolder(environment.files, paths);
  return holder !== null && readState(environment, paths)["pid"] === holder.pid ? holder.pid : null;
}

/** Null when a manager serves there, else what one that does not said at its end. An aborted start is ended. */
export async function serveInBackground(
  environment: Environment,
  directory: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const { clock } = environment;
  // Its own session: what ends the terminal does not end it.
  const child = spawn(`${PROGRAM_DIRECTORY}/cyb3rhq`, ["start", "--quiet", "--home", directory], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  let ended = false;
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("latin1")).slice(-COMPLAINT_CHARS_MAX);
  });
  child.on("error", () => {
    ended = true;
  });
  child.on("close", () => {
    ended = true;
  });
  const untilMs = clock.monotonicMs() + START_MS_MAX;
  while (!ended && clock.monotonicMs() < untilMs && servingPid(environment, directory) === null) {
    if (signal?.aborted === true) child.kill("SIGTERM");
    await new Promise<void>((resolve) => clock.after(LOOK_PERIOD_MS, resolve));
  }
  child.stderr.destroy();
  child.unref();
  if (servingPid(environment, directory) !== null) return null;
  return complaint === "" ? `cyb3rhq: ${DAEMON} did not start\n` : complaint;
}

export async function startInBackground(environment: Environment, { home, json }: Asked): Promise<number> {
  const { stdout, stderr } = environment;
  const directory = homeDirectory(environment, home);
  if (servingPid(environment, directory) !== null)
    return printed(environment, json, `${DAEMON} already running...`);
  const complaint = await serveInBackground(environment, directory);
  if (complaint === null) return printed(environment, json, `Started ${DAEMON}...`, "Completed.");
  stderr.write(complaint);
  if (json) stdout.write(`${JSON.stringify({ error: 20, message: `${DAEMON}: did not start.` })}\n`);
  return EXIT_FAILURE;
}

export async function stopInBackground(environment: Environment, { home, json }: Asked): Promise<number> {
  const code = await stopManager(json ? silenced(environment) : environment, home);
  if (json) environment.stdout.write(`${JSON.stringify({ error: code })}\n`);
  return code;
}

export async function restartInBackground(environment: Environment, asked: Asked): Promise<number> {
  const stopped = await stopManager(asked.json ? silenced(environment) : environment, asked.home);
  return stopped === EXIT_OK ? await startInBackground(environment, asked) : stopped;
}

/** JSON is one object: what a part of the work would say has no place beside it. */
export function silenced(environment: Environment): Environment {
  const stdout = { isTerminal: false, closed: false, write: () => {}, ready: () => Promise.resolve() };
  return { ...environment, stdout };
}

function isClustered({ files }: Environment, directory: string): boolean {
  const { config: path } = homePaths(directory);
  if (files.info(path) === null) return false;
  return !readManagerConfig(files.read(path).toString("latin1"), path).config.cluster.disabled;
}

export function printBackgroundStatus(environment: Environment, { home, json }: Asked): number {
  const directory = homeDirectory(environment, home);
  const running = servingPid(environment, directory) !== null;
  const status = running ? "running" : "stopped";
  const daemons = isClustered(environment, directory) ? [CLUSTER_DAEMON, DAEMON] : [DAEMON];
  const text = json
    ? JSON.stringify({ error: 0, data: daemons.map((daemon) => ({ daemon, status })) })
    : daemons.map((daemon) => `${daemon} ${running ? "is running" : "not running"}...`).join("\n");
  environment.stdout.write(`${text}\n`);
  return running ? EXIT_OK : EXIT_FAILURE;
}

/** What scripts read of the peer's: which version of agents and files this is compatible with. */
export function printInfo(environment: Environment, part: InfoPart | null, json: boolean): number {
  const values = {
    version: PEER_VERSION,
    revision: `cyb3rhq-${programVersion(environment.files)}`,
    type: "server",
  };
  const named = Object.entries(values).map(
    ([name, value]) => [`WAZUH_${name.toUpperCase()}`, value] as const,
  );
  const all = named.map(([name, value]) => `${name}="${value}"`).join("\n");
  const data = named.map(([name, value]) => ({ [name]: value }));
  const text = json ? JSON.stringify({ error: 0, data }) : part === null ? all : values[part];
  environment.stdout.write(utf8Bytes(`${text}\n`));
  return EXIT_OK;
}

function printed({ stdout }: Environment, json: boolean, ...lines: readonly string[]): number {
  const data = [{ daemon: DAEMON, status: "running" }];
  stdout.write(`${json ? JSON.stringify({ error: 0, data }) : lines.join("\n")}\n`);
  return EXIT_OK;
}
