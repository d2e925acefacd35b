/**
 * Options as data: where an option stands in the XML, what it may be, its default and one line on what it does. From such a
 * definition come the typed value, every message about it and its line in the documentation.
 *
 * A group of options is an option too, so a section, and the whole file, is read by the same few functions.
 */
import type { XmlElement } from "#formats/xml/elements.ts";
import type { Report } from "./report.ts";
import type { TextKind } from "./text-kinds.ts";

/** How the elements of one option become its value: each element in the order of the file, then the value. */
export type Reading<T> = { take(element: XmlElement): void; value(): T };

export type Option<T> = {
  /** The name in the XML, which is the name in the API too. */
  readonly element: string;
  begin(report: Report): Reading<T>;
  describe(parent: string): readonly OptionDescription[];
};

export type OptionDescription = {
  /** From the section down, such as `auth/force/enabled`; an attribute follows an `@`. */
  readonly path: string;
  readonly apiName: string;
  readonly values: string;
  /** As it would be written; empty when nothing is the default. */
  readonly fallback: string;
  readonly repeatable: boolean;
  readonly doc: string;
};

/** How one element becomes a value: its text, or its text with its attributes (`attributes.ts`). */
export type ElementKind<T> = {
  readonly values: string;
  readonly attributes: readonly { readonly name: string; readonly values: string; readonly doc: string }[];
  /** Null when the element is no such value, which has been reported. */
  read(element: XmlElement, report: Report): T | null;
};

type Kind<T> = TextKind<T> | ElementKind<T>;

/** Says something about the element whose value is being looked at. */
export type Warn = (message: string, expected?: string) => void;

type OptionDefinition<T> = {
  readonly element: string;
  readonly doc: string;
  readonly kind: Kind<T>;
  /** Corrects, with a warning, what the peer corrects. */
  readonly adjust?: (value: T, warn: Warn) => T;
};

/** An option that is written once; of several the last one counts. */
export function option<T>(definition: OptionDefinition<T> & { readonly fallback: NoInfer<T> }): Option<T>;
export function option<T>(definition: OptionDefinition<T> & { readonly fallback: null }): Option<T | null>;
export function option<T>(
  definition: OptionDefinition<T> & { readonly fallback: T | null },
): Option<T | null> {
  const { element: name, kind, fallback, adjust } = definition;
  return {
    element: name,
    begin: (report) => {
      let current: T | null = fallback;
      return {
        take: (element) => {
          const value = readKind(kind, element, report);
          if (value === null) return;
          const warn: Warn = (message, expected) => report.warning(element.position, message, expected);
          current = adjust === undefined ? value : adjust(value, warn);
        },
        value: () => current,
      };
    },
    describe: (parent) => describeKind(parent, definition, kind, fallbackText(fallback), false),
  };
}

/** An option that may be repeated; the values keep the order of the file. */
export function listOption<T>(definition: {
  readonly element: string;
  readonly doc: string;
  readonly kind: Kind<T>;
}): Option<readonly T[]> {
  const { element: name, kind } = definition;
  return {
    element: name,
    begin: (report) => {
      const values: T[] = [];
      return {
        take: (element) => {
          const value = readKind(kind, element, report);
          if (value !== null) values.push(value);
        },
        value: () => values,
      };
    },
    describe: (parent) => describeKind(parent, definition, kind, "", true),
  };
}

type Fields = Readonly<Record<string, Option<unknown>>>;
export type Values<F extends Fields> = {
  readonly [Key in keyof F]: F[Key] extends Option<infer T> ? T : never;
};
/** The type of an option's value. */
export type ValueOf<O> = O extends Option<infer T> ? T : never;

