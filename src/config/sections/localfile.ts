/** `<localfile>`: logs of this host that are read (wazuh v4.14.7: src/config/localfile-config.c). Expressions are not compiled here. */
import { attribute, requiredAttribute, withAttributes } from "#config/attributes.ts";
import { checkedGroup, each, listOption, option, type ValueOf } from "#config/option.ts";
import type { Report } from "#config/report.ts";
import {
  anyText,
  commaList,
  duration,
  oneOf,
  size,
  someText,
  type TextKind,
  wholeNumber,
  withError,
  withWarning,
  yesNo,
} from "#config/text-kinds.ts";
import type { XmlElement } from "#formats/xml/elements.ts";

const FORMATS = [
  ...(["syslog", "generic", "json", "snort-full", "snort-fast", "apache", "iis", "squid", "nmapg"] as const),
  ...(["mysql_log", "ossecalert", "mssql_log", "postgresql_log", "djb-multilog", "syslog-pipe"] as const),
  ...(["command", "full_command", "audit", "multi-line-regex", "eventlog", "eventchannel"] as const),
  ...(["macos", "journald"] as const),
] as const;

export type LogFormat =
  | { readonly name: (typeof FORMATS)[number] }
  /** So many lines of the file are one event. */
  | { readonly name: "multi-line"; readonly lines: number };

const formatName = oneOf(...FORMATS);
const logFormat: TextKind<LogFormat> = {
  ...formatName,
  values: `${FORMATS.join(", ")} or multi-line:N`,
  parse: (text) => {
    const lines = Number(/^multi-line: *([0-9]{1,9})$/.exec(text)?.[1] ?? 0);
    if (lines > 0) return { name: "multi-line", lines };
    const name = formatName.parse(text);
    return name === null ? null : { name };
  },
};

const FREQUENCY_SECONDS = 360;
const frequencyNumber = wholeNumber(1, 2 ** 31 - 1);
const frequency: TextKind<number> = {
  ...frequencyNumber,
  values: "a number of seconds, hourly or daily",
  parse: (text) => ({ hourly: 3600, daily: 86_400 })[text] ?? frequencyNumber.parse(text),
};

const OFFLINE_BYTES = 10 * 1024 ** 2;
const OFFLINE_BYTES_MAX = 2 * 1024 ** 3;

const onlyFutureEvents = withAttributes(
  withWarning(
    yesNo,
    (name, text) => `(8000): Invalid value '${text}' for '${name}'. Default value will be used.`,
  ),
  {
    maxBytes: attribute({
      name: "max-size",
      doc: "Of a file that grew while nobody read it, read at most this much.",
      kind: withWarning(size(0, OFFLINE_BYTES_MAX)),
      fallback: OFFLINE_BYTES,
    }),
  },
  (enabled, { maxBytes }) => ({ enabled, maxBytes }),
);

const expression = withAttributes(
  someText,
  {
    type: attribute({
      name: "type",
      doc: "Language of the expression.",
      kind: withWarning(oneOf("pcre2", "osregex", "osmatch")),
      fallback: "pcre2",
    }),
  },
  (pattern, { type }) => ({ pattern, type }),
);

const journalFilter = withAttributes(
  someText,
  {
    field: requiredAttribute({
      name: "field",
      doc: "Field of the journal.",
      kind: someText,
      missing: "(8019): Missing 'field' attribute in journald filter.",
    }),
    ignoreIfMissing: attribute({
      name: "ignore_if_missing",
      doc: "An entry without the field passes.",
      kind: withWarning(yesNo),
      fallback: false,
    }),
  },
  (pattern, { field, ignoreIfMissing }) => ({ field, pattern, ignoreIfMissing }),
);

const multilineRegex = withAttributes(
  someText,
  {
    match: attribute({
      name: "match",
      doc: "Where in an event the expression matches.",
      kind: oneOf("start", "all", "end"),
      fallback: "start",
    }),
    replace: attribute({
      name: "replace",
      doc: "What line ends inside an event become.",
      kind: oneOf("no-replace", "none", "wspace", "tab"),
      fallback: "no-replace",
    }),
    timeoutSeconds: attribute({
      name: "timeout",
      doc: "Seconds to wait for the rest of an event.",
      kind: wholeNumber(1, 120),
      fallback: 5,
    }),
  },
  (pattern, attributes) => ({ pattern, ...attributes }),
);

const query = withAttributes(
  someText,
  {
    types: attribute({
      name: "type",
      doc: "Kinds of macOS entries.",
      kind: commaList(oneOf("activity", "log", "trace")),
      fallback: null,
    }),
    level: attribute({
      name: "level",
      doc: "Level of macOS entries.",
      kind: oneOf("default", "info", "debug"),
      fallback: "default",
    }),
  },
  (text, attributes) => ({ text, ...attributes }),
);

const KEY_MISSING = "Expected 'key' attribute for label.";
const label = withAttributes(
  anyText,
  {
    key: requiredAttribute({ name: "key", doc: "Name of the label.", kind: someText, missing: KEY_MISSING }),
  },
  (value, { key }) => ({ key, value }),
);

