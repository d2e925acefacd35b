/** The backend of HAProxy that agents come through, with a line in the log for whatever is done to it. */
import { pythonFloat } from "#formats/python-text.ts";
import { helperError } from "./errors.ts";
import type { HelperLog } from "./needs.ts";
import type { AdminState, Backend, ProxyConfiguration, ProxyDriver, ServerStats } from "./proxy-driver.ts";

/** The names of the guides, this program's first. */
export const USUAL_BACKENDS = ["cyb3rhq_reporting", "wazuh_reporting"] as const;

const UP = "UP";

export class AgentBackend {
  readonly #driver: ProxyDriver;
  readonly #log: HelperLog;
  readonly #port: number;
  #name: string;
  readonly #searched: boolean;

  /** `name` is null when none is configured: `locate` finds it. */
  constructor(driver: ProxyDriver, log: HelperLog, name: string | null, port: number) {
    this.#driver = driver;
    this.#log = log;
    this.#port = port;
    this.#searched = name === null;
    this.#name = name ?? USUAL_BACKENDS[0];
  }

  get name(): string {
    return this.#name;
  }

  get #frontend(): string {
    return `${this.#name}_front`;
  }

  get configuration(): ProxyConfiguration | null {
    return this.#driver.configuration;
  }

  initialize(): Promise<void> {
    return this.#driver.initialize();
  }

  /** Of the usual names the one that HAProxy has. */
  async locate(): Promise<void> {
    if (!this.#searched) return;
    const names = (await this.#backends()).map(({ name }) => name);
    this.#name = USUAL_BACKENDS.find((name) => names.includes(name)) ?? USUAL_BACKENDS[0];
  }

  async warnOfOtherFrontends(configuration: ProxyConfiguration): Promise<void> {
    const port = this.#port;
    this.#log.write("debug", "Proxy", `Checking multiple frontends for port ${port}`);
    const others: string[] = [];
    for (const frontend of await this.#frontends(configuration)) {
      if (frontend === this.#frontend) continue;
      if ((await configuration.boundPorts(frontend)).includes(port)) others.push(frontend);
    }
    if (others.length === 0) return;
    const advice = `To ensure the proper function of the helper, keep only the one related to the backend "${this.#name}".`;
    this.#log.write("warning", "Main", `Several frontends exist binding the port "${port}". ${advice}`);
    this.#log.write("warning", "Main", `Other frontends with the port "${port}": ${others.join(", ")}`);
  }

  /** False when HAProxy lacks the backend and this driver cannot make it. */
  async ensureBackend(): Promise<boolean> {
    const found = (await this.#backends()).find((backend) => backend.name === this.#name);
    if (found !== undefined) {
      if (found.algorithm !== null && found.algorithm !== "leastconn") {
        const text = `The backend '${this.#name}' balances by '${found.algorithm}'; the helper needs 'leastconn'`;
        this.#log.write("warning", "Main", text);
      }
      return true;
    }
    this.#log.write("warning", "Main", `Could not find Wazuh backend '${this.#name}'`);
    if (this.configuration === null) return false;
    await this.configuration.addBackend(this.#name);
    this.#log.write("debug2", "Proxy", `Added new proxy backend: '${this.#name}'`);
    this.#log.write("info", "Main", "Added Wazuh backend");
    return true;
  }

  async ensureFrontend(configuration: ProxyConfiguration): Promise<void> {
    if ((await this.#frontends(configuration)).includes(this.#frontend)) return;
    this.#log.write("warning", "Main", `Could not find Wazuh frontend '${this.#frontend}'`);
    await configuration.addFrontend(this.#frontend, this.#name, this.#port);
    this.#log.write("debug2", "Proxy", `Added new proxy frontend: '${this.#frontend}'`);
    this.#log.write("info", "Main", "Added Wazuh frontend");
  }

  async setHardStop(configuration: ProxyConfiguration, seconds: number): Promise<void> {
    await configuration.setHardStop(seconds);
    this.#log.write("info", "Proxy", `Set \`hard-stop-after\` with ${pythonFloat(seconds)} seconds.`);
  }

  serverAddress(nodeAddress: string, present: string | null): Promise<string> {
    return this.#driver.serverAddress(nodeAddress, present);
  }

  async servers(): Promise<ReadonlyMap<string, string>> {
    const servers = await this.#driver.servers(this.#name);
    this.#log.write("debug2", "Proxy", "Obtained proxy servers");
    return servers;
  }

  async addServer(server: string, address: string): Promise<void> {
    await this.#driver.addServer(this.#name, server, address, this.#port);
    const what = `server '${server}' ${address}:${this.#port}`;
    this.#log.write("debug2", "Proxy", `Added new ${what} to backend '${this.#name}'`);
  }

  async removeServer(server: string): Promise<void> {
    await this.#driver.removeServer(this.#name, server);
    this.#log.write("debug2", "Proxy", `Removed server ${server} from backend '${this.#name}'`);
  }

  isDrained(server: string): Promise<boolean> {
    return this.#driver.isDrained(this.#name, server);
  }

  async setState(server: string, state: AdminState): Promise<void> {
    await this.#driver.setState(this.#name, server, state);
    this.#log.write("debug2", "Proxy", `Changed Wazuh server '${server}' to ${state.toUpperCase()} state`);
  }

  async stats(server: string): Promise<ServerStats> {
    const stats = await this.#driver.stats(this.#name, server);
    this.#log.write("debug2", "Proxy", `Obtained server '${server}' stats`);
    return stats;
  }

  /** Connections of each server that is up. */
  async connections(): Promise<ReadonlyMap<string, number>> {
    const connections = new Map<string, number>();
    for (const server of (await this.servers()).keys()) {
      const stats = await this.stats(server);
      if (stats.status === UP) connections.set(server, stats.connections);
    }
    return connections;
  }

  async keep(servers: ReadonlyMap<string, string>): Promise<void> {
    await this.#driver.keep(this.#name, servers, this.#port);
  }

  async #backends(): Promise<readonly Backend[]> {
    const backends = await this.#driver.backends();
    this.#log.write("debug2", "Proxy", "Obtained proxy backends");
    return backends;
  }

  async #frontends(configuration: ProxyConfiguration): Promise<readonly string[]> {
    const frontends = await configuration.frontends();
    this.#log.write("debug2", "Proxy", "Obtained proxy frontends");
    return frontends;
  }
}

/** What an operator has to do where the driver cannot make the backend. */
export function backendMissing(backend: string): Error {
  return helperError(
    3045,
    `it has no backend '${backend}'; start it with the file of haproxy_backend_file, or with a backend of your own`,
  );
}
