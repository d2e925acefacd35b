/** Cuts a stream of bytes into lines, one char a byte. A `\r` before the newline belongs to the line's end. Memory: one line. */
import type { Output } from "./environment.ts";

/** As long as the longest event of the journal; of a longer line the rest is dropped and the line counted. */
export const LINE_BYTES_MAX = 1_048_576;

/** Answers are written in pieces of about this size: fewer calls of the system, little to hold. */
const WRITE_BYTES = 65_536;

export class LineSplitter {
  #pending = "";
  #cutLines = 0;

  /** Lines that were longer than LINE_BYTES_MAX. */
  get cutLines(): number {
    return this.#cutLines;
  }

  push(chunk: Uint8Array): readonly string[] {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    const pieces = text.split("\n");
    const rest = pieces.pop() ?? "";
    const lines = pieces.map((piece) => this.#finish(piece));
    this.#extend(rest);
    return lines;
  }

  /** The line without a newline at the end of the stream, if there is one. */
  end(): readonly string[] {
    return this.#pending === "" ? [] : [this.#finish("")];
  }

  /** One byte more than allowed is kept, which tells a line that is too long. */
  #extend(piece: string): void {
    this.#pending += piece.slice(0, LINE_BYTES_MAX + 1 - this.#pending.length);
  }

  #finish(piece: string): string {
    this.#extend(piece);
    let line = this.#pending;
    this.#pending = "";
    if (line.length > LINE_BYTES_MAX) {
      this.#cutLines++;
      line = line.slice(0, LINE_BYTES_MAX);
    }
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/**
 * Writes the answer to each line, empty for none, until the input ends or nobody reads the output any more. The output is waited for
 * after each chunk, and its memory is bounded by what is written at once. Gives how many lines were cut.
 */
export async function answerLines(
  chunks: AsyncIterable<Uint8Array>,
  output: Output,
  answer: (line: string) => string,
): Promise<number> {
  const splitter = new LineSplitter();
  const write = async (lines: readonly string[]): Promise<void> => {
    let text = "";
    for (const line of lines) {
      text += answer(line);
      if (text.length < WRITE_BYTES) continue;
      output.write(text);
      text = "";
      await output.ready();
      if (output.closed) return;
    }
    if (text !== "") output.write(text);
    await output.ready();
  };
  for await (const chunk of chunks) {
    await write(splitter.push(chunk));
    if (output.closed) return splitter.cutLines;
  }
  await write(splitter.end());
  return splitter.cutLines;
}
