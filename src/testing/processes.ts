/** Child processes that a test plays: it gives their output and ends them. */
import type { ChildProcess, Processes, ProcessHandler } from "#kernel/ports/processes.ts";

export class FakeProcess implements ChildProcess {
  readonly command: string;
  readonly args: readonly string[];
  paused = false;
  stopped = false;
  readonly #handler: ProcessHandler;

  constructor(command: string, args: readonly string[], handler: ProcessHandler) {
    this.command = command;
    this.args = args;
    this.#handler = handler;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Asks only: the process ends when the test calls `end()`. */
  stop(): void {
    this.stopped = true;
  }

  output(bytes: Uint8Array | string): void {
    this.#handler.output(Buffer.from(bytes));
  }

  end(code: number | null): void {
    this.#handler.ended(code);
  }
}

export class FakeProcesses implements Processes {
  readonly started: FakeProcess[] = [];

  start(command: string, args: readonly string[], handler: ProcessHandler): FakeProcess {
    const process = new FakeProcess(command, args, handler);
    this.started.push(process);
    return process;
  }

  get last(): FakeProcess {
    const last = this.started.at(-1);
    if (last === undefined) throw new Error("no process was started");
    return last;
  }
}
