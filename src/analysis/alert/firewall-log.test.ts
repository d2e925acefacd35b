/** Goal: a line of firewall.log says what the peer's says, and no value makes a second line. Method: events with each action. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { EngineFixture } from "../engine.fixture.ts";
import { Event } from "../event.ts";
import { FieldSlots } from "../field-slots.ts";
import { NO_DECODER } from "../ruleset/decoder.ts";
import { firewallLogText } from "./firewall-log.ts";

process.env["TZ"] = "UTC";

const DECODERS = `<decoder name="wall"><prematch>^wall </prematch></decoder>
  <decoder name="full"><parent>wall</parent><type>firewall</type>
    <regex>(\\w+) (\\w+) (\\S+):(\\d+) (\\S+):(\\d+)</regex>
    <order>action, protocol, srcip, srcport, dstip, dstport</order></decoder>`;

function lineOf(action: string, location = "/var/log/test.log", agentId = "000"): string {
  const fixture = new EngineFixture({ decoders: DECODERS });
  const message = `Nov 21 06:44:10 gate wall ${action} tcp 10.0.0.1:40000 192.0.2.7:443`;
  return firewallLogText(fixture.process(message, { location, agentId }).event, new LocalClock());
}

test("firewallLogText() has time, place, action, protocol and both ends", () => {
  const flow = "DROP tcp 10.0.0.1:40000->192.0.2.7:443\n";
  assert.equal(lineOf("deny"), `2026 Nov 21 06:44:10 gate->/var/log/test.log ${flow}`);
  const place = "(gate) 10.0.0.9->/var/log/wall";
  assert.equal(lineOf("deny", place, "001"), `2026 Nov 21 06:44:10 ${place} ${flow}`);
});

test("firewallLogText() knows what the words of firewalls mean", () => {
  const meanings: Readonly<Record<string, readonly string[]>> = {
    DROP: ["drop", "Deny", "reject", "BLOCK", "discard"],
    CLOSED: ["close", "Teardown"],
    ALLOW: ["allow", "accept", "PASS", "permitted", "open", "session_accepted"],
    UNKNOWN: ["log", "x", "xdrop", "1"],
  };
  for (const [shown, words] of Object.entries(meanings)) {
    for (const word of words) assert.match(lineOf(word), new RegExp(` ${shown} tcp `), word);
  }
});

test("firewallLogText() shows control bytes as text", () => {
  const header = {
    position: 1,
    receivedMs: 0,
    agentId: "000",
    location: "/x\ny",
    hostname: "gate",
    programName: null,
    timestamp: null,
    fullLog: "",
    log: "",
    logFollowsNul: true,
  };
  const event = new Event(header, NO_DECODER, new FieldSlots());
  for (const name of ["action", "protocol", "srcip", "srcport", "dstip", "dstport"] as const) {
    event.setStatic(name, `a\n2026 Nov 21 ${name}`);
  }
  assert.equal(firewallLogText(event, new LocalClock()).match(/\n/g)?.length, 1);
});
