/**
 * Goal: each element of a rule means what the peer makes of it, and every mistake is named as the peer names it. Method: a rule with
 * that element, loaded in a small set; expected values and messages are from the specification.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messagesOf, ruleOf, TEMPLATES, type Texts } from "./load-texts.fixture.ts";
import type { Condition, RuleDefinition } from "./rule.ts";

const LISTS = { "etc/lists/a": "key:value\n" };

function texts(body: string, attributes = ""): Texts {
  const rules = `${TEMPLATES}<group name="a,"><rule id="100" level="3"${attributes}>${body}<description>x</description></rule></group>`;
  return { rules, lists: LISTS };
}

const read = (body: string, attributes = ""): RuleDefinition => ruleOf(texts(body, attributes), 100);
const messages = (body: string, attributes = "") => messagesOf(texts(body, attributes));

function onlyCondition(body: string): Condition {
  const [condition, ...others] = read(body).conditions;
  assert(condition !== undefined);
  assert.equal(others.length, 0);
  return condition;
}

function pattern(body: string): Extract<Condition, { kind: "pattern" }> {
  const condition = onlyCondition(body);
  assert(condition.kind === "pattern");
  return condition;
}

const SUBJECTS: readonly (readonly [option: string, kind: string, subject: object])[] = [
  ["match", "osmatch", { kind: "log" }],
  ["regex", "osregex", { kind: "log" }],
  ["action", "string", { kind: "static", field: "action" }],
  ["user", "osmatch", { kind: "user", sourceFirst: false }],
  ["hostname", "osmatch", { kind: "hostname" }],
  ["program_name", "osmatch", { kind: "program_name" }],
  ["location", "osmatch", { kind: "location" }],
  ["srcgeoip", "osmatch", { kind: "place", field: "srcip" }],
  ["dstgeoip", "osmatch", { kind: "place", field: "dstip" }],
  ...["url", "id", "srcport", "dstport", "status", "protocol", "system_name", "data", "extra_data"].map(
    (field) => [field, "osmatch", { kind: "static", field }] as const,
  ),
];

for (const [option, kind, subject] of SUBJECTS) {
  test(`<${option}> is ${kind} on its subject`, () => {
    const condition = pattern(`<${option.toUpperCase()}>x</${option.toUpperCase()}>`);
    assert.equal(condition.pattern.kind, kind);
    assert.deepEqual(condition.subject, subject);
    assert.equal(condition.negate, false);
  });
}

test("patterns take a type and a negation, without regard to case", () => {
  const condition = pattern('<match TYPE="PCRE2" Negate="YES">^x</match>');
  assert.deepEqual([condition.pattern.kind, condition.pattern.text, condition.negate], ["pcre2", "^x", true]);
});

test("patterns that are repeated are joined; type and negation of the last one rule", () => {
  const condition = pattern('<match type="pcre2" negate="yes">a</match><match>b|c</match>');
  assert.deepEqual(
    [condition.pattern.kind, condition.pattern.text, condition.negate],
    ["osmatch", "ab|c", false],
  );
});

test("<field> is a condition of its own each time", () => {
  const { conditions } = read(
    '<field name="my.Field">x</field><field name="my.Field" type="osmatch">y</field>',
  );
  const shown = conditions.map((condition) =>
    condition.kind === "pattern" ? [condition.subject, condition.pattern.kind, condition.pattern.text] : [],
  );
  assert.deepEqual(shown, [
    [{ kind: "dynamic", name: "my.Field" }, "osregex", "x"],
    [{ kind: "dynamic", name: "my.Field" }, "osmatch", "y"],
  ]);
});

test("<field> refuses the names that have options of their own", () => {
  const names =
    "srcip dstip srcgeoip dstgeoip srcport dstport user srcuser dstuser url id data extra_data status protocol system_name action";
  for (const name of names.split(" ")) {
    const shown = name.toUpperCase();
    const expected = [`error: Failure to read rule 100. Field '${shown}' is static.`];
    assert.deepEqual(messages(`<field name="${shown}">x</field>`), expected);
  }
});

test("<srcip> and <dstip> hold any of their addresses", () => {
  const condition = onlyCondition('<srcip negate="yes">10.0.0.0/8</srcip><srcip>192.168.1.1</srcip>');
  assert(condition.kind === "address");
  assert.deepEqual([condition.field, condition.negate], ["srcip", false]);
  const answers = ["10.1.1.1", "192.168.1.1", "172.16.0.1"].map((address) =>
    condition.addresses.has(address),
  );
  assert.deepEqual(answers, [true, true, false]);
});

test("<description>, <info> and <cve> are joined; a description is one line", () => {
  const rule = read(
    "<description>a\nb\nc </description><info>i</info><info type='link'>j</info><cve>2</cve><cve>3</cve>",
  );
  assert.deepEqual([rule.description, rule.info, rule.cve], ["a b\nc x", "ij", "23"]);
});

test("<if_sid> and its relatives are kept as the rule gives them", () => {
  assert.deepEqual(read("<if_sid>1</if_sid><if_sid>, 1</if_sid>").parents.sids, [1, 1]);
  assert.deepEqual(read("<if_sid>1 ,,1</if_sid>").parents.sids, [1, 1]);
  assert.equal(read("<if_group>sys</if_group><if_group>log</if_group>").parents.group, "syslog");
  assert.equal(read("<if_level>16</if_level>").parents.level, 16);
  assert.equal(read("<if_matched_sid>1</if_matched_sid>").parents.matchedSid, 1);
  assert.equal(read("<if_matched_group>syslog</if_matched_group>").parents.matchedGroup, "syslog");
});

test("<if_matched_…> say where earlier events are looked for", () => {
  const source = (body: string) => read(body).correlation?.source;
  assert.deepEqual(source("<if_matched_sid>1</if_matched_sid>"), { kind: "rule", id: 1 });
  const group = source("<if_matched_group>sys|x</if_matched_group>");
  assert(group?.kind === "group");
  assert.equal(group.group.test("a,syslog,"), true);
  const log = source("<if_sid>1</if_sid><if_matched_regex>\\d+</if_matched_regex>");
  assert(log?.kind === "any");
  assert.deepEqual([log.log?.kind, log.log?.test("a1")], ["osregex", true]);
  assert.equal(read("<check_diff/><same_id/>").correlation, null);
});

test("<same_…> and <different_…> name the fields to compare", () => {
  const same =
    "<same_id/><same_source_ip/><same_srcip/><Same_DstIp/><same_src_port/><same_dst_port/><same_srcuser/><same_user/>" +
    "<same_location/><same_srcgeoip/><same_field>my.a</same_field>";
  const different =
    "<different_url/><different_srcip/><not_same_source_ip/><not_same_user/><not_same_id/><different_system_name/>" +
    "<different_field>my.b</different_field><not_same_field>my.c</not_same_field>";
  const rule = read(
    `<if_matched_sid>1</if_matched_sid><global_frequency/>${same}${different}`,
    ' frequency="3"',
  );
  assert.equal(rule.frequency, 3);
  assert.equal(rule.correlation?.globalFrequency, true);
  assert.deepEqual(rule.correlation.same, [
    "id",
    "srcip",
    "srcip",
    "dstip",
    "srcport",
    "dstport",
    "srcuser",
    "dstuser",
    "location",
    "srcgeoip",
  ]);
  assert.deepEqual(rule.correlation.different, ["url", "srcip", "srcip", "dstuser", "id", "system_name"]);
  assert.deepEqual(rule.correlation.sameDynamic, ["my.a"]);
  assert.deepEqual(rule.correlation.differentDynamic, ["my.b", "my.c"]);
});

test("the names that the peer compares with case must be in lower case", () => {
  const names = [
    ..."id url data extra_data status system_name srcgeoip dstgeoip".split(" ").map((word) => `same_${word}`),
    "different_srcip",
    "not_same_source_ip",
    "different_data",
  ];
  for (const name of names) {
    const wrong = name.replace("same", "Same").replace("different", "Different");
    const body = (option: string) => `<if_matched_sid>1</if_matched_sid><${option}/>`;
    assert.deepEqual(messages(body(wrong)), [`error: Invalid option '${wrong}' for rule '100'.`]);
    assert.deepEqual(messages(body(name)), []);
  }
});

test("<list> looks a field up", () => {
  const body =
    '<list FIELD="user">etc/lists/a</list><list field="my.field rest" lookup="match_key_value" check_value="^v">etc/lists/a.cdb</list>' +
    '<list field="srcuser">etc/lists/a</list><list field="system_name" lookup="not_address_match_key">etc/lists/a</list>';
  const shown = read(body).lists.map(({ subject, lookup, path, value }) => [
    subject,
    lookup,
    path,
    value?.kind,
  ]);
  assert.deepEqual(shown, [
    [{ kind: "user", sourceFirst: true }, "match_key", "etc/lists/a", undefined],
    [{ kind: "dynamic", name: "my.field" }, "match_key_value", "etc/lists/a.cdb", "osmatch"],
    [{ kind: "dynamic", name: "srcuser" }, "match_key", "etc/lists/a", undefined],
    [{ kind: "static", field: "system_name" }, "not_address_match_key", "etc/lists/a", undefined],
  ]);
});

test("<mitre> takes technique ids or pairs, over several blocks", () => {
  assert.deepEqual(read("<mitre><id>T1</id><id>T2</id></mitre><mitre><id>T3</id></mitre>").mitre, {
    kind: "techniques",
    ids: ["T1", "T2", "T3"],
  });
  const pair = (tactic: string, technique: string) =>
    `<mitre><tacticID>${tactic}</tacticID><techniqueID>${technique}</techniqueID></mitre>`;
  assert.deepEqual(read(pair("TA1", "T1") + pair("TA2", "T2")).mitre, {
    kind: "pairs",
    pairs: [
      { tacticId: "TA1", techniqueId: "T1" },
      { tacticId: "TA2", techniqueId: "T2" },
    ],
  });
});

const MITRE_MISTAKES: readonly (readonly [text: string, reason: string])[] = [
  ["<mitre></mitre>", "Empty Mitre information for"],
  ["<mitre><id></id></mitre>", "No Mitre Technique ID found for"],
  ["<mitre><techniqueID>T1</techniqueID></mitre>", "Mitre tacticID should be defined in"],
  ["<mitre><tacticID>TA1</tacticID></mitre>", "Mitre techniqueID should be defined in"],
  [
    "<mitre><tacticID>a</tacticID><techniqueID>b</techniqueID><techniqueID>c</techniqueID></mitre>",
    "More than one pair in one Mitre block of",
  ],
  [
    "<mitre><id>T1</id><tacticID>a</tacticID><techniqueID>b</techniqueID></mitre>",
    "Mitre information of both forms in",
  ],
];

for (const [text, reason] of MITRE_MISTAKES) {
  test(`${text} is left out with a warning`, () => {
    assert.deepEqual(messages(text), [`warning: ${reason} rule '100'`]);
    assert.equal(read(text).mitre, null);
  });
}

test("<mitre> blocks of both forms: the first form stays", () => {
  const body = "<mitre><id>T1</id></mitre><mitre><tacticID>a</tacticID><techniqueID>b</techniqueID></mitre>";
  assert.deepEqual(messages(body), ["warning: Mitre information of both forms in rule '100'"]);
  assert.deepEqual(read(body).mitre, { kind: "techniques", ids: ["T1"] });
});

test("<options> are kept in their order", () => {
  const options = "alert_by_email no_email_alert log_alert no_log no_ar no_full_log no_counter".split(" ");
  assert.deepEqual(read(options.map((option) => `<options>${option}</options>`).join("")).options, options);
});

test("<ignore> and <check_if_ignored> name the fields of their line", () => {
  const rule = read(
    "<ignore>user, srcip,location,my.field,</ignore><check_if_ignored>name,id,data,dstip</check_if_ignored>",
  );
  assert.deepEqual(rule.ignoredFields, {
    statics: new Set(["dstuser", "srcip"]),
    location: true,
    name: false,
    dynamics: ["my.field"],
  });
  assert.deepEqual(rule.checkIfIgnored, {
    statics: new Set(["id", "data", "dstip"]),
    location: false,
    name: true,
    dynamics: [],
  });
});

test("flags, compiled rules, times and categories are read", () => {
  const rule = read(
    "<if_fts/><category>syslog</category><decoded_as>an</decoded_as><decoded_as>y</decoded_as>",
  );
  assert.deepEqual([rule.firstTimeSeen, rule.category, rule.decodedAs], [true, 1, "any"]);
  assert.equal(read("<check_diff/>").checkDiff, true);
  assert.deepEqual(onlyCondition("<compiled_rule>is_valid_crawler</compiled_rule>"), {
    kind: "compiled",
    name: "is_valid_crawler",
  });
  assert.deepEqual(onlyCondition("<time>9 am - 5 pm</time>"), {
    kind: "time",
    window: { fromMinute: 540, toMinute: 1020, outside: false },
  });
  assert.deepEqual(onlyCondition("<weekday>weekends</weekday>"), {
    kind: "weekday",
    days: [true, false, false, false, false, false, true],
  });
});

const ERRORS: readonly (readonly [body: string, ...messages: string[]])[] = [
  ["<foo/>", "Invalid option 'foo' for rule '100'."],
  ["<constructor/>", "Invalid option 'constructor' for rule '100'."],
  ["<__proto__/>", "Invalid option '__proto__' for rule '100'."],
  ["<regex>\\q</regex>", "(5107): Syntax error on tag 'regex' in rule 100"],
  ['<match type="pcre2">(</match>', "(5107): Syntax error on tag 'match' in rule 100"],
  ['<field name="a">(</field>', "(5107): Syntax error on tag 'field' in rule 100"],
  ["<if_matched_regex>(</if_matched_regex>", "(5107): Syntax error on tag 'if_matched_regex' in rule 100"],
  ["<field>x</field>", "Failure to read rule 100. No such attribute 'name' for field."],
  ["<srcip>1.2.3</srcip>", "(1237): Invalid ip address: '1.2.3'."],
  [
    "<options>foo</options>",
    "(1235): Invalid value for element 'options': foo.",
    "Invalid option 'options' for rule '100'.",
  ],
  ["<compiled_rule>foo</compiled_rule>", "Invalid option 'compiled_rule' for rule '100'."],
  ["<time>9</time>", "(1240): Invalid time format: '9'."],
  ["<weekday>!monday</weekday>", "(1241): Invalid day format: '!monday'."],
  ["<category>foo</category>", "(1273): Invalid category 'foo' in rule '100'."],
  ["<decoded_as>nope</decoded_as>", "Invalid decoder name: 'nope'."],
  ["<list>etc/lists/a</list>", "Invalid list options in rule '100'."],
  ['<list field="id" lookup="foo">etc/lists/a</list>', "Invalid list options in rule '100'."],
  ["<same_id/>", "Invalid use of frequency/context options. Missing if_matched on rule '100'."],
  [
    "<different_field>x</different_field>",
    "Invalid use of frequency/context options. Missing if_matched on rule '100'.",
  ],
  ["<global_frequency/>", "Invalid use of frequency/context options. Missing if_matched on rule '100'."],
  [`<match>${"x".repeat(2048)}</match>`, "Option 'match' of rule '100' is too long."],
  [`<if_group>${"x".repeat(2048)}</if_group>`, "Option 'if_group' of rule '100' is too long."],
];

for (const [body, ...expected] of ERRORS) {
  test(`${body.slice(0, 60)} is an error`, () => {
    const errors = messages(body).filter((message) => message.startsWith("error"));
    assert.deepEqual(
      errors,
      expected.map((message) => `error: ${message}`),
    );
  });
}

test("an option holds 2,047 bytes an element, and more may be added to that", () => {
  const part = `<match>${"x".repeat(2047)}</match>`;
  assert.equal(pattern(part + part).pattern.text.length, 4094);
  assert.deepEqual(messages(part + part + part), ["error: Option 'match' of rule '100' is too long."]);
});

const WARNINGS: readonly (readonly [body: string, ...messages: string[]])[] = [
  [
    '<match type="foo" negate="maybe">x</match>',
    "(7600): Invalid value 'maybe' for attribute 'negate' in rule 100.",
    "(7600): Invalid value 'foo' for attribute 'type' in rule 100.",
  ],
  [
    "<same_agent/><not_same_agent/>",
    "Detected a deprecated field option for rule, same_agent is not longer available.",
    "Detected a deprecated field option for rule, not_same_agent is not longer available.",
  ],
];

for (const [body, ...expected] of WARNINGS) {
  test(`${body} is a warning, and the rule is loaded`, () => {
    assert.deepEqual(
      messages(body),
      expected.map((message) => `warning: ${message}`),
    );
    assert.equal(read(body).id, 100);
  });
}

const IGNORED: readonly (readonly [body: string, message: string])[] = [
  ["<if_sid>1a</if_sid>", "(7618): Invalid 'if_sid' value: '1a'. Rule '100' will be ignored."],
  ["<if_sid></if_sid>", "(7618): Invalid 'if_sid' value: ''. Rule '100' will be ignored."],
  ["<if_level>0</if_level>", "(7609): Invalid 'if_level' value: '0'. Rule '100' will be ignored."],
  ["<if_level>x</if_level>", "(7609): Invalid 'if_level' value: 'x'. Rule '100' will be ignored."],
  [
    "<if_matched_sid>1,2</if_matched_sid><same_id/>",
    "(7615): Invalid 'if_matched_sid' value: '1,2'. Rule '100' will be ignored.",
  ],
  [
    '<list field="id">etc/lists/b</list>',
    "(7616): List 'etc/lists/b' could not be loaded. Rule '100' will be ignored.",
  ],
];

for (const [body, message] of IGNORED) {
  test(`${body} leaves the rule out with one warning`, () => {
    assert.deepEqual(messages(body), [`warning: ${message}`]);
    assert.throws(() => read(body), /no rule 100/);
  });
}
