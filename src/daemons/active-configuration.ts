/**
 * The configuration that is under way, as the peer's daemons show theirs on their sockets: names and forms of values are the peer's
 * (wazuh v4.14.7: src/analysisd/config.c, src/remoted/config.c, src/os_execd/config.c, src/logcollector/config.c, src/monitord/monitord.c). Pure.
 *
 * What this program does not act on is shown as it is configured: configuration.md marks it.
 */
import { availableParallelism } from "node:os";
import type { RulesetFile, RulesetSources } from "#analysis/ruleset/sources.ts";
import { configJson } from "#cluster/local/commands.ts";
import { valuesOf } from "#config/internal-options.ts";
import type { WhiteListEntry } from "#config/sections/global.ts";
import type { LocalFile } from "#config/sections/localfile.ts";
import type { SecureRemote, SyslogRemote } from "#config/sections/remote.ts";
import type { ActiveResponse, Command } from "#config/sections/response.ts";
import type { AddressRule } from "#config/text-kinds.ts";
import type { Sections } from "#local-sockets/command-answers.ts";
import type { JsonObject } from "#local-sockets/json.ts";
import { addressBits, formatIpAddress } from "#model/address.ts";
import type { Settings } from "./settings.ts";

const yesOrNo = (value: boolean) => (value ? "yes" : "no");

/** Left out where there is nothing, as the peer does. */
function present(values: Readonly<Record<string, unknown>>): JsonObject {
  const isThere = (value: unknown) => value !== null && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isThere(value)));
}

/** `sources`: the files of the rule set as they are configured now; those of the home are named from there. */
export function analysisSections(
  { config, options }: Settings,
  home: string,
  sources: () => RulesetSources,
): Sections {
  const nameOf = (path: string) => (path.startsWith(`${home}/`) ? path.slice(home.length + 1) : path);
  const names = (files: readonly RulesetFile[]) => files.map(({ path }) => nameOf(path));
  return (section) => {
    switch (section) {
      case "global":
        return { global: globalSection(config.global) };
      case "active_response":
        return { "active-response": config.activeResponse.responses.map(responseSection) };
      case "alerts": {
        const { emailLevel, logLevel, useGeoip } = config.alerts;
        const levels = { email_alert_level: emailLevel, log_alert_level: logLevel };
        return { alerts: { ...levels, use_geoip: yesOrNo(useGeoip) } };
      }
      case "command":
        return { command: config.commands.map(commandSection) };
      case "decoders":
        return { decoders: names(sources().decoders) };
      case "rules":
        return { rules: names(sources().rules) };
      case "internal":
        return { internal: { analysisd: valuesOf(options, "analysisd") } };
      case "labels":
        return {
          labels: config.labels.map(({ key, value, hidden }) => ({ value, key, hidden: yesOrNo(hidden) })),
        };
      case "rule_test":
        return { rule_test: ruleTestSection(config.ruleTest) };
      default:
        return null;
    }
  };
}

function globalSection(global: Settings["config"]["global"]): JsonObject {
  const { maximum, timeframeSeconds } = global.limits.eps;
  return present({
    email_notification: yesOrNo(global.emailNotification),
    logall: yesOrNo(global.logAll),
    logall_json: yesOrNo(global.logAllJson),
    integrity_checking: global.integrityCheckingLevel,
    rootkit_detection: global.rootkitDetectionLevel,
    host_information: global.hostInformationLevel,
    jsonout_output: yesOrNo(global.alertsJson),
    alerts_log: yesOrNo(global.alertsLog),
    stats: global.statsLevel,
    memory_size: global.eventMemory,
    white_list: global.whiteList.map(whiteListText),
    custom_alert_output: global.customAlertOutput,
    rotate_interval: global.rotateIntervalSeconds,
    max_output_size: global.outputBytesMax,
    eps: { maximum, timeframe: timeframeSeconds },
    geoip_db_path: global.geoDatabasePath,
  });
}

function whiteListText(entry: WhiteListEntry): string {
  return entry.kind === "host" ? entry.pattern : addressText(entry.rule);
}

