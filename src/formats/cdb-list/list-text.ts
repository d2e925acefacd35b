/** The text form of a list: one `key:value` a line (wazuh v4.14.7: src/analysisd/lists_make.c). Pure, and nothing is refused. */

/**
 * The entries in file order. A line without `:` or with an open quote is skipped; of equal keys the first wins. The text is
 * latin1, one char a byte.
 */
export function parseListText(text: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const entry = parseLine(line);
    if (entry !== null && !entries.has(entry.key)) entries.set(entry.key, entry.value);
  }
  return entries;
}

function parseLine(lineWithEnd: string): { key: string; value: string } | null {
  const carriageReturn = lineWithEnd.indexOf("\r");
  const line = carriageReturn === -1 ? lineWithEnd : lineWithEnd.slice(0, carriageReturn);
  let colon = line.indexOf(":");
  if (colon === -1) return null;

  // Only a quote before the first colon quotes the key, which may then hold colons itself.
  let key = line.slice(0, colon);
  if (key.includes('"')) {
    const quoted = betweenQuotes(line);
    if (quoted === null) return null;
    key = quoted.text;
    colon = line.indexOf(":", quoted.end);
    if (colon === -1) return null;
  }

  const value = line.slice(colon + 1);
  if (!value.includes('"')) return { key, value };
  const quoted = betweenQuotes(value);
  return quoted === null ? null : { key, value: quoted.text };
}

/** The text between the first two quotes, and where it ends behind them; null when there is only one. */
function betweenQuotes(text: string): { text: string; end: number } | null {
  const open = text.indexOf('"');
  const close = text.indexOf('"', open + 1);
  return close === -1 ? null : { text: text.slice(open + 1, close), end: close + 1 };
}
