/** Goal: only whole, signed packages are taken, and what is sent is what was checked. Method: the vector's package in files in memory. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { packagePath, takePackage } from "./package-file.ts";

type Vector = {
  readonly root_ca_pem: string;
  readonly wpk_base64: string;
  readonly sha1: string;
  readonly tampered_wpk_base64: string;
};
const vector: Vector = JSON.parse(
  readFileSync(new URL("../../test/vectors/agent/wpk.json", import.meta.url), "utf8"),
);
const REQUEST = {
  path: "/tmp/agent.wpk",
  authorities: "/etc/wpk_root.pem",
  directory: "/var/upgrade",
  nowMs: Date.UTC(2026, 0),
};

function filesWith(wpk: Buffer, root = vector.root_ca_pem): FakeFiles {
  const files = new FakeFiles();
  files.replace(REQUEST.path, wpk);
  files.replace(REQUEST.authorities, Buffer.from(root));
  return files;
}

test("takePackage() copies a signed package under its sum", () => {
  const wpk = Buffer.from(vector.wpk_base64, "base64");
  const files = filesWith(wpk);
  const { sha1 } = vector;
  assert.deepEqual(takePackage(files, REQUEST), {
    ok: true,
    package: { name: "agent.wpk", sha1, bytes: wpk.length, scripts: ["upgrade.sh"] },
  });
  assert.deepEqual(files.read(packagePath(REQUEST.directory, sha1)), wpk);
});

test("takePackage() takes nothing else, and says why", () => {
  const wpk = Buffer.from(vector.wpk_base64, "base64");
  const withoutRoot = new FakeFiles();
  withoutRoot.replace(REQUEST.path, wpk);
  const cases = [
    [filesWith(Buffer.from(vector.tampered_wpk_base64, "base64")), REQUEST, "signature_wrong"],
    [filesWith(Buffer.from("no package")), REQUEST, "bad_magic"],
    [filesWith(wpk, "no certificate"), REQUEST, "authority_unreadable"],
    [withoutRoot, REQUEST, "authority_missing"],
    [filesWith(wpk), { ...REQUEST, path: "/tmp/absent.wpk" }, "file_missing"],
    [filesWith(wpk), { ...REQUEST, path: "/tmp/a b.wpk" }, "name_refused"],
    [filesWith(wpk), { ...REQUEST, path: "/tmp/.." }, "name_refused"],
    [filesWith(wpk), { ...REQUEST, nowMs: Date.UTC(2060, 0) }, "certificate_untrusted"],
  ] as const;
  for (const [files, request, code] of cases) {
    const outcome = takePackage(files, request);
    assert.equal(outcome.ok ? null : outcome.code, code);
    assert.equal(files.info(packagePath(REQUEST.directory, vector.sha1)), null);
  }
});
