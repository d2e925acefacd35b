/** Goal: conditions mean what they mean to the peer. Method: each against the letters that are true. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import { exceptionOf } from "./callable.ts";
import { QUERY_DEPTH_MAX } from "./limits.ts";
import { clausesOf, meets, readWhere } from "./where.ts";

/** Whether it is met where these fields have the value 1. */
function isMet(text: string, fields: string): boolean {
  const where = readWhere(text);
  return where === null || meets(where, ({ field, value }) => fields.includes(field) && value === "1");
}

test("and binds closer than or, brackets bind closest", () => {
  assert.equal(isMet("", ""), true);
  assert.equal(isMet("a=1,b=1;c=1", "a"), true);
  assert.equal(isMet("(a=1,b=1);c=1", "a"), false);
  assert.equal(isMet("(a=1,b=1);c=1", "bc"), true);
  assert.equal(isMet("c=1;((a=1;b=1),d=1)", "cd"), true);
  assert.equal(isMet("c=1;((a=1;b=1),d=1)", "ca"), false);
});

test("a value may have brackets of its own", () => {
  assert.deepEqual(clausesOf(readWhere("(os.name~Linux (x),name=b)")), [
    { field: "os.name", operator: "~", value: "linux (x)" },
    { field: "name", operator: "=", value: "b" },
  ]);
});

test("what is no condition is refused", () => {
  const deep = `${"(".repeat(QUERY_DEPTH_MAX + 1)}a=1${")".repeat(QUERY_DEPTH_MAX + 1)}`;
  for (const text of ["a", "a=", "(a=1", "a=1)", "a=1;", ",a=1", "()", "a=1 (b=1", deep]) {
    assert.throws(
      () => readWhere(text),
      (error) => {
        const exception = exceptionOf(error);
        return exception instanceof ClusterException && exception.code === 1407;
      },
      text,
    );
  }
});
