/** Goal: a certificate is its own host's and nobody else's. Method: names by hand, and certificates made here that hold odd ones. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { certificateIsOf, nameMatches } from "./host-match.ts";
import { makeKeys, makeSelfSigned } from "./maker.ts";
import { type AlternativeName, alternativeNamesOf } from "./names.ts";

async function make(commonName: string, alternativeNames: readonly AlternativeName[] = []) {
  const keys = await makeKeys({ kind: "ec" });
  const details = {
    role: "client",
    name: [["CN", commonName]],
    alternativeNames,
    notBeforeMs: 0,
    notAfterMs: 86_400_000,
  } as const;
  return new X509Certificate(await makeSelfSigned(details, keys, new SeededRandom(1)));
}

test("nameMatches() takes a star for the whole first label only", () => {
  const cases: readonly (readonly [pattern: string, host: string, matches: boolean])[] = [
    ["agent.example.org", "agent.example.org", true],
    ["AGENT.example.org", "agent.EXAMPLE.org", true],
    ["*.example.org", "agent.example.org", true],
    ["*.example.org", "a.b.example.org", false],
    ["*.example.org", "example.org", false],
    ["a*.example.org", "agent.example.org", false],
    ["agent.*.org", "agent.example.org", false],
    ["*", "agent", true],
    ["*", "*", false],
    ["example.org", "agent.example.org", false],
    ["agent.example.org.", "agent.example.org", false],
    ["", "", false],
    [".", ".", false],
    ["a b", "a b", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["*.0.2.1", "192.0.2.1", true],
    ["2001:db8::1", "2001:db8::1", false],
  ];
  for (const [pattern, host, matches] of cases) assert.equal(nameMatches(pattern, host), matches, pattern);
});

test("certificateIsOf() looks at addresses, names and common names", async () => {
  const certificate = await make("192.0.2.9", [
    { type: "ip", value: "192.0.2.1" },
    { type: "ip", value: "2001:db8::1" },
    { type: "dns", value: "agent.example.org" },
  ]);
  for (const host of [
    ...["192.0.2.1", "2001:db8::1", "2001:0DB8:0000:0000:0000:0000:0000:0001"],
    ...["agent.example.org", "192.0.2.9"],
  ]) {
    assert.equal(certificateIsOf(certificate, host), true, host);
  }
  for (const host of ["192.0.2.2", "192.0.2.10", "2001:db8::2", "example.org", "", "x".repeat(300)]) {
    assert.equal(certificateIsOf(certificate, host), false, host);
  }
});

test("certificateIsOf() is not misled by names that hold the marks between names", async () => {
  const certificate = await make("a, DNS:evil", [
    { type: "dns", value: "good, DNS:evil" },
    { type: "dns", value: 'good", DNS:evil, "' },
    { type: "dns", value: "evil\0.good" },
  ]);
  assert.equal(certificateIsOf(certificate, "evil"), false);
  assert.equal(certificateIsOf(certificate, "good"), false);
  assert.deepEqual(alternativeNamesOf(certificate), []);
});
