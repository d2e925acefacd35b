/**
 * The alert document: one compact JSON line with the peer's keys in the peer's order (wazuh v4.14.7: src/analysisd/format/to_json.c).
 *
 * Texts are latin1 strings: bytes ≥ 0x80 go to the file as they came.
 */
import { shownHostname } from "#analysis/predecode/predecode.ts";
import type { LocalClock } from "#kernel/local-time.ts";
import type { Event } from "../event.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";
import { CATEGORY_OSSEC } from "../ruleset/category.ts";
import { ruleArraysWith } from "../special/compliance.ts";
import { syscheckObject } from "../special/syscheck-document.ts";
import { isFimEvent } from "../special/syscheck-fields.ts";
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
};

function quote(text: string): string {
  return JSON.stringify(text);
}

/** Checks of SCA and findings of rootcheck name requirements of their own. */
function ruleTail(event: Event, rule: CompiledRule): string {
  const arrays = event.category === CATEGORY_OSSEC ? ruleArraysWith(event, rule.definition.groupText) : null;
  return arrays === null ? rule.shown.jsonTail : `,"mail":${rule.mailed},${arrays}}`;
}

function ruleJson(event: Event, verdict: Verdict, showLevelZero: boolean): string {
  const { rule, firedTimes } = verdict;
  const level = rule.level > 0 ? `"level":${rule.level},` : "";
  const fired = rule.counted ? `,"firedtimes":${firedTimes}` : "";
  const head = `{${level}"description":${quote(describe(rule, event))},"id":"${rule.idText}"`;
  const json = head + rule.shown.jsonMiddle + fired + ruleTail(event, rule);
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

function agentJson(event: Event, origin: Origin, identity: ManagerIdentity): string {
  const ip = origin.ip === null ? "" : `,"ip":${quote(origin.ip)}`;
  return `{"id":${quote(event.agentId)},"name":${quote(origin.name ?? identity.hostname)}${ip}}`;
}

function decoderJson(event: Event): string {
  const { accumulate, shownName, parent, ftsComment } = event.decoder;
  const parts: string[] = [];
  if (accumulate) parts.push('"accumulate":1');
  if (parent !== null) parts.push(`"parent":${quote(parent)}`);
  if (shownName !== "") parts.push(`"name":${quote(shownName)}`);
  if (ftsComment !== null) parts.push(`"ftscomment":${quote(ftsComment)}`);
  return `{${parts.join(",")}}`;
}

function predecoderParts(event: Event): string[] {
  const parts: string[] = [];
  if (event.programName !== null) parts.push(`"program_name":${quote(event.programName)}`);
  if (event.timestamp !== null) parts.push(`"timestamp":${quote(event.timestamp)}`);
  return parts;
}

/** An agentless check names its script, user and host in the location: `(script) user@host->…`. */
function agentlessJson(event: Event): string | null {
  const found = /^\(([^)]*)\) ([^@>]*)@(.*?)->/.exec(event.location);
  if (event.agentId !== LOCAL_AGENT_ID || found === null) return null;
  const [, script = "", user = "", host = ""] = found;
  return `{"script":${quote(script)},"user":${quote(user)},"host":${quote(host)}}`;
}

/** `verdict` is null for an event that reached no rule that alerts. */
export function eventDocument(event: Event, verdict: Verdict | null, options: DocumentOptions): string {
  const { identity } = options;
  const origin = originOf(event);
  const agentless = agentlessJson(event);
  const seconds = Math.floor(event.receivedMs / 1000);
  let json = `{"timestamp":"${options.clock.isoWithMilliseconds(event.receivedMs)}"`;
  if (verdict !== null) json += `,"rule":${ruleJson(event, verdict, options.showLevelZero)}`;
  if (agentless === null) json += `,"agent":${agentJson(event, origin, identity)}`;
  json += `,"manager":{"name":${quote(identity.hostname)}},"id":"${seconds}.${event.position}"`;
  if (identity.cluster !== null) {
    json += `,"cluster":{"name":${quote(identity.cluster.name)},"node":${quote(identity.cluster.node)}}`;
  }
  if (verdict !== null && verdict.previousLogs.length > 1) {
    json += `,"previous_output":${quote(verdict.previousLogs.join("\n"))}`;
  }
  if (options.alwaysFullLog || verdict === null || verdict.rule.fullLog)
    json += `,"full_log":${quote(event.fullLog)}`;

  const isFim = isFimEvent(event);
  if (isFim) json += `,"syscheck":${syscheckObject(event, options.clock)}`;
  const predecoder = predecoderParts(event);
  const hostname = shownHostname(event.fullLog);
  const hostnamePart = hostname === null ? null : `"hostname":${quote(hostname)}`;
  const early = predecoder.length > 0;
  if (early)
    json += `,"predecoder":{${[...predecoder, ...(hostnamePart === null ? [] : [hostnamePart])].join(",")}}`;
  json += `,"decoder":${decoderJson(event)}`;
  if (verdict?.previousOutput) json += `,"previous_log":${quote(verdict.previousOutput)}`;
  const data = isFim ? null : dataJson(event);
  if (data !== null) json += `,"data":${data}`;
  if (!early && hostnamePart !== null) json += `,"predecoder":{${hostnamePart}}`;
  json += `,"location":${quote(origin.path)}`;
  if (agentless !== null) json += `,"agentless":${agentless}`;
  return `${json}}`;
}
