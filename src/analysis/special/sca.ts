/**
 * Queue `p`: results of security configuration assessment
 * (wazuh v4.14.7: src/analysisd/decoders/security_configuration_assessment.c).
 *
 * Every message goes to the rules; only a result that is new or another one sets the fields that they look for. When agent and
 * manager do not agree on the results, the agent is to be asked for all of them: such requests are collected for whoever sends them.
 */
import { type CJsonValue, parseCJson } from "#analysis/plugins/cjson.ts";
import type { Event } from "../event.ts";
import { AgentStates } from "./agent-states.ts";
import { type JsonMembers, membersOf } from "./json-members.ts";
import { intOf, setCheckFields, setSummaryFields } from "./sca-fields.ts";
import { NO_RESULT, type ScaAgentSnapshot, ScaResults } from "./sca-store.ts";
import type { SpecialDecoder, SpecialResult } from "./special.ts";

const DECODER_NAME = "sca";

/** Checks and policies of all agents: a thousand agents of four hundred, at 100 bytes each 40 MB. A forgotten agent is asked for all. */
export const SCA_ENTRIES_MAX = 400_000;
/** Requests that wait to be sent (the peer's queue); more are dropped, and come again with the agent's next summary. */
export const SCA_REQUESTS_MAX = 1024;

/** Ask an agent to send all its results of a policy. Asked twice, as after a replay, it sends them twice, which changes nothing. */
export type ScaRequest = {
  readonly agentId: string;
  /** `sca-dump:<policy>:<1 for a first scan, else 0>` */
  readonly text: string;
};

export type ScaCounts = {
  readonly scaEntriesRefused: number;
  readonly scaRequestsDropped: number;
  readonly scaAgentsForgotten: number;
};

export type ScaSnapshot = readonly (readonly [agentId: string, results: ScaAgentSnapshot])[];

/** The line for the log when a part could not be read. */
type Warning = string | null;

export class ScaDecoder implements SpecialDecoder {
  readonly #agents = new AgentStates(SCA_ENTRIES_MAX, () => new ScaResults());
  #requests: ScaRequest[] = [];
  #entriesRefused = 0;
  #requestsDropped = 0;

  decode(event: Event): SpecialResult {
    const parsed = parseCJson(event.log);
    if (parsed === null) return seen("Malformed configuration assessment JSON event.");
    const message = membersOf(parsed.value);
    const type = message.get("type");
    if (typeof type !== "string") return { kind: "nothing", reason: "no_type", error: null };
    return seen(this.#agents.with(event.agentId, (results) => this.#handle(event, type, message, results)));
  }

  /** What was asked for since the last call. */
  takeRequests(): readonly ScaRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  /** What the limits cost so far. */
  get counts(): ScaCounts {
    return {
      scaEntriesRefused: this.#entriesRefused,
      scaRequestsDropped: this.#requestsDropped,
      scaAgentsForgotten: this.#agents.forgotten,
    };
  }

  snapshot(): ScaSnapshot {
    return Array.from(this.#agents.entries(), ([agentId, results]) => [agentId, results.snapshot()]);
  }

  restore(snapshot: ScaSnapshot): void {
    for (const [agentId, saved] of snapshot) this.#agents.with(agentId, (results) => results.restore(saved));
  }

  #handle(event: Event, type: string, message: JsonMembers, results: ScaResults): Warning {
    switch (type) {
      case "check":
        return this.#check(event, message, results);
      case "summary":
        return this.#summary(event, message, results);
      case "policies":
        return dropUnlisted(message, results);
      case "dump_end":
        return this.#dumpEnd(event, message, results);
      default:
        return null;
    }
  }

  #check(event: Event, message: JsonMembers, results: ScaResults): Warning {
    const check = membersOf(message.get("check"));
    const wrong = wrongCheckMember(message, check);
    if (wrong !== null) return wrong;
    const id = intOf(check.get("id"));
    const result = textOf(check, "result") ?? NO_RESULT;
    const previousResult = results.result(id) ?? null;
    const scanId = intOf(message.get("id"));
    if (!results.setResult(id, textOf(message, "policy_id") ?? "", scanId, result)) {
      this.#entriesRefused++;
      return null;
    }
    if (previousResult !== result) setCheckFields(event, { message, check, result, previousResult });
    return null;
  }

  #summary(event: Event, summary: JsonMembers, results: ScaResults): Warning {
    // The peer says nothing of these two when they are missing.
    if (!summary.has("policy_id")) return null;
    const id = textOf(summary, "policy_id");
    if (id === null) return mustBe("policy_id", "string");
    if (!summary.has("scan_id")) return null;
    const wrong = wrongSummaryMember(summary);
    if (wrong !== null) return wrong;
    const hash = textOf(summary, "hash") ?? "";
    const isFirst = summary.has("first_scan");
    const earlier = results.scan(id);
    if (!results.setScan(id, { hash, scanId: intOf(summary.get("scan_id")) })) {
      this.#entriesRefused++;
      return null;
    }
    const isOther = (earlier?.hash ?? "") !== hash;
    if ((isOther && !isFirst) || summary.has("force_alert")) setSummaryFields(event, summary);
    if (isOther && isFirst && earlier === null) this.#request(event, id, true);

