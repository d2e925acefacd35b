/** `<ruleset>` and `<rule_test>`: which rules, decoders and lists are loaded, and the rule tester (wazuh v4.14.7: src/config/rules-config.c). */
import { attribute, withAttributes } from "#config/attributes.ts";
import { checkedGroup, group, listOption, option, type ValueOf, type Warn } from "#config/option.ts";
import { duration, oneOf, someText, type TextKind, wholeNumber, yesNo } from "#config/text-kinds.ts";

/** A folder whose files are read, not those of its folders. */
export type RulesetDirectory = {
  readonly path: string;
  /** OS_Regex on `folder/file`. */
  readonly pattern: string;
};

const directory = withAttributes(
  someText,
  {
    pattern: attribute({
      name: "pattern",
      doc: "Expression (OS_Regex) that the path of a file must match.",
      kind: someText,
      fallback: ".xml$",
    }),
  },
  (path, { pattern }): RulesetDirectory => ({ path, pattern }),
);

const RULES_FOLDER = "ruleset/rules";
const DECODERS_FOLDER = "ruleset/decoders";

/** A bare name stands for a file of `folder`. */
function fileIn(folder: string): TextKind<string> {
  const parse = (text: string) => (text === "" || text.includes("/") ? text || null : `${folder}/${text}`);
  return { ...someText, values: "a file name or path", parse };
}

// The peer puts the folder of the rules before the bare name of a list too.
const listFile = fileIn(RULES_FOLDER);
const list: TextKind<string> = {
  ...listFile,
  values: "the path of a list, without .cdb",
  parse: (text) => listFile.parse(text.replace(/\.cdb$/, "")),
};

export const rulesetSection = checkedGroup(
  {
    element: "ruleset",
    doc: "Files of decoders, rules and lists. Paths are relative to the home folder.",
    fields: {
      decoderIncludes: listOption({
        element: "decoder_include",
        doc: "File of decoders.",
        kind: fileIn(DECODERS_FOLDER),
      }),
      decoderDirectories: listOption({
        element: "decoder_dir",
        doc: "Folder of decoder files.",
        kind: directory,
      }),
      decoderExcludes: listOption({
        element: "decoder_exclude",
        doc: "File that is not loaded, by name or path.",
        kind: someText,
      }),
      ruleIncludes: listOption({
        element: "rule_include",
        doc: "File of rules.",
        kind: fileIn(RULES_FOLDER),
      }),
      ruleDirectories: listOption({ element: "rule_dir", doc: "Folder of rule files.", kind: directory }),
      ruleExcludes: listOption({
        element: "rule_exclude",
        doc: "File that is not loaded, by name or path.",
        kind: someText,
      }),
      lists: listOption({ element: "list", doc: "List that rules may look up.", kind: list }),
    },
  },
  (values) => ({
    ...values,
    decoderDirectories: orDefault(values.decoderDirectories, DECODERS_FOLDER),
    ruleDirectories: orDefault(values.ruleDirectories, RULES_FOLDER),
  }),
);

function orDefault(directories: readonly RulesetDirectory[], path: string): readonly RulesetDirectory[] {
  return directories.length > 0 ? directories : [{ path, pattern: ".xml$" }];
}

const THREADS_MAX = 128;
const SESSIONS_MAX = 500;
const SESSION_SECONDS_MAX = 31_536_000;

const threadCount: TextKind<number | "auto"> = {
  ...wholeNumber(1),
  values: `a whole number from 1 to ${THREADS_MAX}, or auto`,
  parse: (text) => oneOf("auto").parse(text) ?? wholeNumber(1).parse(text),
};

function lowered(value: number, max: number, message: string, warn: Warn): number {
  if (value > max) warn(message);
  return Math.min(value, max);
}

export const ruleTestSection = group({
  element: "rule_test",
  doc: "The rule tester.",
  fields: {
    enabled: option({ element: "enabled", doc: "Serve rule tests.", kind: yesNo, fallback: true }),
    threads: option({
      element: "threads",
      doc: "Threads that serve rule tests; auto for one a processor.",
      kind: threadCount,
      fallback: 1,
      adjust: (value, warn) => {
        const message = `(7000): Number of logtest threads too high. Only creates '${THREADS_MAX}' threads`;
        return value === "auto" ? value : lowered(value, THREADS_MAX, message, warn);
      },
    }),
    sessionsMax: option({
      element: "max_sessions",
      doc: "Sessions at a time; the oldest is closed for a new one.",
      kind: wholeNumber(1),
      fallback: 64,
      adjust: (value, warn) => {
        const message = `(7001): Number of maximum users connected in logtest too high. Only allows '${SESSIONS_MAX}' users`;
        return lowered(value, SESSIONS_MAX, message, warn);
      },
    }),
    sessionSeconds: option({
      element: "session_timeout",
      doc: "Time after which an idle session is closed.",
      kind: duration(1),
      fallback: 900,
      adjust: (value, warn) => {
        const message = `(7002): Number of maximum user timeouts in logtest too high. Only allows '${SESSION_SECONDS_MAX}s' maximum timeouts`;
        return lowered(value, SESSION_SECONDS_MAX, message, warn);
      },
    }),
  },
});

export type RulesetConfig = ValueOf<typeof rulesetSection>;
export type RuleTestConfig = ValueOf<typeof ruleTestSection>;
