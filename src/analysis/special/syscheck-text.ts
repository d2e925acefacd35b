/**
 * File integrity messages of agents before 3.11: `sum[!who] path[\ndifference]`, of every file that a scan sees, and words about the
 * scan itself (wazuh v4.14.7: src/analysisd/decoders/syscheck.c). What changed is told by the sum that is stored.
 */
import { printable } from "#kernel/printable.ts";
import type { Event } from "../event.ts";
import type { SpecialResult } from "./special.ts";
import { type FimChange, type FimField, setFimValues } from "./syscheck-fields.ts";
import type { FimFiles } from "./syscheck-store.ts";
import { type FimSum, type FimWho, readSum, readWho, unescapedIndex } from "./syscheck-sum.ts";
import { changesBetween, changesText, type SumChange } from "./syscheck-sum-changes.ts";

/** The peer's query with path and sum. */
const FIM_FILE_BYTES_MAX = 6144;

/** The peer's buffers. A link that is cut there lacks its line end, here too. */
const LINK_BYTES_MAX = 255;
const PATH_BYTES_MAX = 756;

export type FimTextOptions = {
  /** `alert_new_files` */
  readonly alertNewFiles: boolean;
  /** `auto_ignore`: so many changes within that time, then silence about the file. Null when it is off. */
  readonly autoIgnore: { readonly changes: number; readonly seconds: number } | null;
};

const CHANGE_TEXTS: Readonly<Record<FimChange, string>> = {
  added: "was added.",
  modified: "checksum changed.",
  deleted: "was deleted.",
};

const DECODERS: Readonly<Record<FimChange, string>> = {
  added: "syscheck_new_entry",
  modified: "syscheck_integrity_changed",
  deleted: "syscheck_deleted",
};

const INVALID_MESSAGE = "Invalid FIM message received.";

function nothing(reason: string, error: string | null = null): SpecialResult {
  return { kind: "nothing", reason, error };
}

type Message = {
  readonly path: string;
  readonly sumText: string;
  readonly whoText: string | null;
  readonly difference: string | null;
};

export function decodeFimText(event: Event, files: FimFiles, options: FimTextOptions): SpecialResult {
  const message = readMessage(event.log);
  const nowSeconds = Math.floor(event.receivedMs / 1000);
  if (message === null) return noteScan(event.log, files, nowSeconds);
  if (message.path.length + message.sumText.length > FIM_FILE_BYTES_MAX) return nothing("too_long");
  const earlier = files.find(message.path);
  if (earlier?.sum === message.sumText) {
    files.seen(message.path, nowSeconds);
    return nothing("unchanged");
  }
  const sum = readSum(message.sumText);
  const who = message.whoText === null ? null : readWho(message.whoText);
  if (sum === null || (who === null && message.whoText !== null)) return undecoded(event, message);
  if (sum === "deleted") {
    if (earlier === undefined) return nothing("unchanged");
    files.remove(message.path);
    return report(event, message, { change: "deleted", differences: [], sum: null, who });
  }
  const changes = earlier === undefined ? 0 : changesOf(earlier, nowSeconds, options);
  if (changes === null) return nothing("ignored");
  const stored = { sum: message.sumText, changes, changedSeconds: nowSeconds };
  if (!files.store(message.path, stored, nowSeconds)) return nothing("store_full");
  if (earlier !== undefined) {
    const old = readSum(earlier.sum);
    const differences = old === null || old === "deleted" ? [] : changesBetween(old, sum);
    if (differences.length === 0) return nothing("unchanged");
    return report(event, message, { change: "modified", differences, sum, who });
  }
  const isBaseline = files.scanEnd === 0 || nowSeconds < files.scanEnd;
  if (isBaseline || !options.alertNewFiles) return nothing(isBaseline ? "baseline" : "new_file");
  return report(event, message, { change: "added", differences: [], sum, who });
}

