/** Goal: permissions mean what they mean in the peer. Method: each rule of its evaluation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "#formats/wire/cluster/json-value.ts";
import { isPermitted, readPermissions } from "./permissions.ts";

function permitted(claim: JsonValue, ...names: readonly string[]): boolean {
  const permissions = readPermissions(claim);
  assert(permissions !== null);
  return isPermitted(permissions, "agent:read", names);
}

test("isPermitted() goes by the mode where no entry speaks, else by the last one that does", () => {
  const one = "agent:id:001";
  assert(permitted({ rbac_mode: "black" }, one));
  assert(permitted({}, one));
  assert(!permitted({ rbac_mode: "white" }, one));
  assert(!permitted({ rbac_mode: "white", "agent:delete": { "agent:id:*": "allow" } }, one));
  const but = { "agent:id:*": "allow", "agent:id:001": "deny" };
  assert(!permitted({ rbac_mode: "white", "agent:read": but }, one));
  assert(permitted({ rbac_mode: "white", "agent:read": but }, "agent:id:002"));
  assert(!permitted({ "agent:read": { "agent:group:web": "deny" } }, one, "agent:group:web"));
  assert(permitted({ "agent:read": { "agent:group:web": "deny" } }, one, "agent:group:webs"));
  assert(!permitted({ "agent:read": { "*:*:*": "deny" } }, one));
  assert(!permitted({ "agent:read": { "agent:*": "deny" } }, one));
  assert(permitted({ "agent:read": { "agent:i*": "deny", "*": "deny", agent: "deny" } }, one));
  assert(
    permitted({ "agent:read": { "agent:id:001": "deny", "agent:id:*": "allow" } }, one),
    "the later one",
  );
});

test("isPermitted() takes an entry of several parts carefully", () => {
  const both = "agent:id:001&agent:group:web";
  assert(!permitted({ rbac_mode: "white", "agent:read": { [both]: "allow" } }, "agent:id:001"));
  assert(!permitted({ rbac_mode: "black", "agent:read": { [both]: "deny" } }, "agent:id:001"));
});

test("readPermissions() takes nothing else", () => {
  const claims = [
    null,
    [],
    "all",
    { rbac_mode: "grey" },
    { "agent:read": [] },
    { "agent:read": { "agent:id:*": 1 } },
  ];
  for (const claim of claims) assert.equal(readPermissions(claim), null);
});

test("isPermitted() looks many items up among many entries", () => {
  const entries = Object.fromEntries(Array.from({ length: 100_000 }, (_, id) => [`agent:id:${id}`, "deny"]));
  const permissions = readPermissions({ "agent:read": entries });
  assert(permissions !== null);
  const startMs = performance.now();
  for (let id = 0; id < 100_000; id++)
    assert.equal(isPermitted(permissions, "agent:read", [`agent:id:${id}`]), false);
  assert(performance.now() - startMs < 5000, "one by one it would take minutes");
});
