/**
 * Goal: an alert document has the keys of the peer's alerts.json, in its order, each when it is due. Method: one document written out
 * whole, then every rule of presence by itself.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DocumentChanges,
  documentOf,
  EngineFixture,
  JSON_DECODER,
  START_MS,
} from "#analysis/engine.fixture.ts";
import type { RawEvent } from "#model/event-block.ts";

process.env["TZ"] = "UTC";

const HEADER = "Nov 21 06:44:10 web1 ";
const REMOTE = { agentId: "007", location: "(web1) 192.0.2.9->/var/log/auth.log" };
const DECODERS = `
  <decoder name="app"><program_name>^app$</program_name></decoder>
  <decoder name="app-fields"><parent>app</parent><prematch>^u=</prematch><regex>^u=(\\S*) ip=(\\S*) kind=(\\S*)</regex><order>user, srcip, app.kind</order><fts>user</fts><ftscomment>a user</ftscomment><accumulate/></decoder>
  ${JSON_DECODER}`;

type Json = Readonly<Record<string, unknown>>;

function rule(attributes: string, body: string): string {
  return `<rule id="100001" ${attributes}>${body}<description>x</description></rule>`;
}

/** The text of the last of these events. */
function textOf(
  rules: string,
  messages: readonly string[],
  raw: Partial<RawEvent> = {},
  changes: DocumentChanges = {},
): string {
  const fixture = new EngineFixture({ decoders: DECODERS, rules });
  const outcomes = messages.map((message) => fixture.process(message, raw));
  const last = outcomes.at(-1);
  assert(last !== undefined);
  return documentOf(last.event, last.verdict, changes);
}

function jsonOf(...parameters: Parameters<typeof textOf>): Record<string, Json> {
  return JSON.parse(Buffer.from(textOf(...parameters), "latin1").toString("utf8"));
}

test("eventDocument() writes the keys in the peer's order", () => {
  const rules = `<rule id="100001" level="5"><decoded_as>app</decoded_as><description>x</description></rule>
    <rule id="100002" level="12" frequency="3"><if_matched_sid>100001</if_matched_sid><description>$(dstuser) of $(App.Kind)</description><info>why</info><cve>CVE-2026-1</cve><group>pci_dss_10.2,abuse,gdpr_IV,pci_dss_11,</group></rule>`;
  const log = (number: number) => `${HEADER}app: u=joe ip=10.0.0.${number} kind=a`;
  const identity = { hostname: "manager.example.org", cluster: { name: "wazuh", node: "node01" } };
  const text = textOf(rules, [log(1), log(2), log(3)], { ...REMOTE, position: 4242 }, { identity });
  const expected = [
    '{"timestamp":"2026-11-21T06:44:10.115+0000"',
    '"rule":{"level":12,"description":"joe of a","id":"100002","cve":"CVE-2026-1","info":"why","frequency":3,"firedtimes":1,"mail":true,"groups":["local","abuse"],"pci_dss":["10.2","11"],"gdpr":["IV"]}',
    '"agent":{"id":"007","name":"web1","ip":"192.0.2.9"}',
    '"manager":{"name":"manager.example.org"}',
    `"id":"${START_MS / 1000 - 0.115}.4242"`,
    '"cluster":{"name":"wazuh","node":"node01"}',
    `"previous_output":"${log(2)}\\n${log(1)}"`,
    `"full_log":"${log(3)}"`,
    '"predecoder":{"program_name":"app","timestamp":"Nov 21 06:44:10","hostname":"web1"}',
    '"decoder":{"accumulate":1,"parent":"app","name":"app","ftscomment":"a user"}',
    '"data":{"srcip":"10.0.0.3","dstuser":"joe","app":{"kind":"a"}}',
    '"location":"/var/log/auth.log"}',
  ];
  assert.equal(text, expected.join(","));
});

test("eventDocument() writes the time of the event in the local zone", () => {
  const rules = rule('level="5"', "<match>x</match>");
  const at = (zone: string) => {
    process.env["TZ"] = zone;
    const { timestamp } = jsonOf(rules, ["x"], { receivedMs: Date.UTC(2026, 6, 1, 22, 5, 9, 7) });
    process.env["TZ"] = "UTC";
    return timestamp;
  };
  assert.equal(at("UTC"), "2026-07-01T22:05:09.007+0000");
  assert.equal(at("America/New_York"), "2026-07-01T18:05:09.007-0400");
  assert.equal(at("Asia/Kathmandu"), "2026-07-02T03:50:09.007+0545");
});

