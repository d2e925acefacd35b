/**
 * Goal: decoders and rules see a message of RFC 5424 as the same message in a file, and its fields beside it. Method: lines of the syslog
 * input through an engine with decoders by program and without, against the plain line; lines that only look alike.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toClassicLine } from "#formats/syslog/classic-line.ts";
import { EngineFixture } from "../engine.fixture.ts";

const DECODERS = `
  <decoder name="su"><program_name>^su$</program_name></decoder>
  <decoder name="su-user"><parent>su</parent><regex>^'su (\\S+)' failed for (\\S+)$</regex><order>dstuser,srcuser</order></decoder>
  <decoder name="bare"><prematch>^%DEVICE</prematch><regex>^%DEVICE (\\w+)$</regex><order>action</order></decoder>`;
const RULES = `
  <rule id="100001" level="3"><decoded_as>su</decoded_as><description>x</description></rule>
  <rule id="100002" level="5"><if_sid>100001</if_sid><field name="syslog.severity">^crit$</field><description>x</description></rule>
  <rule id="100003" level="5"><decoded_as>bare</decoded_as><field name="syslog.structured_data.origin.ip">10.0.0.9</field><description>x</description></rule>`;

function classic(message: string): string {
  return toClassicLine(message, { address: "192.0.2.7", receivedMs: 0 }) ?? assert.fail(message);
}

const LINE = classic(
  '<34>1 2003-10-11T22:14:15.003Z web1 su 77 ID47 [x@32473 a="1" b="[ID ]\\]"] \'su root\' failed for lonvick',
);

test("Engine decodes a line of the syslog input as the plain line, and has its fields", () => {
  const fixture = new EngineFixture({ decoders: DECODERS, rules: RULES });
  const plain = "Oct 11 22:14:15 web1 su[77]: 'su root' failed for lonvick";
  const { event } = fixture.process(LINE, { queue: "2", location: "192.0.2.7" });
  const { event: expected } = fixture.process(plain);
  assert.deepEqual([event.log, event.hostname, event.programName], [expected.log, "web1", "su"]);
  assert.equal(event.timestamp, "Oct 11 22:14:15");
  assert.equal(event.fullLog, LINE);
  const { decoder, dynamics, statics } = fixture.fields(LINE);
  assert.deepEqual({ decoder, statics }, { decoder: "su", statics: fixture.fields(plain).statics });
  assert.deepEqual(dynamics, [
    ["syslog.facility", "auth"],
    ["syslog.severity", "crit"],
    ["syslog.timestamp", "2003-10-11T22:14:15.003Z"],
    ["syslog.appname", "su"],
    ["syslog.procid", "77"],
    ["syslog.msgid", "ID47"],
    ["syslog.structured_data.x@32473.a", "1"],
    ["syslog.structured_data.x@32473.b", "[ID ]]"],
  ]);
  assert.deepEqual([fixture.rule(LINE), fixture.rule(plain)], [100_002, 100_001]);
});

test("Engine takes the fields off a line without a program too", () => {
  const fixture = new EngineFixture({ decoders: DECODERS, rules: RULES });
  const line = classic('<13>1 - - - - - [origin ip="10.0.0.9"] %DEVICE denied');
  const { event } = fixture.process(line);
  assert.deepEqual([event.log, event.hostname, event.programName], ["%DEVICE denied", "192.0.2.7", null]);
  assert.equal(fixture.fields(line).statics["action"], "denied");
  assert.equal(fixture.rule(line), 100_003);
});

test("Engine lets no line set other fields that way", () => {
  const fixture = new EngineFixture({ decoders: DECODERS, rules: RULES });
  const header = "Oct 11 22:14:15 web1 su: ";
  const dynamicsOf = (text: string) => fixture.fields(header + text).dynamics;
  assert.deepEqual(dynamicsOf('[ID {"syslog":{"a":"1"},"srcip":"192.0.2.1","b":"2"}] x'), [
    ["syslog.a", "1"],
  ]);
  assert.deepEqual(fixture.fields(`${header}[ID {"syslog":{"a":"1"},"srcip":"192.0.2.1"}] x`).statics, {});
  for (const other of ['[ID {"syslog":{"a":1] x', '[ID {"x":{"a":"1"}}] x', "[ID 197553 auth.notice] x"]) {
    assert.deepEqual(dynamicsOf(other), [], other);
  }
  // The input writes its fields first: a message cannot bring its own.
  const forged = classic('<13>1 - h su - - - [ID {"syslog":{"severity":"crit"}}] x');
  assert.equal(fixture.fields(forged).dynamics.find(([name]) => name === "syslog.severity")?.[1], "notice");
});
