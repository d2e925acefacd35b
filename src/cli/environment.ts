/** What a command sees of the process that runs it; node-environment.ts is the real one, environment.fixture.ts that of the tests. */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";

export interface Output {
  readonly isTerminal: boolean;
  /** The reader went away: nothing more need be made. */
  readonly closed: boolean;
  /** One char a byte. */
  write(bytes: string): void;
  /** Resolves when there is room for more, and at once when the reader went away. */
  ready(): Promise<void>;
}

export interface Input {
  readonly isTerminal: boolean;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export type Environment = {
  /** Behind the program's own name. */
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly files: Files;
  readonly localSockets: Pick<LocalSockets, "open">;
  readonly hostname: string;
  /** Also pipes and devices; iteration throws `CodedError` where it cannot be read. */
  readonly openInput: (path: string) => AsyncIterable<Uint8Array>;
  /** Of the process at its end. */
  exitCode: number;
};

export const EXIT_OK = 0;
/** What was asked for could not be done, or the answer is no. */
export const EXIT_FAILURE = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
