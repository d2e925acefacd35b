/** Goal: a trace names the condition that failed, as it is written, in the peer's order. Method: one rule and one event at a time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JSON_DECODER } from "../engine.fixture.ts";
import { conditionText } from "./conditions.ts";
import { TraceFixture } from "./trace.fixture.ts";

/** Holds or not with `{"srcip":…}` below. */
const MESSAGE = '{"srcip":"192.0.2.7","user":"eve","id":"42","status":"ok","a":{"b":"c"}}';

/** The failing condition of a rule with this body, and the value that it was tested on. */
function failing(body: string, message = MESSAGE, attributes = ""): readonly [string, string | null] | null {
  const rules = `<rule id="100" level="3" ${attributes}>${body}<description>x</description></rule>`;
  const lists = { bad: "192.0.2.9:x\nc:y\n" };
  const { failed } = new TraceFixture({ rules, lists, decoders: JSON_DECODER }).tryOf(100, message);
  return failed === null ? null : [conditionText(failed.condition), failed.value];
}

const CASES: readonly (readonly [body: string, value: string | null])[] = [
  ["<match>nothing|else</match>", MESSAGE],
  ['<match type="pcre2" negate="yes">eve</match>', MESSAGE],
  ["<regex>^nothing</regex>", MESSAGE],
  ['<field name="a.b">^d$</field>', "c"],
  ['<field name="a.b" negate="yes">^c$</field>', "c"],
  ['<field name="a.z" negate="yes">^c$</field>', null],
  ["<user>root</user>", "eve"],
  ["<srcip>192.0.2.9</srcip>", "192.0.2.7"],
  ['<srcip negate="yes">192.0.2.0/24</srcip>', "192.0.2.7"],
  ["<dstip>any</dstip>", null],
  ["<status>bad</status>", "ok"],
  ["<action>drop</action>", null],
  ['<action type="osmatch">drop</action>', null],
  ["<program_name>x</program_name>", null],
  ["<hostname>x</hostname>", "manager"],
  ["<location>x</location>", "/var/log/test.log"],
  ["<srcgeoip>x</srcgeoip>", null],
  ["<compiled_rule>check_id_size</compiled_rule>", "42"],
  ["<compiled_rule>is_simple_http_request</compiled_rule>", null],
  ['<list field="srcip" lookup="match_key">etc/lists/bad</list>', "192.0.2.7"],
  ['<list field="a.b" lookup="match_key_value" check_value="z">etc/lists/bad</list>', "c"],
  ["<if_fts />", null],
];

test("tryConditions() names the condition that failed and its value", () => {
  for (const [body, value] of CASES) assert.deepEqual(failing(body), [body, value], body);
});

test("tryConditions() names conditions that are written otherwise", () => {
  assert.deepEqual(failing("<decoded_as>json</decoded_as>", "x"), ["<decoded_as>json</decoded_as>", null]);
  assert.deepEqual(failing("<match>a</match>", "a", 'maxsize="9"'), ['maxsize="9"', "1 bytes"]);
  assert.deepEqual(failing("<srcip>192.0.2.1</srcip><srcip>192.0.2.2</srcip>"), [
    "<srcip>192.0.2.1, 192.0.2.2</srcip>",
    "192.0.2.7",
  ]);
  const [time, clock] = failing("<time>0:00-0:00</time>") ?? [];
  assert.equal(time, "<time>00:00-00:00</time>");
  assert.match(clock ?? "", /^\d\d:\d\d:\d\d$/);
  // The fixture's day is a Saturday, wherever the test runs.
  assert.deepEqual(failing("<weekday>monday,tuesday</weekday>"), [
    "<weekday>monday,tuesday</weekday>",
    "saturday",
  ]);
});

/** All fail; the order is not that of the peer. */
const ALL_FAILING = [
  '<list field="srcip" lookup="match_key">etc/lists/bad</list>',
  "<status>bad</status>",
  "<user>root</user>",
  "<dstip>192.0.2.1</dstip>",
  "<srcip>192.0.2.1</srcip>",
  '<field name="a.b">^x$</field>',
  '<field name="a.b">^y$</field>',
  "<location>x</location>",
  "<regex>^x</regex>",
  "<match>x1</match>",
  "<id>x</id>",
  "<program_name>x</program_name>",
];

/** wazuh v4.14.7: src/analysisd/analysisd.c. */
const PEER_ORDER = [
  "program_name",
  "id",
  "match",
  "regex",
  "location",
  'field name="a.b">^x',
  'field name="a.b">^y',
  "srcip",
  "dstip",
  "user",
  "status",
  "list",
];

test("tryConditions() looks at conditions in the order of the peer", () => {
  let left = ALL_FAILING;
  for (const start of PEER_ORDER) {
    const [text = ""] = failing(left.join("")) ?? [];
    assert(text.startsWith(`<${start}`), `${text} before ${start}`);
    left = left.filter((body) => body !== text);
  }
  assert.deepEqual(left, []);
  assert.equal(failing("<match>eve</match>"), null);
});

test("tryConditions() counts what held before", () => {
  const body = '<match>eve</match><field name="a.b">^c$</field><status>bad</status>';
  const rules = `<rule id="100" level="3">${body}<description>x</description></rule>`;
  assert.equal(new TraceFixture({ rules, decoders: JSON_DECODER }).tryOf(100, MESSAGE).conditionsHeld, 2);
});

test("Trace names the conditions that remember", () => {
  const rules = `<rule id="100" level="3"><hostname>manager</hostname><check_diff /><description>x</description></rule>`;
  const engine = new TraceFixture({ rules });
  const failed = (message: string) => {
    const found = engine.tryOf(100, message).failed;
    return found === null ? null : conditionText(found.condition);
  };
  assert.deepEqual([failed("a"), failed("a"), failed("b")], ["<check_diff />", "<check_diff />", null]);
});
