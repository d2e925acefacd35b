/** What can be said of a PCRE2 pattern without running it. */
import { type ByteSet, bothCases, foldedByte, type Node, union } from "./pcre2-tree.ts";

/**
 * V8's bounded engine, the one that a run falls back to after too many steps, takes counted repeats up to this product
 * (v8: src/regexp/experimental/experimental-compiler.cc, kMaxReplicationFactor).
 */
const REPEAT_PRODUCT_MAX = 16;

/**
 * Bytes of a pattern with its counted repeats written out. V8's engines take time and memory in proportion to it for every byte
 * of the subject; the longest pattern of a real rule set has 200.
 */
const V8_SIZE_MAX = 4096;

/** How many bytes every match of the node consumes, or null when that varies or is not known here. */
export function fixedWidth(node: Node): number | null {
  switch (node.kind) {
    case "bytes":
      return 1;
    case "sequence":
      return node.items.reduce<number | null>((sum, item) => plus(sum, fixedWidth(item)), 0);
    case "choice": {
      const [first = null, ...others] = node.branches.map(fixedWidth);
      return others.every((width) => width === first) ? first : null;
    }
    case "repeat": {
      const width = fixedWidth(node.body);
      return width === null || node.min !== node.max ? null : width * node.min;
    }
    case "capture":
    case "atomic":
      return fixedWidth(node.body);
    case "look":
    case "assertion":
      return 0;
    default:
      return null;
  }
}

function plus(left: number | null, right: number | null): number | null {
  return left === null || right === null ? null : left + right;
}

export function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case "bytes":
      return false;
    case "sequence":
      return node.items.every(canBeEmpty);
    case "choice":
      return node.branches.some(canBeEmpty);
    case "repeat":
      return node.min === 0 || canBeEmpty(node.body);
    case "capture":
    case "atomic":
      return canBeEmpty(node.body);
    default:
      return true;
  }
}

/**
 * True when V8 gives PCRE2's answer and its bounded engine can take over. Left out, besides what is too large:
 * - assertions with a body, references and atomic groups: the bounded engine does not run them;
 * - a repeat of something that can be empty: V8 refuses an empty round, PCRE2 ends the repeat with it;
 * - a group that only some rounds of a repeat set: V8 forgets it in the next round, PCRE2 keeps it.
 */
export function runsOnV8(root: Node): boolean {
  return agreesWithV8(root, 1) && writtenOutSize(root) <= V8_SIZE_MAX;
}

function writtenOutSize(node: Node): number {
  switch (node.kind) {
    case "sequence":
      return node.items.reduce((sum, item) => sum + writtenOutSize(item), 0);
    case "choice":
      return node.branches.reduce((sum, branch) => sum + writtenOutSize(branch), 0);
    case "repeat":
      return writtenOutSize(node.body) * roundsWrittenOut(node.min, node.max);
    case "capture":
      return 1 + writtenOutSize(node.body);
    default:
      return 1;
  }
}

function roundsWrittenOut(min: number, max: number): number {
  return max === Number.POSITIVE_INFINITY ? Math.max(min, 1) : max;
}

function agreesWithV8(node: Node, product: number): boolean {
  switch (node.kind) {
    case "bytes":
    case "assertion":
      return true;
    case "sequence":
      return node.items.every((item) => agreesWithV8(item, product));
    case "choice":
      return node.branches.every((branch) => agreesWithV8(branch, product));
    case "capture":
      return agreesWithV8(node.body, product);
    case "repeat": {
      const rounds = product * roundsWrittenOut(node.min, node.max);
      if (rounds > REPEAT_PRODUCT_MAX || canBeEmpty(node.body)) return false;
      return (node.max <= 1 || !hasOptionalCapture(node.body, false)) && agreesWithV8(node.body, rounds);
    }
    default:
      return false;
  }
}

function hasOptionalCapture(node: Node, optional: boolean): boolean {
  switch (node.kind) {
    case "sequence":
      return node.items.some((item) => hasOptionalCapture(item, optional));
    case "choice":
      return node.branches.some((branch) => hasOptionalCapture(branch, true));
    case "repeat":
      return hasOptionalCapture(node.body, optional || node.min === 0);
    case "capture":
      return optional || hasOptionalCapture(node.body, optional);
    default:
      return false;
  }
}

/** True when an assertion of the given kinds stands anywhere in the tree. */
export function usesAssertion(node: Node, kinds: readonly string[]): boolean {
  switch (node.kind) {
    case "assertion":
      return kinds.includes(node.assertion);
    case "sequence":
      return node.items.some((item) => usesAssertion(item, kinds));
    case "choice":
      return node.branches.some((branch) => usesAssertion(branch, kinds));
    case "repeat":
    case "capture":
    case "atomic":
    case "look":
      return usesAssertion(node.body, kinds);
    default:
      return false;
  }
}

