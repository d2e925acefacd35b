/**
 * Goal: rules are tried in the peer's order, below the peer's parents. Method: small sets whose trees follow from the
 * specification, written as `1(100(101) 102)`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  loadTexts,
  messagesOf,
  requireTexts,
  ruleOf,
  shownProblem,
  shownTree,
  TEMPLATES,
} from "./load-texts.fixture.ts";
import { DEPTH_MAX } from "./rule-tree.ts";

const rule = (id: number, level: number, body = "", attributes = "") =>
  `<rule id="${id}" level="${level}"${attributes}>${body}<description>x</description></rule>\n`;
const ifSid = (...ids: readonly number[]) => `<if_sid>${ids.join(", ")}</if_sid>`;
const rulesText = (...rules: readonly string[]) => `${TEMPLATES}<group name="a,">${rules.join("")}</group>`;

const tree = (...rules: readonly string[]) =>
  shownTree(requireTexts({ rules: rulesText(...rules) }).rules.top);
const messages = (...rules: readonly string[]) => messagesOf({ rules: rulesText(...rules) });

test("RuleTree orders siblings by descending level, level 0 first, equal levels in load order", () => {
  const levels = [3, 0, 16, 3, 1, 0, 10];
  assert.equal(
    tree(...levels.map((level, index) => rule(100 + index, level))),
    "1(101 105 102 106 100 103 104)",
  );
});

test("RuleTree puts a rule without accuracy at its bare level, behind all others", () => {
  const inaccurate = ' accuracy="0"';
  assert.equal(
    tree(
      rule(100, 1),
      rule(101, 16, "", inaccurate),
      rule(102, 2),
      rule(103, 0, "", inaccurate),
      rule(104, 0),
      rule(105, 1, "", inaccurate),
    ),
    "1(104 102 100 103 101 105)",
  );
});

test("RuleTree puts a rule without parents below the first template of its category", () => {
  const ids = [2, 3, 4].map((id) => rule(id, 0, `<category>${id === 3 ? "syslog" : "ids"}</category>`));
  assert.equal(
    tree(...ids, rule(100, 3), rule(101, 3, "<category>ids</category>"), rule(102, 3, ifSid(4))),
    "1(100) 2(101) 3 4(102)",
  );
});

test("RuleTree puts a rule below each parent of <if_sid>, and its children follow it into each place", () => {
  assert.equal(
    tree(rule(100, 5), rule(101, 4), rule(102, 3, ifSid(100, 101)), rule(103, 3, ifSid(102))),
    "1(100(102(103)) 101(102(103)))",
  );
});

test("RuleTree ends the search of a list at the first rule of the id: it does not look below later siblings", () => {
  const before = [rule(100, 5), rule(101, 3), rule(102, 4, ifSid(1, 101))];
  assert.equal(tree(...before), "1(100 102 101(102))");
  assert.equal(tree(...before, rule(103, 3, ifSid(102))), "1(100 102(103) 101(102))");
});

test("RuleTree looks below the siblings in front of the first rule of the id", () => {
  const before = [rule(100, 5), rule(101, 3), rule(102, 2, ifSid(1, 101))];
  assert.equal(tree(...before), "1(100 101(102) 102)");
  assert.equal(tree(...before, rule(103, 3, ifSid(102))), "1(100 101(102(103)) 102(103))");
});

test("RuleTree gives children to the first of two places in one list only", () => {
  assert.equal(tree(rule(100, 3, ifSid(1, 1)), rule(101, 3, ifSid(100))), "1(100(101) 100)");
});

test("RuleTree puts a rule that names itself behind a parent below itself once", () => {
  const before = [rule(100, 3), rule(101, 3, ifSid(100, 101))];
  assert.equal(tree(...before), "1(100(101(101)))");
  assert.equal(tree(...before, rule(102, 3, ifSid(101))), "1(100(101(101 102)))");
});

test("RuleTree puts a rule below every earlier rule of its <if_group>", () => {
  const inGroup = (id: number, body: string) => rule(id, 3, `${body}<group>web,</group>`);
  assert.equal(
    tree(
      inGroup(100, ""),
      rule(101, 3),
      inGroup(102, ifSid(101)),
      inGroup(103, "<if_group>web</if_group>"),
      rule(104, 2, "<if_group>web</if_group>"),
    ),
    "1(100(103(104) 104) 101(102(103(104) 104)))",
  );
});

const GROUPS = "attack,sql_injection,Access$,";
const GROUP_MATCHES: readonly (readonly [pattern: string, matches: boolean])[] = [
  ["attack", true],
  ["INJECTION", true],
  ["nope|sql", true],
  ["^attack", true],
  ["^sql", false],
  ["nope|^att", true],
  ["access$", true],
  ["injection$", false],
  ["", false],
];

for (const [pattern, matches] of GROUP_MATCHES) {
  test(`RuleTree ${matches ? "finds" : "does not find"} the groups ${GROUPS} by <if_group>${pattern}</if_group>`, () => {
    const rules =
      TEMPLATES +
      `<group name="${GROUPS}">${rule(100, 3)}</group>` +
      `<group name="z,">${rule(101, 3, `<if_group>${pattern}</if_group>`)}</group>`;
    const warning = `warning: (7610): Group '${pattern}' was not found. Invalid 'if_group'. Rule '101' will be ignored.`;
    assert.deepEqual(messagesOf({ rules }), matches ? [] : [warning]);
    assert.equal(shownTree(requireTexts({ rules }).rules.top), matches ? "1(100(101))" : "1(100)");
  });
}

test("RuleTree looks for the groups that an overwritten rule has now", () => {
  const group = (name: string, text: string) => `<group name="${name}">${text}</group>`;
  const rules =
    TEMPLATES +
    group("old,", rule(100, 3)) +
    group("z,", rule(101, 3, "<if_group>old</if_group>")) +
    group("new,", rule(100, 3, "", ' overwrite="yes"')) +
    group("z,", rule(102, 3, "<if_group>new</if_group>") + rule(103, 3, "<if_group>old</if_group>"));
  assert.equal(shownTree(requireTexts({ rules }).rules.top), "1(100(101 102))");
});

test("RuleTree puts a rule below every rule of its <if_level> or above, level 0 counting as the highest", () => {
  assert.equal(
    tree(rule(100, 5), rule(101, 4), rule(102, 0), rule(103, 3, "<if_level>5</if_level>")),
    "1(102(103) 100(103) 101 103)",
  );
});

test("RuleTree puts a rule with nothing but <if_matched_…> where that leads", () => {
  assert.equal(
    tree(
      rule(100, 3, "<group>web,</group>"),
      rule(101, 3, "<if_matched_sid>100</if_matched_sid>"),
      rule(102, 3, "<if_matched_group>web</if_matched_group>"),
      rule(103, 3, `<if_matched_sid>100</if_matched_sid>${ifSid(1)}`),
      rule(104, 3, "<if_matched_regex>x</if_matched_regex>"),
    ),
    "1(100(101 102) 103 104)",
  );
});

const LEFT_OUT: readonly (readonly [what: string, rule: string, messages: readonly string[]])[] = [
  [
    "no parent of <if_sid>",
    rule(100, 3, ifSid(55)),
    [
      "(7617): Signature ID '55' was not found and will be ignored in the 'if_sid' option of rule '100'.",
      "(7619): Empty 'if_sid' value. Rule '100' will be ignored.",
    ],
  ],
  [
    "no number in <if_sid>",
    rule(100, 3, "<if_sid> , </if_sid>"),
    ["(7619): Empty 'if_sid' value. Rule '100' will be ignored."],
  ],
  [
    "no rule of <if_matched_sid>",
    rule(100, 3, "<if_matched_sid>55</if_matched_sid>"),
    ["(7620): Signature ID '55' was not found. Invalid 'if_matched_sid'.Rule '100' will be ignored."],
  ],
  [
    "no rule of the category",
    rule(100, 3, "<category>ids</category>"),
    ["(7611): Category was not found. Invalid 'category'. Rule '100' will be ignored."],
  ],
];

for (const [what, text, expected] of LEFT_OUT) {
  test(`RuleTree leaves a rule out that finds ${what}`, () => {
    assert.deepEqual(
      messages(text),
      expected.map((message) => `warning: ${message}`),
    );
    assert.equal(tree(text), "1");
  });
}

test("RuleTree leaves a rule out whose <if_level> no rule has", () => {
  const rules = `<group name="a,">${rule(1, 3)}${rule(100, 3, "<if_level>4</if_level>")}</group>`;
  assert.deepEqual(messagesOf({ rules }), [
    "warning: (7608): Level ID '4' was not found. Invalid 'if_level'. Rule '100' will be ignored.",
  ]);
});

test("RuleTree passes over a parent that is not there", () => {
  const rules = [rule(100, 3), rule(101, 3, ifSid(55, 100))];
  assert.deepEqual(messages(...rules), [
    "warning: (7617): Signature ID '55' was not found and will be ignored in the 'if_sid' option of rule '101'.",
  ]);
  assert.equal(tree(...rules), "1(100(101))");
});

test("RuleTree does not know rules that are loaded later", () => {
  assert.equal(tree(rule(100, 3, ifSid(101)), rule(101, 3)), "1(101)");
});

test("RuleTree takes the first of two rules of one id", () => {
  const rules = [rule(100, 3, "<match>first</match>"), rule(100, 4, "<match>second</match>")];
  const { ruleset, problems } = loadTexts({ rules: rulesText(...rules) });
  assert.deepEqual(problems.map(shownProblem), [
    "warning r.xml:3:1 (7612): Rule ID '100' is duplicated. Only the first occurrence will be considered.",
  ]);
  assert.equal(ruleset?.rules.entryOf(100)?.definition.level, 3);
});

test("RuleTree takes a rule that overwrites nothing as a new one", () => {
  const rules = rulesText(rule(100, 3, "", ' overwrite="yes"'));
  assert.deepEqual(messagesOf({ rules }), [
    "warning: (7613): Rule ID '100' does not exist but 'overwrite' is set to 'yes'. Still, the rule will be loaded.",
  ]);
  assert.equal(ruleOf({ rules }, 100).level, 3);
});

test("RuleTree lets an overwriting rule replace everything but the place and the parents", () => {
  const rules = rulesText(
    rule(100, 8, "<match>old</match><group>old,</group>"),
    rule(101, 6),
    rule(102, 4, `${ifSid(101)}<if_matched_sid>100</if_matched_sid>`),
    rule(100, 2, "<decoded_as>any</decoded_as>", ' overwrite="yes"'),
    rule(102, 4, "", ' overwrite="yes"'),
  );
  const { rules: loaded } = requireTexts({ rules });
  assert.equal(shownTree(loaded.top), "1(100 101(102))");
  const entry = loaded.entryOf(100);
  assert.deepEqual(
    [entry?.definition.level, entry?.definition.groupText, entry?.definition.decodedAs],
    [2, "a,", "any"],
  );
  assert.deepEqual([entry?.definition.conditions, entry?.original.level], [[], 8]);
  assert.deepEqual(loaded.entryOf(102)?.original.correlation?.source, { kind: "rule", id: 100 });
  assert.equal(loaded.entryOf(102)?.definition.correlation, null);
  assert.deepEqual(messagesOf({ rules }), []);
});

test("RuleTree warns of an overwriting rule with other parents", () => {
  const parents = [
    ifSid(1),
    "<if_group>a</if_group>",
    "<if_level>3</if_level>",
    "<if_matched_sid>1</if_matched_sid>",
    "<if_matched_group>a</if_matched_group>",
  ];
  const names = ["if_sid", "if_group", "if_level", "if_matched_sid", "if_matched_group"];
  const overwritten = rule(100, 3, parents.join(""), ' overwrite="yes"');
  assert.deepEqual(
    messages(rule(100, 3), overwritten),
    names.map(
      (name) =>
        `warning: (7605): It is not possible to overwrite '${name}' value in rule '100'. The original value is retained.`,
    ),
  );
  assert.deepEqual(messages(rule(100, 3, ifSid(1)), rule(100, 4, ifSid(1), ' overwrite="yes"')), []);
});

test("RuleTree compares later rules with the new level of an overwritten one", () => {
  const overwritten = rule(100, 1, "", ' overwrite="yes"');
  assert.equal(tree(rule(100, 8), rule(101, 6), overwritten, rule(102, 5)), "1(102 100 101)");
});

test("RuleTree refuses a chain of rules that is too long", () => {
  const chain = (length: number) =>
    Array.from({ length }, (_, index) => rule(100 + index, 3, ifSid(index === 0 ? 1 : 99 + index)));
  assert.deepEqual(messages(...chain(DEPTH_MAX - 1)), []);
  const { ruleset, problems } = loadTexts({ rules: rulesText(...chain(DEPTH_MAX)) });
  assert.equal(ruleset, null);
  assert.equal(problems[0]?.message, `Rule '${99 + DEPTH_MAX}' makes the tree of rules too large.`);
  assert.equal(problems[0].expected, `at most ${DEPTH_MAX} rules below each other`);
});

test("RuleTree refuses rules that double it, with one error", () => {
  const rules = Array.from({ length: 40 }, (_, index) => rule(100 + index, 3, "<if_level>1</if_level>"));
  const { ruleset, problems } = loadTexts({ rules: rulesText(...rules) });
  assert.equal(ruleset, null);
  // The first rule makes two places, so rule 116 makes the 2^17th, which is the last one allowed.
  assert.deepEqual(
    problems.map(({ message }) => message),
    ["Rule '117' makes the tree of rules too large."],
  );
});
