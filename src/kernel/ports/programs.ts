/** Programs that are spoken with: started without a shell, in an environment that is given whole. */

export type ProgramStart = {
  /** Absolute, or as seen from `directory`. */
  readonly path: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whose rights it has; null for those of this process. */
  readonly account: { readonly userId: number; readonly groupId: number } | null;
};

export type ProgramEnd = {
  /** Null when it could not be started or was ended by a signal. */
  readonly code: number | null;
  /** The first of what it said on its error output. */
  readonly errorText: string;
};

export type ProgramHandler = {
  output(chunk: Buffer): void;
  /** The last call; its output is over. */
  ended(end: ProgramEnd): void;
};

export interface RunningProgram {
  /** What a program that ended does not read is lost. */
  write(bytes: Uint8Array): void;
  endInput(): void;
  /** This process does not wait for its end before its own. */
  leave(): void;
  /** At once, with what it started in its process group. */
  kill(): void;
}

/** Who can change a file. */
export type FileOwner = {
  readonly kind: "file" | "directory" | "other";
  readonly userId: number;
  readonly groupId: number;
  readonly mode: number;
};

export interface Programs {
  /** Null when there is nothing; a link is something else than what it leads to. */
  ownerOf(path: string): FileOwner | null;
  start(start: ProgramStart, handler: ProgramHandler): RunningProgram;
  /** In the background: nobody hears of it, and it outlives this process. */
  startApart(start: ProgramStart): void;
}
