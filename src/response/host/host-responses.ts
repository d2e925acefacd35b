/**
 * Responses of this host: starts the programs that `execd.ts` decides on, carries their lines, looks each second what is over, and keeps
 * what is in force in a file. What is built in is asked of `BuiltIns`, the rest of the folder of executables.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { ArCommand } from "../ar-conf.ts";
import type { ResponseEvents } from "../events.ts";
import type { BuiltIns } from "./built-in.ts";
import { Execd, type ExecdOutput, type Order } from "./execd.ts";
import { whyNotHere } from "./foreign.ts";
import { LOOK_MS, RUNS_MAX, STOP_MS_MAX, WAITING_MAX } from "./limits.ts";
import type { RunningScript, ScriptStarter } from "./needs.ts";
import { type JsonObject, SCRIPT_FOLDER, scriptLine } from "./script-message.ts";
import { StandingFile } from "./standing-file.ts";

export type HostResponsesNeeds = {
  readonly clock: Clock;
  readonly files: Files;
  readonly log: Log;
  readonly events: ResponseEvents;
  readonly builtIns: BuiltIns;
  /** Without them a file of a built-in response's name is tried instead. */
  readonly hasRights: boolean;
  readonly scripts: ScriptStarter;
  /** One line for each program that was run, beside those of built-in responses, and for what agents were told. */
  readonly audit: (line: ScriptAudit | AgentAudit) => void;
  readonly standingPath: string;
  readonly commands: readonly ArCommand[];
  readonly repeatedOffenderMinutes: readonly number[];
};

export type ScriptAudit = {
  readonly program: string;
  readonly command: string;
  readonly ok: boolean;
  readonly text: string;
};

/** What a person had an agent told. */
export type AgentAudit = {
  readonly asker: string;
  readonly agent: string;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly dryRun: boolean;
  readonly ok: boolean;
  readonly text: string;
};

export type RunOutcome = { readonly ok: boolean; readonly text: string };

/** What is in force, for people. */
export type StandingView = {
  readonly key: string;
  readonly executable: string;
  readonly sinceMs: number;
  /** Null for until it is undone by hand. */
  readonly untilMs: number | null;
};

type RunOutput = Extract<ExecdOutput, { readonly kind: "run" }>;

export class HostResponses {
  readonly #needs: HostResponsesNeeds;
  readonly #execd: Execd;
  readonly #file: StandingFile;
  readonly #running = new Map<number, RunningScript>();
  readonly #ends = new Map<number, (outcome: RunOutcome) => void>();
  #waiting: RunOutput[] = [];
  #timer: Timer | null = null;
  #stopped: (() => void) | null = null;
  #isStopping = false;

  constructor(needs: HostResponsesNeeds) {
    this.#needs = needs;
    this.#file = new StandingFile(needs.files, needs.standingPath);
    const { commands, repeatedOffenderMinutes } = needs;
    const isPresent = (executable: string) => this.#starterOf(executable).has(executable);
    this.#execd = new Execd({ commands, repeatedOffenderMinutes, isPresent });
  }

  /** What a manager before left in force is known again; does not throw. */
  start(): void {
    const { clock, log } = this.#needs;
    try {
      this.#execd.restore(this.#file.read());
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      log.write("error", `What active responses left in force cannot be read: ${error.message}`);
    }
    this.#look();
    this.#timer = clock.every(LOOK_MS, () => this.#look());
  }

