/**
 * Where messages end in a stream of syslog (RFC 6587): by a length in front of them, else by a newline or a NUL.
 *
 * Which of them is decided for each message: a length is digits without a leading zero, a space, and the `<` of a priority behind
 * it. Lines that begin with a number (`2015 Dec 29 …`, `1140804070.368 …`) are so never taken for lengths, and a senseless length is the
 * start of a line: no sender can make the rest of its stream vanish.
 *
 * Pure. What is held is the unfinished message alone, at most `MESSAGE_BYTES_MAX`; the chunk in hand belongs to the caller.
 */
import { COUNT_DIGITS_MAX, MESSAGE_BYTES_MAX } from "./limits.ts";
import { withoutLineEnd } from "./message.ts";

const NEWLINE = 0x0a;
const NUL = 0x00;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN = 0x3c; // '<'

const NO_BYTES = Buffer.alloc(0);
/** Most messages that come in two chunks fit. */
const HELD_BYTES_FIRST = 1024;

export type Framed = {
  /** Without its line end, never empty; a view of the chunk, or of memory of its own. */
  readonly message: Buffer;
  /** The message was longer; the rest of it is skipped. */
  readonly cut: boolean;
};

/** What the next byte belongs to. A `count` is what is still to come of a message with its length in front. */
type State =
  | { readonly kind: "start" }
  | { readonly kind: "line" }
  | { readonly kind: "counted"; readonly count: number }
  /** The rest of a message that was cut. */
  | { readonly kind: "skipped_line" }
  | { readonly kind: "skipped_count"; readonly count: number };

type Start = "line" | "undecided" | { readonly count: number; readonly headBytes: number };

const START: State = { kind: "start" };
const LINE: State = { kind: "line" };
const SKIPPED_LINE: State = { kind: "skipped_line" };

export class SyslogFramer {
  #state: State = START;
  #held: Buffer = NO_BYTES;
  #heldBytes = 0;
  #chunk: Buffer = NO_BYTES;
  #at = 0;
  /** The next of each in the chunk, looked for once: its length when there is none. Behind `#at`, or not known. */
  #newlineAt = -1;
  #nulAt = -1;

  /** Bytes of the unfinished message that are kept between chunks. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True while messages of the last chunk may be left. */
  get hasMore(): boolean {
    return this.#at < this.#chunk.length;
  }

  /** The next bytes of the stream. The messages of the chunk before must have been taken. */
  push(chunk: Buffer): void {
    this.#chunk = this.hasMore ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
    this.#newlineAt = -1;
    this.#nulAt = -1;
  }

  /** The next whole message; null when more bytes are needed. */
  next(): Framed | null {
    while (this.hasMore) {
      const framed = this.#step();
      if (framed !== null && framed.message.length > 0) return framed;
    }
    this.#chunk = NO_BYTES;
    this.#at = 0;
    return null;
  }

