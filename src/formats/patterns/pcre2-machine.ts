/**
 * A backtracking machine for the PCRE2 patterns and subjects that V8 would answer differently, or without bound. It has the
 * library's semantics and, like the library, gives up after a number of steps. Ten times slower than V8 or so.
 */
import { unreachable } from "#kernel/unreachable.ts";
import { effort } from "./effort.ts";
import {
  type Instruction,
  OP_ACCEPT,
  OP_ASSERTION,
  OP_ATOMIC,
  OP_BACK,
  OP_BYTE,
  OP_CAPTURE,
  OP_CASELESS_REFERENCE,
  OP_GREEDY_RUN,
  OP_JUMP,
  OP_LAZY_RUN,
  OP_LEAVE_IF_EMPTY,
  OP_LOOK,
  OP_MARK,
  OP_NEGATED_LOOK,
  OP_REFERENCE,
  OP_TRY_NEXT,
  OP_TRY_TARGET,
  type Program,
} from "./pcre2-program.ts";
import { type Assertion, WORD } from "./pcre2-tree.ts";

/** Scanning a run is cheaper than an instruction. */
const RUN_BYTES_PER_STEP = 8;
/** 16 MiB of entries: near the library's default heap limit of 20 MB. */
const CHOICES_MAX = 1_048_576;
const CHOICES_AT_FIRST = 1024;

/** What a search ends with instead of a position. */
export const NO_MATCH = -1;
export const GAVE_UP = -2;

// An entry of the stack: item, position, bound of a run or old value of a slot, kind.
const ENTRY_WORDS = 4;
const KIND_RESUME = 0;
const KIND_SHORTER_RUN = 1;
const KIND_LONGER_RUN = 2;
const KIND_RESTORE_SLOT = 3;

// Shared by all patterns of the thread: a search never runs inside another one.
let stack = new Int32Array(CHOICES_AT_FIRST * ENTRY_WORDS);

export class Machine {
  /** Start and end of each group after a match; −1 where it is not set. Overwritten by the next search. */
  readonly slots: Int32Array;
  readonly #instructions: readonly Instruction[];
  readonly #anchored: boolean;
  #subject = "";
  #stepsLeft = 0;
  #top = 0;
  // Where #backtrack() says to go on.
  #item = 0;
  #position = 0;

  constructor(program: Program) {
    this.#instructions = program.instructions;
    this.#anchored = program.anchored;
    this.slots = new Int32Array(program.slotCount);
  }

  /** The end of the first match, NO_MATCH or GAVE_UP. */
  search(subject: string): number {
    const affordable = effort.steps.left;
    this.#stepsLeft = affordable;
    const end = this.#searchWithin(subject);
    effort.steps.spend(affordable - this.#stepsLeft);
    return end;
  }

  #searchWithin(subject: string): number {
    this.#subject = subject;
    const startMax = this.#anchored ? 0 : subject.length;
    for (let start = 0; start <= startMax; start++) {
      this.slots.fill(-1);
      this.#top = 0;
      const end = this.#run(0, start);
      if (end === NO_MATCH) continue;
      this.slots[0] = start;
      this.slots[1] = end;
      return end;
    }
    return NO_MATCH;
  }

  /** Runs from an instruction to its accept. Choices made on the way stay on the stack above those that were there. */
  #run(from: number, at: number): number {
    const base = this.#top;
    const subject = this.#subject;
    let item = from;
    let position = at;
    for (;;) {
      const instruction = this.#instructions[item];
      if (instruction === undefined || --this.#stepsLeft < 0) return GAVE_UP;
      item++;
      switch (instruction.op) {
        case OP_ACCEPT:
          return position;
        case OP_BYTE:
          if (instruction.set[subject.charCodeAt(position)] === 1) position++;
          else position = NO_MATCH;
          break;
        case OP_TRY_NEXT:
          this.#push(instruction.target, position, 0, KIND_RESUME);
          break;
        case OP_TRY_TARGET:
          this.#push(item, position, 0, KIND_RESUME);
          item = instruction.target;
          break;
        case OP_JUMP:
          item = instruction.target;
          break;
        case OP_MARK:
          this.#setSlot(instruction.slot, position);
          break;
        case OP_CAPTURE:
          this.#setSlot(2 * instruction.group, this.slots[instruction.slot] ?? 0);
          this.#setSlot(2 * instruction.group + 1, position);
          break;
        case OP_LEAVE_IF_EMPTY:
          if (this.slots[instruction.slot] === position) item = instruction.target;
          break;
        case OP_ATOMIC:
        case OP_LOOK:
        case OP_NEGATED_LOOK:
          position = this.#enclosed(instruction, item, position);
          if (position === GAVE_UP) return GAVE_UP;
          item = instruction.target;
          break;
        default:
          position = this.#consume(instruction, item, position);
      }
      if (position >= 0) continue;
      if (!this.#backtrack(base)) return NO_MATCH;
      item = this.#item;
      position = this.#position;
    }
  }

  /** The instructions that only move the position; NO_MATCH when they fail. `next` is where a run goes on. */
  #consume(instruction: Instruction, next: number, position: number): number {
    switch (instruction.op) {
      case OP_GREEDY_RUN:
        return this.#greedyRun(instruction, next, position);
      case OP_LAZY_RUN:
        return this.#lazyRun(instruction, next, position);
      case OP_BACK:
        return Math.max(position - instruction.min, NO_MATCH);
      case OP_ASSERTION:
        return holds(instruction.assertion, this.#subject, position) ? position : NO_MATCH;
      case OP_REFERENCE:
      case OP_CASELESS_REFERENCE:
        return this.#reference(instruction, position);
      default:
        throw new Error(`unknown instruction ${instruction.op}`);
    }
  }

  #greedyRun({ set, min, max }: Instruction, next: number, position: number): number {
    const end = this.#runEnd(set, position, Math.min(position + max, this.#subject.length));
    if (end < position + min) return NO_MATCH;
    if (end > position + min) this.#push(next, end, position + min, KIND_SHORTER_RUN);
    return end;
  }

