/** Conditions of rules as functions of an event. A condition on a value that the event lacks fails, negated or not. */
import type { Pattern } from "#formats/patterns/pattern.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { DSTUSER, SRCUSER, staticIndex } from "../event.ts";
import type { CompiledRuleName, Condition, ListUse } from "../ruleset/rule.ts";
import type { ValueList } from "../ruleset/ruleset.ts";
import { isInside } from "../ruleset/time-window.ts";
import type { Check } from "./compiled-rule.ts";
import { type SubjectReader, type SubjectTools, subjectReader } from "./subjects.ts";

function patternCheck(pattern: Pattern, negate: boolean, read: SubjectReader): Check {
  if (negate) {
    return (event) => {
      const value = read(event);
      return value !== undefined && value !== null && !pattern.test(value);
    };
  }
  return (event) => {
    const value = read(event);
    return value !== undefined && value !== null && pattern.test(value);
  };
}

/** Addresses of well-known crawlers, as a web access log begins with them (wazuh v4.14.7: src/analysisd/compiled_rules). */
const CRAWLER_PREFIXES = ["66.249.", "72.14.", "209.85.", "65.55.", "207.46.", "74.6.", "72.30.", "67.195."];
const LONG_ID_BYTES = 10;

/** What follows the colon behind a label of a Windows log; null without both. */
function afterLabel(log: string, label: string): string | null {
  const start = log.indexOf(label);
  const colon = start < 0 ? -1 : log.indexOf(":", start);
  return colon < 0 ? null : log.slice(colon + 1);
}

/** True when both accounts are named and differ. A name ends before a tab or two blanks. */
function accountsDiffer(log: string): boolean {
  const target = afterLabel(log, "Target Account Name");
  const caller = afterLabel(log, "Caller User Name");
  if (target === null || caller === null) return false;
  const end = target.search(/\t| {2}/);
  const compared = end < 0 ? target.length : end + 1;
  return target.slice(0, compared) !== caller.slice(0, compared);
}

function compiledCheck(name: CompiledRuleName): Check {
  const url = staticIndex("url");
  const id = staticIndex("id");
  switch (name) {
    case "check_id_size":
      return (event) => (event.statics[id]?.length ?? 0) >= LONG_ID_BYTES;
    case "comp_srcuser_dstuser":
      return (event) => {
        const [source, target] = [event.statics[SRCUSER], event.statics[DSTUSER]];
        return source === undefined || target === undefined || source === target;
      };
    case "comp_mswin_targetuser_calleruser_diff":
      return (event) => accountsDiffer(event.log);
    case "is_simple_http_request":
      return (event) => event.statics[url]?.includes("?") === false;
    default:
      return (event) => CRAWLER_PREFIXES.some((prefix) => event.log.startsWith(prefix));
  }
}

export function conditionCheck(condition: Condition, tools: SubjectTools): Check {
  switch (condition.kind) {
    case "pattern":
      return patternCheck(condition.pattern, condition.negate, subjectReader(condition.subject, tools));
    case "address": {
      const index = staticIndex(condition.field);
      return (event) => {
        const value = event.statics[index];
        return value !== undefined && condition.addresses.has(value) !== condition.negate;
      };
    }
    case "maxsize":
      return (event) => event.log.length >= condition.bytesMin;
    case "compiled":
      return compiledCheck(condition.name);
    case "time": {
      const clock = new LocalClock();
      return (event) => {
        const time = clock.at(event.receivedMs);
        return isInside(condition.window, time.hour * 60 + time.minute);
      };
    }
    default: {
      const clock = new LocalClock();
      return (event) => condition.days[clock.at(event.receivedMs).weekday] === true;
    }
  }
}

/** The subject itself, else each of its prefixes that ends in a dot, longest first. */
function addressEntry(list: ValueList, address: string): string | undefined {
  const exact = list.get(address);
  if (exact !== undefined) return exact;
  for (let dot = address.lastIndexOf("."); dot > 0; dot = address.lastIndexOf(".", dot - 1)) {
    const entry = list.get(address.slice(0, dot + 1));
    if (entry !== undefined) return entry;
  }
  return undefined;
}

export function listCheck(use: ListUse, list: ValueList, tools: SubjectTools): Check {
  const read = subjectReader(use.subject, tools);
  const matches = (value: string): boolean => {
    switch (use.lookup) {
      case "match_key":
        return list.has(value);
      case "not_match_key":
        return !list.has(value);
      case "match_key_value": {
        const entry = list.get(value);
        return entry !== undefined && use.value?.test(entry) === true;
      }
      case "address_match_key":
        return addressEntry(list, value) !== undefined;
      case "not_address_match_key":
        return addressEntry(list, value) === undefined;
      default: {
        // The peer's answer is the opposite of what the name says; rule sets in the field rely on it.
        const entry = addressEntry(list, value);
        return entry === undefined || use.value?.test(entry) !== true;
      }
    }
  };
  return (event) => {
    const value = read(event);
    return value !== undefined && value !== null && matches(value);
  };
}
