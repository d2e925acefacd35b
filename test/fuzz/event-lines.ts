/** Inputs that are events: a line of JSON each, with a line in front that says what they run through. Texts are byte strings. */
import { parseJsonBytes } from "#cli/bytes.ts";

export type FuzzEvent = {
  readonly queue: string;
  readonly agent: string;
  readonly location: string;
  readonly message: string;
  /** Milliseconds behind the one before. */
  readonly after: number;
};

/** As long as the longest event that the journal takes, less its place. */
const MESSAGE_BYTES_MAX = 1_000_000;
const LOCATION_BYTES_MAX = 40_000;
const AGENT_BYTES_MAX = 255;
const AFTER_MS_MAX = 86_400_000;

export function printEvent({ queue, agent, location, message, after }: FuzzEvent): string {
  return JSON.stringify({ queue, agent, location, after, message });
}

function text(value: unknown, bytesMax: number): string {
  return typeof value === "string" ? value.slice(0, bytesMax) : "";
}

/** A damaged line is a line of a log file of this host. */
export function parseEvent(line: string): FuzzEvent {
  const value = line.startsWith("{") ? parseJsonBytes(line) : undefined;
  const plain = { queue: "1", agent: "000", location: "/var/log/x", message: line, after: 0 };
  if (typeof value !== "object" || value === null || !("message" in value)) return plain;
  const { queue, agent, location, message, after }: Partial<Record<keyof FuzzEvent, unknown>> = value;
  return {
    queue: text(queue, 1) || plain.queue,
    agent: text(agent, AGENT_BYTES_MAX) || plain.agent,
    location: text(location, LOCATION_BYTES_MAX),
    message: text(message, MESSAGE_BYTES_MAX),
    after: typeof after === "number" ? Math.min(Math.max(0, Math.floor(after)), AFTER_MS_MAX) : 0,
  };
}

export function parseEvents(lines: string): readonly FuzzEvent[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map(parseEvent);
}
