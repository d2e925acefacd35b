/** A rule as read from XML: conditions are values, nothing is resolved yet. rule-tree.ts gives it its place, `match/` runs it. */
import type { StaticField } from "#analysis/plugins/sink.ts";
import type { Pattern } from "#formats/patterns/pattern.ts";
import type { SourcePosition } from "#formats/source-position.ts";
import type { AddressSet } from "./address-set.ts";
import type { DayWindow, WeekdaySet } from "./time-window.ts";

/** What a condition looks at. `user` is the destination user, else the source user. */
export type Subject =
  | { readonly kind: "log" }
  | { readonly kind: "location" }
  | { readonly kind: "program_name" }
  | { readonly kind: "hostname" }
  | { readonly kind: "user"; readonly sourceFirst: boolean }
  | { readonly kind: "static"; readonly field: StaticField }
  | { readonly kind: "dynamic"; readonly name: string }
  /** The place of the address in that field; it has none without a GeoIP database. */
  | { readonly kind: "place"; readonly field: "srcip" | "dstip" };

export type CompiledRuleName =
  | "check_id_size"
  | "comp_srcuser_dstuser"
  | "comp_mswin_targetuser_calleruser_diff"
  | "is_simple_http_request"
  | "is_valid_crawler";

export type Condition =
  | {
      readonly kind: "pattern";
      /** The name of the element. */
      readonly option: string;
      readonly subject: Subject;
      readonly pattern: Pattern;
      readonly negate: boolean;
    }
  | {
      readonly kind: "address";
      readonly field: "srcip" | "dstip";
      readonly addresses: AddressSet;
      /** The addresses as they are written, separated by commas. */
      readonly text: string;
      readonly negate: boolean;
    }
  | { readonly kind: "maxsize"; readonly bytesMin: number }
  | { readonly kind: "compiled"; readonly name: CompiledRuleName }
  | { readonly kind: "time"; readonly window: DayWindow }
  | { readonly kind: "weekday"; readonly days: WeekdaySet };

export type ListLookup =
  | "match_key"
  | "not_match_key"
  | "match_key_value"
  | "address_match_key"
  | "not_address_match_key"
  | "address_match_key_value";

export type ListUse = {
  readonly subject: Subject;
  readonly lookup: ListLookup;
  readonly path: string;
  readonly value: Pattern | null;
};

/** Fields that two events are compared by. */
export type ComparedField = StaticField | "location" | "srcgeoip" | "dstgeoip";

export type Correlation = {
  readonly source:
    | { readonly kind: "rule"; readonly id: number }
    | { readonly kind: "group"; readonly group: Pattern }
    | { readonly kind: "any"; readonly log: Pattern | null };
  readonly globalFrequency: boolean;
  readonly same: readonly ComparedField[];
  readonly sameDynamic: readonly string[];
  readonly different: readonly ComparedField[];
  readonly differentDynamic: readonly string[];
};

export type MitreReference =
  | { readonly kind: "techniques"; readonly ids: readonly string[] }
  | {
      readonly kind: "pairs";
      readonly pairs: readonly { readonly tacticId: string; readonly techniqueId: string }[];
    };

export type RuleOption =
  | "alert_by_email"
  | "no_email_alert"
  | "log_alert"
  | "no_log"
  | "no_ar"
  | "no_full_log"
  | "no_counter";

/** What `ignore` and `check_if_ignored` make their line of. */
export type IgnoredFields = {
  readonly statics: ReadonlySet<StaticField>;
  readonly location: boolean;
  readonly name: boolean;
  readonly dynamics: readonly string[];
};

export type RuleDefinition = {
  readonly id: number;
  readonly position: SourcePosition;
  readonly level: number;
  /** 0: the rule stands at its level itself among its siblings, which is below all others. */
  readonly accurate: boolean;
  readonly frequency: number | null;
  readonly timeframeSeconds: number;
  readonly ignoreSeconds: number;
  readonly noAlert: boolean;
  readonly overwrite: boolean;
  /** Group names, each normally ending in a comma. */
  readonly groupText: string;
  readonly description: string;
  readonly info: string | null;
  readonly cve: string | null;
  readonly mitre: MitreReference | null;
  /** In the order of the file: later ones may undo earlier ones. */
  readonly options: readonly RuleOption[];
  readonly category: number | null;
  readonly decodedAs: string | null;
  readonly parents: Parents;
  readonly conditions: readonly Condition[];
  readonly firstTimeSeen: boolean;
  readonly checkDiff: boolean;
  readonly lists: readonly ListUse[];
  readonly correlation: Correlation | null;
  readonly ignoredFields: IgnoredFields | null;
  readonly checkIfIgnored: IgnoredFields | null;
};

/** What a rule stands below. A value that was not given is null. */
export type Parents = {
  readonly sids: readonly number[] | null;
  readonly group: string | null;
  readonly level: number | null;
  readonly matchedSid: number | null;
  readonly matchedGroup: string | null;
};

/** The peer's counting starts at two: `frequency="N"` means N events, this one included. */
export const FREQUENCY_OFFSET = 2;
