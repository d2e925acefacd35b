/**
 * Goal: file integrity, rootcheck and SCA events reach the rules that they reach in the peer and have its documents. Method: the
 * recorded messages of the peer and of a real agent through decoder and rules, archive and alert documents compared whole.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { systemFiles } from "#kernel/platform/files.ts";
import type { Files } from "#kernel/ports/files.ts";
import { comparable, type Document, RecordedEngine } from "./recorded-engine.ts";
import { skipWithoutShared } from "./shared-data.ts";

// The recordings were made there.
process.env["TZ"] = "UTC";

const VECTORS = new URL("../vectors/", import.meta.url);

/** The peer that made the recordings did not have this rule yet. */
const LATER_RULE = /<rule id="522"[\s\S]*?<\/rule>/;
const filesOfThen: Files = {
  ...systemFiles,
  read: (path) => Buffer.from(systemFiles.read(path).toString("latin1").replace(LATER_RULE, ""), "latin1"),
};

function linesOf<Row>(path: string): Row[] {
  const lines = readFileSync(new URL(path, VECTORS), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

type Vector = {
  readonly category: string;
  readonly datagram: string;
  readonly archive: readonly Document[];
  readonly alerts: readonly Document[];
};

test("events of agent modules have the documents that the peer made of them", {
  skip: skipWithoutShared(),
}, () => {
  const engine = new RecordedEngine(filesOfThen);
  const vectors = linesOf<Vector>("analysis/queue.jsonl").filter(({ datagram }) => /^[89p]:/.test(datagram));
  assert.equal(vectors.length, 7);
  for (const { category, datagram, archive, alerts } of vectors) {
    // Its result had been told before the recorded message.
    if (category === "sca") engine.process(datagram);
    const result = engine.process(datagram);
    assert.deepEqual(result === null ? [] : [result.archive], archive.map(comparable), datagram);
    assert.deepEqual(!result?.alert ? [] : [result.alert], alerts.map(comparable), datagram);
  }
});

test("file integrity events of a real agent have the peer's documents", { skip: skipWithoutShared() }, () => {
  const engine = new RecordedEngine(filesOfThen);
  const results = linesOf<{ readonly plain?: string }>("agent/session/frames.jsonl")
    .map(({ plain = "" }) => plain)
    .filter((plain) => plain.startsWith("8:syscheck:"))
    .map((plain) => engine.process(plain.replace("8:", "8:[006] (web1) any->")));
  const events = results.filter((result) => result !== null);
  assert.equal(events.length, results.length - 2, "the marks of the scan are no events");
  const recorded = (file: string) =>
    linesOf<Document>(`agent/session/${file}.jsonl`)
      .filter(({ location }) => location === "syscheck")
      .map(comparable);
  assert.deepEqual(
    events.map(({ archive }) => archive),
    recorded("archives"),
  );
  assert.deepEqual(
    events.map(({ alert }) => alert),
    recorded("alerts"),
  );
});

test("a check of SCA names its requirements in the rule of its alert", { skip: skipWithoutShared() }, () => {
  const check = { id: 1, title: "Ensure x", compliance: { pci_dss: "1.1", cis: "5" }, result: "failed" };
  const message = JSON.stringify({ type: "check", id: 1, policy: "Own", policy_id: "own", check });
  const alert = new RecordedEngine(filesOfThen).process(`p:[001] (agent1) any->sca:${message}`)?.alert;
  assert.equal(alert?.rule?.["id"], "19007");
  assert.equal(alert?.rule?.["description"], "Own: Ensure x");
  assert.deepEqual(alert?.rule?.["pci_dss"], ["2.2", "1.1"]);
  assert.deepEqual(alert?.rule?.["cis"], ["5"]);
});
