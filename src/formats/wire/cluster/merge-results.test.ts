/** Goal: several nodes' answers become the one that the peer makes of them. Method: recorded merges, and the rules where none was recorded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterException, clusterError } from "./exceptions.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { mergeAnswers, type NodeAnswer } from "./merge-results.ts";
import { AffectedItems, PlainResult, readObjects, writeObjects } from "./objects.ts";
import { recorded } from "./recorded.fixture.ts";

type Merge = {
  kind: string;
  a: JsonValue;
  b: JsonValue;
  merged: JsonValue;
  merged_rendered: { data: JsonObject & { failed_items: { error: { code: number }; id: string[] }[] } };
};
const { merges } = recorded<{ merges: Merge[] }>("json_objects");

function recordedMerge(kind: string): Merge {
  const found = merges.find((merge) => merge.kind.startsWith(kind));
  assert(found !== undefined, kind);
  return found;
}

function answer(value: JsonValue): NodeAnswer {
  const read = readObjects(value);
  assert(read instanceof PlainResult || read instanceof AffectedItems || read instanceof ClusterException);
  return read;
}

function checkItems(merged: NodeAnswer, { data }: Merge["merged_rendered"]): void {
  assert(merged instanceof AffectedItems);
  assert.deepEqual(merged.fields.affectedItems, data["affected_items"]);
  assert.equal(merged.fields.totalAffectedItems, data["total_affected_items"]);
  assert.equal(merged.fields.totalFailedItems, data["total_failed_items"]);
  assert.deepEqual(
    merged.fields.failedItems.map(({ error, ids }) => [error.code, ids]),
    data.failed_items.map(({ error, id }) => [error.code, id]),
  );
}

test("mergeAnswers() merges plain results as recorded", () => {
  const { a, b, merged } = recordedMerge("WazuhResult | WazuhResult");
  assert.deepEqual(writeObjects(mergeAnswers(answer(a), answer(b))), merged);
});

test("mergeAnswers() prefers texts by their priority", () => {
  const left = new PlainResult({ s: "OK" }, ["KO", "OK"]);
  const merged = mergeAnswers(left, new PlainResult({ s: "KO" }, ["KO", "OK"]));
  assert.deepEqual(writeObjects(merged), recordedMerge("WazuhResult str_priority").merged);
});

test("mergeAnswers() merges items in their order as recorded", () => {
  const { a, b, merged_rendered } = recordedMerge("AffectedItems | AffectedItems");
  checkItems(mergeAnswers(answer(a), answer(b)), merged_rendered);
});

test("mergeAnswers() takes an error with ids as failed items, and lets one without win", () => {
  // The recorded left side was written down after it had been merged: its items are those of the first merge.
  const { a } = recordedMerge("AffectedItems | AffectedItems");
  const withIds = recordedMerge("AffectedItems | WazuhError with ids");
  checkItems(mergeAnswers(answer(a), answer(withIds.b)), withIds.merged_rendered);
  const internal = recordedMerge("AffectedItems | WazuhInternalError");
  assert.deepEqual(writeObjects(mergeAnswers(answer(a), answer(internal.b))), internal.merged);
  assert.deepEqual(writeObjects(mergeAnswers(answer(internal.b), answer(a))), internal.merged);
});

test("mergeAnswers() keeps the first of two errors, with what all nodes said", () => {
  const left = new ClusterException({ ...clusterError(3022), class: "WazuhError", dapiErrors: { n1: "a" } });
  const right = new ClusterException({ class: "WazuhError", code: 1000, dapiErrors: { n2: "b" } });
  const merged = mergeAnswers(left, right);
  assert(merged instanceof ClusterException);
  assert.deepEqual([merged.code, merged.dapiErrors], [3022, { n1: "a", n2: "b" }]);
});

test("mergeAnswers() counts failed items of the same error once", () => {
  const { b } = recordedMerge("AffectedItems | AffectedItems");
  const merged = mergeAnswers(answer(b), answer(b));
  assert(merged instanceof AffectedItems);
  assert.deepEqual([merged.fields.failedItems.length, merged.fields.totalFailedItems], [1, 1]);
  assert.equal(merged.fields.totalAffectedItems, 2);
});

test("mergeAnswers() keeps the left time limit", () => {
  const { a } = recordedMerge("AffectedItems | AffectedItems");
  const base = answer(a);
  assert(base instanceof AffectedItems);
  const with_ = (extra: Record<string, string | number>) => new AffectedItems({ ...base.fields, extra });
  const merged = mergeAnswers(with_({ older_than: "7d", n: 1 }), with_({ older_than: "1d", n: 2 }));
  assert(merged instanceof AffectedItems);
  assert.deepEqual(merged.fields.extra, { older_than: "7d", n: 3 });
});
