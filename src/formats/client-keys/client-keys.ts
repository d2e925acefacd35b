/**
 * The file `etc/client.keys`: one agent a line, `<id> <name> <address> <key>`, which people and tools edit too.
 *
 * Pure: bytes in, values out, and back. Removed agents stay in the file with a `!` before the name (an older mark is
 * `#`), after all live ones, so that their ids are never given out again. Damaged lines are reported, never fatal.
 */
import { printableLines } from "#kernel/printable.ts";
import {
  AGENT_ID_NUMBER_MAX,
  type AgentAddress,
  type AgentId,
  type AgentKey,
  type AgentName,
  agentIdOf,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import { Secret } from "#model/secret.ts";

export type KeyEntry = {
  readonly id: AgentId;
  readonly name: AgentName;
  readonly address: AgentAddress;
  readonly key: AgentKey;
};

/** The whole line, because it is written back as it was; a secret, because it ends with a key. */
export type RemovedLine = { readonly id: AgentId; readonly line: Secret };

export type KeyFileError = {
  /** Counts from 1. */
  readonly lineNumber: number;
  readonly code: "fields" | "id" | "name" | "address" | "key" | "line_too_long";
  readonly log: string;
};

export type ClientKeys = {
  /** In the order of the file. Of two with one id or address the first counts; both are here. */
  readonly entries: readonly KeyEntry[];
  readonly removed: readonly RemovedLine[];
  /** Of live and removed agents and damaged lines; it never goes down, so that no id is used twice. */
  readonly highestId: number;
};

export type ReadResult = ClientKeys & {
  /** The first ones; `errorCount` counts all. */
  readonly errors: readonly KeyFileError[];
  readonly errorCount: number;
  /** False: a newline must come before the next appended line. */
  readonly endsWithNewline: boolean;
};

export const NO_KEYS: ClientKeys = { entries: [], removed: [], highestId: 0 };

/** The peer reads no more of a line. */
const LINE_BYTES_MAX = 2047;
/** A file that is something else altogether is reported by its first lines. */
const ERRORS_LISTED_MAX = 100;
const LOGGED_CHARS_MAX = 128;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const HASH = 0x23;
const REMOVED_MARK = "!";
const OLD_REMOVED_MARK = "#";

/** The strings returned are copies: the file's bytes are free afterwards. */
export function readClientKeys(file: Buffer): ReadResult {
  const entries: KeyEntry[] = [];
  const removed: RemovedLine[] = [];
  const errors: KeyFileError[] = [];
  let highestId = 0;
  let errorCount = 0;
  let lineNumber = 0;
  for (let start = 0; start < file.length; ) {
    const newlineAt = file.indexOf(NEWLINE, start);
    const end = newlineAt === -1 ? file.length : newlineAt;
    const lineEnd = end > start && file[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    const result = readLine(file.subarray(start, lineEnd));
    start = end + 1;
    lineNumber++;
    if (result.kind === "skipped") continue;
    if (result.kind === "entry") entries.push(result.entry);
    else if (result.kind === "removed") removed.push(result.removed);
    else if (++errorCount <= ERRORS_LISTED_MAX) {
      errors.push({ lineNumber, code: result.code, log: result.log });
    }
    highestId = Math.max(highestId, idNumberOf(result));
  }
  const endsWithNewline = file.length === 0 || file[file.length - 1] === NEWLINE;
  return { entries, removed, highestId, errors, errorCount, endsWithNewline };
}

/** Null when someone has written the highest id there is into the file. */
export function nextId({ highestId }: Pick<ClientKeys, "highestId">): AgentId | null {
  return highestId < AGENT_ID_NUMBER_MAX ? agentIdOf(highestId + 1) : null;
}

/** The line of one agent with its newline: what is appended to the file. Holds the key in clear. */
export function formatKeyEntry({ id, name, address, key }: KeyEntry): string {
  return `${id} ${name} ${address.text} ${key.reveal()}\n`;
}

/** The whole file, live agents first. Holds keys in clear. */
export function formatClientKeys({ entries, removed }: ClientKeys): string {
  return entries.map(formatKeyEntry).join("") + removed.map(({ line }) => `${line.reveal()}\n`).join("");
}

export function withEntry(keys: ClientKeys, entry: KeyEntry): ClientKeys {
  return {
    ...keys,
    entries: [...keys.entries, entry],
    highestId: Math.max(keys.highestId, Number(entry.id)),
  };
}

/** Without the agents of that id; with `purge` they leave no line behind. */
export function withoutEntry(
  keys: ClientKeys,
  id: AgentId,
  { purge }: { readonly purge: boolean },
): ClientKeys {
  const gone = purge ? [] : keys.entries.filter((entry) => entry.id === id).map(removedLine);
  return {
    ...keys,
    entries: keys.entries.filter((entry) => entry.id !== id),
    removed: [...keys.removed, ...gone],
  };
}

function removedLine({ id, name, address, key }: KeyEntry): RemovedLine {
  return { id, line: new Secret(`${id} ${REMOVED_MARK}${name} ${address.text} ${key.reveal()}`) };
}

type LineResult =
  | { readonly kind: "skipped" }
  | { readonly kind: "entry"; readonly entry: KeyEntry }
  | { readonly kind: "removed"; readonly removed: RemovedLine }
  /** `id` where the line has one: it is taken, whatever else is wrong. */
  | {
      readonly kind: "error";
      readonly id: AgentId | null;
      readonly code: KeyFileError["code"];
      readonly log: string;
    };

function readLine(line: Buffer): LineResult {
  if (line.length === 0 || line[0] === HASH || line[0] === SPACE) return { kind: "skipped" };
  const nameAt = line.indexOf(SPACE) + 1;
  // The peer prints such a line whole with its newline, and of one that ends later only the id.
  if (nameAt === 0) return unreadable("fields", null, `${line.toString("latin1", 0, LINE_BYTES_MAX)}\n`);
  const idText = line.toString("latin1", 0, nameAt - 1);
  const id = parseAgentId(idText);
  if (line.length > LINE_BYTES_MAX) return unreadable("line_too_long", id, idText);
  if (id === null) return unreadable("id", null, idText);

  const mark = line.toString("latin1", nameAt, nameAt + 1);
  if (mark === REMOVED_MARK || mark === OLD_REMOVED_MARK) {
    return { kind: "removed", removed: { id, line: new Secret(line.toString("latin1")) } };
  }
  const addressAt = line.indexOf(SPACE, nameAt) + 1;
  if (addressAt === 0) return unreadable("fields", id, id);
  const keyAt = line.indexOf(SPACE, addressAt) + 1;
  if (keyAt === 0) return unreadable("fields", id, id);
  // What a person wrote behind the key is not part of it.
  const keySpaceAt = line.indexOf(SPACE, keyAt);
  const keyEnd = keySpaceAt === -1 ? line.length : keySpaceAt;
  return readFields(id, {
    name: line.toString("latin1", nameAt, addressAt - 1),
    address: line.toString("latin1", addressAt, keyAt - 1),
    key: line.toString("latin1", keyAt, keyEnd),
  });
}

function idNumberOf(result: Exclude<LineResult, { kind: "skipped" }>): number {
  if (result.kind === "entry") return Number(result.entry.id);
  return Number((result.kind === "removed" ? result.removed.id : result.id) ?? 0);
}

type FieldTexts = { readonly name: string; readonly address: string; readonly key: string };

function readFields(id: AgentId, texts: FieldTexts): LineResult {
  const name = parseAgentName(texts.name);
  if (name === null) return unreadable("name", id, id);
  const address = parseAgentAddress(texts.address);
  if (address === null) {
    const log = `(1237): Invalid ip address: '${shown(texts.address)}'.`;
    return { kind: "error", id, code: "address", log };
  }
  const key = parseAgentKey(texts.key);
  if (key === null) return unreadable("key", id, id);
  return { kind: "entry", entry: { id, name, address, key } };
}

function unreadable(code: KeyFileError["code"], id: AgentId | null, text: string): LineResult {
  return { kind: "error", id, code, log: `(1401): Error reading authentication key: '${shown(text)}'.` };
}

/** The newline stays: it is part of the peer's text. */
function shown(text: string): string {
  return printableLines(text, LOGGED_CHARS_MAX);
}
