/**
 * What a command writes into ossec.conf: a block of its own at the end, since of what is written twice the later one counts. The next call replaces it.
 */
import { readManagerConfig } from "#config/manager-config.ts";
import { errorLines } from "#daemons/settings.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Environment } from "../environment.ts";

const BLOCK_END = "<!-- End of what it wrote. -->\n";
/** What would have to be written otherwise in XML. */
const UNWRITABLE = /[<>&\x00-\x1f]/;

export function demandWritable(element: string, text: string): void {
  if (UNWRITABLE.test(text)) throw new CodedError("argument_invalid", `'${text}' is no ${element}`);
}

/** `lines` stand inside `<ossec_config>`. `command` is how it was called, without its arguments. */
export function withBlock(text: string, command: string, lines: readonly string[]): string {
  const block = ["<ossec_config>", ...lines, "</ossec_config>"].map((line) => `${line}\n`).join("");
  return `${text.trimEnd()}\n\n${startOf(command)}${block}${BLOCK_END}`;
}

/** Without what the command has written before. */
export function withoutBlock(text: string, command: string): string {
  const start = text.indexOf(startOf(command));
  const end = start < 0 ? -1 : text.indexOf(BLOCK_END, start);
  if (end < 0) return text;
  return text.slice(0, start).replace(/\n$/, "") + text.slice(end + BLOCK_END.length);
}

function startOf(command: string): string {
  return `<!-- Written by '${command}'. -->\n`;
}

/** Throws when the manager would not start with it; `hidden` are bits of the mode that the file shall not have. */
export function writeConfig({ files }: Environment, path: string, text: string, hidden = 0): void {
  const errors = errorLines(readManagerConfig(text, path).problems);
  if (errors.length > 0) throw new CodedError("argument_invalid", errors.join("\n"));
  // Who may not write the file shall not put one in its place that the manager cannot read.
  files.open(path, "update").close();
  files.replace(path, Buffer.from(text, "latin1"), (files.info(path)?.mode ?? 0o640) & 0o777 & ~hidden);
}
