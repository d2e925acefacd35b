/** Upgrades agents through the running manager and shows how far it is: `agents upgrade|upgrades`. */
import { resolve } from "node:path";
import { CodedError } from "#kernel/errors.ts";
import { isObject, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { filledId } from "./agent-id.ts";
import { askHome } from "./control.ts";

const LOOK_PERIOD_MS = 1000;

export type UpgradeOptions = {
  readonly home?: string;
  readonly json?: boolean;
  readonly agents: readonly string[];
  readonly group?: string;
  readonly all?: boolean;
  /** A package; else the repository's are taken. */
  readonly wpk?: string;
  readonly repository?: string;
  readonly http?: boolean;
  readonly packageType?: string;
  readonly toVersion?: string;
  readonly installer?: string;
  readonly force?: boolean;
  readonly canary: string;
  readonly wave: number;
  readonly maxFailures: string;
  readonly healthSeconds: number;
  readonly background?: boolean;
};

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  if (isObject(value)) return value;
  throw new CodedError("answer_invalid", "The manager's answer is none that this version knows");
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** `3 updated, 2 installing, 5 waiting`; states that no agent is in are left out. */
function countsText(summary: Fields): string {
  const counts = Object.entries(fields(summary["counts"])).filter(([, count]) => count !== 0);
  return counts.map(([state, count]) => `${count} ${state}`).join(", ");
}

function selection({ agents, all, group }: UpgradeOptions): Fields {
  const ways = [agents.length > 0, all === true, group !== undefined].filter(Boolean).length;
  if (ways !== 1)
    throw new CodedError(
      "selection_invalid",
      "Name agents by their ids, or give --group or --all: one of these",
    );
  if (all === true) return { all };
  return group === undefined ? { agents: agents.map(filledId) } : { group };
}

export async function upgradeAgents(environment: Environment, options: UpgradeOptions): Promise<number> {
  if (options.wpk !== undefined) {
    for (const name of ["repository", "http", "packageType"] as const)
      if (options[name] !== undefined)
        throw new CodedError("selection_invalid", "Give --wpk, or what concerns the repository");
    const path = resolve(options.wpk);
    const order = { ...selection(options), path, version: options.toVersion ?? null };
    const { exitCode, result } = await upgradeWith(environment, options, order);
    if (options.json) environment.stdout.write(`${JSON.stringify(result)}\n`);
    return exitCode;
  }
  return await upgradeFromRepository(environment, options);
}

/** Every package is an upgrade of its own; they begin together. */
async function upgradeFromRepository(environment: Environment, options: UpgradeOptions): Promise<number> {
  const { version, packages, refused } = await fetchPackages(environment, options);
  tellRefused(environment, options, refused);
  const results = await Promise.all(
    packages.map(({ path, agents }) => upgradeWith(environment, options, { path, agents, version })),
  );
  if (options.json) {
    const upgrades = results.map(({ result }) => result);
    environment.stdout.write(`${JSON.stringify({ version, refused, upgrades })}\n`);
  } else if (packages.length === 0) environment.stdout.write("No agent is upgraded\n");
  const isDone = packages.length > 0 && results.every(({ exitCode }) => exitCode === EXIT_OK);
  return isDone && refused.length === 0 ? EXIT_OK : EXIT_FAILURE;
}

async function fetchPackages(environment: Environment, options: UpgradeOptions) {
  const { clock, stderr } = environment;
  const parameters = {
    ...selection(options),
    repository: options.repository ?? null,
    useHttp: options.http === true,
    version: options.toVersion ?? null,
    packageType: options.packageType ?? null,
    force: options.force === true,
  };
  let shown = "";
  const showProgress = async () => {
    const progress = await askHome(environment, options.home, {
      command: "upgrade.fetching",
      parameters: {},
    });
    if (!isObject(progress)) return;
    const { name, bytes, totalBytes } = progress;
    const text = `${name}: ${bytes} of ${totalBytes ?? "?"} bytes`;
    if (text !== shown) stderr.write(`${text}\n`);
    shown = text;
  };
  const timer = options.json ? null : clock.every(LOOK_PERIOD_MS, () => void showProgress().catch(() => {}));
  try {
    const answer = await askHome(environment, options.home, { command: "upgrade.fetch", parameters });
    const { version, packages, refused } = fields(answer);
    return { version, packages: list(packages), refused: list(refused) };
  } finally {
    timer?.cancel();
  }
}

function tellRefused({ stdout }: Environment, { json }: UpgradeOptions, refused: readonly Fields[]): void {
  if (json === true) return;
  for (const { agentId, message } of refused)
    stdout.write(utf8Bytes(`${agentId}: not upgraded: ${message}\n`));
}

type UpgradeResult = { readonly exitCode: number; readonly result: Fields };

/** `order` has the package, the agents and the version; `result` is for `--json`. */
async function upgradeWith(
  environment: Environment,
  options: UpgradeOptions,
  order: Fields,
): Promise<UpgradeResult> {
  const { stdout } = environment;
  const parameters = {
    ...order,
    installer: options.installer ?? null,
    force: options.force === true,
    canary: options.canary,
    wave: options.wave,
    failuresMax: options.maxFailures,
    healthSeconds: options.healthSeconds,
  };
  const begun = fields(await askHome(environment, options.home, { command: "upgrade.begin", parameters }));
  const { campaign } = begun;
  const refused = list(begun["refused"]);
  tellRefused(environment, options, refused);
  if (!options.json) stdout.write(campaign === null ? "No agent is upgraded\n" : beginText(begun));
  if (campaign === null) return { exitCode: EXIT_FAILURE, result: begun };
  if (options.background === true) return { exitCode: EXIT_OK, result: begun };
  const summary = await untilEnded(environment, options, { campaign });
  const tasks = list(
    await askHome(environment, options.home, { command: "upgrade.tasks", parameters: { campaign } }),
  );
  const unwell = tasks.filter(({ state }) => state !== "updated");
  if (!options.json) for (const task of unwell) stdout.write(taskLine(task));
  const isDone = unwell.length === 0 && refused.length === 0;
  return { exitCode: isDone ? EXIT_OK : EXIT_FAILURE, result: { ...summary, refused, tasks } };
}

function beginText({ agents, campaign, version }: Fields): string {
  const to = version === null ? "" : ` to ${version}`;
  return `Upgrade ${campaign} of ${agents} agents${to}; it goes on when this command ends: 'cyb3rhq agents upgrades ${campaign}'\n`;
}

/** Progress is for people: a line on stderr whenever something changed. */
async function untilEnded(
  environment: Environment,
  { home, json }: UpgradeOptions,
  parameters: Fields,
): Promise<Fields> {
  const { clock, stderr } = environment;
  let shown = "";
  for (;;) {
    const summary = fields(await askHome(environment, home, { command: "upgrade.summary", parameters }));
    const text = countsText(summary);
    if (text !== shown && json !== true) stderr.write(`${text}\n`);
    shown = text;
    if (summary["running"] !== true) return summary;
    await new Promise<void>((done) => clock.after(LOOK_PERIOD_MS, done));
  }
}

function taskLine({ agentId, state, fromVersion, message }: Fields): string {
  const text = `${String(agentId).padEnd(8)} ${String(state).padEnd(12)} ${String(fromVersion).padEnd(16)} ${message}`;
  return utf8Bytes(`${text.trimEnd()}\n`);
}

function campaignLine(summary: Fields): string {
  const { campaign, createdMs, file, running, stopped } = summary;
  const began = new Date(Number(createdMs)).toISOString();
  const state = stopped === null ? "" : ` (stopped: ${stopped})`;
  return utf8Bytes(
    `${String(campaign).padEnd(4)} ${began} ${running === true ? "running" : "ended  "} ${countsText(summary)}${state} ${file}\n`,
  );
}

export type UpgradesOptions = {
  readonly home?: string;
  readonly json?: boolean;
  readonly campaign: number | null;
  readonly cancel?: boolean;
};

export async function showUpgrades(environment: Environment, options: UpgradesOptions): Promise<number> {
  const { campaign, home } = options;
  const ask = (command: string, parameters: Fields = {}) =>
    askHome(environment, home, { command, parameters });
  if (campaign === null) {
    if (options.cancel === true)
      throw new CodedError("selection_invalid", "Say which upgrade to cancel: its number");
    const summaries = list(await ask("upgrade.list"));
    if (options.json) environment.stdout.write(`${JSON.stringify(summaries)}\n`);
    else environment.stdout.write(summaries.map(campaignLine).join("") || "No upgrades yet\n");
    return EXIT_OK;
  }
  if (options.cancel === true) await ask("upgrade.stop", { campaign });
  const summary = fields(await ask("upgrade.summary", { campaign }));
  const tasks = list(await ask("upgrade.tasks", { campaign }));
  if (options.json) environment.stdout.write(`${JSON.stringify({ ...summary, tasks })}\n`);
  else environment.stdout.write(campaignLine(summary) + tasks.map(taskLine).join(""));
  return EXIT_OK;
}