  /** Runs what the message says, without waiting for it. */
  run(text: string): void {
    if (!this.#isStopping) this.#apply(this.#execd.message(text));
  }

  /** Null for a name that stands for nothing. */
  resolve(name: string): Omit<Order, "message"> | null {
    return this.#execd.resolve(name);
  }

  /** Runs it and waits for its end. */
  perform(order: Order): Promise<RunOutcome> {
    if (this.#isStopping) return Promise.resolve({ ok: false, text: "The manager stops" });
    return this.#awaited(this.#execd.begin(order));
  }

  /** What would be done; nothing is. */
  async rehearse({ executable, args, message }: Order): Promise<RunOutcome> {
    const { builtIns } = this.#needs;
    const starter = this.#starterOf(executable);
    if (starter === builtIns) return builtIns.perform(executable, message, "act", { dryRun: true });
    if (!starter.has(executable)) return { ok: false, text: missing(executable) };
    const command = [`${SCRIPT_FOLDER}/${executable}`, ...args].join(" ");
    return { ok: true, text: `would run: ${command} <<< '${scriptLine(message, executable, "add")}'` };
  }

  /** What is done elsewhere stands in the same file. */
  note(line: AgentAudit): void {
    this.#needs.audit(line);
  }

  list(): readonly StandingView[] {
    return this.#execd.standing.map(({ key, executable, sinceMs, timeoutSeconds }) => ({
      key,
      executable,
      sinceMs,
      untilMs: timeoutSeconds === 0 ? null : sinceMs + timeoutSeconds * 1000,
    }));
  }

  undo(key: string): Promise<RunOutcome> {
    const outputs = this.#execd.undo(key);
    if (outputs.length === 0) return Promise.resolve({ ok: false, text: `'${key}' is not in force` });
    return this.#awaited(outputs);
  }

  /** Resolves when what had to be undone is, or after `STOP_MS_MAX`: the file then still has the rest. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#timer?.cancel();
    this.#waiting = [];
    this.#apply(this.#execd.stop());
    if (this.#running.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stopped = resolve;
      const limit = this.#needs.clock.after(STOP_MS_MAX, resolve);
      await promise;
      limit.cancel();
    }
    this.#waiting = [];
    for (const script of this.#running.values()) script.kill();
    this.#file.close();
  }

  #look(): void {
    this.#apply(this.#execd.look(this.#needs.clock.wallMs()));
  }

  #awaited(outputs: readonly ExecdOutput[]): Promise<RunOutcome> {
    const run = outputs.find((output) => output.kind === "run");
    return new Promise((resolve) => {
      if (run === undefined) resolve({ ok: false, text: "Too many active responses are in force" });
      else this.#ends.set(run.run, resolve);
      this.#apply(outputs);
    });
  }

  #apply(outputs: readonly ExecdOutput[]): void {
    for (const output of outputs) this.#do(output);
  }

  #do(output: ExecdOutput): void {
    const { log, events } = this.#needs;
    switch (output.kind) {
      case "run":
        this.#begin(output);
        break;
      case "answer":
        this.#running.get(output.run)?.tell(output.line);
        this.#running.get(output.run)?.close();
        break;
      case "say":
        log.write(output.level, output.text);
        break;
      case "refused":
        events.unsent(output.code, output.text, { level: "error" });
        break;
      case "stands":
        this.#keep(this.#file.stands(output.standing, () => this.#execd.standing));
        break;
      case "over":
        this.#keep(this.#file.over(output.key, () => this.#execd.standing));
    }
  }

  #keep(isWritten: boolean): void {
    const { events, standingPath } = this.#needs;
    events.inForce(this.#execd.standing.length);
    if (isWritten) return;
    const text = `${standingPath} cannot be written: a restart would not undo all`;
    events.unsent("not_recorded", text, { level: "error" });
  }

  /** What undoes something is never dropped; there is no more of it than can be in force. */
  #begin(output: RunOutput): void {
    if (this.#running.size < RUNS_MAX) this.#start(output);
    else if (this.#waiting.length < WAITING_MAX || !output.asks) this.#waiting.push(output);
    else {
      const text = `Too many active responses at once: '${output.executable}' is not run`;
      this.#needs.events.unsent("over_limit", text);
      this.#execd.ended(output.run, false, this.#needs.clock.wallMs());
      this.#ends.get(output.run)?.({ ok: false, text });
      this.#ends.delete(output.run);
    }
  }

  #start(output: RunOutput): void {
    const { run, executable, args, line, asks } = output;
    const starter = this.#starterOf(executable);
    if (!starter.has(executable)) {
      this.#ended(output, { ok: false, text: missing(executable) });
      return;
    }
    const script = starter.start(
      { executable, args },
      {
        said: (said) => this.#apply(this.#execd.said(run, said, this.#needs.clock.wallMs())),
        ended: (ok, text) => this.#ended(output, { ok, text }),
      },
    );
    this.#running.set(run, script);
    script.tell(line);
    if (!asks) script.close();
  }

  #ended({ run, executable, line, asks }: RunOutput, outcome: RunOutcome): void {
    const { audit, builtIns, clock, events } = this.#needs;
    this.#running.delete(run);
    if (this.#starterOf(executable) !== builtIns)
      audit({ program: executable, command: asks ? "add" : commandOf(line), ...outcome });
    const text = `The active response '${executable}' failed: ${outcome.text}`;
    if (outcome.ok) events.ran();
    else events.unsent("failed", text, { level: "error" });
    this.#apply(this.#execd.ended(run, outcome.ok, clock.wallMs()));
    this.#ends.get(run)?.(outcome);
    this.#ends.delete(run);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
    if (this.#running.size === 0) this.#stopped?.();
  }

  #starterOf(executable: string): ScriptStarter {
    const { builtIns, hasRights, scripts } = this.#needs;
    const isBuiltIn = builtIns.has(executable) && (hasRights || !scripts.has(executable));
    return isBuiltIn ? builtIns : scripts;
  }
}

function missing(executable: string): string {
  const absent = `Active response command not present: '${SCRIPT_FOLDER}/${executable}'`;
  const reason = whyNotHere(executable);
  return reason === null ? absent : `${absent}: ${reason}`;
}

/** Of a line of ours. */
function commandOf(line: string): string {
  const { command }: JsonObject = JSON.parse(line);
  return String(command);
}
