/**
 * The peer's rule tests: a section expects one `rule`, `alert` (its level) and `decoder` of all its entries named `log …`. Each entry is
 * a session; its lines are events, and the last one counts. Entries whose name ends in `fail` must not come true.
 */
import type { Problem } from "#formats/source-position.ts";
import { type IniEntry, type IniSection, readIni } from "./ini.ts";
import type { Expectation, RuleTest, RuleTestFile, TestEvent } from "./rule-test.ts";
import { LOCATION_DEFAULT } from "./session.ts";

const EXPECTED_KEYS = ["rule", "alert", "decoder"] as const;

function missingKeys(section: IniSection): Problem[] {
  return EXPECTED_KEYS.filter((key) => !section.entries.has(key)).map((key) => ({
    severity: "error",
    position: section.position,
    message: `section '${section.name}' has no '${key}'`,
    expected: `${key} = …`,
  }));
}

function expectationOf(section: IniSection): Expectation {
  const text = (key: (typeof EXPECTED_KEYS)[number]) => section.entries.get(key)?.value ?? "";
  return {
    none: false,
    rule: text("rule"),
    level: text("alert"),
    decoder: text("decoder"),
    alert: null,
    groups: [],
    fields: new Map(),
  };
}

function eventsOf({ value }: IniEntry, expectation: Expectation): readonly TestEvent[] {
  const lines = value.split("\n").filter((line) => line !== "");
  // Without a line nothing comes true, and so it is for an empty log.
  const messages = lines.length === 0 ? [""] : lines;
  return messages.map((message, index) => ({
    atMs: 0,
    location: LOCATION_DEFAULT,
    message,
    expectation: index === messages.length - 1 ? expectation : null,
  }));
}

function testsOf(section: IniSection): readonly RuleTest[] {
  const expectation = expectationOf(section);
  return [...section.entries]
    .filter(([key]) => key.startsWith("log "))
    .map(([key, entry]) => ({
      name: `[${section.name}] ${key}`,
      position: entry.position,
      startMs: null,
      events: eventsOf(entry, expectation),
      mustFail: key.endsWith("fail"),
    }));
}

/** `text` is latin1. */
export function readIniTests(text: string, file: string): RuleTestFile {
  const { sections, problems } = readIni(text, file);
  return { tests: sections.flatMap(testsOf), problems: [...problems, ...sections.flatMap(missingKeys)] };
}
