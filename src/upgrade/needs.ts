/** What remote upgrades ask of other parts; the composition root hands it over. */
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentId } from "#model/agent.ts";
import type { PackageOutcome } from "./package-file.ts";

/** `code` is one of a closed set of the part that sends requests. */
export type RequestOutcome =
  | { readonly ok: true; readonly answer: Uint8Array }
  | { readonly ok: false; readonly code: string };

export type UpgradableAgent = {
  readonly id: AgentId;
  readonly active: boolean;
  /** As its last keepalive says; null before it. */
  readonly version: string | null;
  readonly platform: string;
  /** Of its processor, in its own words. */
  readonly architecture: string;
  readonly lastKeepaliveSeconds: number;
};

/** `<agent-upgrade>`. */
export type UpgradeSettings = {
  readonly enabled: boolean;
  /** Of a package in one request. */
  readonly chunkBytes: number;
  /** Agents that are sent a package at a time; each holds a chunk. */
  readonly transfersMax: number;
  /** Null: the peer's, of the version's generation. */
  readonly repository: string | null;
  /** PEM file with the authorities that the repository's certificate must chain to; null: those that Node.js brings. */
  readonly repositoryAuthorities: string | null;
};

export type UpgradeNeeds = {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly managerVersion: string;
  readonly settings: UpgradeSettings;
  /** `var/upgrade`: where packages are kept while agents are sent them. */
  readonly packages: string;
  /** `queue/tasks/upgrades.jsonl`. */
  readonly taskFile: string;
  /** Null for an agent that the registry has not, or cannot give now. */
  readonly agent: (id: AgentId) => UpgradableAgent | null;
  /** `payload` is `<target> <payload>`. */
  readonly request: (id: AgentId, payload: Uint8Array) => Promise<RequestOutcome>;
  /** Checks a package and puts a copy into `packages`; it takes a second, so it is done elsewhere. */
  readonly preparePackage: (path: string) => Promise<PackageOutcome>;
};

export type UpgradeResult = "done" | "missing_dependency" | "failed";

export function checkEnabled({ enabled }: UpgradeSettings): void {
  if (!enabled) throw new CodedError("upgrades_disabled", "Upgrades are disabled in <agent-upgrade>");
}
