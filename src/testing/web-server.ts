/** A web server of Node on loopback, over TLS or in clear text. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Issuer } from "#kernel/certificates/maker.ts";

const LOOPBACK = "127.0.0.1";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class WebServer {
  readonly #server: Server;
  readonly #scheme: "http" | "https";
  /** `GET /path`, as they came. */
  readonly asked: string[] = [];
  answer: Answer = (_, response) => response.writeHead(404).end();

  private constructor(identity: Issuer | null) {
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.answer(request, response);
    };
    this.#scheme = identity === null ? "http" : "https";
    this.#server =
      identity === null
        ? createServer(serve)
        : createTlsServer({ cert: identity.certificate, key: identity.key }, serve);
  }

  static async start(identity: Issuer | null): Promise<WebServer> {
    const server = new WebServer(identity);
    await new Promise<void>((done) => server.#server.listen(0, LOOPBACK, done));
    return server;
  }

  /** With its slash. */
  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://${LOOPBACK}:${port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
