/** Reads the `<decoder>` elements of one file into definitions. Every mistake is reported; a definition with an error is dropped. */
import { STATIC_FIELDS, type StaticField } from "#analysis/plugins/sink.ts";
import { compilePattern, type Pattern, type PatternKind } from "#formats/patterns/pattern.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { CATEGORY_NAMES, CATEGORY_SYSLOG, categoryOf } from "./category.ts";
import type { DecoderDefinition, DecoderPlugin, FieldTarget, FtsSelection, Offset } from "./decoder.ts";
import type { ProblemList } from "./problems.ts";

/** The peer's buffer for the text of one option, its repetitions together. */
const OPTION_BYTES_MAX = 1023;

const PLUGINS: ReadonlyMap<string, DecoderPlugin> = new Map([
  ["PF_Decoder", "PF_Decoder"],
  ["SymantecWS_Decoder", "SymantecWS_Decoder"],
  ["SonicWall_Decoder", "SonicWall_Decoder"],
  ["OSSECAlert_Decoder", "OSSECAlert_Decoder"],
  ["JSON_Decoder", "JSON_Decoder"],
]);

const STATIC_BY_WORD: ReadonlyMap<string, StaticField> = new Map([
  ...STATIC_FIELDS.map((name): [string, StaticField] => [name, name]),
  ["user", "dstuser"],
]);

/** The words that `<fts>` knows beside dynamic names; `null` is accepted and changes nothing. */
const FTS_WORDS: ReadonlyMap<string, StaticField | "location" | null> = new Map<
  string,
  StaticField | "location" | null
>([
  ["dstuser", "dstuser"],
  ["user", "dstuser"],
  ["srcuser", "srcuser"],
  ["srcip", "srcip"],
  ["dstip", "dstip"],
  ["id", "id"],
  ["location", "location"],
  ["data", "data"],
  ["extra_data", "data"],
  ["system_name", "system_name"],
  ["name", null],
]);

type PatternText = { text: string; kind: PatternKind; offset: Offset; readonly element: XmlElement };

/** What the children of one `<decoder>` said, before they are checked against each other. */
type Draft = {
  parent: string | null;
  category: number;
  programName: PatternText | null;
  prematch: PatternText | null;
  regex: PatternText | null;
  order: readonly FieldTarget[] | null;
  ftsWords: readonly string[] | null;
  ftsComment: string | null;
  accumulate: boolean;
  useOwnName: boolean;
  plugin: { readonly name: DecoderPlugin; readonly offset: Offset } | null;
  jsonNull: "string" | "discard";
  jsonArray: "array" | "csv";
};

type Context = { readonly name: string; readonly draft: Draft; readonly problems: ProblemList };
type OptionReader = (element: XmlElement, context: Context) => void;

function configurationError(element: XmlElement, context: Context, expected: string): void {
  context.problems.error(
    element.position,
    `(2107): Decoder configuration error: '${context.name}'.`,
    expected,
  );
}

function readOffset(
  element: XmlElement,
  value: string,
  allowed: readonly Offset[],
  context: Context,
): Offset {
  const offset = allowed.find((candidate) => candidate === value.toLowerCase());
  if (offset !== undefined) return offset;
  const text = `(7601): Invalid value for attribute 'offset' in '${element.name}' option (decoder \`${context.name}\`). Default value will be used.`;
  context.problems.error(element.position, text, `one of ${allowed.join(", ")}`);
  return "log";
}

function readKind(
  element: XmlElement,
  value: string,
  allowed: readonly PatternKind[],
  fallback: PatternKind,
  context: Context,
): PatternKind {
  const kind = allowed.find((candidate) => candidate === value.toLowerCase());
  if (kind !== undefined) return kind;
  const text = `(7601): Invalid value for attribute 'type' in '${element.name}' option (decoder \`${context.name}\`). Default value will be used.`;
  context.problems.warning(element.position, text, `one of ${allowed.join(", ")}`);
  return fallback;
}

/** Texts of a repeated option are joined; the kind of the last one rules; only the first may carry an offset. */
function mergePattern(
  previous: PatternText | null,
  element: XmlElement,
  rules: {
    readonly kinds: readonly PatternKind[];
    readonly kind: PatternKind;
    readonly offsets: readonly Offset[];
  },
  context: Context,
): PatternText {
  let kind = rules.kind;
  let offset: Offset = "log";
  for (const attribute of element.attributes) {
    const name = attribute.name.toLowerCase();
    if (name === "type") kind = readKind(element, attribute.value, rules.kinds, rules.kind, context);
    else if (name === "offset" && rules.offsets.length > 0) {
      offset = readOffset(element, attribute.value, rules.offsets, context);
    }
  }
  if (previous !== null && offset !== "log") {
    context.problems.error(
      element.position,
      `(2109): Duplicated offsets for same regex. Decoder: '${context.name}'.`,
      `an offset on the first <${element.name}> only`,
    );
  }
  const text = (previous?.text ?? "") + element.content;
  if (text.length > OPTION_BYTES_MAX) {
    configurationError(element, context, `at most ${OPTION_BYTES_MAX} bytes in <${element.name}>`);
  }
  return { text, kind, offset: previous?.offset ?? offset, element: previous?.element ?? element };
}

