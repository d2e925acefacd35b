/** Our own form of rule tests: docs/operating/rule-tests.md tells it to users, ruleset/tests.schema.json to their editors. */

import { isNull, type YamlMapping, type YamlNode, YamlReader } from "#formats/yaml/yaml-reader.ts";
import type { Expectation, RuleTest, RuleTestFile, TestEvent } from "./rule-test.ts";
import { LOCATION_DEFAULT, locationFault } from "./session.ts";

/** Of one file, repeats counted: what one run holds in memory and finishes in seconds. */
export const EVENTS_MAX = 100_000;
/** Rules look back at most 99,999 seconds (`timeframe` has five digits); a test may need a little more. */
const AT_SECONDS_MAX = 1_000_000;
const LEVEL_MAX = 16;
const RULE_ID_MAX = 999_999;

const FILE_KEYS = ["location", "tests"];
const TEST_KEYS = ["name", "location", "start", "log", "logs", "expect"];
const EVENT_KEYS = ["log", "at", "repeat", "location", "expect"];
const EXPECTATION_KEYS = ["none", "rule", "level", "decoder", "alert", "groups", "fields"];

/** A Thursday noon, local time: the same everywhere, so that rules on times of the day give the same result at every run. */
const START_DEFAULT = new Date(2026, 0, 15, 12, 0, 0);
const START_FORM = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/;

class TestFileReader {
  readonly reader: YamlReader;
  #eventsLeft = EVENTS_MAX;

  constructor(bytes: Uint8Array, file: string) {
    this.reader = new YamlReader(bytes, file);
  }

  read(): RuleTestFile {
    const { reader } = this;
    if (reader.problems.length > 0) return { tests: [], problems: reader.problems };
    const root = reader.mapping(reader.root, "the file", FILE_KEYS);
    if (root === null) return { tests: [], problems: reader.problems };
    const location = this.#location(root, LOCATION_DEFAULT);
    const nodes = reader.list(root.get("tests")?.value ?? reader.root, "tests");
    const tests = nodes.map((node) => this.#test(node, location)).filter((test) => test !== null);
    return { tests, problems: reader.problems };
  }

  #test(node: YamlNode, outerLocation: string): RuleTest | null {
    const { reader } = this;
    const test = reader.mapping(node, "a test", TEST_KEYS);
    if (test === null) return null;
    const nameNode = test.get("name");
    const name = reader.text(nameNode?.value ?? node, "name");
    const location = this.#location(test, outerLocation);
    const events = this.#events(node, test, location);
    if (events.every(({ expectation }) => expectation === null)) {
      reader.refuse(node, "the test expects nothing", "expect: ...");
    }
    return {
      name: name ?? "",
      position: reader.positionOf(node),
      startMs: this.#start(test),
      events,
      mustFail: false,
    };
  }

