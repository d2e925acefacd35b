/**
 * Goal: texts of attackers start nothing, addresses of the white list are left alone, everything else fires. Method: JSON events whose
 * fields are the texts of known attacks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { EngineFixture, JSON_DECODER } from "../engine.fixture.ts";
import { SRCIP } from "../event.ts";
import type { Firing } from "./firing.ts";

const RULES = `
  <rule id="100001" level="5"><decoded_as>json</decoded_as><description>x</description></rule>
  <rule id="100002" level="2"><if_sid>100001</if_sid><field name="quiet">yes</field><description>x</description></rule>
  <rule id="100003" level="0"><if_sid>100001</if_sid><field name="zero">yes</field><description>x</description></rule>
  <rule id="100004" level="7" ignore="60"><if_sid>100001</if_sid><field name="once">yes</field><description>x</description></rule>`;

function fixtureOf(whiteList: readonly string[], options = ""): EngineFixture {
  const entries = whiteList.map((entry) => `<white_list>${entry}</white_list>`).join("");
  const { config } = readManagerConfig(
    `<ossec_config><global>${entries}</global><command><name>drop</name><executable>drop</executable></command>
     <active-response><command>drop</command><location>local</location><level>1</level>${options}</active-response></ossec_config>`,
    "ossec.conf",
  );
  const responses = { responses: config.activeResponse.responses, whiteList: config.global.whiteList };
  return new EngineFixture({ decoders: JSON_DECODER, rules: RULES, responses });
}

function firing(fixture: EngineFixture, fields: Readonly<Record<string, string>>): Firing {
  return fixture.process(JSON.stringify({ a: "b", ...fields })).firing;
}

test("FiringGate fires for plain and for absent addresses and users", () => {
  const fixture = fixtureOf([]);
  const plain: readonly Readonly<Record<string, string>>[] = [
    {},
    { srcip: "203.0.113.9", dstuser: "root" },
    { srcip: "2001:db8::1" },
    { srcip: "web-1.example.org" },
    { dstuser: "who@example.org?" },
    { dstuser: "-" },
    { srcip: "", dstuser: "" },
    { dstuser: "u".repeat(256) },
  ];
  for (const fields of plain) assert.equal(firing(fixture, fields).kind, "fires", JSON.stringify(fields));
});

test("FiringGate refuses what could become an option, a command or a second line", () => {
  const fixture = fixtureOf([]);
  const hostile = [
    ...["1.1.1.1\n0.0.0.0", "1.1.1.1\n", "-o x", "-o", "--", "-j", "$(id)", '"; touch x #', "'x'", "`id`"],
    ...["1.1.1.1 -j ACCEPT", "../../bin/sh", "1.1.1.1;id", "\xff", "x".repeat(300)],
  ];
  for (const text of hostile) {
    for (const name of ["srcip", "dstuser"]) {
      const outcome = firing(fixture, { [name]: text });
      assert.equal(outcome.kind, "refused", `${name} ${JSON.stringify(text)}`);
    }
  }
});

test("FiringGate sees nothing behind a NUL, as every reader of the alert", () => {
  const { event, firing: outcome } = fixtureOf([]).process('{"a":"b","srcip":"192.0.2.1\\u0000-j"}');
  assert.deepEqual([event.statics[SRCIP], outcome.kind], ["192.0.2.1", "fires"]);
});

test("FiringGate says the peer's words, with the beginning of the text", () => {
  const fixture = fixtureOf([]);
  assert.deepEqual(firing(fixture, { srcip: "-o x" }), {
    kind: "refused",
    warning: "(1271): Invalid IP Address '-o x'. Possible logging attack.",
  });
  assert.deepEqual(firing(fixture, { dstuser: "x".repeat(300) }), {
    kind: "refused",
    warning: `(1272): Invalid username '${"x".repeat(64)}...'. Possible logging attack.`,
  });
});

test("FiringGate leaves addresses, networks and hosts of the white list alone", () => {
  const fixture = fixtureOf([
    "192.0.2.7",
    "10.0.0.0/8",
    "2001:db8::/32",
    "^localhost.localdomain$",
    ".trusted.org$",
  ]);
  const kinds = (addresses: readonly string[]) => addresses.map((srcip) => firing(fixture, { srcip }).kind);
  const listed = [
    ...["192.0.2.7", "10.9.8.7", "::ffff:10.9.8.7", "2001:DB8::5", "2001:db8:0:0::5"],
    ...["localhost.localdomain", "LOCALHOST.localdomain", "a.trusted.org"],
  ];
  assert.deepEqual(
    kinds(listed),
    listed.map(() => "white_listed"),
  );
  const others = ["192.0.2.8", "11.0.0.1", "::ffff:11.0.0.1", "2001:db9::5", "localhost", "trusted.org"];
  assert.deepEqual(
    kinds(others),
    others.map(() => "fires"),
  );
});

test("FiringGate leaves alone what the agent's command would block instead of the source address", () => {
  const fixture = fixtureOf(["192.0.2.7"]);
  const kind = (fields: object) => fixture.process(JSON.stringify({ a: "b", ...fields })).firing.kind;
  const windows = (eventdata: object) => ({ srcip: "203.0.113.9", win: { eventdata } });
  assert.equal(kind(windows({ ipAddress: "192.0.2.7" })), "white_listed");
  assert.equal(kind(windows({ destinationIp: "192.0.2.7" })), "white_listed");
  assert.equal(kind(windows({ ipAddress: "203.0.113.1", destinationIp: "192.0.2.7" })), "fires");
  assert.equal(kind({ SrcIp: "192.0.2.7" }), "white_listed");
});

test("FiringGate refuses numbers that only some readers take for an address", () => {
  const fixture = fixtureOf(["10.0.0.0/8"]);
  for (const srcip of [
    "10.1",
    "0x0a000001",
    "167772161",
    "012.0.0.1",
    "10.0.0.01",
    "300.1.1.1",
    "::ffff:10.1",
    "0XA.1",
  ]) {
    assert.equal(firing(fixture, { srcip }).kind, "refused", srcip);
  }
});

test("FiringGate takes entries with ! as the addresses that are not meant", () => {
  const kind = (whiteList: readonly string[], srcip: string) => firing(fixtureOf(whiteList), { srcip }).kind;
  assert.equal(kind(["!10.0.0.0/8"], "10.0.0.1"), "fires");
  assert.equal(kind(["!10.0.0.0/8"], "192.0.2.1"), "white_listed");
  assert.equal(kind(["!10.0.0.1", "10.0.0.0/8"], "10.0.0.1"), "fires");
  assert.equal(kind(["!10.0.0.1", "10.0.0.0/8"], "10.0.0.2"), "white_listed");
  assert.equal(kind(["!10.0.0.1", "10.0.0.0/8"], "192.0.2.1"), "fires");
  assert.equal(kind(["any"], "192.0.2.1"), "white_listed");
});

test("Engine fires for results that no file takes, and not for level 0 or what is ignored to nothing", () => {
  const fixture = fixtureOf([]);
  assert.equal(firing(fixture, { quiet: "yes" }).kind, "fires");
  assert.equal(firing(fixture, { zero: "yes" }).kind, "none");
  assert.equal(firing(fixture, { once: "yes" }).kind, "fires");
  const { verdict, firing: second } = fixture.process('{"a":"b","once":"yes"}');
  assert.deepEqual([verdict?.rule.id, second.kind], [100_001, "fires"], "the rule above it answers");
  assert.equal(fixture.process("no rule").firing.kind, "none");
});

test("Engine fires nothing in a session of the log test", () => {
  const live = fixtureOf([]);
  const session = new EngineFixture(live.set, { mode: "session" });
  assert.equal(firing(session, {}).kind, "none");
});
