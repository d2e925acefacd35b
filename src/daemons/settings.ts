/** From ossec.conf and the command line to what each part of the manager is given. */
import { availableParallelism } from "node:os";
import type { AgentLabel } from "#analysis/alert/agent-labels.ts";
import type { ManagerIdentity } from "#analysis/alert/document.ts";
import type { EventLimitOptions } from "#analysis/limits/event-limit.ts";
import type { OutputSelection } from "#analysis/pipeline.ts";
import type { ResponseSettings } from "#analysis/response/settings.ts";
import {
  configuredSources,
  mergeSources,
  namedByPath,
  type RulesetSources,
  stockSources,
} from "#analysis/ruleset/sources.ts";
import type { SavedAverages } from "#analysis/stats/event-averages.ts";
import type { StatisticsOptions } from "#analysis/stats/hourly-statistics.ts";
import { type InternalOptions, readInternalOptions } from "#config/internal-options.ts";
import { type ManagerConfig, readManagerConfig } from "#config/manager-config.ts";
import { CONNECTION_DEFAULTS, type ConnectionConfig } from "#connection/config.ts";
import type { WatchedCertificate } from "#enrollment/certificate-watch.ts";
import type { EnrollmentConfig } from "#enrollment/config.ts";
import type { KeyRequestConfig } from "#enrollment/key-requests.ts";
import type { KeyProgram } from "#enrollment/key-source.ts";
import { formatProblem, type Problem } from "#formats/source-position.ts";
import type { HostLogsOptions, LocalFile } from "#host-logs/host-logs.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";
import type { Files } from "#kernel/ports/files.ts";
import { SESSIONS_BYTES_MAX } from "#logtest/limits.ts";
import type { LogtestConfig } from "#logtest/needs.ts";
import type { IpNetwork } from "#model/address.ts";
import type { FileKind } from "#output/day-files.ts";
import type { OutputOptions } from "#output/service.ts";
import type { SyslogListenerConfig } from "#syslog-input/config.ts";
import type { UpgradeSettings } from "#upgrade/needs.ts";
import type { HomePaths } from "./home.ts";
import type { OldAgentsConfig } from "./old-agents.ts";

/** What agents of the 4.x generation compare themselves with. */
export const PEER_VERSION = "v4.14.7";

const ANY_IPV4 = "0.0.0.0";
const ANY_ADDRESS = "::";
const LOOPBACK = "127.0.0.1";

export type Settings = {
  readonly config: ManagerConfig;
  readonly options: InternalOptions;
  readonly problems: readonly Problem[];
};

/** Reads the configuration of a home. Problems are given whole; the settings are to be used when none is an error. */
export function readSettings(files: Files, paths: HomePaths): Settings {
  const { config, problems } = readManagerConfig(files.read(paths.config).toString("latin1"), paths.config);
  const optionFiles = [paths.internalOptions, paths.localInternalOptions]
    .filter((path) => files.info(path) !== null)
    .map((path) => ({ text: files.read(path).toString("latin1"), file: path }));
  const internal = readInternalOptions(optionFiles);
  return { config, options: internal.options, problems: [...problems, ...internal.problems] };
}

export function errorLines(problems: readonly Problem[]): readonly string[] {
  return problems.filter(({ severity }) => severity === "error").map(formatProblem);
}

/** Where a path of the configuration leads. */
function within({ home }: HomePaths): (path: string) => string {
  return (path) => (path.startsWith("/") ? path : `${home}/${path}`);
}

/** The same with the files that `<rule_exclude>` and `<decoder_exclude>` leave out. */
export function withExcludedFiles(config: ManagerConfig): ManagerConfig {
  return { ...config, ruleset: { ...config.ruleset, ruleExcludes: [], decoderExcludes: [] } };
}

