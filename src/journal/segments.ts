/** The segment files: `<start position, 16 hex digits>.seg`. Positions go on from one to the next, with a gap after a restart. */
import type { Files } from "#kernel/ports/files.ts";

const NAME = /^([0-9a-f]{16})\.seg$/;
const NAME_DIGITS = 16;

export type Segment = { readonly start: number; readonly path: string; readonly bytes: number };

export function segmentPath(directory: string, start: number): string {
  return `${directory}/${start.toString(16).padStart(NAME_DIGITS, "0")}.seg`;
}

/** In the order of positions. Files of other names are none of ours and stay out. */
export function listSegments(files: Files, directory: string): Segment[] {
  const segments: Segment[] = [];
  for (const entry of files.list(directory)) {
    const start = Number.parseInt(NAME.exec(entry.name)?.[1] ?? "", 16);
    if (entry.kind !== "file" || !Number.isSafeInteger(start)) continue;
    const path = `${directory}/${entry.name}`;
    const info = files.info(path);
    if (info !== null) segments.push({ start, path, bytes: info.bytes }); // null: discarded since the list was made
  }
  return segments.sort((a, b) => a.start - b.start);
}

/** The segment that holds `position` and all later ones. */
export function segmentsFrom(segments: readonly Segment[], position: number): readonly Segment[] {
  const holding = segments.findLastIndex((segment) => segment.start <= position);
  return segments.slice(Math.max(0, holding));
}
