/** How an agent takes its shared files: by the protocol's description, with code of its own. */
import { createHash } from "node:crypto";

const UP_FILE = /^#!-up file ([0-9a-f]{32}) (\S+)\n$/;
const CLOSE_FILE = "#!-close file ";
const FILE_LINE = /!(\d+) ([^\n]+)\n/y;
const NAME_LINE = /#([^\n]*)\n/y;

export type SharedFiles = {
  /** MD5 of merged.mg. */
  readonly sum: string;
  /** Its first line. */
  readonly name: string;
  /** By path; one char a byte. */
  readonly files: ReadonlyMap<string, string>;
};

/** Throws for what an agent would refuse. */
export function unmerge(merged: string): Omit<SharedFiles, "sum"> {
  NAME_LINE.lastIndex = 0;
  const name = NAME_LINE.exec(merged)?.[1];
  if (name === undefined) throw new Error("merged.mg without a name");
  const files = new Map<string, string>();
  for (let at = NAME_LINE.lastIndex; at < merged.length; ) {
    FILE_LINE.lastIndex = at;
    const [, size, path] = FILE_LINE.exec(merged) ?? [];
    if (size === undefined || path === undefined) throw new Error(`no entry at ${at}`);
    const end = FILE_LINE.lastIndex + Number(size);
    if (end > merged.length || path.split("/").includes("..")) throw new Error(`bad entry at ${at}`);
    files.set(path, merged.slice(FILE_LINE.lastIndex, end));
    at = end;
  }
  return { name, files };
}

export class TestFileReceiver {
  #open: { readonly sum: string; readonly parts: string[] } | null = null;
  /** Of the last merged.mg that arrived whole. */
  shared: SharedFiles | null = null;
  /** Files that arrived whole. */
  taken = 0;

  /** Takes a message of the manager; false when it is no part of a file. */
  take(message: string): boolean {
    const [, sum, name] = UP_FILE.exec(message) ?? [];
    if (sum !== undefined) {
      if (name !== "merged.mg") throw new Error(`a file that nobody sends: ${name}`);
      this.#open = { sum, parts: [] };
      return true;
    }
    if (message === CLOSE_FILE) {
      this.#close();
      return true;
    }
    if (this.#open === null || message.startsWith("#!-")) return false;
    if (message.length > 900) throw new Error(`a part of ${message.length} bytes`);
    this.#open.parts.push(message);
    return true;
  }

  #close(): void {
    if (this.#open === null) throw new Error("no file to close");
    const merged = this.#open.parts.join("");
    const sum = createHash("md5").update(merged, "latin1").digest("hex");
    if (sum !== this.#open.sum) throw new Error(`file with MD5 ${sum} instead of ${this.#open.sum}`);
    this.#open = null;
    this.shared = { sum, ...unmerge(merged) };
    this.taken++;
  }
}
