/** Puts the requests for keys of unknown agents together; null when none are asked for. */
import { Enroller, type EnrollerOptions } from "#enrollment/enroller.ts";
import { EnrollmentEvents } from "#enrollment/events.ts";
import { type KeyRequestConfig, KeyRequests } from "#enrollment/key-requests.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { systemProcesses } from "#kernel/platform/processes.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";

export type KeyPollingParts = Pick<EnrollerOptions, "config" | "clock" | "random" | "registry" | "master"> & {
  readonly log: Log;
  readonly metrics: Metrics;
};

export function makeKeyRequests(config: KeyRequestConfig | null, parts: KeyPollingParts): KeyRequests | null {
  if (config === null) return null;
  const events = new EnrollmentEvents(parts);
  const enroller = new Enroller({ ...parts, password: null, events });
  return new KeyRequests(config, {
    clock: parts.clock,
    processes: systemProcesses,
    localSockets: systemLocalSockets,
    events,
    adopt: (agent) => enroller.adopt(agent),
  });
}
