/** Goal: strangers are counted by network, said at most once a second, and cannot fill memory. Method: many addresses, a moving time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf, OFFENDER_NETWORKS_MAX, OffenderTable } from "./offender-table.ts";

test("networkOf() groups IPv4 by /24 and IPv6 by /64", () => {
  assert.equal(networkOf("192.0.2.17"), "192.0.2.0/24");
  assert.equal(networkOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(networkOf("2001:db8::1"), "2001:db8:0:0::/64");
  assert.equal(networkOf("::1"), "0:0:0:0::/64");
});

test("OffenderTable gives a number to say at most once a second a network, and forgets none", () => {
  const table = new OffenderTable();
  assert.equal(table.record("192.0.2.1", 0), 1);
  for (let count = 0; count < 500; count++) assert.equal(table.record("192.0.2.2", 999), 0);
  assert.equal(table.record("198.51.100.1", 999), 1, "another network is said at once");
  assert.equal(table.record("192.0.2.3", 1000), 501);
  assert.equal(table.countOf("192.0.2.200"), 502);
  assert.equal(table.total, 503);
});

test("OffenderTable keeps a bounded number of networks; the one seen longest ago goes", () => {
  const table = new OffenderTable();
  const address = (index: number) => `10.${index >> 8}.${index & 255}.1`;
  for (let index = 0; index < OFFENDER_NETWORKS_MAX; index++) table.record(address(index), index);
  table.record(address(0), OFFENDER_NETWORKS_MAX); // seen again: no longer the oldest
  for (let index = 0; index < 10; index++) table.record(`172.16.${index}.1`, 10_000);
  assert.equal(table.networks, OFFENDER_NETWORKS_MAX);
  assert.equal(table.countOf(address(0)), 2);
  assert.equal(table.countOf(address(1)), 0);
  assert.equal(table.forgotten, 10);
});
