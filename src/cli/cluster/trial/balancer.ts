/** The balancer of a trial cluster: found on this machine, started with a file in the cluster's folder, ended by its pid file. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { CodedError } from "#kernel/errors.ts";
import type { Environment } from "../../environment.ts";
import { haproxyConfig, nginxConfig, type TrialPlan } from "./plan.ts";

/** Where services are, which is not on every user's PATH. */
const SERVICE_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
const STREAM_PACKAGE = "libnginx-mod-stream";
const END_MS_MAX = 5000;
const LOOK_PERIOD_MS = 50;

/** A program with the file that it is to be started with. */
type Balancer = { readonly command: string; readonly config: string };

/** Throws `CodedError` `balancer_missing`, which names the package to install. */
export function findBalancer(environment: Environment, plan: TrialPlan): Balancer | null {
  const { balancer } = plan.choice;
  if (balancer === "none") return null;
  const command = findProgram(environment, balancer);
  if (command === null) throw missing(`no program ${balancer} on this machine`, balancer);
  if (balancer === "haproxy") return { command, config: haproxyConfig(plan) };
  const stream = streamModule(spawnSync(command, ["-V"], { encoding: "utf8" }).stderr);
  const isThere = stream !== null && (stream.path === null || environment.files.info(stream.path) !== null);
  if (!isThere) throw missing("nginx lacks its stream module", STREAM_PACKAGE);
  return { command, config: nginxConfig(plan, stream.path) };
}

function missing(what: string, packageName: string): CodedError {
  const advice = `install the package ${packageName} (Debian: apt install ${packageName}), or choose another --balancer`;
  return new CodedError("balancer_missing", `${what}; ${advice}`);
}

function findProgram({ variables, files }: Environment, name: string): string | null {
  const folders = [...(variables["PATH"] ?? "").split(":"), ...SERVICE_FOLDERS];
  const paths = folders.filter((folder) => folder.startsWith("/")).map((folder) => `${folder}/${name}`);
  return paths.find((path) => files.info(path)?.kind === "file") ?? null;
}

/** What `nginx -V` says of its stream module: null without one, a null path when it is built in, else where it would be. */
export function streamModule(versionText: string): { readonly path: string | null } | null {
  const options = versionText.split(/\s+/);
  if (options.includes("--with-stream")) return { path: null };
  if (!options.includes("--with-stream=dynamic")) return null;
  const folder = options.find((option) => option.startsWith("--modules-path="))?.split("=")[1] ?? "modules";
  return { path: `${folder}/ngx_stream_module.so` };
}

function placesOf({ balancerFolder, choice }: TrialPlan) {
  return { config: `${balancerFolder}/${choice.balancer}.cfg`, pid: `${balancerFolder}/balancer.pid` };
}

/** Of the balancer with this cluster's file, while it runs. */
export function balancerPid({ files }: Environment, plan: TrialPlan): number | null {
  const { config, pid } = placesOf(plan);
  if (files.info(pid) === null) return null;
  const number = Number(files.read(pid).toString("latin1").trim());
  return Number.isSafeInteger(number) && number > 0 && commandLine(number).includes(config) ? number : null;
}

/** Empty for a process that is gone. Numbers of processes come back, so a pid alone says nothing. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** It goes to the background by itself. Throws `CodedError` `balancer_failed` with its own words. */
export function startBalancer({ files }: Environment, plan: TrialPlan, { command, config }: Balancer): void {
  const places = placesOf(plan);
  files.makeDirectory(plan.balancerFolder);
  files.replace(places.config, Buffer.from(config, "utf8"));
  const args =
    plan.choice.balancer === "haproxy"
      ? ["-D", "-f", places.config, "-p", places.pid]
      : ["-p", plan.balancerFolder, "-c", places.config, "-e", `${plan.balancerFolder}/balancer.log`];
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) return;
  const said = error?.message ?? stderr.trim();
  throw new CodedError("balancer_failed", `${plan.choice.balancer} did not start: ${said}`);
}

export async function stopBalancer(environment: Environment, plan: TrialPlan): Promise<void> {
  const pid = balancerPid(environment, plan);
  if (pid === null) return;
  process.kill(pid, "SIGTERM");
  const { clock } = environment;
  const untilMs = clock.monotonicMs() + END_MS_MAX;
  while (balancerPid(environment, plan) !== null) {
    if (clock.monotonicMs() > untilMs)
      throw new CodedError("balancer_stuck", `the balancer (pid ${pid}) does not end`);
    await new Promise<void>((resolve) => clock.after(LOOK_PERIOD_MS, resolve));
  }
}
