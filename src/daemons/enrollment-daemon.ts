/** All that gives agents their keys: the service on its port, its local socket, requests for keys, on a worker the way to the master. */
import { Worker } from "node:worker_threads";
import type { Certificate, CertificateSubject } from "#enrollment/certificate.ts";
import { CertificateWatch } from "#enrollment/certificate-watch.ts";
import type { EnrollmentConfig } from "#enrollment/config.ts";
import type { KeyRequests } from "#enrollment/key-requests.ts";
import { type MasterLine, MasterRequests } from "#enrollment/master-requests.ts";
import type { EnrollmentRegistry } from "#enrollment/needs.ts";
import { EnrollmentService } from "#enrollment/service.ts";
import type { BoundPort } from "#kernel/platform/bound-ports.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { networkWith } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { KeyWish } from "#model/agent.ts";
import { EnrollmentRequests } from "./enrollment-requests.ts";
import type { HomePaths } from "./home.ts";
import { makeKeyRequests } from "./key-polling.ts";
import { behindBalancers } from "./proxied-network.ts";
import {
  balancersOf,
  clusterRole,
  keyRequestConfig,
  type Settings,
  watchedCertificates,
} from "./settings.ts";

export type EnrollmentDaemonNeeds = {
  readonly config: EnrollmentConfig;
  readonly settings: Settings;
  readonly boundPorts: readonly BoundPort[];
  readonly paths: HomePaths;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly registry: EnrollmentRegistry;
  /** Asked on a worker, where the master registers agents. */
  readonly master: MasterLine;
  /** Makes an event of the manager's own. */
  readonly tell: (location: string, message: string) => void;
};

export class EnrollmentDaemon {
  readonly #service: EnrollmentService;
  readonly #requests: EnrollmentRequests;
  readonly #keyRequests: KeyRequests | null;
  readonly #master: MasterRequests | null;
  readonly #needs: EnrollmentDaemonNeeds;
  #certificates: CertificateWatch | null = null;

  constructor(needs: EnrollmentDaemonNeeds) {
    const { config, settings, paths, clock, log, metrics, registry } = needs;
    this.#needs = needs;
    const isWorker = clusterRole(settings.config) === "worker";
    this.#master = isWorker ? new MasterRequests(needs.master, { clock, log }) : null;
    const world = { network: networkWith(needs.boundPorts), clock, log, metrics };
    const parts = { ...world, config, random: systemRandom, registry, master: this.#master };
    this.#keyRequests = makeKeyRequests(keyRequestConfig(settings, paths), parts);
    this.#requests = new EnrollmentRequests({ ...parts, home: paths.home });
    this.#service = new EnrollmentService(config, {
      ...parts,
      files: systemFiles,
      network: behindBalancers(world, balancersOf(settings).enrollment),
      makeCertificate: makeCertificateApart,
    });
  }

  /** Throws `CodedError` when the port cannot be had. */
  async start(): Promise<void> {
    await this.#service.start();
    await this.#requests.start();
    const { config, clock, log, metrics, tell } = this.#needs;
    const needs = { clock, log, metrics, files: systemFiles, tell };
    this.#certificates = new CertificateWatch(watchedCertificates(config), needs);
  }

  /** An unknown agent would like to be known. */
  want(wish: KeyWish): void {
    this.#keyRequests?.want(wish);
  }

  /** Requests as they come over the local socket. Never rejects. */
  answer(request: Buffer): Promise<Buffer> {
    return this.#requests.answer(request);
  }

  /** How long the certificates are good. */
  get certificates(): CertificateWatch["states"] {
    return this.#certificates?.states ?? [];
  }

  async stop(): Promise<void> {
    this.#certificates?.stop();
    this.#master?.stop();
    await Promise.all([this.#service.stop(), this.#requests.stop(), this.#keyRequests?.stop()]);
  }
}

function makeCertificateApart(subject: CertificateSubject): Promise<Certificate> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./certificate-thread.ts", import.meta.url), { workerData: subject });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
