/**
 * Reads one `<decoder>` element into a definition. Every mistake is reported; the definition of a broken decoder serves only to
 * find the mistakes of what names it.
 */
import { STATIC_FIELDS, type StaticField } from "#analysis/plugins/sink.ts";
import { compilePattern, type Pattern, type PatternKind } from "#formats/patterns/pattern.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { attributeOf } from "./attributes.ts";
import { CATEGORY_NAMES, CATEGORY_SYSLOG, categoryOf } from "./category.ts";
import type { DecoderDefinition, DecoderPlugin, FieldTarget, FtsSelection, Offset } from "./decoder.ts";
import type { ProblemList } from "./problems.ts";

/** The peer's buffer for the text of one option, its repetitions together. */
const OPTION_BYTES_MAX = 1023;
/** The most that `analysisd.decoder_order_size` may be set to. */
const ORDER_FIELDS_MAX = 1024;

const PLUGINS: readonly DecoderPlugin[] = [
  "PF_Decoder",
  "SymantecWS_Decoder",
  "SonicWall_Decoder",
  "OSSECAlert_Decoder",
  "JSON_Decoder",
];
const PLUGIN_OFFSETS: readonly Offset[] = ["after_parent", "after_prematch"];

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

type PatternOption = "program_name" | "prematch" | "regex";

/** What each may be written in, the default first, and which offsets it knows. */
const PATTERN_FORMS: Readonly<
  Record<PatternOption, { readonly kinds: readonly PatternKind[]; readonly offsets: readonly Offset[] }>
> = {
  program_name: { kinds: ["osmatch", "osregex", "pcre2"], offsets: [] },
  prematch: { kinds: ["osregex", "pcre2"], offsets: ["after_parent"] },
  regex: { kinds: ["osregex", "pcre2"], offsets: ["after_parent", "after_prematch", "after_regex"] },
};

type PatternDraft = {
  readonly text: string;
  readonly kind: PatternKind;
  readonly offset: Offset;
  readonly element: XmlElement;
};

/** What the children of one `<decoder>` said, before they are checked against each other. */
type Draft = {
  parent: string | null;
  category: number;
  readonly patterns: Map<PatternOption, PatternDraft>;
  order: readonly FieldTarget[] | null;
  ftsElement: XmlElement | null;
  ftsComment: string | null;
  accumulate: boolean;
  useOwnName: boolean;
  plugin: { readonly name: DecoderPlugin; readonly offset: Offset; readonly element: XmlElement } | null;
  jsonNull: "string" | "discard";
  jsonArray: "array" | "csv";
};

type Context = { readonly name: string; readonly draft: Draft; readonly problems: ProblemList };
type OptionReader = (element: XmlElement, context: Context) => void;

function configurationError(position: SourcePosition, context: Context, expected: string): void {
  context.problems.error(position, `(2107): Decoder configuration error: '${context.name}'.`, expected);
}

/** Null when the attribute is not there, or has none of the values it may have. */
function readChoice<T extends string>(
  element: XmlElement,
  attribute: "type" | "offset",
  choices: readonly T[],
  { name, problems }: Context,
): T | null {
  const value = attributeOf(element, attribute)?.toLowerCase() ?? null;
  if (value === null) return null;
  const choice = choices.find((candidate) => candidate === value);
  if (choice !== undefined) return choice;
  const { position } = element;
  const message = `(7601): Invalid value for attribute '${attribute}' in '${element.name}' option (decoder \`${name}\`). Default value will be used.`;
  const expected = `one of ${choices.join(", ")}`;
  if (attribute === "type") problems.warning(position, message, expected);
  else problems.error(position, message, expected);
  return null;
}

/** The texts of a repeated option are joined. */
function joined(before: string | null, element: XmlElement, context: Context): string {
  const text = (before ?? "") + element.content;
  if (text.length <= OPTION_BYTES_MAX) return text;
  configurationError(element.position, context, `at most ${OPTION_BYTES_MAX} bytes in <${element.name}>`);
  return before ?? "";
}

/** Of a repeated pattern the last kind counts, and only the first may carry an offset. */
function patternReader(option: PatternOption): OptionReader {
  const { kinds, offsets } = PATTERN_FORMS[option];
  const [defaultKind = "osregex"] = kinds;
  return (element, context) => {
    const { patterns } = context.draft;
    const previous = patterns.get(option);
    const kind = readChoice(element, "type", kinds, context) ?? defaultKind;
    const offset = offsets.length === 0 ? null : readChoice(element, "offset", offsets, context);
    if (previous !== undefined && offset !== null) {
      context.problems.error(
        element.position,
        `(2109): Duplicated offsets for same regex. Decoder: '${context.name}'.`,
        `an offset on the first <${element.name}> only`,
      );
    }
    patterns.set(option, {
      text: joined(previous?.text ?? null, element, context),
      kind,
      offset: previous?.offset ?? offset ?? "log",
      element: previous?.element ?? element,
    });
  };
}