type GroupDefinition<F extends Fields> = {
  readonly element: string;
  readonly doc: string;
  readonly fields: F;
  /** Elements that are known but not read, each with the warning for it. */
  readonly unused?: Readonly<Record<string, string>>;
  /** Other names of elements. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly ignoreCase?: boolean;
};

/** Checks what concerns several options of a group. `at` is its last element, null when the file has none. */
type Finish<V, T> = (values: V, at: XmlElement | null, report: Report) => T;

/** An element with options inside. Written several times, it is read as if it were one. */
export function group<F extends Fields>(definition: GroupDefinition<F>): Option<Values<F>> {
  return checkedGroup(definition, (values) => values);
}

export function checkedGroup<F extends Fields, T>(
  definition: GroupDefinition<F>,
  finish: Finish<Values<F>, T>,
): Option<T> {
  return {
    element: definition.element,
    begin: (report) => new GroupReading(definition, finish, report),
    describe: (parent) => {
      const path = joinPath(parent, definition.element);
      const own = { path, apiName: definition.element, values: "", fallback: "", repeatable: false };
      const inner = Object.values(definition.fields).flatMap((field) => field.describe(path));
      return [{ ...own, doc: definition.doc }, ...inner];
    },
  };
}

class GroupReading<F extends Fields, T> implements Reading<T> {
  readonly #definition: GroupDefinition<F>;
  readonly #finish: Finish<Values<F>, T>;
  readonly #report: Report;
  readonly #readings = new Map<string, Reading<unknown>>();
  readonly #byElement = new Map<string, Reading<unknown>>();
  #last: XmlElement | null = null;

  constructor(definition: GroupDefinition<F>, finish: Finish<Values<F>, T>, report: Report) {
    this.#definition = definition;
    this.#finish = finish;
    this.#report = report;
    for (const [key, field] of Object.entries(definition.fields)) {
      const reading = field.begin(report);
      this.#readings.set(key, reading);
      this.#byElement.set(field.element, reading);
    }
  }

  take(element: XmlElement): void {
    this.#last = element;
    for (const child of element.children) this.#takeChild(child);
  }

  value(): T {
    const values = Object.fromEntries([...this.#readings].map(([key, reading]) => [key, reading.value()]));
    // The one place where the table of readings becomes the type that its definition says.
    return this.#finish(values as Values<F>, this.#last, this.#report);
  }

  #takeChild(child: XmlElement): void {
    const { unused = {}, aliases = {}, ignoreCase = false } = this.#definition;
    const written = ignoreCase ? child.name.toLowerCase() : child.name;
    const name = ownValue(aliases, written) ?? written;
    const reading = this.#byElement.get(name);
    const warning = ownValue(unused, name);
    if (reading !== undefined) {
      reading.take(child);
    } else if (warning !== undefined) {
      this.#report.warnOnce(child.position, warning);
    } else {
      const message = `(1230): Invalid element in the configuration: '${child.name}'.`;
      this.#report.error(
        child.position,
        message,
        `expected one of ${[...this.#byElement.keys()].join(", ")}`,
      );
    }
  }
}

/** Every element is a value of its own; a null is left out. */
export function each<T>(item: Option<T | null>): Option<readonly T[]> {
  return {
    element: item.element,
    begin: (report) => {
      const values: T[] = [];
      return {
        take: (element) => {
          const value = readAlone(item, element, report);
          if (value !== null) values.push(value);
        },
        value: () => values,
      };
    },
    describe: (parent) =>
      item.describe(parent).map((line, index) => (index === 0 ? { ...line, repeatable: true } : line)),
  };
}

/** Only the last element counts; the ones before it are checked all the same. */
export function lastOf<T>(item: Option<T>): Option<T> {
  return {
    element: item.element,
    begin: (report) => {
      let current: T | null = null;
      return {
        take: (element) => {
          current = readAlone(item, element, report);
        },
        value: () => current ?? item.begin(report).value(),
      };
    },
    describe: (parent) => item.describe(parent),
  };
}

/** `unused` of a group: these names are the peer's, and what they switch does not exist here. */
export function unusedOptions(section: string, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => [name, `option <${name}> of <${section}> is not used by this version`]),
  );
}

/** Reads one text of the kind; what is said of a bad one includes what would be right. */
export function readText<T>(
  kind: TextKind<T>,
  name: string,
  text: string,
  position: XmlElement["position"],
  report: Report,
): T | null {
  const value = kind.parse(text);
  if (value !== null) return value;
  const blanks = kind.parse(text.trim()) === null ? "" : ", without blanks around it";
  const expected = `expected ${kind.values}${blanks}`;
  const message = kind.invalid.message(name, text);
  if (kind.invalid.severity === "error") report.error(position, message, expected);
  else report.warning(position, message, expected);
  return null;
}

function readAlone<T>(item: Option<T>, element: XmlElement, report: Report): T {
  const reading = item.begin(report);
  reading.take(element);
  return reading.value();
}

function readKind<T>(kind: Kind<T>, element: XmlElement, report: Report): T | null {
  if ("read" in kind) return kind.read(element, report);
  return readText(kind, element.name, element.content, element.contentPosition, report);
}

function describeKind(
  parent: string,
  { element, doc }: { readonly element: string; readonly doc: string },
  kind: Kind<unknown>,
  fallback: string,
  repeatable: boolean,
): OptionDescription[] {
  const path = joinPath(parent, element);
  const lines = [{ path, apiName: element, values: kind.values, fallback, repeatable, doc }];
  for (const { name, values, doc: attributeDoc } of "read" in kind ? kind.attributes : []) {
    const line = { path: `${path}@${name}`, apiName: `@${name}`, values, doc: attributeDoc };
    lines.push({ ...line, fallback: "", repeatable: false });
  }
  return lines;
}

function fallbackText(fallback: unknown): string {
  if (fallback === null || typeof fallback === "object") return "";
  if (typeof fallback === "boolean") return fallback ? "yes" : "no";
  return String(fallback);
}

function joinPath(parent: string, name: string): string {
  return parent === "" ? name : `${parent}/${name}`;
}

/** Names come from a file: `constructor` must not find what every object has. */
function ownValue(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
