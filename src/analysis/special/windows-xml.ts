/**
 * The XML of a Windows event as names and values, in the peer's choice of them (wazuh v4.14.7:
 * src/analysisd/decoders/winevtchannel.c).
 *
 * Values are kept as they stand in the XML: no entity is decoded.
 */
import type { XmlElement } from "#formats/xml/elements.ts";
import { readPlainXml } from "#formats/xml/xml.ts";
import { auditCategoryOf, policyChangesOf, severityOf } from "./windows-audit.ts";

/** What Windows writes where there is no value. */
const NO_VALUES: ReadonlySet<string> = new Set(["", "-", "(NULL)"]);

/** System elements whose attributes are the fields: attribute → field. */
const ATTRIBUTE_FIELDS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    "Provider",
    new Map([
      ["Name", "providerName"],
      ["Guid", "providerGuid"],
      ["EventSourceName", "eventSourceName"],
    ]),
  ],
  ["TimeCreated", new Map([["SystemTime", "systemTime"]])],
  [
    "Execution",
    new Map([
      ["ProcessID", "processID"],
      ["ThreadID", "threadID"],
    ]),
  ],
]);

/** System elements that are shown without a value too. */
const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set(["Channel", "Level", "Keywords"]);
const LEFT_OUT: ReadonlySet<string> = new Set(["Correlation", "Security"]);

/** Names and values in the order of the document. A name can occur more than once. */
export class FieldGroup {
  readonly names: string[] = [];
  readonly values: string[] = [];

  add(name: string, value: string): void {
    this.names.push(name);
    this.values.push(value);
  }

  /** The last value of that name. */
  last(name: string): string | undefined {
    const index = this.names.lastIndexOf(name);
    return index < 0 ? undefined : this.values[index];
  }
}

export type WindowsFields = {
  readonly system: FieldGroup;
  readonly eventData: FieldGroup;
  /** The leaves of the event's other parts, under the name of the last of them; null when there is no other part. */
  readonly other: { readonly name: string; readonly fields: FieldGroup } | null;
};

/** Null when the text cannot be read. */
export function readWindowsXml(text: string): WindowsFields | null {
  const outcome = readPlainXml(text, "event", { truncate: true });
  if (!outcome.ok) return null;
  const reader = new EventReader();
  for (const part of outcome.elements[0]?.children ?? []) reader.readPart(part);
  return reader.finish();
}

class EventReader {
  readonly #system = new FieldGroup();
  readonly #eventData = new FieldGroup();
  readonly #otherFields = new FieldGroup();
  #otherName: string | null = null;
  #unnamedData = "";

  readPart(part: XmlElement): void {
    for (const child of part.children) {
      if (part.name === "System") this.#readSystem(child);
      else if (part.name === "EventData") this.#readEventData(child);
      else this.#readOther(child);
    }
  }

  #readSystem({ name, attributes, content }: XmlElement): void {
    const fields = ATTRIBUTE_FIELDS.get(name);
    if (fields !== undefined && attributes.length > 0) {
      for (const attribute of attributes) {
        const field = fields.get(attribute.name);
        if (field !== undefined) this.#system.add(field, attribute.value);
      }
    } else if (!LEFT_OUT.has(name) && (content !== "" || KEPT_WHEN_EMPTY.has(name))) {
      this.#system.add(lowerFirst(name), content);
    }
  }

  #readEventData({ name, attributes, content }: XmlElement): void {
    if (NO_VALUES.has(content)) return;
    const value = withoutTrailingSpace(content);
    if (name !== "Data") {
      this.#eventData.add(lowerFirst(name), value);
      return;
    }
    // The peer takes the attributes before `Name` for names as well: one value could be in the document 48 times.
    const named = attributes.find((attribute) => attribute.name === "Name") ?? attributes[0];
    if (named === undefined) {
      this.#unnamedData += this.#unnamedData === "" ? value : `, ${value}`;
      return;
    }
    const field = lowerFirst(named.value);
    this.#eventData.add(field === "auditPolicyChanges" ? "auditPolicyChangesId" : field, value);
  }

  #readOther({ name, children }: XmlElement): void {
    for (const leaf of children) {
      if (NO_VALUES.has(leaf.content)) continue;
      this.#otherFields.add(lowerFirst(leaf.name), withoutTrailingSpace(leaf.content));
    }
    this.#otherName = lowerFirst(name);
  }

  finish(): WindowsFields {
    const system = this.#system;
    const eventData = this.#eventData;
    const level = system.last("level");
    const keywords = system.last("keywords");
    if (level !== undefined && keywords !== undefined) {
      system.add("severityValue", severityOf(level, keywords));
      this.#addAuditCategory();
    }
    const policyChangesId = eventData.last("auditPolicyChangesId");
    if (policyChangesId !== undefined) {
      const changes = policyChangesOf(policyChangesId);
      if (changes !== "") eventData.add("auditPolicyChanges", changes);
    }
    if (this.#unnamedData !== "") eventData.add("data", this.#unnamedData);
    const otherName = this.#otherName;
    const other = otherName === null ? null : { name: otherName, fields: this.#otherFields };
    return { system, eventData, other };
  }

  #addAuditCategory(): void {
    const categoryId = this.#eventData.last("categoryId");
    const subcategoryId = this.#eventData.last("subcategoryId");
    if (categoryId === undefined || subcategoryId === undefined) return;
    const found = auditCategoryOf(categoryId, subcategoryId);
    if (found === null) return;
    this.#eventData.add("category", found.category);
    if (found.subcategory !== null) this.#eventData.add("subcategory", found.subcategory);
  }
}

/** ASCII only, as C does. */
function lowerFirst(name: string): string {
  const first = name.charAt(0);
  return first >= "A" && first <= "Z" ? first.toLowerCase() + name.slice(1) : name;
}

/** The blanks of C. The first byte stays even if it is one. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 1 && isBlank(text.charCodeAt(end - 1))) end--;
  return end === text.length ? text : text.slice(0, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
