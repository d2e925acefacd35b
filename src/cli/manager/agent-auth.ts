/**
 * `cyb3rhq agent-auth`: enrols the agent of a home directory with a manager of the 4.x generation, as the peer's `agent-auth` does, with
 * its log lines and exit codes (wazuh v4.14.7: src/os_auth/main-client.c, src/shared/enrollment_op.c).
 */
import { constants } from "node:crypto";
import { lookup } from "node:dns/promises";
import { connect as connectTcp, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { logLine } from "#daemons/manager-log.ts";
import { PEER_VERSION } from "#daemons/settings.ts";
import { formatKeyEntry, type KeyEntry, readClientKeys } from "#formats/client-keys/client-keys.ts";
import { ANSWER_BYTES_MAX, encodeRequest, nameOfHost, parseAnswer } from "#formats/wire/enrollment/client.ts";
import { certificateIsOf } from "#kernel/certificates/host-match.ts";
import { CodedError, errnoOf, messageOf } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { LogLevel } from "#kernel/ports/log.ts";
import { type AgentName, parseAgentName } from "#model/agent.ts";
import { Secret } from "#model/secret.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";

export type AgentAuthOptions = {
  readonly manager?: string;
  readonly port: number;
  readonly interfaceIndex: number;
  readonly name?: string;
  readonly ciphers: string;
  /** PEM that the manager's certificate must lead to. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly password?: string;
  readonly oldTlsVersions: boolean;
  readonly groups?: string;
  readonly address?: string;
  readonly useSourceIp: boolean;
  readonly directory: string;
  readonly debug: boolean;
  readonly testOnly: boolean;
};

const RESOLVE_TRIES = 3;
const RESOLVE_PAUSE_MS = 1000;
/** The peer waits for ever; a manager under load answers within its own 10 s. */
const CONNECT_MS_MAX = 30_000;
const ANSWER_MS_MAX = 60_000;
const KEYS_PERMISSIONS = 0o640;
/** wazuh v4.14.7: src/shared/enrollment_op.c reads no more of the first line, and takes none shorter. */
const PASSWORD_BYTES_MAX = 4095;
const PASSWORD_LINE_BYTES_MIN = 3;
/** OpenSSL's SSL_ERROR_SSL and SSL_ERROR_SYSCALL. */
const TLS_FAILED = 1;
const SOCKET_FAILED = 5;

/** What ends an enrolment, with the line that says so; empty when it was said already. */
class EnrollmentEnded extends Error {}

export async function enrollAgent(environment: Environment, options: AgentAuthOptions): Promise<number> {
  const { address, useSourceIp } = options;
  const client = new AgentAuth(environment, options);
  try {
    if (address !== undefined && useSourceIp) {
      throw new EnrollmentEnded("Options '-I' and '-i' are uncompatible.");
    }
    if (options.testOnly) return EXIT_OK;
    await client.enroll();
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof EnrollmentEnded || error instanceof CodedError)) throw error;
    if (error.message !== "") client.say("error", error.message);
    return EXIT_FAILURE;
  }
}

class AgentAuth {
  readonly #environment: Environment;
  readonly #options: AgentAuthOptions;
  readonly #local = new LocalClock();

