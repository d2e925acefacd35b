/**
 * Writes docs/operating/configuration.md from the definitions of the options, so that page and program say the same.
 *
 * The definitions do not know which options a part of the manager acts on: that is said here, and nothing else is.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describeInternalOptions, type InternalOption } from "#config/internal-options.ts";
import { describeOptions } from "#config/manager-config.ts";
import type { OptionDescription } from "#config/option.ts";

export const CONFIGURATION_PAGE = fileURLToPath(
  new URL("../../docs/operating/configuration.md", import.meta.url),
);

/** What src/daemons/settings.ts hands to a part. A path that ends in `/` stands for all below it. */
export const ACTED_ON: readonly string[] = [
  ...["logall", "logall_json", "jsonout_output", "alerts_log", "memory_size"].map((name) => `global/${name}`),
  ...["rotate_interval", "max_output_size", "stats", "limits/"].map((name) => `global/${name}`),
  ...["agents_disconnection_time", "agents_disconnection_alert_time"].map((name) => `global/${name}`),
  ...["global/custom_alert_output", "global/geoip_db_path", "labels/"],
  ...["alerts/log_alert_level", "alerts/email_alert_level", "ruleset/"],
  ...["enabled", "max_sessions", "session_timeout"].map((name) => `rule_test/${name}`),
  ...["disabled", "remote_enrollment", "port", "ipv6", "use_source_ip", "purge"].map(
    (name) => `auth/${name}`,
  ),
  ...["use_password", "ciphers", "ssl_agent_ca", "ssl_verify_host", "ssl_auto_negotiate"].map(
    (name) => `auth/${name}`,
  ),
  ...["ssl_manager_cert", "ssl_manager_key", "force/", "force_insert"].map((name) => `auth/${name}`),
  ...[
    "auth/force_time",
    "auth/agents/",
    "auth/key_request/",
    "auth/proxy_protocol_from",
    "remote/proxy_protocol_from",
    "remote/connection",
    "remote/port",
    "remote/ipv6",
    "remote/protocol",
  ],
  ...["remote/local_ip", "remote/connection_overtake_time", "remote/agents/"],
  ...["allowed-ips", "denied-ips", "format", "messages_per_second", "idle_time", "tls/"].map(
    (name) => `remote/${name}`,
  ),
  ...["global/white_list", "command/", "active-response/disabled", "active-response/command"],
  ...["location", "agent_id", "level", "rules_id", "rules_group", "timeout", "repeated_offenders"].map(
    (name) => `active-response/${name}`,
  ),
  ...["disabled", "name", "node_name", "hidden", "node_type", "key", "port", "bind_addr", "nodes/"].map(
    (name) => `cluster/${name}`,
  ),
  ...["cluster/announced_version", "cluster/haproxy_helper/"],
  ...["localfile/log_format", "localfile/location", "agent-upgrade/"],
];

export const INTERNAL_ACTED_ON: readonly string[] = [
  "analysisd.log_fw",
  "analysisd.geoip_jsonout",
  "analysisd.min_rotate_interval",
  "analysisd.show_hidden_labels",
  "analysisd.state_interval",
  "analysisd.reload_keep_state",
  "analysisd.reload_on_change",
  "analysisd.stats_maxdiff",
  "analysisd.stats_mindiff",
  "analysisd.stats_percent_diff",
  "execd.max_restart_lock",
  "monitord.compress",
  "monitord.day_wait",
  "monitord.delete_old_agents",
  "monitord.monitor_agents",
  "monitord.sign",
  "remoted.guess_agent_group",
  "remoted.max_attempts",
  "remoted.recv_counter_flush",
  "remoted.request_pool",
  "remoted.request_rto_msec",
  "remoted.request_rto_sec",
  "remoted.response_timeout",
  "remoted.shared_reload",
  "remoted.state_interval",
  "remoted.verify_msg_id",
  "remoted.merge_shared",
  "wazuh_clusterd.debug",
  "wazuh_download.enabled",
];

/** What the one-line description of an option leaves open. */
export const NOTES: ReadonlyMap<string, string> = new Map([
  ["global/memory_size", "Less than 2048 means 2048."],
  ["global/geoip_db_path", "`geoipdb` is the same. [What it gives](alerts.md#places-of-addresses)."],
  ["global/custom_alert_output", "[Names that can stand in it](alerts.md#alertslog-in-words-of-your-own)."],
  ["alerts/email_alert_level", "Decides `mail` in alerts.json and ` mail ` in alerts.log; no mail is sent."],
  ["auth", "It listens at the address of `remote`, or at 127.0.0.1 when there is none."],
  ["auth/ssl_agent_ca", "[How agents get theirs](agent-certificates.md)."],
  ["auth/ssl_verify_host", "Without `ssl_agent_ca` it says nothing."],
  ["auth/key_request/exec_path", "[Who is asked how](agents.md#keys-from-elsewhere)."],
  ["auth/proxy_protocol_from", "[What it does](agent-certificates.md#behind-a-balancer)."],
  ["remote/proxy_protocol_from", "[What it does](agent-certificates.md#behind-a-balancer)."],
  ["remote", "Listeners for syslog: [syslog.md](syslog.md)."],
  ["active-response", "What it does and what it leaves: [active-responses.md](active-responses.md)."],
  ["cluster", "[How a cluster is set up](cluster.md)."],
  ["localfile", "Which formats are read: [getting-started.md](getting-started.md#the-logs-of-this-host)."],
  ["agent-upgrade", "[How agents are upgraded](upgrades.md#packages-from-a-repository)."],
  ["rule_test", "[How tools use it](rule-tests.md#the-log-test-of-a-running-manager). One thread serves."],
  ["ruleset", "`ruleset/…` is the home's own folder where there is one, else the rule set of the program."],
]);

