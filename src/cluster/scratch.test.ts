/** Goal: what an earlier run left is gone, the socket stays. Method: files in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeNeeds, HOME } from "./fixture.ts";
import { emptyScratch } from "./scratch.ts";

test("emptyScratch() removes all but the local socket", () => {
  const { files } = fakeNeeds();
  emptyScratch(files, HOME);
  const directory = `${HOME}/queue/cluster`;
  files.makeDirectory(`${directory}/worker1`);
  for (const name of ["c-internal.sock", "worker1/a.zip", "stray"]) files.write(`${directory}/${name}`, "x");
  emptyScratch(files, HOME);
  assert.deepEqual(files.paths(), [`${directory}/c-internal.sock`]);
});
