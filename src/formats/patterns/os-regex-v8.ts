/**
 * An alternative of OS_Regex as a JavaScript regular expression, where both give the same answer: V8 is five times faster than the
 * machine. The rules below follow from the machine's steps; os-regex.test.ts holds the result against a second implementation.
 *
 * The machine (os-regex-machine.ts) never shortens a run that it has left, so a run must be followed by bytes that it does not take:
 * then an expression has no choice either. A run that takes the literal behind it is lazy in both; one saved choice a run, so up
 * to four runs fit the machine's slots. After such a choice failed, the machine does not look for the literal in the very next byte if the run is
 * `+`: subjects with the literal twice in a row are left to it. When the subject is used up the machine stops without trying what it saved;
 * nothing that is left could match, because a parse that begins later is at no item earlier.
 *
 * Left to the machine: a search that begins with a run (it goes on behind the failure, not at the next byte), a final `*` or
 * `*+` (their ends and their ways of using up the subject are special), adjacent parentheses.
 */
import {
  bytesTaken,
  OP_CLASS,
  OP_CLASS_PLUS,
  OP_CLASS_STAR,
  OP_END,
  OP_GROUP,
  OP_LITERAL,
  type Program,
  SAVED_CHOICES_MAX,
} from "./os-regex-machine.ts";
import type { ByteSet } from "./pcre2-tree.ts";
import { sourceOfBytes } from "./pcre2-v8.ts";

/**
 * What `end` is after a match: the last byte; the first byte of the last capture; the byte behind the last run, unless the subject
 * ends there; else the machine tells it.
 */
export type EndRule = "last-byte" | "last-capture" | "behind-run" | "unknown";

export type NativeForm = {
  /** Sticky when the program is anchored, else global: a match begins at `lastIndex` or behind it. */
  readonly regExp: RegExp;
  /** Folded texts; a subject with one of them is for the machine. */
  readonly unless: readonly string[];
  readonly endRule: EndRule;
  /** It can go back over the subject in more than one way: at n bytes n² times or more often. */
  readonly explodes: boolean;
};

type Item = { readonly op: number; readonly operand: number; readonly bytes: ByteSet };

/** Null when the machine must do it. */
export function nativeForm(program: Program): NativeForm | null {
  const parsed = itemsOf(program);
  if (parsed === null) return null;
  const items = parsed.filter(({ op }) => op !== OP_GROUP);
  const [first] = items;
  const last = items.at(-1);
  if (first === undefined || last === undefined || last.op === OP_CLASS_STAR) return null;
  if (!program.anchored && first.op > OP_CLASS) return null;
  if (last.op === OP_CLASS_PLUS && items.at(-2)?.op === OP_CLASS_STAR) return null;
  const lazy = new Map<Item, string>();
  for (const [index, item] of items.entries()) {
    if (item.op <= OP_CLASS) continue;
    const clash = clashOf(item, items.slice(index + 1));
    if (clash === null) continue;
    if (clash !== items[index + 1] || clash.op !== OP_LITERAL) return null;
    lazy.set(item, String.fromCharCode(clash.operand));
  }
  if (lazy.size > SAVED_CHOICES_MAX) return null;
  let open = false;
  let source = "";
  for (const item of parsed) {
    if (item.op === OP_GROUP) {
      open = !open;
      source += open ? "(" : ")";
    } else source += sourceOfBytes(item.bytes) + quantifier(item.op) + (lazy.has(item) ? "?" : "");
  }
  const plus = [...lazy].filter(([item]) => item.op === OP_CLASS_PLUS);
  return {
    regExp: new RegExp(program.toEnd ? `${source}$` : source, program.anchored ? "y" : "g"),
    unless: plus.map(([, literal]) => literal + literal),
    endRule: endRuleOf(parsed, last),
    explodes: lazy.size + (program.anchored ? 0 : 1) >= 2,
  };
}

/** The items, or null when two parentheses stand side by side. */
function itemsOf({ ops, operands }: Program): readonly Item[] | null {
  const items: Item[] = [];
  for (const [index, op] of ops.entries()) {
    if (op === OP_END) break;
    if (op === OP_GROUP && ops[index + 1] === OP_GROUP) return null;
    const operand = operands[index] ?? 0;
    items.push({ op, operand, bytes: bytesTaken(op, operand) });
  }
  return items;
}

/** The first of the items that may follow a run directly and takes one of its bytes. */
function clashOf(run: Item, following: readonly Item[]): Item | null {
  for (const item of following) {
    if (item.bytes.some((member, byte) => member === 1 && run.bytes[byte] === 1)) return item;
    if (item.op !== OP_CLASS_STAR) return null;
  }
  return null;
}

function endRuleOf(items: readonly Item[], last: Item): EndRule {
  if (last.op <= OP_CLASS) return "last-byte";
  if (items.at(-1) === last) return "behind-run";
  return items.at(-3)?.op === OP_GROUP ? "last-capture" : "unknown";
}

function quantifier(op: number): string {
  return op === OP_CLASS_PLUS ? "+" : op === OP_CLASS_STAR ? "*" : "";
}
