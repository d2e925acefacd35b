/** Goal: numbers are written as C's printf writes them. Method: texts that glibc's printf gave for these values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedText, generalText } from "./c-number.ts";

test("fixedText() is %f", () => {
  assert.equal(fixedText(1e10), "10000000000.000000");
  assert.equal(fixedText(1573747285.572531), "1573747285.572531");
  assert.equal(fixedText(-0.5), "-0.500000");
  assert.equal(fixedText(-1e-9), "-0.000000");
  assert.equal(fixedText(1e21), "1000000000000000000000.000000");
  assert.equal(fixedText(123456789012345680000), "123456789012345683968.000000");
  assert.equal(fixedText(Number.POSITIVE_INFINITY), "inf");
  assert.equal(fixedText(Number.NEGATIVE_INFINITY), "-inf");
});

test("fixedText() rounds ties to the even digit", () => {
  assert.equal(fixedText(0.0078125), "0.007812");
  assert.equal(fixedText(0.0234375), "0.023438");
  assert.equal(fixedText(-0.0078125), "-0.007812");
  assert.equal(fixedText(3.0078125), "3.007812");
});

test("fixedText() is cut to 63 bytes", () => {
  assert.equal(fixedText(1e300), "100000000000000005250476025520442024870446858110815915491585411");
  assert.equal(fixedText(-1e60), "-999999999999999949387135297074018866963645011013410073083904.0");
  assert.equal(fixedText(Number.MAX_VALUE).length, 63);
});

test("generalText() is %g", () => {
  assert.equal(generalText(0.1, 15), "0.1");
  assert.equal(generalText(0.1, 17), "0.10000000000000001");
  assert.equal(generalText(100, 15), "100");
  assert.equal(generalText(1e15, 15), "1e+15");
  assert.equal(generalText(123456789012345, 15), "123456789012345");
  assert.equal(generalText(0.0001, 15), "0.0001");
  assert.equal(generalText(0.00001, 15), "1e-05");
  assert.equal(generalText(-1.5e300, 15), "-1.5e+300");
  assert.equal(generalText(0, 15), "0");
  assert.equal(generalText(-0, 15), "-0");
  assert.equal(generalText(5e-324, 17), "4.9406564584124654e-324");
});

test("generalText() rounds ties to the even digit", () => {
  assert.equal(generalText(1e15 + 0.25, 17), "1000000000000000.2");
  assert.equal(generalText(1e15 + 0.75, 17), "1000000000000000.8");
  assert.equal(generalText(100000000000000.5, 15), "100000000000000");
  assert.equal(generalText(-100000000000001.5, 15), "-100000000000002");
});