/** Null when there is no path. */
function readMessage(log: string): Message | null {
  const blank = unescapedIndex(log, " ");
  if (blank < 0) return null;
  const head = log.slice(0, blank);
  const mark = unescapedIndex(head, "!");
  const rest = log.slice(blank + 1);
  const lineEnd = rest.indexOf("\n");
  const path = lineEnd < 0 ? rest : rest.slice(0, lineEnd);
  return {
    path: /^[A-Za-z]:/.test(path) ? path.replaceAll("/", "\\") : path,
    sumText: mark < 0 ? head : head.slice(0, mark),
    whoText: mark < 0 ? null : head.slice(mark + 1),
    difference: lineEnd < 0 ? null : rest.slice(lineEnd + 1),
  };
}

function noteScan(word: string, files: FimFiles, nowSeconds: number): SpecialResult {
  switch (word) {
    case "fim-db-start-first-scan":
    case "fim-db-start-scan":
      files.scanStarted(nowSeconds, word === "fim-db-start-first-scan");
      return nothing("scan");
    case "fim-db-end-first-scan":
    case "fim-db-end-scan":
      return nothing(files.scanEnded(nowSeconds, word === "fim-db-end-first-scan") ? "scan" : "invalid");
    case "syscheck-db-completed":
      files.completed(nowSeconds);
      return nothing("scan");
    default:
      return nothing("invalid", INVALID_MESSAGE);
  }
}

function undecoded(event: Event, { path, sumText }: Message): SpecialResult {
  const shown = (text: string) => printable(text, text.length);
  const error = `at fim_db_search: Agent '${event.agentId}' Couldn't decode fim sum '${shown(sumText)}' from file '${shown(path)}'.`;
  return nothing("malformed", error);
}

/** How often the file changed of late, this time included; null when that is too often to be told. */
function changesOf(
  earlier: { readonly changes: number; readonly changedSeconds: number },
  nowSeconds: number,
  { autoIgnore }: FimTextOptions,
): number | null {
  if (autoIgnore === null || nowSeconds - earlier.changedSeconds >= autoIgnore.seconds) return 1;
  return earlier.changes >= autoIgnore.changes ? null : earlier.changes + 1;
}

type Report = {
  readonly change: FimChange;
  readonly differences: readonly SumChange[];
  readonly sum: FimSum | null;
  readonly who: FimWho | null;
};

function report(event: Event, message: Message, { change, differences, sum, who }: Report): SpecialResult {
  if (who?.silent) return nothing("silent");
  const values = new Map<FimField, string>([["file", message.path]]);
  if (message.difference !== null) values.set("changed_content", message.difference);
  values.set("event_type", change);
  if (sum !== null) setSum(values, sum);
  for (const [field, value] of who?.values ?? []) values.set(field, value);
  for (const { before } of differences) for (const [field, value] of before) values.set(field, value);
  if (differences.length > 0)
    values.set("changed_fields", differences.map(({ name }) => `${name},`).join(""));
  setFimValues(event, values);

  const link = values.get("symbolic_path");
  const head = `File '${message.path.slice(0, PATH_BYTES_MAX)}' ${CHANGE_TEXTS[change]}\n`;
  const linkText = link === undefined ? "" : `Symbolic path: '${link}'.\n`.slice(0, LINK_BYTES_MAX);
  event.fullLog = head + linkText + changesText(differences);
  event.log = event.fullLog;
  return { kind: "event", decoderName: DECODERS[change] };
}

function setSum(values: Map<FimField, string>, sum: FimSum): void {
  const set = (field: FimField, value: string | null) => {
    if (value !== null) values.set(field, value);
  };
  set("size", sum.size);
  if (sum.mode !== 0) set("perm", (sum.mode >>> 0).toString(8).padStart(6, "0").slice(0, 6));
  else if (sum.permissions !== "") set("perm", sum.permissions);
  set("uid", sum.uid);
  set("gid", sum.gid);
  set("md5", sum.md5);
  set("sha1", sum.sha1);
  set("uname", sum.uname);
  set("gname", sum.gname);
  if (sum.mtime !== "0") set("mtime", sum.mtime);
  if (sum.inode !== "0") set("inode", sum.inode);
  set("sha256", sum.sha256);
  set("win_attributes", sum.attributes);
}