test("eventDocument() leaves level 0 out, or shows it as the last key of the rule", () => {
  const rules = rule('level="0"', "<match>x</match>");
  assert.equal("level" in (jsonOf(rules, ["x"])["rule"] ?? {}), false);
  const shown = jsonOf(rules, ["x"], {}, { showLevelZero: true })["rule"] ?? {};
  assert.deepEqual(Object.keys(shown), ["description", "id", "firedtimes", "mail", "groups", "level"]);
  assert.equal(shown["level"], 0);
});

test("eventDocument() has no rule without a verdict", () => {
  const document = jsonOf(rule('level="5"', "<match>never</match>"), ["x"]);
  assert.deepEqual(Object.keys(document), [
    "timestamp",
    "agent",
    "manager",
    "id",
    "full_log",
    "decoder",
    "location",
  ]);
});

test("eventDocument() shows `firedtimes` unless the rule is not counted", () => {
  const fired = (options: string) => {
    const body = options.replaceAll(/\w+/g, "<options>$&</options>");
    return jsonOf(rule('level="12"', `<match>x</match>${body}`), ["x", "x"])["rule"]?.["firedtimes"];
  };
  assert.equal(fired(""), 2);
  assert.equal(fired("no_counter"), undefined);
  // To clear the flag for mails or for the log clears an earlier `no_counter`; a flag that is not set is not cleared.
  assert.equal(fired("no_counter no_email_alert"), 2);
  assert.equal(fired("no_counter no_log"), 2);
  assert.equal(fired("no_email_alert no_counter"), undefined);
  assert.equal(fired("no_counter no_log no_counter no_log"), undefined);
});

test("eventDocument() says whether the alert is mailed", () => {
  const mailed = (level: number, option: string) => {
    const options = option === "" ? "" : `<options>${option}</options>`;
    return jsonOf(rule(`level="${level}"`, `<match>x</match>${options}`), ["x"])["rule"]?.["mail"];
  };
  assert.equal(mailed(11, ""), false);
  assert.equal(mailed(12, ""), true);
  assert.equal(mailed(3, "alert_by_email"), true);
  assert.equal(mailed(12, "no_email_alert"), false);
});

test("eventDocument() shows `frequency` for rules with a search only", () => {
  const base = '<rule id="100001" level="5"><match>x</match><description>x</description></rule>';
  const search = (frequency: string) =>
    `${base}<rule id="100002" level="7" ${frequency}><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`;
  const shown = (rules: string) => jsonOf(rules, ["x", "x"])["rule"]?.["frequency"];
  assert.equal(shown(base), undefined);
  assert.equal(shown(search('frequency="2"')), 2);
  assert.equal(shown(search("")), 2);
});

test("eventDocument() splits the group text into groups and compliance", () => {
  const split = (groups: string) => {
    const { groups: names, ...others } = jsonOf(
      rule('level="5"', `<match>x</match><group>${groups}</group>`),
      ["x"],
    )["rule"] as { groups: readonly string[] } & Json;
    const { level, description, id, firedtimes, mail, ...compliance } = others;
    return { names, compliance };
  };
  assert.deepEqual(split("tsc_CC6,a, b ,,hipaa_164,tsc_CC7,nist_800_53_AU,gpg13_7,cis_1,"), {
    names: ["local", "a", " b "],
    compliance: { tsc: ["CC6", "CC7"], hipaa: ["164"], nist_800_53: ["AU"], gpg13: ["7"], cis: ["1"] },
  });
  assert.deepEqual(Object.keys(split("hipaa_1,pci_dss_2,").compliance), ["hipaa", "pci_dss"]);
  // "local," and 1,017 bytes more.
  const long = split(`${"g".repeat(1010)},1234567890`);
  assert.deepEqual(long.names, ["local", "g".repeat(1010), "123456"]);
});

test("eventDocument() names the agent and where it came from", () => {
  const rules = rule('level="5"', "<match>x</match>");
  const agentOf = (agentId: string, location: string) => {
    const { agent, location: shown } = jsonOf(rules, ["x"], { agentId, location });
    return { ...agent, location: shown };
  };
  assert.deepEqual(agentOf("000", "/var/log/x"), {
    id: "000",
    name: "manager.example.org",
    location: "/var/log/x",
  });
  assert.deepEqual(agentOf("000", "192.0.2.1"), {
    id: "000",
    name: "manager.example.org",
    location: "192.0.2.1",
  });
  assert.deepEqual(agentOf("007", "(web1) any->/var/log/x"), {
    id: "007",
    name: "web1",
    location: "/var/log/x",
  });
  assert.deepEqual(agentOf("007", "(web-1) 2001:db8::1->a->b"), {
    id: "007",
    name: "web-1",
    ip: "2001:db8::1",
    location: "a->b",
  });
});

