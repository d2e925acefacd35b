/** Where the manager listens, as people are told. */
import { protocolNames } from "#config/sections/remote.ts";
import { clusterPorts } from "./cluster.ts";
import type { HomePaths } from "./home.ts";
import { connectionConfig, enrollmentConfig, type Settings, syslogConfigs } from "./settings.ts";

export type ListeningPort = { readonly port: number; readonly host: string; readonly purpose: string };

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
