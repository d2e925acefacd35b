/** Goal: who speaks is known before any key is touched. Method: a table of payloads with the peer's answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitEnvelope } from "./envelope.ts";

function split(text: string): string {
  const envelope = splitEnvelope(Buffer.from(text, "latin1"), "10.0.0.1");
  switch (envelope.kind) {
    case "identified":
      return `${envelope.id} ${envelope.sealed.toString("latin1")}`;
    case "anonymous":
      return `anonymous ${envelope.sealed.toString("latin1")}`;
    case "ping":
      return "ping";
    case "refused":
      return `${envelope.code} ${envelope.log}`;
  }
}

test("splitEnvelope() tells id, ping, none and violations apart", () => {
  const unterminated =
    "id_unterminated (1403): Incorrectly formatted message from agent '(unknown)' (host '10.0.0.1').";
  const rows: readonly (readonly [string, string])[] = [
    ["!001!#AES:x", "001 #AES:x"],
    ["!12345678!:x", "12345678 :x"],
    ["!1!", "1 "],
    ["#AES:x", "anonymous #AES:x"],
    ["", "anonymous "],
    ["#ping", "ping"],
    ["#pingpong", "ping"],
    ["#pin", "anonymous #pin"],
    ["!", unterminated],
    ["!001", unterminated],
    ["!0x1!#AES:", unterminated],
    ["!-1!#AES:", unterminated],
    ["!!#AES:x", "id_invalid (1408): Invalid ID  for the source ip: '10.0.0.1' (name 'unknown')."],
    [
      "!123456789!x",
      "id_invalid (1408): Invalid ID 123456789 for the source ip: '10.0.0.1' (name 'unknown').",
    ],
  ];
  for (const [payload, expected] of rows) assert.equal(split(payload), expected, payload);
});

test("splitEnvelope() does not repeat a long id in the log", () => {
  assert.ok(split(`!${"9".repeat(65_000)}!x`).length < 120);
});
