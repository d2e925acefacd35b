/** Goal: what has a brand is safe as a path, in a wire text and in a log. Method: tables of both sides of each rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpAddress } from "./address.ts";
import {
  AGENT_ID_NUMBER_MAX,
  addressMatches,
  agentIdOf,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
  parseConnectionStatus,
  parseGroupName,
} from "./agent.ts";

function checkTable(
  parse: (text: string) => unknown,
  { accepted, refused }: { accepted: readonly string[]; refused: readonly string[] },
): void {
  for (const text of accepted) assert.ok(parse(text) !== null, `refused: ${text}`);
  for (const text of refused) assert.equal(parse(text), null, `accepted: ${text}`);
}

test("parseAgentId() keeps one to eight digits as text", () => {
  checkTable(parseAgentId, {
    accepted: ["0", "001", "1", "99999999"],
    refused: ["", "000000001", "-1", "1a", " 1", "1\n", "٣", "!1"],
  });
  assert.notEqual(parseAgentId("001"), parseAgentId("1"));
});

test("agentIdOf() pads to three digits", () => {
  assert.deepEqual([0, 1, 999, 1000, AGENT_ID_NUMBER_MAX].map(agentIdOf), [
    "000",
    "001",
    "999",
    "1000",
    "99999999",
  ]);
  assert.throws(() => agentIdOf(AGENT_ID_NUMBER_MAX + 1), assert.AssertionError);
  assert.throws(() => agentIdOf(1.5), assert.AssertionError);
});

test("parseAgentName() refuses what could name another folder", () => {
  checkTable(parseAgentName, {
    accepted: ["ab", "a.", "web-1.example_x", "-x", "x".repeat(128)],
    refused: ["", "a", ".", "..", ".x", "a/b", "a b", "a\0", "ab\n", "x".repeat(129), "né", "../x"],
  });
});

test("parseGroupName() refuses what could name another folder", () => {
  checkTable(parseGroupName, {
    accepted: ["a", "default", "web-1_x.y", "...", ".x", "x".repeat(255)],
    refused: ["", ".", "..", "a/b", "../x", "a,b", "a+b", "a b", "a\n", "x".repeat(256)],
  });
});

test("parseAgentKey() takes what fits between spaces and quotes, and never prints it", () => {
  checkTable(parseAgentKey, {
    accepted: ["abc", "0".repeat(64), "x".repeat(127)],
    refused: ["", "a b", "a\n", "x".repeat(128), "é"],
  });
  assert.equal(String(parseAgentKey("abc")), "****");
});

test("parseAgentAddress() gives the text that the peer stores", () => {
  const texts: readonly (readonly [string, string | null])[] = [
    ["any", "any"],
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8::1", "2001:0DB8:0000:0000:0000:0000:0000:0001"],
    ["10.0.0.0/255.0.0.0", "10.0.0.0/8"],
    ["2001:db8::/32", "2001:0DB8:0000:0000:0000:0000:0000:0000/32"],
    ["Any", null],
    ["!10.1.2.3", null],
    ["host", null],
  ];
  for (const [text, expected] of texts) assert.equal(parseAgentAddress(text)?.text ?? null, expected, text);
});

test("addressMatches() follows the kind of the address", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["any", "10.1.2.3", true],
    ["any", "::1", true],
    ["10.1.2.3", "::ffff:10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["0.0.0.0/0", "::1", false],
  ];
  for (const [allowed, peer, expected] of rows) {
    const address = parseAgentAddress(allowed);
    const peerAddress = parseIpAddress(peer);
    assert.ok(address !== null && peerAddress !== null);
    assert.equal(addressMatches(address, peerAddress), expected, `${allowed} ${peer}`);
  }
});

test("parseConnectionStatus() knows the four states", () => {
  checkTable(parseConnectionStatus, {
    accepted: ["never_connected", "pending", "active", "disconnected"],
    refused: ["", "Active", "toString"],
  });
});
