/**
 * The peer's socket of its execd: restarts the manager, holds a restart off, tests the configuration, and tells some of it
 * (wazuh v4.14.7: src/os_execd/wcom.c). What the peer has there for upgrades of its own agents is not offered.
 */
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Sections } from "./command-answers.ts";
import { readCommand, told } from "./components.ts";
import { CHECK_CHARS_MAX } from "./limits.ts";

export type ComNeeds = {
  readonly clock: Clock;
  readonly log: Log;
  readonly sections: Sections;
  /** Null when the cluster does not run here. */
  readonly cluster: Sections;
  /** Null when it was begun, else why not. */
  readonly restart: () => Promise<string | null>;
  /** What a manager that starts now would stop at, as lines of its log. */
  readonly checkConfiguration: () => Promise<readonly string[]>;
  readonly restartLockSecondsMax: number;
};

/** The peer writes two blanks. */
const OK_SECTION = "ok  ";
const OK = "ok ";
const NO_CLUSTER = "err Unable to connect with socket. The component might be disabled";
const INVALID_CONFIGURATION = 1;
const LOCK_SECONDS = /^ *-?[0-9]{1,9}/;

export class Com {
  readonly #needs: ComNeeds;
  /** Monotonic time. */
  #lockedUntilMs = 0;

  constructor(needs: ComNeeds) {
    this.#needs = needs;
  }

  async answer(request: Buffer): Promise<Buffer> {
    const { command, argument } = readCommand(request);
    return Buffer.from(await this.#answerTo(command, argument));
  }

  async #answerTo(command: string, argument: string | null): Promise<string> {
    switch (command) {
      case "restart":
      case "restart-wazuh":
      case "reload":
        return this.#restart();
      case "lock_restart":
        return this.#lock(argument);
      case "check-manager-configuration":
        return this.#check();
      case "getconfig":
        return argument === null ? "err WCOM getconfig needs arguments" : this.#section(argument);
      default:
        return "err Unrecognized command";
    }
  }

  #section(name: string): string {
    const { cluster, sections } = this.#needs;
    if (name !== "cluster") return told(sections, name, OK_SECTION);
    const section = cluster(name);
    return section === null ? NO_CLUSTER : OK_SECTION + JSON.stringify(section);
  }

  async #restart(): Promise<string> {
    const { clock, log, restart } = this.#needs;
    const lockedSeconds = Math.ceil((this.#lockedUntilMs - clock.monotonicMs()) / 1000);
    if (lockedSeconds > 0) {
      log.write("info", `Agent auto-restart locked for ${lockedSeconds} seconds.`);
      return OK;
    }
    const problem = await restart();
    if (problem === null) return OK;
    log.write("error", `The manager cannot be restarted: ${problem}`);
    return "err Cannot execute restart process";
  }

  /** -1 is as long as may be. */
  #lock(argument: string | null): string {
    const { clock, log, restartLockSecondsMax: secondsMax } = this.#needs;
    const [written] = LOCK_SECONDS.exec(argument ?? "") ?? [];
    const seconds = argument === null ? null : Number(written ?? 0);
    if (seconds === null || seconds < -1) return "err Invalid timeout";
    if (seconds > secondsMax) log.write("warning", "Timeout exceeds the maximum allowed.");
    const held = seconds === -1 ? secondsMax : Math.min(seconds, secondsMax);
    this.#lockedUntilMs = clock.monotonicMs() + held * 1000;
    return OK;
  }

  async #check(): Promise<string> {
    const lines = await this.#needs.checkConfiguration();
    if (lines.length === 0) return JSON.stringify({ error: 0, message: "ok" });
    return JSON.stringify({
      error: INVALID_CONFIGURATION,
      message: lines.join("\n").slice(0, CHECK_CHARS_MAX),
    });
  }
}