function readOrder(element: XmlElement, context: Context): readonly FieldTarget[] {
  const words = element.content
    .split(/(?<!\\),/)
    .map((word) => word.replaceAll("\\,", ",").replace(/^ +/, "").split(" ")[0] ?? "");
  const targets: FieldTarget[] = [];
  for (const word of words) {
    const field = STATIC_BY_WORD.get(word);
    if (field !== undefined) targets.push({ kind: "static", field });
    else if (word !== "") targets.push({ kind: "dynamic", name: word });
    else configurationError(element, context, "a field name between commas");
  }
  return targets;
}

const OPTIONS: Readonly<Record<string, OptionReader>> = {
  parent: (element, { draft }) => {
    draft.parent = (draft.parent ?? "") + element.content;
  },
  program_name: (element, context) => {
    const rules = { kinds: ["osmatch", "osregex", "pcre2"], kind: "osmatch", offsets: [] } as const;
    context.draft.programName = mergePattern(context.draft.programName, element, rules, context);
  },
  prematch: (element, context) => {
    const rules = { kinds: ["osregex", "pcre2"], kind: "osregex", offsets: ["after_parent"] } as const;
    context.draft.prematch = mergePattern(context.draft.prematch, element, rules, context);
  },
  regex: (element, context) => {
    const offsets = ["after_parent", "after_prematch", "after_regex"] as const;
    const rules = { kinds: ["osregex", "pcre2"], kind: "osregex", offsets } as const;
    context.draft.regex = mergePattern(context.draft.regex, element, rules, context);
  },
  order: (element, context) => {
    context.draft.order = readOrder(element, context);
  },
  fts: (element, { draft }) => {
    draft.ftsWords = element.content.split(",").map((word) => word.trim());
  },
  ftscomment: (element, { draft }) => {
    draft.ftsComment = element.content;
  },
  accumulate: (_element, { draft }) => {
    draft.accumulate = true;
  },
  use_own_name: (element, { draft }) => {
    draft.useOwnName = element.content === "true";
  },
  type: (element, context) => {
    const category = categoryOf(element.content);
    if (category !== null) context.draft.category = category;
    else {
      context.problems.error(
        element.position,
        `Invalid decoder type '${element.content}'.`,
        `one of ${CATEGORY_NAMES.join(", ")}`,
      );
    }
  },
  plugin_decoder: (element, context) => {
    const name = PLUGINS.get(element.content);
    if (name === undefined) {
      context.problems.error(
        element.position,
        `(2110): Invalid decoder argument for 'plugin_decoder': '${element.content}'.`,
        `one of ${[...PLUGINS.keys()].join(", ")}`,
      );
      return;
    }
    const attribute = element.attributes.find((candidate) => candidate.name.toLowerCase() === "offset");
    const allowed = ["after_parent", "after_prematch"] as const;
    const offset = attribute === undefined ? "log" : readOffset(element, attribute.value, allowed, context);
    context.draft.plugin = { name, offset };
  },
  json_null_field: (element, context) => {
    const value = element.content;
    if (value === "discard" || value === "string") context.draft.jsonNull = value;
    else warnJsonOption(element, context, value === "empty");
  },
  json_array_structure: (element, context) => {
    const value = element.content;
    if (value === "array" || value === "csv") context.draft.jsonArray = value;
    else warnJsonOption(element, context, false);
  },
};

function warnJsonOption(element: XmlElement, context: Context, deprecated: boolean): void {
  const what = deprecated ? "(7603): Deprecated" : "(7602): Invalid";
  const text = `${what} value '${element.content}' in '${element.name}' option (decoder \`${context.name}\`). Default value will be used.`;
  context.problems.warning(element.position, text);
}

/** The name, or null when the element is not a decoder with a proper name. */
function readName(element: XmlElement, problems: ProblemList): string | null {
  if (element.name.toLowerCase() !== "decoder") {
    problems.error(
      element.position,
      `Invalid element '${element.name}' in a decoder file.`,
      "<decoder name=…>",
    );
    return null;
  }
  const [first, ...others] = element.attributes;
  if (first === undefined || first.name.toLowerCase() !== "name") {
    problems.error(element.position, "Decoder without a name.", 'the first attribute must be name="…"');
    return null;
  }
  for (const attribute of others) {
    if (attribute.name.toLowerCase() === "status") continue;
    problems.error(
      attribute.position,
      `Invalid attribute '${attribute.name}' for decoder '${first.value}'.`,
      "only name and status",
    );
  }
  return first.value;
}

function emptyDraft(): Draft {
  return {
    parent: null,
    category: CATEGORY_SYSLOG,
    programName: null,
    prematch: null,
    regex: null,
    order: null,
    ftsWords: null,
    ftsComment: null,
    accumulate: false,
    useOwnName: false,
    plugin: null,
    jsonNull: "string",
    jsonArray: "array",
  };
}

