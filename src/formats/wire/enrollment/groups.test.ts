/** Goal: the peer's words for each bad group list, and no group that is another folder. Method: tables from the format. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGroups, GROUPS_PER_AGENT_MAX, parseGroupList } from "./groups.ts";

const PROHIBITED = "characters '\\/:*?\"<>|,' are prohibited";
const X255 = "x".repeat(255);

test("parseGroupList() says why a list is none", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["", "Empty Group"],
    ["a b", `a b... ${PROHIBITED}`],
    ["a/b", `a/b... ${PROHIBITED}`],
    ["../x", `../x... ${PROHIBITED}`],
    ["a\0", `a\0... ${PROHIBITED}`],
    ["a,b/c", `a,b/c... ${PROHIBITED}`],
    ["a, b", "a, b... white spaces are not allowed"],
    ["a,,b", "a,,b... consecutive ',' are not allowed"],
    [",,", ",,... consecutive ',' are not allowed"],
    [",", ",... cannot start or end with ','"],
    [",a", ",a... cannot start or end with ','"],
    ["a,", "a,... cannot start or end with ','"],
    [`${X255}x`, `${X255}... group is too large`],
    [`a,${X255}x`, `a,${X255.slice(2)}... group is too large`],
    [`${"a,".repeat(32_767)}aa`, `${"a,".repeat(128).slice(0, 255)}... multigroup is too large`],
  ];
  for (const [list, reason] of rows) {
    const result = parseGroupList(list);
    assert.equal(
      result.ok ? "accepted" : result.text,
      `ERROR: Invalid group name: ${reason}`,
      list.slice(0, 40),
    );
  }
});

test("parseGroupList() logs the start of the list without its control characters", () => {
  const result = parseGroupList("a\x1b\r/b");
  assert.ok(!result.ok);
  assert.deepEqual(result.logs, [{ level: "error", text: "Invalid group name: a??/b... ," }]);
});

test("parseGroupList() drops repeated names and keeps the order", () => {
  assert.deepEqual(parseGroupList("web,db,web,a,db"), { ok: true, groups: ["web", "db", "a"] });
  assert.deepEqual(parseGroupList(X255), { ok: true, groups: [X255] });
  assert.ok(parseGroupList(`${"a,".repeat(32_767)}a`).ok, "65,535 characters");
});

test("checkGroups() takes existing folders only", () => {
  const exists = (group: string) => group !== "nope";
  const rows: readonly (readonly [readonly string[], string])[] = [
    [["web", "nope"], "ERROR: Invalid group: nope"],
    [[".."], "ERROR: Invalid group name: .."],
    [["web", "."], "ERROR: Invalid group name: ."],
    [["a+b"], "ERROR: Invalid group name: a+b"],
    [
      Array.from({ length: GROUPS_PER_AGENT_MAX + 1 }, (_, index) => `g${index}`),
      "ERROR: Maximum multigroup reached: Limit is 128",
    ],
  ];
  for (const [names, text] of rows) {
    const result = checkGroups(names, exists);
    assert.equal(result.ok ? "accepted" : result.text, text);
  }
  assert.deepEqual(checkGroups(["web", "db"], exists), { ok: true, groups: ["web", "db"] });
  assert.deepEqual(checkGroups([], exists), { ok: true, groups: [] });
  assert.ok(
    checkGroups(
      Array.from({ length: GROUPS_PER_AGENT_MAX }, (_, index) => `g${index}`),
      exists,
    ).ok,
  );
});
