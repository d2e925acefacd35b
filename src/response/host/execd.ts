/**
 * Which program a message runs, what it is told, and when that is undone: the peer's execd (wazuh v4.14.7: src/os_execd/execd.c).
 * Knows programs by number and the time by value; `host-responses.ts` runs them.
 *
 * Held in memory: `STANDING_MAX` responses of `STANDING_BYTES_MAX` bytes, `OFFENDERS_MAX` keys.
 */
import type { LogLevel } from "#kernel/ports/log.ts";
import type { ArCommand } from "../ar-conf.ts";
import { whyNotHere } from "./foreign.ts";
import { NAME_CHARS_MAX, OFFENDERS_MAX, STANDING_BYTES_MAX, STANDING_MAX } from "./limits.ts";
import {
  type JsonObject,
  parseKeys,
  parseMessage,
  responseKey,
  scriptLine,
  shown,
} from "./script-message.ts";

/** A response that is in force. */
export type Standing = {
  readonly key: string;
  readonly executable: string;
  /** It is counted from here; wall clock, which a restart of the host outlives. */
  readonly sinceMs: number;
  /** After which it is undone; 0 for never. */
  readonly timeoutSeconds: number;
  /** The line that undoes it. */
  readonly undo: string;
};

export type ExecdOutput =
  /** `line` is given to the program; with `asks` one more follows when it answers. */
  | {
      readonly kind: "run";
      readonly run: number;
      readonly executable: string;
      readonly args: readonly string[];
      readonly line: string;
      readonly asks: boolean;
    }
  | { readonly kind: "answer"; readonly run: number; readonly line: string }
  | { readonly kind: "say"; readonly level: LogLevel; readonly text: string }
  | { readonly kind: "refused"; readonly code: "over_limit" | "invalid"; readonly text: string }
  /** For the file that outlives a crash. */
  | { readonly kind: "stands"; readonly standing: Standing }
  | { readonly kind: "over"; readonly key: string };

export type Order = {
  readonly executable: string;
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  readonly message: JsonObject;
};

export type ExecdOptions = {
  readonly commands: readonly ArCommand[];
  readonly repeatedOffenderMinutes: readonly number[];
  /** There is something to run under this name. */
  readonly isPresent: (executable: string) => boolean;
};

/** Either does something, and `standing` is what is in force since it was told to go on; or undoes what `standing` is. */
type Run = { readonly order: Order | null; standing: Standing | null };

/** Without a number behind it this name restarts the manager itself. */
const RESTART = "restart-wazuh";
const RESTART_ORDER = { executable: "restart.sh", args: ["manager"], timeoutSeconds: 0 };

export class Execd {
  readonly #options: ExecdOptions;
  readonly #runs = new Map<number, Run>();
  readonly #standing = new Map<string, Standing>();
  readonly #offences = new Map<string, number>();
  #standingBytes = 0;
  #lastRun = 0;

  constructor(options: ExecdOptions) {
    this.#options = options;
  }

  get standing(): readonly Standing[] {
    return [...this.#standing.values()];
  }

  /** What was in force when the manager ended; what is overdue is undone with the next look. */
  restore(standing: readonly Standing[]): void {
    for (const each of standing) this.#put(each);
  }

  message(text: string): readonly ExecdOutput[] {
    const parsed = parseMessage(text);
    if (!parsed.ok) return [{ kind: "refused", code: "invalid", text: parsed.problem }];
    const found = this.resolve(parsed.command);
    if (found !== null) return this.begin({ ...found, message: parsed.message });
    const problem = `(1311): Invalid command name '${shown(parsed.command)}' provided.`;
    const reason = this.#whyNotHere(parsed.command);
    return [{ kind: "refused", code: "invalid", text: reason === null ? problem : `${problem} ${reason}` }];
  }

  #whyNotHere(name: string): string | null {
    const command = this.#options.commands.find((known) => known.name === name);
    return command === undefined ? null : whyNotHere(command.executable);
  }

