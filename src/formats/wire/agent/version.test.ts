/** Goal: a newer agent is told from an older one whatever text it sends. Method: a table with both sides of each border. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHigherVersion } from "./version.ts";

test("isHigherVersion() compares major and minor", () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ["v4.14.7", false],
    ["v4.14.8", false],
    ["v4.15.0", true],
    ["4.15", true],
    ["v4.9.9", false],
    ["v5", true],
    ["v5.0.0", true],
    ["v3.99.0", false],
    ["v4.14.7777777", false],
    ["", false],
    ["v", false],
    ["latest", false],
    ["v4.14.7-rc1", false],
    [`v${"9".repeat(4096)}.0`, true],
    [`v4.${"9".repeat(4096)}`, true],
    [`v${"4.".repeat(2048)}`, false],
  ];
  for (const [version, expected] of rows) {
    assert.equal(isHigherVersion(version, "v4.14.7"), expected, version.slice(0, 40));
  }
});
