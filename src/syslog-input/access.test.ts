/** Goal: who may send is who the peer lets send. Method: lists and addresses with the answer worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpAddress } from "#model/address.ts";
import { mayConnect, ruleText } from "./access.ts";
import { rules } from "./fixture.ts";

function may(address: string, allowed: readonly string[], denied: readonly string[] = []): boolean {
  const parsed = parseIpAddress(address) ?? assert.fail(address);
  return mayConnect(parsed, { allowed: rules(...allowed), denied: rules(...denied) });
}

test("mayConnect() asks the denied ones first, and lets in nobody who is in no list", () => {
  assert.equal(may("10.0.0.7", ["10.0.0.0/8"]), true);
  assert.equal(may("11.0.0.7", ["10.0.0.0/8", "192.0.2.1"]), false);
  assert.equal(may("192.0.2.1", ["10.0.0.0/8", "192.0.2.1"]), true);
  assert.equal(may("10.0.0.7", ["10.0.0.0/8"], ["10.0.0.7"]), false);
  assert.equal(may("10.0.0.7", ["10.0.0.7"], ["any"]), false);
  assert.equal(may("10.0.0.7", ["any"], ["10.1.0.0/16"]), true);
  assert.equal(may("10.0.0.7", []), false);
  assert.equal(may("2001:db8::1", ["2001:db8::/32"]), true);
  assert.equal(may("2001:db8::1", ["10.0.0.0/8"]), false);
  assert.equal(may("::ffff:10.0.0.7", ["10.0.0.7"]), true);
});

test("mayConnect() takes the first rule that names the address", () => {
  assert.equal(may("10.0.0.5", ["!10.0.0.5", "10.0.0.0/8"]), false);
  assert.equal(may("10.0.0.6", ["!10.0.0.5", "10.0.0.0/8"]), true);
  assert.equal(may("11.0.0.6", ["!10.0.0.5", "10.0.0.0/8"]), false);
  assert.equal(may("11.0.0.6", ["!10.0.0.5"]), true);
  assert.equal(may("10.0.0.5", ["!10.0.0.5"]), false);
});

test("ruleText() writes rules as they are configured", () => {
  const texts = ["10.0.0.7", "10.0.0.0/8", "any", "!10.0.0.5"];
  assert.deepEqual(rules(...texts).map(ruleText), texts);
});
