/** A process in memory: arguments and stdin in, stdout, stderr and the exit code out. */
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import type { Environment, Output } from "./environment.ts";
import { runProgram } from "./program.ts";

export class RecordingOutput implements Output {
  isTerminal = false;
  text = "";
  /** Writes after this many bytes find that the reader went away. */
  closesAfter = Number.POSITIVE_INFINITY;
  /** How often somebody waited for room. */
  waits = 0;

  get closed(): boolean {
    return this.text.length >= this.closesAfter;
  }

  write(bytes: string): void {
    this.text += bytes;
  }

  async ready(): Promise<void> {
    this.waits++;
  }
}

export type FakeProcess = Environment & {
  readonly stdout: RecordingOutput;
  readonly stderr: RecordingOutput;
  readonly clock: FakeClock;
};

export async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, "latin1");
}

export type Given = {
  /** Each is a chunk; latin1. */
  readonly stdin?: readonly string[] | AsyncIterable<Uint8Array>;
  readonly files?: Environment["files"];
  readonly localSockets?: Environment["localSockets"];
  readonly variables?: Environment["variables"];
  readonly terminal?: boolean;
};

export function fakeProcess(args: readonly string[], given: Given = {}): FakeProcess {
  const { stdin = [], files = new FakeFiles(), variables = {}, terminal = false } = given;
  const { localSockets = new FakeLocalSockets() } = given;
  const stdout = new RecordingOutput();
  const stderr = new RecordingOutput();
  stdout.isTerminal = terminal;
  return {
    args,
    variables,
    stdin: { isTerminal: terminal, chunks: Symbol.asyncIterator in stdin ? stdin : chunksOf(...stdin) },
    stdout,
    stderr,
    clock: new FakeClock(),
    files,
    localSockets,
    hostname: "manager.example",
    openInput: (path) => chunksOf(files.read(path).toString("latin1")),
    exitCode: 0,
  };
}

/** Runs the whole program. */
export async function runCommand(args: readonly string[], given: Given = {}): Promise<FakeProcess> {
  const fake = fakeProcess(args, given);
  await runProgram(fake);
  return fake;
}
