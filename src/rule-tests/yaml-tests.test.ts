/**
 * Goal: a YAML file becomes the tests that it says, and every mistake is reported where it stands. Method: files by hand, the editor's
 * schema (checked by ajv) as a second opinion on what is allowed, and damaged files.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { formatProblem } from "#formats/source-position.ts";
import { SeededRandom } from "#testing/random.ts";
import { EVENTS_MAX, readYamlTests } from "./yaml-tests.ts";

const SCHEMA = JSON.parse(readFileSync(new URL("../../ruleset/tests.schema.json", import.meta.url), "utf8"));
const inSchema = new Ajv({ allowUnionTypes: true, strictRequired: false }).compile(SCHEMA);

function read(text: string) {
  return readYamlTests(Buffer.from(text, "utf8"), "t.yml");
}

function mistakes(text: string): string[] {
  return read(text).problems.map(formatProblem);
}

const FULL = `location: /var/log/a
tests:
  - name: one
    log: |
      höllo
      world
    start: "2026-02-03 04:05"
    expect: { rule: 7, level: 0, decoder: 5, alert: false, groups: [a, b], fields: { x.y: 22, z: "22", n: null } }
  - name: two
    location: "[001] (w) any->b"
    logs:
      - plain
      - { log: again, at: 1.5, repeat: 2, location: c, expect: { none: true } }
      - log: last
    expect: { decoder: d }
`;

test("readYamlTests() reads every key", () => {
  const { tests, problems } = read(FULL);
  assert.deepEqual(problems, []);
  const [one, two] = tests;
  assert.equal(one?.name, "one");
  assert.equal(one?.startMs, new Date(2026, 1, 3, 4, 5).getTime());
  assert.deepEqual(one?.position, { file: "t.yml", line: 3, column: 5 });
  assert.deepEqual(one?.events, [
    {
      atMs: 0,
      location: "/var/log/a",
      message: "h\xc3\xb6llo\nworld",
      expectation: {
        none: false,
        rule: "7",
        level: "0",
        decoder: "5",
        alert: false,
        groups: ["a", "b"],
        fields: new Map([
          ["x.y", "22"],
          ["z", "22"],
          ["n", null],
        ]),
      },
    },
  ]);
  assert.deepEqual(
    two?.events.map(({ atMs, location, message, expectation }) => [
      atMs,
      location,
      message,
      expectation?.none,
    ]),
    [
      [0, "[001] (w) any->b", "plain", undefined],
      [1500, "c", "again", undefined],
      [1500, "c", "again", true],
      [1500, "[001] (w) any->b", "last", false],
    ],
  );
});

test("readYamlTests() follows aliases", () => {
  const { tests, problems } = read(
    "tests:\n  - name: a\n    log: &l text\n    expect: &e { rule: 1 }\n  - name: b\n    log: *l\n    expect: *e\n",
  );
  assert.deepEqual(problems, []);
  assert.equal(tests[1]?.events[0]?.message, "text");
  assert.equal(tests[1]?.events[0]?.expectation?.rule, "1");
});

/** What is in `expect` of a test that is right otherwise. */
const expecting = (text: string) => `tests:\n  - name: a\n    log: x\n    expect: ${text}\n`;
const testWith = (text: string) => `tests:\n  - name: a\n    ${text}\n`;

