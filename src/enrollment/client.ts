/**
 * One connection of an enrollment client: silent, waiting for its handshake, in it, secured, sending its line, enrolling, answered.
 *
 * A silent client is a plain TCP socket: TLS begins with its first byte. What is kept of it is bounded by one record before the
 * handshake and by one request line after it. Time limits come from outside: `sweep` is called now and then.
 */
import assert from "node:assert/strict";
import { RequestLineReader } from "#formats/wire/enrollment/request-line.ts";
import type {
  CertificateChain,
  Connection,
  ConnectionHandler,
  TlsServerOptions,
} from "#kernel/ports/network.ts";
import type { IpAddress } from "#model/address.ts";
import type { Outcome } from "./enroller.ts";
import type { ClosedCode } from "./events.ts";
import {
  CLIENT_MS_MAX,
  FIRST_CHUNK_BYTES_MAX,
  PATIENCE_MS,
  REQUEST_CHUNKS_MAX,
  REQUEST_SILENCE_MS,
  SILENT_PATIENCE_MS,
} from "./limits.ts";

/** RFC 8446, 5.1: a record of the handshake protocol, with which every client begins. */
const TLS_HANDSHAKE_RECORD = 22;

/** What a client asks of the service. */
export type ClientHost = {
  nowMs(): number;
  /** Calls `startHandshake` when there is a place. */
  wantHandshake(client: EnrollmentClient): void;
  handshakeOver(client: EnrollmentClient): void;
  /** False: the certificate, which leads to the authority, is not that of this client's host. */
  isHostOf(client: EnrollmentClient, chain: CertificateChain): boolean;
  certificateRefused(client: EnrollmentClient, problem: string, chain: CertificateChain): void;
  enroll(line: string, peer: IpAddress, answer: (outcome: Outcome) => void): void;
  withdraw(outcome: Outcome): void;
  /** The client was closed for its own doing. */
  rejected(client: EnrollmentClient, code: ClosedCode): void;
  gone(client: EnrollmentClient): void;
};

type State = "silent" | "waiting" | "handshake" | "secured" | "request" | "enrolling" | "answered" | "closed";

export class EnrollmentClient implements ConnectionHandler {
  readonly peer: IpAddress;
  readonly #connection: Connection;
  readonly #host: ClientHost;
  readonly #sinceMs: number;
  #state: State = "silent";
  /** Of the state: when it began; of a request: when its last piece came. */
  #stateSinceMs: number;
  #hello: Buffer | null = null;
  #reader: RequestLineReader | null = null;
  #chunks = 0;

  constructor(connection: Connection, peer: IpAddress, host: ClientHost) {
    this.peer = peer;
    this.#connection = connection;
    this.#host = host;
    this.#sinceMs = host.nowMs();
    this.#stateSinceMs = this.#sinceMs;
  }

  /** True for a client that may be closed in favour of another one. */
  isSlow(nowMs: number): boolean {
    const patienceMs = this.#state === "silent" ? SILENT_PATIENCE_MS : PATIENCE_MS;
    return !this.hasAsked && nowMs - this.#sinceMs >= patienceMs;
  }

  /** True while an agent's registration or answer is on its way: these are let to their end when the service stops. */
  get served(): boolean {
    return this.#state === "enrolling" || this.#state === "answered";
  }