function compile(source: PatternText | null, mode: "plain" | "capturing", context: Context): Pattern | null {
  if (source === null) return null;
  const outcome = compilePattern(source.kind, source.text, { mode });
  if (outcome.ok) return outcome.pattern;
  const { position } = source.element;
  context.problems.error(position, `(1452): Syntax error on regex: '${source.text}'`, outcome.error.message);
  context.problems.error(position, `(2107): Decoder configuration error: '${context.name}'.`);
  return null;
}

/** The effective offset of a regex: `after_prematch` and the others need something to come after. */
function checkOffsets(element: XmlElement, context: Context): Offset {
  const { draft, name } = context;
  const invalid = (value: string, expected: string) => {
    context.problems.error(element.position, `(2120): Invalid offset value: '${value}'`, expected);
    context.problems.error(element.position, `(2107): Decoder configuration error: '${name}'.`);
  };
  if (draft.prematch?.offset === "after_parent" && draft.parent === null)
    invalid("after_parent", "a <parent>");
  if (draft.plugin?.offset === "after_parent" && draft.parent === null) invalid("after_parent", "a <parent>");
  if (draft.plugin?.offset === "after_prematch" && draft.prematch === null)
    invalid("after_prematch", "a <prematch>");
  const offset = draft.regex?.offset ?? "log";
  if (draft.parent === null && (offset === "after_parent" || offset === "after_regex"))
    invalid(offset, "a <parent>");
  if (offset === "after_prematch" && draft.parent !== null && draft.prematch === null) {
    invalid(offset, "a <prematch> in the same decoder");
  }
  return offset;
}

function checkConsistency(element: XmlElement, context: Context): void {
  const { draft, name } = context;
  if (draft.parent === null && draft.prematch === null && draft.programName === null) {
    context.problems.error(element.position, `(2108): No 'prematch' found in decoder: '${name}'.`);
    configurationError(element, context, "a <prematch>, a <program_name> or a <parent>");
  }
  if (draft.plugin !== null && (draft.regex !== null || draft.order !== null)) {
    context.problems.error(
      element.position,
      `(2111): Additional data to plugin decoder: '${name}'.`,
      "<plugin_decoder> without <regex> and <order>",
    );
  } else if ((draft.regex === null) !== (draft.order === null)) {
    configurationError(element, context, "<regex> and <order> together");
  }
  if (draft.ftsWords !== null && draft.regex === null && draft.plugin === null) {
    configurationError(element, context, "<fts> only beside <regex>");
  }
}

function readFts(element: XmlElement, context: Context): FtsSelection | null {
  const { draft } = context;
  if (draft.ftsWords === null) return null;
  const statics = new Set<StaticField>();
  const dynamics: string[] = [];
  let location = false;
  for (const word of draft.ftsWords) {
    const known = FTS_WORDS.get(word);
    const dynamic = draft.order?.find(
      (target) => target.kind === "dynamic" && target.name.toLowerCase() === word.toLowerCase(),
    );
    if (known === "location") location = true;
    else if (known === null) continue;
    else if (known !== undefined) statics.add(known);
    else if (dynamic?.kind === "dynamic") dynamics.push(dynamic.name);
    else configurationError(element, context, `a field of <order> in <fts>, not '${word}'`);
  }
  return { statics, location, dynamics };
}

/** One decoder, or null when it has an error. */
export function readDecoder(element: XmlElement, problems: ProblemList): DecoderDefinition | null {
  const errorsBefore = problems.errors;
  const name = readName(element, problems);
  if (name === null) return null;
  const context: Context = { name, draft: emptyDraft(), problems };
  for (const child of element.children) {
    const option = OPTIONS[child.name === "type" ? "type" : child.name.toLowerCase()];
    if (option === undefined) {
      problems.error(
        child.position,
        `Invalid element '${child.name}' for decoder 'decoder'`,
        `one of ${Object.keys(OPTIONS).join(", ")}`,
      );
    } else option(child, context);
  }
  const { draft } = context;
  const regexOffset = checkOffsets(element, context);
  checkConsistency(element, context);
  const definition: DecoderDefinition = {
    name,
    position: element.position,
    parent: draft.parent,
    category: draft.category,
    programName: compile(draft.programName, "plain", context),
    prematch: compile(draft.prematch, "plain", context),
    prematchOffset: draft.prematch?.offset ?? "log",
    regex: compile(draft.regex, "capturing", context),
    regexOffset,
    order: draft.order ?? [],
    fts: readFts(element, context),
    ftsComment: draft.ftsComment,
    accumulate: draft.accumulate,
    useOwnName: draft.useOwnName,
    plugin: draft.plugin?.name ?? null,
    pluginOffset: draft.plugin?.offset ?? "log",
    jsonNull: draft.jsonNull,
    jsonArray: draft.jsonArray,
  };
  return problems.errors === errorsBefore ? definition : null;
}
