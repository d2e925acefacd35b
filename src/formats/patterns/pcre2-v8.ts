/**
 * A PCRE2 tree as source text of a JavaScript regular expression, for trees that `runsOnV8()` accepts.
 *
 * The source needs no flag: `i`, look-ahead and the like would keep V8's bounded engine from taking over a run that explodes.
 * Bytes are written as classes of their own because `\s`, `.` and case differ between the two languages. `$` is right only for subjects
 * that do not end in a newline, `(?m)` besides only for those without `\r`: see `Pcre2Pattern`.
 */
import { unreachable } from "#kernel/unreachable.ts";
import { type Assertion, type ByteSet, complement, type Node, singleByte } from "./pcre2-tree.ts";

const SOURCE_OF_ASSERTION: Readonly<Record<Assertion, string>> = {
  "subject-start": "^",
  "subject-end": "$",
  "end-or-newline": "$",
  "line-start": "(?m:^)",
  "line-end": "(?m:$)",
  "word-boundary": "\\b",
  "no-word-boundary": "\\B",
};

export function toRegExp(root: Node): RegExp {
  return new RegExp(sourceOf(root));
}

function sourceOf(node: Node): string {
  switch (node.kind) {
    case "bytes":
      return sourceOfBytes(node.set);
    case "assertion":
      return SOURCE_OF_ASSERTION[node.assertion];
    case "capture":
      return `(${sourceOf(node.body)})`;
    case "sequence":
      return node.items
        .map((item) => (item.kind === "choice" ? `(?:${sourceOf(item)})` : sourceOf(item)))
        .join("");
    case "choice":
      return node.branches
        .map((branch) => (branch.kind === "choice" ? `(?:${sourceOf(branch)})` : sourceOf(branch)))
        .join("|");
    case "repeat": {
      const single = node.body.kind === "bytes" || node.body.kind === "capture";
      const body = single ? sourceOf(node.body) : `(?:${sourceOf(node.body)})`;
      return `${body}${quantifier(node.min, node.max)}${node.lazy ? "?" : ""}`;
    }
    case "atomic":
    case "look":
    case "back":
    case "reference":
      throw new Error(`no V8 form of ${node.kind}`);
    default:
      return unreachable(node);
  }
}

function quantifier(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return min === 0 && max === 1 ? "?" : `{${min},${max}}`;
}

export function sourceOfBytes(set: ByteSet): string {
  const only = singleByte(set);
  if (only !== null) return escaped(only);
  const members = set.reduce((sum, member) => sum + member, 0);
  return members > 128 ? `[^${ranges(complement(set))}]` : `[${ranges(set)}]`;
}

function ranges(set: ByteSet): string {
  let source = "";
  for (let byte = set.indexOf(1); byte >= 0; ) {
    const end = set.indexOf(0, byte);
    const last = (end < 0 ? set.length : end) - 1;
    source += last === byte ? escaped(byte) : `${escaped(byte)}-${escaped(last)}`;
    byte = set.indexOf(1, last + 1);
  }
  return source;
}

function escaped(byte: number): string {
  const char = String.fromCharCode(byte);
  return /[0-9A-Za-z ]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
}
