/**
 * Sets up the peer's rule set as its own rule tests do: the test rules and decoders copied in, and rule 60000 rewritten so that
 * Windows events come as plain JSON lines. Everything is made in a temporary folder.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRuleset, type RulesetOutcome } from "#analysis/ruleset/ruleset.ts";
import { type RulesetSources, stockSources } from "#analysis/ruleset/sources.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { RULESET_DIRECTORY, RULESET_TESTS_DIRECTORY } from "./shared-data.ts";

const WINDOWS_BASE_RULES = "0575-win-base_rules.xml";

/** Copies the rule set and applies what the tests change; the caller removes the folder. */
export function prepareTestRuleset(): string {
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-ruleset-"));
  for (const part of ["decoders", "rules", "lists"]) {
    cpSync(join(RULESET_DIRECTORY, part), join(directory, part), { recursive: true });
  }
  const base = join(directory, "rules", WINDOWS_BASE_RULES);
  const text = readFileSync(base, "latin1");
  const rewritten = text.replace(
    /<category>ossec<\/category>\s*<decoded_as>windows_eventchannel<\/decoded_as>/,
    "<decoded_as>json</decoded_as>",
  );
  if (rewritten === text) throw new Error(`rule 60000 of ${WINDOWS_BASE_RULES} is not as expected`);
  writeFileSync(base, rewritten, "latin1");
  return directory;
}

export function loadTestRuleset(): RulesetOutcome {
  const directory = prepareTestRuleset();
  try {
    const sources = stockSources(systemFiles, directory);
    const extra = join(RULESET_TESTS_DIRECTORY, "ruleset");
    const filesOf = (suffix: string, kind: string) =>
      readdirSync(extra)
        .filter((name) => name.endsWith(suffix) && !name.includes("geoip"))
        .map((name) => ({ name: `etc/${kind}/${name}`, path: join(extra, name) }));
    const sorted = (files: RulesetSources["rules"]) =>
      [...files].sort((a, b) => (baseName(a.name) < baseName(b.name) ? -1 : 1));
    return loadRuleset(systemFiles, {
      decoders: sorted([...sources.decoders, ...filesOf("decoders.xml", "decoders")]),
      rules: sorted([...sources.rules, ...filesOf("rules.xml", "rules")]),
      lists: sources.lists,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
