/**
 * Goal: an event gets the fields that the peer's decoders give it. Method: small decoder trees, one rule of the tree walk each;
 * patterns end in literals so that the expected parts of the log can be read off.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecodedFields, documentOf, EngineFixture, JSON_DECODER } from "#analysis/engine.fixture.ts";
import { DYNAMIC_FIELDS_MAX } from "#analysis/event.ts";

const HEADER = "Nov 21 06:44:10 web1 ";

function decode(decoders: string, message: string): DecodedFields {
  return new EngineFixture({ decoders }).fields(message);
}

function decoderDocument(decoders: string, message: string): unknown {
  const { event, verdict } = new EngineFixture({ decoders }).process(message);
  return JSON.parse(documentOf(event, verdict)).decoder;
}

const APP = '<decoder name="app"><prematch>^app: </prematch></decoder>';

/** A child of `app` that is taken for every log. */
function child(name: string, body: string): string {
  return `<decoder name="${name}"><parent>app</parent>${body}</decoder>`;
}

test("DecoderRunner looks at the part of the log that `offset` names", () => {
  const withOffset = (offset: string, regex: string) =>
    APP +
    child(
      "app-child",
      `<prematch offset="after_parent">^kind=</prematch><regex${offset}>${regex}</regex><order>id</order>`,
    );
  const message = "app: kind=abc def";
  const idOf = (offset: string, regex: string) => decode(withOffset(offset, regex), message).statics["id"];
  assert.equal(idOf("", "^(\\w+):"), "app");
  assert.equal(idOf(' offset="after_parent"', "^(\\w+)="), "kind");
  assert.equal(idOf(' offset="after_prematch"', "^(\\w+) "), "abc");
  assert.equal(idOf(' offset="after_prematch"', "^(\\w+)="), undefined);
});

test("DecoderRunner counts a prematch without offset from the start of the log", () => {
  const decoders =
    APP +
    child(
      "app-child",
      '<prematch>^app: kind=</prematch><regex offset="after_prematch">^(\\w+) </regex><order>id</order>',
    );
  assert.deepEqual(decode(decoders, "app: kind=abc def").statics, { id: "abc" });
});

test("DecoderRunner takes the own prematch of a decoder without children for its parent's", () => {
  const top = (offset: string) =>
    `<decoder name="app"><prematch>^app: </prematch><regex offset="${offset}">^(\\w+) </regex><order>id</order></decoder>`;
  assert.deepEqual(decode(top("after_prematch"), "app: abc def").statics, { id: "abc" });
});

test("DecoderRunner skips one byte after an empty OS_Regex prematch", () => {
  const decoders =
    '<decoder name="app"><prematch></prematch><regex offset="after_prematch">(\\.+)</regex><order>id</order></decoder>';
  assert.deepEqual(decode(decoders, "hello").statics, { id: "ello" });
});

test("DecoderRunner finds nothing behind an empty PCRE2 match at the start of a log without header", () => {
  const decoders =
    '<decoder name="app"><prematch type="pcre2">^</prematch><regex offset="after_prematch">^(\\w+) </regex><order>id</order></decoder>';
  assert.deepEqual(decode(decoders, "hello world").statics, {});
  // The byte in front is then the blank of the header, not a NUL.
  assert.deepEqual(decode(decoders, `${HEADER}hello world`).statics, { id: "hello" });
});

test("DecoderRunner runs every regex of a decoder of several, each after the one before", () => {
  const decoders =
    APP +
    child("kv", '<regex offset="after_parent">^a=(\\w+) </regex><order>id</order>') +
    child("kv", '<regex offset="after_regex">^b=(\\w+) </regex><order>url</order>') +
    child("kv", '<regex offset="after_regex">^c=(\\w+) </regex><order>data</order>');
  assert.deepEqual(decode(decoders, "app: a=1 b=2 c=3 ").statics, { id: "1", url: "2", data: "3" });
  // The second finds nothing; the third goes on where the first ended.
  assert.deepEqual(decode(decoders, "app: a=1 c=3 ").statics, { id: "1", data: "3" });
  // None matched before: `after_regex` then means behind the prematch.
  assert.deepEqual(decode(decoders, "app: b=2 c=3 ").statics, { url: "2", data: "3" });
  assert.deepEqual(decode(decoders, "app: c=3 ").statics, { data: "3" });
});

test("DecoderRunner lets a regex of several stop the others only when it is the last of its name", () => {
  const decoders =
    APP +
    child(
      "first",
      '<prematch offset="after_parent">^one </prematch><regex>id=(\\w+);</regex><order>id</order>',
    ) +
    child("between", "<regex>url=(\\w+);</regex><order>url</order>") +
    child("first", "<regex>data=(\\w+);</regex><order>data</order>");
  // "Go on" means the sibling that stands next, whatever its name; that one has no other of its name and ends the walk.
  assert.deepEqual(decode(decoders, "app: one id=1; url=2; data=3;").statics, { id: "1", url: "2" });
  // Passed over are the decoder whose prematch failed and one more.
  assert.deepEqual(decode(decoders, "app: two id=1; url=2; data=3;").statics, { data: "3" });
});

