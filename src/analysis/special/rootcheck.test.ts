/**
 * Goal: title and file of findings as the peer has them. Method: what the peer made of recorded ones, texts of each check by hand, the
 * memory at its limits, over-long and hostile texts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { recordedOf } from "./recorded.fixture.ts";
import { AGENT_FINDINGS_BYTES_MAX, FINDINGS_BYTES_MAX, RootcheckDecoder } from "./rootcheck.ts";
import { eventOf, fieldsOf } from "./special-message.fixture.ts";

function decode(decoder: RootcheckDecoder, text: string, agentId = "001") {
  const event = eventOf(`9:[${agentId}] (agent1) any->rootcheck:${text}`);
  const result = decoder.decode(event);
  assert(result.kind === "event" && result.decoderName === "rootcheck");
  return { event, fields: Object.fromEntries(fieldsOf(event)), isNew: result.firstTimeSeen };
}

test("RootcheckDecoder gives recorded findings the peer's fields", () => {
  const recorded = recordedOf("rootcheck");
  assert.equal(recorded.length, 3);
  for (const { datagram, archive } of recorded) {
    const event = eventOf(datagram);
    new RootcheckDecoder().decode(event);
    assert.deepEqual(Object.fromEntries(fieldsOf(event)), archive.data);
    assert.equal(event.fullLog, archive.full_log);
  }
});

const TEXTS: readonly (readonly [text: string, title: string | undefined, file: string | undefined])[] = [
  [
    "Rootkit 't0rn' detected by the presence of file '/usr/src/.puta'.",
    "Rootkit 't0rn' detected by the presence of file '/usr/src/.puta'.",
    undefined,
  ],
  [
    "Trojaned version of file '/bin/ls' detected. Signature used: 'bash|^/bin/sh' (Generic).",
    "Trojaned version of file detected.",
    "/bin/ls",
  ],
  ["file '/a/b'", "file '/a/b'", "/a/b"],
  ["System Audit: A - b: c. File: /etc/x.", "A - b: c.", "/etc/x"],
  ["x - System Audit: A. y", "x - System Audit: A.", undefined],
  [" {CIS: 1}", undefined, undefined],
  ["Finding {CIS: 1} {PCI_DSS: 2}. File: /a.b. Reference: r .", "Finding", "/a.b"],
  ["Finding. File: /a", "Finding.", undefined],
  ["", "", undefined],
];

test("RootcheckDecoder finds title and file in findings of every form", () => {
  for (const [text, title, file] of TEXTS) {
    const { fields } = decode(new RootcheckDecoder(), text);
    assert.deepEqual([fields["title"], fields["file"]], [title, file], text);
  }
});

test("RootcheckDecoder knows a finding again, by agent, and after a restart", () => {
  const decoder = new RootcheckDecoder();
  assert.equal(decode(decoder, "one").isNew, true);
  assert.equal(decode(decoder, "one").isNew, false);
  assert.equal(decode(decoder, "one", "002").isNew, true);
  const restarted = new RootcheckDecoder();
  restarted.restore(JSON.parse(JSON.stringify(decoder.snapshot())));
  assert.deepEqual(restarted.snapshot(), decoder.snapshot());
  assert.equal(decode(restarted, "one").isNew, false);
  assert.equal(decode(restarted, "two").isNew, true);
});

test("RootcheckDecoder forgets an agent's oldest findings, then the agents that were silent for longest", () => {
  const decoder = new RootcheckDecoder();
  const long = "x".repeat(6000);
  const perAgent = Math.ceil(AGENT_FINDINGS_BYTES_MAX / 6000);
  for (let count = 0; count < perAgent; count++) decode(decoder, `${count} ${long}`);
  assert.equal(decode(decoder, `${perAgent - 1} ${long}`).isNew, false);
  assert.equal(decode(decoder, `0 ${long}`).isNew, true);
  const agents = Math.ceil(FINDINGS_BYTES_MAX / 6064) + 1;
  for (let agent = 0; agent < agents; agent++) decode(decoder, long, `1${agent}`);
  assert(decoder.counts.rootcheckAgentsForgotten > 0);
  assert.equal(decode(decoder, `0 ${long}`).isNew, true);
});

test("RootcheckDecoder survives over-long titles and damaged findings", () => {
  const decoder = new RootcheckDecoder();
  for (const piece of [" {", "{A: 1}", ". ", "' ", "File '", "System Audit: "]) {
    decode(decoder, piece.repeat(65_535 / piece.length));
  }
  const random = new SeededRandom(9);
  const seeds = TEXTS.map(([text]) => Buffer.from(text));
  for (let round = 0; round < 3000; round++) {
    const event = eventOf("9:[001] (agent1) any->rootcheck:x");
    event.log = random.mutate(random.pick(seeds)).toString("latin1");
    assert.equal(decoder.decode(event).kind, "event");
  }
});
