/**
 * Goal: after a crash the last whole record is found, whatever follows it and however long it is. Method: two whole records and
 * a third cut at every byte; records longer than what is read at once; foreign and damaged bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import type { FileKind } from "./day-files.ts";
import { ALL_KINDS, recordText } from "./fixture.ts";
import { SEARCH_BYTES } from "./limits.ts";
import { findTail, type Tail } from "./tail.ts";

const NUMBERED: readonly FileKind[] = ["alert_json", "alert_log", "archive_json", "dead_letter"];

function tailOf(kind: FileKind, text: string, from = 0): Tail {
  const files = new FakeFiles();
  files.write("/file", text);
  return findTail(kind, files.open("/file", "read"), from, text.length);
}

for (const kind of NUMBERED) {
  test(`findTail() of ${kind} finds the last whole record when the next one is cut at any byte`, () => {
    const whole = recordText(kind, 70) + recordText(kind, 80);
    const next = recordText(kind, 90);
    for (let cut = 0; cut < next.length; cut++) {
      const tail = tailOf(kind, whole + next.slice(0, cut));
      assert.deepEqual(tail, { end: whole.length, position: 80 }, `cut at ${cut}`);
    }
    assert.deepEqual(tailOf(kind, whole + next), { end: whole.length + next.length, position: 90 });
  });

  test(`findTail() of ${kind} does not look before its start`, () => {
    const before = recordText(kind, 70);
    const torn = recordText(kind, 80).slice(0, -3);
    assert.deepEqual(tailOf(kind, before, before.length), { end: before.length, position: null });
    assert.deepEqual(tailOf(kind, before + torn, before.length), { end: before.length, position: null });
    const after = recordText(kind, 90);
    const expected = { end: before.length + after.length, position: 90 };
    assert.deepEqual(tailOf(kind, before + after + torn, before.length), expected);
  });

  test(`findTail() of ${kind} finds records of any length around the bytes read at once`, () => {
    for (const bytes of [SEARCH_BYTES - 1, SEARCH_BYTES, SEARCH_BYTES + 1, 20 * SEARCH_BYTES]) {
      const long = recordText(kind, 80, "x".repeat(bytes));
      const torn = recordText(kind, 90, "y".repeat(bytes)).slice(0, -2);
      assert.deepEqual(tailOf(kind, long), { end: long.length, position: 80 });
      assert.deepEqual(tailOf(kind, long + torn), { end: long.length, position: 80 });
    }
    // The mark that is searched lies on the border of two pieces, whichever it is.
    for (let shift = 0; shift < 12; shift++) {
      const last = recordText(kind, 90);
      const message = "z".repeat(SEARCH_BYTES - last.length + 1 - shift);
      const text = recordText(kind, 80) + recordText(kind, 90, message);
      assert.deepEqual(tailOf(kind, text), { end: text.length, position: 90 }, `shift ${shift}`);
    }
  });
}

for (const kind of ["alert_json", "archive_json", "dead_letter"] as const) {
  test(`findTail() of ${kind} passes over whole lines that are no records`, () => {
    const whole = recordText(kind, 80);
    for (const damage of ["\0".repeat(5000), `${"\0".repeat(300)}\n\n`, "{}\n", '{"id":"5"}\n', "null\n"]) {
      assert.deepEqual(
        tailOf(kind, whole + damage),
        { end: whole.length, position: 80 },
        damage.slice(0, 12),
      );
    }
    assert.deepEqual(tailOf(kind, "\0\0\n\n"), { end: 0, position: null });
    assert.deepEqual(tailOf(kind, ""), { end: 0, position: null });
  });
}

test("findTail() of alert_log keeps no part of an alert that was cut behind an empty line of its own", () => {
  const whole = recordText("alert_log", 80);
  const torn = `${recordText("alert_log", 90)}What changed:\n1c1\n`;
  assert.deepEqual(tailOf("alert_log", whole + torn), { end: whole.length, position: 80 });
  assert.deepEqual(tailOf("alert_log", `${whole}** Alert x:\n\n`), { end: whole.length, position: 80 });
  assert.deepEqual(tailOf("alert_log", "\0\n\n"), { end: 0, position: null });
});

test("findTail() of archive_log keeps whole lines", () => {
  const line = recordText("archive_log", 80);
  assert.deepEqual(tailOf("archive_log", line), { end: line.length, position: null });
  assert.deepEqual(tailOf("archive_log", `${line}half`), { end: line.length, position: null });
  assert.deepEqual(tailOf("archive_log", `${line}half`, line.length), { end: line.length, position: null });
});

test("findTail() ends within the file for damaged bytes of any kind", () => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 400; round++) {
    const kind = random.pick(ALL_KINDS);
    const whole = recordText(kind, 70) + recordText(kind, 80) + recordText(kind, 90);
    const bytes = random.mutate(Buffer.from(whole, "latin1"));
    const { end, position } = tailOf(kind, bytes.toString("latin1"));
    assert.ok(end >= 0 && end <= bytes.length, `round ${round}`);
    assert.ok(position === null || Number.isSafeInteger(position), `round ${round}`);
  }
});