test("DecoderRunner passes over all regexes of a decoder whose prematch fails", () => {
  const decoders =
    APP +
    child("kv", '<prematch offset="after_parent">^kv </prematch><regex>id=(\\w+);</regex><order>id</order>') +
    child("kv", "<regex>url=(\\w+);</regex><order>url</order>") +
    child("kv", "<regex>data=(\\w+);</regex><order>data</order>") +
    child(
      "last",
      '<prematch offset="after_parent">^last </prematch><regex>url=(\\w+);</regex><order>status</order>',
    );
  assert.deepEqual(decode(decoders, "app: kv id=1; url=2; data=3;").statics, {
    id: "1",
    url: "2",
    data: "3",
  });
  assert.deepEqual(decode(decoders, "app: last id=1; url=2; data=3;").statics, { status: "2" });
  assert.deepEqual(decode(decoders, "app: none id=1; url=2; data=3;").statics, {});
});

test("DecoderRunner takes a child without prematch unconditionally and tries no other", () => {
  const decoders =
    APP +
    child("first", "<regex>^never$(\\w)</regex><order>id</order>") +
    child("second", "<regex>url=(\\w+);</regex><order>url</order>");
  assert.deepEqual(decode(decoders, "app: url=2;").statics, {});
});

test("DecoderRunner leaves the decoder the parent when the child has no prematch", () => {
  const body =
    "<regex>id=(\\w+);</regex><order>id</order><fts>id</fts><type>ids</type><accumulate/><use_own_name>true</use_own_name>";
  const rules =
    '<rule id="100001" level="5"><decoded_as>app</decoded_as><description>app</description></rule>' +
    '<rule id="100002" level="5"><category>ids</category><description>ids</description></rule>' +
    '<rule id="100003" level="6"><if_sid>100001</if_sid><if_fts/><description>new</description></rule>';
  const silent = new EngineFixture({ decoders: APP + child("own", body), rules });
  const { event, verdict } = silent.process("app: id=7;");
  assert.deepEqual(event.statics.includes("7"), true, "the child's regex ran");
  assert.equal(verdict?.rule.id, 100001, "type and fts of the child do not count");
  assert.deepEqual(JSON.parse(documentOf(event, verdict)).decoder, { name: "app" });

  const named = new EngineFixture({
    decoders: APP + child("own", `<prematch>^app: id</prematch>${body}`),
    rules,
  });
  const found = named.process("app: id=7;");
  assert.equal(found.verdict?.rule.id, 100002);
  assert.deepEqual(JSON.parse(documentOf(found.event, found.verdict)).decoder, {
    accumulate: 1,
    parent: "app",
    name: "own",
  });
});

test("DecoderRunner never runs the regex of a parent that has children", () => {
  const parent =
    '<decoder name="app"><prematch>^app: </prematch><regex>id=(\\w+);</regex><order>id</order></decoder>';
  assert.deepEqual(decode(parent, "app: id=7;").statics, { id: "7" });
  const withChild = parent + child("other", "<prematch>^other</prematch>");
  assert.deepEqual(decode(withChild, "app: id=7;"), { decoder: "app", statics: {}, dynamics: [] });
});

test("DecoderRunner calls a child by its parent's name unless it uses its own", () => {
  const prematch = "<prematch>^app: x</prematch>";
  assert.deepEqual(decoderDocument(APP + child("inner", prematch), "app: x"), { parent: "app", name: "app" });
  const own = `${prematch}<use_own_name>true</use_own_name>`;
  assert.deepEqual(decoderDocument(APP + child("inner", own), "app: x"), { parent: "app", name: "inner" });
  assert.deepEqual(decoderDocument(APP, "app: x"), { name: "app" });
  assert.deepEqual(decoderDocument(APP, "none: x"), {});
});

test("DecoderRunner tries only decoders with a program name for an event that has one, and the other way round", () => {
  const decoders = `
    <decoder name="plain"><prematch>^started</prematch></decoder>
    <decoder name="sshd"><program_name>^sshd</program_name></decoder>
    <decoder name="both"><program_name>^cron</program_name><prematch>^started</prematch></decoder>`;
  assert.equal(decode(decoders, "started").decoder, "plain");
  assert.equal(decode(decoders, `${HEADER}sshd[7]: started`).decoder, "sshd");
  assert.equal(decode(decoders, `${HEADER}cron: started`).decoder, "both");
  assert.equal(decode(decoders, `${HEADER}cron: stopped`).decoder, "", "its prematch fails");
  assert.equal(decode(decoders, `${HEADER}other: started`).decoder, "");
});

