/** Requests to the enrollment service that come over its local socket, or from workers through the cluster. */
import { Enroller, type EnrollerOptions } from "#enrollment/enroller.ts";
import { EnrollmentEvents } from "#enrollment/events.ts";
import { LocalRequests } from "#enrollment/local-requests.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { FramedService } from "#local-sockets/framed-service.ts";

export type EnrollmentRequestParts = Omit<EnrollerOptions, "password" | "events"> & {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly home: string;
};

export class EnrollmentRequests {
  readonly #path: string;
  readonly #log: Log;
  readonly #requests: LocalRequests;
  readonly #socket: FramedService;

  constructor(parts: EnrollmentRequestParts) {
    const { clock, config, home, log, master, metrics, registry } = parts;
    this.#path = `${home}/queue/sockets/auth`;
    this.#log = log;
    const enroller = new Enroller({ ...parts, password: null, events: new EnrollmentEvents(parts) });
    this.#requests = new LocalRequests({ enroller, registry, log, config, isWorker: master !== null });
    const answer = (request: Buffer) => this.answer(request);
    this.#socket = new FramedService(this.#path, {
      clock,
      localSockets: systemLocalSockets,
      metrics,
      answer,
    });
  }

  /** Never rejects. */
  answer(request: Buffer): Promise<Buffer> {
    return this.#requests.answer(request);
  }

  /** Does not reject: agents enrol without it. */
  async start(): Promise<void> {
    try {
      await this.#socket.start();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#log.write("error", `The socket ${this.#path} is not served: ${error.message}`);
    }
  }

  async stop(): Promise<void> {
    await this.#socket.stop();
  }
}
