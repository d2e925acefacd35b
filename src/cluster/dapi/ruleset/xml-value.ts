/** A file of the rule set as an object: elements by their names, attributes by `@name`, a text beside them as `#text`. */
import type { ClusterObject, ClusterValue } from "#formats/wire/cluster/objects.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { readPlainXml } from "#formats/xml/xml.ts";
import type { Files } from "#kernel/ports/files.ts";

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

export type XmlReading =
  | { readonly kind: "read"; readonly object: ClusterObject }
  | { readonly kind: "failed"; readonly reason: string };

/** Throws what reading the file throws. */
export function readXmlFile(files: Files, path: string): XmlReading {
  const outcome = readPlainXml(files.read(path).toString("utf8"), path);
  if (!outcome.ok) return { kind: "failed", reason: `${outcome.reason} (line ${outcome.line})` };
  return { kind: "read", object: elementsAsObject(outcome.elements) };
}

export function elementsAsObject(elements: readonly XmlElement[]): ClusterObject {
  const members = new Map<string, ClusterValue[]>();
  for (const element of elements) {
    const values = members.get(element.name);
    if (values === undefined) members.set(element.name, [elementAsValue(element)]);
    else values.push(elementAsValue(element));
  }
  return Object.fromEntries(
    [...members].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? null) : values]),
  );
}

/** Depth is bounded by the reader of XML. */
function elementAsValue({ attributes, children, content }: XmlElement): ClusterValue {
  const text = decoded(content.trim());
  if (attributes.length === 0 && children.length === 0) return text === "" ? null : text;
  return {
    ...Object.fromEntries(attributes.map(({ name, value }) => [`@${name}`, decoded(value)])),
    ...elementsAsObject(children),
    ...(text === "" ? {} : { "#text": text }),
  };
}

function decoded(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? "");
}
