/**
 * Dead letters: events on which the engine threw, set aside as JSON lines with all that it takes to try them again (`cyb3rhq replay`).
 *
 * So many a second of the events' own time, which makes a replay of the journal set the same ones aside; the others are counted.
 */
import { messageOf } from "#kernel/errors.ts";
import type { LocalClock } from "#kernel/local-time.ts";
import type { RawEvent } from "#model/event-block.ts";

/** Enough to know what happens, too few to fill a disk soon: 4 MB a second at most, when each event is 64 KB of control bytes. */
export const DEAD_LETTERS_PER_SECOND_MAX = 10;
/** The place that threw and those that led to it. */
const FRAMES_MAX = 5;
/** An error may quote the event; what the engine itself says is shorter. */
const REASON_CHARS_MAX = 500;

/** Files take bytes: a character that is none is escaped. */
function escapeWide(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function framesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const { stack, message } = error;
  // A message may have lines that look like places.
  const places = stack.slice(stack.indexOf(message) + message.length).split("\n");
  return places.slice(1, 1 + FRAMES_MAX).map((place) => place.trim());
}

function reasonOf(error: unknown): string {
  const name = error instanceof Error ? `${error.name}: ` : "";
  return `${name}${messageOf(error)}`.slice(0, REASON_CHARS_MAX);
}

/** A line with its newline; `event` is what the engine was given, byte for byte. */
export function deadLetterLine(raw: RawEvent, error: unknown, clock: LocalClock): string {
  const { position, receivedMs, queue, agentId, location, message } = raw;
  const letter = {
    timestamp: clock.isoWithMilliseconds(receivedMs),
    id: `${Math.floor(receivedMs / 1000)}.${position}`,
    reason: reasonOf(error),
    frames: framesOf(error),
    event: { queue, agent: agentId, location, message },
  };
  return `${JSON.stringify(letter).replace(/[^\x00-\xff]/g, escapeWide)}\n`;
}

/** Says of each event whether it may still be set aside. */
export class DeadLetterLimit {
  #second = Number.NaN;
  #letters = 0;

  allows(receivedMs: number): boolean {
    const second = Math.floor(receivedMs / 1000);
    if (second !== this.#second) this.#letters = 0;
    this.#second = second;
    return this.#letters++ < DEAD_LETTERS_PER_SECOND_MAX;
  }
}
