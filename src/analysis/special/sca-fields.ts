/** What rules and alerts see of an SCA message (wazuh v4.14.7: src/analysisd/decoders/security_configuration_assessment.c). */
import { fixedText } from "#analysis/plugins/c-number.ts";
import { CJsonObject, type CJsonValue } from "#analysis/plugins/cjson.ts";
import { prettyCJson } from "#analysis/plugins/cjson-print.ts";
import type { Event } from "../event.ts";
import type { JsonMembers } from "./json-members.ts";

const INT_MAX = 2_147_483_647;
const INT_MIN = -2_147_483_648;

/** The peer's buffer for the name of a field. */
const FIELD_NAME_BYTES_MAX = 1023;

/** The 32-bit number that cJSON keeps beside the real one; 0 for what is no number. */
export function intOf(value: CJsonValue | undefined): number {
  if (typeof value !== "number") return 0;
  const whole = Math.trunc(Math.min(Math.max(value, INT_MIN), INT_MAX));
  return whole === 0 ? 0 : whole;
}

const TEXTS = ["title", "description", "rationale", "remediation"] as const;
const LISTS = ["file", "directory", "registry", "process", "command"] as const;

export type ShownCheck = {
  readonly message: JsonMembers;
  readonly check: JsonMembers;
  readonly result: string;
  /** Null for a check that is new. */
  readonly previousResult: string | null;
};

export function setCheckFields(event: Event, { message, check, result, previousResult }: ShownCheck): void {
  const set = (name: string, value: CJsonValue | undefined) => {
    if (typeof value === "string") event.addDynamic(name, value);
  };
  event.addDynamic("sca.type", "check");
  set("sca.scan_id", scanIdText(message.get("id")));
  set("sca.policy", message.get("policy"));
  event.addDynamic("sca.check.id", String(intOf(check.get("id"))));
  for (const name of TEXTS) set(`sca.check.${name}`, check.get(name));
  setCompliance(event, check.get("compliance"));
  set("sca.check.references", check.get("references"));
  for (const name of LISTS) {
    const list = check.get(name);
    if (typeof list === "string") event.addDynamic(`sca.check.${name}`, listText(list));
  }
  event.addDynamic("sca.check.result", result);
  set("sca.check.reason", check.get("reason"));
  if (previousResult !== null) event.addDynamic("sca.check.previous_result", previousResult);
}

function scanIdText(value: CJsonValue | undefined): string {
  return typeof value === "number" && value < 0 ? fixedText(value) : String(intOf(value));
}

function setCompliance(event: Event, compliance: CJsonValue | undefined): void {
  if (!(compliance instanceof CJsonObject)) return;
  for (const [index, key] of compliance.names.entries()) {
    const value = compliance.values[index];
    const text = typeof value === "number" && value !== 0 ? requirementText(value) : value;
    const name = `sca.check.compliance.${key}`.slice(0, FIELD_NAME_BYTES_MAX);
    if (typeof text === "string") event.addDynamic(name, text);
  }
}

/** Whole parts only, where there are any: the peer shows 1.5 as 1. */
function requirementText(value: number): string {
  const whole = intOf(value);
  return whole === 0 ? fixedText(value) : String(whole);
}

/** `a,b` as `["a", "b"]`: documents show it as a list. */
function listText(list: string): string {
  return prettyCJson(list.split(",").filter((part) => part !== ""));
}

const SUMMARY_COUNTS = ["passed", "failed", "invalid", "total_checks", "score"] as const;

export function setSummaryFields(event: Event, summary: JsonMembers): void {
  const set = (name: string, value: CJsonValue | undefined) => {
    if (typeof value === "string") event.addDynamic(name, value);
  };
  event.addDynamic("sca.type", "summary");
  set("sca.scan_id", String(intOf(summary.get("scan_id"))));
  set("sca.policy", summary.get("name"));
  set("sca.description", summary.get("description"));
  set("sca.policy_id", summary.get("policy_id"));
  for (const name of SUMMARY_COUNTS) {
    const value = summary.get(name);
    // A negative number ends the peer's list there.
    if (intOf(value) < 0) return;
    event.addDynamic(`sca.${name}`, String(intOf(value)));
  }
  set("sca.file", summary.get("file"));
}
