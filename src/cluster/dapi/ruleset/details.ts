/** What an element of the rule set says, as the API shows it: texts, patterns with their attributes. Pure. */

import { type ClusterObject, type ClusterValue, isClusterObject } from "#formats/wire/cluster/objects.ts";
import type { XmlElement } from "#formats/xml/elements.ts";

export type Details = { [name: string]: ClusterValue };

/** `undefined` where there is none. */
export function attributeOf({ attributes }: XmlElement, name: string): string | undefined {
  return attributes.find((attribute) => attribute.name === name)?.value;
}

export function attributesOf({ attributes }: XmlElement, ...without: readonly string[]): ClusterObject {
  const shown = attributes.filter(({ name }) => !without.includes(name));
  return Object.fromEntries(shown.map(({ name, value }) => [name, value]));
}

/** Several of a name become a list. */
export function addDetail(details: Details, name: string, value: ClusterValue): void {
  const known = ownDetail(details, name);
  if (known === null) setDetail(details, name, value);
  else setDetail(details, name, [...(Array.isArray(known) ? known : [known]), value]);
}

/** Several of a name are one pattern, with the attributes of the last one. */
export function addPattern(
  details: Details,
  name: string,
  pattern: string | null,
  attributes: ClusterObject,
): void {
  const known = ownDetail(details, name);
  const before = isClusterObject(known) ? known["pattern"] : null;
  const whole = typeof before === "string" ? `${before}${pattern ?? ""}` : pattern;
  setDetail(details, name, { pattern: whole, ...attributes });
}

function ownDetail(details: Details, name: string): ClusterValue {
  return Object.hasOwn(details, name) ? (details[name] ?? null) : null;
}

/** Names come out of files: `__proto__` is one like any other. */
export function setDetail(details: Details, name: string, value: ClusterValue): void {
  Object.defineProperty(details, name, { value, enumerable: true, configurable: true, writable: true });
}
