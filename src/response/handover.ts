/** The first step, in the thread that wrote the records: on to the main thread, as many as that one has room for. */
import type { ResponseEvents } from "./events.ts";
import { HANDOVER_CHARS_MAX } from "./limits.ts";

export class ResponseHandover {
  readonly #send: (lines: string) => void;
  readonly #events: ResponseEvents;
  #inFlightChars = 0;

  constructor(send: (lines: string) => void, events: ResponseEvents) {
    this.#send = send;
    this.#events = events;
  }

  /** Takes whole lines. What does not fit is dropped: alerts do not wait for responses. */
  hand(lines: string): void {
    if (this.#inFlightChars > 0 && this.#inFlightChars + lines.length > HANDOVER_CHARS_MAX) {
      const count = lines.split("\n").length - 1;
      this.#events.unsent("not_handed_over", "Too many active responses at once: some are not sent", {
        count,
      });
      return;
    }
    this.#inFlightChars += lines.length;
    this.#send(lines);
  }

  /** The main thread has taken so many characters. */
  taken(chars: number): void {
    this.#inFlightChars -= chars;
  }
}
