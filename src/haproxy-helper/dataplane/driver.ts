/** HAProxy through its Data Plane API: every change is one of its configuration, and HAProxy reloads. */

import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { HttpClient, HttpTls } from "#kernel/ports/http-client.ts";
import { parseIpAddress } from "#model/address.ts";
import { helperError } from "../errors.ts";
import { SERVERS_MAX } from "../limits.ts";
import type { AdminState, Backend, ProxyConfiguration, ProxyDriver, ServerStats } from "../proxy-driver.ts";
import { DataPlaneClient, RELOADED } from "./client.ts";
import { isRecord, listOf, numberIn, recordOf, textIn, wordIn } from "./json.ts";

const CONFIGURATION = "services/haproxy/configuration";
const RUNTIME = "services/haproxy/runtime";
const MILLISECONDS = 1000;

export type DataPlaneOptions = Pick<
  HaproxyHelperConfig,
  | "address"
  | "port"
  | "protocol"
  | "user"
  | "password"
  | "resolver"
  | "authorityFile"
  | "clientCertificateFile"
  | "clientKeyFile"
  | "clientKeyPassword"
>;

type DataPlaneNeeds = { readonly http: HttpClient; readonly files: Files };

export class DataPlaneDriver implements ProxyDriver {
  readonly configuration: ProxyConfiguration;
  readonly #options: DataPlaneOptions;
  readonly #needs: DataPlaneNeeds;
  /** Made anew by `initialize`: its files may have changed. */
  #client: DataPlaneClient | null = null;

