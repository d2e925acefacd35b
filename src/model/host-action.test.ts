/** Goal: only arguments with one meaning become actions. Method: texts of known attacks for each kind, and the plain ones beside them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blockableAddress, isAccountName, isPlainPath, parseHostAction } from "./host-action.ts";

const HOSTILE = [
  "",
  "-j",
  "--",
  "-d root",
  "1.1.1.1\n0.0.0.0",
  "1.1.1.1 ",
  "$(id)",
  "x".repeat(300),
  "a;b",
  "a\0b",
];

test("blockableAddress() takes addresses of hosts in their one form", () => {
  assert.equal(blockableAddress("203.0.113.9"), "203.0.113.9");
  assert.equal(blockableAddress("::ffff:203.0.113.9"), "203.0.113.9");
  assert.equal(blockableAddress("2001:db8::1"), "2001:0DB8:0000:0000:0000:0000:0000:0001");
});

test("blockableAddress() refuses what is no address, this host, and many hosts at once", () => {
  const refused = ["10.1", "0x7f000001", "010.0.0.1", "203.0.113.9/24", "fe80::1%eth0", "host.example"];
  const own = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"];
  const mapped = ["::ffff:127.0.0.1", "::127.0.0.1"];
  for (const text of [...refused, ...own, ...mapped, ...HOSTILE])
    assert.equal(blockableAddress(text), null, text);
});

test("isAccountName() refuses options, numbers and other languages' characters", () => {
  for (const name of ["mira", "_svc", "web-1", "m.ira", "host$"])
    assert.equal(isAccountName(name), true, name);
  const others = ["0", "1000", "+x", "~x", "a b", "a:b", "a/b", "../x", "a,b", "\u00fcber", "u".repeat(33)];
  for (const name of [...others, ...HOSTILE]) assert.equal(isAccountName(name), false, name);
});

test("isPlainPath() takes absolute paths with one reading", () => {
  for (const path of ["/tmp/x", "/tmp/a b/-c", "/tmp/..x"]) assert.equal(isPlainPath(path), true, path);
  const others = ["/", "tmp/x", "/tmp/../etc/passwd", "/tmp/./x", "/tmp//x", "/tmp/x/", "/tmp/x\n", "/a\0b"];
  for (const path of [...others, `/${"x".repeat(4095)}`, ...HOSTILE])
    assert.equal(isPlainPath(path), false, path);
});

test("parseHostAction() takes the closed list and nothing beside it", () => {
  const address = "203.0.113.9";
  assert.deepEqual(parseHostAction({ kind: "ban", address: `::ffff:${address}`, extra: 1 }), {
    kind: "ban",
    address,
  });
  const process = { kind: "stop_process", pid: 4000, startTicks: "77" };
  assert.deepEqual(parseHostAction(process), process);
  for (const pid of [0, 1, -1, 1.5, 4_194_305, "4000", null, Number.NaN])
    assert.equal(parseHostAction({ ...process, pid }), null, String(pid));
  for (const startTicks of [7, "", "-1", "7 "])
    assert.equal(parseHostAction({ ...process, startTicks }), null);
  for (const item of ["../q1-1", "q1", "q1-1/x", ""])
    assert.equal(parseHostAction({ kind: "release_file", item }), null);
  for (const kind of ["exec", "__proto__", "toString", 1, undefined])
    assert.equal(parseHostAction({ kind, address }), null);
  for (const value of [null, [], "ban", 1]) assert.equal(parseHostAction(value), null);
  for (const text of HOSTILE) {
    assert.equal(parseHostAction({ kind: "unban", address: text }), null);
    assert.equal(parseHostAction({ kind: "disable_account", user: text }), null);
    assert.equal(parseHostAction({ kind: "quarantine_file", path: text }), null);
  }
});
