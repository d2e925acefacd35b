/**
 * Goal: a decoder means what the peer makes of it, and every mistake is named as the peer names it. Method: small texts; expected
 * definitions and messages are from the specification of the format.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decoder } from "./decoder.ts";
import { loadTexts, messagesOf, requireTexts, shownProblem } from "./load-texts.fixture.ts";

function onlyDecoder(text: string): Decoder {
  const { decoders } = requireTexts({ decoders: text });
  const [decoder] = [...decoders.withProgramName, ...decoders.withoutProgramName];
  assert(decoder !== undefined);
  return decoder;
}

function onlyChild(body: string, parent = "<prematch>p</prematch>"): Decoder {
  const text = `<decoder name="p">${parent}</decoder><decoder name="c"><parent>p</parent>${body}</decoder>`;
  const [child] = onlyDecoder(text).children;
  assert(child !== undefined);
  return child;
}

const REGEX = "<regex>(x)</regex><order>id</order>";

test("readDecoder() gives what is not said its default", () => {
  const decoder = onlyDecoder('<decoder name="a"><prematch>x</prematch></decoder>');
  const { id: _id, position: _position, prematch, ...rest } = decoder;
  assert.equal(prematch?.kind, "osregex");
  assert.deepEqual(rest, {
    name: "a",
    shownName: "a",
    parent: null,
    category: 1,
    programName: null,
    prematchOffset: "log",
    regex: null,
    regexOffset: "log",
    order: [],
    fts: null,
    ftsComment: null,
    accumulate: false,
    useOwnName: false,
    plugin: null,
    pluginOffset: "log",
    jsonNull: "string",
    jsonArray: "array",
    children: [],
    next: false,
  });
});

test("readDecoder() reads every option, names without regard to case", () => {
  const decoder = onlyDecoder(
    `<DECODER NAME="a" Status="x"><Program_Name>^a</Program_Name><PREMATCH type="PCRE2">^b</PREMATCH>
     <Regex Offset="After_Prematch">(c) (\\S+)</Regex><ORDER>srcip, my.field</ORDER><type>web-log</type>
     <FTS>name,location, srcip,MY.FIELD</FTS><ftscomment>new</ftscomment><accumulate/></DECODER>`,
  );
  assert.equal(decoder.programName?.kind, "osmatch");
  assert.equal(decoder.prematch?.kind, "pcre2");
  assert.equal(decoder.regex?.kind, "osregex");
  assert.equal(decoder.regexOffset, "after_prematch");
  assert.deepEqual(decoder.order, [
    { kind: "static", field: "srcip" },
    { kind: "dynamic", name: "my.field" },
  ]);
  assert.equal(decoder.category, 7);
  assert.deepEqual(decoder.fts, { statics: new Set(["srcip"]), location: true, dynamics: ["my.field"] });
  assert.equal(decoder.ftsComment, "new");
  assert.equal(decoder.accumulate, true);
});

test("readDecoder() knows the types of the peer", () => {
  const types = ["firewall", "ids", "web-log", "syslog", "squid", "windows", "host-information", "ossec"];
  const categories = types.map(
    (type) => onlyDecoder(`<decoder name="a"><prematch>x</prematch><type>${type}</type></decoder>`).category,
  );
  assert.deepEqual(categories, [3, 2, 7, 1, 8, 9, 10, 11]);
});

test("readDecoder() joins the texts of a repeated pattern and takes the kind of the last one", () => {
  const decoder = onlyDecoder(
    '<decoder name="a"><prematch type="pcre2">a|</prematch><prematch>b</prematch></decoder>',
  );
  assert.equal(decoder.prematch?.text, "a|b");
  assert.equal(decoder.prematch.kind, "osregex");
  assert.equal(decoder.prematch.test("has b"), true);
});

test("readDecoder() keeps the offset of the first of several texts", () => {
  const child = onlyChild('<regex offset="after_parent">(x</regex><regex>y)</regex><order>id</order>');
  assert.deepEqual([child.regex?.text, child.regexOffset], ["(xy)", "after_parent"]);
});

test("readDecoder() accepts an empty pattern", () => {
  assert.equal(onlyDecoder('<decoder name="a"><prematch></prematch></decoder>').prematch?.text, "");
});

test("readDecoder() knows the fields of <order>, each word up to its first blank", () => {
  const words =
    "user,dstuser,  srcuser x,srcip,dstip,srcport,dstport,protocol,action,id,url,data,extra_data,status,system_name";
  const decoder = onlyDecoder(
    `<decoder name="a"><prematch>x</prematch><regex>(x)</regex><order>${words},filename,SRCIP,a\\,b</order></decoder>`,
  );
  const shown = decoder.order.map((target) =>
    target.kind === "static" ? target.field : `dynamic ${target.name}`,
  );
  assert.equal(
    shown.join(" "),
    "dstuser dstuser srcuser srcip dstip srcport dstport protocol action id url data extra_data status system_name " +
      "dynamic filename dynamic SRCIP dynamic a,b",
  );
});

test("readDecoder() knows the words of <fts>", () => {
  const words = "dstuser,user,srcuser,srcip,dstip,id,location,extra_data,system_name,name,x.Y";
  const { fts } = onlyDecoder(
    `<decoder name="a"><prematch>x</prematch><regex>(x)</regex><order>X.y</order><fts>${words}</fts></decoder>`,
  );
  assert.deepEqual(fts, {
    statics: new Set(["dstuser", "srcuser", "srcip", "dstip", "id", "data", "system_name"]),
    location: true,
    dynamics: ["X.y"],
  });
});

test("readDecoder() reads plugins and what belongs to them", () => {
  const child = onlyChild(
    `<prematch offset="after_parent">j</prematch><plugin_decoder offset="after_prematch">JSON_Decoder</plugin_decoder>
     <json_null_field>discard</json_null_field><json_array_structure>csv</json_array_structure><use_own_name>true</use_own_name>`,
  );
  assert.equal(child.prematchOffset, "after_parent");
  assert.deepEqual([child.plugin, child.pluginOffset], ["JSON_Decoder", "after_prematch"]);
  assert.deepEqual([child.jsonNull, child.jsonArray], ["discard", "csv"]);
  assert.equal(child.shownName, "c");
  for (const plugin of ["PF_Decoder", "SymantecWS_Decoder", "SonicWall_Decoder", "OSSECAlert_Decoder"]) {
    assert.equal(onlyChild(`<plugin_decoder>${plugin}</plugin_decoder>`).plugin, plugin);
  }
});

test("readDecoder() lets a regex without parent come after a prematch that is not there", () => {
  const decoder = onlyDecoder(
    '<decoder name="a"><program_name>^a</program_name><regex offset="after_prematch">(x)</regex><order>id</order></decoder>',
  );
  assert.equal(decoder.regexOffset, "after_prematch");
});

const inDecoder = (body: string, attributes = 'name="a"') => `<decoder ${attributes}>${body}</decoder>`;
const inChild = (body: string) =>
  `<decoder name="a"><prematch>p</prematch></decoder><decoder name="a"><parent>a</parent>${body}</decoder>`;
const CONFIGURATION_ERROR = "error: (2107): Decoder configuration error: 'a'.";

const MISTAKES: readonly (readonly [what: string, text: string, messages: readonly string[]])[] = [
  ["another root", "<x/>", ["error: (1230): Invalid element in the configuration: 'x'."]],
  [
    "a decoder without name",
    inDecoder("", ""),
    ["error: (1230): Invalid element in the configuration: 'decoder'."],
  ],
  [
    "a name that is not first",
    inDecoder("", 'status="x" name="a"'),
    ["error: (1230): Invalid element in the configuration: 'decoder'."],
  ],
  [
    "another attribute",
    inDecoder("", 'name="a" x="b"'),
    ["error: (1230): Invalid element in the configuration: 'decoder'."],
  ],
  [
    "an unknown element",
    inDecoder("<prematch>x</prematch><foo/>"),
    ["error: Invalid element 'foo' for decoder 'decoder'"],
  ],
  [
    "a name of JavaScript as element",
    inDecoder("<prematch>x</prematch><constructor/><__proto__>x</__proto__>"),
    [
      "error: Invalid element 'constructor' for decoder 'decoder'",
      "error: Invalid element '__proto__' for decoder 'decoder'",
    ],
  ],
  [
    "<type> in the wrong case",
    inDecoder("<prematch>x</prematch><Type>ids</Type>"),
    ["error: Invalid element 'Type' for decoder 'decoder'"],
  ],
  [
    "an unknown type",
    inDecoder("<prematch>x</prematch><type>IDS</type>"),
    ["error: Invalid decoder type 'IDS'."],
  ],
  [
    "an unknown plugin",
    inDecoder("<prematch>x</prematch><plugin_decoder>Foo</plugin_decoder>"),
    ["error: (2110): Invalid decoder argument for plugin_decoder: 'Foo'."],
  ],
  [
    "a plugin with a regex",
    inDecoder(`<prematch>x</prematch>${REGEX}<plugin_decoder>PF_Decoder</plugin_decoder>`),
    ["error: (2111): Additional data to plugin decoder: 'a'."],
  ],
  [
    "nothing to begin with",
    inDecoder(REGEX),
    ["error: (2108): No 'prematch' found in decoder: 'a'.", CONFIGURATION_ERROR],
  ],
  ["a regex without order", inDecoder("<prematch>x</prematch><regex>(x)</regex>"), [CONFIGURATION_ERROR]],
  ["an order without regex", inDecoder("<prematch>x</prematch><order>id</order>"), [CONFIGURATION_ERROR]],
  ["an fts without regex", inDecoder("<prematch>x</prematch><fts>id</fts>"), [CONFIGURATION_ERROR]],
  [
    "an fts field that is not in the order",
    inDecoder(`<prematch>x</prematch>${REGEX}<fts>my.field</fts>`),
    [CONFIGURATION_ERROR],
  ],
  [
    "more fields than an order can hold",
    inDecoder(`<prematch>x</prematch><regex>(x)</regex><order>a${",a".repeat(1024)}</order>`),
    [CONFIGURATION_ERROR],
  ],
  [
    "an empty word in the order",
    inDecoder("<prematch>x</prematch><regex>(x)</regex><order>id,</order>"),
    ["warning: Empty field name in <order> of decoder 'a'."],
  ],
  [
    "a prematch that is no expression",
    inDecoder("<prematch>\\q</prematch>"),
    ["error: (1452): Syntax error on regex: '\\q'", CONFIGURATION_ERROR],
  ],
  [
    "an OS_Regex regex without a group",
    inDecoder("<prematch>x</prematch><regex>\\(x\\\\</regex><order>id</order>"),
    ["error: (1451): Missing sub_strings on regex: '\\(x\\\\'."],
  ],
  [
    "a PCRE2 regex without a group, which is fine",
    inDecoder('<prematch>x</prematch><regex type="pcre2">x</regex><order>id</order>'),
    [],
  ],
  [
    "a text that is too long",
    inDecoder(`<prematch>${"x".repeat(1000)}</prematch><prematch>${"x".repeat(24)}</prematch>`),
    [CONFIGURATION_ERROR],
  ],
  [
    "a text that is just not too long",
    inDecoder(`<prematch>${"x".repeat(1000)}</prematch><prematch>${"x".repeat(23)}</prematch>`),
    [],
  ],
  [
    "an unknown kind of pattern",
    inDecoder('<prematch type="osmatch">x</prematch>'),
    [
      "warning: (7601): Invalid value for attribute 'type' in 'prematch' option (decoder `a`). Default value will be used.",
    ],
  ],
  [
    "an unknown offset",
    inDecoder('<prematch offset="after_regex">x</prematch>'),
    [
      "error: (7601): Invalid value for attribute 'offset' in 'prematch' option (decoder `a`). Default value will be used.",
    ],
  ],
  [
    "a second offset",
    inChild(`<regex offset="after_parent">(x</regex><regex offset="after_parent">)</regex><order>id</order>`),
    ["error: (2109): Duplicated offsets for same regex. Decoder: 'a'."],
  ],
  [
    "a prematch after no parent",
    inDecoder('<prematch offset="after_parent">x</prematch>'),
    ["error: (2120): Invalid offset value: 'after_parent'", CONFIGURATION_ERROR],
  ],
  [
    "a regex after no parent",
    inDecoder('<prematch>x</prematch><regex offset="after_parent">(x)</regex><order>id</order>'),
    ["error: (2120): Invalid offset value: 'after_parent'", CONFIGURATION_ERROR],
  ],
  [
    "a regex after no regex",
    inDecoder('<prematch>x</prematch><regex offset="after_regex">(x)</regex><order>id</order>'),
    ["error: (2120): Invalid offset value: 'after_regex'", CONFIGURATION_ERROR],
  ],
  [
    "a child's regex after no prematch",
    inChild('<regex offset="after_prematch">(x)</regex><order>id</order>'),
    ["error: (2120): Invalid offset value: 'after_prematch'", CONFIGURATION_ERROR],
  ],
  [
    "a plugin after no prematch",
    inDecoder(
      '<program_name>x</program_name><plugin_decoder offset="after_prematch">JSON_Decoder</plugin_decoder>',
    ),
    ["error: (2120): Invalid offset value: 'after_prematch'", CONFIGURATION_ERROR],
  ],
  [
    "an invalid and a deprecated value for JSON",
    inDecoder(
      "<prematch>x</prematch><json_null_field>empty</json_null_field><json_array_structure>x</json_array_structure>",
    ),
    [
      "warning: (7603): Deprecated value 'empty' in 'json_null_field' option (decoder `a`). Default value will be used.",
      "warning: (7602): Invalid value 'x' in 'json_array_structure' option (decoder `a`). Default value will be used.",
    ],
  ],
];

for (const [what, text, messages] of MISTAKES) {
  test(`readDecoder() answers to ${what}`, () => assert.deepEqual(messagesOf({ decoders: text }), messages));
}

test("readDecoder() says where each mistake is and what was expected", () => {
  const { problems } = loadTexts({
    decoders: '<decoder name="a">\n  <prematch>x</prematch>\n  <foo/> <type>x</type>\n</decoder>',
  });
  assert.deepEqual(problems.map(shownProblem), [
    "error d.xml:3:3 Invalid element 'foo' for decoder 'decoder'",
    "error d.xml:3:10 Invalid decoder type 'x'.",
  ]);
  assert.match(problems[0]?.expected ?? "", /^one of parent, program_name, prematch, regex, order/);
  assert.match(problems[1]?.expected ?? "", /^one of syslog, ids, firewall/);
});
