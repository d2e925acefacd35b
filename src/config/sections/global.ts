/** `<global>`, `<alerts>` and `<logging>`: what is written, when, and for whom (wazuh v4.14.7: src/config/global-config.c). */
import { checkedGroup, group, listOption, option, unusedOptions, type ValueOf } from "#config/option.ts";
import {
  type AddressRule,
  addressRule,
  anyText,
  commaList,
  duration,
  oneOf,
  orZero,
  parseAddressRule,
  size,
  someText,
  type TextKind,
  wholeNumber,
  withError,
  withWarning,
  yesNo,
} from "#config/text-kinds.ts";

const level = wholeNumber(0, 16);
const MEMORY_SIZE_MIN = 2048;
/** `analysisd.min_rotate_interval` of the installed internal options. */
const ROTATE_SECONDS_MIN = 600;
const DAY_SECONDS = 86_400;

const email = withError(
  {
    ...someText,
    values: "an address with an @",
    parse: (text) => (/^[^@\s]+@[^@\s]+$/.test(text) ? text : null),
  },
  (_, text) => `Invalid Email address: ${text}.`,
);

/** An address that active response never blocks, or an OS_Match pattern of host names. */
export type WhiteListEntry =
  | { readonly kind: "address"; readonly rule: AddressRule }
  | { readonly kind: "host"; readonly pattern: string };

const whiteListEntry: TextKind<WhiteListEntry> = {
  ...addressRule,
  values: "an IP address, a network or a pattern of host names",
  parse: (text) => {
    const rule = parseAddressRule(text);
    if (rule !== null) return { kind: "address", rule };
    // What looks like an address but is none would never match a host name.
    return text === "" || /^!?[0-9.:/]+$/.test(text) ? null : { kind: "host", pattern: text };
  },
};

const rotateInterval = withError(
  orZero(duration(ROTATE_SECONDS_MIN, DAY_SECONDS)),
  () => "Rotate interval setting must be between 600 seconds and one day.",
);

const maxOutputSize = withError(
  orZero(size(1_000_000, 2 ** 40)),
  () => "Maximum output size must be between 1 MiB and 1 TiB.",
);

const eps = checkedGroup(
  {
    element: "eps",
    doc: "Limit of events per second that this node analyses; what is more waits in the journal.",
    fields: {
      maximum: option({
        element: "maximum",
        doc: "Events per second; 0 for no limit.",
        kind: wholeNumber(0, 100_000),
        fallback: null,
      }),
      timeframeSeconds: option({
        element: "timeframe",
        doc: "Seconds over which the limit is spread.",
        kind: wholeNumber(1, 3600),
        fallback: 10,
      }),
    },
  },
  ({ maximum, timeframeSeconds }, at, report) => {
    const missing = maximum === null && at?.children.every(({ name }) => name !== "maximum") === true;
    if (at !== null && missing) {
      const text = "EPS limit disabled. The maximum value is missing in the configuration block.";
      report.warning(at.position, text, "write <maximum>");
    }
    return { maximum: maximum ?? 0, timeframeSeconds };
  },
);

