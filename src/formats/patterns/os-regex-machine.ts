/**
 * The matching machine of OS_Regex. Not a regular expression of any textbook: quantifiers but the last are lazy with at most
 * four saved choices, the last is greedy, and the end it reports is not always the end of the text it matched. Rule sets
 * depend on all of that, so the machine follows the peer's algorithm (wazuh v4.14.7: src/os_regex/os_regex_execute.c) step by step.
 *
 * It sees the folded subject: every class holds both cases of a letter or neither.
 */

import { effort } from "./effort.ts";
import { foldByte } from "./fold.ts";
import { type ByteSet, bothCases, bytesWhere } from "./pcre2-tree.ts";

export const OP_END = 0;
export const OP_LITERAL = 1;
/** A parenthesis of either kind. It consumes nothing; the second of two adjacent ones is compared as a literal "(". */
export const OP_GROUP = 2;
/** From here on: class items. */
export const OP_CLASS = 3;
export const OP_CLASS_PLUS = 4;
export const OP_CLASS_STAR = 5;

/** One alternative of a pattern, without its `^` and `$`. */
export type Program = {
  readonly ops: Uint8Array;
  /** The byte of a literal or group, the bit mask of a class. */
  readonly operands: Uint16Array;
  readonly anchored: boolean;
  readonly toEnd: boolean;
  /** Every match has this text `leadAt` bytes behind its start; may be empty. */
  readonly lead: string;
  readonly leadAt: number;
};

/** No match; also the machine's "null" end, which the peer takes for a failure. An end of −1 is a success. */
export const NO_MATCH = -2;
/** No match because `effort` is spent. */
export const GAVE_UP = -3;

/** The peer has four slots (wazuh v4.14.7: src/os_regex/os_regex_execute.c). */
export const SAVED_CHOICES_MAX = 4;
/**
 * Bytes gone back over for one step of `effort`, at 20 ns each. With four saved choices a hostile line can cost n⁴ of them, and the
 * peer has no limit. What a pattern of a real rule set goes back, less than the subject in sum, is free.
 */
const BYTES_PER_STEP = 3;

/** Where a run goes on after a failure: at its newest saved choice, or from the start of the items. */
class Retreat {
  item = 0;
  position = 0;
  restart = -1; // the first byte that this attempt consumed
  #saved = 0;
  #free = 0;
  readonly #items = new Int32Array(SAVED_CHOICES_MAX);
  readonly #positions = new Int32Array(SAVED_CHOICES_MAX);

  begin(subjectBytes: number): void {
    this.restart = -1;
    this.#saved = 0;
    this.#free = subjectBytes;
  }

