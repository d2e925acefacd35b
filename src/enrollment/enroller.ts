/**
 * What happens to a request line: read it, check it against the registry, register the agent, and give the answer.
 *
 * The decisions are `formats/wire/enrollment/`; here they meet the registry. Knows nothing of sockets.
 */
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import { keyHashOf } from "#formats/wire/agent/keys.ts";
import {
  admit,
  admitWithId,
  type ForceSettings,
  type RegisteredAgent,
} from "#formats/wire/enrollment/duplicates.ts";
import { checkGroups } from "#formats/wire/enrollment/groups.ts";
import { type LogLine, type Refusal, refusal } from "#formats/wire/enrollment/outcome.ts";
import {
  type EnrolledAgent,
  refusalReply,
  successLog,
  successReply,
} from "#formats/wire/enrollment/reply.ts";
import {
  type EnrollmentRequest,
  parseRequest,
  type RequestSettings,
} from "#formats/wire/enrollment/request.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Random } from "#kernel/ports/random.ts";
import { formatIpAddress, type IpAddress } from "#model/address.ts";
import { type AgentId, type GroupName, parseAgentKey } from "#model/agent.ts";
import type { Secret } from "#model/secret.ts";
import type { EnrollmentConfig } from "./config.ts";
import type { EnrollmentEvents } from "./events.ts";
import { masterRefusal } from "./master-requests.ts";
import type { EnrollmentMaster, EnrollmentRegistry, NewAgent } from "./needs.ts";

/** 64 hex digits, as the peer's keys have. */
const KEY_BYTES = 32;

export type Outcome = {
  readonly answer: Buffer;
  /** Null for a refusal. */
  readonly entry: KeyEntry | null;
};

export type EnrollerOptions = {
  readonly config: EnrollmentConfig;
  readonly password: Secret | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: EnrollmentRegistry;
  readonly events: EnrollmentEvents;
  /** Null unless this node is a worker: its master registers the agents then. */
  readonly master: EnrollmentMaster | null;
};

type Registered = { readonly ok: true; readonly entry: KeyEntry };

export class Enroller {
  readonly #config: EnrollmentConfig;
  readonly #settings: RequestSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #registry: EnrollmentRegistry;
  readonly #events: EnrollmentEvents;
  readonly #master: EnrollmentMaster | null;

