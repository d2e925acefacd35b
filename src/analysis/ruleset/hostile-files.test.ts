/**
 * Goal: no file of rules or decoders harms the server: nothing is thrown, loading ends soon, every problem has a place in its file.
 * Method: damaged copies of small files of every option (seeded), and files built to be deep, wide, long or self-multiplying.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { loadTexts, TEMPLATES, type Texts } from "./load-texts.fixture.ts";
import { PROBLEMS_OF_A_KIND_MAX } from "./problems.ts";
import { loadRuleset, type RulesetOutcome } from "./ruleset.ts";

/** Far above what a quiet machine needs, far below what a server could wait. */
const LOAD_MS_MAX = 10_000;

const DECODERS = `<var name="V">abc</var>
<decoder name="p"><program_name type="pcre2">^p$</program_name><prematch type="osregex">^$V \\.+</prematch><type>ids</type></decoder>
<decoder name="c"><parent>p</parent><prematch offset="after_parent">x</prematch>
  <regex offset="after_prematch" type="pcre2">(?i)a=(\\S+)\\s+b=(\\d+)</regex><order>srcip, my.dyn</order><fts>name, srcip</fts>
  <ftscomment>new</ftscomment><accumulate/></decoder>
<decoder name="c"><parent>p</parent><regex offset="after_regex">c=(\\w+)</regex><order>id</order></decoder>
<decoder name="j"><prematch>^{</prematch><plugin_decoder offset="after_prematch">JSON_Decoder</plugin_decoder>
  <json_null_field>discard</json_null_field><json_array_structure>csv</json_array_structure><use_own_name>true</use_own_name></decoder>
`;

const RULES = `<var name="W">bad|worse</var>
<group name="a,b,">
<rule id="1" level="0" noalert="1"><category>syslog</category><description>syslog</description></rule>
<rule id="100" level="5" maxsize="100" ignore="60" accuracy="1"><decoded_as>p</decoded_as><match negate="no">$W</match>
  <regex type="osregex">\\d+ x|y</regex><field name="my.dyn" type="pcre2">^(?:a|b)+$</field><srcip negate="yes">10.0.0.0/8</srcip>
  <time>9 am - 5:30 pm</time><weekday>weekdays</weekday><user>u</user><action>drop</action><url>^/x</url><options>no_full_log</options>
  <description>a $(srcip)</description><info type="text">i</info><cve>1</cve><group>c,pci_dss_1.1,</group>
  <mitre><id>T1</id></mitre></rule>
<rule id="101" level="10" frequency="4" timeframe="60"><if_matched_sid>100</if_matched_sid><same_source_ip/><not_same_field>my.dyn</not_same_field>
  <global_frequency/><description>b</description></rule>
<rule id="102" level="3"><if_sid>100, 101</if_sid><list field="srcip" lookup="address_match_key_value" check_value="^v">etc/lists/a</list>
  <compiled_rule>is_valid_crawler</compiled_rule><if_fts/><check_diff/><ignore>srcip</ignore><description>c</description></rule>
<rule id="103" level="3"><if_group>a|^b</if_group><description>d</description></rule>
<rule id="104" level="3"><if_level>5</if_level><if_matched_group>a</if_matched_group><description>e</description></rule>
<rule id="100" level="7" overwrite="yes"><if_matched_regex>x</if_matched_regex><description>f</description></rule>
</group>
`;
const LISTS = { "etc/lists/a": "k:v\n" };

function loadSoon(texts: Texts): RulesetOutcome {
  const started = performance.now();
  const outcome = loadTexts(texts);
  const tookMs = performance.now() - started;
  assert(tookMs < LOAD_MS_MAX, `took ${tookMs} ms`);
  return outcome;
}

