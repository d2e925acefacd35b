/** A PCRE2 tree as a list of instructions for the backtracking machine (pcre2-machine.ts). */
import { unreachable } from "#kernel/unreachable.ts";
import { ERRCODE_PCRE2_TOO_LARGE, Pcre2Error } from "./pcre2-cursor.ts";
import { canBeEmpty, startsAtSubjectStart } from "./pcre2-facts.ts";
import type { Tree } from "./pcre2-parse.ts";
import type { Assertion, ByteSet, Node } from "./pcre2-tree.ts";

/** About what the library takes at most: its link size of two bytes ends a pattern at 64 KiB of code. */
const INSTRUCTIONS_MAX = 65_536;

export const OP_ACCEPT = 0;
/** One byte of `set`. */
export const OP_BYTE = 1;
/** `min` to `max` bytes of `set`, as many as possible first, or as few. */
export const OP_GREEDY_RUN = 2;
export const OP_LAZY_RUN = 3;
/** Goes on with the next instruction, or else at `target`; or the other way round. */
export const OP_TRY_NEXT = 4;
export const OP_TRY_TARGET = 5;
export const OP_JUMP = 6;
/** Notes the position in `slot`. */
export const OP_MARK = 7;
/** Sets group `group` from the position noted in `slot` to here. */
export const OP_CAPTURE = 8;
/** Goes to `target` when nothing was consumed since the position noted in `slot`. */
export const OP_LEAVE_IF_EMPTY = 9;
/** These three match the instructions up to the next accept of their own for themselves, then go on at `target`. */
export const OP_ATOMIC = 10;
export const OP_LOOK = 11;
export const OP_NEGATED_LOOK = 12;
/** `min` bytes back. */
export const OP_BACK = 13;
/** The text of group `group` again; with or without regard to case. */
export const OP_REFERENCE = 14;
export const OP_CASELESS_REFERENCE = 15;
export const OP_ASSERTION = 16;

/** All have all fields, so that the machine reads objects of one shape. */
export type Instruction = {
  readonly op: number;
  readonly set: ByteSet;
  readonly min: number;
  readonly max: number;
  readonly slot: number;
  readonly group: number;
  readonly assertion: Assertion;
  target: number;
};

export type Program = {
  readonly instructions: readonly Instruction[];
  /** Two for each group, the whole match being group 0, then those that instructions note positions in. */
  readonly slotCount: number;
  readonly groupCount: number;
  readonly anchored: boolean;
};

export function compileProgram(tree: Tree): Program {
  const compiler = new Compiler(tree.groupCount);
  compiler.compile(tree.root);
  compiler.add(OP_ACCEPT);
  return {
    instructions: compiler.instructions,
    slotCount: compiler.slotCount,
    groupCount: tree.groupCount,
    anchored: startsAtSubjectStart(tree.root),
  };
}

const NO_BYTES: ByteSet = new Uint8Array(256);

class Compiler {
  readonly instructions: Instruction[] = [];
  slotCount: number;

  constructor(groupCount: number) {
    this.slotCount = 2 * (groupCount + 1);
  }

  add(op: number, fields: Partial<Instruction> = {}): Instruction {
    if (this.instructions.length >= INSTRUCTIONS_MAX) {
      throw new Pcre2Error(
        ERRCODE_PCRE2_TOO_LARGE,
        "pattern is too large with its counted repeats written out",
        0,
      );
    }
    const {
      set = NO_BYTES,
      min = 0,
      max = 0,
      slot = 0,
      group = 0,
      assertion = "subject-start",
      target = 0,
    } = fields;
    const instruction: Instruction = { op, set, min, max, slot, group, assertion, target };
    this.instructions.push(instruction);
    return instruction;
  }

  compile(node: Node): void {
    switch (node.kind) {
      case "bytes":
        this.add(OP_BYTE, { set: node.set });
        break;
      case "sequence":
        for (const item of node.items) this.compile(item);
        break;
      case "choice":
        this.#choice(node.branches);
        break;
      case "repeat":
        if (node.body.kind === "bytes") {
          this.add(node.lazy ? OP_LAZY_RUN : OP_GREEDY_RUN, {
            set: node.body.set,
            min: node.min,
            max: node.max,
          });
        } else {
          this.#repeat(node.body, node.min, node.max, node.lazy ? OP_TRY_TARGET : OP_TRY_NEXT);
        }
        break;
      case "capture": {
        const slot = this.slotCount++;
        this.add(OP_MARK, { slot });
        this.compile(node.body);
        this.add(OP_CAPTURE, { slot, group: node.index });
        break;
      }
      case "atomic":
        this.#enclosed(OP_ATOMIC, node.body);
        break;
      case "look":
        this.#enclosed(node.negated ? OP_NEGATED_LOOK : OP_LOOK, node.body);
        break;
      case "back":
        this.add(OP_BACK, { min: node.bytes });
        break;
      case "reference":
        this.add(node.caseless ? OP_CASELESS_REFERENCE : OP_REFERENCE, { group: node.group });
        break;
      case "assertion":
        this.add(OP_ASSERTION, { assertion: node.assertion });
        break;
      default:
        unreachable(node);
    }
  }

  #choice(branches: readonly Node[]): void {
    const exits: Instruction[] = [];
    branches.forEach((branch, index) => {
      if (index === branches.length - 1) {
        this.compile(branch);
        return;
      }
      const fork = this.add(OP_TRY_NEXT);
      this.compile(branch);
      exits.push(this.add(OP_JUMP));
      fork.target = this.instructions.length;
    });
    this.#leadHere(exits);
  }

  /** The rounds that must be are written out; an unbounded repeat loops on its last one. */
  #repeat(body: Node, min: number, max: number, fork: number): void {
    const unbounded = max === Number.POSITIVE_INFINITY;
    const exits: Instruction[] = [];
    for (let round = unbounded ? 1 : 0; round < min; round++) this.compile(body);
    if (unbounded) {
      if (min === 0) exits.push(this.add(fork));
      const start = this.instructions.length;
      const slot = this.slotCount++;
      const checked = canBeEmpty(body);
      if (checked) this.add(OP_MARK, { slot });
      this.compile(body);
      if (checked) exits.push(this.add(OP_LEAVE_IF_EMPTY, { slot }));
      this.add(fork === OP_TRY_NEXT ? OP_TRY_TARGET : OP_TRY_NEXT, { target: start });
    }
    for (let round = min; round < max && !unbounded; round++) {
      exits.push(this.add(fork));
      this.compile(body);
    }
    this.#leadHere(exits);
  }

  #enclosed(op: number, body: Node): void {
    const instruction = this.add(op);
    this.compile(body);
    this.add(OP_ACCEPT);
    this.#leadHere([instruction]);
  }

  #leadHere(instructions: readonly Instruction[]): void {
    for (const instruction of instructions) instruction.target = this.instructions.length;
  }
}
