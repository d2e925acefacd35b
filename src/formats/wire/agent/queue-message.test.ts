/**
 * Goal: a datagram of the event queue is taken apart as the peer does it. Method: its answers (vectors), the escapes and
 * forms of the format's description by hand, every cut of a datagram, and damaged ones.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { DATAGRAM_BYTES_MIN, splitQueueMessage } from "./queue-message.ts";

interface Vector {
  readonly category: string;
  readonly datagram: string;
  readonly archive: readonly { location: string; full_log: string; agent: { id: string; name: string } }[];
  readonly log: readonly string[];
}

const REMOTE = "1:[001] (web1) any->/var/log/auth.log:Nov 20 04:41:01 h sshd[1]: x";
/** Their messages are text, so archives show them as they are; special decoders write a text of their own. */
const TEXT_CATEGORIES = ["agent-start", "agent-buffer", "monitor-local", "syslog-remote", "location-escape"];

test("splitQueueMessage() finds the agent, the location and the message that the peer archives", () => {
  const rows = readFileSync("test/vectors/analysis/queue.jsonl", "utf8").trim().split("\n");
  const vectors = rows.map((row) => JSON.parse(row) as Vector);
  for (const vector of vectors) {
    const parts = splitQueueMessage(vector.datagram);
    if (vector.category === "bad-format") {
      assert.deepEqual(parts, { error: "queue_message_unformatted" });
      continue;
    }
    assert.ok(!("error" in parts));
    const [archived] = vector.archive;
    if (archived === undefined) continue;
    assert.equal(parts.agentId, archived.agent.id);
    assert.equal(parts.location.slice(parts.location.indexOf(">") + 1), archived.location);
    if (parts.hostname !== null) assert.equal(parts.hostname, archived.agent.name);
    if (TEXT_CATEGORIES.includes(vector.category)) assert.equal(parts.message, archived.full_log);
  }
  assert.equal(vectors.filter((vector) => TEXT_CATEGORIES.includes(vector.category)).length, 7);
});

test("splitQueueMessage() tells agents from the manager", () => {
  assert.deepEqual(splitQueueMessage(REMOTE), {
    queue: "1",
    agentId: "001",
    location: "(web1) any->/var/log/auth.log",
    hostname: "web1",
    message: "Nov 20 04:41:01 h sshd[1]: x",
  });
  assert.deepEqual(splitQueueMessage("2:192.0.2.9:<38>x: y"), {
    queue: "2",
    agentId: "000",
    location: "192.0.2.9",
    hostname: null,
    message: "<38>x: y",
  });
  assert.deepEqual(splitQueueMessage("1:[001] (web1:x"), {
    queue: "1",
    agentId: "001",
    location: "(web1",
    hostname: "",
    message: "x",
  });
  assert.deepEqual(splitQueueMessage("1:[001]:x"), {
    queue: "1",
    agentId: "001",
    location: "",
    hostname: "",
    message: "x",
  });
});

test("splitQueueMessage() undoes the escapes of the location only", () => {
  const location = (escaped: string) => splitQueueMessage(`1:${escaped}:a|:b`);
  const local = { queue: "1", agentId: "000", hostname: null, message: "a|:b" };
  assert.deepEqual(location("C|:\\logs"), { ...local, location: "C:\\logs" });
  assert.deepEqual(location("a||b"), { ...local, location: "a|b" });
  assert.deepEqual(location("a||"), { ...local, location: "a|" });
  assert.deepEqual(location("|x|||:|\n"), { ...local, location: "x|:\n" });
  assert.deepEqual(location(""), { ...local, location: "" });
});

test("splitQueueMessage() refuses what has no location", () => {
  assert.deepEqual(splitQueueMessage(""), { error: "queue_message_too_short" });
  assert.deepEqual(splitQueueMessage("1:a:".slice(0, DATAGRAM_BYTES_MIN - 1)), {
    error: "queue_message_too_short",
  });
  assert.deepEqual(splitQueueMessage("1:a\0:b"), { error: "queue_message_too_short" });
  assert.ok(!("error" in splitQueueMessage("1:a:")));
  assert.deepEqual(splitQueueMessage("1:abc"), { error: "queue_message_unformatted" });
  assert.deepEqual(splitQueueMessage("1:abc|:def"), { error: "queue_message_unformatted" });
  assert.deepEqual(splitQueueMessage("1:abc|"), { error: "queue_message_unformatted" });
  assert.deepEqual(splitQueueMessage("1:[001 x:y"), { error: "queue_message_unformatted" });
});

test("splitQueueMessage() ends the message at a NUL", () => {
  const parts = splitQueueMessage("1:a:text\0more");
  assert.ok(!("error" in parts));
  assert.equal(parts.message, "text");
});

test("splitQueueMessage() takes every cut and damage", () => {
  const random = new SeededRandom(2);
  for (let cut = 0; cut <= REMOTE.length; cut++) splitQueueMessage(REMOTE.slice(0, cut));
  for (let round = 0; round < 5_000; round++) {
    const datagram = random.mutate(Buffer.from(REMOTE)).toString("latin1");
    const parts = splitQueueMessage(datagram);
    if (!("error" in parts)) assert.ok(datagram.includes(`:${parts.message}`));
  }
});