/** `ruleset/…` of the configuration is the home's own folder where there is one, else what the program brings. */
export function rulesetSources(
  files: Files,
  paths: HomePaths,
  choice: { readonly config: ManagerConfig; readonly directory: string | null },
): RulesetSources {
  const { config, directory } = choice;
  const inHome = within(paths);
  if (directory !== null) {
    const own = configuredSources(files, inHome, {
      ...config.ruleset,
      decoderDirectories: config.ruleset.decoderDirectories.filter(
        ({ path }) => !path.startsWith("ruleset/"),
      ),
      ruleDirectories: config.ruleset.ruleDirectories.filter(({ path }) => !path.startsWith("ruleset/")),
    });
    return namedByPath(mergeSources(stockSources(files, directory), own));
  }
  const homeHasRules = files.info(`${paths.home}/ruleset`) !== null;
  const resolve = (name: string) =>
    name.startsWith("ruleset/") && !homeHasRules
      ? `${SHIPPED_RULESET}/${name.slice("ruleset/".length)}`
      : inHome(name);
  return namedByPath(configuredSources(files, resolve, config.ruleset));
}

function listenAddress(localIp: string | null, ipv6: boolean): string {
  return localIp ?? (ipv6 ? ANY_ADDRESS : ANY_IPV4);
}

/** Null when agents are not served. */
export function connectionConfig(
  settings: Settings,
  paths: HomePaths,
  processId: number,
): ConnectionConfig | null {
  const { secure } = settings.config.remote;
  if (secure === null) return null;
  const { remoted } = settings.options;
  return {
    host: listenAddress(secure.localIp, secure.ipv6),
    port: secure.port,
    processId,
    managerVersion: PEER_VERSION,
    allowHigherVersions: secure.allowHigherVersions,
    protocols: secure.protocols,
    overtakeSeconds: secure.connectionOvertakeSeconds,
    verifyMessageIds: remoted.verifyMessageId === 1,
    receivedCounterFlush: remoted.countersFlushedEvery,
    disconnectionSeconds: settings.config.global.agentsDisconnectionSeconds,
    disconnectionAlertSeconds: settings.config.global.agentsDisconnectionAlertSeconds,
    raisesDisconnected: settings.options.monitord.monitorAgents === 1,
    connectionsMax: CONNECTION_DEFAULTS.connectionsMax,
    requests: {
      pool: remoted.requestPool,
      responseMs: remoted.responseTimeoutSeconds * 1000,
      retryMs: remoted.requestRetrySeconds * 1000 + remoted.requestRetryMilliseconds,
      attemptsMax: remoted.requestAttemptsMax,
    },
    asksForKeys: keyRequestConfig(settings, paths) !== null,
    countersDirectory: `${paths.home}/queue/rids`,
  };
}

/** `packageAuthorities`: the file with the roots that sign packages. */
export function upgradeSettings(
  { config: { agentUpgrade } }: Settings,
  paths: HomePaths,
): UpgradeSettings & { readonly packageAuthorities: string } {
  const { packageAuthorities, repositoryAuthorities, transfersMax, ...upgrade } = agentUpgrade;
  const inHome = within(paths);
  return {
    ...upgrade,
    transfersMax: transfersMax === 0 ? availableParallelism() : transfersMax,
    repositoryAuthorities: repositoryAuthorities === null ? null : inHome(repositoryAuthorities),
    packageAuthorities: inHome(packageAuthorities),
  };
}

/** Null for a manager that works alone. */
export function clusterRole({ cluster }: ManagerConfig): "master" | "worker" | null {
  return cluster.disabled ? null : cluster.nodeType;
}

/** Null when agents stay however long they are disconnected. */
export function oldAgentsConfig({ config, options }: Settings): OldAgentsConfig | null {
  const { deleteOldAgentsMinutes, monitorAgents } = options.monitord;
  // In a cluster the master does it.
  if (deleteOldAgentsMinutes === 0 || clusterRole(config) === "worker") return null;
  return {
    afterSeconds: deleteOldAgentsMinutes * 60,
    disconnectionSeconds: config.global.agentsDisconnectionSeconds,
    purge: config.auth.purge,
    tells: monitorAgents === 1,
  };
}

/** Who hands the connections of agents on, and those of agents that enrol. */
export function balancersOf({ config }: Settings): {
  readonly agents: readonly IpNetwork[];
  readonly enrollment: readonly IpNetwork[];
} {
  return { agents: config.remote.secure?.balancers ?? [], enrollment: config.auth.balancers };
}

