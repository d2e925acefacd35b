/** Elements whose attributes say more about their text, such as `<rule_dir pattern="…">`. */
import type { XmlElement } from "#formats/xml/elements.ts";
import { type ElementKind, readText } from "./option.ts";
import type { Report } from "./report.ts";
import type { TextKind } from "./text-kinds.ts";

export type Attribute<T> = {
  readonly name: string;
  readonly doc: string;
  readonly values: string;
  /** Null when a text is no such value, or when the attribute is needed and missing; it has been reported. */
  read(element: XmlElement, report: Report): { readonly value: T } | null;
};

type Attributes = Readonly<Record<string, Attribute<unknown>>>;
type AttributeValues<A extends Attributes> = {
  readonly [Key in keyof A]: A[Key] extends Attribute<infer T> ? T : never;
};

type AttributeDefinition<T> = { readonly name: string; readonly doc: string; readonly kind: TextKind<T> };

export function attribute<T>(
  definition: AttributeDefinition<T> & { readonly fallback: NoInfer<T> },
): Attribute<T>;
export function attribute<T>(
  definition: AttributeDefinition<T> & { readonly fallback: null },
): Attribute<T | null>;
export function attribute<T>(
  definition: AttributeDefinition<T> & { readonly fallback: T | null },
): Attribute<T | null> {
  const { name, doc, kind, fallback } = definition;
  const read = (element: XmlElement, report: Report) => {
    const found = findAttribute(element, name);
    if (found === undefined) return { value: fallback };
    const outcome = readAttribute(found, kind, report);
    return outcome === null && kind.invalid.severity === "warning" ? { value: fallback } : outcome;
  };
  return { name, doc, values: kind.values, read };
}

/** `missing` is said when the attribute is not there. */
export function requiredAttribute<T>(
  definition: AttributeDefinition<T> & { readonly missing: string },
): Attribute<T> {
  const { name, doc, kind, missing } = definition;
  const read = (element: XmlElement, report: Report) => {
    const found = findAttribute(element, name);
    if (found !== undefined) return readAttribute(found, kind, report);
    report.error(element.position, missing, `expected <${element.name} ${name}="...">`);
    return null;
  };
  return { name, doc, values: kind.values, read };
}

/** A text with attributes, put together by `build`. An attribute of another name is an error. */
export function withAttributes<T, A extends Attributes, R>(
  kind: TextKind<T>,
  attributes: A,
  build: (value: T, attributes: AttributeValues<A>) => R,
): ElementKind<R> {
  const names = Object.values(attributes).map(({ name }) => name);
  const read = (element: XmlElement, report: Report): R | null => {
    for (const { name, value, position } of element.attributes) {
      if (names.includes(name)) continue;
      const message = `(1233): Invalid attribute '${name}' in the configuration: '${value}'.`;
      report.error(position, message, `expected ${names.join(", ")}`);
    }
    const value = readText(kind, element.name, element.content, element.contentPosition, report);
    const read = Object.entries(attributes).map(([key, { read }]) => [key, read(element, report)] as const);
    if (value === null || read.some(([, outcome]) => outcome === null)) return null;
    const values = Object.fromEntries(read.map(([key, outcome]) => [key, outcome?.value]));
    // Every attribute of the definition was read: the object has the type that the definition says.
    return build(value, values as AttributeValues<A>);
  };
  return { values: kind.values, attributes: Object.values(attributes), read };
}

function findAttribute(element: XmlElement, name: string) {
  return element.attributes.find((candidate) => candidate.name === name);
}

function readAttribute<T>(
  { name, value: text, position }: XmlElement["attributes"][number],
  kind: TextKind<T>,
  report: Report,
): { readonly value: T } | null {
  const value = readText(kind, name, text, position, report);
  return value === null ? null : { value };
}