function addressText({ negated, network }: AddressRule): string {
  const not = negated ? "!" : "";
  if (network === "any") return `${not}any`;
  const { address, prefixBits } = network;
  const isOne = prefixBits === addressBits(address.version);
  return not + formatIpAddress(address) + (isOne ? "" : `/${prefixBits}`);
}

/** The peer's names of its own constants. */
const LOCATIONS = {
  server: "AS_ONLY",
  local: "REMOTE_AGENT",
  "defined-agent": "SPECIFIC_AGENT",
  all: "ALL_AGENTS",
} as const;

function responseSection({
  command,
  level,
  ruleIds,
  rulesGroup,
  target,
  timeoutSeconds,
}: ActiveResponse): JsonObject {
  return present({
    command: command.name,
    agent_id: target.location === "defined-agent" ? target.agentId : null,
    rules_id: ruleIds.length === 0 ? null : ruleIds.join(","),
    rules_group: rulesGroup,
    timeout: timeoutSeconds,
    level: level ?? 0,
    location: LOCATIONS[target.location],
  });
}

function commandSection({ executable, name, timeoutAllowed }: Command): JsonObject {
  return { name, executable, timeout_allowed: timeoutAllowed ? 1 : 0 };
}

function ruleTestSection({
  enabled,
  sessionsMax,
  sessionSeconds,
  threads,
}: Settings["config"]["ruleTest"]): JsonObject {
  return {
    enabled: yesOrNo(enabled),
    threads: threads === "auto" ? availableParallelism() : threads,
    max_sessions: sessionsMax,
    session_timeout: sessionSeconds,
  };
}

export function comSections({ config, options }: Settings): Sections {
  const { disabled, repeatedOffenderMinutes } = config.activeResponse;
  const isLogged = (format: "plain" | "json") => yesOrNo(config.logging.formats.includes(format));
  return (section) => {
    switch (section) {
      case "active-response":
        return {
          "active-response": present({
            disabled: yesOrNo(disabled),
            repeated_offenders: repeatedOffenderMinutes,
          }),
        };
      case "logging":
        return { logging: { plain: isLogged("plain"), json: isLogged("json") } };
      case "internal": {
        const { debug: _, ...execd } = valuesOf(options, "execd");
        return { internal: { execd } };
      }
      default:
        return null;
    }
  };
}

/** As the cluster's own socket tells it: without its key. */
export function clusterSections({ config: { cluster } }: Settings): Sections {
  return () => (cluster.disabled ? null : configJson(cluster));
}

export function connectionSections({ config: { global, remote }, options }: Settings): Sections {
  const { secure, syslog } = remote;
  const listeners = [...(secure === null ? [] : [secureListener(secure)]), ...syslog.map(syslogListener)];
  return (section) => {
    switch (section) {
      case "global":
        return { global: disconnectionTimes(global) };
      case "internal":
        return { internal: { remoted: valuesOf(options, "remoted") } };
      case "remote":
        return listeners.length === 0 ? null : { remote: listeners };
      default:
        return null;
    }
  };
}

function disconnectionTimes(global: Settings["config"]["global"]): JsonObject {
  return {
    agents_disconnection_time: global.agentsDisconnectionSeconds,
    agents_disconnection_alert_time: global.agentsDisconnectionAlertSeconds,
  };
}

function listener({ ipv6, localIp, port, protocols }: SecureRemote | SyslogRemote): JsonObject {
  return present({
    ipv6: yesOrNo(ipv6),
    local_ip: localIp,
    protocol: [...(protocols.tcp ? ["TCP"] : []), ...(protocols.udp ? ["UDP"] : [])],
    port: String(port),
  });
}

function secureListener(secure: SecureRemote): JsonObject {
  return {
    connection: "secure",
    ...listener(secure),
    queue_size: String(secure.queueSize),
    rids_closing_time: secure.ridsClosingSeconds,
    connection_overtake_time: secure.connectionOvertakeSeconds,
    agents: { allow_higher_versions: yesOrNo(secure.allowHigherVersions) },
  };
}

function syslogListener(syslog: SyslogRemote): JsonObject {
  return present({
    connection: "syslog",
    ...listener(syslog),
    "allowed-ips": syslog.allowed.map(addressText),
    "denied-ips": syslog.denied.map(addressText),
  });
}

