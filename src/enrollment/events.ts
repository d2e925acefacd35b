/**
 * Everything the enrollment service says and counts. Texts without a comment are the peer's, operators' rules match on them.
 *
 * What a stranger does wrong is said at most once a second for its network and `REFUSAL_LINES_PER_SECOND_MAX` times in all.
 */
import type { LogLine, Refusal } from "#formats/wire/enrollment/outcome.ts";
import { networkOf, OffenderTable } from "#kernel/offender-table.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { REFUSAL_LINES_PER_SECOND_MAX } from "./limits.ts";

/** Why a client was closed without an answer; the counter is `enrollment_closed_<code>`. */
export type ClosedCode =
  | "over_limit"
  | "evicted"
  | "timeout"
  | "not_tls"
  | "handshake_failed"
  | "tls_unusable"
  | "host_unverified"
  | "request_too_long"
  | "request_in_pieces"
  | "no_request";

export type EnrollmentCounter =
  | "enrollment_clients_accepted"
  | "enrollment_requests"
  | "enrollment_enrolled"
  | "enrollment_replaced"
  | "enrollment_withdrawn"
  | "enrollment_withdrawals_failed"
  | "key_requests"
  | "key_requests_answered"
  | "key_requests_unknown"
  | "key_requests_refused"
  | "key_requests_failed"
  | "key_requests_by_program"
  | "key_requests_over_limit";

const SECOND_MS = 1000;

export class EnrollmentEvents {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #offenders = new OffenderTable();
  #secondSinceMs = 0;
  #linesThisSecond = 0;
  #unsaid = 0;

  constructor({
    clock,
    log,
    metrics,
  }: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
  }

  count(counter: EnrollmentCounter, amount = 1): void {
    this.#metrics.add(counter, amount);
  }

  clients(open: number, handshakes: number): void {
    this.#metrics.set("enrollment_clients", open);
    this.#metrics.set("enrollment_handshakes", handshakes);
  }

  started(port: number, password: string): void {
    this.#log.write("info", `Accepting connections on port ${port}. ${password}`);
  }

  portDisabled(port: number): void {
    this.#log.write("info", `Port ${port} was set as disabled.`);
  }

  /** Ours: the peer's installer makes it. */
  certificateMade(path: string): void {
    this.#log.write("info", `No certificate yet: a self-signed one was written to '${path}'.`);
  }

  said(lines: readonly LogLine[]): void {
    for (const { level, text } of lines) this.#log.write(level, text);
  }

  refused({ code, logs }: Refusal, address: string): void {
    this.#metrics.add(`enrollment_refused_${code}`);
    this.#offence(address, logs);
  }

  closed(code: ClosedCode, address: string): void {
    this.#metrics.add(`enrollment_closed_${code}`);
    this.#offence(address, closedLines(code, address));
  }

  certificateRefused(address: string, texts: readonly string[]): void {
    this.#metrics.add("enrollment_closed_certificate_refused");
    this.#offence(
      address,
      texts.map((text) => ({ level: "error", text })),
    );
  }

  /** The first text is the peer's, the second ours: it says what the matter was. */
  internalError(name: string, cause: string): void {
    this.#log.write("error", `Unable to add agent: ${name} (internal error)`);
    this.#log.write("error", `Enrollment of '${name}' failed: ${cause}`);
  }

  withdrawn(name: string): void {
    this.count("enrollment_withdrawn");
    this.#log.write("error", `Agent key not saved for ${name}`);
  }

  withdrawalFailed(name: string, cause: string): void {
    this.count("enrollment_withdrawals_failed");
    this.#log.write("error", `Unable to remove the key of '${name}', who never got it: ${cause}`);
  }

  keyAdopted(id: string, name: string): void {
    this.count("key_requests_answered");
    this.#log.write("info", `Agent key of '${name}' (id '${id}') taken over (requested by key_request)`);
  }

  keyUnknown(asked: string, message: string): void {
    this.count("key_requests_unknown");
    this.#log.write("debug", `No key for ${asked}: ${message}`);
  }

  keyRefused(asked: string, problem: string): void {
    this.count("key_requests_refused");
    this.#log.write("warning", `The answer to the key request for ${asked} is not used: ${problem}`);
  }

  /** The peer's line. */
  keySocketFailed(): void {
    this.count("key_requests_by_program");
    this.#log.write("info", "Socket connect fail. Trying to run 'exec_path'");
  }

  keyRequestFailed(asked: string, problem: string): void {
    this.count("key_requests_failed");
    this.#log.write("warning", `The key request for ${asked} failed: ${problem}`);
  }

  #offence(address: string, lines: readonly LogLine[]): void {
    const nowMs = this.#clock.monotonicMs();
    const count = this.#offenders.record(address, nowMs);
    if (count === 0) return;
    this.#startSecond(nowMs);
    if (this.#linesThisSecond >= REFUSAL_LINES_PER_SECOND_MAX) {
      this.#unsaid += count;
      return;
    }
    this.#linesThisSecond++;
    this.said(lines);
    if (count > 1) {
      const text = `${count} such clients from ${networkOf(address)} since the last line`;
      this.#log.write("warning", text);
    }
  }

  #startSecond(nowMs: number): void {
    if (nowMs - this.#secondSinceMs < SECOND_MS) return;
    if (this.#unsaid > 0) {
      this.#log.write("warning", `${this.#unsaid} more refused enrollment clients before this line`);
    }
    this.#secondSinceMs = nowMs;
    this.#linesThisSecond = 0;
    this.#unsaid = 0;
  }
}

/** The peer's texts where it has one; what it does silently we say for the operator who searches why an agent does not come. */
function closedLines(code: ClosedCode, address: string): LogLine[] {
  switch (code) {
    case "over_limit":
      return [{ level: "error", text: "Too many connections. Rejecting." }];
    case "no_request":
    case "request_too_long":
      return [{ level: "error", text: `Newline terminator not found in message request for ${address}` }];
    case "request_in_pieces":
      return [{ level: "error", text: `Enrollment request in too many pieces from ${address}` }];
    case "handshake_failed":
      return [{ level: "warning", text: `TLS handshake failed with ${address}` }];
    case "tls_unusable":
      return [
        {
          level: "error",
          text: "TLS cannot be started: check the ciphers and certificates of the enrollment service",
        },
      ];
    case "host_unverified":
      return [
        { level: "error", text: "Unable to verify client certificate." },
        {
          level: "error",
          text: `The certificate of ${address} does not name this address (ssl_verify_host)`,
        },
      ];
    case "not_tls":
      return [{ level: "debug", text: `No TLS from ${address}` }];
    case "evicted":
    case "timeout":
      return [{ level: "debug", text: `Enrollment client ${address} took too long` }];
  }
}
