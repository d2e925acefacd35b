/** What an agent's checks of SCA resulted in: kept to tell what changed and whether agent and manager agree. */
import { createHash } from "node:crypto";
import { ownCopy } from "../own-copy.ts";
import type { AgentState } from "./agent-states.ts";

/** The largest policies have some five hundred checks. Beyond it a check is neither kept nor told. */
export const AGENT_CHECKS_MAX = 4096;
/** Beyond it a policy is neither kept nor told, nor are its checks. */
export const AGENT_POLICIES_MAX = 64;
/** Results have a few words, digests 64 digits (which is what the peer compares), ids the length of a file name. */
const TEXT_BYTES_MAX = 64;
const POLICY_ID_BYTES_MAX = 255;

/** Of a check that does not apply: the agent says no result. */
export const NO_RESULT = "not applicable";

/** Every agent says these. */
const RESULTS: ReadonlyMap<string, string> = new Map(
  ["passed", "failed", NO_RESULT].map((result) => [result, result]),
);

export type Scan = { readonly hash: string; readonly scanId: number };

type Check = { readonly policyId: string; scanId: number; result: string };

/** `fileHash` and `scan` are null until a summary told them. */
type Policy = { readonly id: string; fileHash: string | null; scan: Scan | null };

export type ScaAgentSnapshot = {
  readonly policies: readonly (readonly [id: string, fileHash: string | null, scan: Scan | null])[];
  readonly checks: readonly (readonly [id: number, policy: number, scanId: number, result: string])[];
};

/** Of one agent. */
export class ScaResults implements AgentState {
  readonly #policies = new Map<string, Policy>();
  readonly #checks = new Map<number, Check>();

  get weight(): number {
    return this.#policies.size + this.#checks.size;
  }

  /** The stored result of a check. */
  result(checkId: number): string | undefined {
    return this.#checks.get(checkId)?.result;
  }

  /** False when there is no room. A check that is known stays with its policy. */
  setResult(checkId: number, policyId: string, scanId: number, result: string): boolean {
    const stored = RESULTS.get(result) ?? ownCopy(result.slice(0, TEXT_BYTES_MAX));
    const known = this.#checks.get(checkId);
    if (known !== undefined) {
      known.scanId = scanId;
      known.result = stored;
      return true;
    }
    if (this.#checks.size >= AGENT_CHECKS_MAX) return false;
    const policy = this.#policy(policyId);
    if (policy === null) return false;
    this.#checks.set(checkId, { policyId: policy.id, scanId, result: stored });
    return true;
  }

  scan(policyId: string): Scan | null {
    return this.#policies.get(policyId)?.scan ?? null;
  }

  /** False when there is no room. */
  setScan(policyId: string, { hash, scanId }: Scan): boolean {
    const policy = this.#policy(policyId);
    if (policy === null) return false;
    policy.scan = { hash: ownCopy(hash.slice(0, TEXT_BYTES_MAX)), scanId };
    return true;
  }

  /** The digest of the policy's file; null when none was told. */
  fileHash(policyId: string): string | null {
    return this.#policies.get(policyId)?.fileHash ?? null;
  }

  setFileHash(policyId: string, hash: string): void {
    const policy = this.#policy(policyId);
    if (policy !== null) policy.fileHash = ownCopy(hash.slice(0, TEXT_BYTES_MAX));
  }

  policyIds(): readonly string[] {
    return [...this.#policies.keys()];
  }

  /** Forgets a policy with its checks. */
  removePolicy(policyId: string): void {
    this.#policies.delete(policyId);
    for (const [id, check] of this.#checks) if (check.policyId === policyId) this.#checks.delete(id);
  }

  /** Forgets the checks that the scan did not tell. */
  removeStale(policyId: string, scanId: number): void {
    for (const [id, check] of this.#checks) {
      if (check.policyId === policyId && check.scanId !== scanId) this.#checks.delete(id);
    }
  }

  /**
   * SHA-256 of the results in the order of the checks, as the agent makes it of its own: a check that does not apply has an empty
   * one there. Null when there are none.
   */
  resultsHash(policyId: string): string | null {
    const checks = [...this.#checks].filter(([, check]) => check.policyId === policyId);
    if (checks.length === 0) return null;
    const results = checks.sort(([left], [right]) => left - right).map(([, { result }]) => result);
    const joined = results.join(":").replaceAll(NO_RESULT, "");
    return createHash("sha256").update(joined, "latin1").digest("hex");
  }

  /** Null when there is no room for another one. */
  #policy(id: string): Policy | null {
    const known = this.#policies.get(id);
    if (known !== undefined) return known;
    if (this.#policies.size >= AGENT_POLICIES_MAX || id.length > POLICY_ID_BYTES_MAX) return null;
    const policy: Policy = { id: ownCopy(id), fileHash: null, scan: null };
    this.#policies.set(policy.id, policy);
    return policy;
  }

  snapshot(): ScaAgentSnapshot {
    const places = new Map([...this.#policies.keys()].map((id, place) => [id, place]));
    return {
      policies: Array.from(this.#policies.values(), ({ id, fileHash, scan }) => [id, fileHash, scan]),
      checks: Array.from(this.#checks, ([id, { policyId, scanId, result }]) => {
        return [id, places.get(policyId) ?? -1, scanId, result];
      }),
    };
  }

  restore({ policies, checks }: ScaAgentSnapshot): void {
    for (const [id, fileHash, scan] of policies) this.#policies.set(id, { id, fileHash, scan });
    for (const [id, place, scanId, result] of checks) {
      const policyId = policies[place]?.[0];
      if (policyId !== undefined) this.setResult(id, policyId, scanId, result);
    }
  }
}
