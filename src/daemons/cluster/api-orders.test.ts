/** Goal: agents are told what the API asks in the very form that the peer's API uses (/spec of the REST API: restart, active response). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { responseOrderMessage, restartMessage } from "./api-orders.ts";

test("a restart is the order restart-wazuh0, of agents before 4.2 restart-ossec0", () => {
  const order =
    '{"version": 1, "origin": {"module": "framework"}, "command": "restart-wazuh0", "parameters": {"extra_args": [], "alert": {}}}';
  assert.equal(restartMessage("json"), `#!-execd ${order}`);
  assert.equal(restartMessage("text"), "#!-execd restart-ossec0 - -");
});

test("a response carries its arguments and its alert; before 4.2 its arguments are escaped words of one line", () => {
  const order = { command: "!own", arguments: ["a b;c", "x\ny"], alert: { data: { srcip: "203.0.113.9" } } };
  assert.deepEqual(JSON.parse(responseOrderMessage("json", order, "node01").replace("#!-execd ", "")), {
    version: 1,
    origin: { name: "node01", module: "API" },
    command: "!own",
    parameters: { extra_args: order.arguments, alert: order.alert },
  });
  assert.equal(responseOrderMessage("text", order, "node01"), "#!-execd !own a b\\;c x_y");
});
