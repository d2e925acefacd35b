/**
 * Goal: files, groups and attributes of rules are read as the peer reads them. Method: small texts; expected values and messages are
 * from the specification. The elements inside a rule are the business of rule-options.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  loadTexts,
  messagesOf,
  requireTexts,
  ruleOf,
  shownProblem,
  TEMPLATES,
} from "./load-texts.fixture.ts";

const inGroup = (text: string) => `${TEMPLATES}<group name="a,">${text}</group>`;
const withAttributes = (attributes: string) =>
  inGroup(`<rule ${attributes}><description>x</description></rule>`);

test("readRules() gives what is not said its default", () => {
  const { position, ...rule } = ruleOf({ rules: withAttributes('id="100" level="3"') }, 100);
  assert.deepEqual(position, { file: "r.xml", line: 2, column: 18 });
  assert.deepEqual(rule, {
    id: 100,
    level: 3,
    accurate: true,
    frequency: null,
    timeframeSeconds: 360,
    ignoreSeconds: 0,
    noAlert: false,
    overwrite: false,
    groupText: "a,",
    description: "x",
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
  });
});

test("readRules() reads every attribute, names without regard to case", () => {
  const attributes =
    'ID="100000" Level="016" MAXSIZE="20001" timeframe="99999" accuracy="0" ignore="999999" noalert="1" overwrite="YES"';
  const rule = ruleOf({ rules: withAttributes(attributes) }, 100_000);
  assert.deepEqual(
    [rule.level, rule.timeframeSeconds, rule.accurate, rule.ignoreSeconds, rule.noAlert, rule.overwrite],
    [16, 99_999, false, 999_999, true, true],
  );
  assert.deepEqual(rule.conditions, [{ kind: "maxsize", bytesMin: 2000 }], "four digits count");
});

test("readRules() joins the names of a group and of its rules, without line feeds", () => {
  const body = "<group>b,\nc,</group><description>x</description><group>d,</group>";
  const rules = `${TEMPLATES}<group name="a,\n"><rule id="100" level="3">${body}</rule></group>`;
  assert.equal(ruleOf({ rules }, 100).groupText, "a,b,c,d,");
});

test("readRules() takes several groups in one file, and an empty file as no rules", () => {
  const group = (id: number) =>
    `<group name="g${id}"><rule id="${id}" level="3"><description>x</description></rule></group>`;
  const { rules } = requireTexts({ rules: { "a.xml": TEMPLATES + group(100) + group(101), "b.xml": "" } });
  assert.deepEqual(
    [...rules.entries].map(({ definition }) => definition.id),
    [1, 100, 101],
  );
});

const MISTAKES: readonly (readonly [what: string, text: string, messages: readonly string[]])[] = [
  [
    "another root",
    '<rule id="100" level="3"><description>x</description></rule>',
    ['error: rules_op: Invalid root element "rule".Only "group" is allowed'],
  ],
  [
    "a group without name",
    "<group><rule/></group>",
    ["error: rules_op: Invalid root element 'group'.Only the group name is allowed"],
  ],
  [
    "a group with more than a name",
    '<group name="a" x="b"><rule/></group>',
    ["error: rules_op: Invalid root element 'group'.Only the group name is allowed"],
  ],
  ["a group without rules", '<group name="a"></group>', ["error: Group 'group' without any rule."]],
  [
    "a group with a name that is too long",
    `${TEMPLATES}<group name="${"a".repeat(2048)}"><rule id="100" level="3"><description>x</description></rule></group>`,
    ["error: The name of a group is too long."],
  ],
  ["something else in a group", inGroup("<x/>"), ["error: Invalid element 'x' in a group of rules."]],
  [
    "a rule without anything",
    inGroup('<rule id="100" level="3"></rule>'),
    [
      "error: Rule '100' without any option. It may lead to false positives and some other problems for the system. Exiting.",
    ],
  ],
  [
    "a rule without description",
    inGroup('<rule id="100" level="3"><match>x</match></rule>'),
    ["error: No such description at rule '100'."],
  ],
  [
    "a rule without number, by its place in the group",
    inGroup('<rule id="100" level="3"><description>x</description></rule><rule level="3"/>'),
    ["error: No rule id or level specified for rule '1'."],
  ],
  [
    "a rule without level",
    withAttributes('id="100"'),
    ["error: No rule id or level specified for rule '0'."],
  ],
  [
    "a level above 16",
    withAttributes('id="100" level="17"'),
    [
      "error: rules_op: Invalid level: 17. Must be an integer between 0 and 16.",
      "error: Invalid attribute for rule.",
    ],
  ],
  [
    "a frequency below 2",
    withAttributes('id="100" level="3" noalert="x" frequency="1"'),
    [
      "error: Invalid frequency: 1.",
      "error: Invalid attribute for rule.",
      "warning: Invalid value for attribute 'noalert' in rule 100.",
      "error: Invalid use of frequency/context options. Missing if_matched on rule '100'.",
    ],
  ],
];

for (const [what, rules, messages] of MISTAKES) {
  test(`readRules() answers to ${what}`, () => assert.deepEqual(messagesOf({ rules }), messages));
}

const WRONG_ATTRIBUTES = [
  'id="1234567"',
  'id="x"',
  'id=""',
  'level="3x"',
  'maxsize="x"',
  'maxsize="10x"',
  'timeframe="100000"',
  'frequency="10000"',
  'accuracy="yes"',
  'ignore="1000000"',
  'overwrite="maybe"',
  'foo="1"',
];

for (const attribute of WRONG_ATTRIBUTES) {
  test(`readRules() refuses the attribute ${attribute}`, () => {
    const others = ['id="100"', 'level="3"'].filter((other) => !attribute.startsWith(other.slice(0, 3)));
    const { ruleset, problems } = loadTexts({ rules: withAttributes([attribute, ...others].join(" ")) });
    assert.equal(ruleset, null);
    assert.equal(problems[0] && shownProblem(problems[0]).slice(0, 16), "error r.xml:2:24");
    assert.equal(problems[1]?.message, "Invalid attribute for rule.");
  });
}

test("readRules() goes on with the body of a rule whose attributes are wrong", () => {
  const rules = inGroup('<rule id="100" level="17">\n<foo/>\n<bar/><decoded_as>nope</decoded_as></rule>');
  assert.deepEqual(loadTexts({ rules }).problems.map(shownProblem), [
    "error r.xml:2:33 rules_op: Invalid level: 17. Must be an integer between 0 and 16.",
    "error r.xml:2:18 Invalid attribute for rule.",
    "error r.xml:3:1 Invalid option 'foo' for rule '100'.",
    "error r.xml:4:1 Invalid option 'bar' for rule '100'.",
    "error r.xml:2:18 No such description at rule '100'.",
    "error r.xml:4:7 Invalid decoder name: 'nope'.",
  ]);
});

test("readRules() says nothing of rules that only follow from a mistake", () => {
  const rules = inGroup(
    `<rule id="100" level="3"><foo/><description>x</description></rule>
     <rule id="101" level="3"><if_sid>100</if_sid><description>x</description></rule>`,
  );
  assert.deepEqual(messagesOf({ rules }), ["error: Invalid option 'foo' for rule '100'."]);
});