test("eventDocument() cuts the location of an agent after 1,023 bytes", () => {
  const rules = rule('level="5"', "<match>x</match>");
  const long = "l".repeat(1024);
  const remote = jsonOf(rules, ["x"], { agentId: "007", location: `(a) any->${long}` });
  assert.equal(remote["location"], "l".repeat(1023));
  assert.equal(jsonOf(rules, ["x"], { location: long })["location"], long);
});

test("eventDocument() describes an agentless check instead of an agent", () => {
  const rules = rule('level="5"', "<match>x</match>");
  const location = "(ssh_integrity_check_linux) root@db1->agentless";
  const document = jsonOf(rules, ["x"], { location });
  assert.equal("agent" in document, false);
  assert.equal(Object.keys(document).at(-1), "agentless");
  assert.deepEqual(document["agentless"], { script: "ssh_integrity_check_linux", user: "root", host: "db1" });
  const remote = jsonOf(rules, ["x"], { location, agentId: "007" });
  assert.equal("agent" in remote && !("agentless" in remote), true);
});

test("eventDocument() shows earlier logs only when there are two", () => {
  const rules = (frequency: number) =>
    `<rule id="100001" level="5"><match>x</match><description>x</description></rule>
    <rule id="100002" level="7" frequency="${frequency}"><if_matched_sid>100001</if_matched_sid><description>x</description></rule>`;
  assert.equal("previous_output" in jsonOf(rules(2), ["x1", "x2"]), false);
  assert.equal(jsonOf(rules(3), ["x1", "x2", "x3"])["previous_output"], "x2\nx1");
});

test("eventDocument() leaves the full log out when the rule says so, but not for archives", () => {
  const rules = rule('level="5"', "<match>x</match><options>no_full_log</options>");
  assert.equal("full_log" in jsonOf(rules, ["x"]), false);
  assert.equal(jsonOf(rules, ["x"], {}, { alwaysFullLog: true })["full_log"], "x");
});

test("eventDocument() shows what was found before decoding", () => {
  const predecoder = (message: string) =>
    jsonOf(rule('level="5"', "<match>none</match>"), [message])["predecoder"];
  assert.deepEqual(predecoder(`${HEADER}app[7]: x`), {
    program_name: "app",
    timestamp: "Nov 21 06:44:10",
    hostname: "web1",
  });
  assert.deepEqual(predecoder("2026-11-21T06:44:10.123456+00:00 web1 app: x"), {
    program_name: "app",
    timestamp: "2026-11-21T06:44:10.123456+00:00",
  });
  assert.equal(predecoder("x"), undefined);
});

test("eventDocument() shows a host name alone behind the data", () => {
  // The message itself has no header; the alert in it gives the event another full log, which has one.
  const decoders =
    '<decoder name="alert"><prematch>^ossec: Alert Level</prematch><plugin_decoder>OSSECAlert_Decoder</plugin_decoder></decoder>';
  const fixture = new EngineFixture({ decoders, rules: rule('level="5"', "<match>never</match>") });
  const { event, verdict } = fixture.process(
    `ossec: Alert Level: 3; Rule: 100001 - x; Location: web1->/x; srcip: 192.0.2.1;  ${HEADER}app: x`,
  );
  const document = JSON.parse(documentOf(event, verdict));
  assert.deepEqual(Object.keys(document).slice(-4), ["decoder", "data", "predecoder", "location"]);
  assert.deepEqual(document.predecoder, { hostname: "web1" });
});

/** The `data` of a JSON event. */
function dataOf(message: string): unknown {
  return jsonOf(rule('level="5"', "<decoded_as>json</decoded_as>"), [message])["data"];
}

test("eventDocument() writes static fields in their order, then dynamic ones", () => {
  const names = [
    "protocol",
    "action",
    "srcip",
    "srcport",
    "srcuser",
    "dstip",
    "dstport",
    "dstuser",
    "id",
    "status",
    "url",
    "data",
    "extra_data",
    "systemname",
  ];
  const fields = Object.fromEntries([
    ["zz", "1"],
    ...[...names].reverse().map((name) => [name, name]),
    ["aa", "2"],
  ]);
  const expected = names.map((name) => (name === "systemname" ? "system_name" : name));
  assert.deepEqual(Object.keys(dataOf(JSON.stringify(fields)) as Json), [...expected, "zz", "aa"]);
});

test("eventDocument() keeps empty static fields and drops empty dynamic ones", () => {
  const rules = rule('level="5"', "<decoded_as>app</decoded_as>");
  const { data } = jsonOf(rules, [`${HEADER}app: u= ip= kind=`]);
  assert.deepEqual(data, { srcip: "", dstuser: "" });
});

test("eventDocument() has no data when there is none", () => {
  assert.equal(dataOf('{"a": {}}'), undefined);
});

