/**
 * Goal: a result is told when it is new or changed, and an agent is asked for all of them when the two sides differ. Method: the
 * course of scans by hand after the agent's protocol, digests made here; a replay from every place; limits; each member missing or of
 * a wrong kind; damaged bytes.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { recordedOf } from "./recorded.fixture.ts";
import { CHECK, SUMMARY } from "./sample-documents.fixture.ts";
import { SCA_ENTRIES_MAX, SCA_REQUESTS_MAX, ScaDecoder } from "./sca.ts";
import { AGENT_CHECKS_MAX, AGENT_POLICIES_MAX } from "./sca-store.ts";
import { damaged, eventOf, fieldsOf } from "./special-message.fixture.ts";

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function check(id: number, result: string | null, scanId = 123) {
  const { result: _, ...others } = CHECK.check;
  return { ...CHECK, id: scanId, check: { ...others, id, ...(result === null ? {} : { result }) } };
}

function decode(decoder: ScaDecoder, message: unknown, agentId = "001") {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const event = eventOf(`p:[${agentId}] (agent1) any->sca:${text}`);
  const result = decoder.decode(event);
  const warning = result.kind === "event" ? (result.warning ?? null) : null;
  return { kind: result.kind, warning, fields: Object.fromEntries(fieldsOf(event)), event };
}

/** The results that were told, one by one. */
function told(decoder: ScaDecoder, messages: readonly unknown[]): string[] {
  return messages.map((message) => {
    const { fields } = decode(decoder, message);
    const { "sca.check.previous_result": previous = "new", "sca.check.result": result } = fields;
    return result === undefined ? (fields["sca.type"] ?? "nothing") : `${previous} ${result}`;
  });
}

function requests(decoder: ScaDecoder): string[] {
  return decoder.takeRequests().map(({ agentId, text }) => `${agentId} ${text}`);
}

test("ScaDecoder sets the fields of a check in the peer's order", () => {
  const { event } = decode(new ScaDecoder(), CHECK);
  assert.deepEqual(fieldsOf(event), [
    ["sca.type", "check"],
    ["sca.scan_id", "123"],
    ["sca.policy", "Own policy"],
    ["sca.check.id", "9001"],
    ["sca.check.title", "Ensure x"],
    ["sca.check.description", "d"],
    ["sca.check.rationale", "r"],
    ["sca.check.remediation", "m"],
    ["sca.check.compliance.cis", "1.1"],
    ["sca.check.compliance.pci_dss", "2"],
    ["sca.check.compliance.cmmc_v2.0", "AC"],
    ["sca.check.references", "a,b"],
    ["sca.check.file", '["/etc/x", "/etc/y"]'],
    ["sca.check.command", '["ls"]'],
    ["sca.check.result", "failed"],
  ]);
});

test("ScaDecoder tells a result when it is new or another one, and passes every message on", () => {
  const decoder = new ScaDecoder();
  const notApplicable = { ...check(1, null), check: { ...check(1, null).check, reason: "no file" } };
  assert.deepEqual(
    told(decoder, [
      check(1, "passed"),
      check(1, "passed"),
      check(1, "failed"),
      notApplicable,
      notApplicable,
      check(2, "passed"),
      check(1, "passed"),
    ]),
    [
      "new passed",
      "nothing",
      "passed failed",
      "failed not applicable",
      "nothing",
      "new passed",
      "not applicable passed",
    ],
  );
  assert.deepEqual(requests(decoder), []);
});

test("ScaDecoder leaves a recorded check as the peer did: it had told the same result before", () => {
  const [recorded] = recordedOf("sca");
  assert(recorded !== undefined);
  const decoder = new ScaDecoder();
  decoder.decode(eventOf(recorded.datagram));
  const event = eventOf(recorded.datagram);
  assert.deepEqual(decoder.decode(event), { kind: "event", decoderName: "sca" });
  assert.deepEqual(fieldsOf(event), []);
  assert.equal(event.fullLog, recorded.archive.full_log);
});

test("ScaDecoder follows the first scan of an agent: baseline, dump, summary", () => {
  const decoder = new ScaDecoder();
  const hash = sha256("failed:passed:");
  assert.deepEqual(told(decoder, [{ ...SUMMARY, hash, first_scan: 1 }]), ["nothing"]);
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:1", "001 sca-dump:own:1"]);
  assert.deepEqual(told(decoder, [check(7, "passed"), check(3, "failed"), check(9, null)]), [
    "new passed",
    "new failed",
    "new not applicable",
  ]);
  decode(decoder, { type: "dump_end", policy_id: "own", elements_sent: 3, scan_id: 123 });
  const last = decode(decoder, { ...SUMMARY, hash, force_alert: "1" });
  assert.deepEqual(requests(decoder), []);
  assert.deepEqual(last.fields, {
    "sca.type": "summary",
    "sca.scan_id": "123",
    "sca.policy": "Own policy",
    "sca.description": "text",
    "sca.policy_id": "own",
    "sca.passed": "1",
    "sca.failed": "1",
    "sca.invalid": "0",
    "sca.total_checks": "2",
    "sca.score": "50",
    "sca.file": "own.yml",
  });
  assert.deepEqual(told(decoder, [{ ...SUMMARY, hash }]), ["nothing"]);
});