/** Each with the start of its first problem. */
const WRONG: readonly (readonly [text: string, problem: string])[] = [
  ["", "t.yml:1:1: error: the file is no mapping"],
  ["[]", "t.yml:1:1: error: the file is no mapping"],
  ["tests: []", "t.yml:1:8: error: tests is no list with something in it"],
  ["location: x", "t.yml:1:1: error: tests is no list"],
  ["tests: [1]", "t.yml:1:9: error: a test is no mapping"],
  [
    "teste: []\ntests:\n  - {name: a, log: x, expect: {rule: 1}}",
    "t.yml:1:1: error: unknown key 'teste' in the file",
  ],
  [
    testWith("log: x\n    expekt: 1\n    expect: {rule: 1}"),
    "t.yml:4:5: error: unknown key 'expekt' in a test (one of",
  ],
  [testWith("log: x"), "t.yml:2:5: error: the test expects nothing"],
  [testWith("expect: { rule: 1 }"), "t.yml:2:5: error: the test has not exactly one of log and logs"],
  [
    testWith("log: x\n    logs: [y]\n    expect: { rule: 1 }"),
    "t.yml:2:5: error: the test has not exactly one",
  ],
  ["tests:\n  - log: x\n    expect: { rule: 1 }", "t.yml:2:5: error: name is no text"],
  [testWith("log: ''\n    expect: { rule: 1 }"), "t.yml:3:10: error: log is no text"],
  [testWith("logs: [{at: 1}]\n    expect: { rule: 1 }"), "t.yml:3:12: error: log is no text"],
  [
    testWith("logs: [{log: x, at: -1}]\n    expect: { rule: 1 }"),
    "t.yml:3:25: error: at is not a number from 0",
  ],
  [
    testWith("logs: [{log: x, repeat: 1.5}]\n    expect: { rule: 1 }"),
    "t.yml:3:29: error: repeat is not a whole number",
  ],
  [testWith("log: x\n    location: ''\n    expect: { rule: 1 }"), "t.yml:4:15: error: location is no text"],
  [
    testWith("log: x\n    start: yesterday\n    expect: { rule: 1 }"),
    "t.yml:4:12: error: start is no local time: yesterday",
  ],
  [expecting("{}"), "t.yml:4:13: error: expect says nothing"],
  [expecting(""), "t.yml:4:13: error: expect is no mapping"],
  [expecting("{ rules: 1 }"), "t.yml:4:15: error: unknown key 'rules' in expect"],
  [expecting("{ rule: '1' }"), "t.yml:4:21: error: rule is not a whole number from 0 to 999999"],
  [expecting("{ rule: 1000000 }"), "t.yml:4:21: error: rule is not a whole number"],
  [expecting("{ level: 17 }"), "t.yml:4:22: error: level is not a whole number from 0 to 16"],
  [expecting("{ none: false }"), "t.yml:4:21: error: none can only be true"],
  [expecting("{ none: true, level: 3 }"), "t.yml:4:27: error: level beside none"],
  [expecting("{ alert: maybe }"), "t.yml:4:22: error: alert is neither true nor false"],
  [expecting("{ groups: a }"), "t.yml:4:23: error: groups is no list"],
  [expecting("{ groups: [''] }"), "t.yml:4:24: error: a group is no text"],
  [expecting("{ decoder: {} }"), "t.yml:4:24: error: decoder is no text"],
  [expecting("{ fields: [] }"), "t.yml:4:23: error: fields is no mapping"],
  [expecting("{ fields: { a: [1] } }"), "t.yml:4:28: error: field a is no text"],
];

test("readYamlTests() says what is wrong and where", () => {
  for (const [text, problem] of WRONG) {
    const [first = "nothing"] = mistakes(text);
    assert.ok(first.startsWith(problem), `${text}\n${first}`);
  }
});

test("the editor's schema agrees with the reader", () => {
  assert.ok(inSchema(parse(FULL)), JSON.stringify(inSchema.errors));
  for (const [text] of WRONG) {
    // The schema knows dates by their form only.
    assert.ok(!inSchema(parse(text) ?? null), text);
  }
});

test("readYamlTests() refuses what the schema cannot know", () => {
  const cases = [
    [testWith("logs: [x]"), "the test expects nothing"],
    [
      testWith("logs: [{log: x, expect: {rule: 1}}]\n    expect: { rule: 1 }"),
      "the last event has an expect of its own",
    ],
    [
      testWith("logs: [{log: x, at: 5}, {log: x, at: 4}]\n    expect: { rule: 1 }"),
      "at is not a number from 5",
    ],
    [testWith("log: x\n    location: '[001 x'\n    expect: { rule: 1 }"), "location cannot be used"],
    [testWith("log: x\n    start: '2026-02-31 10:00'\n    expect: { rule: 1 }"), "start is no local time"],
    [
      testWith(`logs: [{log: x, repeat: ${EVENTS_MAX}}, x]\n    expect: { rule: 1 }`),
      `more than ${EVENTS_MAX} events in one file`,
    ],
  ] as const;
  for (const [text, message] of cases) {
    assert.ok(mistakes(text)[0]?.includes(message), `${text}\n${mistakes(text)}`);
  }
});

test("readYamlTests() reports all mistakes of a file, columns in bytes", () => {
  const found = mistakes(
    "tests:\n  - name: ö\n    log: x\n    ö: 1\n    expect: { decoder: ö, lavel: 1, none: no }\n",
  );
  assert.deepEqual(
    found.map((line) => line.split(" (")[0]),
    [
      "t.yml:4:5: error: unknown key '\xc3\xb6' in a test",
      "t.yml:5:28: error: unknown key 'lavel' in expect",
      "t.yml:5:44: error: none is neither true nor false",
    ],
  );
});

test("readYamlTests() reports a broken syntax", () => {
  for (const text of ["tests: [", "a: 1\na: 2", "a: 1\n---\nb: 2", "\t- x", `${"[".repeat(50_000)}`]) {
    const { tests, problems } = read(text);
    assert.equal(tests.length, 0);
    assert.ok(problems.length > 0 && problems.length <= 10, text.slice(0, 20));
  }
});

test("readYamlTests() survives files that are cut and damaged", () => {
  const whole = Buffer.from(FULL);
  const random = new SeededRandom(11);
  for (let cut = 0; cut < whole.length; cut += 3) read(whole.subarray(0, cut).toString("utf8"));
  for (let round = 0; round < 200; round++) {
    const { tests, problems } = readYamlTests(random.mutate(whole), "t.yml");
    assert.ok(tests.length > 0 || problems.length > 0);
  }
});