    const policyWarning = this.#comparePolicy(event, id, summary, results);
    if (policyWarning !== null) return policyWarning;
    if (results.resultsHash(id) !== hash) this.#request(event, id, isFirst);
    return null;
  }

  /** Results of another policy file say nothing about this one. */
  #comparePolicy(event: Event, id: string, summary: JsonMembers, results: ScaResults): Warning {
    const fileHash = textOf(summary, "hash_file") ?? "";
    const earlier = results.fileHash(id);
    if (earlier === null) {
      for (const name of ["references", "description"]) {
        if (isNoText(summary.get(name))) return `Malformed JSON: field '${name}' must be a string`;
      }
      results.setFileHash(id, fileHash);
      return null;
    }
    if (earlier !== fileHash) {
      results.removePolicy(id);
      this.#request(event, id, true);
    }
    return null;
  }

  #dumpEnd(event: Event, message: JsonMembers, results: ScaResults): Warning {
    if (!message.has("elements_sent")) return notFound("elements_sent");
    const wrong = wrongText(message, "policy_id");
    if (wrong !== null) return wrong;
    if (!message.has("scan_id")) return notFound("scan_id");
    const id = textOf(message, "policy_id") ?? "";
    results.removeStale(id, intOf(message.get("scan_id")));
    const hash = results.resultsHash(id);
    const scan = results.scan(id);
    if (hash !== null && scan !== null && scan.hash !== hash) this.#request(event, id, false);
    return null;
  }

  #request({ agentId }: Event, policyId: string, isFirst: boolean): void {
    if (this.#requests.length >= SCA_REQUESTS_MAX) this.#requestsDropped++;
    else this.#requests.push({ agentId, text: `sca-dump:${policyId}:${isFirst ? 1 : 0}` });
  }
}

function seen(warning: Warning): SpecialResult {
  return { kind: "event", decoderName: DECODER_NAME, ...(warning === null ? {} : { warning }) };
}

/** Forgets the policies that the agent does not have any more. */
function dropUnlisted(message: JsonMembers, results: ScaResults): Warning {
  const policies = message.get("policies");
  if (policies === undefined) return notFound("policies");
  const listed = new Set<CJsonValue>(Array.isArray(policies) ? policies : []);
  for (const id of results.policyIds()) if (!listed.has(id)) results.removePolicy(id);
  return null;
}

function textOf(members: JsonMembers, name: string): string | null {
  const value = members.get(name);
  return typeof value === "string" ? value : null;
}

function isNoText(value: CJsonValue | undefined): boolean {
  return value !== undefined && typeof value !== "string";
}

function notFound(name: string): string {
  return `Malformed JSON: field '${name}' not found.`;
}

function mustBe(name: string, kind: "number" | "string"): string {
  return `Malformed JSON: field '${name}' must be a ${kind}.`;
}

/** Null when the member is there and a text. */
function wrongText(members: JsonMembers, name: string): Warning {
  const value = members.get(name);
  if (value === undefined) return notFound(name);
  return typeof value === "string" ? null : mustBe(name, "string");
}

/** Null when the member is there and a number that is not 0. */
function wrongId(members: JsonMembers, kind: "number" | "string"): Warning {
  const value = members.get("id");
  if (value === undefined) return notFound("id");
  return intOf(value) === 0 ? mustBe("id", kind) : null;
}

const OPTIONAL_CHECK_TEXTS: readonly (readonly [member: string, shown: string])[] = [
  ["description", "description"],
  ["rationale", "rationale"],
  ["remediation", "remediation"],
  ["references", "reference"],
  ["file", "file"],
  ["condition", "condition"],
  ["directory", "directory"],
  ["process", "process"],
  ["registry", "registry"],
  ["command", "command"],
  ["reason", "reason"],
  ["result", "result"],
];

/** Null when a check has all it needs. The words are the peer's, wrong kind of the inner id included. */
function wrongCheckMember(message: JsonMembers, check: JsonMembers): Warning {
  const wrong = wrongId(message, "number") ?? wrongText(message, "policy") ?? wrongText(message, "policy_id");
  if (wrong !== null) return wrong;
  if (!message.has("check")) return notFound("check");
  const wrongOfCheck = wrongId(check, "string") ?? wrongText(check, "title");
  if (wrongOfCheck !== null) return wrongOfCheck;
  for (const [member, shown] of OPTIONAL_CHECK_TEXTS) {
    if (isNoText(check.get(member))) return mustBe(shown, "string");
  }
  return null;
}

const SUMMARY_NUMBERS = ["start_time", "end_time", "passed", "failed", "invalid", "total_checks", "score"];
const SUMMARY_TEXTS: readonly (readonly [member: string, shown: string])[] = [
  ["hash", "hash"],
  ["hash_file", "hash_file"],
  ["file", "file"],
  ["name", "policy"],
];

/** Null when a summary has all it needs beside its policy. */
function wrongSummaryMember(summary: JsonMembers): Warning {
  const scanId = summary.get("scan_id");
  if (typeof scanId !== "number") return mustBe("scan_id", "number");
  if (intOf(scanId) < 0) return "Malformed JSON: field 'scan_id' cannot be negative.";
  for (const name of SUMMARY_NUMBERS) if (!summary.has(name)) return notFound(name);
  for (const [member, shown] of SUMMARY_TEXTS) {
    const value = summary.get(member);
    if (value === undefined) return notFound(shown);
    if (typeof value !== "string") return mustBe(shown, "string");
  }
  return null;
}
