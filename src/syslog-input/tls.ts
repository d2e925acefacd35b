/** The certificates of a listener, read and tried before the port opens: a mistake in them is told at the start. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { DEFAULT_CIPHERS } from "#config/sections/auth.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { TlsServerOptions } from "#kernel/ports/network.ts";
import type { SyslogTlsPaths } from "./config.ts";

/** Throws `CodedError` `certificate_unusable`, or what the file system throws. */
export function readTls(files: Files, paths: SyslogTlsPaths): TlsServerOptions {
  const { certificatePath, keyPath, clientAuthorityPath } = paths;
  const certificate = files.read(certificatePath).toString("latin1");
  const key = files.read(keyPath).toString("latin1");
  if (!isPair(certificate, key, paths)) {
    const text = `The key in ${keyPath} is not that of the certificate in ${certificatePath}`;
    throw new CodedError("certificate_unusable", text, { certificatePath, keyPath });
  }
  const clientAuthority =
    clientAuthorityPath === null ? null : files.read(clientAuthorityPath).toString("latin1");
  if (clientAuthority !== null) tried(clientAuthorityPath ?? "", () => new X509Certificate(clientAuthority));
  return { certificate, key, ciphers: DEFAULT_CIPHERS, clientAuthority, oldVersions: false };
}

function isPair(certificate: string, key: string, { certificatePath, keyPath }: SyslogTlsPaths): boolean {
  const read = tried(certificatePath, () => new X509Certificate(certificate));
  return read.checkPrivateKey(tried(keyPath, () => createPrivateKey(key)));
}

function tried<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CodedError("certificate_unusable", `${path}: ${messageOf(error)}`, { path }, error);
  }
}
