/** The manager as a process in the background, for the peer's `wazuh-control`: started, asked whether it runs, started again. */
import { spawn } from "node:child_process";
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

export type InfoPart = "version" | "revision" | "type";

type Asked = { readonly home?: string; readonly json: boolean };

/** The pid of a manager that serves; its state file is of the last step of its start. */
function servingPid(environment: Environment, home: string): number | null {
  const paths = homePaths(home);
  const holder = lockHolder(environment.files, paths);
  return holder !== null && readState(environment, paths)["pid"] === holder.pid ? holder.pid : null;
}

export async function startInBackground(environment: Environment, { home, json }: Asked): Promise<number> {
  const { clock, stdout, stderr } = environment;
  const directory = homeDirectory(environment, home);
  if (servingPid(environment, directory) !== null)
    return printed(environment, json, `${DAEMON} already running...`);
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
  while (!ended && clock.monotonicMs() < untilMs && servingPid(environment, directory) === null)
    await new Promise<void>((resolve) => clock.after(LOOK_PERIOD_MS, resolve));
  const pid = servingPid(environment, directory);
  child.stderr.destroy();
  child.unref();
  if (pid !== null) return printed(environment, json, `Started ${DAEMON}...`, "Completed.");
  stderr.write(complaint === "" ? `cyb3rhq: ${DAEMON} did not start\n` : complaint);
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
function silenced(environment: Environment): Environment {
  const stdout = { isTerminal: false, closed: false, write: () => {}, ready: () => Promise.resolve() };
  return { ...environment, stdout };
}

export function printBackgroundStatus(environment: Environment, { home, json }: Asked): number {
  const running = servingPid(environment, homeDirectory(environment, home)) !== null;
  const status = running ? "running" : "stopped";
  const text = json
    ? JSON.stringify({ error: 0, data: [{ daemon: DAEMON, status }] })
    : `${DAEMON} ${running ? "is running" : "not running"}...`;
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