  constructor(environment: Environment, options: AgentAuthOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  say(level: LogLevel, text: string): void {
    if (level === "debug" && !this.#options.debug) return;
    const { clock, stderr } = this.#environment;
    stderr.write(utf8Bytes(logLine(this.#local.at(clock.wallMs()), "agent-auth", level, text)));
  }

  /** Ends with a stored key, or throws. */
  async enroll(): Promise<void> {
    const { manager, port } = this.#options;
    this.say("info", `Started (pid: ${process.pid}).`);
    if (manager === undefined || manager === "") throw new EnrollmentEnded("Manager IP not set.");
    const keysPath = this.#keysPath();
    this.say("info", `Requesting a key from server: ${manager}`);
    const address = await this.#resolve(manager);
    const stream = await this.#secure(await this.#connect(address), `[${address}]:${port}`);
    try {
      this.#verifyManager(stream, manager);
      const request = this.#request();
      const answer = this.#receive(stream);
      stream.write(request);
      this.say("debug", "Request sent to manager");
      this.say("info", "Waiting for server reply");
      this.#store(keysPath, await answer);
    } finally {
      stream.destroy();
    }
  }

  /** Looked at first: a key that cannot be stored is lost, and its name is taken. */
  #keysPath(): string {
    const directory = `${this.#options.directory}/etc`;
    if (this.#environment.files.info(directory) === null) {
      throw new EnrollmentEnded(`${directory} does not exist: name the agent's directory with -D`);
    }
    return `${directory}/client.keys`;
  }

  async #resolve(host: string): Promise<string> {
    for (let tries = 1; tries <= RESOLVE_TRIES; tries++) {
      try {
        return withZone((await lookup(host)).address, this.#options.interfaceIndex);
      } catch {
        if (tries < RESOLVE_TRIES) await delay(RESOLVE_PAUSE_MS);
      }
    }
    throw new EnrollmentEnded(`Could not resolve hostname: ${host}`);
  }

  #connect(address: string): Promise<Socket> {
    const { port } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: address, port, noDelay: true });
      const fail = () => {
        socket.destroy();
        const place = `[${address}]:${port}`;
        reject(new EnrollmentEnded(`(1208): Unable to connect to enrollment service at '${place}'`));
      };
      socket.setTimeout(CONNECT_MS_MAX, fail);
      socket.once("error", fail);
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        socket.setTimeout(0);
        resolve(socket);
      });
    });
  }

  #secure(socket: Socket, place: string): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        socket.destroy();
        const number = errnoOf(error)?.startsWith("ERR_SSL") ? TLS_FAILED : SOCKET_FAILED;
        this.say("debug", `TLS: ${messageOf(error)}`);
        const advice = "Connection refused by the manager. Maybe the port specified is incorrect.";
        reject(new EnrollmentEnded(`SSL error (${number}). ${advice}`));
      };
      socket.setTimeout(CONNECT_MS_MAX, () => fail(new Error("no answer in time")));
      try {
        const stream = connectTls({ socket, ...this.#tlsOptions() }, () => {
          stream.removeAllListeners("error");
          socket.setTimeout(0);
          this.say("debug", `(1209): Connected to enrollment service at '${place}'`);
          resolve(stream);
        });
        stream.once("error", fail);
      } catch (error) {
        if (error instanceof CodedError) throw error;
        fail(error);
      }
    });
  }

  #tlsOptions() {
    const { ciphers, oldTlsVersions, authority, certificate, key } = this.#options;
    const read = (path: string) => this.#environment.files.read(path);
    return {
      // TLS 1.0 and 1.1 need SHA-1 signatures, which OpenSSL allows at security level 0 only.
      ciphers: oldTlsVersions ? `${ciphers}:@SECLEVEL=0` : ciphers,
      minVersion: oldTlsVersions ? ("TLSv1" as const) : ("TLSv1.2" as const),
      secureOptions: constants.SSL_OP_NO_TICKET,
      // Looked at below, by the peer's rules and with its texts.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(authority === undefined ? {} : { ca: read(authority) }),
      ...(certificate === undefined ? {} : { cert: read(certificate) }),
      ...(key === undefined ? {} : { key: read(key) }),
    };
  }

  #verifyManager(stream: TLSSocket, manager: string): void {
    if (this.#options.authority === undefined) {
      this.say("debug", "Registering agent to unverified manager");
      return;
    }
    this.say("info", "Verifying manager's certificate");
    const certificate = stream.getPeerX509Certificate();
    if (!stream.authorized || certificate === undefined || !certificateIsOf(certificate, manager)) {
      throw new EnrollmentEnded("Unable to verify server certificate");
    }
    this.say("info", "Manager has been verified successfully");
  }

  #request(): Buffer {
    const { address, groups, useSourceIp } = this.#options;
    const password = this.#password();
    const name = this.#name();
    this.say("info", `Using agent name as: ${name}`);
    return encodeRequest({
      password,
      name,
      version: PEER_VERSION,
      groups: groups ?? null,
      address: useSourceIp ? "src" : (address ?? null),
      known: this.#knownKey(),
    });
  }

  #name(): AgentName {
    const { name: text = "" } = this.#options;
    const name = text === "" ? nameOfHost(this.#environment.hostname) : parseAgentName(text);
    if (name !== null) return name;
    const invalid = text === "" ? this.#environment.hostname : text;
    throw new EnrollmentEnded(`Invalid agent name "${invalid}". Please pick a valid name.`);
  }

  #password(): Secret | null {
    const { password, directory } = this.#options;
    if (password !== undefined) return new Secret(password);
    const { files } = this.#environment;
    const path = `${directory}/etc/authd.pass`;
    const text = files.info(path) === null ? "" : files.read(path).toString("latin1");
    const newlineAt = text.indexOf("\n");
    const line = newlineAt === -1 ? text : text.slice(0, newlineAt + 1);
    if (line.length < PASSWORD_LINE_BYTES_MIN) {
      this.say("info", "No authentication password provided");
      return null;
    }
    this.say("info", "Using password specified on file: etc/authd.pass");
    return new Secret(line.slice(0, PASSWORD_BYTES_MAX).replace(/\r?\n$/, ""));
  }

  #knownKey(): KeyEntry | null {
    const path = `${this.#options.directory}/etc/client.keys`;
    const { files } = this.#environment;
    return files.info(path) === null ? null : (readClientKeys(files.read(path)).entries[0] ?? null);
  }

  /** Everything up to the end; a reset behind the answer is no matter. */
  #receive(stream: TLSSocket): Promise<Buffer> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      stream.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) stream.destroy();
      });
      stream.on("error", () => stream.destroy());
      stream.setTimeout(ANSWER_MS_MAX, () => stream.destroy());
      stream.on("close", () => resolve(Buffer.concat(chunks)));
    });
  }

  #store(path: string, bytes: Buffer): void {
    const answer = parseAnswer(bytes);
    switch (answer.kind) {
      case "key":
        this.#environment.files.replace(
          path,
          Buffer.from(formatKeyEntry(answer.entry), "latin1"),
          KEYS_PERMISSIONS,
        );
        this.say("info", "Valid key received");
        return;
      case "refused":
        throw new EnrollmentEnded(`${answer.text} (from manager)`);
      case "malformed":
        throw new EnrollmentEnded(answer.log);
      case "nothing":
        throw new EnrollmentEnded("The manager closed the connection without an answer; its log says why");
    }
  }
}

/** The interface of a link-local address, by its number as the peer is told. */
function withZone(address: string, interfaceIndex: number): string {
  if (interfaceIndex === 0 || !address.toLowerCase().startsWith("fe80:")) return address;
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    const belongs = addresses?.some((one) => one.family === "IPv6" && one.scopeid === interfaceIndex);
    if (belongs) return `${address}%${name}`;
  }
  return address;
}