function readType(element: XmlElement, context: Context): void {
  const category = categoryOf(element.content);
  if (category !== null) context.draft.category = category;
  else {
    const message = `Invalid decoder type '${element.content}'.`;
    context.problems.error(element.position, message, `one of ${CATEGORY_NAMES.join(", ")}`);
  }
}

/** A word ends at its first blank; `\,` is a comma that does not separate. */
function readOrder(element: XmlElement, context: Context): void {
  const words = element.content
    .split(/(?<!\\),/)
    .map((word) => word.replaceAll("\\,", ",").replace(/^ +/, "").split(" ", 1)[0] ?? "");
  if (words.length > ORDER_FIELDS_MAX) {
    configurationError(element.position, context, `at most ${ORDER_FIELDS_MAX} fields in <order>`);
  }
  if (words.includes("")) {
    const message = `Empty field name in <order> of decoder '${context.name}'.`;
    context.problems.warning(element.position, message, "a field name between commas");
  }
  context.draft.order = words.slice(0, ORDER_FIELDS_MAX).map((word): FieldTarget => {
    const field = STATIC_BY_WORD.get(word);
    return field === undefined ? { kind: "dynamic", name: word } : { kind: "static", field };
  });
}

function readPlugin(element: XmlElement, context: Context): void {
  const name = PLUGINS.find((plugin) => plugin === element.content);
  if (name === undefined) {
    const message = `(2110): Invalid decoder argument for ${element.name}: '${element.content}'.`;
    context.problems.error(element.position, message, `one of ${PLUGINS.join(", ")}`);
    return;
  }
  const offset = readChoice(element, "offset", PLUGIN_OFFSETS, context) ?? "log";
  context.draft.plugin = { name, offset, element };
}

function warnJsonOption(element: XmlElement, context: Context, expected: string): void {
  // The peer had this value once; it means the default now.
  const deprecated = element.name.toLowerCase() === "json_null_field" && element.content === "empty";
  const what = deprecated ? "(7603): Deprecated" : "(7602): Invalid";
  const message = `${what} value '${element.content}' in '${element.name}' option (decoder \`${context.name}\`). Default value will be used.`;
  context.problems.warning(element.position, message, expected);
}

/** By lower-case name. */
const OPTIONS: ReadonlyMap<string, OptionReader> = new Map(
  Object.entries<OptionReader>({
    parent: (element, context) => {
      context.draft.parent = joined(context.draft.parent, element, context);
    },
    program_name: patternReader("program_name"),
    prematch: patternReader("prematch"),
    regex: patternReader("regex"),
    order: readOrder,
    fts: (element, { draft }) => {
      draft.ftsElement = element;
    },
    ftscomment: (element, context) => {
      context.draft.ftsComment = joined(context.draft.ftsComment, element, context);
    },
    accumulate: (_element, { draft }) => {
      draft.accumulate = true;
    },
    use_own_name: (element, { draft }) => {
      draft.useOwnName = element.content === "true";
    },
    type: readType,
    plugin_decoder: readPlugin,
    json_null_field: (element, context) => {
      const value = element.content;
      if (value === "discard" || value === "string") context.draft.jsonNull = value;
      else warnJsonOption(element, context, "string or discard");
    },
    json_array_structure: (element, context) => {
      const value = element.content;
      if (value === "array" || value === "csv") context.draft.jsonArray = value;
      else warnJsonOption(element, context, "array or csv");
    },
  }),
);

/** The name, or null when the element is not a decoder with a proper name. */
function readName(element: XmlElement, problems: ProblemList): string | null {
  const refuse = (position: SourcePosition, expected: string): null => {
    problems.error(position, `(1230): Invalid element in the configuration: '${element.name}'.`, expected);
    return null;
  };
  if (element.name.toLowerCase() !== "decoder") return refuse(element.position, '<decoder name="…">');
  const [first, ...others] = element.attributes;
  if (first?.name.toLowerCase() !== "name") {
    return refuse(element.position, 'name="…" as the first attribute');
  }
  const unknown = others.find(({ name }) => name.toLowerCase() !== "status");
  if (unknown !== undefined) {
    return refuse(unknown.position, `no attribute but name and status, not '${unknown.name}'`);
  }
  return first.value;
}

function readChildren(element: XmlElement, context: Context): void {
  for (const child of element.children) {
    const lowerName = child.name.toLowerCase();
    // The peer compares this one name with case.
    const wrongCase = lowerName === "type" && child.name !== lowerName;
    const read = wrongCase ? undefined : OPTIONS.get(lowerName);
    if (read !== undefined) read(child, context);
    else {
      const message = `Invalid element '${child.name}' for decoder 'decoder'`;
      context.problems.error(child.position, message, `one of ${[...OPTIONS.keys()].join(", ")}`);
    }
  }
}

type OffsetCarrier = { readonly offset: Offset; readonly element: XmlElement };