  data(chunk: Buffer): void {
    switch (this.#state) {
      case "silent":
        this.#hold(chunk);
        break;
      case "secured":
        this.#reader = new RequestLineReader();
        this.#enter("request");
        this.#read(chunk);
        break;
      case "request":
        this.#read(chunk);
        break;
      case "enrolling":
      case "answered":
        // What follows the request is dropped, and who goes on sending is closed.
        if (++this.#chunks > REQUEST_CHUNKS_MAX) this.reject("request_in_pieces");
        break;
      case "waiting":
      case "handshake":
      case "closed":
        break;
    }
  }

  secured(chain: CertificateChain): void {
    if (this.#state !== "handshake") return;
    this.#host.handshakeOver(this);
    if (this.#host.isHostOf(this, chain)) this.#enter("secured");
    else this.reject("host_unverified");
  }

  certificateRefused(problem: string, chain: CertificateChain): void {
    if (this.#state !== "handshake") return;
    this.#host.certificateRefused(this, problem, chain);
    this.close();
  }

  startHandshake(tls: TlsServerOptions): void {
    assert(this.#state === "waiting" && this.#hello !== null, `handshake in state ${this.#state}`);
    const hello = this.#hello;
    this.#hello = null;
    this.#enter("handshake");
    try {
      this.#connection.startTls(tls, hello);
    } catch {
      // The ciphers or certificates are not what OpenSSL takes: every client will fail, none may stop us.
      this.reject("tls_unusable");
    }
  }

  /** Looks at the time limits. `pressed`: others wait for the place of this handshake. */
  sweep(nowMs: number, { pressed }: { readonly pressed: boolean }): void {
    const inStateMs = nowMs - this.#stateSinceMs;
    if (this.#state === "answered") {
      if (inStateMs >= CLIENT_MS_MAX) this.close();
    } else if (this.hasAsked) {
      return; // the disk takes the time it takes
    } else if (this.#state === "request" && inStateMs >= REQUEST_SILENCE_MS) {
      this.#endOfRequest();
    } else if (this.#state === "handshake" && pressed && inStateMs >= PATIENCE_MS) {
      this.reject("evicted");
    } else if (nowMs - this.#sinceMs >= CLIENT_MS_MAX) {
      this.reject("timeout");
    }
  }

  /** Closes a client without an answer, for its own doing. */
  reject(code: ClosedCode): void {
    this.#host.rejected(this, code);
    this.close();
  }

  close(): void {
    this.#leave();
    this.#connection.destroy();
  }

  closed(reason: string | null): void {
    if (this.#state === "handshake" && reason !== null) this.#host.rejected(this, "handshake_failed");
    this.#leave();
  }

  #leave(): void {
    if (this.#state === "closed") return;
    this.#enter("closed");
    this.#hello = null;
    this.#reader = null;
    this.#host.gone(this);
  }

  /** The registry has its request, or it is gone. */
  get hasAsked(): boolean {
    return this.#state === "enrolling" || this.#state === "answered" || this.#state === "closed";
  }

  #hold(chunk: Buffer): void {
    const isHello = chunk[0] === TLS_HANDSHAKE_RECORD && chunk.length <= FIRST_CHUNK_BYTES_MAX;
    if (!isHello) {
      this.reject("not_tls");
      return;
    }
    this.#hello = chunk;
    this.#enter("waiting");
    this.#connection.pause();
    this.#host.wantHandshake(this);
  }

  #read(chunk: Buffer): void {
    assert(this.#reader !== null, "request without a reader");
    this.#stateSinceMs = this.#host.nowMs();
    if (++this.#chunks > REQUEST_CHUNKS_MAX) {
      this.reject("request_in_pieces");
      return;
    }
    const result = this.#reader.push(chunk);
    if (result.code === "line") this.#enroll(result.line);
    else if (result.code === "too_long") this.reject("request_too_long");
  }

  /** No newline, then silence: clients of before 4.13 may end their request so. */
  #endOfRequest(): void {
    assert(this.#reader !== null, "request without a reader");
    const line = this.#reader.rest();
    if (line === "") this.reject("no_request");
    else this.#enroll(line);
  }

  #enroll(line: string): void {
    this.#reader = null;
    this.#enter("enrolling");
    this.#host.enroll(line, this.peer, (outcome) => this.#answer(outcome));
  }

  #answer(outcome: Outcome): void {
    if (this.#state === "closed") {
      this.#host.withdraw(outcome);
      return;
    }
    this.#enter("answered");
    this.#connection.write(outcome.answer);
    this.#connection.end();
  }

  #enter(state: State): void {
    this.#state = state;
    this.#stateSinceMs = this.#host.nowMs();
  }
}
