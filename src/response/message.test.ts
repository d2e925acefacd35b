/**
 * Goal: an agent reads a response as the peer's own would be. Method: a recorded message, texts written by hand from the format, and
 * hostile ones that a second reader of the format must take apart alike.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { DecidedResponse, ResponseDecision } from "#model/response-decision.ts";
import { EXECD_PREFIX } from "./delivery.ts";
import { messageFormOf, responseMessage } from "./message.ts";

const RECORDED: { received_from_manager: string } = JSON.parse(
  readFileSync(new URL("../../test/vectors/agent/execd.json", import.meta.url), "utf8"),
);

const RESPONSE: DecidedResponse = {
  name: "drop600",
  executable: "drop.sh",
  timeoutSeconds: 600,
  extraArgs: "",
  target: { kind: "all" },
};
const DECISION: ResponseDecision = {
  id: "1795249255.36",
  ruleId: "5712",
  srcip: "203.0.113.9",
  dstuser: "mira",
  location: "(web1) any->/var/log/auth.log",
  file: "",
  responses: [RESPONSE],
  alert: '{"id":"1795249255.36"}',
};

const all = (changes: Partial<ResponseDecision> = {}, response: Partial<DecidedResponse> = {}) => ({
  decision: { ...DECISION, ...changes },
  response: { ...RESPONSE, ...response },
});

test("responseMessage() writes what the recorded manager wrote", () => {
  const recorded = RECORDED.received_from_manager;
  const alert = recorded.slice(recorded.indexOf('"alert":') + '"alert":'.length, -2);
  const message = responseMessage("json", all({ alert }, { name: "firewall-drop600" }), "node01");
  assert.equal(EXECD_PREFIX + message, recorded);
});

test("responseMessage() splits arguments at blanks and names no node where there is none", () => {
  const message = responseMessage("json", all({}, { extraArgs: ' -arg1  --arg2 "a;b\\' }), "");
  const expected =
    '{"version":1,"origin":{"name":"","module":"wazuh-analysisd"},"command":"drop600",' +
    '"parameters":{"extra_args":["-arg1","--arg2","\\"a;b\\\\"],"alert":{"id":"1795249255.36"}}}';
  assert.equal(message, expected);
});

test("responseMessage() escapes four characters for the first versions that take JSON", () => {
  const alert = `{"full_log":"a!b$c'd\`e"}`;
  const message = responseMessage("escaped_json", all({ alert }), "");
  assert.equal(JSON.parse(message).parameters.alert.full_log, "a\\x21b\\x24c\\x27d\\x60e");
  assert(message.endsWith('"alert":{"full_log":"a\\\\x21b\\\\x24c\\\\x27d\\\\x60e"}}}'), message);
});

test("responseMessage() writes words for agents before 4.2", () => {
  const words = (changes: Partial<ResponseDecision>, extraArgs = "") =>
    responseMessage("text", all(changes, { extraArgs }), "node01");
  const rest = "1795249255.36 5712 (web1) any->/var/log/auth.log";
  assert.equal(words({}), `drop600 mira 203.0.113.9 ${rest} - -`);
  assert.equal(words({ srcip: "", dstuser: "" }), `drop600 - - ${rest} - -`);
  assert.equal(
    words({ file: "/tmp/a b;$(id)" }, "-x 'y'"),
    `drop600 mira 203.0.113.9 ${rest} /tmp/a b\\;\\$\\(id\\) -x \\'y\\'`,
  );
  assert.equal(words({ file: "/".repeat(3000) }).length, 1023);
  assert.equal(
    words({ location: "a\nb\0c\x7f", file: "d\te" }),
    "drop600 mira 203.0.113.9 1795249255.36 5712 a_b_c_ d\\_e -",
  );
});

test("messageFormOf() tells the forms by version", () => {
  const forms = [
    ["text", ["Wazuh v3.13.6", "Wazuh v4.1.5", "v4.1.99", "Wazuh v0.0.0"]],
    ["escaped_json", ["Wazuh v4.2.0", "Wazuh v4.2.4"]],
    [
      "json",
      ["Wazuh v4.2.5", "Wazuh v4.3.0", "Wazuh v4.14.7", "v4.14.7", "Wazuh v5.0.0", "Cyb3rhq v4.9.0-rc1"],
    ],
    [
      null,
      ["", "Wazuh", "Wazuh v4", "Wazuh v4.14", "v-4.1.1", `${"x".repeat(200)} v4.14.7`, "v1111111111.1.1"],
    ],
  ] as const;
  for (const [form, versions] of forms)
    for (const version of versions) assert.equal(messageFormOf(version), form, version);
});