  #location(mapping: YamlMapping, fallback: string): string {
    const entry = mapping.get("location");
    if (entry === undefined) return fallback;
    const location = this.reader.text(entry.value, "location");
    const fault = location === null ? null : locationFault(location);
    if (fault !== null)
      this.reader.refuse(entry.value, `location cannot be used: ${fault}`, "/var/log/auth.log");
    return location === null || fault !== null ? fallback : location;
  }

  #start(test: YamlMapping): number {
    const entry = test.get("start");
    if (entry === undefined) return START_DEFAULT.getTime();
    const text = this.reader.text(entry.value, "start") ?? "";
    const [, year, month, day, hour, minute, second] = (START_FORM.exec(text) ?? []).map(Number);
    const start = new Date(year ?? 0, (month ?? 0) - 1, day, hour, minute, second || 0);
    // A 31st of February becomes another day: then it is not the date that was written.
    if (start.getMonth() + 1 !== month || start.getDate() !== day || start.getHours() !== hour) {
      this.reader.refuse(entry.value, `start is no local time: ${text}`, "YYYY-MM-DD HH:MM:SS");
    }
    return start.getTime();
  }

  /** Of a test: its one `log`, or its `logs`, the last of which the test's own `expect` is about. */
  #events(node: YamlNode, test: YamlMapping, location: string): readonly TestEvent[] {
    const { reader } = this;
    const expectation = this.#expectation(test);
    const log = test.get("log");
    const logs = test.get("logs");
    if ((log === undefined) === (logs === undefined)) {
      reader.refuse(node, "the test has not exactly one of log and logs", "log: ... or logs: [ ... ]");
      return [];
    }
    if (log !== undefined) {
      const message = this.#message(log.value);
      return message === null ? [] : [{ atMs: 0, location, message, expectation }];
    }
    const events: TestEvent[] = [];
    for (const item of reader.list(logs?.value ?? null, "logs")) {
      events.push(...this.#event(item, location, events.at(-1)?.atMs ?? 0));
    }
    const last = events.at(-1);
    if (last !== undefined && expectation !== null) {
      if (last.expectation !== null) {
        reader.refuse(
          test.get("expect")?.key ?? node,
          "the last event has an expect of its own",
          "one of the two",
        );
      }
      events[events.length - 1] = { ...last, expectation };
    }
    return events;
  }

  /** An item of `logs`: a text, or a mapping; `previousMs` is when the one before it happened. */
  #event(node: YamlNode, outerLocation: string, previousMs: number): readonly TestEvent[] {
    const { reader } = this;
    if (node !== null && !("items" in node)) {
      const message = this.#message(node);
      return message === null || !this.#take(node, 1)
        ? []
        : [{ atMs: previousMs, location: outerLocation, message, expectation: null }];
    }
    const event = reader.mapping(node, "an event", EVENT_KEYS);
    if (event === null) return [];
    const message = this.#message(event.get("log")?.value ?? node);
    const at = event.get("at");
    const seconds =
      at === undefined
        ? null
        : reader.number(at.value, "at", { min: previousMs / 1000, max: AT_SECONDS_MAX, whole: false });
    const repeat = event.get("repeat");
    const times =
      repeat === undefined
        ? 1
        : reader.number(repeat.value, "repeat", { min: 1, max: EVENTS_MAX, whole: true });
    const plain = {
      atMs: seconds === null ? previousMs : seconds * 1000,
      location: this.#location(event, outerLocation),
      message: message ?? "",
      expectation: null,
    };
    const expectation = this.#expectation(event);
    const count = times ?? 1;
    if (!this.#take(node, count)) return [];
    return [...new Array<TestEvent>(count - 1).fill(plain), { ...plain, expectation }];
  }

  /** False once the file has more events than it may. */
  #take(node: YamlNode, count: number): boolean {
    const before = this.#eventsLeft;
    this.#eventsLeft -= count;
    if (before >= 0 && this.#eventsLeft < 0) {
      this.reader.refuse(node, `more than ${EVENTS_MAX} events in one file`, "fewer repeats or more files");
    }
    return this.#eventsLeft >= 0;
  }

  /** One event, as a log collector hands it over: without the newline that ends a block of text. */
  #message(node: YamlNode): string | null {
    return this.reader.text(node, "log")?.replace(/\n$/, "") ?? null;
  }

  #expectation(owner: YamlMapping): Expectation | null {
    const { reader } = this;
    const entry = owner.get("expect");
    if (entry === undefined) return null;
    const expected = reader.mapping(entry.value ?? entry.key, "expect", EXPECTATION_KEYS);
    if (expected === null) return null;
    if (expected.size === 0) reader.refuse(entry.value, "expect says nothing", "rule: ... or none: true");
    const none = expected.get("none");
    if (none !== undefined) {
      if (reader.truth(none.value, "none") === false) {
        reader.refuse(none.value, "none can only be true", "rule: ...");
      }
      for (const name of ["rule", "level", "groups"]) {
        const other = expected.get(name);
        if (other !== undefined) reader.refuse(other.key, `${name} beside none`, "one of the two");
      }
    }
    const alert = expected.get("alert");
    return {
      none: none !== undefined,
      rule: this.#wholeNumber(expected, "rule", RULE_ID_MAX),
      level: this.#wholeNumber(expected, "level", LEVEL_MAX),
      decoder: this.#optionalText(expected, "decoder"),
      alert: alert === undefined ? null : reader.truth(alert.value, "alert"),
      groups: this.#groups(expected),
      fields: this.#fields(expected),
    };
  }

  /** As text: what it is compared with is text. */
  #wholeNumber(mapping: YamlMapping, key: string, max: number): string | null {
    const entry = mapping.get(key);
    if (entry === undefined) return null;
    const value = this.reader.number(entry.value ?? entry.key, key, { min: 0, max, whole: true });
    return value === null ? null : String(value);
  }

  #optionalText(mapping: YamlMapping, key: string): string | null {
    const entry = mapping.get(key);
    return entry === undefined ? null : this.reader.text(entry.value ?? entry.key, key);
  }

  #groups(expected: YamlMapping): readonly string[] {
    const entry = expected.get("groups");
    if (entry === undefined) return [];
    const groups = this.reader.list(entry.value ?? entry.key, "groups");
    return groups.map((node) => this.reader.text(node, "a group")).filter((group) => group !== null);
  }

  #fields(expected: YamlMapping): ReadonlyMap<string, string | null> {
    const fields = new Map<string, string | null>();
    const entry = expected.get("fields");
    if (entry === undefined) return fields;
    for (const [name, { key, value }] of this.reader.mapping(entry.value ?? entry.key, "fields", null) ??
      []) {
      fields.set(name, isNull(value) ? null : this.reader.text(value ?? key, `field ${name}`));
    }
    return fields;
  }
}

/** Every mistake of the file is reported; `bytes` are UTF-8. */
export function readYamlTests(bytes: Uint8Array, file: string): RuleTestFile {
  return new TestFileReader(bytes, file).read();
}
