/** The settings of one listener, already parsed. */
import type { AddressRule } from "#config/text-kinds.ts";

export type SyslogTlsPaths = {
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Null asks for no client certificate. */
  readonly clientAuthorityPath: string | null;
};

export type SyslogListenerConfig = {
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  /** For TCP. */
  readonly tls: SyslogTlsPaths | null;
  /** `raw`: texts as they come. `rfc5424`: such messages become classic lines with fields. */
  readonly format: "raw" | "rfc5424";
  readonly allowed: readonly AddressRule[];
  readonly denied: readonly AddressRule[];
  /** Of one address; 0 for as many as come. */
  readonly messagesPerSecond: number;
  /** TCP connections without a byte for so long are closed; 0 for never. */
  readonly idleSeconds: number;
  /** For the line that says it has started. */
  readonly processId: number;
};
