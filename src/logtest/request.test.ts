/**
 * Goal: what a request is, and the peer's words for what it is not. Method: each key missing, null and of every wrong type; positions
 * of mistakes as cJSON 1.7.18 gave them; damaged requests with a seeded generator.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { processing, removal } from "./fixture.ts";
import { type Request, readRequest } from "./request.ts";

const read = (text: string): Request => readRequest(Buffer.from(text, "utf8"));
const withParameters = (parameters: string, command = "log_processing") =>
  read(`{"command":"${command}","parameters":${parameters}}`);
const NEEDED = '"location":"l","log_format":"f"';

function refusalOf(request: Request): string {
  assert(request.kind === "refused", JSON.stringify(request));
  return `${request.code} ${request.message}`;
}

function processingOf(request: Request) {
  assert(request.kind === "log_processing", JSON.stringify(request));
  return request;
}

test("readRequest() takes what the peer's tools send", () => {
  const options = { token: "0aF1b2c3", options: { rules_debug: true } };
  assert.deepEqual(read(processing("a log", options)), {
    kind: "log_processing",
    location: "stdin",
    event: "a log",
    token: "0aF1b2c3",
    rulesDebug: true,
    early: [],
    late: [],
  });
  assert.deepEqual(read(removal("whatever".slice(0, 8))), { kind: "remove_session", token: "whatever" });
});

test("readRequest() asks for neither version nor origin, and takes the first of a name", () => {
  const request = `{"command":"log_processing","command":1,"parameters":{${NEEDED},"event":"x","event":"y"}} rest`;
  assert.equal(processingOf(read(request)).event, "x");
});

test("readRequest() tells where JSON is wrong", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Test_input_json", "0, ... Test_input_json ..."],
    ['{"version":1,"command":log}', '23, ... "command":log} ...'],
    ['{"a":1,', '7, ... {"a":1, ...'],
    ["{a:1}", "2, ... {a:1} ..."],
    ['{"a":"unended', '6, ... {"a":"unended ...'],
    ['{"a":"\\x"}', '6, ... {"a":"\\x"} ...'],
    ["", "0, ...  ..."],
    ["\0{}", "0, ...  ..."],
    [`[${"[".repeat(999)}[`, `1000, ... ${"[".repeat(11)} ...`],
    [`{"long":"${"x".repeat(40)}" "y"}`, `51, ... xxxxxxxx" "y"} ...`],
  ];
  for (const [text, where] of cases)
    assert.equal(refusalOf(read(text)), `1 (7307): Error parsing JSON in position ${where}`, text);
});

const WRONG_TYPES = ["null", "true", "1", "1e400", "[]", '["x"]', '""', "{}"];

test("readRequest() refuses missing and wrong parameters and commands", () => {
  for (const text of ["{}", "[]", "1", '"parameters"', "null", '{"Parameters":{}}'])
    assert.equal(refusalOf(read(text)), "2 (7313): 'parameters' JSON field not found", text);
  for (const value of WRONG_TYPES.filter((value) => value !== "{}"))
    assert.equal(
      refusalOf(withParameters(value)),
      "2 (7317): 'parameters' JSON field value is not valid",
      value,
    );
  assert.equal(refusalOf(read('{"parameters":{}}')), "2 (7313): 'command' JSON field not found");
  for (const value of WRONG_TYPES.filter((value) => value !== '""'))
    assert.equal(
      refusalOf(read(`{"parameters":{},"command":${value}}`)),
      "2 (7317): 'command' JSON field value is not valid",
      value,
    );
  for (const command of ["", "x", "LOG_PROCESSING"])
    assert.equal(refusalOf(withParameters("{}", command)), "3 (7306): Unable to process command");
});

test("readRequest() refuses missing, empty and wrong locations, formats and events", () => {
  const required = (field: string) => `2 (7308): '${field}' JSON field is required and must be a string`;
  assert.equal(refusalOf(withParameters("{}")), required("location"));
  assert.equal(refusalOf(withParameters('{"location":"l"}')), required("log_format"));
  for (const value of [...WRONG_TYPES, '"\\u0000x"']) {
    assert.equal(refusalOf(withParameters(`{"location":${value}}`)), required("location"), value);
    assert.equal(refusalOf(withParameters(`{"location":"l","log_format":${value}}`)), required("log_format"));
    const event = withParameters(`{${NEEDED},"event":${value}}`);
    assert.equal(refusalOf(event), "2 (7317): 'event' JSON field value is not valid", value);
  }
  assert.equal(refusalOf(withParameters(`{${NEEDED}}`)), "2 (7313): 'event' JSON field not found");
});

test("readRequest() prints an event that is an object, and keeps bytes of texts", () => {
  const event = (text: string) =>
    processingOf(
      readRequest(
        Buffer.from(`{"command":"log_processing","parameters":{${NEEDED},"event":${text}}}`, "latin1"),
      ),
    ).event;
  assert.equal(event('{ "a" : [1, 2.50, 1e3], "b":{"c":null} }'), '{"a":[1,2.5,1000],"b":{"c":null}}');
  assert.equal(
    event('{"n":1e400,"m":123456789012345678901234567890}'),
    '{"n":null,"m":1.2345678901234568e+29}',
  );
  assert.equal(event('"\xff\xfe \\u00e9 \\ud83d\\ude00"'), "\xff\xfe \xc3\xa9 \xf0\x9f\x98\x80");
  assert.equal(event('"cut\\u0000here"'), "cut");
});

test("readRequest() ignores wrong tokens and options, and says so", () => {
  const warnings = (parameters: string) => {
    const { token, rulesDebug, early, late } = processingOf(
      withParameters(`{${NEEDED},"event":"x",${parameters}}`),
    );
    assert.equal(token, null);
    assert.equal(rulesDebug, false);
    return [early, late].map((messages) => messages.map(({ level, text }) => `${level}: ${text}`));
  };
  const invalid = (token: string) => [[`WARNING: (7309): '${token}' is not a valid token`], []];
  for (const value of WRONG_TYPES.filter((value) => !value.includes('"') && value !== "1e400"))
    assert.deepEqual(warnings(`"token":${value}`), invalid(value));
  for (const token of ["", "1234567", "123456789", "1234567g"])
    assert.deepEqual(warnings(`"token":"${token}"`), invalid(token));
  const noObject = "WARNING: (7005): 'options' field must be a JSON object. The parameter will be ignored";
  for (const value of WRONG_TYPES.filter((value) => value !== "{}"))
    assert.deepEqual(warnings(`"options":${value}`), [[noObject], []]);
  const noBoolean = "WARNING: (7006): 'rules_debug' field must be a boolean. The parameter will be ignored";
  for (const value of WRONG_TYPES.filter((value) => value !== "true"))
    assert.deepEqual(warnings(`"options":{"rules_debug":${value}}`), [[], [noBoolean]]);
  assert.deepEqual(warnings('"options":{"rules_debug":false}'), [[], []]);
});

test("readRequest() refuses a removal without a token of eight bytes", () => {
  const text = "4 (7316): Failure to remove session. token JSON field must be a string";
  assert.equal(refusalOf(withParameters("{}", "remove_session")), text);
  for (const value of [null, true, 12345678, [], {}]) assert.equal(refusalOf(read(removal(value))), text);
  for (const token of ["", "1234567", "123456789"])
    assert.equal(refusalOf(read(removal(token))), `4 (7309): '${token}' is not a valid token`);
});

test("readRequest() takes whatever bytes there are", () => {
  const random = new SeededRandom(20_261_121);
  const seeds = [
    processing("a log", { token: "12345678" }),
    processing({ a: [{ b: 1 }] }),
    removal("12345678"),
  ];
  for (let round = 0; round < 5000; round++) {
    const request = readRequest(random.mutate(Buffer.from(random.pick(seeds))));
    assert(["refused", "log_processing", "remove_session"].includes(request.kind));
  }
  const deep = `{"command":"log_processing","parameters":{${NEEDED},"event":${'{"a":'.repeat(990)}1${"}".repeat(990)}}}`;
  assert.equal(processingOf(read(deep)).event.length, 990 * 6 + 1);
  assert.match(refusalOf(read("[".repeat(65_535))), /^1 \(7307\): Error parsing JSON in position 1000, /);
});
