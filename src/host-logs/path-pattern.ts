/** Wildcards of a file name: `*`, `?` and sets such as `[a-z]` or `[!0-9]`. Time is bounded by the product of both lengths. */

type Token = { readonly run: true } | { readonly run: false; readonly accepts: (char: string) => boolean };
export type NamePattern = readonly Token[];

export function hasWildcards(text: string): boolean {
  return /[*?[]/.test(text);
}

export function parseNamePattern(text: string): NamePattern {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const setEnd = char === "[" ? text.indexOf("]", at + 2) : -1; // a `]` that comes first is a member
    if (setEnd !== -1) {
      tokens.push({ run: false, accepts: parseSet(text.slice(at + 1, setEnd)) });
      at = setEnd;
    } else if (char === "*") {
      tokens.push({ run: true });
    } else {
      tokens.push({ run: false, accepts: char === "?" ? () => true : (other) => other === char });
    }
  }
  return tokens;
}

function parseSet(text: string): (char: string) => boolean {
  const negated = /^[!^]./.test(text);
  const members = negated ? text.slice(1) : text;
  const ranges: { readonly from: string; readonly to: string }[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members.charAt(at);
    const isRange = members.charAt(at + 1) === "-" && at + 2 < members.length;
    ranges.push({ from, to: isRange ? members.charAt(at + 2) : from });
    if (isRange) at += 2;
  }
  return (char) => ranges.some(({ from, to }) => char >= from && char <= to) !== negated;
}

/** As a shell would: a name that begins with a dot matches only a pattern that does. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  const first = pattern[0];
  if (name.startsWith(".") && (first === undefined || first.run || first.accepts("a"))) return false;
  let at = 0;
  let token = 0;
  let lastRun = -1;
  let runEnd = 0;
  while (at < name.length) {
    const current = pattern[token];
    if (current?.run === true) {
      lastRun = token++;
      runEnd = at;
    } else if (current?.accepts(name.charAt(at))) {
      token++;
      at++;
    } else if (lastRun !== -1) {
      // The last `*` takes one char more, and all after it is tried again from there.
      token = lastRun + 1;
      at = ++runEnd;
    } else {
      return false;
    }
  }
  return pattern.slice(token).every(({ run }) => run);
}
