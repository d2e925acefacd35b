/** `<command>` and `<active-response>`: what may be run on an alert, where and when (wazuh v4.14.7: src/config/active-response.c). */
import { checkedGroup, each, listOption, option } from "#config/option.ts";
import type { Report } from "#config/report.ts";
import {
  anyText,
  commaList,
  someText,
  type TextKind,
  wholeNumber,
  withError,
  yesNo,
} from "#config/text-kinds.ts";
import { compilePattern } from "#formats/patterns/pattern.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import { type AgentId, parseAgentId } from "#model/agent.ts";

export type Command = {
  readonly name: string;
  /** File in `active-response/bin`. */
  readonly executable: string;
  /** The executable can undo what it did. */
  readonly timeoutAllowed: boolean;
  readonly extraArgs: string;
};

export type ActiveResponse = {
  readonly command: Command;
  readonly target:
    | { readonly location: "local" | "server" | "all" }
    | { readonly location: "defined-agent"; readonly agentId: AgentId };
  /** Level and group must both hold when both are given. */
  readonly level: number | null;
  /** OS_Regex on the text of the rule's groups. */
  readonly rulesGroup: string | null;
  readonly ruleIds: readonly number[];
  /** After which the command is undone; 0 for never. */
  readonly timeoutSeconds: number;
};

export type ResponseConfig = {
  readonly disabled: boolean;
  readonly responses: readonly ActiveResponse[];
  /** The n-th block of the same address lasts the n-th of these. */
  readonly repeatedOffenderMinutes: readonly number[];
  readonly upgradeCas: readonly string[];
};

const CONTROL_BYTES = /[\x00-\x1f\x7f]/;

const commandName: TextKind<string> = {
  ...someText,
  values: "a name that does not start with !",
  parse: (text) => (text === "" || text.startsWith("!") || CONTROL_BYTES.test(text) ? null : text),
};

/** Agents get it as a line of `ar.conf`; the peer's refuse `..` too. */
const executable: TextKind<string> = {
  ...someText,
  values: "the name of a file in active-response/bin",
  parse: (text) => (/^$|^\/|\.\./.test(text) || CONTROL_BYTES.test(text) ? null : text),
};

export const commandSection = each(
  checkedGroup(
    {
      element: "command",
      doc: "A command that active responses may name.",
      fields: {
        name: option({
          element: "name",
          doc: "Name for active responses.",
          kind: commandName,
          fallback: null,
        }),
        executable: option({
          element: "executable",
          doc: "File in active-response/bin.",
          kind: executable,
          fallback: null,
        }),
        timeoutAllowed: option({
          element: "timeout_allowed",
          doc: "The command can undo what it did.",
          kind: yesNo,
          fallback: true,
        }),
        extraArgs: option({
          element: "extra_args",
          doc: "Arguments, split at blanks.",
          kind: anyText,
          fallback: "",
        }),
      },
      unused: { expect: "option <expect> of <command> is deprecated: commands get the whole alert" },
    },
    ({ name, executable, ...command }, at, report): Command | null => {
      if (name !== null && executable !== null) return { name, executable, ...command };
      if (at !== null)
        report.error(at.position, "(1280): Missing command options.", "expected <name> and <executable>");
      return null;
    },
  ),
);

type Location = "local" | "server" | "defined-agent" | "all";

// The peer looks for these words anywhere in the text, in this order.
const LOCATIONS: readonly (readonly [words: RegExp, location: Location])[] = [
  [/AS|analysisd|analysis-server|server/i, "server"],
  [/local/i, "local"],
  [/defined-agent/i, "defined-agent"],
  [/all|any/i, "all"],
];

const location = withError<Location>(
  {
    ...someText,
    values: "local, server, defined-agent or all",
    parse: (text) => LOCATIONS.find(([words]) => words.test(text))?.[1] ?? null,
  },
  (_, text) => `(1302): Invalid active response location: '${text}'.`,
);

const agentId: TextKind<AgentId> = {
  ...someText,
  values: "the id of an agent, such as 001",
  parse: parseAgentId,
};

const REPETITIONS_MAX = 5;

/** What one block says; the command is looked up when all blocks and commands are known. */
export type ResponseBlock = {
  readonly position: SourcePosition;
  readonly disabled: boolean | null;
  readonly repeatedOffenderMinutes: readonly number[] | null;
  readonly upgradeCas: readonly string[];
  readonly response: (Omit<ActiveResponse, "command"> & { readonly commandName: string }) | null;
};