test("ScaDecoder asks once when it knows the policy of a first scan", () => {
  const decoder = new ScaDecoder();
  decode(decoder, SUMMARY);
  requests(decoder);
  assert.deepEqual(told(decoder, [{ ...SUMMARY, hash: "h2", first_scan: 1 }]), ["nothing"]);
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:1"]);
});

test("ScaDecoder asks for all results when digests differ", () => {
  const decoder = new ScaDecoder();
  const summary = { ...SUMMARY, hash: sha256("passed") };
  assert.deepEqual(told(decoder, [summary, check(1, "passed"), summary]), [
    "summary",
    "new passed",
    "nothing",
  ]);
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:0"]);
  assert.deepEqual(told(decoder, [{ ...summary, hash: sha256("failed") }]), ["summary"]);
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:0"]);
  decode(decoder, { type: "dump_end", policy_id: "own", elements_sent: 1, scan_id: 123 });
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:0"]);
  decode(decoder, { type: "dump_end", policy_id: "own", elements_sent: 1, scan_id: 124 });
  assert.deepEqual(requests(decoder), []);
  assert.deepEqual(told(decoder, [check(1, "passed")]), ["new passed"]);
});

test("ScaDecoder forgets the results of another policy file", () => {
  const decoder = new ScaDecoder();
  const hash = sha256("passed");
  told(decoder, [{ ...SUMMARY, hash }, check(1, "passed")]);
  requests(decoder);
  assert.deepEqual(told(decoder, [{ ...SUMMARY, hash, hash_file: "f2" }]), ["nothing"]);
  assert.deepEqual(requests(decoder), ["001 sca-dump:own:1", "001 sca-dump:own:0"]);
  assert.deepEqual(told(decoder, [check(1, "passed")]), ["new passed"]);
});

test("ScaDecoder forgets policies that an agent does not list", () => {
  const decoder = new ScaDecoder();
  const other = { ...check(2, "passed"), policy_id: "other" };
  told(decoder, [SUMMARY, { ...SUMMARY, policy_id: "other" }, check(1, "passed"), other]);
  told(decoder, [{ type: "policies", policies: ["own", 1] }]);
  assert.deepEqual(told(decoder, [check(1, "passed"), other]), ["nothing", "new passed"]);
});

test("ScaDecoder keeps agents apart and names the event that made it ask", () => {
  const decoder = new ScaDecoder();
  decode(decoder, CHECK, "001");
  assert.equal(decode(decoder, CHECK, "002").fields["sca.type"], "check");
  decode(decoder, SUMMARY, "002");
  assert.deepEqual(decoder.takeRequests(), [{ agentId: "002", text: "sca-dump:own:0" }]);
});

const WARNINGS: readonly (readonly [message: unknown, warning: string | null])[] = [
  ["{", "Malformed configuration assessment JSON event."],
  [{ type: "other" }, null],
  [{ ...CHECK, id: 0 }, "Malformed JSON: field 'id' must be a number."],
  [{ ...CHECK, policy: 1 }, "Malformed JSON: field 'policy' must be a string."],
  [{ ...CHECK, check: {} }, "Malformed JSON: field 'id' not found."],
  [{ ...CHECK, check: { ...CHECK.check, id: "1" } }, "Malformed JSON: field 'id' must be a string."],
  [
    { ...CHECK, check: { ...CHECK.check, references: null } },
    "Malformed JSON: field 'reference' must be a string.",
  ],
  [{ ...SUMMARY, policy_id: 1 }, "Malformed JSON: field 'policy_id' must be a string."],
  [{ ...SUMMARY, scan_id: "1" }, "Malformed JSON: field 'scan_id' must be a number."],
  [{ ...SUMMARY, scan_id: -1 }, "Malformed JSON: field 'scan_id' cannot be negative."],
  [{ ...SUMMARY, name: [] }, "Malformed JSON: field 'policy' must be a string."],
  [{ ...SUMMARY, description: 1 }, "Malformed JSON: field 'description' must be a string"],
  [{ type: "summary" }, null],
  [{ type: "policies" }, "Malformed JSON: field 'policies' not found."],
  [{ type: "dump_end", elements_sent: 1 }, "Malformed JSON: field 'policy_id' not found."],
];

