/** Decoders of a file as the API lists them. wazuh v4.14.7: framework/wazuh/core/decoder.py. Pure. */
import type { ClusterObject } from "#formats/wire/cluster/objects.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { addPattern, attributeOf, attributesOf, type Details, setDetail } from "./details.ts";
import type { ItemFile } from "./item-file.ts";

const PATTERNS: ReadonlySet<string> = new Set(["program_name", "prematch", "regex"]);

export type DecoderItem = ClusterObject & { readonly name: string; readonly details: ClusterObject };

export function decoderItems(
  elements: readonly XmlElement[],
  { name: filename, directory, isEnabled }: ItemFile,
): readonly DecoderItem[] {
  return elements
    .filter(({ name }) => name.toLowerCase() === "decoder")
    .map((decoder, position) => ({
      filename,
      relative_dirname: directory,
      status: isEnabled ? "enabled" : "disabled",
      name: attributeOf(decoder, "name") ?? "",
      position,
      details: detailsOf(decoder),
    }));
}

function detailsOf(decoder: XmlElement): ClusterObject {
  const details: Details = { ...attributesOf(decoder, "name") };
  for (const element of decoder.children) {
    const tag = element.name.toLowerCase();
    // Of decoders the peer shows an empty element as null, of rules as an empty text.
    const content = element.content === "" ? null : element.content;
    if (PATTERNS.has(tag)) addPattern(details, tag, content, attributesOf(element));
    else setDetail(details, tag, content);
  }
  return details;
}
