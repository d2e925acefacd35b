/** Goal: nothing is lost but the tail of a flood. Method: lists below, at and above the limit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PROBLEMS_OF_A_KIND_MAX, ProblemList } from "./problems.ts";

const at = (line: number) => ({ file: "f.xml", line, column: 1 });

test("ProblemList keeps problems in their order and counts the errors", () => {
  const problems = new ProblemList();
  problems.warning(at(1), "w", "hint");
  problems.error(at(2), "e");
  problems.add({ severity: "error", position: at(3), message: "x", expected: "" });
  assert.equal(problems.errors, 2);
  assert.deepEqual(problems.all, [
    { severity: "warning", position: at(1), message: "w", expected: "hint" },
    { severity: "error", position: at(2), message: "e", expected: "" },
    { severity: "error", position: at(3), message: "x", expected: "" },
  ]);
});

test("ProblemList keeps errors when there are too many warnings, and says how many are left out", () => {
  const problems = new ProblemList();
  for (let line = 1; line <= PROBLEMS_OF_A_KIND_MAX; line++) problems.warning(at(line), "w");
  assert.equal(problems.all.length, PROBLEMS_OF_A_KIND_MAX);
  problems.warning(at(5000), "w");
  problems.warning(at(5001), "w");
  problems.error(at(6000), "e");
  const [last, beforeLast] = [problems.all.at(-1), problems.all.at(-2)];
  assert.equal(problems.all.length, PROBLEMS_OF_A_KIND_MAX + 2);
  assert.equal(beforeLast?.message, "e");
  assert.equal(last?.message, "2 more problems are not shown.");
  assert.deepEqual(last.position, at(5000));
  assert.equal(problems.errors, 1);
});

test("ProblemList counts errors that it does not keep", () => {
  const problems = new ProblemList();
  for (let line = 1; line <= PROBLEMS_OF_A_KIND_MAX + 7; line++) problems.error(at(line), "e");
  assert.equal(problems.errors, PROBLEMS_OF_A_KIND_MAX + 7);
  assert.equal(problems.all.length, PROBLEMS_OF_A_KIND_MAX + 1);
});
