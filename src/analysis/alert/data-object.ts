/** The `data` object of a document: static fields in their order, then dynamic ones, dotted names nested. */

import { parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import { STATIC_FIELDS } from "#analysis/plugins/sink.ts";
import type { Event } from "../event.ts";

/** An object in the making; a leaf is finished JSON. Names compare without case: of two equal ones the first stays. */
class DataObject {
  readonly #names: string[] = [];
  readonly #values: (string | DataObject)[] = [];
  readonly #places = new Map<string, number>();

  /** False when the name is taken. */
  add(name: string, value: string | DataObject): boolean {
    const lowerName = name.toLowerCase();
    if (this.#places.has(lowerName)) return false;
    this.#places.set(lowerName, this.#names.length);
    this.#names.push(name);
    this.#values.push(value);
    return true;
  }

  /** The object of that name, made when there is none; null when the name stands for something else. */
  within(name: string): DataObject | null {
    const place = this.#places.get(name.toLowerCase());
    if (place !== undefined) {
      const known = this.#values[place];
      return known instanceof DataObject ? known : null;
    }
    const created = new DataObject();
    this.add(name, created);
    return created;
  }

  get size(): number {
    return this.#names.length;
  }

  json(): string {
    let text = "{";
    for (const [index, name] of this.#names.entries()) {
      const value = this.#values[index];
      text += `${index === 0 ? "" : ","}${JSON.stringify(name)}:${value instanceof DataObject ? value.json() : value}`;
    }
    return `${text}}`;
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
  let parent: DataObject | null = root;
  let from = 0;
  for (let dot = name.indexOf("."); dot >= 0 && parent !== null; dot = name.indexOf(".", from)) {
    parent = parent.within(name.slice(from, dot));
    from = dot + 1;
  }
  parent?.add(name.slice(from), valueJson(value));
}

/** Null when there is nothing in it. */
export function dataJson(event: Event): string | null {
  const root = new DataObject();
  for (const [index, name] of STATIC_FIELDS.entries()) {
    const value = event.statics[index];
    if (value !== undefined) root.add(name, JSON.stringify(value));
  }
  for (const [index, name] of event.dynamicNames.entries()) {
    const value = event.dynamicValues[index];
    if (value !== undefined && value !== "") addDotted(root, name, value);
  }
  return root.size === 0 ? null : root.json();
}
