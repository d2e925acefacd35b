/** Goal: what an alert says that a response is about is of the response's type, or nobody is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { alertProblem } from "./built-in.ts";

test("an alert's subject is checked by the type that the response takes", () => {
  const cases: readonly (readonly [string, object, boolean])[] = [
    ["firewall-drop", { data: { srcip: "203.0.113.9" } }, true],
    ["firewall-drop", { data: { srcip: "-j ACCEPT" } }, false],
    ["!netsh.exe", { data: { srcip: "1.1.1.1;id" } }, false],
    ["route-null", { data: { win: { eventdata: { ipAddress: "$(id)" } } } }, false],
    ["disable-account", { data: { dstuser: "eve" } }, true],
    ["disable-account", { data: { dstuser: "-x" } }, false],
    // What a response of others takes is not known, nor is there anything to check in an alert that says nothing.
    ["!own-script", { data: { srcip: "anything at all" } }, true],
    ["firewall-drop", {}, true],
  ];
  for (const [name, alert, isRight] of cases)
    assert.equal(alertProblem(name, { ...alert }) === null, isRight, `${name} ${JSON.stringify(alert)}`);
});
