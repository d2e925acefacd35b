/** How many agents can be connected with the open files that the system allows: each connection is one. */
import type { Files } from "#kernel/ports/files.ts";

const LIMITS_PATH = "/proc/self/limits";
/** Soft limit, hard limit; Node raises the one to the other. */
const OPEN_FILES = /^Max open files\s+(\d+|unlimited)\s/m;

/**
 * Kept for all that is no agent's connection: agents that enrol (999), syslog and local sockets (some hundred each), journal, alerts, databases.
 * A manager without a descriptor could not even write its alerts.
 */
export const FILES_RESERVED = 2000;

/** Null where the system does not say, or sets none. */
export function openFilesMax(files: Files): number | null {
  if (files.info(LIMITS_PATH) === null) return null;
  const [, soft] = OPEN_FILES.exec(files.read(LIMITS_PATH).toString("latin1")) ?? [];
  return soft === undefined || soft === "unlimited" ? null : Number(soft);
}

/** Of a low limit the agents get half. */
export function connectionsWithin(filesMax: number | null, connectionsMax: number): number {
  if (filesMax === null) return connectionsMax;
  return Math.min(connectionsMax, Math.max(filesMax - FILES_RESERVED, Math.floor(filesMax / 2)));
}

/** For the log; null when there is room for every agent that is known. */
export function fileLimitWarning(
  filesMax: number | null,
  connections: number,
  agents: number,
): string | null {
  if (filesMax === null || agents <= connections) return null;
  return `The limit of open files is ${filesMax}: ${connections} agents can be connected at a time, and ${agents} are registered. Raise it (ulimit -n, LimitNOFILE= of a systemd unit)`;
}
