/** `<remote>`: the listeners for agents and for syslog (wazuh v4.14.7: src/config/remote-config.c). */

import { checkedGroup, each, listOption, option, type ValueOf } from "#config/option.ts";
import type { Report } from "#config/report.ts";
import {
  type AddressRule,
  addressRule,
  anyText,
  duration,
  ipAddress,
  oneOf,
  port,
  wholeNumber,
  withError,
  withWarning,
  yesNo,
} from "#config/text-kinds.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { allowHigherVersions } from "./auth.ts";

const SECURE_PORT = 1514;
const SYSLOG_PORT = 514;
const QUEUE_SIZE = 131_072;
const QUEUE_SIZE_HIGH = 262_144;

export type Protocols = { readonly tcp: boolean; readonly udp: boolean };

type Listener = {
  readonly port: number;
  readonly protocols: Protocols;
  readonly ipv6: boolean;
  /** Null for every address of the host. */
  readonly localIp: string | null;
};

export type SecureRemote = Listener & {
  readonly queueSize: number;
  readonly ridsClosingSeconds: number;
  readonly connectionOvertakeSeconds: number;
  readonly allowHigherVersions: boolean;
};

export type SyslogRemote = Listener & {
  /** `denied` is asked first; what neither names is refused. */
  readonly allowed: readonly AddressRule[];
  readonly denied: readonly AddressRule[];
};

export type RemoteConfig = {
  /** Null when agents are not served. */
  readonly secure: SecureRemote | null;
  readonly syslog: readonly SyslogRemote[];
};

type Block =
  | { readonly kind: "secure"; readonly remote: SecureRemote; readonly position: SourcePosition }
  | { readonly kind: "syslog"; readonly remote: SyslogRemote };

const fields = {
  connection: option({
    element: "connection",
    doc: "secure for agents, syslog for syslog.",
    kind: oneOf("secure", "syslog"),
    fallback: null,
  }),
  port: option({
    element: "port",
    doc: "Port; 1514 for agents and 514 for syslog when absent.",
    kind: port,
    fallback: null,
  }),
  protocol: option({
    element: "protocol",
    doc: "tcp, udp, or for agents both as tcp,udp.",
    kind: anyText,
    fallback: null,
  }),
  ipv6: option({
    element: "ipv6",
    doc: "Listen on IPv6.",
    kind: withWarning(yesNo, (name, text) => `(9001): Ignored invalid value '${text}' for '${name}'.`),
    fallback: false,
  }),
  localIp: option({
    element: "local_ip",
    doc: "Address to listen on; every address of the host when absent.",
    kind: ipAddress,
    fallback: null,
  }),
  allowed: listOption({
    element: "allowed-ips",
    doc: "Address or network that may send syslog.",
    kind: addressRule,
  }),
  denied: listOption({
    element: "denied-ips",
    doc: "Address or network that may not send syslog.",
    kind: addressRule,
  }),
  queueSize: option({
    element: "queue_size",
    doc: "Messages of agents that wait to be opened.",
    kind: withError(wholeNumber(1, 2 ** 31 - 1), () => "Invalid value for option '<queue_size>'"),
    fallback: null,
    adjust: (value, warn) => {
      if (value > QUEUE_SIZE_HIGH) warn("Queue size is very high. The application may run out of memory.");
      return value;
    },
  }),
  ridsClosingSeconds: option({
    element: "rids_closing_time",
    doc: "Idle time after which an agent's counter file is closed.",
    kind: withWarning(
      duration(1),
      (name, text) => `(9004): Invalid value '${text}' for '${name}'. Default value will be used.`,
    ),
    fallback: 300,
  }),
  connectionOvertakeSeconds: option({
    element: "connection_overtake_time",
    doc: "Silence after which a second connection of an agent replaces the first.",
    kind: withWarning(
      wholeNumber(0, 3600),
      (name, text) => `Invalid value for element '${name}':'${text}'. Setting to default value: '60'.`,
    ),
    fallback: 60,
  }),
  agents: allowHigherVersions,
} as const;

const remoteBlock = checkedGroup(
  { element: "remote", doc: "A listener: one for agents, any number for syslog.", fields },
  (values, at, report): Block | null => (at === null ? null : readBlock(values, at, report)),
);

type Fields = { readonly [Key in keyof typeof fields]: ValueOf<(typeof fields)[Key]> };

function readBlock(values: Fields, at: XmlElement, report: Report): Block | null {
  const { connection, ipv6, localIp, queueSize } = values;
  if (connection === null) {
    // A bad text has been reported already.
    if (!at.children.some(({ name }) => name === "connection")) {
      report.error(
        at.position,
        "(1201): No remote connection configured.",
        "expected <connection>secure</connection> or syslog",
      );
    }
    return null;
  }
  const isSecure = connection === "secure";
  const protocols = readProtocols(values.protocol, isSecure, at, report);
  const listener = { port: values.port ?? (isSecure ? SECURE_PORT : SYSLOG_PORT), protocols, ipv6, localIp };
  if (isSecure) {
    const { ridsClosingSeconds, connectionOvertakeSeconds, agents } = values;
    const remote = { ...listener, ridsClosingSeconds, connectionOvertakeSeconds, ...agents };
    return {
      kind: "secure",
      remote: { ...remote, queueSize: queueSize ?? QUEUE_SIZE },
      position: at.position,
    };
  }
  if (queueSize !== null) {
    report.error(at.position, "Invalid option <queue_size> for Syslog remote connection.", "remove it");
  }
  if (values.allowed.length === 0) {
    const needed = "IP or network must be present in syslog access list (allowed-ips)";
    report.error(at.position, `(1501): ${needed}. Syslog server disabled.`, "add <allowed-ips>");
  }
  return { kind: "syslog", remote: { ...listener, allowed: values.allowed, denied: values.denied } };
}

function readProtocols(text: string | null, isSecure: boolean, at: XmlElement, report: Report): Protocols {
  const onlyTcp = { tcp: true, udp: false };
  if (text === null) return onlyTcp;
  const words = text.split(",").map((word) => word.trim().toLowerCase());
  const tcp = words.includes("tcp");
  const udp = words.includes("udp");
  for (const word of words) {
    if (word === "tcp" || word === "udp") continue;
    report.warning(
      at.position,
      `(9001): Ignored invalid value '${word}' for 'protocol'.`,
      "expected tcp or udp",
    );
  }
  if (!tcp && !udp) {
    report.warning(
      at.position,
      "(9000): Error getting protocol. Default value (TCP) will be used.",
      "expected tcp or udp",
    );
    return onlyTcp;
  }
  if (tcp && udp && !isSecure) {
    const only = "Only secure connection supports TCP and UDP at the same time";
    report.warning(at.position, `(9002): ${only}. Default value (TCP) will be used.`, "write two blocks");
    return onlyTcp;
  }
  return { tcp, udp };
}

export const remoteSection = each(remoteBlock);

/** Sorts the blocks; a second one for agents is an error. */
export function readRemotes(blocks: readonly Block[], report: Report): RemoteConfig {
  let secure: SecureRemote | null = null;
  const syslog: SyslogRemote[] = [];
  for (const block of blocks) {
    if (block.kind === "syslog") {
      syslog.push(block.remote);
    } else if (secure === null) {
      secure = block.remote;
    } else {
      const message = "(1244): Can't add more than one secure connection.";
      report.error(block.position, message, "use tcp,udp for both protocols");
    }
  }
  return { secure, syslog };
}
