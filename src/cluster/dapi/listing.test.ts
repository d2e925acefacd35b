/** Goal: a list is as long as its caller asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Arguments } from "./arguments.ts";
import { PAGE_ITEMS } from "./limits.ts";
import { readListQuery } from "./listing.ts";

test("a page has its usual size where none was named; a null names all", () => {
  const limitOf = (values: ConstructorParameters<typeof Arguments>[0]) =>
    readListQuery(new Arguments(values)).limit;
  assert.equal(limitOf({}), PAGE_ITEMS);
  assert.equal(limitOf({ limit: 7 }), 7);
  assert.equal(limitOf({ limit: null }), null);
});
