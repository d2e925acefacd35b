/**
 * Files of rules and of decoders: every problem has a place in its file, and a set without errors runs. Sections of an input:
 * `decoders`, `rules`, `list`, `events` (lines as of the event targets).
 */
import assert from "node:assert/strict";
import { CompiledRuleset } from "#analysis/engine.ts";
import { EVERYTHING_DECODERS } from "#analysis/everything-rules.fixture.ts";
import { SAMPLE_LINES } from "#analysis/hostile-logs.fixture.ts";
import { PROBLEMS_OF_A_KIND_MAX } from "#analysis/ruleset/problems.ts";
import { loadRuleset, type RulesetOutcome } from "#analysis/ruleset/ruleset.ts";
import { FakeFiles } from "#testing/files.ts";
import type { SeededRandom } from "#testing/random.ts";
import { cpuMs } from "../cpu-time.ts";
import { damagedText, splicedLines } from "../damage.ts";
import { checkEvents } from "../engine-run.ts";
import { parseEvents, printEvent } from "../event-lines.ts";
import { nearText } from "../near.ts";
import { subjectText } from "../pattern-texts.ts";
import { type KnownPattern, patternsIn } from "../rule-sets.ts";
import { LIST_NAME, RulesetAuthor } from "../ruleset-texts.ts";
import { changeSection, parseSections, printSections, type Sections } from "../sections.ts";
import { type Target, TooSlow } from "../target.ts";

/** Small files; a machine that does something else has room. */
const LOAD_MS_MAX = 3000;
const EVENTS_MAX = 12;
const MEMORY_EVENTS = 50;
const TEMPLATES =
  '<group name="syslog,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>syslog</description></rule></group>\n';
const LEVELS = { log: 1, mail: 7 };

const FILES = { decoders: "d.xml", rules: "r.xml", list: LIST_NAME };

function load(sections: Sections): RulesetOutcome {
  const files = new FakeFiles();
  const file = (name: keyof typeof FILES) => {
    files.write(FILES[name], sections[name] ?? "");
    return [{ name: FILES[name], path: FILES[name] }];
  };
  return loadRuleset(files, { decoders: file("decoders"), rules: file("rules"), lists: file("list") });
}

function checkProblems({ ruleset, problems }: RulesetOutcome, sections: Sections): void {
  assert.equal(
    ruleset === null,
    problems.some(({ severity }) => severity === "error"),
  );
  assert(problems.length <= 2 * PROBLEMS_OF_A_KIND_MAX + 1);
  for (const { position, message } of problems) {
    const { file, line, column } = position;
    const text = file === FILES.decoders ? sections["decoders"] : sections["rules"];
    const lines = (text ?? "").split("\n");
    assert(file === FILES.decoders || file === FILES.rules, `file ${file}: ${message}`);
    assert(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}: ${message}`);
    const bytes = lines[line - 1]?.length ?? 0;
    assert(column >= 1 && column <= bytes + 1, `column ${column} of ${bytes}: ${message}`);
    assert.notEqual(message, "");
  }
}

export function runRuleset(input: string): void {
  const sections = parseSections(input);
  const begunMs = cpuMs();
  const outcome = load(sections);
  const { ruleset } = outcome;
  const set = ruleset === null ? null : new CompiledRuleset(ruleset, LEVELS);
  const tookMs = cpuMs() - begunMs;
  checkProblems(outcome, sections);
  assert.deepEqual(load(sections).problems, outcome.problems, "the second loading says something else");
  if (tookMs > LOAD_MS_MAX) throw new TooSlow(`${tookMs} ms to load`);
  if (set !== null) checkEvents(set, parseEvents(sections["events"] ?? ""), MEMORY_EVENTS);
}

/** Events near the patterns of the set that they are for. */
export function eventsFor(random: SeededRandom, xml: string): string {
  const patterns: readonly KnownPattern[] = patternsIn(xml);
  const text = (): string =>
    patterns.length === 0 || random.below(3) === 0
      ? subjectText(random)
      : nearText(random, random.pick(patterns));
  const message = (): string => {
    const kind = random.below(4);
    if (kind === 0) return random.pick(SAMPLE_LINES);
    if (kind === 1)
      return JSON.stringify({
        srcip: "10.0.0.1",
        user: text(),
        id: text(),
        my: { dyn: text() },
        a: { b: text() },
      });
    return `${random.pick(["Nov 21 06:44:10 h ", ""])}${random.pick(["p: ", "sshd[1]: ", ""])}${text()} ${text()}`;
  };
  return Array.from({ length: 1 + random.below(EVENTS_MAX) }, () => {
    const agent = random.pick(["000", "001"]);
    const location = agent === "000" ? "/var/log/x" : "(web1) any->/var/log/x";
    return printEvent({ queue: "1", agent, location, message: message(), after: random.below(90_000) });
  }).join("\n");
}

const WORDS = [
  "<rule ",
  "</rule>",
  "<group>",
  "</group>",
  "<decoder ",
  "</decoder>",
  "<var name='V'>x</var>",
  "$V",
  "<!--",
  "-->",
  "<if_sid>100</if_sid>",
  'overwrite="yes"',
  'id="100"',
  "\\<",
  "<?xml?>",
];

function changed(random: SeededRandom, input: string, other: string): string {
  if (random.below(5) === 0) return splicedLines(random, input, other);
  const choose = (names: readonly string[]): string => random.pick(names);
  return changeSection(input, choose, (text, name) => {
    const kind = random.below(3);
    if (kind === 0) return splicedLines(random, text, parseSections(other)[name] ?? "");
    if (kind === 1 && name === "rules")
      return text.replace("</rule>", `</rule>\n${new RulesetAuthor(random, false).rule()}`);
    return damagedText(random, text, WORDS);
  });
}

function listText(random: SeededRandom): string {
  return random.pick(["", "k:v\n10.0.0.:x\njoe:\n", '"a:b":"c d"\n203.0.113.9:v1\n']);
}

function target(
  make: (random: SeededRandom) => { readonly decoders: string; readonly rules: string },
): Target {
  return {
    make(random) {
      const { decoders, rules } = make(random);
      const events = eventsFor(random, decoders + rules);
      return printSections({ decoders, rules: TEMPLATES + rules, list: listText(random), events });
    },
    change: changed,
    run: runRuleset,
  };
}

const P_DECODER = '<decoder name="p"><program_name>^p$</program_name></decoder>';
const OWN_DECODERS = `${EVERYTHING_DECODERS}
${P_DECODER}
<decoder name="p2"><parent>p</parent><regex>(\\S+) (\\S+)</regex><order>id, my.dyn</order></decoder>
<decoder name="q"><prematch>x</prematch></decoder>`;
/** A first rule that takes every event, for those that name one. */
const BASE_RULE =
  '<rule id="100" level="3"><regex>\\.</regex><description>$(srcip) $(my.dyn)</description></rule>';
const BASE_GROUP = `<group name="a,">${BASE_RULE}</group>\n`;

/** Most sets are to load: what runs finds more than what is refused. */
function author(random: SeededRandom): RulesetAuthor {
  return new RulesetAuthor(random, random.below(3) === 0);
}

export const rulesTarget = target((random) => ({
  decoders: OWN_DECODERS,
  rules: BASE_GROUP + author(random).rules(),
}));

export const decodersTarget = target((random) => ({
  decoders: `${P_DECODER}\n${author(random).decoders()}`,
  rules: BASE_GROUP,
}));