  /** Null for a name that stands for nothing. */
  resolve(name: string): Omit<Order, "message"> | null {
    if (name === RESTART) return RESTART_ORDER;
    if (name.startsWith("!")) {
      const executable = name.slice(1);
      return isFileName(executable) ? { executable, args: [], timeoutSeconds: 0 } : null;
    }
    const named = this.#options.commands.filter(
      (command) => command.name === name && isFileName(command.executable),
    );
    const { isPresent } = this.#options;
    const command = named.find(({ executable }) => isPresent(executable));
    if (command === undefined) return null;
    return { executable: command.executable, args: [], timeoutSeconds: command.timeoutSeconds };
  }

  begin(order: Order): readonly ExecdOutput[] {
    if (this.#standing.size >= STANDING_MAX || this.#standingBytes >= STANDING_BYTES_MAX) {
      const text = `Too many active responses are in force: '${order.executable}' is not run`;
      return [{ kind: "refused", code: "over_limit", text }];
    }
    const run = this.#newRun({ order, standing: null });
    const { executable, args, message } = order;
    const asks = order.args.length === 0;
    return [{ kind: "run", run, executable, args, asks, line: scriptLine(message, executable, "add") }];
  }

  /** The first line that a program says; it is told to go on or not. */
  said(number: number, line: string, nowMs: number): readonly ExecdOutput[] {
    const run = this.#runs.get(number);
    if (run?.order == null) return [];
    const { order } = run;
    const keys = parseKeys(line);
    const key = keys === null ? null : responseKey(order.executable, keys);
    if (key === null) {
      const text = `The active response '${order.executable}' said no keys: '${shown(line)}'`;
      return [say("error", text), this.#answer(number, order, "abort")];
    }
    const before = this.#standing.get(key);
    if (before !== undefined) {
      const isForGood = before.timeoutSeconds === 0;
      if (isForGood) return [this.#answer(number, order, order.timeoutSeconds === 0 ? "continue" : "abort")];
      return [...this.#renew(before, order, nowMs), this.#answer(number, order, "abort")];
    }
    const { seconds, outputs } = this.#timeoutOf(key, order);
    const undo = scriptLine(order.message, order.executable, "delete");
    const { executable } = order;
    run.standing = { key, executable, sinceMs: nowMs, timeoutSeconds: seconds, undo };
    return [...outputs, this.#put(run.standing), this.#answer(number, order, "continue")];
  }

  /**
   * `ok`: the program did what it was told. What could not be done is not in force, so that the next alert tries it again; what could not be
   * undone is, and is tried again after the same time.
   */
  ended(number: number, ok: boolean, nowMs: number): readonly ExecdOutput[] {
    const { order = null, standing = null } = this.#runs.get(number) ?? {};
    this.#runs.delete(number);
    if (standing === null) return [];
    const { key } = standing;
    if (order !== null) return !ok && this.#remove(key) ? [{ kind: "over", key }] : [];
    // The same may have been done again while it was undone.
    if (this.#standing.has(key)) return [];
    return [ok ? { kind: "over", key } : this.#put({ ...standing, sinceMs: nowMs })];
  }

  /** Each second. */
  look(nowMs: number): readonly ExecdOutput[] {
    const due = this.standing.filter(
      ({ sinceMs, timeoutSeconds }) => timeoutSeconds > 0 && nowMs - sinceMs > timeoutSeconds * 1000,
    );
    return due.map((standing) => this.#undo(standing));
  }

  /** Before its time. Nothing when it is not in force. */
  undo(key: string): readonly ExecdOutput[] {
    const standing = this.#standing.get(key);
    return standing === undefined ? [] : [this.#undo(standing)];
  }

  /** What would be undone later is undone now. */
  stop(): readonly ExecdOutput[] {
    const pending = this.standing.filter(({ timeoutSeconds }) => timeoutSeconds > 0);
    if (pending.length === 0) return [];
    return [
      say("info", "(1314): Shutdown received. Deleting responses."),
      ...pending.map((standing) => this.#undo(standing)),
    ];
  }

  #newRun(run: Run): number {
    this.#runs.set(++this.#lastRun, run);
    return this.#lastRun;
  }

  #answer(run: number, { message, executable }: Order, command: "continue" | "abort"): ExecdOutput {
    return { kind: "answer", run, line: scriptLine(message, executable, command) };
  }

  #undo(standing: Standing): ExecdOutput {
    this.#remove(standing.key);
    const run = this.#newRun({ order: null, standing });
    return { kind: "run", run, executable: standing.executable, args: [], line: standing.undo, asks: false };
  }

  /** A hit while it stands: it lasts from now on, and longer for who comes again. */
  #renew(before: Standing, order: Order, nowMs: number): readonly ExecdOutput[] {
    const { seconds, outputs } = this.#timeoutOf(before.key, order);
    // An order that is for good makes it so; who comes again has it longer; else it begins anew.
    const changed = order.timeoutSeconds === 0 || outputs.length > 0;
    const timeoutSeconds = changed ? seconds : before.timeoutSeconds;
    const renewed = this.#put({ ...before, sinceMs: nowMs, timeoutSeconds });
    if (outputs.length > 0) return [...outputs, renewed];
    return [say("debug", "Command already received, updating time of addition to now."), renewed];
  }

  /** The first time as configured, then one time after the other of the list for who comes again, then its last. */
  #timeoutOf(
    key: string,
    { timeoutSeconds }: Order,
  ): { readonly seconds: number; readonly outputs: readonly ExecdOutput[] } {
    const { repeatedOffenderMinutes } = this.#options;
    if (timeoutSeconds === 0 || repeatedOffenderMinutes.length === 0)
      return { seconds: timeoutSeconds, outputs: [] };
    const repetitions = this.#offences.get(key) ?? 0;
    this.#offences.delete(key);
    this.#offences.set(key, repetitions + 1);
    const [oldest] = this.#offences.keys();
    if (this.#offences.size > OFFENDERS_MAX && oldest !== undefined) this.#offences.delete(oldest);
    if (repetitions === 0) return { seconds: timeoutSeconds, outputs: [] };
    const minutes = repeatedOffenderMinutes[repetitions - 1] ?? repeatedOffenderMinutes.at(-1) ?? 0;
    const seconds = minutes * 60;
    return { seconds, outputs: [say("debug", `Repeated offender. Setting timeout to '${seconds}s'`)] };
  }

  #put(standing: Standing): ExecdOutput {
    this.#remove(standing.key);
    this.#standing.set(standing.key, standing);
    this.#standingBytes += standing.undo.length;
    return { kind: "stands", standing };
  }

  #remove(key: string): boolean {
    this.#standingBytes -= this.#standing.get(key)?.undo.length ?? 0;
    return this.#standing.delete(key);
  }
}

/** Of a file directly in the folder of executables. */
function isFileName(name: string): boolean {
  const isPlain = !/[\x00-\x1f\x7f/]/.test(name) && !name.includes("..") && name !== ".";
  return isPlain && name !== "" && name.length <= NAME_CHARS_MAX;
}

function say(level: LogLevel, text: string): ExecdOutput {
  return { kind: "say", level, text };
}
