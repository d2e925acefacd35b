/** The enrollment service on the system's network, clock and disk, for tests with real clients; and certificates for them. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CertificateRole,
  type Issuer,
  keyPem,
  makeKeys,
  makeSelfSigned,
  makeSigned,
  publicKeyDer,
} from "#kernel/certificates/maker.ts";
import type { AlternativeName } from "#kernel/certificates/names.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { Registry, registryPaths } from "#registry/registry.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { type CertificateSubject, makeCertificate } from "./certificate.ts";
import type { EnrollmentConfig } from "./config.ts";
import { CONFIG } from "./fixture.ts";
import { EnrollmentService } from "./service.ts";

const DAY_MS = 86_400_000;

/** One home; services on it come and go. */
export class RealEnrollment {
  readonly home = mkdtempSync(join(tmpdir(), "enrollment-real-"));
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly #needs = {
    files: systemFiles,
    clock: new SystemClock(),
    random: systemRandom,
    network: systemNetwork,
    log: this.log,
    metrics: this.metrics,
    makeCertificate: (subject: CertificateSubject) => makeCertificate(subject, systemRandom),
  };
  readonly #registry: Registry;

  constructor() {
    for (const folder of ["etc/shared/default", "queue/db", "queue/diff", "queue/rids"]) {
      mkdirSync(join(this.home, folder), { recursive: true });
    }
    this.#registry = new Registry({
      ...this.#needs,
      paths: registryPaths(this.home),
      syncStatus: "synced",
    });
    this.#registry.start();
  }

  async serve(config: Partial<EnrollmentConfig>, use: (port: number) => Promise<void>): Promise<void> {
    const places = {
      host: "127.0.0.1",
      port: 0,
      certificatePath: join(this.home, "etc/sslmanager.cert"),
      keyPath: join(this.home, "etc/sslmanager.key"),
      passwordPath: join(this.home, "etc/authd.pass"),
    };
    const service = new EnrollmentService(
      { ...CONFIG, ...places, ...config },
      { ...this.#needs, registry: this.#registry },
    );
    await service.start();
    try {
      assert(service.port !== null);
      await use(service.port);
    } finally {
      await service.stop();
    }
  }

  end(): void {
    this.#registry.stop();
    rmSync(this.home, { recursive: true });
  }
}

/** A pair, and the certificate with those above it that are not the root's. */
export type Made = Issuer & { readonly chain: string };

/** In days from now. */
type Days = readonly [from: number, to: number];

function details(role: CertificateRole, name: string, [from, to]: Days) {
  return {
    role,
    name: [["CN", name]],
    alternativeNames: [],
    notBeforeMs: Date.now() + from * DAY_MS,
    notAfterMs: Date.now() + to * DAY_MS,
  } as const;
}

export async function selfSigned(role: CertificateRole, name: string): Promise<Issuer> {
  const keys = await makeKeys({ kind: "ec" });
  const certificate = await makeSelfSigned(details(role, name, [-1, 30]), keys, systemRandom);
  return { certificate, key: keyPem(keys) };
}

export async function issue(
  issuer: Issuer & { readonly chain?: string },
  options: {
    readonly role?: CertificateRole;
    readonly name?: string;
    readonly days?: Days;
    readonly alternativeNames?: readonly AlternativeName[];
  } = {},
): Promise<Made> {
  const { role = "client", name = "agent", days = [-1, 30], alternativeNames = [] } = options;
  const keys = await makeKeys({ kind: "ec" });
  const asked = { ...details(role, name, days), alternativeNames };
  const certificate = await makeSigned(asked, publicKeyDer(keys), issuer, systemRandom);
  return { certificate, key: keyPem(keys), chain: certificate + (issuer.chain ?? "") };
}
