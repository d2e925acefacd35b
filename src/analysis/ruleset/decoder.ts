/** A decoder as the engine runs it: read from XML by decoder-reader.ts, tied into a tree by decoder-tree.ts. */

import type { StaticField } from "#analysis/plugins/sink.ts";
import type { Pattern } from "#formats/patterns/pattern.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import { CATEGORY_SYSLOG } from "./category.ts";

/** Which part of the log a prematch, regex or plugin looks at. */
export type Offset = "log" | "after_parent" | "after_prematch" | "after_regex";

export type FieldTarget =
  | { readonly kind: "static"; readonly field: StaticField }
  | { readonly kind: "dynamic"; readonly name: string };

export type DecoderPlugin =
  | "PF_Decoder"
  | "SymantecWS_Decoder"
  | "SonicWall_Decoder"
  | "OSSECAlert_Decoder"
  | "JSON_Decoder";

/** What a first-time-seen line is made of. */
export type FtsSelection = {
  readonly statics: ReadonlySet<StaticField>;
  readonly location: boolean;
  readonly dynamics: readonly string[];
};

export type DecoderDefinition = {
  readonly name: string;
  readonly position: SourcePosition;
  readonly parent: string | null;
  readonly category: number;
  readonly programName: Pattern | null;
  readonly prematch: Pattern | null;
  readonly prematchOffset: Offset;
  readonly regex: Pattern | null;
  readonly regexOffset: Offset;
  readonly order: readonly FieldTarget[];
  readonly fts: FtsSelection | null;
  readonly ftsComment: string | null;
  readonly accumulate: boolean;
  readonly useOwnName: boolean;
  readonly plugin: DecoderPlugin | null;
  readonly pluginOffset: Offset;
  readonly jsonNull: "string" | "discard";
  readonly jsonArray: "array" | "csv";
};

export type Decoder = DecoderDefinition & {
  /** Decoders of one name share an id: rules compare ids. */
  readonly id: number;
  /** What alerts and `decoded_as` call it: the parent's name for a child, unless it uses its own. */
  readonly shownName: string;
  readonly children: readonly Decoder[];
  /** When it does not match, or after it did, go on with the following sibling. */
  readonly next: boolean;
};

const BUILT_IN: SourcePosition = { file: "built-in", line: 0, column: 0 };

/** The id of events that no decoder took: no rule can name it. */
export const NO_DECODER_ID = 0;

/** What an event has when no decoder took it. */
export const NO_DECODER: Decoder = {
  id: NO_DECODER_ID,
  name: "",
  shownName: "",
  position: BUILT_IN,
  parent: null,
  category: CATEGORY_SYSLOG,
  programName: null,
  prematch: null,
  prematchOffset: "log",
  regex: null,
  regexOffset: "log",
  order: [],
  fts: null,
  ftsComment: null,
  accumulate: false,
  useOwnName: false,
  plugin: null,
  pluginOffset: "log",
  jsonNull: "string",
  jsonArray: "array",
  children: [],
  next: false,
};

/** Decoders that are code, not XML: rules may name them (wazuh v4.14.7: src/analysisd/decoders). */
export const BUILT_IN_DECODER_NAMES: readonly string[] = [
  "rootcheck",
  "syscheck_integrity_changed",
  "syscheck_new_entry",
  "syscheck_deleted",
  "syscheck_registry_key_modified",
  "syscheck_registry_key_added",
  "syscheck_registry_key_deleted",
  "syscheck_registry_value_modified",
  "syscheck_registry_value_added",
  "syscheck_registry_value_deleted",
  "hostinfo_new",
  "hostinfo_modified",
  "syscollector",
  "ciscat",
  "windows_eventchannel",
  "sca",
];