export function logCollectorSections({ config, options }: Settings, queue: string): Sections {
  return (section) => {
    switch (section) {
      case "localfile":
        return present({ localfile: config.localFiles.map(localFileSection) });
      // The one that always is: the events' own.
      case "socket":
        return { socket: [{ name: "agent", location: queue, mode: "udp" }] };
      case "internal":
        return { internal: { logcollector: valuesOf(options, "logcollector") } };
      default:
        return null;
    }
  };
}

function localFileSection(file: LocalFile): JsonObject {
  const { ageSeconds, alias, excludes, ignoreBinaries, ignores, journalFilters, labels, multilineRegex } =
    file;
  const { onlyFutureEvents, outFormats, query, reconnectSeconds, restricts, source, targets } = file;
  const format = formatOf(source);
  return present({
    file: source.kind === "journald" ? "journald" : source.kind === "command" ? null : source.location,
    logformat: format,
    command: source.kind === "command" ? source.command : null,
    alias,
    query:
      query === null ? null : { value: query.text, level: query.level, ...present({ type: query.types }) },
    ignore_binaries: source.kind === "journald" ? null : yesOrNo(ignoreBinaries),
    age: ageSeconds === null ? null : `${ageSeconds}s`,
    exclude: excludes.at(-1) ?? null,
    ...(source.kind === "command" ? {} : futureEvents(onlyFutureEvents)),
    target: targets,
    out_format: outFormats.map(({ target, template }) => ({ target: target ?? "all", format: template })),
    labels: labels.length === 0 ? null : Object.fromEntries(labels.map(({ key, value }) => [key, value])),
    frequency: source.kind === "command" ? file.frequencySeconds : null,
    reconnect_time: format === "eventchannel" ? reconnectSeconds : null,
    multiline_regex: multilineRegex === null ? null : multiline(multilineRegex),
    filters: journalFilters.length === 0 ? null : [journalFilters.map(journalFilter)],
    ignore: ignores.map(expression),
    restrict: restricts.map(expression),
  });
}

function formatOf(source: LocalFile["source"]): string {
  if (source.kind === "command") return source.output === "lines" ? "command" : "full_command";
  return source.kind === "journald" ? "journald" : source.format.name;
}

function futureEvents({ enabled, maxBytes }: LocalFile["onlyFutureEvents"]): JsonObject {
  if (enabled) return { "only-future-events": "yes" };
  return { "only-future-events": "no", "max-size": String(maxBytes) };
}

function multiline({
  match,
  pattern,
  replace,
  timeoutSeconds,
}: NonNullable<LocalFile["multilineRegex"]>): JsonObject {
  return { match, replace, regex: pattern, timeout: timeoutSeconds };
}

function journalFilter({ field, ignoreIfMissing, pattern }: LocalFile["journalFilters"][number]): JsonObject {
  return { field, expression: pattern, ignore_if_missing: ignoreIfMissing };
}

function expression({ pattern, type }: LocalFile["ignores"][number]): JsonObject {
  return { value: pattern, type };
}

/** No reports are made. */
export function monitorSections({ config: { global }, options }: Settings): Sections {
  return (section) => {
    switch (section) {
      case "internal": {
        const { debug: _, ...monitord } = valuesOf(options, "monitord");
        return { monitord };
      }
      case "global":
        return { monitord: disconnectionTimes(global) };
      case "reports":
        return {};
      default:
        return null;
    }
  };
}

/** Of the peer's modules those that there are here. */
export function moduleSections({ config: { agentUpgrade }, options }: Settings): Sections {
  const { chunkBytes, enabled, packageAuthorities, repository, transfersMax } = agentUpgrade;
  const upgrade = present({
    enabled: yesOrNo(enabled),
    max_threads: transfersMax,
    chunk_size: chunkBytes,
    wpk_repository: repository,
    ca_verification: "yes",
    ca_store: [packageAuthorities],
  });
  const download = options.wazuh_download.enabled === 1 ? [{ wazuh_download: { enabled: "yes" } }] : [];
  const tasks = { "task-manager": { enabled: "yes" } };
  return (section) =>
    section === "wmodules" ? { wmodules: [{ "agent-upgrade": upgrade }, tasks, ...download] } : null;
}
