/**
 * The names of members of JSON events, with those of the objects around them, each made once: documents of one kind come again and
 * again.
 *
 * Each object remembers which member came first, and each member which one came after it. So the next document of the kind is read
 * by comparing its text, instead of cutting names out, joining them and looking them up. Measured: a third less time a document.
 */
import { ownCopy } from "../own-copy.ts";
import { STATIC_FIELDS, type StaticField } from "./sink.ts";

/** Names come from outside: when there are more, the next document starts again. So many are about 3 MB. */
const NAMES_REMEMBERED_MAX = 8192;
/** Longer ones are made each time: a message can hold one of 64 KB. */
const NAME_REMEMBERED_BYTES_MAX = 256;

/** Members that are static fields of the event; one has another name there. `user` is a matter of its own. */
const STATIC_NAMES: ReadonlyMap<string, StaticField> = new Map(
  STATIC_FIELDS.map((field) => [field === "system_name" ? "systemname" : field, field]),
);

const NEEDS_ESCAPES = /["\\]/;

export class MemberName {
  /** The whole name: `win.system.eventID`. */
  readonly name: string;
  /** `"eventID":`, as a document has it; null when that would need escapes, or the name is not remembered. */
  readonly key: string | null;
  /** Null for a dynamic field. */
  readonly staticField: StaticField | null;
  /** Of the object that it names. */
  members: Map<string, MemberName> | null = null;
  /** The first member of the object, and the one that came after this one, when they were read last. */
  first: MemberName | null = null;
  next: MemberName | null = null;

  constructor(name: string, key: string | null, staticField: StaticField | null) {
    this.name = name;
    this.key = key;
    this.staticField = staticField;
  }
}

/** Serves all documents of a thread, one after the other. */
export class MemberNames {
  #root = new MemberName("", null, null);
  #count = 0;

  /** The outermost object of a new document. */
  begin(): MemberName {
    if (this.#count >= NAMES_REMEMBERED_MAX) {
      this.#root = new MemberName("", null, null);
      this.#count = 0;
    }
    return this.#root;
  }

  memberOf(object: MemberName, name: string): MemberName {
    const known = object.members?.get(name);
    if (known !== undefined) return known;
    const whole = object === this.#root ? name : `${object.name}.${name}`;
    if (whole.length > NAME_REMEMBERED_BYTES_MAX) return new MemberName(whole, null, null);
    const key = NEEDS_ESCAPES.test(name) ? null : ownCopy(`"${name}":`);
    const member = new MemberName(ownCopy(whole), key, STATIC_NAMES.get(whole) ?? null);
    object.members ??= new Map();
    object.members.set(ownCopy(name), member);
    this.#count++;
    return member;
  }
}
