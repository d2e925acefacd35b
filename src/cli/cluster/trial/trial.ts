/** `cyb3rhq cluster up` and `cluster down`: a cluster of this machine's own processes, in one folder. */
import { resolve } from "node:path";
import { isObject, memberOf } from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";
import { Secret } from "#model/secret.ts";
import { utf8Bytes } from "../../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../../environment.ts";
import { serveInBackground, servingPid, silenced } from "../../manager/background.ts";
import { homeDirectory } from "../../manager/home-choice.ts";
import { stopManager } from "../../manager/stop.ts";
import { askNode } from "../control.ts";
import { newClusterKey } from "../join.ts";
import { balancerPid, findBalancer, startBalancer, stopBalancer } from "./balancer.ts";
import {
  choiceText,
  nodeConfig,
  parseChoice,
  type TrialChoice,
  type TrialNode,
  type TrialPlan,
  trialPlan,
} from "./plan.ts";
import { summary, summaryJson } from "./summary.ts";

/** A worker tries to connect every 10 s. */
const JOINED_MS_MAX = 60_000;
const LOOK_PERIOD_MS = 200;
const SECRET_MODE = 0o600;
const CONFIG_MODE = 0o640;

export type UpOptions = TrialChoice & {
  readonly directory?: string;
  readonly foreground: boolean;
  readonly json: boolean;
};
export type DownOptions = { readonly directory?: string; readonly remove: boolean; readonly json: boolean };

function trialDirectory(environment: Environment, chosen: string | undefined): string {
  return chosen === undefined ? `${homeDirectory(environment, undefined)}/trial-cluster` : resolve(chosen);
}

/** With the same choice again it starts what does not run; the folder of another choice is left alone. */
export async function clusterUp(environment: Environment, options: UpOptions): Promise<number> {
  const { nodes, balancer, portBase } = options;
  const plan = trialPlan(trialDirectory(environment, options.directory), { nodes, balancer, portBase });
  checkFolder(environment, plan);
  const program = findBalancer(environment, plan);
  const ranBefore = [...pidsOf(environment, plan).values()].some((pid) => pid !== null);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const say = progressOf(environment);
  try {
    writeFiles(environment, plan);
    // The master first: a worker that does not find it waits 10 s before it tries again.
    await startNodes(environment, [plan.master], interrupted.signal, say);
    await startNodes(environment, plan.nodes, interrupted.signal, say);
    if (program !== null && balancerPid(environment, plan) === null) {
      startBalancer(environment, plan, program);
      say(`${balancer} serves (pid ${balancerPid(environment, plan)})`);
    }
    await untilJoined(environment, plan, interrupted.signal, say);
  } catch (error) {
    // What ran before this call is not this call's to stop.
    if (!ranBefore) await stopAll(environment, plan, say);
    throw error;
  }
  const facts = { plan, pids: pidsOf(environment, plan), balancerPid: balancerPid(environment, plan) };
  const text = options.json ? `${JSON.stringify(summaryJson(facts))}\n` : summary(facts, options.foreground);
  environment.stdout.write(utf8Bytes(text));
  if (!options.foreground) return EXIT_OK;
  await untilAborted(environment, interrupted.signal);
  return (await stopAll(environment, plan, say)) ? EXIT_OK : EXIT_FAILURE;
}

export async function clusterDown(environment: Environment, options: DownOptions): Promise<number> {
  const { files, stdout } = environment;
  const directory = trialDirectory(environment, options.directory);
  const choice = readChoice(environment, directory);
  if (choice === null) {
    const text = `No cluster of 'cyb3rhq cluster up' is in ${directory}\n`;
    stdout.write(options.json ? `${JSON.stringify({ directory, stopped: false })}\n` : utf8Bytes(text));
    return EXIT_OK;
  }
  const stopped = await stopAll(environment, trialPlan(directory, choice), progressOf(environment));
  const removed = stopped && options.remove;
  if (removed) files.removeTree(directory);
  const left = removed ? "its folder is removed" : `its files are left in ${directory}`;
  const text = `The cluster of ${choiceText(choice)} is stopped; ${left}\n`;
  if (options.json) stdout.write(utf8Bytes(`${JSON.stringify({ directory, stopped, removed })}\n`));
  else if (stopped) stdout.write(utf8Bytes(text));
  return stopped ? EXIT_OK : EXIT_FAILURE;
}

function readChoice({ files }: Environment, directory: string): TrialChoice | null {
  const { choiceFile } = trialPlan(directory, { nodes: 1, balancer: "none", portBase: 0 });
  return files.info(choiceFile) === null ? null : parseChoice(files.read(choiceFile).toString("utf8"));
}

