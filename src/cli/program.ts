/**
 * The command line as a whole: every command of `commands/`, one way to say what is wrong with a call, and the exit code.
 *
 * A command's file holds its options and help; what it does is imported when it is called, so that the program starts fast.
 */
import { Command, CommanderError } from "commander";
import { CodedError } from "#kernel/errors.ts";
import { utf8Bytes } from "./bytes.ts";
import * as agentAuth from "./commands/agent-auth.ts";
import * as agentGroups from "./commands/agent-groups.ts";
import * as agents from "./commands/agents.ts";
import * as authd from "./commands/authd.ts";
import * as cluster from "./commands/cluster.ts";
import * as clusterControl from "./commands/cluster-control.ts";
import * as clusterd from "./commands/clusterd.ts";
import * as completion from "./commands/completion.ts";
import * as config from "./commands/config.ts";
import * as control from "./commands/control.ts";
import * as explain from "./commands/explain.ts";
import * as groups from "./commands/groups.ts";
import * as logtest from "./commands/logtest.ts";
import * as manageAgents from "./commands/manage-agents.ts";
import * as regex from "./commands/regex.ts";
import * as replay from "./commands/replay.ts";
import * as response from "./commands/response.ts";
import * as rules from "./commands/rules.ts";
import * as selftest from "./commands/selftest.ts";
import * as start from "./commands/start.ts";
import * as status from "./commands/status.ts";
import * as stop from "./commands/stop.ts";
import * as version from "./commands/version.ts";
import * as wpk from "./commands/wpk.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK, EXIT_USAGE } from "./environment.ts";
import { wantsColours } from "./style.ts";

/** One file of `commands/`. */
export type CommandModule = {
  readonly register: (program: Command, environment: Environment) => void;
};

/** In the order of `--help`. */
const COMMANDS: readonly CommandModule[] = [
  start,
  stop,
  status,
  control,
  agents,
  manageAgents,
  agentAuth,
  authd,
  groups,
  response,
  agentGroups,
  cluster,
  clusterControl,
  clusterd,
  config,
  logtest,
  explain,
  rules,
  replay,
  regex,
  wpk,
  selftest,
  completion,
  version,
];

const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong use of the command line.`;

/** Commander's text on one line: \`error: unknown option '--jsn'\\n(Did you mean --json?)\`. */
function onOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replace(/\.?\n\(Did you mean/, " (did you mean")
    .replaceAll("\n", " ");
}

export function buildProgram(environment: Environment, commands = COMMANDS): Command {
  const { stdout, stderr, variables } = environment;
  const program = new Command("cyb3rhq")
    .description("Security monitoring server: enrolment, log analysis, correlation, alerts.")
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => stdout.write(utf8Bytes(text)),
      writeErr: (text) => stderr.write(utf8Bytes(text)),
      outputError: (text, write) => write(`cyb3rhq: ${onOneLine(text)}\n`),
      getOutHasColors: () => wantsColours(stdout, variables),
      getErrHasColors: () => wantsColours(stderr, variables),
    })
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EXIT_CODES_HELP);
  for (const { register } of commands) register(program, environment);
  return program;
}

/** Of mistakes that only show when all of the line is known. */
const USAGE_CODE = "selection_invalid";

/** Commander throws for `--help` as well, with exit code 0. */
function exitCodeOf(error: unknown, environment: Environment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  if (!(error instanceof CodedError)) throw error;
  environment.stderr.write(`cyb3rhq: ${utf8Bytes(error.message)}\n`);
  return error.code === USAGE_CODE ? EXIT_USAGE : EXIT_FAILURE;
}

/** Runs what `environment.args` ask for and sets the exit code; only mistakes of our own are thrown. */
export async function runProgram(environment: Environment, commands = COMMANDS): Promise<void> {
  try {
    await buildProgram(environment, commands).parseAsync([...environment.args], { from: "user" });
  } catch (error) {
    environment.exitCode = exitCodeOf(error, environment);
  }
}
