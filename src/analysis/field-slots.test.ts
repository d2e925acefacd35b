/** Goal: a rule reads the field it names, whatever other names events bring. Method: fields offered as events do, one event after another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldSlots } from "./field-slots.ts";

test("FieldSlots gives the first value of a name, compared without case", () => {
  const slots = new FieldSlots();
  const slot = slots.slotOf("Win.EventID");
  assert.equal(slots.slotOf("win.eventid"), slot);
  slots.offer("WIN.eventid", "1");
  slots.offer("win.eventID", "2");
  assert.equal(slots.values[slot], "1");
});

test("FieldSlots takes an empty value for a value", () => {
  const slots = new FieldSlots();
  const slot = slots.slotOf("a");
  slots.offer("a", "");
  slots.offer("A", "2");
  assert.equal(slots.values[slot], "");
});

test("FieldSlots forgets the values of the event before", () => {
  const slots = new FieldSlots();
  const [a, b] = [slots.slotOf("a"), slots.slotOf("b")];
  slots.offer("a", "1");
  slots.clear();
  slots.offer("b", "2");
  assert.deepEqual([slots.values[a], slots.values[b]], [undefined, "2"]);
});

test("FieldSlots passes over names that no rule asks for, however many and however long", () => {
  const slots = new FieldSlots();
  const slot = slots.slotOf("asked.for");
  for (let number = 0; number < 30_000; number++) slots.offer(`n${number}`, "x");
  slots.offer("asked.for".repeat(5000), "x");
  assert.equal(slots.values[slot], undefined);
  slots.offer("asked.for", "y");
  assert.equal(slots.values[slot], "y");
});