  #lazyRun({ set, min, max }: Instruction, next: number, position: number): number {
    const end = this.#runEnd(set, position, Math.min(position + min, this.#subject.length));
    if (end < position + min) return NO_MATCH;
    if (max > min) this.#push(next, end, Math.min(position + max, this.#subject.length), KIND_LONGER_RUN);
    return end;
  }

  #runEnd(set: Uint8Array, position: number, limit: number): number {
    let end = position;
    while (end < limit && set[this.#subject.charCodeAt(end)] === 1) end++;
    this.#stepsLeft -= Math.floor((end - position) / RUN_BYTES_PER_STEP);
    return end;
  }

  /** Matches an atomic group or an assertion; its choices are dropped, what it captured stays undoable. */
  #enclosed(instruction: Instruction, body: number, position: number): number {
    const base = this.#top;
    const end = this.#run(body, position);
    if (end === GAVE_UP) return GAVE_UP;
    if (instruction.op === OP_NEGATED_LOOK) {
      if (end === NO_MATCH) return position;
      this.#undo(base);
      return NO_MATCH;
    }
    if (end === NO_MATCH) return NO_MATCH;
    let kept = base;
    for (let entry = base; entry < this.#top; entry += ENTRY_WORDS) {
      if (stack[entry + 3] !== KIND_RESTORE_SLOT) continue;
      stack.copyWithin(kept, entry, entry + ENTRY_WORDS);
      kept += ENTRY_WORDS;
    }
    this.#top = kept;
    return instruction.op === OP_LOOK ? position : end;
  }

  #reference({ op, group }: Instruction, position: number): number {
    const start = this.slots[2 * group] ?? -1;
    const end = this.slots[2 * group + 1] ?? -1;
    if (end < 0 || position + end - start > this.#subject.length) return NO_MATCH;
    this.#stepsLeft -= Math.floor((end - start) / RUN_BYTES_PER_STEP);
    const captured = this.#subject.slice(start, end);
    const seen = this.#subject.slice(position, position + end - start);
    const equal = op === OP_REFERENCE ? captured === seen : equalWithoutCase(captured, seen);
    return equal ? position + end - start : NO_MATCH;
  }

  #setSlot(slot: number, position: number): void {
    this.#push(slot, this.slots[slot] ?? -1, 0, KIND_RESTORE_SLOT);
    this.slots[slot] = position;
  }

  #push(item: number, position: number, bound: number, kind: number): void {
    if (this.#top === stack.length) {
      if (stack.length === CHOICES_MAX * ENTRY_WORDS) {
        this.#stepsLeft = 0; // ends the search at the next step
        this.#top -= ENTRY_WORDS;
      } else {
        const grown = new Int32Array(stack.length * 2);
        grown.set(stack);
        stack = grown;
      }
    }
    stack[this.#top] = item;
    stack[this.#top + 1] = position;
    stack[this.#top + 2] = bound;
    stack[this.#top + 3] = kind;
    this.#top += ENTRY_WORDS;
  }

  /** Takes back what was done since the last open choice above `base` and takes that choice; false when there is none. */
  #backtrack(base: number): boolean {
    while (this.#top > base) {
      this.#top -= ENTRY_WORDS;
      const item = stack[this.#top] ?? 0;
      const position = stack[this.#top + 1] ?? 0;
      const bound = stack[this.#top + 2] ?? 0;
      const kind = stack[this.#top + 3] ?? 0;
      this.#item = item;
      this.#position = position;
      if (kind === KIND_RESUME) return true;
      if (kind === KIND_RESTORE_SLOT) {
        this.slots[item] = position;
      } else if (kind === KIND_SHORTER_RUN) {
        this.#position = position - 1;
        if (position - 1 > bound) this.#push(item, position - 1, bound, kind);
        return true;
      } else if (
        position < bound &&
        this.#instructions[item - 1]?.set[this.#subject.charCodeAt(position)] === 1
      ) {
        this.#position = position + 1;
        this.#push(item, position + 1, bound, kind);
        return true;
      }
    }
    return false;
  }

  /** Drops all choices above `base` and takes back the slots that were set. */
  #undo(base: number): void {
    while (this.#top > base) {
      this.#top -= ENTRY_WORDS;
      if (stack[this.#top + 3] === KIND_RESTORE_SLOT)
        this.slots[stack[this.#top] ?? 0] = stack[this.#top + 1] ?? -1;
    }
  }
}

function holds(assertion: Assertion, subject: string, position: number): boolean {
  const length = subject.length;
  switch (assertion) {
    case "subject-start":
      return position === 0;
    case "subject-end":
      return position === length;
    case "end-or-newline":
      return position === length || (position === length - 1 && subject[position] === "\n");
    case "line-start": // not behind a newline that ends the subject
      return position === 0 || (position < length && subject[position - 1] === "\n");
    case "line-end":
      return position === length || subject[position] === "\n";
    case "word-boundary":
    case "no-word-boundary": {
      const before = WORD[subject.charCodeAt(position - 1)] === 1;
      const after = WORD[subject.charCodeAt(position)] === 1;
      return (before !== after) === (assertion === "word-boundary");
    }
    default:
      return unreachable(assertion);
  }
}

function equalWithoutCase(left: string, right: string): boolean {
  const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return left === right || lower(left) === lower(right);
}
