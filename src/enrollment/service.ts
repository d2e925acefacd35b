/**
 * The agent enrollment service: TLS on port 1515, a request line in, an agent key out.
 *
 * The peer's `wazuh-authd`, for the network. Makes and closes the clients, counts them and their handshakes, and carries their
 * requests to the `Enroller`.
 */
import { X509Certificate } from "node:crypto";
import { certificateIsOf } from "#kernel/certificates/host-match.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type {
  CertificateChain,
  Connection,
  ConnectionHandler,
  Listener,
  TlsServerOptions,
} from "#kernel/ports/network.ts";
import { formatIpAddress, type IpAddress, parsePeerAddress } from "#model/address.ts";
import { type Certificate, readCertificate, writeCertificate } from "./certificate.ts";
import { EnrollmentClient } from "./client.ts";
import { readClientAuthority, refusalTexts } from "./client-certificate.ts";
import { ClientPlaces } from "./client-places.ts";
import type { EnrollmentConfig } from "./config.ts";
import { Enroller, type Outcome } from "./enroller.ts";
import { type ClosedCode, EnrollmentEvents } from "./events.ts";
import { HandshakeGate } from "./handshakes.ts";
import { BACKLOG, HANDSHAKES_MAX, SWEEP_PERIOD_MS } from "./limits.ts";
import type { EnrollmentNeeds } from "./needs.ts";
import { NO_PASSWORD, readPassword } from "./password.ts";

type Running = {
  readonly listener: Listener;
  readonly sweeper: Timer;
};

export class EnrollmentService {
  readonly #config: EnrollmentConfig;
  readonly #needs: EnrollmentNeeds;
  readonly #events: EnrollmentEvents;
  readonly #clients = new ClientPlaces();
  /** Registrations and withdrawals that the registry has not finished; also of clients who are gone. */
  readonly #unfinished = new Set<Promise<void>>();
  #running: Running | null = null;

  constructor(config: EnrollmentConfig, needs: EnrollmentNeeds) {
    this.#config = config;
    this.#needs = needs;
    this.#events = new EnrollmentEvents(needs);
  }

  /** The port that is listened on; null when the service does not run. */
  get port(): number | null {
    return this.#running?.listener.local.port ?? null;
  }

