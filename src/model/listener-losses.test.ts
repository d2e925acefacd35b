/** Goal: losses are told once a minute at most, and none twice. Method: losses at times worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ListenerLosses } from "./listener-losses.ts";

const NAME = { port: 514, protocol: "UDP", connection: "syslog" } as const;

test("ListenerLosses tells the first loss at once and the next ones after a minute", () => {
  const losses = new ListenerLosses(NAME);
  assert.equal(losses.notice(0, 1000), null);
  losses.add("journal", 0);
  assert.equal(losses.notice(0, 1000), null);
  losses.add("receive_buffer", 12);
  losses.add("limit", 3);
  assert.deepEqual(losses.notice(5, 1000), {
    receivedMs: 1000,
    queue: "1",
    agentId: "000",
    locationPrefix: "",
    location: "wazuh-remoted",
    message: "ossec: Messages lost: '15' on port 514/UDP (syslog): receive_buffer 12, limit 3.",
  });
  losses.said(5);
  losses.add("journal", 1);
  assert.equal(losses.notice(60_004, 2000), null);
  losses.add("journal", 1);
  const text = "ossec: Messages lost: '2' on port 514/UDP (syslog): journal 2.";
  assert.equal(losses.notice(60_005, 2000)?.message, text);
});

test("ListenerLosses keeps what was not accepted", () => {
  const losses = new ListenerLosses(NAME);
  losses.add("journal", 1);
  assert.notEqual(losses.notice(0, 0), null);
  losses.add("journal", 1);
  assert.equal(losses.notice(1, 0)?.message.length, losses.notice(2, 0)?.message.length);
  assert.match(String(losses.notice(2, 0)?.message), /'2'/);
});
