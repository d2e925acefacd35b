/**
 * Goal: a home that root made becomes the user's, and nothing else does, whatever somebody put into it. Method: real files below a
 * temporary folder, as root; without root nothing can be handed over.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { CodedError } from "../errors.ts";
import { systemFiles } from "./files.ts";
import { type HandedPlace, handOver } from "./hand-over.ts";

const skip =
  process.getuid?.() === 0 ? false : "needs root: SKIPPED, nothing of handing over a home is tested";
/** Numbers that no account needs to have. */
const ACCOUNT = { userId: 54_321, groupId: 54_322 };
const STRANGER = 54_323;
const PLACES: readonly HandedPlace[] = [
  { path: "etc", make: true, use: "shared" },
  { path: "etc/client.keys", make: false, use: "owned" },
  { path: "queue", make: true, use: "owned" },
  { path: "programs", make: true, use: "readable" },
  { path: "absent", make: false, use: "readable" },
];

let directory: string;
let home: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cyb3rhq-hand-over-"));
  home = join(directory, "home");
  mkdirSync(home, { mode: 0o700 });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function put(path: string, mode: number, owner = 0): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "x");
  chmodSync(path, mode);
  chownSync(path, owner, owner);
  return path;
}

/** User, group, mode. */
function ownersOf(path: string): readonly [number, number, string] {
  const { uid, gid, mode } = lstatSync(path);
  return [uid, gid, (mode & 0o7777).toString(8)];
}

const { userId, groupId } = ACCOUNT;

test("handOver() gives what is written to the user, shows the rest to its group, and tells nobody else", {
  skip,
}, () => {
  put(join(home, "queue/db/registry.db"), 0o640);
  put(join(home, "queue/private"), 0o600);
  put(join(home, "etc/client.keys"), 0o640);
  put(join(home, "etc/authd.pass"), 0o600);
  put(join(home, "etc/ossec.conf"), 0o644);
  put(join(home, "etc/own.pem"), 0o600, STRANGER);
  put(join(home, "etc/private/key.pem"), 0o600);
  put(join(home, "programs/run"), 0o700);
  chmodSync(join(home, "etc/private"), 0o700);
  assert.deepEqual(handOver(home, ACCOUNT, PLACES), []);
  const expected = {
    ".": [0, groupId, "750"],
    queue: [userId, groupId, "755"],
    "queue/db": [userId, groupId, "755"],
    "queue/db/registry.db": [userId, groupId, "640"],
    "queue/private": [userId, groupId, "600"],
    etc: [0, groupId, "775"],
    "etc/client.keys": [userId, groupId, "640"],
    "etc/authd.pass": [0, groupId, "640"],
    "etc/ossec.conf": [0, 0, "644"],
    "etc/own.pem": [STRANGER, STRANGER, "600"],
    "etc/private": [0, 0, "700"],
    "etc/private/key.pem": [0, 0, "600"],
    "programs/run": [0, groupId, "750"],
  };
  for (const [path, owners] of Object.entries(expected))
    assert.deepEqual(ownersOf(join(home, path)), owners, path);
  assert.equal(systemFiles.info(join(home, "absent")), null);
  assert.deepEqual(handOver(home, ACCOUNT, PLACES), []);
});

test("handOver() follows no link out of a home, and gives away no file that has a name elsewhere", {
  skip,
}, () => {
  const secret = put(join(directory, "secret"), 0o600);
  const folder = join(directory, "folder");
  put(join(folder, "inside"), 0o600);
  mkdirSync(join(home, "queue/deep"), { recursive: true });
  symlinkSync(secret, join(home, "queue/link"));
  symlinkSync(folder, join(home, "queue/deep/folder"));
  linkSync(secret, join(home, "queue/linked"));
  linkSync(secret, join(home, "queue/deep/linked-too"));
  mkdirSync(join(home, "etc"));
  symlinkSync(secret, join(home, "etc/client.keys"));
  linkSync(secret, join(home, "etc/linked"));
  const left = handOver(home, ACCOUNT, PLACES);
  // Of several names one is told, that which is met first.
  assert.match(left.toSorted().join(" "), /^etc\/linked queue\/(?:linked|deep\/linked-too)$/);
  for (const path of [secret, folder, join(folder, "inside")]) assert.equal(ownersOf(path)[0], 0, path);
  assert.deepEqual(ownersOf(secret), [0, 0, "600"]);
});

test("handOver() gives a file with two names in the home, as alerts of today have", { skip }, () => {
  const file = put(join(home, "queue/2026/alerts-21.json"), 0o640);
  linkSync(file, join(home, "queue/alerts.json"));
  assert.deepEqual(handOver(home, ACCOUNT, PLACES), []);
  assert.deepEqual(ownersOf(file), [userId, groupId, "640"]);
});

test("handOver() refuses a link in place of a folder, and the home of somebody else", { skip }, () => {
  const folder = join(directory, "folder");
  mkdirSync(folder);
  symlinkSync(folder, join(home, "queue"));
  assert.throws(
    () => handOver(home, ACCOUNT, PLACES),
    isCoded("hand_over_failed", /^queue of the home is no folder/),
  );
  assert.equal(ownersOf(folder)[0], 0);
  rmSync(join(home, "queue"));
  chownSync(home, STRANGER, STRANGER);
  assert.throws(() => handOver(home, ACCOUNT, PLACES), isCoded("home_of_other", /belongs to user 54323/));
});

test("handOver() ends in folders that are nested without end", { skip }, () => {
  let path = join(home, "queue");
  for (let depth = 0; depth < 80; depth++) path = join(path, "d");
  mkdirSync(path, { recursive: true });
  const left = handOver(home, ACCOUNT, PLACES);
  assert.equal(left.length, 1);
  assert.equal(ownersOf(path)[0], 0);
});

test("systemFiles leaves what root makes to the owner of the folder, or of the file that it replaces", {
  skip,
}, () => {
  mkdirSync(join(home, "own"));
  chownSync(join(home, "own"), userId, groupId);
  systemFiles.makeDirectory(join(home, "own/a/b"));
  systemFiles.replace(join(home, "own/a/b/new"), Buffer.from("x"));
  systemFiles.open(join(home, "own/appended"), "append").close();
  for (const path of ["own/a", "own/a/b", "own/a/b/new", "own/appended"])
    assert.deepEqual(ownersOf(join(home, path)).slice(0, 2), [userId, groupId], path);
  const keys = put(join(home, "keys"), 0o640);
  chownSync(keys, userId, groupId);
  systemFiles.replace(keys, Buffer.from("y"));
  assert.deepEqual(ownersOf(keys).slice(0, 2), [userId, groupId]);
  // A file of root's in a folder that its group may only read is shown to nobody.
  chownSync(home, 0, groupId);
  systemFiles.replace(join(home, "secret"), Buffer.from("z"));
  assert.deepEqual(ownersOf(join(home, "secret")).slice(0, 2), [0, 0]);
  const foreign = put(join(directory, "foreign"), 0o600);
  truncateSync(foreign);
  linkSync(foreign, join(home, "own/linked"));
  systemFiles.open(join(home, "own/linked"), "append").close();
  assert.equal(ownersOf(foreign)[0], 0);
});

function isCoded(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof CodedError && error.code === code && text.test(error.message);
}
