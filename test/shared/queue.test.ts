/**
 * Goal: the messages of the event queue become the peer's documents. Method: the recorded datagrams of log lines, one after the other
 * through one engine with the peer's rules; archive and alert must be the recorded ones but for what varies with the run.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventDocument, type Verdict } from "#analysis/alert/document.ts";
import { Engine } from "#analysis/engine.ts";
import type { Event } from "#analysis/event.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { requireRuleset } from "./score.ts";
import { skipWithoutShared } from "./shared-data.ts";

const VECTORS = new URL("../vectors/analysis/queue.jsonl", import.meta.url);
/** Queues of log lines; messages of the others go through decoders that are code. */
const LOG_QUEUES: ReadonlySet<string> = new Set(["1", "2"]);

type Json = Record<string, unknown>;
type Row = {
  readonly n: number;
  readonly category: string;
  readonly datagram: string;
  readonly archive: readonly Json[];
  readonly alerts: readonly Json[];
};

const clock = new LocalClock();

/**
 * Without what varies with the run. The recorded manager had seen its agent before: it knew the address from which it had reported, and
 * had counted its first notices.
 */
function comparable(document: Json): Json {
  const copy = structuredClone(document) as Json & { agent: Json; rule?: Json };
  for (const key of ["timestamp", "id", "manager"]) delete copy[key];
  delete copy.agent["ip"];
  delete copy.rule?.["firedtimes"];
  if (copy.agent["id"] === "000") copy.agent["name"] = "manager";
  return copy;
}

function documentOf(event: Event, verdict: Verdict | null, alwaysFullLog: boolean): Json {
  const identity = { hostname: "manager", cluster: null };
  const text = eventDocument(event, verdict, { identity, clock, alwaysFullLog, showLevelZero: false });
  return comparable(JSON.parse(Buffer.from(text, "latin1").toString("utf8")));
}

/** What the archive and the alert files would get. */
function run(
  engine: Engine,
  row: Row,
): { readonly archive: readonly Json[]; readonly alerts: readonly Json[] } {
  const parts = splitQueueMessage(Buffer.from(row.datagram, "utf8").toString("latin1"));
  if ("error" in parts) return { archive: [], alerts: [] };
  const { queue, agentId, location, message } = parts;
  const receivedMs = 1_795_246_443_000 + row.n * 1000;
  const outcome = engine.process({ position: row.n, receivedMs, queue, agentId, location, message });
  assert(outcome.kind === "analysed", row.datagram);
  const { event, verdict, alert } = outcome;
  const shown = verdict !== null && verdict.rule.level > 0 ? verdict : null;
  return {
    archive: [documentOf(event, shown, true)],
    alerts: alert ? [documentOf(event, verdict, false)] : [],
  };
}

test("Engine and eventDocument() give the recorded documents of log lines", {
  skip: skipWithoutShared(),
}, (t) => {
  const rows: Row[] = readFileSync(VECTORS, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const engine = new Engine(requireRuleset(), { hostname: "manager", mode: "live" });
  const left = new Map<string, number>();
  let compared = 0;
  for (const row of rows) {
    const queue = row.datagram.charAt(0);
    if (!LOG_QUEUES.has(queue)) {
      left.set(queue, (left.get(queue) ?? 0) + 1);
      continue;
    }
    const expected = { archive: row.archive.map(comparable), alerts: row.alerts.map(comparable) };
    assert.deepEqual(run(engine, row), expected, `row ${row.n} (${row.category})`);
    compared++;
  }
  assert.equal(compared, 8);
  const counts = [...left].map(([queue, count]) => `${count} of queue ${queue}`).join(", ");
  t.diagnostic(`${compared} rows compared; left to the decoders that are code: ${counts}`);
});
