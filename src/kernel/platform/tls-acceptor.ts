/**
 * The server's side of TLS handshakes on connections that were accepted elsewhere.
 *
 * Only a `tls.Server` of Node tells whether a client's certificate was verified, so there is one, which listens nowhere and is given
 * the sockets. It hands over secured sockets without saying which socket each came from: they are told apart by their two ends.
 */
import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { CertificateChain, TlsServerOptions } from "../ports/network.ts";

/** Every client proves who it is anew: a resumed session would bring its certificate from before, and agents ask once in their life. */
const SECURE_OPTIONS = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

/** As many certificates of a chain are handed on; OpenSSL takes 100 KiB of them. */
const CHAIN_LENGTH_MAX = 16;

/** What becomes of a handshake. `failed` may be followed by nothing: the socket is closed then. */
export type Handshake = {
  secured(stream: TLSSocket, chain: CertificateChain): void;
  refused(problem: string, chain: CertificateChain): void;
  failed(error: Error): void;
};

function endsOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function chainOf(stream: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  let certificate = stream.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

export class TlsAcceptor {
  readonly #server: Server;
  readonly #verifies: boolean;
  readonly #handshakes = new Map<string, Handshake>();

  /** Throws when OpenSSL does not take the certificate, the key, the authority or the ciphers. */
  constructor({ certificate, key, ciphers, clientAuthority, oldVersions }: TlsServerOptions) {
    this.#verifies = clientAuthority !== null;
    this.#server = createServer({
      cert: certificate,
      key,
      // TLS 1.0 and 1.1 need SHA-1 signatures, which OpenSSL allows at security level 0 only.
      ciphers: oldVersions ? `${ciphers}:@SECLEVEL=0` : ciphers,
      minVersion: oldVersions ? "TLSv1" : "TLSv1.2",
      secureOptions: SECURE_OPTIONS,
      requestCert: this.#verifies,
      // Refused here instead of by Node, which would not say whose certificate it was and what was wrong with it.
      rejectUnauthorized: false,
      ...(clientAuthority === null ? {} : { ca: clientAuthority }),
    });
    // Node calls from within OpenSSL's reading: a socket that is destroyed there takes OpenSSL's memory away under it.
    this.#server.on("secureConnection", (stream) => setImmediate(() => this.#finish(stream)));
    this.#server.on("tlsClientError", (error, stream) => this.#handshakes.get(endsOf(stream))?.failed(error));
  }

  accept(socket: Socket, handshake: Handshake): void {
    const ends = endsOf(socket);
    this.#handshakes.set(ends, handshake);
    socket.once("close", () => {
      if (this.#handshakes.get(ends) === handshake) this.#handshakes.delete(ends);
    });
    this.#server.emit("connection", socket);
  }

  #finish(stream: TLSSocket): void {
    const ends = endsOf(stream);
    const handshake = this.#handshakes.get(ends);
    this.#handshakes.delete(ends);
    if (handshake === undefined) {
      stream.destroy(); // closed meanwhile
    } else if (!this.#verifies) {
      handshake.secured(stream, []);
    } else if (stream.authorized) {
      handshake.secured(stream, chainOf(stream));
    } else {
      handshake.refused(String(stream.authorizationError), chainOf(stream));
      stream.destroy();
    }
  }
}
