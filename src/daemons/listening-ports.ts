/** Where the manager listens, as people are told. */
import { protocolNames } from "#config/sections/remote.ts";
import type { PortWish } from "#kernel/platform/bound-ports.ts";
import { clusterPorts } from "./cluster/daemon.ts";
import type { HomePaths } from "./home.ts";
import { connectionConfig, enrollmentConfig, type Settings, syslogConfigs } from "./settings.ts";

export type ListeningPort = { readonly port: number; readonly host: string; readonly purpose: string };

/** The same for the system. Those of a cluster never need root (`src/config/sections/cluster.ts`). */
export function portWishes(settings: Settings, paths: HomePaths, hostname: string): readonly PortWish[] {
  const connection = connectionConfig(settings, paths, process.pid);
  const enrollment = enrollmentConfig(settings, paths, hostname);
  const { tcp, udp } = connection?.protocols ?? { tcp: false, udp: false };
  return [
    ...(connection !== null && tcp ? [{ ...placeOf(connection), protocol: "tcp" as const }] : []),
    ...(connection !== null && udp ? [{ ...placeOf(connection), protocol: "udp" as const }] : []),
    ...(enrollment?.remoteEnrollment === true ? [{ ...placeOf(enrollment), protocol: "tcp" as const }] : []),
    ...syslogConfigs(settings, paths, process.pid).map((config) => ({
      ...placeOf(config),
      protocol: config.protocol,
    })),
  ];
}

function placeOf({ host, port }: Omit<PortWish, "protocol">): Omit<PortWish, "protocol"> {
  return { host, port };
}

export function listeningPorts(
  settings: Settings,
  paths: HomePaths,
  hostname: string,
): readonly ListeningPort[] {
  const ports: ListeningPort[] = [];
  const connection = connectionConfig(settings, paths, process.pid);
  if (connection !== null) {
    const { host, port, protocols } = connection;
    ports.push({ host, port, purpose: `agents report (${protocolNames(protocols)})` });
  }
  const enrollment = enrollmentConfig(settings, paths, hostname);
  if (enrollment !== null) {
    ports.push({ host: enrollment.host, port: enrollment.port, purpose: "agents enrol (TLS)" });
  }
  for (const { host, port, protocol, tls } of syslogConfigs(settings, paths, process.pid)) {
    ports.push({ host, port, purpose: `syslog (${tls === null ? protocol.toUpperCase() : "TLS"})` });
  }
  return [...ports, ...clusterPorts(settings)];
}
