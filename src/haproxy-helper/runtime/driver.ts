/**
 * HAProxy through nothing but its stats socket: servers come and go in the running process, which never reloads. Needs HAProxy
 * 2.6, a backend with `balance leastconn`, and a socket of `level admin`.
 */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { HostNames } from "#kernel/ports/host-names.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";
import { formatIpAddress, parseIpAddress } from "#model/address.ts";
import { helperError } from "../errors.ts";
import { SERVER_REMOVAL_MS, SERVER_REMOVALS_MAX } from "../limits.ts";
import type { AdminState, Backend, ProxyDriver, ServerStats } from "../proxy-driver.ts";
import { readServerStates, readStats, readVersion, type ServerState } from "./answers.ts";
import { backendFile } from "./backend-file.ts";
import { socketAddress } from "./socket-address.ts";
import { StatsSocket } from "./stats-socket.ts";

/** HAProxy may read it as another user; it holds no secret. */
const BACKEND_FILE_MODE = 0o644;

type RuntimeNeeds = {
  readonly clock: Clock;
  readonly files: Files;
  readonly localSockets: LocalSockets;
  readonly hostNames: HostNames;
};

type RuntimeOptions = { readonly socket: string; readonly backendFile: string | null };

export class RuntimeDriver implements ProxyDriver {
  readonly configuration = null;
  readonly #options: RuntimeOptions;
  readonly #needs: RuntimeNeeds;
  readonly #socket: StatsSocket;
  /** What the backend file holds; null when it was not looked at yet. */
  #kept: string | null = null;

  constructor(options: RuntimeOptions, needs: RuntimeNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#socket = new StatsSocket(needs.localSockets, needs.clock, options.socket);
  }

  async initialize(): Promise<void> {
    await this.describe();
  }

  async describe(): Promise<string> {
    const version = readVersion(await this.#socket.ask("show info"));
    if (version === null) throw helperError(3048);
    return `HAProxy ${version}`;
  }

  async backends(): Promise<readonly Backend[]> {
    const lines = readStats(await this.#socket.ask("show stat -1 2 -1"));
    if (lines === null) throw helperError(3045, "no statistics of backends");
    return lines.map(({ proxy, algorithm }) => ({
      name: proxy,
      algorithm: algorithm === "" ? null : algorithm,
    }));
  }

  /**
   * HAProxy looks up no names for servers that are added while it runs. Of a name's several addresses the present one stays: names
   * give them in turn, and each change would end all of the server's connections.
   */
  async serverAddress(nodeAddress: string, present: string | null): Promise<string> {
    if (parseIpAddress(nodeAddress) !== null) return canonical(nodeAddress);
    const addresses = (await this.#needs.hostNames.addresses(nodeAddress)).map(canonical);
    return addresses.find((address) => address === present) ?? addresses[0] ?? nodeAddress;
  }

  async servers(backend: string): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.#states(backend)).map(({ name, address }) => [name, canonical(address)]));
  }

  async addServer(backend: string, server: string, address: string, port: number): Promise<void> {
    const name = `${backend}/${server}`;
    // In one go: a server that was added and not enabled would look like one that its operator took out.
    const add = `add server ${name} ${socketAddress(address, port)} check`;
    const answer = await this.#socket.ask(`${add};enable health ${name};set server ${name} state ready`);
    if (answer.trim() !== "New server registered.") throw helperError(3045, answer);
  }

  async removeServer(backend: string, server: string): Promise<void> {
    const name = `${backend}/${server}`;
    const remove = `set server ${name} state maint;shutdown sessions server ${name};del server ${name}`;
    let answer = "";
    for (let tries = 1; tries <= SERVER_REMOVALS_MAX; tries++) {
      answer = (await this.#socket.ask(remove)).trim();
      if (answer === "Server deleted.") return;
      if (!answer.includes("connection")) break;
      await new Promise<void>((resolve) => this.#needs.clock.after(SERVER_REMOVAL_MS, resolve));
    }
    // Its node may come back to it, and what is in maintenance is left alone for its operator.
    await this.#socket.ask(`set server ${name} state ready`);
    throw helperError(3045, answer);
  }

  async isDrained(backend: string, server: string): Promise<boolean> {
    return (await this.#states(backend)).some(({ name, drained }) => name === server && drained);
  }

  async setState(backend: string, server: string, state: AdminState): Promise<void> {
    const answer = await this.#socket.ask(`set server ${backend}/${server} state ${state}`);
    if (answer.trim() !== "") throw helperError(3045, answer);
  }

  async stats(backend: string, server: string): Promise<ServerStats> {
    const answer = await this.#socket.ask(`show stat ${backend} 4 -1`);
    const line = readStats(answer)?.find((candidate) => candidate.server === server);
    if (line === undefined) throw helperError(3045, `no statistics of server '${server}'`);
    return line;
  }

  async keep(backend: string, servers: ReadonlyMap<string, string>, port: number): Promise<void> {
    const path = this.#options.backendFile;
    if (path === null) return;
    const text = backendFile(backend, servers, port);
    this.#kept ??= this.#readBackendFile(path);
    if (this.#kept === text) return;
    this.#needs.files.replace(path, Buffer.from(text, "latin1"), BACKEND_FILE_MODE);
    this.#kept = text;
  }

  #readBackendFile(path: string): string {
    return this.#needs.files.info(path) === null ? "" : this.#needs.files.read(path).toString("latin1");
  }

  async #states(backend: string): Promise<readonly ServerState[]> {
    const answer = await this.#socket.ask(`show servers state ${backend}`);
    const states = readServerStates(answer);
    if (states === null) throw helperError(3045, answer);
    return states;
  }
}

/** One form of each address, whoever wrote it. */
function canonical(address: string): string {
  const parsed = parseIpAddress(address);
  return parsed === null ? address : formatIpAddress(parsed);
}
