/** From ossec.conf and the command line to what each part of the manager is given. */
import type { ManagerIdentity } from "#analysis/alert/document.ts";
import type { OutputSelection } from "#analysis/pipeline.ts";
import {
  configuredSources,
  mergeSources,
  namedByPath,
  type RulesetSources,
  stockSources,
} from "#analysis/ruleset/sources.ts";
import { type InternalOptions, readInternalOptions } from "#config/internal-options.ts";
import { type ManagerConfig, readManagerConfig } from "#config/manager-config.ts";
import { CONNECTION_DEFAULTS, type ConnectionConfig } from "#connection/config.ts";
import type { EnrollmentConfig } from "#enrollment/config.ts";
import { formatProblem, type Problem } from "#formats/source-position.ts";
import type { HostLogsOptions, LocalFile } from "#host-logs/host-logs.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { OutputOptions } from "#output/service.ts";
import type { HomePaths } from "./home.ts";

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

/** `ruleset/…` of the configuration is the home's own folder where there is one, else what the program brings. */
export function rulesetSources(
  files: Files,
  paths: HomePaths,
  choice: { readonly config: ManagerConfig; readonly directory: string | null },
): RulesetSources {
  const { config, directory } = choice;
  const inHome = (name: string) => (name.startsWith("/") ? name : `${paths.home}/${name}`);
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
    overtakeSeconds: secure.connectionOvertakeSeconds,
    verifyMessageIds: remoted.verifyMessageId === 1,
    receivedCounterFlush: remoted.countersFlushedEvery,
    disconnectionSeconds: settings.config.global.agentsDisconnectionSeconds,
    disconnectionAlertSeconds: settings.config.global.agentsDisconnectionAlertSeconds,
    raisesDisconnected: true,
    connectionsMax: CONNECTION_DEFAULTS.connectionsMax,
    countersDirectory: `${paths.home}/queue/rids`,
  };
}

/** Null when enrollment is disabled. It listens where agents connect: `<auth>` has no address of its own. */
export function enrollmentConfig(
  settings: Settings,
  paths: HomePaths,
  hostname: string,
): EnrollmentConfig | null {
  const { auth, remote } = settings.config;
  if (auth.disabled) return null;
  const inHome = (path: string) => (path.startsWith("/") ? path : `${paths.home}/${path}`);
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

export function identityOf(config: ManagerConfig, hostname: string): ManagerIdentity {
  const { cluster } = config;
  const shown = cluster !== null && !cluster.disabled && !cluster.hidden;
  return { hostname, cluster: shown ? { name: cluster.name, node: cluster.nodeName } : null };
}

export function outputSelection(config: ManagerConfig): OutputSelection {
  const { alertsJson, alertsLog, logAll, logAllJson } = config.global;
  return { alertsJson, alertsLog, archivesJson: logAllJson, archivesLog: logAll };
}

/** wazuh v4.14.7: `analysisd.min_rotate_interval`, `monitord.sign`, `monitord.compress`, `monitord.day_wait`. */
const CLOSING = { sign: true, compress: true, waitSeconds: 10 } as const;

export function outputOptions(settings: Settings): OutputOptions {
  const { config, options } = settings;
  const selection = outputSelection(config);
  const kinds = new Set<"alert_json" | "alert_log" | "archive_json" | "archive_log">();
  if (selection.alertsJson) kinds.add("alert_json");
  if (selection.alertsLog) kinds.add("alert_log");
  if (selection.archivesJson) kinds.add("archive_json");
  if (selection.archivesLog) kinds.add("archive_log");
  return {
    kinds,
    rotation: {
      intervalSeconds: config.global.rotateIntervalSeconds,
      partBytesMax: config.global.outputBytesMax,
      intervalSecondsMin: options.analysisd.rotateSecondsMin,
    },
    closing: CLOSING,
  };
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