/** A folder of something else, or of a cluster of another size, is nothing to write into. */
function checkFolder(environment: Environment, { directory, choice }: TrialPlan): void {
  const { files } = environment;
  const there = readChoice(environment, directory);
  if (there === null) {
    if (files.info(directory) === null || files.list(directory).length === 0) return;
    throw new CodedError(
      "folder_in_use",
      `${directory} holds other things; choose an empty folder with --dir`,
    );
  }
  if (choiceText(there) === choiceText(choice)) return;
  const other = `${directory} has a cluster of ${choiceText(there)}`;
  const advice = `'cyb3rhq cluster down --remove --dir ${directory}' takes it away, --dir chooses another folder`;
  throw new CodedError("folder_in_use", `${other}; ${advice}`);
}

/** What is there stays: the user may have changed it. */
function writeFiles({ files }: Environment, plan: TrialPlan): void {
  files.makeDirectory(plan.directory);
  files.replace(plan.choiceFile, Buffer.from(`${JSON.stringify(plan.choice)}\n`));
  if (files.info(plan.keyFile) === null) {
    files.replace(plan.keyFile, Buffer.from(newClusterKey()), SECRET_MODE);
  }
  const key = new Secret(files.read(plan.keyFile).toString("latin1"));
  for (const node of plan.nodes) {
    const path = `${node.home}/etc/ossec.conf`;
    if (files.info(path) !== null) continue;
    files.makeDirectory(`${node.home}/etc`);
    files.replace(path, Buffer.from(nodeConfig(plan, node, key), "utf8"), CONFIG_MODE);
  }
}

type Say = (text: string) => void;

/** Lines for who watches; programs read the answer on stdout. */
function progressOf({ stderr }: Environment): Say {
  return (text) => {
    if (stderr.isTerminal) stderr.write(utf8Bytes(`${text}\n`));
  };
}

async function startNodes(
  environment: Environment,
  nodes: readonly TrialNode[],
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const idle = nodes.filter(({ home }) => servingPid(environment, home) === null);
  const begun = idle.map(async ({ name, home }) => {
    say(`starting ${name}`);
    const complaint = await serveInBackground(environment, home, signal);
    if (complaint === null) say(`${name} serves (pid ${servingPid(environment, home)})`);
    return complaint === null ? [] : [`${name} did not start: ${complaint.trim()}`];
  });
  // All of them: what still starts when another has failed could not be stopped.
  const failed = (await Promise.all(begun)).flat();
  throwIfAborted(signal);
  if (failed.length > 0) throw new CodedError("node_failed", failed.join("\n"));
}

async function untilJoined(
  environment: Environment,
  { master, nodes }: TrialPlan,
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const { clock } = environment;
  const untilMs = clock.monotonicMs() + JOINED_MS_MAX;
  const missing = new Set(nodes.map(({ name }) => name));
  while (missing.size > 0) {
    for (const name of await connectedNodes(environment, master.home)) {
      if (missing.delete(name)) say(`${name} is in the cluster`);
    }
    throwIfAborted(signal);
    if (missing.size > 0 && clock.monotonicMs() > untilMs) {
      const late = `not in the cluster after ${JOINED_MS_MAX / 1000} s: ${[...missing].join(", ")}`;
      throw new CodedError("nodes_missing", `${late}; see logs/cluster.log in their homes`);
    }
    if (missing.size > 0) await new Promise<void>((wake) => clock.after(LOOK_PERIOD_MS, wake));
  }
}

async function connectedNodes(environment: Environment, home: string): Promise<readonly string[]> {
  const told = await askNode(environment, home, { command: "get_nodes", parameters: {} });
  const items = told.ok ? memberOf(told.value, "items") : null;
  return Array.isArray(items)
    ? items.flatMap((item) => (isObject(item) ? [String(memberOf(item, "name"))] : []))
    : [];
}

/** The balancer first, so that agents are not sent from one node to the next. True when nothing runs any more. */
async function stopAll(environment: Environment, plan: TrialPlan, say: Say): Promise<boolean> {
  await stopBalancer(environment, plan);
  const codes = plan.nodes.map(async ({ name, home }) => {
    const code = await stopManager(silenced(environment), home);
    if (code === EXIT_OK) say(`${name} is stopped`);
    return code;
  });
  return (await Promise.all(codes)).every((code) => code === EXIT_OK);
}

function pidsOf(environment: Environment, { nodes }: TrialPlan): ReadonlyMap<string, number | null> {
  return new Map(nodes.map(({ name, home }) => [name, servingPid(environment, home)]));
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CodedError("interrupted", "interrupted");
}

/** By looking: waiting for a signal alone does not keep a process alive. */
async function untilAborted({ clock }: Environment, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await new Promise<void>((wake) => clock.after(LOOK_PERIOD_MS, wake));
}
