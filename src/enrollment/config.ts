/** The settings of the enrollment service: the `<auth>` block of ossec.conf, already parsed, and what the node is. */
import type { ForceSettings } from "#formats/wire/enrollment/duplicates.ts";

export type EnrollmentConfig = {
  /** Where to listen; `::` also serves IPv4 where the system lets it. */
  readonly host: string;
  readonly port: number;
  /** `<remote_enrollment>`: false when only local tools enrol agents. */
  readonly remoteEnrollment: boolean;
  readonly useSourceIp: boolean;
  /** Replaced agents leave no line in client.keys. */
  readonly purge: boolean;
  readonly usePassword: boolean;
  /** `etc/authd.pass`. */
  readonly passwordPath: string;
  /** `<ciphers>` in OpenSSL's notation. */
  readonly ciphers: string;
  /** `<ssl_manager_cert>` and `<ssl_manager_key>`; made when both are missing. */
  readonly certificatePath: string;
  readonly keyPath: string;
  /** `<ssl_agent_ca>`: clients must have a certificate that chains to it. Null: none is asked for. */
  readonly clientAuthorityPath: string | null;
  /** `<ssl_verify_host>`: that certificate must also name the client's address. Without an authority it says nothing. */
  readonly verifiesHost: boolean;
  /** `<ssl_auto_negotiate>`: also TLS 1.0 and 1.1. */
  readonly oldTlsVersions: boolean;
  readonly force: ForceSettings;
  /** `<agents><allow_higher_versions>`. */
  readonly allowHigherVersions: boolean;
  /** What agents may not be newer than, as `v4.14.7`. */
  readonly managerVersion: string;
  /** No agent may have the manager's name. */
  readonly managerHostName: string;
  /** The manager's addresses, for the certificate. */
  readonly managerAddresses: readonly string[];
};
