/**
 * Numbers as C's printf writes them, which is what the peer's fields and documents hold.
 *
 * JavaScript's own formatters differ in three things: they round ties away from zero where C takes the even digit,
 * switch to exponents at other sizes, and write exponents with one digit.
 */
import assert from "node:assert/strict";

/** The peer formats a field's number into 64 bytes, the last of them NUL (wazuh v4.14.7: …/plugins/json_decoder.c). */
const FIELD_NUMBER_BYTES_MAX = 63;

/** From here on `toFixed()` writes exponents. Such a number has no fraction. */
const TO_FIXED_LIMIT = 1e21;

/** `%f`, cut to what the peer's buffer holds. */
export function fixedText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "inf";
  if (value === Number.NEGATIVE_INFINITY) return "-inf";
  if (Math.abs(value) >= TO_FIXED_LIMIT) return `${BigInt(value)}.000000`.slice(0, FIELD_NUMBER_BYTES_MAX);
  // The seventh decimal ends a number on a 5 exactly when it is an odd multiple of 1/128.
  const isTie = Math.abs(value * 128) % 2 === 1;
  if (!isTie) return value.toFixed(6);
  const exact = value.toFixed(7);
  const isEven = Number(exact.at(-2)) % 2 === 0;
  return isEven ? exact.slice(0, -1) : value.toFixed(6);
}

/** `%1.<digits>g` of a finite number. */
export function generalText(value: number, digits: number): string {
  assert(Number.isFinite(value), "a finite number");
  const [mantissa = "", exponentText = ""] = roundedExponential(value, digits).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= digits) {
    const size = Math.abs(exponent).toString().padStart(2, "0");
    return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const sign = mantissa.startsWith("-") || Object.is(value, -0) ? "-" : "";
  const figures = mantissa.replace("-", "").replace(".", "");
  if (exponent < 0) return withoutTrailingZeros(`${sign}0.${"0".repeat(-exponent - 1)}${figures}`);
  const whole = figures.slice(0, exponent + 1);
  return withoutTrailingZeros(`${sign}${whole}.${figures.slice(exponent + 1)}`);
}

/** Enough figures to tell a tie: a double that is half-way at 15 or 17 figures ends there, its further figures are zeros. */
const EXACT_DECIMALS = 99;

/** `toExponential()` with C's rounding: a number half-way between two takes the even digit. */
function roundedExponential(value: number, digits: number): string {
  const rounded = value.toExponential(digits - 1);
  const figures = value.toExponential(EXACT_DECIMALS).replace("-", "").replace(".", "");
  const isTie = /^50*e/.test(figures.slice(digits));
  if (!isTie || Number(figures[digits - 1]) % 2 === 1) return rounded;
  return value.toExponential(digits).replace("5e", "e");
}

function withoutTrailingZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