test("DecoderRunner gives the same answer for a program name however often it comes", () => {
  const decoders = '<decoder name="sshd"><program_name>^sshd</program_name></decoder>';
  const fixture = new EngineFixture({ decoders });
  for (let round = 0; round < 3; round++) {
    assert.equal(fixture.fields(`${HEADER}sshd: x`).decoder, "sshd");
    assert.equal(fixture.fields(`${HEADER}ssh: x`).decoder, "");
    assert.equal(
      fixture.fields(`${HEADER}sshd${"x".repeat(2000)}: x`).decoder,
      "sshd",
      "too long to remember",
    );
  }
  for (let index = 0; index < 10_000; index++) fixture.process(`${HEADER}p${index}: x`);
  assert.equal(fixture.fields(`${HEADER}sshd: x`).decoder, "sshd");
});

test("DecoderRunner stops at the first decoder of the top that holds", () => {
  const decoders = `
    <decoder name="first"><prematch>^app</prematch></decoder>
    <decoder name="first-child"><parent>first</parent><prematch>never</prematch><regex>(x)</regex><order>id</order></decoder>
    <decoder name="second"><prematch>^app: </prematch><regex>id=(\\w+);</regex><order>id</order></decoder>`;
  assert.deepEqual(decode(decoders, "app: id=7;"), { decoder: "first", statics: {}, dynamics: [] });
});

test("DecoderRunner replaces static fields and appends dynamic ones; captures without a name are dropped", () => {
  const decoders =
    APP +
    child("kv", "<regex>a=(\\w+);b=(\\w+);c=(\\w+);</regex><order>user, My.Field</order>") +
    child("kv", "<regex>d=(\\w+);e=(\\w+);</regex><order>dstuser,my.field</order>");
  const rules =
    '<rule id="100001" level="5"><decoded_as>app</decoded_as><field name="MY.FIELD">^2$</field><description>x</description></rule>';
  const fixture = new EngineFixture({ decoders, rules });
  const message = "app: a=1;b=2;c=3;d=4;e=5;";
  assert.deepEqual(fixture.fields(message), {
    decoder: "app",
    statics: { dstuser: "4" },
    dynamics: [
      ["My.Field", "2"],
      ["my.field", "5"],
    ],
  });
  assert.equal(fixture.rule(message), 100001, "a look-up finds the first, whatever the case");
});

test("DecoderRunner gives a plugin the part of the log that its offset names", () => {
  const plugin = (offset: string) =>
    APP +
    child(
      "app-json",
      `<prematch offset="after_parent">^[1] </prematch><plugin_decoder${offset}>JSON_Decoder</plugin_decoder>`,
    );
  const message = 'app: [1] {"x": "y"}';
  assert.deepEqual(decode(plugin(' offset="after_prematch"'), message).dynamics, [["x", "y"]]);
  assert.deepEqual(decode(plugin(""), message).dynamics, [], "the whole log is no JSON");
  const [after, before] = [plugin(' offset="after_parent"'), 'app: {"x": "y"}'];
  assert.deepEqual(decode(after.replace("^[1] ", "^{"), before).dynamics, [["x", "y"]]);
});

test("DecoderRunner ignores offset and JSON options of a plugin whose decoder the event is not known by", () => {
  const options = "<json_null_field>discard</json_null_field>";
  const json = '<plugin_decoder offset="after_parent">JSON_Decoder</plugin_decoder>';
  // The parent's place is the whole log.
  assert.deepEqual(decode(APP + child("app-json", json), 'app: {"x": "y"}').dynamics, []);
  const parent = '<decoder name="app"><prematch>^{</prematch></decoder>';
  const silent = parent + child("app-json", `<plugin_decoder>JSON_Decoder</plugin_decoder>${options}`);
  assert.deepEqual(decode(silent, '{"x": null}').dynamics, [["x", "null"]]);
});

test("DecoderRunner hands the JSON options of the decoder to the plugin", () => {
  const message = '{"a": null, "b": [1, "x"], "c": true}';
  const json = (options: string) => JSON_DECODER.replace("</decoder>", `${options}</decoder>`);
  assert.deepEqual(decode(json(""), message).dynamics, [
    ["a", "null"],
    ["b", '[1, "x"]'],
    ["c", "true"],
  ]);
  const other = "<json_null_field>discard</json_null_field><json_array_structure>csv</json_array_structure>";
  assert.deepEqual(decode(json(other), message).dynamics, [
    ["b", "1,x"],
    ["c", "true"],
  ]);
});

test("DecoderRunner drops dynamic fields beyond the table and goes on", () => {
  const names = Array.from({ length: DYNAMIC_FIELDS_MAX + 40 }, (_, index) => `"f${index}":"v"`);
  const { event } = new EngineFixture({ decoders: JSON_DECODER }).process(
    `{${names.join(",")},"srcip":"192.0.2.1"}`,
  );
  assert.equal(event.dynamicNames.length, DYNAMIC_FIELDS_MAX);
  assert.equal(event.truncated, true);
  assert.equal(event.has("srcip"), true);
});
