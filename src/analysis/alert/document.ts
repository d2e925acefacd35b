/**
 * The alert document: one compact JSON line with the peer's keys in the peer's order (wazuh v4.14.7: src/analysisd/format/to_json.c).
 *
 * Texts are latin1 strings: bytes ≥ 0x80 go to the file as they came.
 */
import { shownHostname } from "#analysis/predecode/predecode.ts";
import type { LocalClock } from "#kernel/local-time.ts";
import type { Event } from "../event.ts";
import type { PlaceLookup } from "../geoip/geo-places.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";
import { CATEGORY_OSSEC } from "../ruleset/category.ts";
import { ruleArraysWith } from "../special/compliance.ts";
import { syscheckObject } from "../special/syscheck-document.ts";
import { isFimEvent } from "../special/syscheck-fields.ts";
import type { ShownLabels } from "./agent-labels.ts";
import { dataJson } from "./data-object.ts";
import { describe } from "./description.ts";

const LOCAL_AGENT_ID = "000";
/** The peer's buffer for the location of an agent. */
const LOCATION_BYTES_MAX = 1023;

export type ManagerIdentity = {
  readonly hostname: string;
  /** Null when alerts carry no cluster. */
  readonly cluster: { readonly name: string; readonly node: string } | null;
};

/** The rule part of a document. */
export type Verdict = {
  readonly rule: CompiledRule;
  readonly firedTimes: number;
  readonly previousLogs: readonly string[];
  readonly previousOutput: string | null;
};

export type DocumentOptions = {
  readonly identity: ManagerIdentity;
  readonly clock: LocalClock;
  /** Archives and the log test show the whole message whatever the rule says. */
  readonly alwaysFullLog: boolean;
  /** The log test shows level 0 as the last key of `rule`. */
  readonly showLevelZero: boolean;
  /** Leaves out the message and what earlier events said: an active response has no room for long ones. */
  readonly withoutLogs?: boolean;
  /** Of the event's agent. */
  readonly labels?: ShownLabels | undefined;
  /** Given when the data show the places of addresses. */
  readonly places?: PlaceLookup | undefined;
};

/** Checks of SCA and findings of rootcheck name requirements of their own. */
function ruleTail(event: Event, rule: CompiledRule): string {
  const arrays = event.category === CATEGORY_OSSEC ? ruleArraysWith(event, rule.definition.groupText) : null;
  return arrays === null ? rule.shown.jsonTail : `,"mail":${rule.mailed},${arrays}}`;
}

/** What follows the seconds: `.000` to `.999`. */
const FRACTIONS: readonly string[] = Array.from(
  { length: 1000 },
  (_, milliseconds) => `.${String(milliseconds).padStart(3, "0")}`,
);

function timestamp(ms: number, clock: LocalClock): string {
  const { isoSeconds, zone } = clock.at(ms);
  return isoSeconds + FRACTIONS[Math.floor(ms % 1000)] + zone;
}