/** Null when enrollment is disabled. It listens where agents connect: `<auth>` has no address of its own. */
export function enrollmentConfig(
  settings: Settings,
  paths: HomePaths,
  hostname: string,
): EnrollmentConfig | null {
  const { auth, remote } = settings.config;
  if (auth.disabled) return null;
  const inHome = within(paths);
  const host = remote.secure === null ? LOOPBACK : listenAddress(remote.secure.localIp, auth.ipv6);
  return {
    host,
    port: auth.port,
    remoteEnrollment: auth.remoteEnrollment,
    useSourceIp: auth.useSourceIp,
    purge: auth.purge,
    usePassword: auth.usePassword,
    passwordPath: `${paths.home}/etc/authd.pass`,
    ciphers: auth.ciphers,
    certificatePath: inHome(auth.managerCert),
    keyPath: inHome(auth.managerKey),
    clientAuthorityPath: auth.agentCa === null ? null : inHome(auth.agentCa),
    verifiesHost: auth.verifyHost,
    oldTlsVersions: auth.autoNegotiate,
    force: auth.force,
    allowHigherVersions: auth.agents.allowHigherVersions,
    managerVersion: PEER_VERSION,
    managerHostName: hostname,
    managerAddresses: [
      LOOPBACK,
      ...(host === LOOPBACK || host === ANY_IPV4 || host === ANY_ADDRESS ? [] : [host]),
    ],
  };
}

/** The certificates of enrollment whose end is to be told of in time. */
export function watchedCertificates(config: EnrollmentConfig | null): readonly WatchedCertificate[] {
  if (config === null || !config.remoteEnrollment) return [];
  const { certificatePath, clientAuthorityPath } = config;
  const manager: WatchedCertificate = { role: "manager", path: certificatePath };
  return clientAuthorityPath === null
    ? [manager]
    : [manager, { role: "agent_authority", path: clientAuthorityPath }];
}

/** Null when nobody is asked for the keys of unknown agents. */
export function keyRequestConfig({ config: { auth } }: Settings, paths: HomePaths): KeyRequestConfig | null {
  const { disabled, keyRequest } = auth;
  if (disabled || keyRequest === null) return null;
  const { socket, timeoutSeconds, parallel, queueSize } = keyRequest;
  const [name = "", ...args] = keyRequest.program ?? [];
  const inHome = within(paths);
  const program: KeyProgram = { kind: "program", program: name.includes("/") ? inHome(name) : name, args };
  const otherwise = keyRequest.program === null ? null : program;
  return {
    source: socket === null ? program : { kind: "socket", path: inHome(socket), otherwise },
    timeoutMs: timeoutSeconds * 1000,
    parallel,
    waitingMax: queueSize,
  };
}

/** What alerts are answered with, and whom nothing is done to. */
export function responseSettings({ activeResponse, global }: ManagerConfig): ResponseSettings {
  return { responses: activeResponse.disabled ? [] : activeResponse.responses, whiteList: global.whiteList };
}

/** Null when the log test is disabled. */
export function logtestConfig({ ruleTest }: ManagerConfig, paths: HomePaths): LogtestConfig | null {
  const { enabled, sessionsMax, sessionSeconds } = ruleTest;
  if (!enabled) return null;
  const socketPath = `${paths.home}/queue/sockets/logtest`;
  return { socketPath, sessionsMax, sessionSeconds, sessionsBytesMax: SESSIONS_BYTES_MAX };
}

export function identityOf(config: ManagerConfig, hostname: string): ManagerIdentity {
  const { cluster } = config;
  const shown = cluster !== null && !cluster.disabled && !cluster.hidden;
  return { hostname, cluster: shown ? { name: cluster.name, node: cluster.nodeName } : null };
}

/** What alerts carry beside their events, and in which form; plain data, fit to be sent to another thread. */
export type AlertFormOptions = {
  /** Of this host. */
  readonly labels: readonly AgentLabel[];
  readonly showsHiddenLabels: boolean;
  readonly placesInJson: boolean;
  /** Null for the usual form of alerts.log. */
  readonly customAlert: string | null;
  /** Null: no address has a place. */
  readonly geoDatabasePath: string | null;
};

