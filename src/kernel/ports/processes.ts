/** Child processes whose output is read as it comes. */

export type ProcessHandler = {
  output(chunk: Buffer): void;
  /** `code` is null when it could not be started or was ended by a signal. */
  ended(code: number | null): void;
};

export interface ChildProcess {
  pause(): void;
  resume(): void;
  stop(): void;
}

export interface Processes {
  start(command: string, args: readonly string[], handler: ProcessHandler): ChildProcess;
}
