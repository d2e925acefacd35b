/** Goal: entries of the 4.x form become the tests that the peer would run. Method: a file by hand with each kind of entry. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readIniTests } from "./ini-tests.ts";

const FILE = `; comment
[One]
log 1 pass = first
  second

log 2 FAIL = third
log 1 pass = last
other = x
rule = 5
alert = 3
decoder = d
[Two]
log 1 pass =
rule =
alert =
decoder =
`;

test("readIniTests() makes a test of each log entry", () => {
  const { tests, problems } = readIniTests(FILE, "t.ini");
  assert.deepEqual(problems, []);
  assert.deepEqual(
    tests.map(({ name, mustFail, position, events }) => [
      name,
      mustFail,
      position.line,
      events.map(({ message }) => message),
    ]),
    [
      ["[One] log 1 pass", false, 3, ["first", "second", "last"]],
      ["[One] log 2 fail", true, 6, ["third"]],
      ["[Two] log 1 pass", false, 13, [""]],
    ],
  );
});

test("readIniTests() expects of the last event only", () => {
  const expectations = readIniTests(FILE, "t.ini").tests[0]?.events.map(({ expectation }) => expectation);
  const [first, second, last] = expectations ?? [];
  assert.deepEqual([first, second], [null, null]);
  assert.deepEqual([last?.rule, last?.level, last?.decoder], ["5", "3", "d"]);
});

test("readIniTests() reports a section that expects too little", () => {
  const { problems } = readIniTests("[A]\nlog 1 pass = x\nrule = 1\n", "t.ini");
  assert.deepEqual(
    problems.map(({ message, position }) => [position.line, message]),
    [
      [1, "section 'A' has no 'alert'"],
      [1, "section 'A' has no 'decoder'"],
    ],
  );
});
