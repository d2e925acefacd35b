/** Goal: the request that a manager of 4.x reads, and no answer that becomes a key by mistake. Method: lines written by hand, and this project's own reader of requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readClientKeys } from "#formats/client-keys/client-keys.ts";
import { parseIpAddress } from "#model/address.ts";
import { parseAgentName } from "#model/agent.ts";
import { Secret } from "#model/secret.ts";
import { SeededRandom } from "#testing/random.ts";
import { encodeRequest, nameOfHost, parseAnswer } from "./client.ts";
import { parseRequest } from "./request.ts";

const KEY = "0123456789abcdef".repeat(4);

/** Of "001web-1" and the key, by sha1sum. */
const KEY_HASH = "c823371646c0f87c78d22df60db5d554cfc7df19";

function request(options: Partial<Parameters<typeof encodeRequest>[0]> = {}): string {
  const name = parseAgentName("web-1");
  assert(name !== null);
  const none = { password: null, groups: null, address: null, known: null };
  return encodeRequest({ ...none, name, version: "v4.14.7", ...options }).toString("latin1");
}

test("encodeRequest() puts the fields in the order that managers read", () => {
  assert.equal(request(), "OSSEC A:'web-1' V:'v4.14.7'\n");
  const [known = null] = readClientKeys(Buffer.from(`001 web-1 any ${KEY}\n`)).entries;
  const all = { password: new Secret("a b"), groups: "web,db", address: "src", known };
  const line = request(all);
  assert.equal(line, `OSSEC PASS: a b OSSEC A:'web-1' V:'v4.14.7' G:'web,db' IP:'src' K:'${KEY_HASH}'\n`);
  const settings = {
    password: new Secret("a b"),
    managerVersion: "v4.14.7",
    allowHigherVersions: false,
    useSourceIp: false,
  };
  const peer = parseIpAddress("192.0.2.1");
  assert(peer !== null);
  const read = parseRequest(line.trimEnd(), settings, peer);
  assert(read.ok);
  assert.deepEqual([read.name, read.groups, read.address.text], ["web-1", ["web", "db"], "192.0.2.1"]);
  assert.equal(read.keyHash, KEY_HASH);
});

test("nameOfHost() leaves out what no name may hold", () => {
  assert.equal(nameOfHost("web 1.example.org"), "web1.example.org");
  assert.equal(nameOfHost("bücher"), "bcher");
  assert.equal(nameOfHost("ü"), null);
});

test("parseAnswer() takes a key, a refusal and nothing else", () => {
  const answer = parseAnswer(Buffer.from(`OSSEC K:'001 web-1 192.0.2.1 ${KEY}'`));
  assert(answer.kind === "key");
  assert.deepEqual(
    [answer.entry.id, answer.entry.name, answer.entry.address.text],
    ["001", "web-1", "192.0.2.1"],
  );
  assert.equal(answer.entry.key.reveal(), KEY);
  assert.deepEqual(parseAnswer(Buffer.from("ERROR: Invalid password. Unable to add agent")), {
    kind: "refused",
    text: "Invalid password. Unable to add agent",
  });
  const invalid = { kind: "malformed", log: "Invalid keys format received." };
  const parameter = {
    kind: "malformed",
    log: "One of the received key parameters does not have a valid format",
  };
  const cases = [
    ["", { kind: "nothing" }],
    ["HTTP/1.1 400", { kind: "nothing" }],
    ["OSSEC K:'", invalid],
    [`OSSEC K:'001 web-1 any ${KEY}`, invalid],
    [`OSSEC K:'001 web-1 any ${KEY} x'`, invalid],
    [`OSSEC K:'001  web-1 any ${KEY}'`, invalid],
    [`OSSEC K:'1234567890 web-1 any ${KEY}'`, parameter],
    [`OSSEC K:'001 ../x any ${KEY}'`, parameter],
    [`OSSEC K:'001 web-1 everywhere ${KEY}'`, parameter],
    ["OSSEC K:'001 web-1 any a\nb'", parameter],
    ["OSSEC K:'001 web-1 any .x'", parameter],
  ] as const;
  for (const [text, expected] of cases) assert.deepEqual(parseAnswer(Buffer.from(text)), expected, text);
});

test("parseAnswer() bears damaged answers", () => {
  const random = new SeededRandom(1515);
  const good = Buffer.from(`OSSEC K:'001 web-1 any ${KEY}'`);
  for (let round = 0; round < 2000; round++) parseAnswer(random.mutate(good));
});
