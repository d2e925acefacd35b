/**
 * Dotted names of fields as a tree: `a.b` and `a.c` are members of the object `a`. Names compare without case: of two equal ones the
 * first stays.
 *
 * The tree outlives the event: a name that came before is found by one look-up and costs no memory. Only names stay in it, no values.
 */
import { ownCopy } from "../own-copy.ts";

/** cJSON, which the peer's tools read documents with, takes no deeper nesting. A name of so many parts is left out. */
const NESTING_MAX = 1000;

/** Names come from outside: a tree of more nodes is let go. So many are about 2 MB. */
const NODES_KEPT_MAX = 8192;
/** The same for the bytes of all names. */
const NAME_BYTES_KEPT_MAX = 512 * 1024;
/** Longer names are walked through part by part each time: a message can hold one of 64 KB. */
const NAME_REMEMBERED_BYTES_MAX = 128;

/** Stands for the place of a value where there is an object. */
const OBJECT = -1;

/** A part of a name in one spelling. What the event has there is kept by `folded`, the node of the name in lower case. */
export class FieldNode {
  /** `"part":` */
  readonly json: string;
  /** Null for the outermost object. */
  readonly parent: FieldNode | null;
  readonly folded: FieldNode;
  /** By the spelling of the part; null as long as there are none. */
  children: Map<string, FieldNode> | null = null;
  /** The number of the last event that had something here. */
  stamp = 0;
  /** The place of a leaf's value among those of the event. */
  index = OBJECT;
  /** Of an object, in the order in which they came. */
  readonly members: FieldNode[] = [];

  constructor(json: string, parent: FieldNode | null, folded: FieldNode | null) {
    this.json = json;
    this.parent = parent;
    this.folded = folded ?? this;
  }

  get isObject(): boolean {
    return this.index === OBJECT;
  }
}

export class FieldTree {
  #root = new FieldNode("", null, null);
  readonly #nodeOfName = new Map<string, FieldNode>();
  #nodes = 0;
  #nameBytes = 0;
  #stamp = 0;

  /** Begins an event; returns its outermost object. */
  begin(): FieldNode {
    this.#stamp++;
    this.#open(this.#root);
    return this.#root;
  }

  /** Ends it: what it made the tree remember may be too much. */
  end(): void {
    if (this.#nodes <= NODES_KEPT_MAX && this.#nameBytes <= NAME_BYTES_KEPT_MAX) return;
    this.#root = new FieldNode("", null, null);
    this.#nodeOfName.clear();
    this.#nodes = 0;
    this.#nameBytes = 0;
  }

  /** Nothing happens when the name is taken, or when it would be a member of a leaf. */
  add(name: string, index: number): void {
    const node = this.#nodeOfName.get(name) ?? this.#walk(name);
    if (node === null) return;
    const { folded, parent } = node;
    if (folded.stamp === this.#stamp || parent === null || !this.#open(parent)) return;
    folded.stamp = this.#stamp;
    folded.index = index;
    parent.folded.members.push(node);
  }

  /** Makes it an object of the event, and all around it; false when there is a leaf in the way. */
  #open(node: FieldNode): boolean {
    const { folded, parent } = node;
    if (folded.stamp === this.#stamp) return folded.isObject;
    if (parent !== null) {
      if (!this.#open(parent)) return false;
      parent.folded.members.push(node);
    }
    folded.stamp = this.#stamp;
    folded.index = OBJECT;
    folded.members.length = 0;
    return true;
  }

  /** Null when the name has too many parts. */
  #walk(name: string): FieldNode | null {
    const parts = name.split(".", NESTING_MAX);
    if (parts.length === NESTING_MAX) return null;
    let node = this.#root;
    for (const part of parts) node = this.#child(node, part);
    if (name.length <= NAME_REMEMBERED_BYTES_MAX) {
      this.#nodeOfName.set(ownCopy(name), node);
      this.#nameBytes += name.length;
    }
    return node;
  }

  #child(parent: FieldNode, part: string): FieldNode {
    const known = parent.children?.get(part);
    if (known !== undefined) return known;
    const lower = part.toLowerCase();
    const isFolded = parent === parent.folded && lower === part;
    const folded = isFolded ? null : this.#child(parent.folded, lower);
    const node = new FieldNode(`${JSON.stringify(part)}:`, parent, folded);
    parent.children ??= new Map();
    parent.children.set(ownCopy(part), node);
    this.#nodes++;
    this.#nameBytes += part.length;
    return node;
  }
}
