/**
 * Goal: what an agent of the peer reports becomes the peer's alerts. Method: the log lines and notices of the recorded session, in the
 * order in which they were sent, through one engine with the peer's rules; the documents are compared as a set, because the recorded
 * manager's threads reorder events a little, with the counts and the earlier logs that depend on that order.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventDocument, type Verdict } from "#analysis/alert/document.ts";
import { Engine } from "#analysis/engine.ts";
import type { Event } from "#analysis/event.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { requireRuleset } from "./score.ts";
import { skipWithoutShared } from "./shared-data.ts";

const SESSION = new URL("../vectors/agent/session/", import.meta.url);
const START_MS = Date.UTC(2026, 10, 21, 8, 20, 55);
const STOPPED = "ossec: Agent stopped: 'web1->any'.";

type Json = Record<string, unknown>;
type Document = Json & {
  readonly agent: Json;
  readonly rule?: Json;
  readonly data?: Json;
  readonly location: string;
};
type Frame = { readonly t: number; readonly dir: string; readonly plain: string };
/** One char a byte. */
type Report = { readonly seconds: number; readonly location: string; readonly message: string };

function readLines<T>(name: string): T[] {
  return readFileSync(new URL(name, SESSION), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The agent's events of queue 1, and the notices that the manager itself makes when the agent says goodbye. */
function reports(): Report[] {
  return readLines<Frame>("frames.jsonl").flatMap(({ t: seconds, dir, plain }): Report[] => {
    if (dir !== "a>m") return [];
    if (plain.startsWith("#!-agent shutdown"))
      return [{ seconds, location: "wazuh-remoted", message: STOPPED }];
    const found = /^1:([^:]*):(.*)$/s.exec(plain);
    return found === null ? [] : [{ seconds, location: found[1] ?? "", message: found[2] ?? "" }];
  });
}

/** Without what varies with the run or with the order of events. */
function comparable(document: Document): string {
  const copy = structuredClone(document) as Document;
  for (const key of ["timestamp", "id", "manager"]) delete copy[key];
  delete copy.agent["ip"];
  delete copy.rule?.["firedtimes"];
  const { previous_output: previous } = copy;
  if (typeof previous === "string") copy["previous_output"] = previous.split("\n").sort();
  return JSON.stringify(copy, null, 1);
}

function counts(documents: readonly Document[]): string[] {
  return documents.map(({ rule }) => `${rule?.["id"]} ${rule?.["firedtimes"]}`).sort();
}

function assertSameSet(actual: readonly Document[], expected: readonly Document[]): void {
  assert.deepEqual(actual.map(comparable).sort(), expected.map(comparable).sort());
  assert.deepEqual(counts(actual), counts(expected));
}

/**
 * Without file integrity, which goes through a decoder that is code. The recorded manager is a v4.9.2, which left the name `user` of a
 * JSON log as it is; v4.14.7 takes it for the destination user.
 */
function recorded(name: string): Document[] {
  const documents = readLines<Document>(name).filter(({ location }) => location !== "syscheck");
  return documents.map((document) => {
    if (document.data === undefined || !("user" in document.data)) return document;
    const { user, ...others } = document.data;
    return { ...document, data: { dstuser: user, ...others } };
  });
}

test("Engine and eventDocument() give the alerts of the recorded session", {
  skip: skipWithoutShared(),
}, () => {
  const engine = new Engine(requireRuleset(), { hostname: "vm", mode: "live" });
  const clock = new LocalClock();
  const documentOf = (event: Event, verdict: Verdict | null, alwaysFullLog: boolean): Document => {
    const identity = { hostname: "vm", cluster: null };
    const text = eventDocument(event, verdict, { identity, clock, alwaysFullLog, showLevelZero: false });
    return JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
  };
  const archives: Document[] = [];
  const alerts: Document[] = [];
  for (const [position, { seconds, location, message }] of reports().entries()) {
    const receivedMs = START_MS + seconds * 1000;
    const place = { queue: "1", agentId: "006", location: `(web1) any->${location}` };
    const outcome = engine.process({ position, receivedMs, ...place, message });
    assert(outcome.kind === "analysed");
    const { event, verdict, alert } = outcome;
    archives.push(documentOf(event, verdict !== null && verdict.rule.level > 0 ? verdict : null, true));
    if (alert) alerts.push(documentOf(event, verdict, false));
  }
  assertSameSet(archives, recorded("archives.jsonl"));
  assertSameSet(alerts, recorded("alerts.jsonl"));
  assert.equal(alerts.length, 15);
});