export function alertFormOptions({ config, options }: Settings, paths: HomePaths): AlertFormOptions {
  const { customAlertOutput, geoDatabasePath } = config.global;
  const { showHiddenLabels, geoipJson } = options.analysisd;
  return {
    labels: config.labels.map((label) => ({ ...label, system: false })),
    showsHiddenLabels: showHiddenLabels === 1,
    placesInJson: geoipJson === 1,
    customAlert: customAlertOutput,
    geoDatabasePath: geoDatabasePath === null ? null : within(paths)(geoDatabasePath),
  };
}

export function outputSelection({ config, options }: Settings): OutputSelection {
  const { alertsJson, alertsLog, logAll, logAllJson } = config.global;
  const firewallLog = options.analysisd.logFirewall === 1;
  return { alertsJson, alertsLog, archivesJson: logAllJson, archivesLog: logAll, firewallLog };
}

/** What the manager counts of hours and days. */
export function statisticsOptions({ config, options }: Settings, saved: SavedAverages): StatisticsOptions {
  const { statsLevel } = config.global;
  if (statsLevel === 0) return { averages: null };
  const { statsDifferenceMax, statsDifferenceMin, statsDifferencePercent } = options.analysisd;
  return {
    averages: {
      alertLevel: statsLevel,
      differenceMax: statsDifferenceMax,
      differenceMin: statsDifferenceMin,
      differencePercent: statsDifferencePercent,
      saved,
    },
  };
}

/** Null when as many events are analysed as come. */
export function eventLimitOptions({ config }: Settings): EventLimitOptions | null {
  const { maximum, timeframeSeconds } = config.global.limits.eps;
  return maximum === 0 ? null : { eventsPerSecond: maximum, timeframeSeconds };
}

export function outputOptions(settings: Settings): OutputOptions {
  const { config, options } = settings;
  const { compress, dayWaitSeconds, sign } = options.monitord;
  const selection = outputSelection(settings);
  // What could not be analysed is always kept.
  const kinds = new Set<FileKind>(["dead_letter"]);
  if (selection.alertsJson) kinds.add("alert_json");
  if (selection.alertsLog) kinds.add("alert_log");
  if (selection.archivesJson) kinds.add("archive_json");
  if (selection.archivesLog) kinds.add("archive_log");
  if (responseSettings(config).responses.length > 0) kinds.add("response");
  if (selection.firewallLog) kinds.add("firewall_log");
  return {
    kinds,
    customAlertLog: config.global.customAlertOutput !== null,
    rotation: {
      intervalSeconds: config.global.rotateIntervalSeconds,
      partBytesMax: config.global.outputBytesMax,
      intervalSecondsMin: options.analysisd.rotateSecondsMin,
    },
    closing: { sign: sign === 1, compress: compress === 1, waitSeconds: dayWaitSeconds },
  };
}

/** One for each `<remote>` of syslog. */
export function syslogConfigs(
  settings: Settings,
  paths: HomePaths,
  processId: number,
): readonly SyslogListenerConfig[] {
  const inHome = within(paths);
  return settings.config.remote.syslog.map(({ localIp, ipv6, protocols, tls, ...others }) => ({
    ...others,
    host: listenAddress(localIp, ipv6),
    protocol: protocols.udp ? "udp" : "tcp",
    tls:
      tls === null
        ? null
        : {
            certificatePath: inHome(tls.certificate),
            keyPath: inHome(tls.key),
            clientAuthorityPath: tls.clientCa === null ? null : inHome(tls.clientCa),
          },
    processId,
  }));
}

/** The files that `<localfile>` names, beside this host's usual ones. Commands and foreign formats are left to later versions. */
export function hostLogsOptions(config: ManagerConfig, paths: HomePaths): HostLogsOptions {
  const localFiles = config.localFiles.flatMap(({ source }): LocalFile[] => {
    if (source.kind !== "file") return [];
    const { location, format } = source;
    return [
      { location, format: format.name === "multi-line" ? `${format.name}:${format.lines}` : format.name },
    ];
  });
  return { directory: `${paths.home}/queue/host-logs`, localFiles };
}
