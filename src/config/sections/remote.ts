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
  orZero,
  port,
  someText,
  trustedNetwork,
  wholeNumber,
  withError,
  withWarning,
  yesNo,
} from "#config/text-kinds.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import type { IpNetwork } from "#model/address.ts";
import { allowHigherVersions } from "./auth.ts";

const SECURE_PORT = 1514;
const SYSLOG_PORT = 514;
/** RFC 5425. */
const SYSLOG_TLS_PORT = 6514;
/** Not in the peer. A whole day: the first message after a silence may be lost by senders whose connection was closed. */
const SYSLOG_IDLE_SECONDS = 86_400;
const RATE_MAX = 1_000_000;
const QUEUE_SIZE = 131_072;
const QUEUE_SIZE_HIGH = 262_144;

export type Protocols = { readonly tcp: boolean; readonly udp: boolean };

/** As log lines name them: `TCP`, `UDP` or `TCP,UDP`. */
export function protocolNames({ tcp, udp }: Protocols): string {
  return [...(tcp ? ["TCP"] : []), ...(udp ? ["UDP"] : [])].join(",");
}

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
  /** Their connections begin with a header of the PROXY protocol. */
  readonly balancers: readonly IpNetwork[];
};

/** Paths as they are written. */
export type SyslogTls = {
  readonly certificate: string;
  readonly key: string;
  /** Null asks for no client certificate. */
  readonly clientCa: string | null;
};

export type SyslogRemote = Listener & {
  /** `denied` is asked first; what neither names is refused. */
  readonly allowed: readonly AddressRule[];
  readonly denied: readonly AddressRule[];
  readonly format: "raw" | "rfc5424";
  /** Of one sender; 0 for as many as come. */
  readonly messagesPerSecond: number;
  /** 0: connections are never closed for silence. */
  readonly idleSeconds: number;
  readonly tls: SyslogTls | null;
};

export type RemoteConfig = {
  /** Null when agents are not served. */
  readonly secure: SecureRemote | null;
  readonly syslog: readonly SyslogRemote[];
};

type Block =
  | { readonly kind: "secure"; readonly remote: SecureRemote; readonly position: SourcePosition }
  | { readonly kind: "syslog"; readonly remote: SyslogRemote };

const tls = checkedGroup(
  {
    element: "tls",
    doc: "Syslog over TLS (RFC 5425), with protocol tcp; port 6514 when none is given.",
    fields: {
      certificate: option({
        element: "certificate",
        doc: "Certificate of this listener, PEM, with those above it.",
        kind: someText,
        fallback: null,
      }),
      key: option({ element: "key", doc: "Its private key, PEM.", kind: someText, fallback: null }),
      clientCa: option({
        element: "client_ca",
        doc: "Only clients with a certificate of this authority are let in; none is asked for when absent.",
        kind: someText,
        fallback: null,
      }),
    },
  },
  ({ certificate, key, clientCa }, at, report): SyslogTls | null => {
    if (at === null) return null;
    if (certificate !== null && key !== null) return { certificate, key, clientCa };
    report.error(
      at.position,
      "<tls> of <remote> needs a certificate and a key.",
      "add <certificate> and <key>",
    );
    return null;
  },
);

/** Options of ours, for syslog alone. */
const syslogFields = {
  format: option({
    element: "format",
    doc: "raw: messages as they come; rfc5424: messages of RFC 5424 become classic lines with fields.",
    kind: oneOf("raw", "rfc5424"),
    fallback: "raw",
  }),
  messagesPerSecond: option({
    element: "messages_per_second",
    doc: "Messages a second of one sender; 0 for as many as come.",
    kind: orZero(wholeNumber(1, RATE_MAX)),
    fallback: 0,
  }),
  idleSeconds: option({
    element: "idle_time",
    doc: "Syslog connections that are silent for so long are closed; 0 for never.",
    kind: orZero(duration(1)),
    fallback: SYSLOG_IDLE_SECONDS,
  }),
  tls,
} as const;

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
  balancers: listOption({
    element: "proxy_protocol_from",
    doc: "Address or network of a balancer whose connections begin with a header of the PROXY protocol.",
    kind: trustedNetwork,
  }),
  ...syslogFields,
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
  const listener = { port: values.port ?? defaultPort(values), protocols, ipv6, localIp };
  if (isSecure) {
    refuseSyslogOptions(at, report);
    const { ridsClosingSeconds, connectionOvertakeSeconds, agents, balancers } = values;
    const remote = { ...listener, ridsClosingSeconds, connectionOvertakeSeconds, ...agents, balancers };
    return {
      kind: "secure",
      remote: { ...remote, queueSize: queueSize ?? QUEUE_SIZE },
      position: at.position,
    };
  }
  if (queueSize !== null) {
    report.error(at.position, "Invalid option <queue_size> for Syslog remote connection.", "remove it");
  }
  if (values.balancers.length > 0) {
    const message = "Invalid option <proxy_protocol_from> for Syslog remote connection.";
    report.error(at.position, message, "remove it");
  }
  if (values.allowed.length === 0) {
    const needed = "IP or network must be present in syslog access list (allowed-ips)";
    report.error(at.position, `(1501): ${needed}. Syslog server disabled.`, "add <allowed-ips>");
  }
  if (values.tls !== null && protocols.udp) {
    report.error(at.position, "<tls> of <remote> needs TCP.", "write <protocol>tcp</protocol>");
  }
  const { allowed, denied, format, messagesPerSecond, idleSeconds } = values;
  const remote = { ...listener, allowed, denied, format, messagesPerSecond, idleSeconds, tls: values.tls };
  return { kind: "syslog", remote };
}

function defaultPort({ connection, tls }: Fields): number {
  if (connection === "secure") return SECURE_PORT;
  return tls === null ? SYSLOG_PORT : SYSLOG_TLS_PORT;
}

function refuseSyslogOptions(at: XmlElement, report: Report): void {
  const names: readonly string[] = Object.values(syslogFields).map(({ element }) => element);
  for (const { name, position } of at.children) {
    if (!names.includes(name)) continue;
    report.error(position, `Invalid option <${name}> for secure remote connection.`, "remove it");
  }
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
