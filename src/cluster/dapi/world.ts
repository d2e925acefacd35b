/** What the functions of the API ask of the rest of the manager; `daemons/` provides it. What fails throws or rejects with a `CodedError`. */
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import type { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import type { ClusterObject } from "#formats/wire/cluster/objects.ts";
import type { AgentId, GroupName } from "#model/agent.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { ItemFile } from "./ruleset/item-file.ts";
import type { RulesetListing, RulesetPage } from "./ruleset/ruleset-list.ts";
import type { XmlReading } from "./ruleset/xml-value.ts";

export interface AgentWorld {
  readonly agents: Pick<AgentStore, "find" | "list">;
  readonly keys: { byId(id: AgentId): KeyEntry | null };
  /** The manager as agent 000. */
  readonly manager: { readonly hostname: string; readonly nodeName: string; readonly version: string };
  wallMs(): number;
  /** Lets others go on between two pages of agents. */
  pause(): Promise<void>;
  /** A request to the enrollment service: `{"function":"add","arguments":{…}}`; gives its answer. */
  askEnrollment(request: JsonObject): Promise<JsonObject>;
  /** To an agent that reports to this node. Null when it was told, else why not. */
  restart(id: AgentId): Promise<string | null>;
  reconnect(id: AgentId): Promise<string | null>;
  respond(id: AgentId, order: ResponseOrder): Promise<string | null>;
  /** Whether a command stands in this node's `ar.conf` or names a script (`!name`). */
  knowsResponse(command: string): boolean;
}

export type ResponseOrder = {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly alert: JsonObject;
};

/** Refusals have the codes `group_refused_<number>`, with the peer's number. */
export interface GroupWorld {
  names(): readonly GroupName[];
  exists(group: GroupName): boolean;
  members(group: GroupName): readonly AgentRecord[];
  /** How many agents each group has. */
  counts(): ReadonlyMap<GroupName, number>;
  create(group: GroupName): void;
  /** Gives its agents. */
  remove(group: GroupName): readonly AgentId[];
  assign(id: AgentId, group: GroupName, options: { readonly single: boolean }): void;
  /** Gives the groups that are left. */
  unassign(id: AgentId, group: GroupName): readonly GroupName[];
  /** Of the group's folder, with their MD5 sums. */
  files(group: GroupName): readonly { readonly name: string; readonly sum: string }[];
}

export interface ClusterWorld {
  readonly clusterName: string;
  readonly nodeName: string;
  readonly nodeType: "master" | "worker";
  /** The section of the configuration; its key is masked. */
  config(): ClusterObject;
  /** As `get_nodes` shows them: name, type, version, ip. */
  nodes(): readonly ClusterObject[];
  /** Of this node's files of users' rules, decoders and lists, by their paths. */
  rulesetHashes(): Promise<ClusterObject>;
  /** Of all nodes, as `get_health` shows it. */
  health(): ClusterObject | ClusterException;
}

export interface ManagerWorld {
  readonly nodeName: string;
  /** `path`, `version` and the like. */
  info(): ClusterObject;
  /** The rules are read again soon; those in use stay when they are wrong. */
  reloadRules(): void;
  /** `running` or `stopped`, by the peer's names of its daemons. */
  daemons(): ClusterObject;
  /** Null when it will restart, else why not. */
  restart(): Promise<string | null>;
  /** What is wrong with the configuration, as lines of the log. */
  validate(): Promise<readonly string[]>;
}

export type RulesetFile = ItemFile & { readonly kind: "rule" | "decoder" | "list" };

/** Files are named by what was listed or placed here, never by a path from outside. */
export interface RulesetWorld {
  list(kind: RulesetFile["kind"]): readonly RulesetFile[];
  read(file: RulesetFile): Buffer;
  /** The elements of its XML; rejects with a `CodedError`. */
  parsed(file: RulesetFile): Promise<XmlReading>;
  /** Of the rules or decoders in these files; rejects with a `CodedError`. */
  page(listing: Omit<RulesetListing, "sources">, files: readonly RulesetFile[]): Promise<RulesetPage>;
  /** Where a file of users goes; null `directory`: the usual one. Null for a folder that is not theirs. */
  place(kind: RulesetFile["kind"], name: string, directory: string | null): RulesetFile | null;
  /** Gives what is wrong with the content; the file is as before then. */
  replace(file: RulesetFile, bytes: Buffer): Promise<string | null>;
  remove(file: RulesetFile): void;
}