export const responseSection = each(
  checkedGroup(
    {
      element: "active-response",
      doc: "When a command is run, and where.",
      fields: {
        disabled: option({
          element: "disabled",
          doc: "Run no command at all; counts for all blocks.",
          kind: yesNo,
          fallback: null,
        }),
        command: option({ element: "command", doc: "Name of a command.", kind: someText, fallback: null }),
        location: option({
          element: "location",
          doc: "Where it is run: on the agent of the alert, the manager, one agent or all.",
          kind: location,
          fallback: null,
        }),
        agentId: option({
          element: "agent_id",
          doc: "The agent of defined-agent.",
          kind: agentId,
          fallback: null,
        }),
        level: option({
          element: "level",
          doc: "Lowest level of rules that run it.",
          kind: wholeNumber(0, 20),
          fallback: null,
        }),
        ruleIds: option({
          element: "rules_id",
          doc: "Rules that run it.",
          kind: commaList(wholeNumber(0, 999_999)),
          fallback: [],
        }),
        rulesGroup: option({
          element: "rules_group",
          doc: "Expression (OS_Regex) on the groups of rules that run it.",
          kind: someText,
          fallback: null,
        }),
        timeoutSeconds: option({
          element: "timeout",
          doc: "Seconds until it is undone; 0 for never.",
          kind: wholeNumber(0, 2 ** 31 - 1),
          fallback: 0,
        }),
        repeatedOffenderMinutes: option({
          element: "repeated_offenders",
          doc: "Up to five times in minutes for repeated offenders.",
          kind: minutesList(),
          fallback: null,
        }),
        upgradeCas: listOption({
          element: "ca_store",
          doc: "Certificate that upgrade packages are checked with.",
          kind: someText,
        }),
      },
    },
    (values, at, report): ResponseBlock | null => {
      if (at === null) return null;
      const { disabled, repeatedOffenderMinutes, upgradeCas } = values;
      const settings = { position: at.position, disabled, repeatedOffenderMinutes, upgradeCas };
      const isOnlySettings = at.children.every(({ name }) =>
        ["disabled", "repeated_offenders", "ca_store"].includes(name),
      );
      if (isOnlySettings) return { ...settings, response: null };
      return { ...settings, response: readResponse(values, at.position, report) };
    },
  ),
);

function minutesList(): TextKind<readonly number[]> {
  const list = commaList(wholeNumber(1, 2 ** 31 - 1));
  const parse = (text: string) => {
    const minutes = list.parse(text);
    return minutes === null || minutes.length === 0 || minutes.length > REPETITIONS_MAX ? null : minutes;
  };
  return { ...list, values: `up to ${REPETITIONS_MAX} numbers with commas between them`, parse };
}

function readResponse(
  values: {
    readonly command: string | null;
    readonly location: Location | null;
    readonly agentId: AgentId | null;
    readonly level: number | null;
    readonly rulesGroup: string | null;
    readonly ruleIds: readonly number[];
    readonly timeoutSeconds: number;
  },
  position: SourcePosition,
  report: Report,
): ResponseBlock["response"] {
  const { command, location, agentId, level, rulesGroup, ruleIds, timeoutSeconds } = values;
  if (command === null || location === null) {
    report.error(
      position,
      "(1281): Missing options in the active response.",
      "expected <command> and <location>",
    );
    return null;
  }
  if (rulesGroup !== null && !compilePattern("osregex", rulesGroup).ok) {
    const message = `(1452): Syntax error on regex: '${rulesGroup}'`;
    report.warning(position, message, "no rule runs this response for its groups");
  }
  const rest = { commandName: command, level, rulesGroup, ruleIds, timeoutSeconds };
  if (location !== "defined-agent") return { ...rest, target: { location } };
  if (agentId === null) {
    report.error(position, "(1304): No agent defined for response.", "add <agent_id>");
    return null;
  }
  if (Number(agentId) === 0) {
    const message = "(1306): Invalid agent ID. Use location=server to run AR on the manager.";
    report.warning(position, message, "this response is left out");
    return null;
  }
  return { ...rest, target: { location, agentId } };
}

/** Finds the command of each block. Unlike the peer's, a command may stand behind the response that names it. */
export function resolveResponses(
  blocks: readonly ResponseBlock[],
  commands: readonly Command[],
  report: Report,
): ResponseConfig {
  const responses: ActiveResponse[] = [];
  let disabled = false;
  let repeatedOffenderMinutes: readonly number[] = [];
  for (const block of blocks) {
    if (block.disabled === true) disabled = true;
    repeatedOffenderMinutes = block.repeatedOffenderMinutes ?? repeatedOffenderMinutes;
    if (block.response === null) continue;
    const { commandName, timeoutSeconds, ...response } = block.response;
    const command = commands.find(({ name }) => name === commandName);
    if (command === undefined) {
      const message = `(1303): Invalid command '${commandName}' in the active response.`;
      report.error(block.position, message, "expected the name of a <command>");
      continue;
    }
    // A command that cannot be undone has no timeout; the peer says so in its log and goes on.
    responses.push({ ...response, command, timeoutSeconds: command.timeoutAllowed ? timeoutSeconds : 0 });
  }
  return {
    disabled,
    responses,
    repeatedOffenderMinutes,
    upgradeCas: blocks.flatMap(({ upgradeCas }) => upgradeCas),
  };
}
