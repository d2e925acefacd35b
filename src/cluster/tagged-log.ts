/** Lines of cluster.log: `[Worker w1] [Integrity check] Starting.` The tag says who, the subtag which of its tasks. */
import type { Log } from "#kernel/ports/log.ts";

export type Subtag =
  | "Main"
  | "Keep alive"
  | "Keep Alive"
  | "Local integrity"
  | "Local agent-groups"
  | "Integrity check"
  | "Integrity sync"
  | "Agent-info sync"
  | "Agent-groups send"
  | "Agent-groups send full"
  | "Agent-groups recv"
  | "Agent-groups recv full"
  | "D API"
  | "SendSync";

/** Other nodes' texts are part of many lines. */
const LINE_CHARS_MAX = 4096;

/** What is logged has one char a byte, is one line, and does not go on for ever. */
function lineOf(text: string): string {
  const line = text.slice(0, LINE_CHARS_MAX).replace(/[\u0000-\u001f\u007f]/g, "?");
  return Buffer.from(line, "utf8").toString("latin1");
}

export function taggedLog(log: Log, tag: string, subtag: Subtag): Log {
  return { write: (level, text) => log.write(level, `[${tag}] [${subtag}] ${lineOf(text)}`) };
}
