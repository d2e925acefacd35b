/** The HAProxy helper of a master, put together. */
import type { DistributedApi } from "#cluster/dapi/distributed-api.ts";
import type { NodeInfo } from "#cluster/nodes.ts";
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import type { HelperLog } from "#haproxy-helper/needs.ts";
import { type RunningHelper, startHaproxyHelper } from "#haproxy-helper/service.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemHostNames } from "#kernel/platform/host-names.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import { clusterView, type ListedAgents } from "./view.ts";

export type BalancingParts = {
  readonly options: HaproxyHelperConfig;
  /** Where agents report to, on every node. */
  readonly agentPort: number;
  readonly log: HelperLog;
  readonly clock: Clock;
  readonly nodes: () => readonly NodeInfo[];
  readonly agents: ListedAgents;
  readonly api: DistributedApi;
};

/** Null when no helper is configured. */
export function startBalancing(parts: BalancingParts): RunningHelper | null {
  const { options, agentPort, log, clock, nodes, agents, api } = parts;
  if (!options.enabled) return null;
  // The peer's helper says what it asks the distributed API at its debug level only.
  const apiLog: Log = {
    write: (level, text) => log.write(level === "info" ? "debug" : level, "D API", text),
  };
  const cluster = clusterView({
    nodes,
    agents,
    ask: (request) =>
      api.serve(Buffer.from(pythonJson(request), "latin1"), { kind: "local" }, apiLog, "HAPHelper"),
    pause: () => new Promise((resolve) => void clock.after(0, () => resolve())),
  });
  const world = { files: systemFiles, http: systemHttpClient };
  const sockets = { localSockets: systemLocalSockets, hostNames: systemHostNames };
  return startHaproxyHelper({ clock, log, cluster, ...world, ...sockets }, options, agentPort);
}
