/**
 * Copies of files of rules, as if someone had written as many rules again: new ids, the same parents and fields, other literals of
 * the same lengths. Their groups are others too: a rule that stands below a group would else stand below each copy of its members.
 */

/** The first id that users' rules do not usually have. */
const FIRST_ID = 121_000;

const RULE_ID = /(<rule\b[^>]*?\bid=")(\d+)"/g;
const GROUP_NAME = /(<group name=")([^"]*)"/g;
const GROUPS = /(<group>)([^<]*)(<\/group>)/g;
/** Elements whose text is a pattern. */
const PATTERN = /(<(match|regex|field|url|user|program_name)\b[^>]*>)([^<]*)(<\/\2>)/g;
/** Words, as long as they are no part of a class, a variable, an entity or a group's head. */
const WORD = /(?<![\\A-Za-z$_&:(?])[A-Za-z]{4,}/g;
const NAME = /[^,\s]+/g;

/** Another word for each copy: backwards, and turned by as many letters. */
function otherWord(word: string, copy: number): string {
  const backwards = [...word].reverse().join("");
  const turn = copy % word.length;
  return backwards.slice(turn) + backwards.slice(0, turn);
}

/** Makes copies of one set of rules; no id is given twice. */
export class RuleCopier {
  readonly #taken: Set<string>;
  #nextId = FIRST_ID;

  /** `texts` are all files of the set. */
  constructor(texts: readonly string[]) {
    this.#taken = new Set(texts.flatMap((text) => [...text.matchAll(RULE_ID)].map(([, , id = ""]) => id)));
  }

  /** `copy` counts from 1. */
  copyOf(text: string, copy: number): string {
    // A group is found by a part of its name too.
    const groups = (names: string) => names.replaceAll(NAME, (name) => otherWord(name, copy));
    return text
      .replaceAll(RULE_ID, (_, head: string) => `${head}${this.#freeId()}"`)
      .replaceAll(GROUP_NAME, (_, head: string, names: string) => `${head}${groups(names)}"`)
      .replaceAll(GROUPS, (_, open: string, names: string, close: string) => open + groups(names) + close)
      .replaceAll(PATTERN, (_, open: string, _name: string, pattern: string, close: string) => {
        return open + pattern.replaceAll(WORD, (word) => otherWord(word, copy)) + close;
      });
  }

  #freeId(): string {
    while (this.#taken.has(String(this.#nextId))) this.#nextId++;
    return String(this.#nextId++);
  }
}
