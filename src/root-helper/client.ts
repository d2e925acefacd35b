/**
 * The manager's end of the pipe: asks, waits so long, and starts the helper when it is not there. Whatever goes wrong is an
 * outcome that says so.
 */
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { RunningProgram } from "#kernel/ports/programs.ts";
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";
import { ANSWER_MS_MAX, ASKER_CHARS_MAX, WAITING_MAX } from "./limits.ts";
import { FrameLines, formatFrame, parseAnswer } from "./request.ts";

export type HelperProcessHandler = { output(chunk: Buffer): void; ended(): void };

/** One line of the audit. */
export type HelperAudit = HostActionOutcome & {
  readonly asker: string;
  readonly action: HostAction;
  readonly dryRun: boolean;
};

export type HelperClientNeeds = {
  readonly clock: Clock;
  /** Starts the process of the helper. */
  readonly start: (handler: HelperProcessHandler) => RunningProgram;
  readonly audit: (line: HelperAudit) => void;
};

type Waiting = { readonly settle: (outcome: HostActionOutcome) => void; readonly limit: Timer };

export class RootHelperClient {
  readonly #needs: HelperClientNeeds;
  readonly #waiting = new Map<number, Waiting>();
  #process: RunningProgram | null = null;
  #number = 0;
  #closed = false;

  constructor(needs: HelperClientNeeds) {
    this.#needs = needs;
  }

  /** `asker` is for the audit: which alert, or that a person did. */
  async ask(
    action: HostAction,
    asker: string,
    { dryRun }: { readonly dryRun: boolean },
  ): Promise<HostActionOutcome> {
    const outcome = await this.#ask(action, dryRun);
    this.#needs.audit({ asker: asker.slice(0, ASKER_CHARS_MAX), action, dryRun, ...outcome });
    return outcome;
  }

  /** Starts the helper while there still are rights to give to it. */
  start(): void {
    this.#process ??= this.#startProcess();
  }

  /** It ends when it has done what it was asked so far, perhaps after this process: it may be what starts the next one. */
  stop(): void {
    this.#closed = true;
    this.#process?.endInput();
    this.#process?.leave();
  }

  #ask(action: HostAction, dryRun: boolean): Promise<HostActionOutcome> {
    if (this.#closed) return Promise.resolve(failed("helper_stopped", "The manager stops"));
    if (this.#waiting.size >= WAITING_MAX)
      return Promise.resolve(failed("helper_busy", "Too many requests wait for the root helper"));
    const id = ++this.#number;
    return new Promise((settle) => {
      const late = failed("helper_late", "The root helper did not answer in time");
      const limit = this.#needs.clock.after(ANSWER_MS_MAX, () => this.#settle(id, late));
      this.#waiting.set(id, { settle, limit });
      this.start();
      this.#process?.write(Buffer.from(formatFrame({ id, action, dryRun }), "utf8"));
    });
  }

  #startProcess(): RunningProgram {
    const lines = new FrameLines();
    const process = this.#needs.start({
      output: (chunk) => {
        const complete = lines.push(chunk);
        if (complete === null) process.kill();
        else for (const line of complete) this.#take(line);
      },
      ended: () => {
        this.#process = null;
        const lost = failed("helper_lost", "The root helper ended before it had answered");
        for (const id of [...this.#waiting.keys()]) this.#settle(id, lost);
      },
    });
    return process;
  }

  #take(line: string): void {
    const answer = parseAnswer(line);
    if (answer === null) return;
    const { id, ...outcome } = answer;
    this.#settle(id, outcome);
  }

  #settle(id: number, outcome: HostActionOutcome): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.limit.cancel();
    waiting?.settle(outcome);
  }
}

function failed(code: string, text: string): HostActionOutcome {
  return { ok: false, code, text };
}
