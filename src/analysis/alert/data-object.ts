/** The `data` object of a document: static fields in their order, then dynamic ones, dotted names nested. */

import { parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import { STATIC_FIELDS } from "#analysis/plugins/sink.ts";
import { type Event, staticIndex } from "../event.ts";
import { type PlaceLookup, placeOf } from "../geoip/geo-places.ts";
import { type FieldNode, FieldTree } from "./field-tree.ts";

const tree = new FieldTree();

/** The value of a static field is text whatever it looks like. */
const STATIC_COUNT = STATIC_FIELDS.length;

/** Text that is a whole JSON array goes in as one. */
function valueJson(value: string): string {
  if (value.startsWith("[")) {
    const parsed = parseCJson(value);
    if (parsed !== null && parsed.end === value.length) return printCJson(parsed.value);
  }
  return JSON.stringify(value);
}

type FieldValues = Pick<Event, "statics" | "dynamicValues">;

/** A member's index counts the static fields first. */
function treeJson({ members }: FieldNode, fields: FieldValues): string {
  let json = "";
  for (const { json: key, folded } of members) {
    json += json === "" ? "{" : ",";
    json += key;
    if (folded.isObject) json += treeJson(folded, fields);
    else if (folded.index < STATIC_COUNT) json += JSON.stringify(fields.statics[folded.index] ?? "");
    else json += valueJson(fields.dynamicValues[folded.index - STATIC_COUNT] ?? "");
  }
  return json === "" ? "{}" : `${json}}`;
}

/** Behind an address stands its place. */
const PLACE_NAMES: ReadonlyMap<number, string> = new Map([
  [staticIndex("srcip"), "srcgeoip"],
  [staticIndex("dstip"), "dstgeoip"],
]);

/** Its place goes behind the values of the dynamic fields. */
function addPlace(index: number, { statics, dynamicValues }: FieldValues, places: PlaceLookup): void {
  const name = PLACE_NAMES.get(index);
  const place = name === undefined ? undefined : placeOf(statics[index], places);
  if (name !== undefined && place !== undefined) tree.add(name, STATIC_COUNT + dynamicValues.push(place) - 1);
}

/** Null when there is nothing in it. With `places` it has those of the addresses. */
export function dataJson(event: Event, places?: PlaceLookup): string | null {
  const { statics, dynamicNames, dynamicValues } = event;
  const data = tree.begin();
  const fields = places === undefined ? event : { statics, dynamicValues: [...dynamicValues] };
  for (let index = 0; index < STATIC_COUNT; index++) {
    if (statics[index] === undefined) continue;
    tree.add(STATIC_FIELDS[index] ?? "", index);
    if (places !== undefined) addPlace(index, fields, places);
  }
  for (let index = 0; index < dynamicNames.length; index++) {
    if (dynamicValues[index] !== "") tree.add(dynamicNames[index] ?? "", STATIC_COUNT + index);
  }
  const json = data.members.length === 0 ? null : treeJson(data, fields);
  tree.end();
  return json;
}

/** An object of these members, dotted names nested. */
export function objectJson(names: readonly string[], values: readonly string[]): string {
  const root = tree.begin();
  for (const [index, name] of names.entries()) tree.add(name, STATIC_COUNT + index);
  const json = treeJson(root, { statics: [], dynamicValues: [...values] });
  tree.end();
  return json;
}