export const globalSection = checkedGroup(
  {
    element: "global",
    doc: "Outputs, mail and general behaviour.",
    fields: {
      emailNotification: option({
        element: "email_notification",
        doc: "Send alerts by mail.",
        kind: yesNo,
        fallback: false,
      }),
      emailTo: listOption({ element: "email_to", doc: "Recipient of alert mails.", kind: email }),
      emailFrom: option({
        element: "email_from",
        doc: "Sender of alert mails.",
        kind: anyText,
        fallback: null,
      }),
      emailReplyTo: option({
        element: "email_reply_to",
        doc: "Address for answers to mails.",
        kind: anyText,
        fallback: null,
      }),
      emailIdsName: option({
        element: "email_idsname",
        doc: "Value of the X-IDS-OSSEC header of mails.",
        kind: anyText,
        fallback: null,
      }),
      heloServer: option({
        element: "helo_server",
        doc: "Name given in HELO to the mail server.",
        kind: anyText,
        fallback: null,
      }),
      smtpServer: option({
        element: "smtp_server",
        doc: "Mail server, or the absolute path of a local program.",
        kind: anyText,
        fallback: null,
      }),
      emailsPerHourMax: option({
        element: "email_maxperhour",
        doc: "Mails sent at most in an hour; the rest is sent at its end.",
        kind: wholeNumber(1, 1_000_000),
        fallback: 12,
      }),
      emailLogSource: option({
        element: "email_log_source",
        doc: "Alert file that mails are made from.",
        kind: oneOf("alerts.log", "alerts.json"),
        fallback: "alerts.log",
      }),
      logAll: option({
        element: "logall",
        doc: "Write every event to archives.log.",
        kind: yesNo,
        fallback: false,
      }),
      logAllJson: option({
        element: "logall_json",
        doc: "Write every event to archives.json.",
        kind: yesNo,
        fallback: false,
      }),
      alertsJson: option({
        element: "jsonout_output",
        doc: "Write alerts to alerts.json.",
        kind: yesNo,
        fallback: true,
      }),
      alertsLog: option({
        element: "alerts_log",
        doc: "Write alerts to alerts.log.",
        kind: yesNo,
        fallback: true,
      }),
      integrityCheckingLevel: option({
        element: "integrity_checking",
        doc: "Level of integrity alerts without a rule.",
        kind: level,
        fallback: 8,
      }),
      rootkitDetectionLevel: option({
        element: "rootkit_detection",
        doc: "Level of rootkit alerts without a rule.",
        kind: level,
        fallback: 8,
      }),
      hostInformationLevel: option({
        element: "host_information",
        doc: "Level of host information alerts without a rule.",
        kind: level,
        fallback: 8,
      }),
      statsLevel: option({
        element: "stats",
        doc: "Level of alerts on unusual numbers of events.",
        kind: level,
        fallback: 4,
      }),
      eventMemory: option({
        element: "memory_size",
        doc: "Events kept in memory for correlation.",
        kind: wholeNumber(0, 2 ** 31 - 1),
        fallback: 8192,
        adjust: (value) => Math.max(value, MEMORY_SIZE_MIN),
      }),
      whiteList: listOption({
        element: "white_list",
        doc: "Address or host that active response never blocks.",
        kind: whiteListEntry,
      }),
      customAlertOutput: option({
        element: "custom_alert_output",
        doc: "Format of the entries of alerts.log.",
        kind: someText,
        fallback: null,
      }),
      rotateIntervalSeconds: option({
        element: "rotate_interval",
        doc: "Rotate alert and archive files after this time; 0 for daily.",
        kind: rotateInterval,
        fallback: 0,
      }),
      outputBytesMax: option({
        element: "max_output_size",
        doc: "Rotate alert and archive files at this size; 0 for never.",
        kind: maxOutputSize,
        fallback: 0,
      }),
      queueSize: option({
        element: "queue_size",
        doc: "Length of the queues; that of the internal options when absent.",
        kind: withError(wholeNumber(1, 2 ** 31 - 1), () => "Invalid value for option '<queue_size>'"),
        fallback: null,
      }),
      agentsDisconnectionSeconds: option({
        element: "agents_disconnection_time",
        doc: "Silence after which an agent counts as disconnected.",
        kind: duration(1),
        fallback: 900,
      }),
      agentsDisconnectionAlertSeconds: option({
        element: "agents_disconnection_alert_time",
        doc: "Time from disconnection to the alert on it.",
        kind: duration(0),
        fallback: 0,
      }),
      limits: group({ element: "limits", doc: "Limits of this node.", fields: { eps } }),
      geoDatabasePath: option({
        element: "geoip_db_path",
        doc: "Database in MaxMind DB format: places of addresses, for rules and alerts.",
        kind: someText,
        fallback: null,
      }),
      forwardTo: listOption({
        element: "forward_to",
        doc: "Name of a socket that alerts are forwarded to.",
        kind: someText,
      }),
      updateCheck: option({
        element: "update_check",
        doc: "Let the API look for new versions.",
        kind: yesNo,
        fallback: true,
      }),
      ctiUrl: option({
        element: "cti-url",
        doc: "Address of the threat intelligence service.",
        kind: someText,
        fallback: "https://cti.wazuh.com",
      }),
    },
    aliases: { geoipdb: "geoip_db_path" },
    unused: unusedOptions(
      "global",
      ...["geoip6_db_path", "compress_alerts"],
      ...["prelude_output", "prelude_profile", "prelude_log_level"],
      ...["zeromq_output", "zeromq_uri", "zeromq_server_cert", "zeromq_client_cert"],
    ),
  },
  (values, at, report) => {
    if (at !== null && !values.alertsJson && !values.alertsLog) {
      const lost = "Mail reporting, Syslog client and Integrator won't work properly.";
      report.warning(at.position, `All alert formats are disabled. ${lost}`, "set jsonout_output to yes");
    }
    return values;
  },
);

const alertLevel = wholeNumber(0, 2 ** 31 - 1);

export const alertsSection = group({
  element: "alerts",
  doc: "From which level on a rule's alerts are written and mailed.",
  fields: {
    logLevel: option({
      element: "log_alert_level",
      doc: "Lowest level that is written.",
      kind: alertLevel,
      fallback: 1,
    }),
    emailLevel: option({
      element: "email_alert_level",
      doc: "Lowest level that is mailed.",
      kind: alertLevel,
      fallback: 7,
    }),
    useGeoip: option({
      element: "use_geoip",
      doc: "Add the place of addresses to alerts.",
      kind: yesNo,
      fallback: false,
    }),
  },
});

export const loggingSection = group({
  element: "logging",
  doc: "The manager's own log.",
  fields: {
    formats: option({
      element: "log_format",
      doc: "Forms of the log: ossec.log, ossec.json or both.",
      kind: withWarning(commaList(oneOf("plain", "json"))),
      fallback: ["plain"],
    }),
  },
});

export type GlobalConfig = ValueOf<typeof globalSection>;
export type AlertsConfig = ValueOf<typeof alertsSection>;
export type LoggingConfig = ValueOf<typeof loggingSection>;
