/** Goal: a location comes through its escapes unchanged. Method: tables by hand from the format; a round trip of any text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { agentSource, escapeLocation, formatQueueMessage, parseEvent, unescapeLocation } from "./event.ts";

const SOURCE = agentSource({ id: "001", name: "web1", address: "any" });

function parse(text: string): string {
  const result = parseEvent(Buffer.from(text, "latin1"));
  if (!result.ok) return `${result.code} ${result.log}`;
  const { queue, location, text: eventText } = result.event;
  return JSON.stringify([queue, location, eventText.toString("latin1")]);
}

test("parseEvent() splits queue, location and text", () => {
  const malformed = "malformed (1106): String not correctly formatted.";
  const rows: readonly (readonly [string, string])[] = [
    ["1:/var/log/syslog:Mar 24 10:12:36 x", '["1","/var/log/syslog","Mar 24 10:12:36 x"]'],
    ["f:C|:\\x|||:y:text|:", '["f","C:\\\\x|:y","text|:"]'],
    ["1::", '["1","",""]'],
    ["1:|x:y", '["1","x","y"]'],
    ["::a:b", '[":","a","b"]'],
    ["8:syscheck:{}", '["8","syscheck","{}"]'],
    ["1:keepalive:x", "keepalive null"],
    ["1:keepalive-2:x", "keepalive null"],
    ["", malformed],
    ["9:", malformed],
    ["1", malformed],
    ["12:x:y", malformed],
    ["1:x", malformed],
    ["1:x|:y", malformed],
    ["1:x|", malformed],
  ];
  for (const [message, expected] of rows) assert.equal(parse(message), expected, message);
});

test("unescapeLocation() undoes escapeLocation() and keeps a lone bar at the end", () => {
  assert.equal(escapeLocation("a:b|c"), "a|:b||c");
  assert.equal(unescapeLocation("a|:b||c|xd|\n|"), "a:b|cxd\n|");
  const random = new SeededRandom(9);
  for (let round = 0; round < 1000; round++) {
    const text = Array.from({ length: random.below(12) }, () =>
      random.pick(["|", ":", "a", "\n", "\xff"]),
    ).join("");
    assert.equal(unescapeLocation(escapeLocation(text)), text);
    const event = parseEvent(Buffer.from(`1:x${escapeLocation(text)}:rest`, "latin1"));
    assert.ok(event.ok && event.event.location === `x${text}`, JSON.stringify(text));
  }
});

test("formatQueueMessage() escapes the source, too", () => {
  const event = { queue: "1", location: "C:\\x", text: Buffer.from("a:b|c") };
  assert.equal(formatQueueMessage(SOURCE, event).toString(), "1:[001] (web1) any->C|:\\x:a:b|c");
  const v6 = agentSource({ id: "003", name: "v6", address: "2001:0DB8::1" });
  assert.equal(formatQueueMessage(v6, event).toString(), "1:[003] (v6) 2001|:0DB8|:|:1->C|:\\x:a:b|c");
});

test("formatQueueMessage() cuts at 65,535 bytes", () => {
  const event = { queue: "1", location: "x", text: Buffer.alloc(65_530, "y") };
  assert.equal(formatQueueMessage(SOURCE, event).length, 65_535);
});

test("parseEvent() never throws", () => {
  const random = new SeededRandom(10);
  for (let round = 0; round < 3000; round++) parseEvent(random.mutate(Buffer.from("f:C|:\\x|||:y:text|:")));
  parseEvent(Buffer.alloc(65_408, "1:|"));
});