  constructor({ config, password, clock, random, registry, events, master }: EnrollerOptions) {
    this.#config = config;
    this.#settings = {
      password,
      managerVersion: config.managerVersion,
      allowHigherVersions: config.allowHigherVersions,
      useSourceIp: config.useSourceIp,
    };
    this.#clock = clock;
    this.#random = random;
    this.#registry = registry;
    this.#events = events;
    this.#master = master;
  }

  /** Takes the line without its newline, one char a byte. */
  async enroll(line: string, peer: IpAddress): Promise<Outcome> {
    this.#events.count("enrollment_requests");
    const request = parseRequest(line, this.#settings, peer);
    if (!request.ok) return this.#refuse(request, peer);
    try {
      return await this.#enrollRequest(request, peer);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#events.internalError(request.name, messageOf(error));
      const text = `ERROR: Internal manager error adding agent: ${request.name}`;
      return this.#refuse(refusal("internal", text), peer);
    }
  }

  /**
   * Registers an agent whose id and key somebody else gave. False when others have what it needs and may keep it, which has been said.
   * Throws what the registry throws.
   */
  async adopt(agent: EnrolledAgent): Promise<boolean> {
    if (this.#master !== null) return await this.#adoptAtMaster(this.#master, agent);
    const { keys } = this.#registry;
    const known = keys.byId(agent.id);
    if (known !== null && isSameAgent(known, agent)) return true;
    const incumbents = { ...this.#incumbents(agent), byId: this.#registered(known) };
    const newcomer = { ...agent, keyHash: keyHashOf(agent) };
    const {
      removals,
      refusal: refused,
      logs,
    } = admitWithId(newcomer, incumbents, this.#config.force, this.#nowSeconds());
    this.#events.said(logs);
    const removed = this.#remove(removals.filter(({ id }) => id !== agent.id));
    if (refused !== null) {
      await removed;
      this.#events.said(refused.logs);
      return false;
    }
    // Its line goes: an id stands in client.keys once.
    const replaced = this.#registry.remove(known === null ? [] : [agent.id], { purge: true });
    await Promise.all([removed, replaced, this.#registry.register({ ...agent, groups: [] })]);
    return true;
  }

  async #adoptAtMaster(master: EnrollmentMaster, agent: EnrolledAgent): Promise<boolean> {
    const answer = await master.add({ ...agent, keyHash: null, groups: [] });
    if (answer.kind === "added") return true;
    if (answer.kind === "refused") return false;
    throw new CodedError("master_unreachable", masterRefusal(answer).text);
  }

  /** Resolves false for an unknown id. */
  async remove(id: AgentId, { purge }: { readonly purge: boolean }): Promise<boolean> {
    if (this.#registry.keys.byId(id) === null) return false;
    await this.#registry.remove([id], { purge });
    return true;
  }

  /** The agent was gone before its answer: without this its next try would be refused as a duplicate. */
  async withdraw({ id, name }: KeyEntry): Promise<void> {
    this.#events.withdrawn(name);
    try {
      if (this.#master === null) await this.#registry.remove([id], { purge: true });
      else await this.#master.remove(id);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#events.withdrawalFailed(name, messageOf(error));
    }
  }

  async #enrollRequest(request: EnrollmentRequest, peer: IpAddress): Promise<Outcome> {
    if (this.#master !== null) return await this.#enrollAtMaster(this.#master, request, peer);
    const outcome = await this.#add({ ...request, id: null, key: null }, this.#config.force, request.logs);
    if (!outcome.ok) return this.#refuse({ ...outcome, logs: [...request.logs, ...outcome.logs] }, peer);
    return this.#enrolled(outcome.entry);
  }

  async #enrollAtMaster(
    master: EnrollmentMaster,
    request: EnrollmentRequest,
    peer: IpAddress,
  ): Promise<Outcome> {
    const logs: LogLine[] = [...request.logs, { level: "info", text: "Dispatching request to master node" }];
    const answer = await master.add({ ...request, id: null, key: null });
    if (answer.kind !== "added") return this.#refuse({ ...masterRefusal(answer), logs }, peer);
    this.#events.said(logs);
    return this.#enrolled(answer.agent);
  }

  #enrolled(entry: KeyEntry): Outcome {
    this.#events.count("enrollment_enrolled");
    this.#events.said([successLog(entry)]);
    return { answer: successReply(entry), entry };
  }

  /** For a request that this host or a worker makes: who is in the way goes when `force` (null: the configured one) lets him. */
  add(agent: NewAgent, force: ForceSettings | null): Promise<Registered | Refusal> {
    return this.#add(agent, force ?? this.#config.force, []);
  }

  /** `first` is said before what the registration says; a refusal takes its lines along. */
  async #add(
    agent: NewAgent,
    force: ForceSettings,
    first: readonly LogLine[],
  ): Promise<Registered | Refusal> {
    const { keys } = this.#registry;
    const groups = checkGroups(agent.groups, (group) => this.#registry.groups.exists(group));
    if (!groups.ok) return groups;
    const { removals, refusal: refused, logs } = this.#admit(agent, force);
    const { id } = agent;
    // Removals stand whatever follows; they and the registration reach the disk together.
    const removed = this.#remove(removals.filter((agentInTheWay) => agentInTheWay.id !== id));
    if (refused !== null) {
      await removed;
      this.#events.said(logs); // a removal is always said, the refusal once a second
      return refused;
    }
    this.#events.said([...first, ...logs]);
    // Its line goes: an id stands in client.keys once.
    const replaced = id === null || keys.byId(id) === null ? [] : [id];
    const [entry] = await Promise.all([this.#register(agent, groups.groups, replaced), removed]);
    return { ok: true, entry };
  }

  #admit(agent: NewAgent, force: ForceSettings) {
    const incumbents = this.#incumbents(agent);
    if (agent.id === null) return admit(agent, incumbents, force, this.#nowSeconds());
    const byId = this.#registered(this.#registry.keys.byId(agent.id));
    return admitWithId(agent, { ...incumbents, byId }, force, this.#nowSeconds());
  }

  #incumbents({ address, name }: Pick<EnrolledAgent, "address" | "name">) {
    const { keys } = this.#registry;
    return {
      byAddress: this.#registered(keys.byAddress(address)),
      byName: this.#registered(keys.byName(name)),
      managerHostName: this.#config.managerHostName,
    };
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000);
  }

  #registered(entry: KeyEntry | null): RegisteredAgent | null {
    if (entry === null) return null;
    const row = this.#registry.agents.find(entry.id);
    const state = row && {
      status: row.status,
      registeredAtSeconds: row.registeredSeconds ?? 0,
      disconnectedAtSeconds: row.disconnectionSeconds,
    };
    return { ...entry, state };
  }

  #remove(agents: readonly RegisteredAgent[]): Promise<void> {
    if (agents.length === 0) return Promise.resolve();
    this.#events.count("enrollment_replaced", agents.length);
    const ids = agents.map(({ id }) => id);
    return this.#registry.remove(ids, { purge: this.#config.purge });
  }

  async #register(
    { id, name, address, key: given }: NewAgent,
    groups: readonly GroupName[],
    replaced: readonly AgentId[],
  ): Promise<KeyEntry> {
    const key = given ?? parseAgentKey(this.#random.bytes(KEY_BYTES).toString("hex"));
    if (key === null) throw new CodedError("key_unusable", "The random source gave no key");
    const gone = this.#registry.remove(replaced, { purge: true });
    const [entry] = await Promise.all([this.#registry.register({ id, name, address, key, groups }), gone]);
    return entry;
  }

  #refuse(refused: Refusal, peer: IpAddress): Outcome {
    this.#events.refused(refused, formatIpAddress(peer));
    return { answer: refusalReply(refused), entry: null };
  }
}

function isSameAgent(known: EnrolledAgent, { name, address, key }: EnrolledAgent): boolean {
  return known.name === name && known.address.text === address.text && known.key.equals(key.reveal());
}
