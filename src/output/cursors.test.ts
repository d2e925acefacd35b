/** Goal: the cursor file is read as it was written, and nothing else is believed. Method: one text by hand, then damaged ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { formatCursors, parseCursors } from "./cursors.ts";

const CURSOR = {
  path: "logs/alerts/2026/Nov/ossec-alerts-21-001.json",
  bytes: 700,
  position: 9_007_199_254_740_991,
};
const TEXT =
  '{"version":1,"epoch":5,"files":{"alert_json":{"path":"logs/alerts/2026/Nov/ossec-alerts-21-001.json",' +
  '"bytes":700,"position":9007199254740991}}}\n';

test("formatCursors() writes what parseCursors() reads", () => {
  const cursors = new Map([["alert_json", CURSOR]] as const);
  assert.equal(formatCursors(cursors, 5), TEXT);
  assert.deepEqual(parseCursors(TEXT, 5), cursors);
});

test("parseCursors() refuses another epoch or version, and texts that are none", () => {
  assert.equal(parseCursors(TEXT, 6), null);
  assert.equal(parseCursors(TEXT.replace('"version":1', '"version":2'), 5), null);
  for (const text of [
    "",
    "null",
    "[]",
    "5",
    '{"version":1,"epoch":5}',
    '{"version":1,"epoch":5,"files":[]}',
  ]) {
    assert.equal(parseCursors(text, 5), null, text);
  }
});

test("parseCursors() passes over cursors that name no output file or no place in one", () => {
  const changes = [
    ["logs/alerts/2026/Nov/ossec-alerts-21-001.json", "etc/client.keys"],
    ["logs/alerts/2026/Nov/", "logs/alerts/2026/Nov/../../../../"],
    ['"bytes":700', '"bytes":-1'],
    ['"bytes":700', '"bytes":0.5'],
    ['"position":9007199254740991', '"position":-2'],
    ['"position":9007199254740991', '"position":"1"'],
  ] as const;
  for (const [from, to] of changes) assert.deepEqual(parseCursors(TEXT.replace(from, to), 5), new Map(), to);
});

test("parseCursors() does not throw over damaged texts", () => {
  const random = new SeededRandom(4);
  for (let round = 0; round < 300; round++)
    parseCursors(random.mutate(Buffer.from(TEXT)).toString("latin1"), 5);
});