test("ScaDecoder says what a message lacks and passes it on without fields", () => {
  for (const [message, warning] of WARNINGS) {
    const result = decode(new ScaDecoder(), message);
    assert.equal(result.kind, "event");
    assert.equal(result.warning, warning, JSON.stringify(message));
    if (warning !== null && !warning.includes("description")) assert.deepEqual(result.fields, {});
  }
  assert.equal(decode(new ScaDecoder(), "[]").kind, "nothing");
});

const COURSE = [
  { ...SUMMARY, first_scan: 1 },
  check(1, "passed"),
  check(2, null),
  { type: "dump_end", policy_id: "own", elements_sent: 2, scan_id: 123 },
  { ...SUMMARY, policy_id: "other", hash: "x" },
  check(1, "failed", 200),
  { ...SUMMARY, hash: sha256("failed:"), scan_id: 200 },
  { ...SUMMARY, hash_file: "f2" },
  { type: "policies", policies: ["own"] },
  check(1, "failed", 201),
];

test("ScaDecoder goes on from a snapshot as if nothing had happened", () => {
  const outcome = (decoder: ScaDecoder, messages: readonly unknown[]) =>
    messages.map((message) => [decode(decoder, message).fields, requests(decoder)]);
  const whole = outcome(new ScaDecoder(), COURSE);
  for (let cut = 0; cut <= COURSE.length; cut++) {
    const before = new ScaDecoder();
    outcome(before, COURSE.slice(0, cut));
    const after = new ScaDecoder();
    after.restore(JSON.parse(JSON.stringify(before.snapshot())));
    assert.deepEqual(outcome(after, COURSE.slice(cut)), whole.slice(cut));
  }
});

test("ScaDecoder keeps and tells no more of one agent than its limits", () => {
  const decoder = new ScaDecoder();
  for (let id = 1; id <= AGENT_CHECKS_MAX; id++) decode(decoder, check(id, "passed"));
  assert.deepEqual(told(decoder, [check(AGENT_CHECKS_MAX + 1, "passed"), check(1, "failed")]), [
    "nothing",
    "passed failed",
  ]);
  for (let policy = 1; policy < AGENT_POLICIES_MAX; policy++) {
    decode(decoder, { ...SUMMARY, policy_id: `policy ${policy}` });
  }
  assert.deepEqual(told(decoder, [{ ...SUMMARY, policy_id: "one more" }]), ["nothing"]);
  assert.deepEqual(told(new ScaDecoder(), [{ ...SUMMARY, policy_id: "x".repeat(256) }]), ["nothing"]);
  assert.equal(decoder.counts.scaEntriesRefused, 2);
});

test("ScaDecoder drops requests that nobody takes", () => {
  const decoder = new ScaDecoder();
  for (let count = 0; count < SCA_REQUESTS_MAX + 5; count++) decode(decoder, SUMMARY);
  assert.equal(decoder.counts.scaRequestsDropped, 5);
  assert.equal(decoder.takeRequests().length, SCA_REQUESTS_MAX);
});

test("ScaDecoder forgets whole agents when all have too many results", () => {
  const decoder = new ScaDecoder();
  const agents = Math.floor(SCA_ENTRIES_MAX / AGENT_CHECKS_MAX) + 1;
  const checks = Array.from({ length: AGENT_CHECKS_MAX }, (_, id) => [id + 1, 0, 1, "passed"] as const);
  const saved = { policies: [["own", "f1", null]], checks } as const;
  decoder.restore(Array.from({ length: agents }, (_, agent) => [`${agent}`, saved] as const));
  assert.equal(decoder.counts.scaAgentsForgotten, 1);
  assert.equal(decode(decoder, check(1, "passed"), "0").fields["sca.type"], "check");
});

test("ScaDecoder survives each member missing or of a wrong kind", () => {
  const decoder = new ScaDecoder();
  for (const message of [...damaged(CHECK), ...damaged(SUMMARY), ...damaged(COURSE[3] ?? null)]) {
    decode(decoder, message);
    requests(decoder);
  }
});

test("ScaDecoder survives damaged bytes", () => {
  const random = new SeededRandom(5);
  const decoder = new ScaDecoder();
  const seeds = [CHECK, ...COURSE].map((message) => Buffer.from(JSON.stringify(message)));
  for (let round = 0; round < 3000; round++) {
    const event = eventOf("p:[001] (agent1) any->sca:x");
    event.log = random.mutate(random.pick(seeds)).toString("latin1");
    decoder.decode(event);
  }
});
