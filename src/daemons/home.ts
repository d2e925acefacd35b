/**
 * The home directory: the peer's layout, made when it is missing, and held by one manager at a time.
 */
import { readFileSync } from "node:fs";
import { shippedConfig, USUAL_LISTS } from "#config/shipped-config.ts";
import { CodedError } from "#kernel/errors.ts";
import type { HandedPlace } from "#kernel/platform/hand-over.ts";
import type { Files } from "#kernel/ports/files.ts";

const DIRECTORIES: readonly string[] = [
  "active-response",
  "active-response/bin",
  "etc",
  "etc/rules",
  "etc/decoders",
  "etc/lists",
  "etc/shared",
  "etc/shared/default",
  "logs",
  "logs/alerts",
  "logs/archives",
  "logs/dead-letters",
  "logs/firewall",
  "logs/responses",
  "queue",
  "queue/alerts",
  "queue/analysis",
  "queue/db",
  "queue/diff",
  "queue/host-logs",
  "queue/journal",
  "queue/output",
  "queue/responses",
  "queue/rids",
  "queue/sockets",
  "queue/tasks",
  "stats",
  "var",
  "var/run",
  "var/upgrade",
];

/** The folders of `DIRECTORIES` that have their place directly in this one. */
function foldersIn(parent: string): readonly string[] {
  const depth = parent === "" ? 1 : parent.split("/").length + 1;
  return DIRECTORIES.filter((path) => path.split("/").length === depth && path.startsWith(parent));
}

/**
 * Whose what is when root starts a manager that works as another user. What it writes is that user's. What root made of configuration,
 * passwords, certificates and programs of responses stays root's: the manager reads it.
 */
export const HANDED_PLACES: readonly HandedPlace[] = [
  { path: "etc", make: true, use: "shared" },
  { path: "etc/client.keys", make: false, use: "owned" },
  { path: "active-response/bin", make: true, use: "readable" },
  { path: "active-response", make: true, use: "readable" },
  { path: "ruleset", make: false, use: "readable" },
  ...[...foldersIn("etc"), ...foldersIn("")]
    .filter((path) => path !== "etc" && path !== "active-response")
    .map((path): HandedPlace => ({ path, make: true, use: "owned" })),
];

export type HomePaths = {
  readonly home: string;
  readonly config: string;
  readonly internalOptions: string;
  readonly localInternalOptions: string;
  readonly journal: string;
  readonly snapshot: string;
  readonly log: string;
  readonly lock: string;
  readonly state: string;
  readonly certificate: string;
  readonly certificateKey: string;
  readonly alerts: string;
  readonly deadLetters: string;
  /** Of this program's own commands. */
  readonly controlSocket: string;
  readonly remoteSocket: string;
  /** Datagrams of events, of active responses of agents, and of this host. */
  readonly eventQueue: string;
  readonly agentResponseQueue: string;
  readonly hostResponseQueue: string;
  /** Packages while agents are sent them. */
  readonly packages: string;
  readonly upgradeTasks: string;
  /** What active responses left in force on this host. */
  readonly standingResponses: string;
  /** What was done to this host, and who asked. */
  readonly hostActions: string;
  /** As the peer's scripts write it. */
  readonly responseLog: string;
};

export function homePaths(home: string): HomePaths {
  return {
    home,
    config: `${home}/etc/ossec.conf`,
    internalOptions: `${home}/etc/internal_options.conf`,
    localInternalOptions: `${home}/etc/local_internal_options.conf`,
    journal: `${home}/queue/journal`,
    snapshot: `${home}/queue/analysis/snapshot`,
    log: `${home}/logs/ossec.log`,
    lock: `${home}/var/run/cyb3rhq-manager.pid`,
    state: `${home}/var/run/cyb3rhq-manager.state`,
    certificate: `${home}/etc/sslmanager.cert`,
    certificateKey: `${home}/etc/sslmanager.key`,
    alerts: `${home}/logs/alerts/alerts.json`,
    deadLetters: `${home}/logs/dead-letters/dead-letters.json`,
    controlSocket: `${home}/queue/sockets/cyb3rhq`,
    remoteSocket: `${home}/queue/sockets/remote`,
    eventQueue: `${home}/queue/sockets/queue`,
    agentResponseQueue: `${home}/queue/alerts/ar`,
    hostResponseQueue: `${home}/queue/alerts/execq`,
    packages: `${home}/var/upgrade`,
    upgradeTasks: `${home}/queue/tasks/upgrades.jsonl`,
    standingResponses: `${home}/queue/responses/standing.jsonl`,
    hostActions: `${home}/logs/responses/host-actions.json`,
    responseLog: `${home}/logs/active-responses.log`,
  };
}

/** Makes what is missing; an existing file is never touched. */
export function prepareHome(files: Files, paths: HomePaths): void {
  try {
    for (const directory of DIRECTORIES) files.makeDirectory(`${paths.home}/${directory}`);
    if (files.info(paths.config) === null) {
      const lists = USUAL_LISTS.filter((list) => files.info(`${paths.home}/${list}`) !== null);
      files.replace(paths.config, Buffer.from(shippedConfig({ lists }), "utf8"));
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const advice = "give another one with --home DIR, or make it writable for this user";
    throw new CodedError(
      "home_not_writable",
      `The home directory ${paths.home} cannot be written (${error.message}); ${advice}`,
      {},
      error,
    );
  }
}

/** The kernel's start time of a process, in clock ticks since boot: with the pid it names a process for good. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command name may hold blanks; fields are counted after its closing parenthesis (proc(5), fields 3 and 22).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One that has ended and that nobody has asked how holds nothing any more.
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

export type LockHolder = { readonly pid: number };

/** The manager that holds the home, when it lives. */
export function lockHolder(files: Files, paths: HomePaths): LockHolder | null {
  if (files.info(paths.lock) === null) return null;
  const [pidText = "", startTime = ""] = files.read(paths.lock).toString("latin1").trim().split(" ");
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return startTimeOf(pid) === startTime ? { pid } : null;
}

/** Takes the home for this process; the lock of a dead one is taken over. */
export function takeLock(files: Files, paths: HomePaths, pid: number): void {
  const text = Buffer.from(`${pid} ${startTimeOf(pid) ?? ""}\n`, "latin1");
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = files.open(paths.lock, "create");
      file.write(text);
      file.close();
      return;
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== "file_exists") throw error;
      const holder = lockHolder(files, paths);
      if (holder !== null) {
        throw new CodedError(
          "home_in_use",
          `A manager with pid ${holder.pid} already runs on ${paths.home}; stop it with 'cyb3rhq stop --home ${paths.home}'`,
          { pid: holder.pid },
        );
      }
      files.remove(paths.lock);
    }
  }
  throw new CodedError("home_in_use", `Another manager is starting on ${paths.home}`, {});
}

export function releaseLock(files: Files, paths: HomePaths): void {
  if (files.info(paths.lock) !== null) files.remove(paths.lock);
}