/** `<seconds>.<position>`, by which both files name the alert. */
export function alertId({ receivedMs, position }: Event): string {
  return `${Math.floor(receivedMs / 1000)}.${position}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function ruleJson(event: Event, verdict: Verdict, showLevelZero: boolean): string {
  const { rule, firedTimes } = verdict;
  const { jsonStart, jsonMiddle, descriptionParts } = rule.shown;
  const description = descriptionParts === null ? "" : quote(describe(rule, event));
  const fired = rule.counted ? `,"firedtimes":${firedTimes}` : "";
  const json = jsonStart + description + jsonMiddle + fired + ruleTail(event, rule);
  return showLevelZero && rule.level === 0 ? `${json.slice(0, -1)},"level":0}` : json;
}

/** `(name) ip->path` of an agent, taken apart; the plain location of this host has no name. */
export type Origin = { readonly name: string | null; readonly ip: string | null; readonly path: string };

export function originOf(event: Event): Origin {
  const { location } = event;
  if (event.agentId === LOCAL_AGENT_ID) return { name: null, ip: null, path: location };
  const close = location.indexOf(")");
  const name = location.startsWith("(") && close > 0 ? location.slice(1, close) : "";
  const arrow = location.indexOf(">");
  const path = arrow < 0 ? location : location.slice(arrow + 1, arrow + 1 + LOCATION_BYTES_MAX);
  const ipEnd = location.indexOf("-", close);
  const ip = close > 0 && ipEnd > close ? location.slice(close + 2, ipEnd) : "";
  return { name, ip: ip === "" || ip === "any" ? null : ip, path };
}

function agentJson(event: Event, origin: Origin, { identity, labels }: DocumentOptions): string {
  const address = labels?.address ?? origin.ip;
  const ip = address === null ? "" : `,"ip":${quote(address)}`;
  const name = quote(origin.name ?? identity.hostname);
  return `{"id":${quote(event.agentId)},"name":${name}${ip}${labels?.json ?? ""}}`;
}

/** An object of members that each begin with a comma. */
function objectOf(members: string): string {
  return `{${members.slice(1)}}`;
}

function decoderJson(event: Event): string {
  const { accumulate, shownName, parent, ftsComment } = event.decoder;
  let members = accumulate ? ',"accumulate":1' : "";
  if (parent !== null) members += `,"parent":${quote(parent)}`;
  if (shownName !== "") members += `,"name":${quote(shownName)}`;
  if (ftsComment !== null) members += `,"ftscomment":${quote(ftsComment)}`;
  return objectOf(members);
}

/** What was found before decoding. */
function predecoderJson({ programName, timestamp }: Event, hostname: string | null): string {
  let members = programName === null ? "" : `,"program_name":${quote(programName)}`;
  if (timestamp !== null) members += `,"timestamp":${quote(timestamp)}`;
  if (hostname !== null) members += `,"hostname":${quote(hostname)}`;
  return objectOf(members);
}

/** An agentless check names its script, user and host in the location: `(script) user@host->…`. */
const AGENTLESS = /^\(([^)]*)\) ([^@>]*)@(.*?)->/;

function agentlessJson(event: Event): string | null {
  const found = event.agentId === LOCAL_AGENT_ID ? AGENTLESS.exec(event.location) : null;
  if (found === null) return null;
  const [, script = "", user = "", host = ""] = found;
  return `{"script":${quote(script)},"user":${quote(user)},"host":${quote(host)}}`;
}

/** `verdict` is null for an event that reached no rule that alerts. */
export function eventDocument(event: Event, verdict: Verdict | null, options: DocumentOptions): string {
  const { identity, clock, withoutLogs = false } = options;
  const origin = originOf(event);
  const agentless = agentlessJson(event);
  let json = `{"timestamp":"${timestamp(event.receivedMs, clock)}"`;
  if (verdict !== null) json += `,"rule":${ruleJson(event, verdict, options.showLevelZero)}`;
  if (agentless === null) json += `,"agent":${agentJson(event, origin, options)}`;
  json += `,"manager":{"name":${quote(identity.hostname)}},"id":"${alertId(event)}"`;
  if (identity.cluster !== null) {
    json += `,"cluster":{"name":${quote(identity.cluster.name)},"node":${quote(identity.cluster.node)}}`;
  }
  if (verdict !== null && verdict.previousLogs.length > 1 && !withoutLogs) {
    json += `,"previous_output":${quote(verdict.previousLogs.join("\n"))}`;
  }
  if (!withoutLogs && (options.alwaysFullLog || verdict === null || verdict.rule.fullLog)) {
    json += `,"full_log":${quote(event.fullLog)}`;
  }

  const isFim = isFimEvent(event);
  if (isFim) json += `,"syscheck":${syscheckObject(event, clock)}`;
  const hostname = shownHostname(event.fullLog);
  // A host name alone stands behind the data.
  const early = event.programName !== null || event.timestamp !== null;
  if (early) json += `,"predecoder":${predecoderJson(event, hostname)}`;
  json += `,"decoder":${decoderJson(event)}`;
  if (verdict?.previousOutput && !withoutLogs) json += `,"previous_log":${quote(verdict.previousOutput)}`;
  const data = isFim ? null : dataJson(event, options.places);
  if (data !== null) json += `,"data":${data}`;
  if (!early && hostname !== null) json += `,"predecoder":${predecoderJson(event, hostname)}`;
  json += `,"location":${quote(origin.path)}`;
  if (agentless !== null) json += `,"agentless":${agentless}`;
  return `${json}}`;
}
