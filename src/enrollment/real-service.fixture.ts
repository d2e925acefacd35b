/** The enrollment service on the system's network, clock and disk, for tests with real clients. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
      { ...this.#needs, registry: this.#registry, master: null },
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
