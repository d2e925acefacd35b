/** How far the logs were read, as kept over a restart: JSON text with a version. Pure; a file that is none of ours gives null. */
import type { FilePosition } from "./file-tail.ts";

const VERSION = 1;

export type SavedPositions = {
  readonly files: ReadonlyMap<string, FilePosition>;
  readonly journaldCursor: string | null;
};

export const NO_POSITIONS: SavedPositions = { files: new Map(), journaldCursor: null };

export function formatPositions(positions: SavedPositions): string {
  const files = Object.fromEntries(positions.files);
  return `${JSON.stringify({ version: VERSION, files, journaldCursor: positions.journaldCursor })}\n`;
}

export function parsePositions(text: string): SavedPositions | null {
  const document = objectOf(parseJson(text));
  const entries = objectOf(document?.["files"]);
  const journaldCursor = document?.["journaldCursor"] ?? null;
  if (document?.["version"] !== VERSION || entries === null) return null;
  if (journaldCursor !== null && typeof journaldCursor !== "string") return null;
  const files = new Map<string, FilePosition>();
  for (const [path, value] of Object.entries(entries)) {
    const position = positionOf(value);
    if (position === null) return null;
    files.set(path, position);
  }
  return { files, journaldCursor };
}

function positionOf(value: unknown): FilePosition | null {
  const position = objectOf(value);
  const inode = position?.["inode"];
  const offset = position?.["offset"];
  if (!isCount(inode) || !isCount(offset)) return null;
  return { inode, offset };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
