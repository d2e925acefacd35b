/** A rule set of a few lines for the tests of this part and of the command line. */
import { CompiledRuleset } from "#analysis/engine.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { FakeFiles } from "#testing/files.ts";
import { SHIPPED_ALERT_LEVELS } from "./session.ts";

export const DECODERS = `<decoder name="door"><program_name>^door$</program_name></decoder>
<decoder name="door-who"><parent>door</parent><regex type="pcre2">(\\w+) by (\\S+)</regex><order>action, person.name</order></decoder>
`;

/** 100: opened (level 3), 101: by eve (7), 102: slammed (0), 103: three times opened within 60 s (10). */
export const RULES = `<group name="syslog,">
<rule id="1" level="0" noalert="1"><category>syslog</category><description>all</description></rule>
<rule id="100" level="3"><decoded_as>door</decoded_as><action>opened</action><description>$(person.name)</description><group>in,pci_dss_1.1,</group></rule>
<rule id="101" level="7"><if_sid>100</if_sid><field name="person.name">^eve$</field><description>Eve</description></rule>
<rule id="102" level="0"><decoded_as>door</decoded_as><action>slammed</action><description>quiet</description></rule>
<rule id="103" level="10" frequency="3" timeframe="60"><if_matched_sid>100</if_matched_sid><description>thrice</description></rule>
</group>
`;

export const FOLDER = "/set";

/** A file system with the rule set in `/set`. */
export function rulesetFiles(decoders = DECODERS, rules = RULES): FakeFiles {
  const files = new FakeFiles();
  for (const part of ["decoders", "rules"]) files.makeDirectory(`${FOLDER}/${part}`);
  files.write(`${FOLDER}/decoders/d.xml`, decoders);
  files.write(`${FOLDER}/rules/r.xml`, rules);
  return files;
}

export function compiledRuleset(): CompiledRuleset {
  const files = rulesetFiles();
  const { ruleset, problems } = loadRuleset(files, stockSources(files, FOLDER));
  if (ruleset === null) throw new Error(JSON.stringify(problems));
  return new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS);
}

/** A log of the door, as bytes. */
export function doorLog(text: string): string {
  return `Mar  3 08:12:44 house door[1]: ${text}`;
}
