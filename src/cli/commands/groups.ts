/** `cyb3rhq groups list|show|add|remove|assign|unassign|check`: options and help; manager/groups.ts and group-check.ts do it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Exit codes: 0 done, 1 no such group or agent, or it could not be done, 2 wrong use of the command line.`;

const CHECK_HELP = `
Each problem is one line: file:line:column: error|warning: message (what was expected).

Exit codes: 0 no errors (warnings may be there), 1 errors or no such group, 2 wrong use of the command line.`;

const GROUP_HELP = "name of the group";
const AGENT_HELP = "id of the agent, such as 001";

type Common = { readonly home?: string; readonly json?: boolean };

export function register(program: Command, environment: Environment): void {
  const groups = program.command("groups").description("groups of agents and the files that they share");
  registerShowing(groups, environment);
  registerChanging(groups, environment);
  registerMembers(groups, environment);
  groups
    .command("check")
    .description("say every error and warning of agent.conf")
    .argument("[group...]", "groups (default: all)")
    .option("--file <path>", "this file instead")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object: errors, warnings, problems")
    .addHelpText("after", CHECK_HELP)
    .action(async (names: readonly string[], options: Common & { readonly file?: string }) => {
      const { checkGroups } = await import("../manager/group-check.ts");
      environment.exitCode = checkGroups(environment, { names, ...options });
    });
}

function registerShowing(groups: Command, environment: Environment): void {
  groups
    .command("list")
    .description("every group with the number of its agents and the sum of its files")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON array")
    .addHelpText("after", HELP)
    .action(async (options: Common) => {
      const { listGroups } = await import("../manager/groups.ts");
      environment.exitCode = listGroups(environment, options);
    });
  groups
    .command("show")
    .description("the files that agents of a group get, and its agents")
    .argument("<group>", GROUP_HELP)
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (name: string, options: Common) => {
      const { showGroup } = await import("../manager/groups.ts");
      environment.exitCode = await showGroup(environment, { name, ...options });
    });
}

function registerChanging(groups: Command, environment: Environment): void {
  groups
    .command("add")
    .description("make a group")
    .argument("<group>", "1 to 255 of A-Z a-z 0-9 . _ -")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (name: string, options: Common) => {
      const { addGroup } = await import("../manager/groups.ts");
      environment.exitCode = await addGroup(environment, { name, ...options });
    });
  groups
    .command("remove")
    .description("remove a group with its files; agents without another group come to default")
    .argument("<group>", GROUP_HELP)
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (name: string, options: Common) => {
      const { removeGroup } = await import("../manager/groups.ts");
      environment.exitCode = await removeGroup(environment, { name, ...options });
    });
}

function registerMembers(groups: Command, environment: Environment): void {
  groups
    .command("assign")
    .description("put an agent into a group, behind those it is in")
    .argument("<id>", AGENT_HELP)
    .argument("<group>", GROUP_HELP)
    .option(HOME_OPTION, HOME_HELP)
    .option("--single", "instead of the groups that it is in")
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (id: string, name: string, options: Common & { readonly single?: boolean }) => {
      const { assignGroup } = await import("../manager/groups.ts");
      environment.exitCode = await assignGroup(environment, { id, name, ...options });
    });
  groups
    .command("unassign")
    .description("take an agent out of a group; without another one it comes to default")
    .argument("<id>", AGENT_HELP)
    .argument("<group>", GROUP_HELP)
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (id: string, name: string, options: Common) => {
      const { unassignGroup } = await import("../manager/groups.ts");
      environment.exitCode = await unassignGroup(environment, { id, name, ...options });
    });
}