  /** Throws a `CodedError` when the password, the certificate, the authority of the clients' or the port cannot be had. */
  async start(): Promise<void> {
    const { host, port, remoteEnrollment } = this.#config;
    if (!remoteEnrollment) {
      this.#events.portDisabled(port);
      return;
    }
    const { files, clock, master, network, random, registry } = this.#needs;
    const { password, text } = this.#config.usePassword
      ? readPassword(files, this.#config.passwordPath, random)
      : NO_PASSWORD;
    const tls = await this.#tlsOptions();
    const enroller = new Enroller({
      config: this.#config,
      password,
      clock,
      random,
      registry,
      events: this.#events,
      master,
    });
    const handshakes = new HandshakeGate<EnrollmentClient>(HANDSHAKES_MAX, (client) =>
      client.startHandshake(tls),
    );
    const listener = await network.listen({ host, port, backlog: BACKLOG }, (connection) =>
      this.#accept(connection, enroller, handshakes),
    );
    const sweeper = clock.every(SWEEP_PERIOD_MS, () => this.#sweep(handshakes));
    this.#running = { listener, sweeper };
    this.#events.started(listener.local.port, text);
  }

  /** Agents whose request has come get their answer; afterwards the registry is not used any more. */
  async stop(): Promise<void> {
    if (this.#running === null) return;
    const { listener, sweeper } = this.#running;
    this.#running = null;
    const closed = listener.close();
    for (const client of this.#clients.all()) if (!client.served) client.close();
    while (this.#unfinished.size > 0) await Promise.all(this.#unfinished);
    await closed;
    sweeper.cancel();
  }

  #accept(
    connection: Connection,
    enroller: Enroller,
    handshakes: HandshakeGate<EnrollmentClient>,
  ): ConnectionHandler {
    const peer = parsePeerAddress(connection.remote.address);
    if (peer === null || !this.#hasPlace(peer)) {
      if (peer !== null) this.#events.closed("over_limit", formatIpAddress(peer));
      connection.destroy();
      return IGNORE;
    }
    const client = new EnrollmentClient(connection, peer, {
      nowMs: () => this.#needs.clock.monotonicMs(),
      wantHandshake: (wanting) => handshakes.enter(wanting),
      handshakeOver: (ready) => handshakes.leave(ready),
      isHostOf: (secured, chain) => this.#isHostOf(secured, chain),
      certificateRefused: (refused, problem, chain) => this.#certificateRefused(refused, problem, chain),
      enroll: (line, from, answer) => this.#finish(enroller.enroll(line, from).then(answer)),
      withdraw: (outcome) => this.#withdraw(enroller, outcome),
      rejected: (rejected, code) => this.#rejected(rejected, code),
      gone: (left) => {
        this.#clients.delete(left);
        handshakes.leave(left);
      },
    });
    this.#clients.add(client);
    this.#events.count("enrollment_clients_accepted");
    return client;
  }

  #hasPlace(peer: IpAddress): boolean {
    const nowMs = this.#needs.clock.monotonicMs();
    return this.#clients.makeRoom(peer, nowMs, (client) => client.reject("evicted"));
  }

  #isHostOf({ peer }: EnrollmentClient, [certificate]: CertificateChain): boolean {
    const { clientAuthorityPath, verifiesHost } = this.#config;
    if (clientAuthorityPath === null || !verifiesHost) return true;
    if (certificate === undefined) return false;
    return certificateIsOf(new X509Certificate(certificate), formatIpAddress(peer));
  }

  #certificateRefused({ peer }: EnrollmentClient, problem: string, chain: CertificateChain): void {
    const address = formatIpAddress(peer);
    const texts = refusalTexts(problem, chain, { address, nowMs: this.#needs.clock.wallMs() });
    this.#events.certificateRefused(address, texts);
  }

  #rejected(client: EnrollmentClient, code: ClosedCode): void {
    this.#events.closed(code, formatIpAddress(client.peer));
  }

  #withdraw(enroller: Enroller, { entry }: Outcome): void {
    if (entry !== null) this.#finish(enroller.withdraw(entry));
  }

  #finish(work: Promise<void>): void {
    this.#unfinished.add(work);
    void work.then(() => this.#unfinished.delete(work));
  }

  #sweep(handshakes: HandshakeGate<EnrollmentClient>): void {
    const nowMs = this.#needs.clock.monotonicMs();
    for (const client of this.#clients.all()) {
      client.sweep(nowMs, { pressed: handshakes.waiting > 0 });
    }
    this.#events.clients(this.#clients.size, handshakes.running);
  }

  async #tlsOptions(): Promise<TlsServerOptions> {
    const { clientAuthorityPath, ciphers, oldTlsVersions } = this.#config;
    const clientAuthority =
      clientAuthorityPath === null ? null : readClientAuthority(this.#needs.files, clientAuthorityPath);
    const certificate = await this.#certificate();
    return { ...certificate, ciphers, clientAuthority, oldVersions: oldTlsVersions };
  }

  async #certificate(): Promise<Certificate> {
    const { files, clock } = this.#needs;
    const { managerHostName, managerAddresses, certificatePath } = this.#config;
    const known = readCertificate(files, this.#config);
    if (known !== null) return known;
    const subject = { hostName: managerHostName, addresses: managerAddresses, nowMs: clock.wallMs() };
    const made = await this.#needs.makeCertificate(subject);
    writeCertificate(files, this.#config, made);
    this.#events.certificateMade(certificatePath);
    return made;
  }
}

/** A connection that was closed before it became a client. */
const IGNORE: ConnectionHandler = { data: () => {}, closed: () => {} };
