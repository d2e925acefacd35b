/**
 * Ties decoder definitions into the tree that events walk: two ordered top-level lists (with and without a program name), children
 * below every top-level decoder of the parent's name, only two levels deep (wazuh v4.14.7: src/analysisd/decoders/decoders_list.c).
 */
import { BUILT_IN_DECODER_NAMES, type Decoder, type DecoderDefinition, NO_DECODER_ID } from "./decoder.ts";
import type { ProblemList } from "./problems.ts";

/** Children below all their parents together: the peer's rule set has 1,500. Parents of one name multiply them. */
const DECODER_PLACES_MAX = 65_536;

export type DecoderTree = {
  readonly withProgramName: readonly Decoder[];
  readonly withoutProgramName: readonly Decoder[];
  /** Ids by shown name: what `decoded_as` may name. */
  readonly idOfName: ReadonlyMap<string, number>;
};

type Child = { readonly definition: DecoderDefinition; next: boolean };

class TopLevel {
  readonly definition: DecoderDefinition;
  readonly children: Child[] = [];
  readonly #lastOfName = new Map<string, Child>();

  constructor(definition: DecoderDefinition) {
    this.definition = definition;
  }

  /** The last child so far of that name. Those before it were checked against it, and know that they go on. */
  lastOf(name: string): Child | undefined {
    return this.#lastOfName.get(name);
  }

  add(definition: DecoderDefinition): void {
    const earlier = this.lastOf(definition.name);
    if (earlier !== undefined) earlier.next = true;
    const child = { definition, next: false };
    this.children.push(child);
    this.#lastOfName.set(definition.name, child);
  }
}

type Mistake = { readonly message: string; readonly expected: string };

/** Null when a child may stand beside the last one of its name. */
function siblingMistake(earlier: DecoderDefinition | undefined, added: DecoderDefinition): Mistake | null {
  const { name } = added;
  if (earlier === undefined) {
    if (added.regexOffset !== "after_regex") return null;
    return {
      message: "(2120): Invalid offset value: 'after_regex'",
      expected: "an earlier decoder of the same name and parent",
    };
  }
  if (added.prematch !== null) {
    return {
      message: `(2102): Duplicated decoder with prematch: '${name}'.`,
      expected: "a <prematch> on the first one only",
    };
  }
  if (added.fts !== null) {
    return {
      message: `(2103): Duplicated decoder with fts set: '${name}'.`,
      expected: "<fts> on the first one only",
    };
  }
  const runs = (decoder: DecoderDefinition) => decoder.regex !== null || decoder.plugin !== null;
  if (runs(earlier) && runs(added)) return null;
  return {
    message: `(2104): Invalid duplicated decoder: '${name}'.`,
    expected: "a <regex> in each decoder of that name",
  };
}

class TreeBuilder {
  readonly #problems: ProblemList;
  readonly #topLevel: TopLevel[] = [];
  readonly #byName = new Map<string, TopLevel[]>();
  #places = 0;

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  add(definition: DecoderDefinition): void {
    if (definition.parent !== null) {
      this.#addChild(definition, definition.parent);
      return;
    }
    const decoder = new TopLevel(definition);
    this.#topLevel.push(decoder);
    const sameName = this.#byName.get(definition.name);
    if (sameName === undefined) this.#byName.set(definition.name, [decoder]);
    else sameName.push(decoder);
  }

  #addChild(child: DecoderDefinition, parentName: string): void {
    const parents = this.#byName.get(parentName) ?? [];
    if (parents.length === 0) {
      const message = `(2101): Parent decoder name invalid: '${parentName}'.`;
      this.#refuse(child, [message], "the name of a decoder that has no parent and was loaded earlier");
      return;
    }
    this.#places += parents.length;
    if (this.#places > DECODER_PLACES_MAX) {
      const message = `Too many decoders below others: '${child.name}' has ${parents.length} parents.`;
      this.#refuse(child, [message], `at most ${DECODER_PLACES_MAX} places in all`);
      return;
    }
    for (const parent of parents) {
      const mistake = siblingMistake(parent.lastOf(child.name)?.definition, child);
      if (mistake !== null) {
        const messages = [mistake.message, "(2105): Error loading decoder options."];
        this.#refuse(child, messages, mistake.expected);
        return;
      }
      parent.add(child);
    }
  }

  #refuse(child: DecoderDefinition, messages: readonly string[], expected: string): void {
    for (const message of messages) this.#problems.error(child.position, message, expected);
    this.#problems.error(child.position, "(2106): Error adding decoder plugin.");
  }

  finish(): DecoderTree {
    const ids = new Map<string, number>();
    const idOf = (name: string): number => {
      const id = ids.get(name) ?? NO_DECODER_ID + 1 + ids.size;
      ids.set(name, id);
      return id;
    };
    for (const name of BUILT_IN_DECODER_NAMES) idOf(name);
    const decoders = this.#topLevel.map(({ definition, children }): Decoder => {
      const shownName = definition.name;
      return {
        ...definition,
        shownName,
        id: idOf(shownName),
        children: children.map((child) => finishChild(child, shownName, idOf)),
        next: false,
      };
    });
    return {
      withProgramName: decoders.filter(({ programName }) => programName !== null),
      withoutProgramName: decoders.filter(({ programName }) => programName === null),
      idOfName: ids,
    };
  }
}

/** Every child is known by its parent's name, unless it uses its own. */
function finishChild(child: Child, parentName: string, idOf: (name: string) => number): Decoder {
  const { definition, next } = child;
  const shownName = definition.useOwnName ? definition.name : parentName;
  return { ...definition, shownName, id: idOf(shownName), children: [], next };
}

export function buildDecoderTree(
  definitions: readonly DecoderDefinition[],
  problems: ProblemList,
): DecoderTree {
  const builder = new TreeBuilder(problems);
  for (const definition of definitions) builder.add(definition);
  return builder.finish();
}
