/** Values as Python prints them: the peer's log lines and messages hold them so. Texts are latin1 strings. */

/** `str()` of a float: always with a point, or with an exponent where Python begins to use one. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits = "", exponent = ""] = value.toExponential().split("e");
    const sign = exponent.startsWith("-") ? "-" : "+";
    return `${digits}e${sign}${exponent.slice(1).padStart(2, "0")}`;
  }
  return Number.isInteger(value) ? `${Object.is(value, -0) ? "-0" : value}.0` : String(value);
}

/** `repr()` of a text, with control characters escaped so that it is part of one line. */
export function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\0-\x1f\x7f-\xa0\xad]/g, escapeCharacter).replaceAll(quote, `\\${quote}`);
  return `${quote}${escaped}${quote}`;
}

/** `repr()` of a dictionary of texts. */
export function pythonDictionary(entries: Iterable<readonly [string, string | number]>): string {
  const parts = Array.from(entries, ([key, value]) => {
    return `${pythonString(key)}: ${typeof value === "number" ? value : pythonString(value)}`;
  });
  return `{${parts.join(", ")}}`;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "\\":
      return "\\\\";
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default:
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }
}
