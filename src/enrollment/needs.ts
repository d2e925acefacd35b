/** What the enrollment service asks of other parts; the composition root hands it over. `Registry` has the shape of the first. */

import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import type { EnrolledAgent } from "#formats/wire/enrollment/reply.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { Network } from "#kernel/ports/network.ts";
import type { Random } from "#kernel/ports/random.ts";
import type {
  AgentAddress,
  AgentId,
  AgentKey,
  AgentName,
  ConnectionStatus,
  GroupName,
} from "#model/agent.ts";
import type { Certificate, CertificateSubject } from "./certificate.ts";

/** The agents as they are now: an answer is never older than the last registration or removal. */
export interface EnrollmentRegistry {
  readonly keys: {
    byId(id: AgentId): KeyEntry | null;
    byName(name: AgentName): KeyEntry | null;
    byAddress(address: AgentAddress): KeyEntry | null;
  };
  readonly agents: { find(id: AgentId): AgentState | null };
  readonly groups: { exists(group: GroupName): boolean };
  /** Resolves when the key is on stable storage and the connection service has been told. Rejects with a `CodedError`. */
  register(agent: Registration): Promise<KeyEntry>;
  /** Resolves when client.keys says so; the agent is refused from the call on. */
  remove(ids: readonly AgentId[], options: { readonly purge: boolean }): Promise<void>;
}

export type AgentState = {
  readonly status: ConnectionStatus;
  readonly registeredSeconds: number | null;
  readonly disconnectionSeconds: number;
};

export type Registration = {
  /** Null: the registry gives the id. */
  readonly id: AgentId | null;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
  readonly groups: readonly GroupName[];
};

/** An agent that is to be registered. What is null is made here. */
export type NewAgent = {
  readonly id: AgentId | null;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey | null;
  readonly keyHash: string | null;
  readonly groups: readonly string[];
};

export type MasterAnswer =
  | { readonly kind: "added"; readonly agent: EnrolledAgent }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "unreachable" }
  | { readonly kind: "invalid" };

/** Of a worker: where its agents are registered. */
export interface EnrollmentMaster {
  add(agent: NewAgent): Promise<MasterAnswer>;
  /** Rejects with a `CodedError` when the agent is still there. */
  remove(id: AgentId): Promise<void>;
}

export type EnrollmentNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly registry: EnrollmentRegistry;
  /** Null unless this node is a worker of a cluster. */
  readonly master: EnrollmentMaster | null;
  /** `makeCertificate` of certificate.ts, where its memory does no harm: it is needed once in the life of a home. */
  makeCertificate(subject: CertificateSubject): Promise<Certificate>;
};
