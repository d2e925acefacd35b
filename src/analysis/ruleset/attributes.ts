/** Attributes as rules and decoders have them: their names compare without case. */
import type { XmlElement } from "#formats/xml/elements.ts";

/** The value of an attribute; null when it is not there. */
export function attributeOf(element: XmlElement, name: string): string | null {
  return element.attributes.find((attribute) => attribute.name.toLowerCase() === name)?.value ?? null;
}
