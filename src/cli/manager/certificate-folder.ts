/**
 * The folder of the agents' authority, `etc/agent-certificates`: `rootCA.pem` and `rootCA.key`, and for each agent `NAME.cert` and,
 * when its key was made here, `NAME.key`. Nothing is written over but by a renewal.
 */
import { X509Certificate } from "node:crypto";
import type { Issuer } from "#kernel/certificates/maker.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { type AgentName, parseAgentName } from "#model/agent.ts";

const FOLDER_PERMISSIONS = 0o700;
const CERTIFICATE_PERMISSIONS = 0o600;
const KEY_PERMISSIONS = 0o400;
const CERTIFICATE_ENDING = ".cert";

export type StoredCertificate = {
  /** Null for the root. */
  readonly name: AgentName | null;
  readonly path: string;
  readonly certificate: X509Certificate;
};

export class CertificateFolder {
  readonly #files: Files;
  readonly #directory: string;

  constructor(files: Files, home: string) {
    this.#files = files;
    this.#directory = `${home}/etc/agent-certificates`;
  }

  get rootPath(): string {
    return `${this.#directory}/rootCA.pem`;
  }

  get rootKeyPath(): string {
    return `${this.#directory}/rootCA.key`;
  }

  certificatePath(name: AgentName): string {
    return `${this.#directory}/${name}${CERTIFICATE_ENDING}`;
  }

  keyPath(name: AgentName): string {
    return `${this.#directory}/${name}.key`;
  }

  /** Throws `CodedError` `certificate_exists`. */
  requireFree(...paths: readonly string[]): void {
    for (const path of paths) {
      if (this.#files.info(path) === null) continue;
      throw new CodedError("certificate_exists", `${path} exists already and is not written over`, { path });
    }
  }

  /** Both or neither. */
  writePair(paths: { readonly certificate: string; readonly key: string }, pair: Issuer): void {
    this.#writeNew(paths.key, pair.key, KEY_PERMISSIONS);
    try {
      this.#writeNew(paths.certificate, pair.certificate, CERTIFICATE_PERMISSIONS);
    } catch (error) {
      this.#files.remove(paths.key);
      throw error;
    }
  }

  writeCertificate(path: string, certificate: string): void {
    this.#writeNew(path, certificate, CERTIFICATE_PERMISSIONS);
  }

  replaceCertificate(path: string, certificate: string): void {
    this.#files.replace(path, Buffer.from(certificate), CERTIFICATE_PERMISSIONS);
  }

  /** Throws a `CodedError` when there is none, or one that cannot sign. */
  root(): { readonly issuer: Issuer; readonly certificate: X509Certificate } {
    if (this.#files.info(this.rootPath) === null) {
      const text = `There is no ${this.rootPath} yet; 'cyb3rhq agents certificate root' makes it`;
      throw new CodedError("root_not_found", text);
    }
    const issuer = { certificate: this.#text(this.rootPath), key: this.#text(this.rootKeyPath) };
    return { issuer, certificate: this.#read(this.rootPath) };
  }

  /** Throws a `CodedError` when there is none. */
  find(name: AgentName): StoredCertificate {
    const path = this.certificatePath(name);
    if (this.#files.info(path) === null) {
      throw new CodedError("certificate_unknown", `${name} has no certificate here`, { path });
    }
    return { name, path, certificate: this.#read(path) };
  }

  /** The root first, then the agents' by name. */
  all(): readonly StoredCertificate[] {
    if (this.#files.info(this.#directory) === null) return [];
    const names = this.#files
      .list(this.#directory)
      .filter(({ name }) => name.endsWith(CERTIFICATE_ENDING))
      .map(({ name }) => parseAgentName(name.slice(0, -CERTIFICATE_ENDING.length)))
      .filter((name) => name !== null);
    const root = { name: null, path: this.rootPath };
    return [
      ...(this.#files.info(root.path) === null ? [] : [{ ...root, certificate: this.#read(root.path) }]),
      ...names.toSorted().map((name) => this.find(name)),
    ];
  }

  #text(path: string): string {
    return this.#files.read(path).toString("latin1");
  }

  #read(path: string): X509Certificate {
    try {
      return new X509Certificate(this.#text(path));
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError("certificate_unusable", `${path} is no certificate: ${messageOf(error)}`, {
        path,
      });
    }
  }

  #writeNew(path: string, text: string, permissions: number): void {
    this.#files.makeDirectory(this.#directory, FOLDER_PERMISSIONS);
    this.requireFree(path);
    const file = this.#files.open(path, "create", permissions);
    try {
      file.write(Buffer.from(text));
      file.sync();
    } finally {
      file.close();
    }
  }
}
