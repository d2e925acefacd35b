/** Runs the manager in this process until it is told to stop, and shows its alerts as they happen. */
import { resolve } from "node:path";
import type { ShownAlert } from "#analysis/pipeline.ts";
import { Manager } from "#daemons/manager.ts";
import { RootRights } from "#daemons/rights/root-rights.ts";
import { chooseAccount } from "#daemons/rights/service-account.ts";
import { Supervisor } from "#daemons/supervisor.ts";
import type { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import { screenLine } from "#output/screen.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { programVersion } from "../program-version.ts";
import { folderSources } from "../ruleset-folder.ts";
import { styleOf, wantsColours } from "../style.ts";
import { homeDirectory } from "./home-choice.ts";
import { portLine } from "./port-line.ts";

/** What the owner and the group may not read is not made: alerts and keys are not for others. */
const FILE_MODE_MASK = 0o027;
/** Wider than any line: what goes to a file is not cut. */
const NO_TERMINAL_COLUMNS = 4096;
const SHOWN_LEVELS: ReadonlySet<LogLevel> = new Set(["warning", "error", "critical"]);

export type StartOptions = {
  readonly home?: string;
  readonly ruleset?: string;
  readonly user?: string;
  readonly quiet?: boolean;
};

function showAlerts(environment: Environment): (alerts: readonly ShownAlert[], left: number) => void {
  const { stdout, variables } = environment;
  const clock = new LocalClock();
  const coloured = wantsColours(stdout, variables);
  return (alerts, left) => {
    const width = stdout.isTerminal ? process.stdout.columns : NO_TERMINAL_COLUMNS;
    for (const alert of alerts) stdout.write(utf8Bytes(`${screenLine(alert, { clock, width, coloured })}\n`));
    if (left > 0) stdout.write(`… and ${left} more, all in alerts.json\n`.replace("…", "..."));
  };
}

/** What listens where, how an agent enrols, and where alerts go. */
type Shown = { readonly ruleset: string; readonly quiet: boolean };

function welcome(environment: Environment, manager: Manager, { ruleset, quiet }: Shown): string {
  const { bold } = styleOf(environment.stdout, environment.variables);
  const { ports, paths } = manager;
  const enrollment = ports.find(({ purpose }) => purpose.includes("enrol"));
  const lines = [
    bold(`Cyb3rhq ${programVersion(environment.files)} is running (pid ${process.pid}); Ctrl-C stops it.`),
    ...ports.map(({ host, port, purpose }) => portLine(host, port, purpose)),
    `  home                   ${paths.home}`,
    `  rules                  ${ruleset}`,
    `  alerts                 ${paths.alerts}`,
    `  log                    ${paths.log}`,
  ];
  if (enrollment !== undefined) {
    const address = /^(?:0\.0\.0\.0|::)$/.test(enrollment.host) ? environment.hostname : enrollment.host;
    lines.push(
      "Enrol an agent of the 4.x generation (its ossec.conf names the same address as its server):",
      bold(`  /var/ossec/bin/agent-auth -m ${address} -p ${enrollment.port} -A NAME`),
    );
  }
  if (!quiet) lines.push("Alerts as they happen: time, level, rule, agent, description, who and what");
  return `${lines.join("\n")}\n`;
}

/** Resolves with the exit code when the manager has stopped. */
async function untilStopped(
  { manager, supervisor }: { readonly manager: Manager; readonly supervisor: Supervisor },
  failed: Promise<CodedError>,
  environment: Environment,
): Promise<number> {
  const asked = Promise.withResolvers<null>();
  let signals = 0;
  const onSignal = () => {
    if (++signals > 1) process.exit(EXIT_FAILURE);
    asked.resolve(null);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("SIGHUP", () => manager.reloadRules());
  const failure = await Promise.race([asked.promise, failed]);
  supervisor.stopping();
  environment.stdout.write("Stopping: writing what was accepted\n");
  await manager.stop();
  supervisor.stopped();
  environment.stdout.write("Stopped\n");
  if (failure === null) return EXIT_OK;
  environment.stderr.write(`cyb3rhq: ${utf8Bytes(failure.message)}\n`);
  return EXIT_FAILURE;
}

/** Root's rights where root started it and there is a user to go on as; the process has the user's from here on. */
async function takeRights(
  { files, variables }: Environment,
  home: string,
  {
    asked,
    startArguments,
  }: { readonly asked: string | undefined; readonly startArguments: readonly string[] },
): Promise<{ readonly rights: RootRights | null; readonly warning: string | null }> {
  const userId = process.geteuid?.() ?? -1;
  const named = asked ?? variables["CYB3RHQ_USER"] ?? "";
  const textOf = (path: string) => (files.info(path) === null ? "" : files.read(path).toString("latin1"));
  const homeOwner = systemPrograms.ownerOf(`${home}/.`);
  const accounts = { passwd: textOf("/etc/passwd"), group: textOf("/etc/group") };
  const question = { asked: named === "" ? null : named, userId, files: accounts, homeOwner };
  const { account, warning } = chooseAccount(question);
  if (account === null) return { rights: null, warning };
  files.makeDirectory(home);
  return { rights: await RootRights.take({ home, account, startArguments }), warning };
}

/** How the same manager is started again, in the background. */
function argumentsOf(home: string, ruleset: string | null, { user }: StartOptions): readonly string[] {
  return [
    ...["start", "--quiet", "--home", home],
    ...(ruleset === null ? [] : ["--ruleset", ruleset]),
    ...(user === undefined ? [] : ["--user", user]),
  ];
}

export async function runManager(environment: Environment, options: StartOptions): Promise<number> {
  process.umask(FILE_MODE_MASK);
  const ruleset = options.ruleset === undefined ? null : resolve(options.ruleset);
  // Says at once when there is no rule set at that place.
  if (ruleset !== null) folderSources(environment.files, ruleset);
  const home = homeDirectory(environment, options.home);
  const startArguments = argumentsOf(home, ruleset, options);
  const supervisor = await Supervisor.of(environment.variables, environment.clock);
  const { rights, warning } = await takeRights(environment, home, { asked: options.user, startArguments });
  const failure = Promise.withResolvers<CodedError>();
  const manager = new Manager({
    home,
    ruleset,
    version: programVersion(environment.files),
    hostname: environment.hostname,
    rights,
    startArguments,
    warnings: warning === null ? [] : [warning],
    show: options.quiet === true ? null : showAlerts(environment),
    echo: (level, line) => {
      if (SHOWN_LEVELS.has(level)) environment.stderr.write(utf8Bytes(line));
    },
    failed: failure.resolve,
  });
  await manager.start();
  environment.stdout.write(
    utf8Bytes(
      welcome(environment, manager, {
        ruleset: ruleset ?? "as configured in etc/ossec.conf",
        quiet: options.quiet === true,
      }),
    ),
  );
  supervisor.ready();
  return untilStopped({ manager, supervisor }, failure.promise, environment);
}