  constructor(options: DataPlaneOptions, needs: DataPlaneNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.configuration = new DataPlaneConfiguration(() => this.#api);
  }

  async initialize(): Promise<void> {
    const { protocol, address: host, port, user, password } = this.#options;
    const tls = protocol === "https" ? readTls(this.#options, this.#needs.files) : null;
    const client = new DataPlaneClient(this.#needs.http, { protocol, host, port, user, password, tls });
    await client.checkHealth();
    const [first] = listOf(await client.get(`${RUNTIME}/info`));
    if (textIn(recordOf(recordOf(first)["info"]), "version") === null) throw helperError(3048);
    this.#client = client;
  }

  async describe(): Promise<string> {
    const api = recordOf(recordOf(await this.#api.get("info"))["api"]);
    const [version, built] = [wordIn(api, "version"), wordIn(api, "build_date")];
    return `Data Plane API ${version ?? "of an unknown version"}${built === null ? "" : `, built ${built}`}`;
  }

  async backends(): Promise<readonly Backend[]> {
    const data = dataOf(await this.#api.get(`${CONFIGURATION}/backends`));
    return data.map((item) => ({
      name: nameOf(item),
      algorithm: wordIn(recordOf(recordOf(item)["balance"]), "algorithm"),
    }));
  }

  serverAddress(nodeAddress: string): Promise<string> {
    return Promise.resolve(nodeAddress);
  }

  async servers(backend: string): Promise<ReadonlyMap<string, string>> {
    const data = dataOf(await this.#api.get(`${CONFIGURATION}/servers`, [["backend", backend]]));
    return new Map(data.map((item) => [nameOf(item), wordIn(recordOf(item), "address") ?? ""]));
  }

  async addServer(backend: string, name: string, address: string, port: number): Promise<void> {
    const { resolver } = this.#options;
    const resolved =
      resolver === null || parseIpAddress(address) !== null
        ? {}
        : { resolvers: resolver, "init-addr": "last,libc,none" };
    const query = [["backend", backend] as const, RELOADED];
    await this.#api.post(`${CONFIGURATION}/servers`, query, {
      check: "enabled",
      name,
      address,
      port,
      ...resolved,
    });
  }

  async removeServer(backend: string, server: string): Promise<void> {
    const query = [["backend", backend] as const, RELOADED];
    await this.#api.delete(`${CONFIGURATION}/servers/${encodeURIComponent(server)}`, query);
  }

  async isDrained(backend: string, server: string): Promise<boolean> {
    const query = [["backend", backend] as const, ["name", server] as const];
    const answer = await this.#api.get(`${RUNTIME}/servers/${encodeURIComponent(server)}`, query);
    return textIn(recordOf(answer), "admin_state") === "drain";
  }

  async setState(backend: string, server: string, state: AdminState): Promise<void> {
    const path = `${RUNTIME}/servers/${encodeURIComponent(server)}`;
    await this.#api.put(path, [["backend", backend]], { admin_state: state });
  }

  async stats(backend: string, server: string): Promise<ServerStats> {
    const query = [["type", "server"] as const, ["parent", backend] as const, ["name", server] as const];
    const [first] = listOf(await this.#api.get("services/haproxy/stats/native", query));
    const [item] = listOf(recordOf(first)["stats"]);
    const stats = recordOf(recordOf(item)["stats"]);
    const status = textIn(stats, "status");
    if (status === null) throw helperError(3049, `no statistics of server '${server}'`);
    return {
      status,
      lastChangeSeconds: numberIn(stats, "lastchg") ?? 0,
      connections: numberIn(stats, "scur") ?? 0,
    };
  }

  /** HAProxy's own configuration keeps them. */
  keep(): Promise<void> {
    return Promise.resolve();
  }

  get #api(): DataPlaneClient {
    if (this.#client === null) throw helperError(3043, "not initialized");
    return this.#client;
  }
}

class DataPlaneConfiguration implements ProxyConfiguration {
  readonly #api: () => DataPlaneClient;

  constructor(api: () => DataPlaneClient) {
    this.#api = api;
  }

  async hardStopSeconds(): Promise<number | null> {
    const milliseconds = numberIn(await this.#global(), "hard_stop_after");
    return milliseconds === null ? null : Math.floor(milliseconds / MILLISECONDS);
  }

  async setHardStop(seconds: number): Promise<void> {
    const changed = { ...(await this.#global()), hard_stop_after: Math.round(seconds * MILLISECONDS) };
    await this.#api().put(`${CONFIGURATION}/global`, [], changed);
  }

  async addBackend(name: string): Promise<void> {
    const body = { name, mode: "tcp", balance: { algorithm: "leastconn" } };
    await this.#api().post(`${CONFIGURATION}/backends`, [RELOADED], body);
  }

  async frontends(): Promise<readonly string[]> {
    const data = dataOf(await this.#api().get(`${CONFIGURATION}/frontends`));
    return data.filter((item) => Object.hasOwn(recordOf(item), "default_backend")).map(nameOf);
  }

  async boundPorts(frontend: string): Promise<readonly number[]> {
    const data = dataOf(await this.#api().get(`${CONFIGURATION}/binds`, [["frontend", frontend]]));
    return data.flatMap((item) => numberIn(recordOf(item), "port") ?? []);
  }

  async addFrontend(name: string, backend: string, port: number): Promise<void> {
    const body = { name, mode: "tcp", default_backend: backend };
    await this.#api().post(`${CONFIGURATION}/frontends`, [RELOADED], body);
    const bind = { port, name: `${name}_bind` };
    await this.#api().post(`${CONFIGURATION}/binds`, [RELOADED, ["frontend", name]], bind);
  }

  async #global(): Promise<Readonly<Record<string, unknown>>> {
    const data = recordOf(await this.#api().get(`${CONFIGURATION}/global`))["data"];
    // It is written back whole: what is not read would be lost.
    if (!isRecord(data)) throw helperError(3049, "no global section");
    return data;
  }
}

function dataOf(answer: unknown): readonly unknown[] {
  const data = listOf(recordOf(answer)["data"]);
  if (data.length > SERVERS_MAX) throw helperError(3049, `a list of ${data.length}`);
  return data;
}

function nameOf(item: unknown): string {
  const name = wordIn(recordOf(item), "name");
  if (name === null) throw helperError(3049, "an item without a name");
  return name;
}

function readTls(options: DataPlaneOptions, files: Files): HttpTls {
  const read = (path: string): Buffer => {
    try {
      return files.read(path);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      throw helperError(3042, messageOf(error));
    }
  };
  const { authorityFile, clientCertificateFile, clientKeyFile, clientKeyPassword } = options;
  const client =
    clientCertificateFile === null
      ? null
      : {
          certificate: read(clientCertificateFile),
          key: clientKeyFile === null ? null : read(clientKeyFile),
          keyPassword: clientKeyPassword === null ? null : clientKeyPassword.reveal(),
        };
  return { authority: authorityFile === null ? null : read(authorityFile), client };
}