/** What an offset comes after and is not there; null when all is well. */
function missingBefore(carrier: OffsetCarrier, { parent, patterns }: Draft): string | null {
  switch (carrier.offset) {
    case "after_parent":
    // That `after_regex` has an earlier sibling is for decoder-tree.ts to check.
    case "after_regex":
      return parent === null ? "a <parent>" : null;
    case "after_prematch":
      // The regex of a decoder without parent then looks behind its own prematch, or at the whole log.
      if (parent === null && carrier === patterns.get("regex")) return null;
      return patterns.has("prematch") ? null : "a <prematch> in the same decoder";
    default:
      return null;
  }
}

function checkOffsets(context: Context): void {
  const { patterns, plugin } = context.draft;
  for (const carrier of [patterns.get("prematch"), plugin, patterns.get("regex")]) {
    if (carrier === undefined || carrier === null) continue;
    const missing = missingBefore(carrier, context.draft);
    if (missing === null) continue;
    const { position } = carrier.element;
    context.problems.error(position, `(2120): Invalid offset value: '${carrier.offset}'`);
    configurationError(position, context, missing);
  }
}

function checkConsistency({ position }: XmlElement, context: Context): void {
  const { draft, name, problems } = context;
  const hasRegex = draft.patterns.has("regex");
  if (draft.parent === null && !draft.patterns.has("prematch") && !draft.patterns.has("program_name")) {
    problems.error(position, `(2108): No 'prematch' found in decoder: '${name}'.`);
    configurationError(position, context, "a <prematch>, a <program_name> or a <parent>");
  }
  if (draft.plugin !== null && (hasRegex || draft.order !== null)) {
    const message = `(2111): Additional data to plugin decoder: '${name}'.`;
    problems.error(position, message, "<plugin_decoder> without <regex> and <order>");
  } else if (hasRegex !== (draft.order !== null)) {
    configurationError(position, context, "<regex> and <order> together");
  } else if (draft.ftsElement !== null && !hasRegex) {
    configurationError(draft.ftsElement.position, context, "<fts> only beside <regex>");
  }
}

function readFts(context: Context): FtsSelection | null {
  const { ftsElement: element, order } = context.draft;
  if (element === null) return null;
  const dynamicNames = new Map<string, string>();
  for (const target of order ?? []) {
    if (target.kind === "dynamic") dynamicNames.set(target.name.toLowerCase(), target.name);
  }
  const statics = new Set<StaticField>();
  const dynamics: string[] = [];
  let location = false;
  for (const word of element.content.split(",").map((part) => part.trim())) {
    const known = FTS_WORDS.get(word);
    const dynamic = dynamicNames.get(word.toLowerCase());
    if (known === "location") location = true;
    else if (known === null) continue;
    else if (known !== undefined) statics.add(known);
    else if (dynamic !== undefined) dynamics.push(dynamic);
    else configurationError(element.position, context, `a field of <order> in <fts>, not '${word}'`);
  }
  return { statics, location, dynamics };
}

function compile(option: PatternOption, context: Context): Pattern | null {
  const source = context.draft.patterns.get(option);
  if (source === undefined) return null;
  const { position } = source.element;
  const mode = option === "regex" ? "capturing" : "plain";
  const outcome = compilePattern(source.kind, source.text, { mode });
  if (!outcome.ok) {
    const message = `(1452): Syntax error on regex: '${source.text}'`;
    context.problems.error(position, message, outcome.error.message);
    configurationError(position, context, "a valid expression");
    return null;
  }
  if (option === "regex" && source.kind === "osregex" && !holdsGroup(source.text)) {
    const message = `(1451): Missing sub_strings on regex: '${source.text}'.`;
    context.problems.error(position, message, "a group (…) for each field of <order>");
  }
  return outcome.pattern;
}

/** Whether an OS_Regex text has a parenthesis that no backslash makes a literal. */
function holdsGroup(text: string): boolean {
  return text.replaceAll(/\\./gs, "").includes("(");
}

/** One decoder, or null when it has not even a name. */
export function readDecoder(element: XmlElement, problems: ProblemList): DecoderDefinition | null {
  const name = readName(element, problems);
  if (name === null) return null;
  const draft: Draft = {
    parent: null,
    category: CATEGORY_SYSLOG,
    patterns: new Map(),
    order: null,
    ftsElement: null,
    ftsComment: null,
    accumulate: false,
    useOwnName: false,
    plugin: null,
    jsonNull: "string",
    jsonArray: "array",
  };
  const context: Context = { name, draft, problems };
  readChildren(element, context);
  checkOffsets(context);
  checkConsistency(element, context);
  return {
    name,
    position: element.position,
    parent: draft.parent,
    category: draft.category,
    programName: compile("program_name", context),
    prematch: compile("prematch", context),
    prematchOffset: draft.patterns.get("prematch")?.offset ?? "log",
    regex: compile("regex", context),
    regexOffset: draft.patterns.get("regex")?.offset ?? "log",
    order: draft.order ?? [],
    fts: readFts(context),
    ftsComment: draft.ftsComment,
    accumulate: draft.accumulate,
    useOwnName: draft.useOwnName,
    plugin: draft.plugin?.name ?? null,
    pluginOffset: draft.plugin?.offset ?? "log",
    jsonNull: draft.jsonNull,
    jsonArray: draft.jsonArray,
  };
}
