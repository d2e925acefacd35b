/** `cyb3rhq agent_groups`: the options of the peer's program of that name; manager/agent-groups.ts does it. */
import { type Command, Option } from "commander";
import { type Environment, EXIT_FAILURE } from "../environment.ts";
import type { GroupsAction } from "../manager/agent-groups.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
'cyb3rhq groups' does the same and more.
Exit codes: 0 done or cancelled, 1 no such agent or group, or it could not be done, 2 wrong use of the command line.`;

/** By the letters that the peer gives them; what is missing was not written. */
type Written = {
  readonly home?: string;
  readonly l?: boolean;
  readonly c?: boolean;
  readonly a?: boolean;
  readonly r?: boolean;
  readonly s?: boolean;
  readonly S?: boolean;
  readonly i?: string;
  readonly g?: string;
  readonly f?: boolean;
  readonly q?: boolean;
};

export function register(program: Command, environment: Environment): void {
  const command = program
    .command("agent_groups")
    .description("the peer's program of that name: groups of agents")
    .option(HOME_OPTION, HOME_HELP)
    .option("-l", "list the groups, or with -g the agents of one")
    .option("-c", "list the files of a group")
    .option("-a", "put an agent into a group, or without -i make a group")
    .option("-r", "take an agent out of a group, without -g of all, without -i remove the group")
    .option("-s", "the groups of an agent")
    .option("-S", "whether an agent has the files of its groups")
    .option("-i <id>", "the agent")
    .option("-g <group>", "the group")
    .option("-f", "instead of the groups that the agent is in; with -a")
    .option("-q", "do not ask");
  for (const flags of ["-d", "-u"]) command.addOption(new Option(flags, "has no effect").hideHelp());
  command.addHelpText("after", HELP).action(async (written: Written) => {
    const action = actionOf(written);
    if (action === null) {
      environment.stderr.write(
        "Invalid options: Bad argument combination.\nTry '--help' for more information.\n",
      );
      environment.exitCode = EXIT_FAILURE;
      return;
    }
    const { agentGroups } = await import("../manager/agent-groups.ts");
    environment.exitCode = await agentGroups(environment, written.home, action, written.q === true);
  });
}

/** Null for options that do not go together. */
function actionOf({ l, c, a, r, s, S, i: agent, g: group, f }: Written): GroupsAction | null {
  if ([l, c, a, r, s, S].filter((flag) => flag === true).length > 1) return null;
  if (c === true) return group === undefined ? null : { kind: "files", group };
  if (s === true) return agent === undefined ? null : { kind: "of", agent };
  if (S === true) return agent === undefined ? null : { kind: "synchronized", agent };
  if (a === true) {
    if (group === undefined) return null;
    return agent === undefined
      ? { kind: "create", group }
      : { kind: "assign", agent, group, single: f === true };
  }
  if (r === true) {
    if (agent !== undefined) return { kind: "unassign", agent, group: group ?? null };
    return group === undefined ? null : { kind: "delete", group };
  }
  return group === undefined ? { kind: "groups" } : { kind: "members", group };
}
