/**
 * The rule that an excess of events alerts under: it is in no file, and no event is ever tried on it (wazuh v4.14.7:
 * src/analysisd/analysisd.c, `STATS_MODULE`).
 */
import type { AlertLevels } from "../match/compile-rules.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";
import { shownRule } from "../match/shown-rule.ts";
import type { RuleDefinition } from "../ruleset/rule.ts";

const ID = 11;

function definitionOf(level: number): RuleDefinition {
  return {
    id: ID,
    position: { file: "", line: 0, column: 0 },
    level,
    accurate: true,
    frequency: null,
    timeframeSeconds: 0,
    ignoreSeconds: 0,
    noAlert: false,
    overwrite: false,
    groupText: "stats,",
    description: "Excessive number of events (above normal).",
    info: null,
    cve: null,
    mitre: null,
    options: [],
    category: null,
    decodedAs: null,
    parents: { sids: null, group: null, level: null, matchedSid: null, matchedGroup: null },
    conditions: [],
    firstTimeSeen: false,
    checkDiff: false,
    lists: [],
    correlation: null,
    ignoredFields: null,
    checkIfIgnored: null,
  };
}

/** `level` is `<global><stats>`. Its alerts show no `firedtimes`. */
export function excessRule(level: number, levels: AlertLevels): CompiledRule {
  const definition = definitionOf(level);
  const mailed = level >= levels.mail;
  return {
    number: -1,
    id: ID,
    idText: String(ID),
    level,
    definition,
    checks: [],
    lateChecks: [],
    firstTimeSeen: false,
    checkDiff: false,
    search: null,
    keptByRule: false,
    keptForRules: [],
    ignoreMs: 0,
    logged: level >= levels.log,
    mailed,
    counted: false,
    responses: [],
    fullLog: true,
    shown: shownRule(definition, { searches: false, mailed, mitre: null }),
  };
}
