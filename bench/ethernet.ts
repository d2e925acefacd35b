/**
 * A network of its own for a benchmark, in which loopback carries packets as Ethernet does. On the usual one a packet has 64 KB, with which
 * the system makes buffers of megabytes that no real connection has. Needs root; the host's network stays as it is.
 */
import { spawnSync } from "node:child_process";

/** What Ethernet carries. The congestion control is that of nearly all hosts, or as good as: it backs off after losses. */
const SCRIPT = `ip link set lo up mtu 1500 && sysctl -qw net.ipv4.tcp_congestion_control=reno && exec "$@"`;
const NAMESPACE = ["unshare", "--net", "sh", "-c", SCRIPT, "sh"];

export type Link = {
  /** For the figures. */
  readonly name: string;
  /** What is before a command that is to run in it. */
  readonly within: readonly string[];
};

export function ethernetIfPossible(): Link {
  const [command = "", ...args] = [...NAMESPACE, "true"];
  return spawnSync(command, args, { stdio: "ignore" }).status === 0
    ? { name: "packets of 1500 bytes", within: NAMESPACE }
    : { name: "packets of 64 KB: buffers larger than real ones", within: [] };
}
