/** Says in time that a certificate of the enrollment service expires: without the manager's own no agent enrols, without the authority's none with a certificate. */
import { X509Certificate } from "node:crypto";
import { CodedError } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";

const DAY_MS = 86_400_000;
const LOOK_MS = 3_600_000;
/** Once at each; 0 is expired. */
const TOLD_AT_DAYS = [30, 7, 1, 0] as const;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** The daemon's name in the peer's notices. */
const LOCATION = "wazuh-authd";

export type CertificateRole = "manager" | "agent_authority";

export type WatchedCertificate = { readonly role: CertificateRole; readonly path: string };

export type CertificateState = WatchedCertificate & { readonly expiresMs: number };

export type CertificateWatchNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** An event of the manager's own. */
  readonly tell: (location: string, message: string) => void;
};

/** When the first of the certificates in a file expires; null when there is none that can be read. */
export function expiryOf(pem: string): number | null {
  let earliestMs: number | null = null;
  for (const [block] of pem.matchAll(PEM_CERTIFICATE)) {
    try {
      const expiresMs = new X509Certificate(block).validToDate.getTime();
      earliestMs = Math.min(earliestMs ?? expiresMs, expiresMs);
    } catch {
      // A start of the service has refused it, or it was written a moment ago.
    }
  }
  return earliestMs;
}

export class CertificateWatch {
  readonly #watched: readonly WatchedCertificate[];
  readonly #needs: CertificateWatchNeeds;
  /** The last of `TOLD_AT_DAYS` that was told, by path. */
  readonly #told = new Map<string, number>();
  #states: readonly CertificateState[] = [];
  readonly #timer: Timer;

  constructor(watched: readonly WatchedCertificate[], needs: CertificateWatchNeeds) {
    this.#watched = watched;
    this.#needs = needs;
    this.#look();
    this.#timer = needs.clock.every(LOOK_MS, () => this.#look());
  }

  /** Of those that can be read. */
  get states(): readonly CertificateState[] {
    return this.#states;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    this.#states = this.#watched.flatMap((watched): CertificateState[] => {
      const expiresMs = this.#expiryOf(watched.path);
      return expiresMs === null ? [] : [{ ...watched, expiresMs }];
    });
    for (const state of this.#states) this.#judge(state);
  }

  #expiryOf(path: string): number | null {
    try {
      return expiryOf(this.#needs.files.read(path).toString("latin1"));
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  #judge({ role, path, expiresMs }: CertificateState): void {
    const { clock, log, metrics, tell } = this.#needs;
    const leftMs = expiresMs - clock.wallMs();
    const daysLeft = Math.floor(leftMs / DAY_MS);
    metrics.set(`certificate_days_left_${role}`, daysLeft);
    const reached = TOLD_AT_DAYS.findLast((days) => leftMs <= days * DAY_MS);
    if (reached === undefined) this.#told.delete(path); // a new one is in its place
    if (reached === undefined || reached >= (this.#told.get(path) ?? Number.POSITIVE_INFINITY)) return;
    this.#told.set(path, reached);
    const message =
      reached === 0
        ? `ossec: Certificate expired: '${path}' (${role}).`
        : `ossec: Certificate expiring: '${path}' (${role}): ${daysLeft} days left.`;
    log.write(reached > 1 ? "warning" : "error", message);
    tell(LOCATION, message);
  }
}
