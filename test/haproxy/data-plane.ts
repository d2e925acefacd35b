/**
 * A stand-in for the Data Plane API, version 2, as far as the helper uses it: it keeps the configuration as the API's objects, writes
 * it as HAProxy's file, has HAProxy check it, reloads a real HAProxy, and answers runtime and statistics from the stats socket.
 */
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { configurationProblem, HaproxyProcess } from "./haproxy-process.ts";

type Item = Record<string, unknown> & { readonly name: string };
type Answer = { readonly status: number; readonly body: unknown };

type Model = {
  global: Record<string, unknown>;
  backends: Item[];
  frontends: Item[];
  /** By front end. */
  binds: Record<string, Item[]>;
  /** By back end. */
  servers: Record<string, Item[]>;
};

export type StandInOptions = {
  readonly directory: string;
  readonly user: string;
  readonly password: string;
  /** Where a bind without an address listens; HAProxy's own rule is everywhere. */
  readonly bindAddress: string;
  /** Of the API; without it a free one. */
  readonly port?: number;
  /** What the API says of itself. */
  readonly api?: { readonly build_date: string; readonly version: string };
  readonly model?: Partial<Model>;
  /** Clients must show a certificate of `ca`. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
};

const API = { build_date: "2024-05-13T14:06:03.000Z", version: "v2.9.3 59f34ea1" };
const NOT_FOUND: Answer = { status: 404, body: { code: 404, message: "path was not found" } };

export class DataPlaneStandIn {
  readonly #options: StandInOptions;
  readonly #server: Server;
  readonly #model: Model;
  #haproxy: HaproxyProcess | null = null;
  #version = 1;
  /** Requests are served one after another, as changes of one configuration must be. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: StandInOptions) {
    this.#options = options;
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      // A client that gives up is nobody's failure.
      this.#turn = this.#turn
        .then(() => this.#serve(request, response))
        .catch(() => {
          response.destroy();
        });
    };
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer(listener)
        : createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, listener);
    const empty = { backends: [], frontends: [], binds: {}, servers: {} };
    this.#model = { global: { daemon: "enabled", maxconn: 400 }, ...empty, ...options.model };
  }

  static async start(options: StandInOptions): Promise<DataPlaneStandIn> {
    const standIn = new DataPlaneStandIn(options);
    standIn.#write();
    const socket = join(options.directory, "stats.sock");
    standIn.#haproxy = await HaproxyProcess.start([standIn.#file], socket);
    await new Promise<void>((resolve) => standIn.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return standIn;
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  get haproxy(): HaproxyProcess {
    if (this.#haproxy === null) throw new Error("not started");
    return this.#haproxy;
  }

  serverNames(backend: string): string[] {
    return (this.#model.servers[backend] ?? []).map(({ name }) => name);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#haproxy?.stop();
  }

  get #file(): string {
    return join(this.#options.directory, "haproxy.cfg");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url ?? "/", "http://stand-in");
    const { status, body } = await this.#answer(request, url, text).catch((error: unknown) => ({
      status: 500,
      body: { code: 500, message: String(error) },
    }));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(body === null ? undefined : JSON.stringify(body));
  }

  async #answer(request: IncomingMessage, url: URL, text: string): Promise<Answer> {
    const { user, password } = this.#options;
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    if (request.headers.authorization !== expected)
      return { status: 401, body: { code: 401, message: "no" } };
    const path = url.pathname.replace(/^\/v2\//, "");
    if (path === url.pathname) return NOT_FOUND;
    if (path === "health") return { status: 200, body: { haproxy: "up" } };
    if (path === "info") return { status: 200, body: { api: this.#options.api ?? API, system: {} } };
    const [, , area = "", kind = "", name = ""] = path.split("/");
    if (area === "configuration") {
      return this.#configuration(
        request.method ?? "",
        kind,
        name,
        url,
        text === "" ? null : JSON.parse(text),
      );
    }
    if (area === "runtime") return this.#runtime(request.method ?? "", kind, name, url, text);
    if (path === "services/haproxy/stats/native") return this.#stats(url);
    return NOT_FOUND;
  }

  async #configuration(
    method: string,
    kind: string,
    name: string,
    url: URL,
    body: Item | null,
  ): Promise<Answer> {
    if (kind === "version") return { status: 200, body: this.#version };
    const list = this.#listOf(kind, url);
    if (method === "GET") {
      const data = kind === "global" ? this.#model.global : list;
      return data === null ? NOT_FOUND : { status: 200, body: { _version: this.#version, data } };
    }
    if (Number(url.searchParams.get("version")) !== this.#version) {
      return { status: 409, body: { code: 409, message: `version mismatch` } };
    }
    const undo = structuredClone(this.#model);
    const status = this.#change(method, kind, name, list, body);
    if (status >= 400) return { status, body: { code: status, message: `${kind} ${name} ${status}` } };
    const problem = this.#write();
    if (problem !== null) {
      Object.assign(this.#model, undo);
      this.#write();
      return { status: 400, body: { code: 400, message: problem } };
    }
    this.#version += 1;
    const reloads = url.searchParams.get("force_reload") === "true";
    if (reloads) await this.haproxy.reload();
    return { status: status === 201 && !reloads ? 202 : status, body };
  }

  #change(method: string, kind: string, name: string, list: Item[] | null, body: Item | null): number {
    if (kind === "global" && method === "PUT" && body !== null) {
      this.#model.global = body;
      return 202;
    }
    if (list === null) return 404;
    if (method === "POST" && body !== null) {
      if (list.some((item) => item.name === body.name)) return 409;
      list.push(body);
      return 201;
    }
    const index = list.findIndex((item) => item.name === name);
    if (method !== "DELETE" || index < 0) return 404;
    list.splice(index, 1);
    return 204;
  }

  #listOf(kind: string, url: URL): Item[] | null {
    const { backends, frontends, binds, servers } = this.#model;
    const within = (table: Record<string, Item[]>, owners: Item[], owner: string | null) => {
      if (owner === null || !owners.some(({ name }) => name === owner)) return null;
      table[owner] ??= [];
      return table[owner];
    };
    if (kind === "backends") return backends;
    if (kind === "frontends") return frontends;
    if (kind === "binds") return within(binds, frontends, url.searchParams.get("frontend"));
    return kind === "servers" ? within(servers, backends, url.searchParams.get("backend")) : null;
  }

  async #runtime(method: string, kind: string, name: string, url: URL, text: string): Promise<Answer> {
    if (kind === "info") {
      const version = /^Version: (.*)$/m.exec(await this.haproxy.ask("show info"))?.[1] ?? "";
      return { status: 200, body: [{ info: { version }, runtimeAPI: "stats.sock" }] };
    }
    const backend = url.searchParams.get("backend") ?? "";
    if (method === "PUT") {
      const { admin_state: state } = JSON.parse(text) as { admin_state: string };
      const said = await this.haproxy.ask(`set server ${backend}/${name} state ${state}`);
      if (said.trim() !== "") return { status: 404, body: { code: 404, message: said.trim() } };
    }
    const row = (await this.haproxy.ask(`show servers state ${backend}`))
      .split("\n")
      .map((line) => line.split(" "))
      .find((words) => words[3] === name);
    if (row === undefined) return { status: 404, body: { code: 404, message: "server not found" } };
    const flags = Number(row[6]);
    const admin_state = (flags & 0x01) !== 0 ? "maint" : (flags & 0x08) !== 0 ? "drain" : "ready";
    const operational_state = row[5] === "0" ? "down" : "up";
    return { status: 200, body: { name, address: row[4], admin_state, operational_state } };
  }

  async #stats(url: URL): Promise<Answer> {
    const backend = url.searchParams.get("parent") ?? "";
    const name = url.searchParams.get("name") ?? "";
    const [header = "", ...lines] = (await this.haproxy.ask(`show stat ${backend} 4 -1`)).split("\n");
    const columns = header.replace("# ", "").split(",");
    const values = lines.map((line) => line.split(",")).find((line) => line[1] === name);
    if (values === undefined) return { status: 200, body: [{ runtimeAPI: "stats.sock", stats: [] }] };
    const value = (column: string) => values[columns.indexOf(column)] ?? "";
    const stats = {
      status: value("status"),
      lastchg: Number(value("lastchg")),
      scur: Number(value("scur")),
    };
    const line = { name, type: "server", backend_name: backend, stats };
    return { status: 200, body: [{ runtimeAPI: "stats.sock", stats: [line] }] };
  }

  /** What HAProxy has against the model, else null. */
  #write(): string | null {
    writeFileSync(this.#file, this.#text());
    return configurationProblem([this.#file]);
  }

  #text(): string {
    const { global, backends, frontends, binds, servers } = this.#model;
    const stop =
      global["hard_stop_after"] === undefined ? "" : `  hard-stop-after ${global["hard_stop_after"]}\n`;
    const bindLine = (bind: Item) =>
      `  bind ${bind["address"] ?? this.#options.bindAddress}:${bind["port"]} name ${bind.name}\n`;
    const serverLine = (server: Item) =>
      `  server ${server.name} ${server["address"]}:${server["port"]}${server["check"] === "enabled" ? " check" : ""}\n`;
    const algorithm = (backend: Item) =>
      (backend["balance"] as { algorithm?: string } | undefined)?.algorithm;
    return [
      `global\n  maxconn ${global["maxconn"]}\n${stop}`,
      `  stats socket ${join(this.#options.directory, "stats.sock")} level admin expose-fd listeners\n`,
      "defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1m\n  timeout server 1m\n",
      "  default-server inter 100 rise 1 fall 1\n",
      ...frontends.map((frontend) => {
        const own = (binds[frontend.name] ?? []).map(bindLine).join("");
        return `frontend ${frontend.name}\n${own}  default_backend ${frontend["default_backend"]}\n`;
      }),
      ...backends.map((backend) => {
        const balance = algorithm(backend) === undefined ? "" : `  balance ${algorithm(backend)}\n`;
        return `backend ${backend.name}\n${balance}${(servers[backend.name] ?? []).map(serverLine).join("")}`;
      }),
    ].join("");
  }
}
