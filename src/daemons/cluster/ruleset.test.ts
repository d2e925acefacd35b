/** Goal: the API shows the files of the rule set, those in use and those that the configuration leaves out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeavyWork } from "#cluster/needs.ts";
import { rulesetWorld } from "./ruleset.ts";

const NO_WORK: HeavyWork = { run: () => Promise.reject(new Error("a list needs no work")) };

test("files that are left out are listed as such; those that lie elsewhere are not listed", () => {
  const file = (name: string) => ({ name, path: `/home/etc/rules/${name}` });
  const elsewhere = { name: "c.xml", path: "/elsewhere/c.xml" };
  const inUse = { rules: [file("a.xml"), elsewhere], decoders: [], lists: [] };
  const all = { ...inUse, rules: [file("a.xml"), file("b.xml"), elsewhere] };
  const world = rulesetWorld("/home", () => ({ inUse, all }), NO_WORK);
  const place = { kind: "rule", directory: "etc/rules" };
  assert.deepEqual(world.list("rule"), [
    { ...place, name: "a.xml", isEnabled: true },
    { ...place, name: "b.xml", isEnabled: false },
  ]);
  assert.deepEqual(world.list("decoder"), []);
});
