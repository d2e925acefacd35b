/** The answers of several nodes to one request made one, as bytes. Pure; large ones are merged in a thread for heavy work. */
import { ClusterException, clusterError } from "#formats/wire/cluster/exceptions.ts";
import { parseJson } from "#formats/wire/cluster/json-value.ts";
import { mergeAnswers, type NodeAnswer } from "#formats/wire/cluster/merge-results.ts";
import { AffectedItems, PlainResult, readObjects, writeObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";

/** Of the merged items; null: all from there on. */
export type Page = { readonly offset: number; readonly limit: number | null };

export function writeAnswer(answer: NodeAnswer): Buffer {
  return Buffer.from(pythonJson(writeObjects(answer)), "latin1");
}

/** An answer of a node that is none counts as its error. */
function readAnswer(bytes: Uint8Array): NodeAnswer {
  const json = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const answer = json === undefined ? undefined : readObjects(json);
  const isAnswer =
    answer instanceof AffectedItems || answer instanceof PlainResult || answer instanceof ClusterException;
  return isAnswer ? answer : clusterError(3036);
}

export function mergeNodeAnswers(parts: readonly Uint8Array[], page: Page): Buffer {
  const answers = parts.map(readAnswer);
  // What failed for single items is said beside what was found; in front it would hide it.
  const isAside = (answer: NodeAnswer) => answer instanceof ClusterException && answer.ids.length > 0;
  const ordered = [...answers.filter((answer) => !isAside(answer)), ...answers.filter(isAside)];
  const merged = ordered.reduce(mergeAnswers);
  return writeAnswer(merged instanceof AffectedItems ? pageOf(merged, page) : merged);
}

function pageOf({ fields }: AffectedItems, { offset, limit }: Page): AffectedItems {
  const end = limit === null ? undefined : offset + limit;
  return new AffectedItems({ ...fields, affectedItems: fields.affectedItems.slice(offset, end) });
}