/** True when a match can start at the first byte only. */
export function startsAtSubjectStart(node: Node): boolean {
  switch (node.kind) {
    case "assertion":
      return node.assertion === "subject-start";
    case "sequence":
      return startsAtSubjectStart(
        node.items.find((item) => item.kind !== "look") ?? node.items[0] ?? NOWHERE,
      );
    case "choice":
      return node.branches.every(startsAtSubjectStart);
    case "capture":
    case "atomic":
      return startsAtSubjectStart(node.body);
    default:
      return false;
  }
}

const NOWHERE: Node = { kind: "back", bytes: 0 };

/** Literals (folded) of which every match contains one, or null. The set whose shortest literal is the longest wins. */
export function requiredLiterals(node: Node): readonly string[] | null {
  const candidates: (readonly string[])[] = [];
  let run = "";
  for (const item of flatten(node)) {
    const byte = item.kind === "bytes" ? foldedByte(item.set) : null;
    if (byte !== null) {
      run += String.fromCharCode(byte);
      continue;
    }
    const inner = innerLiterals(item);
    if (inner !== null) candidates.push(inner);
    if (item.kind === "assertion" || item.kind === "look") continue; // consumes nothing: the run goes on
    candidates.push([run]);
    run = "";
  }
  candidates.push([run]);
  const best = candidates.reduce((left, right) => (shortest(right) > shortest(left) ? right : left));
  return shortest(best) > 0 ? [...new Set(best)] : null;
}

function innerLiterals(node: Node): readonly string[] | null {
  if (node.kind === "choice") {
    const sets = node.branches.map(requiredLiterals);
    return sets.includes(null) ? null : sets.flatMap((set) => set ?? []);
  }
  if (node.kind === "repeat") return node.min > 0 ? requiredLiterals(node.body) : null;
  return node.kind === "look" && !node.negated ? requiredLiterals(node.body) : null;
}

function shortest(literals: readonly string[]): number {
  return Math.min(...literals.map((literal) => literal.length));
}

/** The items in the order in which they consume, with groups and nested sequences dissolved. */
function flatten(node: Node): readonly Node[] {
  if (node.kind === "sequence") return node.items.flatMap(flatten);
  return node.kind === "capture" || node.kind === "atomic" ? flatten(node.body) : [node];
}

/** The bytes that the subject of a match can begin with; null when a match can begin elsewhere or with nothing. */
export function firstBytes(node: Node): ByteSet | null {
  const [first, second] = flatten(node);
  if (first?.kind === "choice") return unionOf(first.branches.map(firstBytes));
  if (first?.kind !== "assertion" || first.assertion !== "subject-start") return null;
  return second === undefined ? null : bytesInFront(second);
}

function bytesInFront(node: Node): ByteSet | null {
  const [first] = flatten(node);
  if (first?.kind === "bytes") return first.set;
  if (first?.kind === "choice") return unionOf(first.branches.map(bytesInFront));
  return first?.kind === "repeat" && first.min > 0 ? bytesInFront(first.body) : null;
}

function unionOf(sets: readonly (ByteSet | null)[]): ByteSet | null {
  const known = sets.flatMap((set) => (set === null ? [] : [set]));
  return known.length === sets.length ? union(known) : null;
}

/** All strings that match (folded), when they are few and case plays no part: `(?i)^a$|^b$`. Null otherwise. */
export function exactStrings(node: Node): readonly string[] | null {
  const found: string[] = [];
  for (const branch of node.kind === "choice" ? node.branches : [node]) {
    const [first, ...items] = flatten(branch);
    const last = items.pop();
    if (first?.kind !== "assertion" || first.assertion !== "subject-start" || last?.kind !== "assertion")
      return null;
    let text = "";
    for (const item of items) {
      const byte = item.kind === "bytes" ? foldedByte(item.set) : null;
      if (item.kind !== "bytes" || byte === null) return null;
      if (bothCases(item.set).some((member, index) => member !== item.set[index])) return null;
      text += String.fromCharCode(byte);
    }
    if (last.assertion !== "subject-end" && last.assertion !== "end-or-newline") return null;
    found.push(text);
    if (last.assertion === "end-or-newline") found.push(`${text}\n`);
  }
  return found;
}

/** Whether a repeat without bound has another one in it, or branches: V8 may go back over such a pattern exponentially often. */
export function mayExplode(node: Node, inside = false): boolean {
  switch (node.kind) {
    case "sequence":
      return node.items.some((item) => mayExplode(item, inside));
    case "choice":
      return inside || node.branches.some((branch) => mayExplode(branch, inside));
    case "repeat": {
      const unbounded = node.max === Number.POSITIVE_INFINITY;
      return (inside && node.min !== node.max) || mayExplode(node.body, inside || unbounded);
    }
    case "capture":
    case "atomic":
    case "look":
      return mayExplode(node.body, inside);
    default:
      return false;
  }
}
