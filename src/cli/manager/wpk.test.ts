/** Goal: makers of packages can make, check and look into them. Method: the whole program on files in memory; the vector's package. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeSigner } from "#formats/wpk/signer.fixture.ts";
import { FakeFiles } from "#testing/files.ts";
import { fakeProcess, runCommand } from "../environment.fixture.ts";

const VECTOR = new URL("../../../test/vectors/agent/wpk.json", import.meta.url);
const vector: {
  readonly root_ca_pem: string;
  readonly wpk_base64: string;
  readonly tampered_wpk_base64: string;
} = JSON.parse(readFileSync(VECTOR, "utf8"));
const NOW_MS = fakeProcess([]).clock.wallMs();

function filesWith(contents: Readonly<Record<string, string | Buffer>>): FakeFiles {
  const files = new FakeFiles();
  for (const [path, content] of Object.entries(contents)) {
    files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    files.replace(path, Buffer.from(content));
  }
  return files;
}

test("wpk pack makes what wpk verify accepts and wpk show lists", async () => {
  const signer = await makeSigner(NOW_MS, { name: "maker", issuer: null, isAuthority: true });
  const files = filesWith({
    "/package/upgrade.sh": "#!/bin/sh\n",
    "/package/files/agent.deb": "deb",
    "/keys/cert.pem": signer.certificate,
    "/keys/key.pem": signer.key,
  });
  const args = ["--cert", "/keys/cert.pem", "--key", "/keys/key.pem", "--out", "/a.wpk"];
  const packed = await runCommand(["wpk", "pack", "/package", ...args], { files });
  assert.match(
    packed.stdout.text,
    /^\/a\.wpk: 2 files, \d+ bytes, SHA-1 [0-9a-f]{40}\n$/,
    packed.stderr.text,
  );
  const verified = await runCommand(["wpk", "verify", "/a.wpk", "--ca", "/keys/cert.pem"], { files });
  assert.equal(verified.exitCode, 0, verified.stderr.text);
  const shown = await runCommand(["wpk", "show", "/a.wpk", "--json"], { files });
  const { files: listed, subject } = JSON.parse(shown.stdout.text);
  assert.deepEqual(listed, [
    { path: "files/agent.deb", bytes: 3 },
    { path: "upgrade.sh", bytes: 10 },
  ]);
  assert.equal(subject, "CN=maker");
});

test("wpk verify refuses, and wpk show warns that it did not check", async () => {
  const files = filesWith({
    "/good.wpk": Buffer.from(vector.wpk_base64, "base64"),
    "/bad.wpk": Buffer.from(vector.tampered_wpk_base64, "base64"),
    "/none.wpk": "no package",
    "/root.pem": vector.root_ca_pem,
  });
  const codeOf = async (path: string) => {
    const { stdout, exitCode } = await runCommand(["wpk", "verify", path, "--ca", "/root.pem", "--json"], {
      files,
    });
    return [exitCode, JSON.parse(stdout.text).code];
  };
  assert.deepEqual(await codeOf("/good.wpk"), [0, null]);
  assert.deepEqual(await codeOf("/bad.wpk"), [1, "signature_wrong"]);
  assert.deepEqual(await codeOf("/none.wpk"), [1, "bad_magic"]);
  const shown = await runCommand(["wpk", "show", "/bad.wpk"], { files });
  assert.match(shown.stdout.text + shown.stderr.text, /not checked|inflated/);
  assert.equal((await runCommand(["wpk", "show", "/none.wpk"], { files })).exitCode, 1);
});

test("wpk pack refuses an empty folder and a key that cannot sign packages", async () => {
  const files = filesWith({
    "/empty/x/y": "",
    "/package/upgrade.sh": "x",
    "/cert.pem": vector.root_ca_pem,
    "/key.pem": "x",
  });
  files.remove("/empty/x/y");
  const pack = (folder: string) =>
    runCommand(["wpk", "pack", folder, "--cert", "/cert.pem", "--key", "/key.pem", "--out", "/a.wpk"], {
      files,
    });
  assert.match((await pack("/empty")).stderr.text, /no file/);
  assert.match((await pack("/package")).stderr.text, /RSA/);
});