/** Defaults that are more than one word. */
export const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ["global/limits/eps/maximum", "0"],
  ["logging/log_format", "plain"],
  ["ruleset/decoder_dir", "ruleset/decoders"],
  ["ruleset/decoder_dir@pattern", ".xml$"],
  ["ruleset/rule_dir", "ruleset/rules"],
  ["ruleset/rule_dir@pattern", ".xml$"],
  ["auth/force/disconnected_time", "1h"],
  ["localfile/only-future-events", "yes"],
  ["localfile/only-future-events@max-size", "10M"],
  ["localfile/query@level", "default"],
  ["localfile/target", "agent"],
  ["localfile/ignore@type", "pcre2"],
  ["localfile/restrict@type", "pcre2"],
  ["localfile/filter@ignore_if_missing", "no"],
  ["localfile/multiline_regex@match", "start"],
  ["localfile/multiline_regex@replace", "no-replace"],
  ["localfile/multiline_regex@timeout", "5"],
  ["labels/label@hidden", "no"],
]);

/** The peer's sections that the manager knows by name only. */
export const UNUSED_SECTIONS: readonly string[] = [
  ...[
    "syscheck",
    "rootcheck",
    "sca",
    "wodle",
    "vulnerability-detection",
    "vulnerability-detector",
    "indexer",
  ],
  ...["integration", "syslog_output", "email_alerts", "reports", "agentless", "socket", "database_output"],
  ...["client", "client_buffer", "anti_tampering", "task-manager", "wdb"],
  ...["fluent-forward", "gcp-pubsub", "gcp-bucket", "github", "office365", "ms-graph"],
];

const HEAD = `<!-- Made by tools/generate/configuration-doc.ts; change that or the definitions in src/config, not this page. -->
# Configuration

\`etc/ossec.conf\` below the home directory is the file of the 4.x generation. A first start writes one; an existing file is never changed.
It is read at the start: a change needs \`./cyb3rhq stop\` and \`./cyb3rhq start\`, but for \`<ruleset>\`, which \`./cyb3rhq rules reload\` reads again.
\`./cyb3rhq config check\` says every error and warning, with file, line and column, and starts nothing.

- Several \`<ossec_config>\` blocks count as one. An option that is written twice has its last value; what the tables call a list collects.
- Texts are not trimmed. An unknown element or a bad value is an error, and the manager does not start.
- These sections are known, give a warning and do nothing: UNUSED.
- **Not used yet** marks an option that is read and checked while no part of the manager acts on it; it gives no warning.
- A path names an element inside elements; \`@\` names an attribute.
`;

const INTERNAL_HEAD = `
## Internal options

\`etc/internal_options.conf\` and then \`etc/local_internal_options.conf\`, lines of \`name=number\`; the second file wins. Neither must exist.
A value out of its range is an error; a name that is not known is passed over.

| Option | Range | Default | What |
| --- | --- | --- | --- |
`;

function isActedOn(path: string): boolean {
  const [element = ""] = path.split("@");
  return ACTED_ON.some((known) => (known.endsWith("/") ? element.startsWith(known) : element === known));
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

function code(text: string): string {
  return text === "" ? "" : `\`${cell(text)}\``;
}

function meaning({ path, doc, repeatable }: OptionDescription): string {
  const note = NOTES.get(path) ?? "";
  const unused = isActedOn(path) ? "" : "**Not used yet.**";
  return [cell(doc), repeatable ? "A list." : "", note, unused].filter((part) => part !== "").join(" ");
}

/** A section, or a group inside one, has no values of its own. */
function optionRow(option: OptionDescription, section: string): string {
  const name = option.path.slice(section.length + 1);
  const fallback = DEFAULTS.get(option.path) ?? option.fallback;
  return `| ${code(name)} | ${cell(option.values)} | ${code(fallback)} | ${meaning(option)} |`;
}

function sectionText(section: OptionDescription, options: readonly OptionDescription[]): string {
  const used = options.some(({ path }) => isActedOn(path));
  const unused = used ? "" : " **Not used yet**, none of it.";
  const note = NOTES.get(section.path);
  const several = section.repeatable ? " Each element is one more." : "";
  const head = `## \`<${section.path}>\`\n\n${section.doc}${several}${unused}${note === undefined ? "" : ` ${note}`}\n`;
  const rows = options
    .filter(({ values }) => values !== "")
    .map((option) => optionRow(option, section.path))
    .map((row) => (used ? row : row.replace(" **Not used yet.**", "")));
  return `\n${head}\n| Option | Values | Default | What |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

function internalRow({ name, min, max, fallback, doc }: InternalOption): string {
  const unused = INTERNAL_ACTED_ON.includes(name) ? "" : " **Not used yet.**";
  return `| \`${name}\` | ${min} to ${max} | ${fallback} | ${cell(doc)}${unused} |`;
}

/** The whole page. */
export function configurationPage(): string {
  const all = describeOptions();
  const sections = all.filter(({ path }) => !path.includes("/") && !path.includes("@"));
  const unused = UNUSED_SECTIONS.map((name) => `\`${name}\``).join(", ");
  const texts = sections.map((section) => {
    const below = all.filter(({ path }) => path.startsWith(`${section.path}/`));
    return sectionText(section, below);
  });
  const internal = describeInternalOptions().map(internalRow).join("\n");
  return `${HEAD.replace("UNUSED", unused)}${texts.join("")}${INTERNAL_HEAD}${internal}\n`;
}

if (import.meta.main) writeFileSync(CONFIGURATION_PAGE, configurationPage());
