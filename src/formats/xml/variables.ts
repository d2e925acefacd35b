/**
 * Variables of the XML dialect: `<var name="X">text</var>` and, in texts after it, `$X`
 * (wazuh v4.14.7: src/os_xml/os_xml_variables.c).
 */
import type { XmlElement } from "./elements.ts";
import { XmlError } from "./xml-error.ts";

/** A longer name is refused. */
const NAME_BYTES_MAX = 255;
/** Of an unknown name in the message. */
const NAME_BYTES_SHOWN = 95;
/**
 * All replaced texts of one file together: the peer's whole rule set holds 2 MB, and without a bound three bytes of use
 * could become 20 KB each.
 */
const EXPANSION_BYTES_MAX = 16 * 1024 * 1024;

// A use is `$` and the bytes up to one of these; `(` keeps the `$(field)` of descriptions out.
const USE = /\$([^$.|, ]*)/g;

/** The elements with their variables applied, in document order, and the `<var>` elements removed. Throws `XmlError`. */
export function applyVariables(elements: readonly XmlElement[]): readonly XmlElement[] {
  if (!elements.some(holdsVariable)) return elements;
  return new Variables().applyToAll(elements);
}

function isVariable(element: XmlElement): boolean {
  return element.name.toLowerCase() === "var";
}

function holdsVariable(element: XmlElement): boolean {
  return isVariable(element) || element.children.some(holdsVariable);
}

class Variables {
  readonly #values = new Map<string, string>();
  #expandedBytes = 0;

  applyToAll(elements: readonly XmlElement[]): XmlElement[] {
    const kept: XmlElement[] = [];
    for (const element of elements) {
      if (isVariable(element)) this.#define(element);
      else kept.push(this.#apply(element));
    }
    return kept;
  }

  // An element's own texts come before its children: a definition inside it does not reach them.
  #apply(element: XmlElement): XmlElement {
    const content = this.#expand(element.content, element);
    const attributes = element.attributes.map((attribute) => ({
      ...attribute,
      value: this.#expand(attribute.value, element),
    }));
    return { ...element, content, attributes, children: this.applyToAll(element.children) };
  }

  #define(element: XmlElement): void {
    for (const attribute of element.attributes) {
      if (attribute.name.toLowerCase() === "name") continue;
      fail('Only "name" is allowed as an attribute for a variable.', element, `remove ${attribute.name}`);
    }
    const name = element.attributes[0]?.value;
    if (name === undefined) fail("No value set for variable.", element, 'expected <var name="...">');
    if (name.length > NAME_BYTES_MAX)
      fail("Invalid variable name size.", element, `at most ${NAME_BYTES_MAX} bytes`);
    const key = name.toLowerCase();
    // The peer's search stops at the first definition.
    if (!this.#values.has(key)) this.#values.set(key, element.content);
  }

  #expand(text: string, element: XmlElement): string {
    if (this.#values.size === 0 || text.length <= 2 || !text.includes("$")) return text;
    const expanded = text.replace(USE, (use: string, name: string) => {
      const value = this.#values.get(name.toLowerCase());
      if (value === undefined) {
        if (name === "" || name.startsWith("(")) return use;
        const reason = `Unknown variable: '${name.slice(0, NAME_BYTES_SHOWN)}'.`;
        fail(reason, element, `define it before with <var name="...">`);
      }
      this.#expandedBytes += value.length;
      if (this.#expandedBytes > EXPANSION_BYTES_MAX) {
        fail("String overflow.", element, `variables may grow a file by ${EXPANSION_BYTES_MAX} bytes`);
      }
      return value;
    });
    return expanded;
  }
}

function fail(reason: string, element: XmlElement, expected: string): never {
  throw new XmlError(reason, element.position.line, element.position, expected);
}
