/** A rule test as a value, whichever file it was written in. Texts are latin1 strings, as the engine's are. */
import type { Problem, SourcePosition } from "#formats/source-position.ts";

/** What an event must come to. What is null is not looked at; an empty text never comes true. */
export type Expectation = {
  /** True: no rule holds. */
  readonly none: boolean;
  readonly rule: string | null;
  readonly level: string | null;
  readonly decoder: string | null;
  readonly alert: boolean | null;
  /** Each must be among the groups of the rule. */
  readonly groups: readonly string[];
  /** By dotted name, as in `data` of the alert; null: the field must be absent. */
  readonly fields: ReadonlyMap<string, string | null>;
};

export type TestEvent = {
  /** After the start of the test. */
  readonly atMs: number;
  readonly location: string;
  readonly message: string;
  /** Null when only what comes after is of interest. */
  readonly expectation: Expectation | null;
};

export type RuleTest = {
  readonly name: string;
  readonly position: SourcePosition;
  /** Null: the time of the run. */
  readonly startMs: number | null;
  readonly events: readonly TestEvent[];
  /** The test passes when its expectation does not come true. */
  readonly mustFail: boolean;
};

/** The tests of a file. When there are problems the file is not run. */
export type RuleTestFile = { readonly tests: readonly RuleTest[]; readonly problems: readonly Problem[] };