/** What must hold of every outcome. */
function checkOutcome({ ruleset, problems }: RulesetOutcome, textOf: (file: string) => string): void {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  assert.equal(ruleset === null, errors > 0);
  assert(problems.length <= 2 * PROBLEMS_OF_A_KIND_MAX + 1);
  for (const { position, message } of problems) {
    const { file, line, column } = position;
    const lines = textOf(file).split("\n");
    assert(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}: ${message}`);
    const bytes = lines[line - 1]?.length ?? 0;
    assert(column >= 1 && column <= bytes + 1, `column ${column} of ${bytes}: ${message}`);
    assert.notEqual(message, "");
  }
}

test("loadRuleset() has nothing to say of the files that are damaged below", () => {
  const { problems } = loadTexts({ decoders: DECODERS, rules: RULES, lists: LISTS });
  assert.deepEqual(problems, []);
});

test("loadRuleset() survives damaged files, and says where they are damaged", () => {
  const random = new SeededRandom(20_261_121);
  const words = [...new Set(`${DECODERS}${RULES}`.match(/[\w.]+|<\/?\w+>|[^\w\s]/g))];
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const damage = (text: string): string => {
      const bytes = random.mutate(Buffer.from(text, "latin1")).toString("latin1");
      if (random.below(2) === 0) return bytes;
      // A word in another's place reaches further than a damaged byte.
      const at = random.below(bytes.length);
      return bytes.slice(0, at) + random.pick(words) + bytes.slice(at + random.below(12));
    };
    const inDecoders = random.below(2) === 0;
    const decoders = inDecoders ? damage(DECODERS) : DECODERS;
    const rules = inDecoders ? RULES : damage(RULES);
    const outcome = loadTexts({ decoders, rules, lists: LISTS });
    try {
      checkOutcome(outcome, (file) => (file === "d.xml" ? decoders : rules));
    } catch (error) {
      throw new Error(`round ${round}: ${inDecoders ? decoders : rules}`, { cause: error });
    }
    if (outcome.ruleset === null) refused++;
  }
  assert(refused > 500 && refused < 1500, `${refused} of 1500 were refused`);
});

test("loadRuleset() survives files cut at every position", () => {
  const texts = { "d.xml": DECODERS, "r.xml": RULES };
  for (const [name, text] of Object.entries(texts)) {
    for (let length = 0; length < text.length; length += 3) {
      const files = new FakeFiles();
      for (const [path, whole] of Object.entries({ ...texts, ...LISTS })) files.write(path, whole);
      files.write(name, text.slice(0, length));
      const file = (path: string) => ({ name: path, path });
      const outcome = loadRuleset(files, {
        decoders: [file("d.xml")],
        rules: [file("r.xml")],
        lists: [file("etc/lists/a")],
      });
      checkOutcome(outcome, (path) => files.text(path));
    }
  }
});

const group = (body: string) => `${TEMPLATES}<group name="a,">${body}</group>`;
const rule = (id: number, body: string) =>
  `<rule id="${id}" level="3">${body}<description>x</description></rule>`;
const times = (count: number, of: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => of(i)).join("");
const decoder = (body: string, name = "p") => `<decoder name="${name}">${body}</decoder>`;

const REFUSED: readonly (readonly [what: string, texts: () => Texts, message: RegExp])[] = [
  ["nesting that is too deep", () => ({ rules: "<a>".repeat(100_000) }), /Max recursion level reached/],
  [
    "a nested rule that is too deep",
    () => ({ rules: `${"<group>".repeat(1025)}${"</group>".repeat(1025)}` }),
    /Max recursion level reached/,
  ],
  [
    "an element with too many attributes",
    () => ({ rules: group(`<rule ${times(10_000, (i) => `a${i}="1" `)}/>`) }),
    /Too many attributes/,
  ],
  [
    "a text that is too long",
    () => ({ decoders: decoder(`<prematch>${"x".repeat(100_000)}`) }),
    /String overflow/,
  ],
  [
    "variables that multiply",
    () => ({
      rules: `<var name="a">${"x".repeat(20_000)}</var>${group(rule(100, `<match>${"$a,".repeat(5000)}</match>`))}`,
    }),
    /String overflow/,
  ],
  [
    "elements without end",
    () => ({ rules: group(rule(100, "<a/>".repeat(100_000))) }),
    /Invalid option 'a' for rule '100'/,
  ],
  [
    "rules below each other without end",
    () => ({ rules: group(times(5000, (i) => rule(100 + i, `<if_sid>${i === 0 ? 1 : 99 + i}</if_sid>`))) }),
    /makes the tree of rules too large/,
  ],
  [
    "decoders that multiply",
    () => ({
      decoders:
        decoder("<prematch>x</prematch>").repeat(5000) + decoder("<parent>p</parent>", "c").repeat(5000),
    }),
    /Too many decoders below others/,
  ],
  [
    "field lists that multiply",
    () => ({
      decoders: decoder(
        `<prematch>x</prematch><regex>(x)</regex><order>${times(1000, (i) => `f${i},`)}x</order><fts>${"z,".repeat(9000)}</fts>`,
      ).repeat(50),
    }),
    /Decoder configuration error/,
  ],
  [
    "times full of blanks",
    () => ({ rules: group(rule(100, `<time>1${" ".repeat(20_000)}x-2</time>`.repeat(100))) }),
    /Invalid time format/,
  ],
  [
    "expressions that nest",
    () => ({ rules: group(rule(100, `<match type="pcre2">${"(".repeat(2000)}</match>`)) }),
    /\(5107\): Syntax error on tag 'match' in rule 100/,
  ],
];

for (const [what, texts, message] of REFUSED) {
  test(`loadRuleset() refuses ${what}, soon and with a clear error`, () => {
    const { ruleset, problems } = loadSoon(texts());
    assert.equal(ruleset, null);
    assert.match(problems.map((problem) => problem.message).join("\n"), message);
    assert(problems.length <= 2 * PROBLEMS_OF_A_KIND_MAX + 1);
  });
}

const ACCEPTED: readonly (readonly [what: string, texts: () => Texts])[] = [
  ["many rules side by side", () => ({ rules: group(times(10_000, (i) => rule(100 + i, ""))) })],
  [
    "many parents that are not there",
    () => ({ rules: group(times(500, (i) => rule(100 + i, `<if_sid>${"9,".repeat(1000)}</if_sid>`))) }),
  ],
  ["many addresses", () => ({ rules: group(rule(100, "<srcip>10.1.1.1</srcip>".repeat(20_000))) })],
  [
    "many words for many groups",
    () => ({
      rules: group(
        times(700, (i) =>
          rule(100 + i, `<group>${"x".repeat(1000)},</group><if_group>${`q${i}|`.repeat(300)}z</if_group>`),
        ) + times(300, (i) => rule(1000 + i, `<group>${"x".repeat(1000)},</group>`)),
      ),
    }),
  ],
  [
    "many decoders of one name",
    () => ({
      decoders:
        decoder("<prematch>x</prematch>") +
        decoder("<parent>p</parent><regex>(x)</regex><order>id</order>", "c").repeat(5000),
    }),
  ],
  [
    "names of JavaScript",
    () => ({
      decoders: decoder("<prematch>x</prematch>", "__proto__"),
      rules: group(rule(100, "<decoded_as>__proto__</decoded_as>")),
    }),
  ],
];

for (const [what, texts] of ACCEPTED) {
  test(`loadRuleset() takes ${what}, soon`, () => {
    assert.notEqual(loadSoon(texts()).ruleset, null);
  });
}
