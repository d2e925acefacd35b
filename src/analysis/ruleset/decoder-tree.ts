/**
 * Ties decoder definitions into the tree that events walk: two ordered top-level lists (with and without a program name), children
 * below every top-level decoder of the parent's name, only two levels deep (wazuh v4.14.7: src/analysisd/decoders/decoders_list.c).
 */
import { BUILT_IN_DECODER_NAMES, type Decoder, type DecoderDefinition, NO_DECODER_ID } from "./decoder.ts";
import type { ProblemList } from "./problems.ts";

export type DecoderTree = {
  readonly withProgramName: readonly Decoder[];
  readonly withoutProgramName: readonly Decoder[];
  /** Ids by shown name: what `decoded_as` may name. */
  readonly idOfName: ReadonlyMap<string, number>;
};

type Node = { readonly definition: DecoderDefinition; next: boolean };
type TopLevel = { readonly definition: DecoderDefinition; readonly children: Node[] };

/** False when the new child may not stand beside an earlier one of its name. */
function checkSibling(earlier: DecoderDefinition, added: DecoderDefinition, problems: ProblemList): boolean {
  const refuse = (message: string, expected: string): boolean => {
    problems.error(added.position, message, expected);
    problems.error(added.position, "(2105): Error adding decoder to the list.");
    return false;
  };
  const name = added.name;
  if (added.prematch !== null) {
    return refuse(
      `(2102): Duplicated decoder with prematch: '${name}'.`,
      "a <prematch> on the first one only",
    );
  }
  if (added.fts !== null) {
    return refuse(`(2103): Duplicated decoder with fts set: '${name}'.`, "<fts> on the first one only");
  }
  const usable = (decoder: DecoderDefinition) => decoder.regex !== null || decoder.plugin !== null;
  if (!usable(earlier) || !usable(added)) {
    return refuse(`(2104): Invalid duplicated decoder: '${name}'.`, "a <regex> in each decoder of that name");
  }
  return true;
}

/** Appends the child below one parent; its same-named siblings learn that they go on. */
function addChild(parent: TopLevel, child: DecoderDefinition, problems: ProblemList): boolean {
  for (const sibling of parent.children) {
    if (sibling.definition.name !== child.name) continue;
    if (!checkSibling(sibling.definition, child, problems)) return false;
    sibling.next = true;
  }
  parent.children.push({ definition: child, next: false });
  return true;
}

function placeChild(child: DecoderDefinition, topLevel: readonly TopLevel[], problems: ProblemList): void {
  const parents = topLevel.filter((candidate) => candidate.definition.name === child.parent);
  if (parents.length === 0) {
    problems.error(
      child.position,
      `(2101): Parent decoder name invalid: '${child.parent}'.`,
      "the name of a decoder that has no parent and was loaded earlier",
    );
    problems.error(child.position, "(2106): Error adding decoder plugin.");
    return;
  }
  for (const parent of parents) {
    if (!addChild(parent, child, problems)) {
      problems.error(child.position, "(2106): Error adding decoder plugin.");
      return;
    }
  }
}

class Ids {
  readonly #idOfName = new Map<string, number>();

  of(name: string): number {
    let id = this.#idOfName.get(name);
    if (id === undefined) {
      id = NO_DECODER_ID + 1 + this.#idOfName.size;
      this.#idOfName.set(name, id);
    }
    return id;
  }

  get all(): ReadonlyMap<string, number> {
    return this.#idOfName;
  }
}

function finish(topLevel: TopLevel, ids: Ids): Decoder {
  const { definition } = topLevel;
  const children = topLevel.children.map((child): Decoder => {
    const shownName = child.definition.useOwnName ? child.definition.name : definition.name;
    return { ...child.definition, shownName, id: ids.of(shownName), children: [], next: child.next };
  });
  return { ...definition, shownName: definition.name, id: ids.of(definition.name), children, next: false };
}

export function buildDecoderTree(
  definitions: readonly DecoderDefinition[],
  problems: ProblemList,
): DecoderTree {
  const topLevel: TopLevel[] = [];
  for (const definition of definitions) {
    if (definition.parent !== null) placeChild(definition, topLevel, problems);
    else topLevel.push({ definition, children: [] });
  }
  const ids = new Ids();
  for (const name of BUILT_IN_DECODER_NAMES) ids.of(name);
  const finished = topLevel.map((node) => finish(node, ids));
  return {
    withProgramName: finished.filter((decoder) => decoder.programName !== null),
    withoutProgramName: finished.filter((decoder) => decoder.programName === null),
    idOfName: ids.all,
  };
}