  /** A fifth choice is forgotten, as in the peer. */
  save(item: number, position: number): void {
    if (this.#saved === SAVED_CHOICES_MAX) return;
    this.#items[this.#saved] = item;
    this.#positions[this.#saved++] = position;
  }

  takeSaved(): boolean {
    if (this.#saved === 0) return false;
    this.item = this.#items[--this.#saved] ?? 0;
    this.position = this.#positions[this.#saved] ?? 0;
    return true;
  }

  startOver(folded: string, program: Program, failedAt: number): void {
    this.position = seek(folded, program, (this.restart < 0 ? failedAt : this.restart) + 1) - 1;
    this.item = 0;
    this.restart = -1;
  }

  /** False when the event's patterns have gone back too much in sum. */
  affords(failedAt: number): boolean {
    const back = failedAt - this.position;
    this.#free -= back;
    return this.#free >= 0 || effort.steps.affords(back / BYTES_PER_STEP);
  }
}

// One for all: a run never begins inside another one.
const retreat = new Retreat();

/** Bit n is set for each byte of class n, see `defineClass`. */
const CLASS_BITS = new Uint16Array(256);
let classCount = 0;

/** Gives a class its bit and returns the mask. */
export function defineClass(contains: (byte: number) => boolean): number {
  const mask = 1 << classCount++;
  for (let byte = 0; byte < 256; byte++)
    if (contains(byte)) CLASS_BITS[byte] = (CLASS_BITS[byte] ?? 0) | mask;
  return mask;
}

const takenBytes = new Map<string, ByteSet>();

/** The bytes of an unfolded subject that an item takes. */
export function bytesTaken(op: number, operand: number): ByteSet {
  const key = `${op < OP_CLASS} ${operand}`;
  let known = takenBytes.get(key);
  if (known === undefined) {
    known = bothCases(bytesWhere((byte) => takes(op, operand, byte, CLASS_BITS[byte] ?? 0)));
    takenBytes.set(key, known);
  }
  return known;
}

/** False when the items before the first quantifier refuse a byte: then an anchored program has no match. */
export function headHolds({ ops, operands }: Program, subject: string, from: number): boolean {
  let position = from;
  for (let item = 0; position < subject.length; item++) {
    const op = ops[item] ?? OP_END;
    if (op === OP_GROUP && ops[item + 1] !== OP_GROUP) continue;
    if (op === OP_END || op === OP_GROUP || op === OP_CLASS_STAR) return true;
    const byte = foldByte(subject.charCodeAt(position++));
    if (!takes(op, operands[item] ?? 0, byte, CLASS_BITS[byte] ?? 0)) return false;
    if (op === OP_CLASS_PLUS) return true;
  }
  return true;
}

/** Where the parentheses were seen, by the number of their items; as long as the program. They mean something in capturing mode only. */
export type Marks = { readonly positions: Int32Array; readonly capturing: boolean };

/**
 * The end of the first match of `program` in `folded` from `from` on, or NO_MATCH or GAVE_UP. The position of each parenthesis is written to
 * the marks; −1 where none was seen.
 */
export function run(program: Program, folded: string, from: number, seen: Marks): number {
  const { ops, operands, anchored, toEnd } = program;
  const { positions: marks, capturing } = seen;
  const length = folded.length;
  let position = anchored ? from : seek(folded, program, from);
  let item = 0;
  let satisfied = false; // the quantified item in hand has matched at least once
  let end = from;
  retreat.begin(length);
  if (capturing) marks.fill(-1);

  scan: for (; position < length; position++) {
    const byte = folded.charCodeAt(position);
    const bits = CLASS_BITS[byte] ?? 0;
    for (;;) {
      if (ops[item] === OP_GROUP) marks[item++] = position;
      const op = ops[item] ?? OP_END;
      const operand = operands[item] ?? 0;
      if (op === OP_END && !toEnd) return end;
      if (takes(op, operand, byte, bits)) {
        const grouped = ops[item + 1] === OP_GROUP;
        if (op <= OP_CLASS) {
          if (retreat.restart < 0) retreat.restart = position;
          item++;
        } else if (op === OP_CLASS_PLUS && !satisfied) {
          if (grouped) marks[item + 1] = position + 1 === length ? length : position;
          satisfied = true;
        } else {
          satisfied = true;
          const next = grouped ? item + 2 : item + 1;
          const nextOp = ops[next] ?? OP_END;
          const nextOperand = operands[next] ?? 0;
          if (takes(nextOp, nextOperand, byte, bits)) {
            if (grouped) marks[item + 1] = position;
            retreat.save(item, position);
            if (nextOp < OP_CLASS) satisfied = false;
            item = nextOp > OP_CLASS ? next : next + 1;
          } else {
            position = lastOfRun(folded, position, operand, nextOp, nextOperand);
            if (grouped && nextOp === OP_END) marks[item + 1] = position + 1;
            if (nextOp === OP_END) continue scan; // the last item is greedy and leaves the end where it began
          }
        }
        end = position;
        continue scan;
      }
      if (op < OP_CLASS) break;
      const done = satisfied;
      satisfied = false;
      const last = done && ops[item + 1] === OP_END && end !== NO_MATCH;
      if (last) end = position;
      if (last && !toEnd) return end;
      if (last || op === OP_CLASS || (op === OP_CLASS_PLUS && !done)) break;
      if (op === OP_CLASS_STAR) end = position - 1;
      item++; // the next item sees the same byte
    }

    if (!retreat.takeSaved()) {
      if (anchored) return NO_MATCH;
      retreat.startOver(folded, program, position);
      end = NO_MATCH;
    }
    if (!retreat.affords(position)) return GAVE_UP;
    item = retreat.item;
    position = retreat.position;
  }
  return finish(ops, item, satisfied, capturing ? marks : null, length) ? end : NO_MATCH;
}

/** The last of the bytes from `from` on that belong to the class and that the next item does not take. */
function lastOfRun(folded: string, from: number, mask: number, nextOp: number, nextOperand: number): number {
  let position = from + 1;
  for (; position < folded.length; position++) {
    const byte = folded.charCodeAt(position);
    const bits = CLASS_BITS[byte] ?? 0;
    if ((bits & mask) === 0 || takes(nextOp, nextOperand, byte, bits)) break;
  }
  return position - 1;
}

/** The end of the item list takes no byte: its operand equals none. */
function takes(op: number, operand: number, byte: number, bits: number): boolean {
  return op < OP_CLASS ? byte === operand : (bits & operand) !== 0;
}

/** The attempts that would not reach the lead are skipped: ten times faster on long logs with classes in front of it. */
function seek(folded: string, { lead, leadAt }: Program, from: number): number {
  if (lead === "") return from;
  const found = folded.indexOf(lead, from + leadAt);
  return found < 0 ? folded.length : found - leadAt;
}

/**
 * The subject is used up: may the rest of the items match nothing? In capturing mode all leading `X*` are stepped over and a
 * parenthesis behind them is marked; then the peer looks at two more items at most.
 */
function finish(
  ops: Uint8Array,
  from: number,
  satisfied: boolean,
  marks: Int32Array | null,
  length: number,
): boolean {
  let item = from;
  if (marks !== null) {
    while (ops[item] === OP_CLASS_STAR) item++;
    if (ops[item] === OP_GROUP) marks[item] = length;
  }
  if (ops[item] === OP_GROUP) item++;
  if (ops[item] === OP_END) return true;
  if (satisfied && isClass(ops[item])) {
    const quantified = ops[item] !== OP_CLASS;
    item++;
    if (quantified) {
      if (ops[item] === OP_GROUP) item++;
      if (ops[item] === OP_END) return true;
    }
    if (isClass(ops[item])) {
      if (ops[item] === OP_CLASS_PLUS) return false; // what follows is the quantifier itself, and that is no item
      const starred = ops[item] === OP_CLASS_STAR;
      item++;
      if (starred) {
        if (ops[item] === OP_GROUP) item++;
        if (ops[item] === OP_END) return true;
      }
    }
  }
  if (ops[item] !== OP_CLASS_STAR) return false;
  item++;
  if (ops[item] === OP_GROUP) item++;
  return ops[item] === OP_END;
}

function isClass(op: number | undefined): boolean {
  return op !== undefined && op >= OP_CLASS;
}
