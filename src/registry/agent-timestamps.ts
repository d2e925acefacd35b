/**
 * `queue/agents-timestamp`: when each agent was registered, a line an agent: `<id> <name> <ip> YYYY-MM-DD HH:MM:SS`, local time.
 *
 * Kept for the tools that read it and for managers that are taken over; agents of unknown time have no line. Not the truth of
 * anything, so it is written without waiting for the disk, and a damaged line is skipped.
 */
import { LocalClock } from "#kernel/local-time.ts";
import type { Files } from "#kernel/ports/files.ts";
import { type AgentId, parseAgentId } from "#model/agent.ts";
import { readOrEmpty } from "./read-or-empty.ts";

/** Owner and group: agent names and addresses are nobody else's business. */
const PERMISSIONS = 0o640;
const LINE =
  /^(?<id>\d{1,8}) \S+ \S+ (?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)$/;

export type AgentTimestamp = {
  readonly id: AgentId;
  readonly name: string;
  readonly address: string;
  readonly registeredSeconds: number;
};

export class AgentTimestamps {
  readonly #files: Files;
  readonly #path: string;
  readonly #localClock = new LocalClock();
  readonly #removed = new Set<AgentId>();

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Registration times in seconds by id. A repeated id has the time of its last line: ids of old files may come back. */
  read(): ReadonlyMap<AgentId, number> {
    const times = new Map<AgentId, number>();
    for (const line of this.#lines()) {
      const parsed = parseLine(line);
      if (parsed !== null) times.set(parsed.id, parsed.seconds);
    }
    return times;
  }

  append(timestamp: AgentTimestamp): void {
    const file = this.#files.open(this.#path, "append", PERMISSIONS);
    try {
      const { id, name, address, registeredSeconds } = timestamp;
      const at = this.#localClock.at(registeredSeconds * 1000).isoSeconds.replace("T", " ");
      file.write(Buffer.from(`${id} ${name} ${address} ${at}\n`, "latin1"));
    } finally {
      file.close();
    }
  }

  /** The line goes with the next `flush`: many removals cost one rewriting. */
  remove(id: AgentId): void {
    this.#removed.add(id);
  }

  flush(): void {
    if (this.#removed.size === 0) return;
    const kept = this.#lines().filter((line) => {
      const id = parseAgentId(line.slice(0, line.indexOf(" ")));
      return id === null || !this.#removed.has(id);
    });
    const bytes = Buffer.from(kept.map((line) => `${line}\n`).join(""), "latin1");
    this.#files.replace(this.#path, bytes, PERMISSIONS);
    this.#removed.clear();
  }

  #lines(): string[] {
    return readOrEmpty(this.#files, this.#path)
      .toString("latin1")
      .split("\n")
      .filter((line) => line !== "");
  }
}

function parseLine(line: string): { readonly id: AgentId; readonly seconds: number } | null {
  const fields = LINE.exec(line)?.groups;
  const id = parseAgentId(fields?.["id"] ?? "");
  if (fields === undefined || id === null) return null;
  const { year, month, day, hour, minute, second } = fields;
  const local = new Date(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return { id, seconds: Math.floor(local.getTime() / 1000) };
}