const outFormat = withAttributes(
  someText,
  { target: attribute({ name: "target", doc: "Only for this socket.", kind: someText, fallback: null }) },
  (template, { target }) => ({ target, template }),
);

const fields = {
  format: option({ element: "log_format", doc: "How the log is written.", kind: logFormat, fallback: null }),
  location: option({
    element: "location",
    doc: "Path; may hold wildcards and strftime patterns.",
    kind: someText,
    fallback: null,
  }),
  command: option({
    element: "command",
    doc: "Command whose output is read.",
    kind: someText,
    fallback: null,
  }),
  alias: option({ element: "alias", doc: "Name of the command in events.", kind: someText, fallback: null }),
  frequencySeconds: option({
    element: "frequency",
    doc: "Time between two runs of the command.",
    kind: frequency,
    fallback: FREQUENCY_SECONDS,
  }),
  onlyFutureEvents: option({
    element: "only-future-events",
    doc: "Skip what was logged while nobody read.",
    kind: onlyFutureEvents,
    fallback: { enabled: true, maxBytes: OFFLINE_BYTES },
  }),
  query: option({
    element: "query",
    doc: "Which entries of a system log are read.",
    kind: query,
    fallback: null,
  }),
  labels: listOption({ element: "label", doc: "Field added to each event of a JSON log.", kind: label }),
  targets: option({
    element: "target",
    doc: "Sockets that get the events.",
    kind: commaList(someText),
    fallback: ["agent"],
  }),
  outFormats: listOption({ element: "out_format", doc: "Template of the events.", kind: outFormat }),
  reconnectSeconds: option({
    element: "reconnect_time",
    doc: "Time between attempts to reach the Windows event service.",
    kind: withWarning(duration(1)),
    fallback: 5,
  }),
  ageSeconds: option({
    element: "age",
    doc: "Older files are not read.",
    kind: withError(duration(1), () => "Invalid age for localfile"),
    fallback: null,
  }),
  excludes: listOption({
    element: "exclude",
    doc: "Files of the wildcard that are not read.",
    kind: someText,
  }),
  ignoreBinaries: option({
    element: "ignore_binaries",
    doc: "Skip files that are not text.",
    kind: yesNo,
    fallback: false,
  }),
  ignores: listOption({ element: "ignore", doc: "Events that match are dropped.", kind: expression }),
  restricts: listOption({ element: "restrict", doc: "Only events that match are read.", kind: expression }),
  journalFilters: listOption({
    element: "filter",
    doc: "Only entries of the journal that match all filters of a block.",
    kind: journalFilter,
  }),
  multilineRegex: option({
    element: "multiline_regex",
    doc: "Where an event of several lines starts or ends.",
    kind: multilineRegex,
    fallback: null,
  }),
} as const;

type Fields = { readonly [Key in keyof typeof fields]: ValueOf<(typeof fields)[Key]> };

/** What the log collector reads: a file, a command's output or a system log. */
export type LocalFile = Omit<Fields, "format" | "location" | "command"> & { readonly source: LogSource };

export type LogSource =
  | { readonly kind: "file"; readonly location: string; readonly format: LogFormat }
  | { readonly kind: "command"; readonly command: string; readonly output: "lines" | "whole" }
  | { readonly kind: "journald" }
  /** Known, but of another operating system. */
  | { readonly kind: "foreign"; readonly format: LogFormat; readonly location: string | null };

export const localFileSection = each(
  checkedGroup(
    { element: "localfile", doc: "A log of this host.", fields, ignoreCase: true },
    ({ format, location, command, ...rest }, at, report): LocalFile | null => {
      if (at === null) return null;
      const source = readSource({ format, location, command }, at, report);
      if (source !== null && format?.name === "multi-line-regex" && rest.multilineRegex === null) {
        report.error(at.position, "(1968): Missing 'multiline_regex' element.", "add <multiline_regex>");
      }
      return source === null ? null : { ...rest, source };
    },
  ),
);

function readSource(
  { format, location, command }: Pick<Fields, "format" | "location" | "command">,
  at: XmlElement,
  report: Report,
): LogSource | null {
  if (format === null) {
    // A bad text has been reported already.
    const written = at.children.some(({ name }) => name.toLowerCase() === "log_format");
    if (!written) report.error(at.position, "(1901): Missing 'log_format' element.", "add <log_format>");
    return null;
  }
  switch (format.name) {
    case "command":
    case "full_command": {
      // The peer takes the command from <location> too.
      const text = command ?? location;
      if (text !== null)
        return { kind: "command", command: text, output: format.name === "command" ? "lines" : "whole" };
      report.error(at.position, "Missing 'command' argument. This option will be ignored.", "add <command>");
      return null;
    }
    case "journald":
      return { kind: "journald" };
    case "macos":
      return { kind: "foreign", format, location };
    default:
  }
  if (location === null) {
    report.error(at.position, "(1902): Missing 'location' element.", "add <location>");
    return null;
  }
  const isForeign = format.name === "eventlog" || format.name === "eventchannel";
  return isForeign ? { kind: "foreign", format, location } : { kind: "file", location, format };
}
