/** Goal: agents get the package that the peer would give them. Method: places written by hand from the peer's rules; hostile words of agents. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  placeFor,
  repositoryAddress,
  sha1InVersions,
  usualRepository,
  writtenVersion,
} from "./repository.ts";

const WISH = { version: "v4.14.7", packageType: null, force: false } as const;

test("placeFor() knows folder and name for every kind of platform", () => {
  const cases = [
    ["ubuntu", "x86_64", WISH, "linux/deb/amd64/wazuh_agent_v4.14.7_linux_amd64.deb.wpk"],
    ["debian", "aarch64", WISH, "linux/deb/arm64/wazuh_agent_v4.14.7_linux_arm64.deb.wpk"],
    ["debian", "armv7l", WISH, "linux/deb/armv7l/wazuh_agent_v4.14.7_linux_armv7l.deb.wpk"],
    ["centos", "x86_64", WISH, "linux/rpm/x86_64/wazuh_agent_v4.14.7_linux_x86_64.rpm.wpk"],
    ["rocky", "aarch64", WISH, "linux/rpm/aarch64/wazuh_agent_v4.14.7_linux_aarch64.rpm.wpk"],
    ["windows", "", WISH, "windows/wazuh_agent_v4.14.7_windows.wpk"],
    ["darwin", "x86_64", WISH, "macos/pkg/intel64/wazuh_agent_v4.14.7_macos_intel64.pkg.wpk"],
    ["darwin", "aarch64", WISH, "macos/pkg/arm64/wazuh_agent_v4.14.7_macos_arm64.pkg.wpk"],
    ["ubuntu", "x86_64", { ...WISH, version: "v4.8.2" }, "linux/x86_64/wazuh_agent_v4.8.2_linux_x86_64.wpk"],
    [
      "darwin",
      "x86_64",
      { ...WISH, version: "v4.8.2" },
      "macos/x86_64/pkg/wazuh_agent_v4.8.2_macos_x86_64.wpk",
    ],
    [
      "mint",
      "x86_64",
      { ...WISH, packageType: "deb" },
      "linux/deb/amd64/wazuh_agent_v4.14.7_linux_amd64.deb.wpk",
    ],
    [
      "ubuntu",
      "x86_64",
      { ...WISH, packageType: "rpm" },
      "linux/deb/amd64/wazuh_agent_v4.14.7_linux_amd64.deb.wpk",
    ],
    [
      "ubuntu",
      "x86_64",
      { ...WISH, packageType: "rpm", force: true },
      "linux/rpm/x86_64/wazuh_agent_v4.14.7_linux_x86_64.rpm.wpk",
    ],
    ["mint", "x86_64", WISH, "wrong_platform"],
    ["sunos", "sparc", { ...WISH, packageType: "rpm" }, "wrong_platform"],
    ["ubuntu", "", WISH, "wrong_platform"],
    ["ubuntu", "../../x", WISH, "wrong_platform"],
    ["darwin", "a/b", WISH, "wrong_platform"],
    ["ubuntu", "x86_64", { ...WISH, version: "v3.3.9" }, "version_not_in_repository"],
  ] as const;
  for (const [platform, architecture, wish, expected] of cases) {
    const outcome = placeFor({ platform, architecture }, wish);
    const got = outcome.ok ? outcome.place.folder + outcome.place.name : outcome.code;
    assert.equal(got, expected, `${platform} ${architecture} ${wish.version}`);
  }
});

test("repositoryAddress() takes http and https only, and https where nothing is said", () => {
  assert.equal(repositoryAddress(usualRepository("v4.14.7"), false), "https://packages.wazuh.com/4.x/wpk/");
  assert.equal(repositoryAddress("mirror:8080/wpk", true), "http://mirror:8080/wpk/");
  assert.equal(repositoryAddress("https://mirror/wpk", true), "https://mirror/wpk/");
  assert.equal(repositoryAddress("HTTP://mirror", false), "http://mirror/");
  for (const text of ["file:///etc/", "ftp://a/", "", "https://", "https://a/?x=", "https://a/#b"])
    assert.equal(repositoryAddress(text, false), null, text);
});

test("writtenVersion() gives versions the form of packages' names", () => {
  assert.equal(writtenVersion("4.14.7"), "v4.14.7");
  assert.equal(writtenVersion("v4.14.7"), "v4.14.7");
  for (const text of ["", "v4.14", "4.14.7/..", "v4.14.7 ", "latest"])
    assert.equal(writtenVersion(text), null, text);
});

test("sha1InVersions() finds the sum of a version, and nothing in damaged lines", () => {
  const sum = "0123456789abcdef0123456789ABCDEF01234567";
  const text = `v4.14.6 ${"1".repeat(40)}\r\nv4.14.7 ${sum}\r\nv4.14.8 short\n4.13.0 ${"2".repeat(40)}`;
  assert.equal(sha1InVersions(text, "v4.14.7"), sum.toLowerCase());
  assert.equal(sha1InVersions(text, "v4.13.0"), "2".repeat(40), "the last line has no end");
  for (const version of ["v4.14.8", "v4.14.9", "v4.14.70"]) assert.equal(sha1InVersions(text, version), null);
  assert.equal(sha1InVersions("<html>no such page</html>", "v4.14.7"), null);
});
