/** Goal: rules, decoders and lists are shown as the peer's API shows them. Method: the functions over small files; what the peer makes of them was worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AffectedItems } from "#formats/wire/cluster/objects.ts";
import { readPermissions } from "../permissions.ts";
import { toyRuleset } from "./ruleset.fixture.ts";

const RULES = `<var name="BAD">bad|error</var>
<group name="local,syslog,">
  <rule id="100001" level="5" ignore="60">
    <match>$BAD</match>
    <match negate="yes"> more</match>
    <field name="proto" type="pcre2">^tcp$</field>
    <list field="srcip" lookup="address_match_key">etc/lists/audit</list>
    <if_sid>5700</if_sid>
    <if_sid>5701</if_sid>
    <description>One &amp; </description>
    <description>two.</description>
    <mitre><id>T1110</id><id>T1021</id></mitre>
    <group>pci_dss_10.2.4,gdpr_IV_35.7.d, own,</group>
  </rule>
  <rule id="100002" level="12"><description>Second.</description></rule>
  <rule level="3"><description>No number.</description></rule>
</group>
`;
const DECODERS = `<decoder name="top"><program_name>^app</program_name></decoder>
<decoder name="below"><parent>top</parent><regex offset="after_parent">a (\\S+)</regex><regex> b</regex><order>user</order></decoder>
`;
const FILES = {
  "etc/rules/local.xml": RULES,
  "ruleset/rules/0010.xml":
    '<group name="stock,"><rule id="5" level="0"><description>Stock.</description></rule></group>',
  "etc/decoders/local.xml": DECODERS,
  "etc/lists/audit": 'a:b\n"c:d":e\n',
};
const EMPTY = { pci_dss: [], gpg13: [], gdpr: [], hipaa: [], nist_800_53: [], tsc: [], mitre: [] };

test("rules have their patterns, their groups and their requirements apart", async () => {
  const { call } = toyRuleset(FILES);
  assert.deepEqual(await call("wazuh.rule.get_rules", { rule_ids: [100001] }), [
    {
      filename: "local.xml",
      relative_dirname: "etc/rules",
      id: 100001,
      level: 5,
      status: "enabled",
      details: {
        ignore: "60",
        match: { pattern: "bad|error more", negate: "yes" },
        proto: { pattern: "^tcp$", type: "pcre2" },
        list: { name: "etc/lists/audit", field: "srcip", lookup: "address_match_key" },
        if_sid: ["5700", "5701"],
      },
      ...EMPTY,
      pci_dss: ["10.2.4"],
      gdpr: ["IV_35.7.d"],
      mitre: ["T1110", "T1021"],
      groups: ["own", "local", "syslog"],
      description: "One &amp; two.",
    },
  ]);
});

test("rules are found by number, level, group, requirement, file and status", async () => {
  const { call, answerOf } = toyRuleset(FILES);
  const ids = async (values: object) => {
    const answer = await answerOf("wazuh.rule.get_rules", { ...values, select: ["id"], sort_by: ["id"] });
    assert(answer instanceof AffectedItems);
    const { affectedItems, failedItems, totalAffectedItems } = answer.fields;
    assert.equal(totalAffectedItems, affectedItems.length);
    return [
      affectedItems.map((item) => JSON.stringify(item)),
      failedItems.map(({ error, ids }) => [error.code, ids]),
    ];
  };
  const shown = (...numbers: number[]) => [numbers.map((id) => `{"id":${id}}`), []];
  assert.deepEqual(await ids({}), shown(5, 100001, 100002));
  assert.deepEqual(await ids({ level: "5-12", sort_ascending: false }), shown(100002, 100001));
  assert.deepEqual(await ids({ level: "0" }), shown(5));
  assert.deepEqual(await ids({ group: "syslog", mitre: "T1110" }), shown(100001));
  assert.deepEqual(await ids({ pci_dss: "1" }), shown());
  assert.deepEqual(await ids({ filename: ["0010.xml"] }), shown(5));
  assert.deepEqual(await ids({ relative_dirname: "etc/rules", q: "level>5" }), shown(100002));
  assert.deepEqual(await ids({ search_text: "SECOND", search_in_fields: ["description"] }), shown(100002));
  assert.deepEqual(await ids({ search_text: "second", complementary_search: true }), shown(5, 100001));
  assert.deepEqual(await ids({ status: "disabled" }), shown());
  assert.deepEqual(await ids({ rule_ids: ["5", "7"] }), [['{"id":5}'], [[1208, [7]]]]);
  assert.deepEqual(await ids({ q: "details.if_sid=5701" }), shown(100001));
  assert.equal(await call("wazuh.rule.get_rules", { level: "high" }), 1203);
  assert.equal(await call("wazuh.rule.get_rules", { status: "on" }), 1202);
  assert.equal(await call("wazuh.rule.get_rules", { sort_by: ["colour"] }), 1403);
  assert.equal(await call("wazuh.rule.get_rules", { sort_by: ["details.if_sid"] }), 1403);
});

test("groups and requirements are listed once, and an unknown requirement is said", async () => {
  const { call } = toyRuleset(FILES);
  assert.deepEqual(await call("wazuh.rule.get_groups", {}), ["local", "own", "stock", "syslog"]);
  const last = { offset: 1, limit: 2, sort_by: ["groups"], sort_ascending: false };
  assert.deepEqual(await call("wazuh.rule.get_groups", last), ["stock", "own"]);
  assert.deepEqual(await call("wazuh.rule.get_requirement", { requirement: "mitre" }), ["T1021", "T1110"]);
  assert.deepEqual(await call("wazuh.rule.get_requirement", { requirement: "details" }), ["1205"]);
});

test("groups and requirements are sorted as texts, capitals first", async () => {
  const groups = "b,Z,a,pci_dss_2.2,pci_dss_10.6.1,pci_dss_10.2";
  const text = `<group name="${groups}"><rule id="1" level="1"><description>x</description></rule></group>`;
  const { call } = toyRuleset({ "etc/rules/x.xml": text });
  const order = { sort_by: [""], sort_ascending: true };
  assert.deepEqual(await call("wazuh.rule.get_groups", order), ["Z", "a", "b"]);
  assert.deepEqual(await call("wazuh.rule.get_groups", { ...order, sort_ascending: false }), ["b", "a", "Z"]);
  const requirements = await call("wazuh.rule.get_requirement", { ...order, requirement: "pci_dss" });
  assert.deepEqual(requirements, ["10.2", "10.6.1", "2.2"]);
});

test("decoders have their place in the file; only parents when they are asked for", async () => {
  const { call } = toyRuleset(FILES);
  const place = { filename: "local.xml", relative_dirname: "etc/decoders", status: "enabled" };
  const top = { ...place, name: "top", position: 0, details: { program_name: { pattern: "^app" } } };
  const regex = { pattern: "a (\\S+) b" };
  const below = { ...place, name: "below", position: 1, details: { parent: "top", regex, order: "user" } };
  assert.deepEqual(await call("wazuh.decoder.get_decoders", {}), [top, below]);
  assert.deepEqual(await call("wazuh.decoder.get_decoders", { parents: true }), [top]);
  assert.deepEqual(await call("wazuh.decoder.get_decoders", { names: ["gone"] }), ["1504"]);
  const selected = { select: ["details.order"], q: "details.parent=top" };
  assert.deepEqual(await call("wazuh.decoder.get_decoders", selected), [
    { filename: "local.xml", position: 1, details: { order: "user" } },
  ]);
});

test("an empty element of a decoder is null", async () => {
  const text =
    '<decoder name="e"><program_name></program_name><prematch>^a</prematch><accumulate/></decoder>';
  const { call } = toyRuleset({ "etc/decoders/x.xml": text });
  const details = { program_name: { pattern: null }, prematch: { pattern: "^a" }, accumulate: null };
  assert.deepEqual(await call("wazuh.decoder.get_decoders", { select: ["details"] }), [
    { filename: "x.xml", position: 0, details },
  ]);
});

test("a file is shown as an object, a list with its entries", async () => {
  const { call } = toyRuleset({ ...FILES, "etc/rules/bad.xml": "<group name='x'><rule>" });
  assert.deepEqual(await call("wazuh.decoder.get_decoder_file", { filename: ["local.xml"] }), [
    {
      decoder: [
        { "@name": "top", program_name: "^app" },
        {
          "@name": "below",
          parent: "top",
          regex: [{ "@offset": "after_parent", "#text": "a (\\S+)" }, "b"],
          order: "user",
        },
      ],
    },
  ]);
  assert.deepEqual(await call("wazuh.rule.get_rule_file", { filename: ["bad.xml"] }), ["1413"]);
  const lists = [
    {
      items: [
        { key: "a", value: "b" },
        { key: "c:d", value: "e" },
      ],
      relative_dirname: "etc/lists",
      filename: "audit",
    },
  ];
  assert.deepEqual(await call("wazuh.cdb_list.get_lists", { filename: ["audit"] }), lists);
  assert.deepEqual(await call("wazuh.cdb_list.get_lists", { search_text: "c:d", select: ["items"] }), lists);
});

test("whoever may not read a file sees none of its rules, and a file that is no XML hides no other", async () => {
  const { call, answerOf } = toyRuleset({ ...FILES, "etc/rules/bad.xml": "<group" });
  const only = readPermissions({ rbac_mode: "white", "rules:read": { "rule:file:0010.xml": "allow" } });
  assert(only !== null);
  assert.deepEqual(await call("wazuh.rule.get_groups", {}, only), ["stock"]);
  const answer = await answerOf("wazuh.rule.get_rules", {});
  assert(answer instanceof AffectedItems);
  assert.equal(answer.fields.affectedItems.length, 3);
  assert.deepEqual(
    answer.fields.failedItems.map(({ error, ids }) => [error.code, ids]),
    [[1413, ["bad.xml"]]],
  );
});

test("names out of files are names like any other", async () => {
  const hostile =
    '<group name="x"><rule id="1" level="1" __proto__="a"><__proto__>b</__proto__><constructor>c</constructor></rule></group>';
  const { call } = toyRuleset({
    "etc/rules/x.xml": hostile,
    "etc/decoders/x.xml": '<decoder name="d"><__proto__>e</__proto__></decoder>',
  });
  const [rule] = (await call("wazuh.rule.get_rules", {})) as readonly { readonly details: object }[];
  assert.deepEqual(Object.entries(rule?.details ?? {}), [
    ["__proto__", ["a", "b"]],
    ["constructor", "c"],
  ]);
  const [decoder] = (await call("wazuh.decoder.get_decoders", {})) as readonly { readonly details: object }[];
  assert.deepEqual(Object.entries(decoder?.details ?? {}), [["__proto__", "e"]]);
  assert.equal(Object.hasOwn(Object.prototype, "b"), false);
});
