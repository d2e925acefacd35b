/** Goal: a master knows whether an address is its own. Method: addresses of this host and of documentation; no name is looked up elsewhere. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { isOwnAddress } from "./own-address.ts";

test("isOwnAddress() goes by the address that the listener has", async () => {
  assert(await isOwnAddress("127.0.0.1", "127.0.0.1"));
  assert(!(await isOwnAddress("127.0.0.1", "127.0.0.2")));
  assert(!(await isOwnAddress("192.0.2.1", "127.0.0.1")));
});

test("isOwnAddress() takes every address of the host for a listener of all", async () => {
  const here = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  for (const { address } of here)
    for (const any of ["0.0.0.0", "::"]) assert(await isOwnAddress(address, any));
  assert(!(await isOwnAddress("192.0.2.1", "0.0.0.0")));
});

test("isOwnAddress() says that it does not know a name", async () => {
  await assert.rejects(isOwnAddress("no name", "0.0.0.0"), { code: "name_unknown" });
});
