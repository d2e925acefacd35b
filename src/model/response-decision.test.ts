/** Goal: a decision is read as it was written, with the alert byte for byte. Method: one line by hand, then hostile and damaged ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { agentIdOf } from "./agent.ts";
import {
  DECISION_CHARS_MAX,
  formatDecision,
  parseDecision,
  type ResponseDecision,
} from "./response-decision.ts";

const ALERT =
  '{"rule":{"id":"5712"},"id":"1795249255.36","full_log":"\xff ,\\"alert\\":{","data":{"n":[1.0]}}';
const DECISION: ResponseDecision = {
  id: "1795249255.36",
  ruleId: "5712",
  srcip: "203.0.113.9",
  dstuser: "",
  location: '(web1) any->/var/log/,"alert":{',
  file: "",
  responses: [
    {
      name: "firewall-drop600",
      executable: "firewall-drop",
      timeoutSeconds: 600,
      extraArgs: '-x "y"',
      target: { kind: "agent", agentId: agentIdOf(1) },
    },
    { name: "slack0", executable: "slack", timeoutSeconds: 0, extraArgs: "", target: { kind: "server" } },
    { name: "all0", executable: "all", timeoutSeconds: 0, extraArgs: "", target: { kind: "all" } },
  ],
  alert: ALERT,
};
const LINE =
  '{"version":1,"id":"1795249255.36","rule":"5712","srcip":"203.0.113.9","dstuser":"",' +
  '"location":"(web1) any->/var/log/,\\"alert\\":{","file":"","responses":[' +
  '{"command":"firewall-drop600","executable":"firewall-drop","timeout":600,"extra_args":"-x \\"y\\"","target":"agent","agent":"001"},' +
  '{"command":"slack0","executable":"slack","timeout":0,"extra_args":"","target":"server"},' +
  `{"command":"all0","executable":"all","timeout":0,"extra_args":"","target":"all"}],"alert":${ALERT}}`;

test("formatDecision() writes one line that parseDecision() reads", () => {
  assert.equal(formatDecision(DECISION), `${LINE}\n`);
  assert.deepEqual(parseDecision(LINE), DECISION);
  assert.deepEqual(JSON.parse(LINE).alert, JSON.parse(ALERT));
});

test("parseDecision() refuses what it did not write", () => {
  const changes = [
    ['"version":1', '"version":2'],
    ['"id":"1795249255.36",', ""],
    ['"srcip":"203.0.113.9"', '"srcip":7'],
    ['"agent":"001"', '"agent":"../1"'],
    [',"agent":"001"', ""],
    ['"target":"all"', '"target":"some"'],
    ['"timeout":600', '"timeout":"600"'],
    ['"responses":[', '"responses":[null,'],
    ['"responses":[', '"replies":['],
    [`,"alert":${ALERT}`, ""],
  ] as const;
  for (const [from, to] of changes) {
    assert(LINE.includes(from), from);
    assert.equal(parseDecision(LINE.replace(from, to)), null, to);
  }
  for (const text of ["", "}", "{}", "[]", "null", ',"alert":{}}', LINE.slice(0, -1)]) {
    assert.equal(parseDecision(text), null, text);
  }
  const long = LINE.replace(ALERT, `{"a":"${"x".repeat(DECISION_CHARS_MAX)}"}`);
  assert.equal(parseDecision(long), null);
});

test("parseDecision() does not throw over damaged lines", () => {
  const random = new SeededRandom(9);
  for (let round = 0; round < 500; round++)
    parseDecision(random.mutate(Buffer.from(LINE, "latin1")).toString("latin1"));
});
