/** The `data` object of a document: static fields in their order, then dynamic ones, dotted names nested. */

import { parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import { STATIC_FIELDS } from "#analysis/plugins/sink.ts";
import type { Event } from "../event.ts";
import { ownCopy } from "../own-copy.ts";

/** cJSON, which the peer's tools read documents with, takes no deeper nesting. A name of so many parts is left out. */
const NESTING_MAX = 1000;

/** Keys come from outside; the memo of their JSON forms starts again when it is full. */
const KEYS_REMEMBERED_MAX = 4096;
/** Longer ones are made each time: a message can hold a name of 64 KB. */
const KEY_REMEMBERED_BYTES_MAX = 128;
/** Objects of this size are searched name by name; larger ones get an index. */
const NAMES_WITHOUT_INDEX_MAX = 12;

type Key = {
  /** For comparison. */
  readonly lower: string;
  /** `"name":` */
  readonly json: string;
};

const keys = new Map<string, Key>();

function newKey(name: string): Key {
  return { lower: name.toLowerCase(), json: `${JSON.stringify(name)}:` };
}

function keyOf(name: string): Key {
  if (name.length > KEY_REMEMBERED_BYTES_MAX) return newKey(name);
  const known = keys.get(name);
  if (known !== undefined) return known;
  if (keys.size >= KEYS_REMEMBERED_MAX) keys.clear();
  const own = ownCopy(name);
  const key = newKey(own);
  keys.set(own, key);
  return key;
}

/** An object in the making; a leaf is finished JSON. Names compare without case: of two equal ones the first stays. */
class DataObject {
  readonly #keys: Key[] = [];
  readonly #values: (string | DataObject)[] = [];
  #index: Map<string, number> | null = null;

  /** Nothing happens when the name is taken. */
  add(key: Key, value: string | DataObject): void {
    if (this.#placeOf(key) < 0) this.#append(key, value);
  }

  /** The object of that name, made when there is none; null when the name stands for something else. */
  within(name: string): DataObject | null {
    const key = keyOf(name);
    const place = this.#placeOf(key);
    if (place >= 0) {
      const known = this.#values[place];
      return known instanceof DataObject ? known : null;
    }
    const created = new DataObject();
    this.#append(key, created);
    return created;
  }

  get size(): number {
    return this.#keys.length;
  }

  json(): string {
    let text = "{";
    for (let place = 0; place < this.#keys.length; place++) {
      const value = this.#values[place];
      text += (place === 0 ? "" : ",") + (this.#keys[place]?.json ?? "");
      text += value instanceof DataObject ? value.json() : value;
    }
    return `${text}}`;
  }

  #append(key: Key, value: string | DataObject): void {
    this.#index?.set(key.lower, this.#keys.length);
    this.#keys.push(key);
    this.#values.push(value);
    if (this.#index === null && this.#keys.length > NAMES_WITHOUT_INDEX_MAX) {
      this.#index = new Map(this.#keys.map(({ lower }, place) => [lower, place]));
    }
  }

  /** -1 when the name is free. Fields of one object mostly follow each other, so the newest is looked at first. */
  #placeOf({ lower }: Key): number {
    const last = this.#keys.length - 1;
    if (last >= 0 && this.#keys[last]?.lower === lower) return last;
    if (this.#index !== null) return this.#index.get(lower) ?? -1;
    for (let place = last - 1; place >= 0; place--) if (this.#keys[place]?.lower === lower) return place;
    return -1;
  }
}

/** Text that is a whole JSON array goes in as one. */
function valueJson(value: string): string {
  if (value.startsWith("[")) {
    const parsed = parseCJson(value);
    if (parsed !== null && parsed.end === value.length) return printCJson(parsed.value);
  }
  return JSON.stringify(value);
}

function addDotted(root: DataObject, name: string, value: string): void {
  if (!name.includes(".")) {
    root.add(keyOf(name), valueJson(value));
    return;
  }
  const parts = name.split(".", NESTING_MAX);
  if (parts.length === NESTING_MAX) return;
  const last = parts.pop() ?? "";
  let parent: DataObject | null = root;
  for (const part of parts) parent = parent?.within(part) ?? null;
  parent?.add(keyOf(last), valueJson(value));
}

/** Null when there is nothing in it. */
export function dataJson(event: Event): string | null {
  const root = new DataObject();
  for (const [index, name] of STATIC_FIELDS.entries()) {
    const value = event.statics[index];
    if (value !== undefined) root.add(keyOf(name), JSON.stringify(value));
  }
  for (const [index, name] of event.dynamicNames.entries()) {
    const value = event.dynamicValues[index];
    if (value !== undefined && value !== "") addDotted(root, name, value);
  }
  return root.size === 0 ? null : root.json();
}