  /** Gives what is held of an unfinished message; the rest of it, should it come, is skipped. Null when nothing is held. */
  flush(): Framed | null {
    if (this.#heldBytes === 0) return null;
    const message = withoutLineEnd(this.#takeHeld());
    const { kind } = this.#state;
    if (kind === "counted") this.#state = { kind: "skipped_count", count: this.#state.count };
    else if (kind === "line" || kind === "start") this.#state = SKIPPED_LINE;
    return message.length === 0 ? null : { message, cut: true };
  }

  /** Goes on by one part of the chunk; a message when it was completed. */
  #step(): Framed | null {
    const state = this.#state;
    switch (state.kind) {
      case "start":
        this.#begin();
        return null;
      case "line":
        return this.#line();
      case "counted":
        return this.#counted(state.count);
      case "skipped_line": {
        const end = this.#lineEnd();
        this.#at = end === -1 ? this.#chunk.length : end + 1;
        if (end !== -1) this.#state = START;
        return null;
      }
      case "skipped_count": {
        const taken = Math.min(state.count, this.#chunk.length - this.#at);
        this.#at += taken;
        this.#state = taken === state.count ? START : { kind: "skipped_count", count: state.count - taken };
        return null;
      }
    }
  }

  #begin(): void {
    if (this.#heldBytes === 0) this.#skipLineEnds();
    if (!this.hasMore) return;
    const start = this.#readStart();
    if (start === "undecided") {
      this.#hold(this.#chunk.length); // a few digits
    } else if (start === "line") {
      this.#state = LINE;
    } else {
      this.#at += start.headBytes - this.#heldBytes;
      this.#heldBytes = 0;
      this.#state = { kind: "counted", count: start.count };
    }
  }

  /** Empty lines, and what some senders put behind a message with a length. */
  #skipLineEnds(): void {
    const chunk = this.#chunk;
    while (chunk[this.#at] === NEWLINE || chunk[this.#at] === NUL) this.#at++;
  }

  /** Looks for a length in what is held and what the chunk begins with. */
  #readStart(): Start {
    let count = 0;
    for (let index = 0; ; index++) {
      const byte = this.#peek(index);
      if (byte === undefined) return "undecided";
      if (byte >= (index === 0 ? ZERO + 1 : ZERO) && byte <= NINE && index < COUNT_DIGITS_MAX) {
        count = count * 10 + byte - ZERO;
        continue;
      }
      if (index === 0 || byte !== SPACE) return "line";
      const first = this.#peek(index + 1);
      if (first === undefined) return "undecided";
      return first === OPEN ? { count, headBytes: index + 1 } : "line";
    }
  }

  #peek(index: number): number | undefined {
    const { length } = this.#chunk;
    if (index < this.#heldBytes) return this.#held[index];
    const at = this.#at + index - this.#heldBytes;
    return at < length ? this.#chunk[at] : undefined;
  }

  #line(): Framed | null {
    const end = this.#lineEnd();
    const room = MESSAGE_BYTES_MAX - this.#heldBytes;
    const upTo = end === -1 ? this.#chunk.length : end;
    if (upTo - this.#at > room) {
      this.#state = SKIPPED_LINE;
      return { message: this.#take(this.#at + room), cut: true };
    }
    if (end === -1) {
      this.#hold(upTo);
      return null;
    }
    this.#state = START;
    const message = withoutLineEnd(this.#take(end));
    this.#at = end + 1;
    return { message, cut: false };
  }

  #counted(count: number): Framed | null {
    const room = MESSAGE_BYTES_MAX - this.#heldBytes;
    const available = this.#chunk.length - this.#at;
    if (count > room && available >= room) {
      this.#state = { kind: "skipped_count", count: count - room };
      return { message: this.#take(this.#at + room), cut: true };
    }
    if (available < count) {
      this.#state = { kind: "counted", count: count - available };
      this.#hold(this.#chunk.length);
      return null;
    }
    this.#state = START;
    return { message: withoutLineEnd(this.#take(this.#at + count)), cut: false };
  }

  /** Where the line in the chunk ends; -1 when it goes on behind it. */
  #lineEnd(): number {
    if (this.#newlineAt < this.#at) this.#newlineAt = this.#find(NEWLINE);
    if (this.#nulAt < this.#at) this.#nulAt = this.#find(NUL);
    const end = Math.min(this.#newlineAt, this.#nulAt);
    return end === this.#chunk.length ? -1 : end;
  }

  #find(byte: number): number {
    const found = this.#chunk.indexOf(byte, this.#at);
    return found === -1 ? this.#chunk.length : found;
  }

  /** What is held and the chunk up to `end`, as one. */
  #take(end: number): Buffer {
    if (this.#heldBytes === 0) {
      const message = this.#chunk.subarray(this.#at, end);
      this.#at = end;
      return message;
    }
    this.#hold(end);
    return this.#takeHeld();
  }

  #takeHeld(): Buffer {
    const message = this.#held.subarray(0, this.#heldBytes);
    this.#heldBytes = 0;
    // A long message must not leave its memory to a silent connection.
    this.#held = NO_BYTES;
    return message;
  }

  #hold(end: number): void {
    const part = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    const bytes = this.#heldBytes + part.length;
    if (bytes > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#held.length, HELD_BYTES_FIRST));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    part.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }
}
