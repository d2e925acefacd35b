/**
 * An alert as one line for a terminal.
 *
 * What an alert holds was sent by strangers: nothing in it may reach the terminal as a command (escape sequences, carriage
 * returns, text that runs backwards). Pure.
 */
import type { LocalClock } from "#kernel/local-time.ts";

/** Texts have one char a byte. */
export type ScreenAlert = {
  readonly timeMs: number;
  readonly level: number;
  readonly ruleId: string;
  readonly agentName: string;
  readonly description: string;
  readonly user?: string | undefined;
  readonly srcip?: string | undefined;
  readonly program?: string | undefined;
  readonly location: string;
};

export type ScreenOptions = {
  readonly clock: LocalClock;
  /** Columns of the terminal. */
  readonly width: number;
  readonly coloured: boolean;
};

const RULE_COLUMNS = 6;
const AGENT_COLUMNS = 12;
const CUT_MARK = "\u2026";
/** One column takes at most a character of four UTF-8 bytes: what lies behind is never shown. */
const BYTES_PER_COLUMN_MAX = 4;

/** 12 is the default level for mail; below 7 are notices, failed logins and errors of users. */
const LEVEL_COLOURS = [
  { levelMin: 12, sequence: "\x1b[1;31m" },
  { levelMin: 7, sequence: "\x1b[33m" },
];
const COLOUR_END = "\x1b[0m";

/** Controls, formats that reorder or hide text, private and unassigned characters, line and paragraph separators. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
/** East Asian wide characters and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** Decodes, and shows as text what a terminal would not show as a character. */
export function printable(bytes: string, width: number): string {
  const text = Buffer.from(bytes.slice(0, width * BYTES_PER_COLUMN_MAX), "latin1").toString("utf8");
  return text.replace(UNPRINTABLE, escapeCharacter);
}

/** The line, or as much of it as leaves a column for the mark. */
function cut(line: string, width: number): string {
  let columns = 0;
  let kept = "";
  for (const character of line) {
    columns += WIDE.test(character) ? 2 : 1;
    if (columns > width) return kept + CUT_MARK;
    if (columns < width) kept += character;
  }
  return line;
}

/** Time, level, rule, agent, description, who and what, location; without a newline. The result is text, not bytes. */
export function screenLine(alert: ScreenAlert, { clock, width, coloured }: ScreenOptions): string {
  const shown = (bytes: string): string => printable(bytes, width);
  const details = [
    alert.user === undefined ? "" : `  user=${shown(alert.user)}`,
    alert.srcip === undefined ? "" : `  srcip=${shown(alert.srcip)}`,
    alert.program === undefined ? "" : `  program=${shown(alert.program)}`,
  ];
  const columns = [
    clock.at(alert.timeMs).clock,
    String(alert.level).padStart(2),
    shown(alert.ruleId).padStart(RULE_COLUMNS),
    shown(alert.agentName).padEnd(AGENT_COLUMNS),
    shown(alert.description) + details.join(""),
    shown(alert.location),
  ];
  const line = cut(columns.join("  "), width);
  const colour = LEVEL_COLOURS.find(({ levelMin }) => alert.level >= levelMin);
  return coloured && colour !== undefined ? colour.sequence + line + COLOUR_END : line;
}
