/**
 * What happens to a request line: read it, check it against the registry, register the agent, and give the answer.
 *
 * The decisions are `formats/wire/enrollment/`; here they meet the registry. Knows nothing of sockets.
 */
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import { keyHashOf } from "#formats/wire/agent/keys.ts";
import { admit, admitWithId, type RegisteredAgent } from "#formats/wire/enrollment/duplicates.ts";
import { checkGroups } from "#formats/wire/enrollment/groups.ts";
import { type Refusal, refusal } from "#formats/wire/enrollment/outcome.ts";
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
import { type GroupName, parseAgentKey } from "#model/agent.ts";
import type { Secret } from "#model/secret.ts";
import type { EnrollmentConfig } from "./config.ts";
import type { EnrollmentEvents } from "./events.ts";
import type { EnrollmentRegistry } from "./needs.ts";

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
};

export class Enroller {
  readonly #config: EnrollmentConfig;
  readonly #settings: RequestSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #registry: EnrollmentRegistry;
  readonly #events: EnrollmentEvents;

  constructor({ config, password, clock, random, registry, events }: EnrollerOptions) {
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

  /** The agent was gone before its answer: without this its next try would be refused as a duplicate. */
  async withdraw({ id, name }: KeyEntry): Promise<void> {
    this.#events.withdrawn(name);
    try {
      await this.#registry.remove([id], { purge: true });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#events.withdrawalFailed(name, messageOf(error));
    }
  }

  async #enrollRequest(request: EnrollmentRequest, peer: IpAddress): Promise<Outcome> {
    const groups = checkGroups(request.groups, (group) => this.#registry.groups.exists(group));
    if (!groups.ok) return this.#refuse({ ...groups, logs: [...request.logs, ...groups.logs] }, peer);

    const { removals, refusal: refused, logs } = this.#admit(request);
    // Removals stand whatever follows; they and the registration reach the disk together.
    const removed = this.#remove(removals);
    if (refused !== null) {
      await removed;
      this.#events.said(logs); // a removal is always said, the refusal once a second
      return this.#refuse({ ...refused, logs: [...request.logs, ...refused.logs] }, peer);
    }
    this.#events.said([...request.logs, ...logs]);
    const [entry] = await Promise.all([this.#register(request, groups.groups), removed]);
    this.#events.count("enrollment_enrolled");
    this.#events.said([successLog(entry)]);
    return { answer: successReply(entry), entry };
  }

  #admit(request: EnrollmentRequest) {
    return admit(request, this.#incumbents(request), this.#config.force, this.#nowSeconds());
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

  async #register({ name, address }: EnrollmentRequest, groups: readonly GroupName[]): Promise<KeyEntry> {
    const key = parseAgentKey(this.#random.bytes(KEY_BYTES).toString("hex"));
    if (key === null) throw new CodedError("key_unusable", "The random source gave no key");
    return this.#registry.register({ id: null, name, address, key, groups });
  }

  #refuse(refused: Refusal, peer: IpAddress): Outcome {
    this.#events.refused(refused, formatIpAddress(peer));
    return { answer: refusalReply(refused), entry: null };
  }
}

function isSameAgent(known: EnrolledAgent, { name, address, key }: EnrolledAgent): boolean {
  return known.name === name && known.address.text === address.text && known.key.equals(key.reveal());
}