test("eventDocument() inserts a text that is a whole JSON array as an array", () => {
  assert.deepEqual(dataOf('{"a": [1, {"b": null}, "c"], "t": "[1,2]", "n": 7, "o": "{}"}'), {
    a: [1, { b: null }, "c"],
    t: [1, 2],
    n: "7",
    o: "{}",
  });
  assert.deepEqual(dataOf('{"a": "[1,2] and more", "b": "[x]", "c": " [1]", "d": "["}'), {
    a: "[1,2] and more",
    b: "[x]",
    c: " [1]",
    d: "[",
  });
});

test("eventDocument() nests dotted names and keeps the first of two that collide", () => {
  assert.deepEqual(dataOf('{"a": {"b": "1", "c": {"d": "2"}}, "a.e": "3"}'), {
    a: { b: "1", c: { d: "2" }, e: "3" },
  });
  assert.deepEqual(dataOf('{"x": "1", "X": "2"}'), { x: "1" });
  assert.deepEqual(dataOf('{"x": "1", "x.y": "2"}'), { x: "1" }, "a text is no object");
  assert.deepEqual(dataOf('{"x.y": "1", "x": "2"}'), { x: { y: "1" } });
  assert.deepEqual(dataOf('{"srcip": "192.0.2.1", "SrcIp": "2", "SRCIP.x": "3"}'), { srcip: "192.0.2.1" });
  assert.deepEqual(dataOf('{"A.b": "1", "a.C": "2"}'), { A: { b: "1", C: "2" } });
});

test("eventDocument() leaves a name out that would nest deeper than readers go, and stays quick with many", () => {
  const levels = (count: number) => Array.from({ length: count }, () => "n").join(".");
  const depthOf = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + depthOf(Object.values(value)[0]) : 0;
  // The document around `data` is one of the thousand.
  assert.equal(depthOf(dataOf(`{"${levels(999)}": "v"}`)), 999);
  assert.equal(depthOf(dataOf(`{"${levels(1000)}": "v"}`)), 0);
  const inner = Array.from({ length: 250 }, (_, index) => `"k${index}":"v"`).join(",");
  const started = performance.now();
  assert.deepEqual(dataOf(`{"${"n.".repeat(30_000)}":{${inner}},"x":"y"}`), { x: "y" });
  assert(performance.now() - started < 1000, "one message cannot stop the engine");
});

test("eventDocument() escapes as the peer does and leaves bytes from 0x80 on as they came", () => {
  const message = 'x \b\f\n\r\t"\\/\u0001\u001f\u007f\x80\xff\xc3\xa9';
  const text = textOf(rule('level="5"', "<match>x</match>"), [message]);
  const escaped = 'x \\b\\f\\n\\r\\t\\"\\\\/\\u0001\\u001f\u007f\x80\xff\xc3\xa9';
  assert(text.includes(`"full_log":"${escaped}"`), JSON.stringify(text));
});

test("describe() fills fields in by name", () => {
  const describe = (description: string, message: string) => {
    const rules = `<rule id="100001" level="5"><regex>\\.</regex><description>${description}</description></rule>`;
    const fixture = new EngineFixture({ decoders: DECODERS, rules });
    const { event, verdict } = fixture.process(message);
    return JSON.parse(documentOf(event, verdict)).rule.description;
  };
  const message = `${HEADER}app: u=joe ip=10.0.0.1 kind=a`;
  assert.equal(
    describe("$(dstuser)@$(srcip), $(program_name) on $(hostname)", message),
    "joe@10.0.0.1, app on web1",
  );
  assert.equal(describe("$(App.KIND)", message), "a", "dynamic names have no case");
  assert.equal(describe("!$(user)|$(DSTUSER)|$(none)!", message), "!||!");
  assert.equal(describe("$(srcip) and $(dstuser", message), "10.0.0.1 and $(dstuser");
  assert.equal(describe("costs $5 ($)", message), "costs $5 ($)");
  const all =
    '{"protocol":"1","action":"2","srcport":"3","srcuser":"4","dstip":"5","dstport":"6","id":"7","status":"8","url":"9","data":"10","extra_data":"11","systemname":"12"}';
  const names =
    "protocol action srcport srcuser dstip dstport id status url data extra_data system_name".split(" ");
  assert.equal(describe(names.map((name) => `$(${name})`).join(" "), all), "1 2 3 4 5 6 7 8 9 10 11 12");
});

test("describe() uses the description as written when the result is longer than 1,023 bytes", () => {
  const describe = (bytes: number) => {
    const rules =
      '<rule id="100001" level="5"><decoded_as>json</decoded_as><description>got $(id)</description></rule>';
    return jsonOf(rules, [`{"id": "${"i".repeat(bytes)}"}`])["rule"]?.["description"];
  };
  assert.equal(describe(1019), `got ${"i".repeat(1019)}`);
  assert.equal(describe(1020), "got $(id)");
});
