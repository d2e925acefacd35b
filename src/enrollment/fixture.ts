/** The enrollment service with a real registry, for its tests: SQLite in a temporary folder, all other files in memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Connection, Network } from "#kernel/ports/network.ts";
import type { AgentId } from "#model/agent.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type FakeConnection, FakeNetwork } from "#testing/network.ts";
import {
  type Certificate,
  type CertificateSubject,
  makeCertificate,
  writeCertificate,
} from "./certificate.ts";
import type { EnrollmentConfig } from "./config.ts";
import { EnrollmentService } from "./service.ts";

export const PORT = 1515;
/** The beginning of a client's TLS: a handshake record. The fake network looks at no more of it. */
export const HELLO = Buffer.from([22, 3, 1]);

export const CONFIG: EnrollmentConfig = {
  host: "0.0.0.0",
  port: PORT,
  remoteEnrollment: true,
  useSourceIp: false,
  purge: false,
  usePassword: false,
  passwordPath: "/home/etc/authd.pass",
  ciphers: "HIGH:!ADH:!EXP:!MD5:!RC4:!3DES:!CAMELLIA:@STRENGTH",
  certificatePath: "/home/etc/sslmanager.cert",
  keyPath: "/home/etc/sslmanager.key",
  clientAuthorityPath: null,
  verifiesHost: false,
  oldTlsVersions: false,
  force: {
    enabled: true,
    keyMismatch: true,
    disconnectedTime: { enabled: true, seconds: 3600 },
    afterRegistrationSeconds: 3600,
  },
  allowHigherVersions: false,
  managerVersion: "v4.14.7",
  managerHostName: "manager01",
  managerAddresses: ["127.0.0.1", "2001:db8::1"],
};

let certificate: Promise<Certificate> | null = null;

/** Made once for all tests of a file: the library that makes it loads slowly. */
export function testCertificate(): Promise<Certificate> {
  const subject = { hostName: "manager01", addresses: ["127.0.0.1"], nowMs: Date.now() };
  certificate ??= makeCertificate(subject, systemRandom);
  return certificate;
}

/** A fake network whose clients begin with `HELLO`, which the handshake takes. */
class TlsFakeNetwork implements Network {
  readonly #network: FakeNetwork;

  constructor(network: FakeNetwork) {
    this.#network = network;
  }

  bindDatagrams(...args: Parameters<Network["bindDatagrams"]>): ReturnType<Network["bindDatagrams"]> {
    return this.#network.bindDatagrams(...args);
  }

  listen(...[options, accept]: Parameters<Network["listen"]>): ReturnType<Network["listen"]> {
    return this.#network.listen(options, (connection: Connection) => {
      const startTls = connection.startTls.bind(connection);
      connection.startTls = (tls) => startTls(tls, Buffer.alloc(0));
      return accept(connection);
    });
  }
}

export class EnrollmentBench {
  readonly folder = mkdtempSync(join(tmpdir(), "enrollment-"));
  readonly files = new FakeFiles();
  readonly clock: FakeClock;
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly fakeNetwork = new FakeNetwork();
  readonly network = new TlsFakeNetwork(this.fakeNetwork);
  readonly random = systemRandom;
  readonly master = null;
  readonly makeCertificate = (subject: CertificateSubject) => makeCertificate(subject, systemRandom);
  readonly registry: Registry;
  readonly service: EnrollmentService;

  constructor(config: Partial<EnrollmentConfig>, { keys = "", wallMs = 1_700_000_000_000 } = {}) {
    this.clock = new FakeClock(wallMs);
    const paths = { ...registryPaths("/home"), database: join(this.folder, "registry.db") };
    this.files.write(paths.keys, keys);
    for (const group of ["default", "web", "db"]) this.files.makeDirectory(`${paths.sharedGroups}/${group}`);
    this.registry = new Registry({ ...this, paths });
    this.registry.start();
    this.service = new EnrollmentService({ ...CONFIG, ...config }, this);
  }

  static async start(
    t: TestContext,
    config: Partial<EnrollmentConfig> = {},
    options: { readonly keys?: string; readonly wallMs?: number } = {},
  ): Promise<EnrollmentBench> {
    const bench = new EnrollmentBench(config, options);
    t.after(() => bench.stop());
    await bench.start();
    return bench;
  }

  async start(): Promise<void> {
    writeCertificate(this.files, CONFIG, await testCertificate());
    await this.service.start();
  }

  async stop(): Promise<void> {
    const stopped = this.service.stop();
    await this.settle();
    await stopped;
    this.registry.stop();
    rmSync(this.folder, { recursive: true });
  }

  get keys(): string {
    return this.files.text("/home/etc/client.keys");
  }

  connect(address?: string): FakeConnection {
    return this.fakeNetwork.connect(PORT, address);
  }

  /** A client that has sent these bytes through TLS. */
  send(request: string | Uint8Array, address?: string): FakeConnection {
    const client = this.connect(address);
    client.receive(HELLO);
    client.receive(typeof request === "string" ? Buffer.from(request, "latin1") : request);
    return client;
  }

  /** Lets the registry write and the promises run. */
  async settle(): Promise<void> {
    this.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async ask(request: string | Uint8Array, address?: string): Promise<string> {
    const client = this.send(request, address);
    await this.settle();
    return client.sentBytes.toString("latin1");
  }

  groups(id: AgentId): readonly string[] {
    return this.registry.agents.groups(id);
  }
}
