/**
 * The program that started the manager and watches it, such as systemd: told when it serves, that it is alive, and when it stops.
 *
 * Signs of life are a timer of the main thread, where a failure of every other thread arrives: a main thread that hangs is silent.
 */
import { openNotifySocket } from "#kernel/platform/notify-socket.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";

/** In the time after which silence is a failure: one that is late is not the end. */
const SIGNS_IN_TIME = 3;

/** NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID (sd_notify(3), sd_watchdog_enabled(3)). */
export type SupervisorVariables = Readonly<Record<string, string | undefined>>;

export class Supervisor {
  readonly #tell: (state: string) => void;
  readonly #clock: Clock;
  readonly #signMs: number | null;
  #signs: Timer | null = null;

  private constructor(tell: (state: string) => void, clock: Clock, signMs: number | null) {
    this.#tell = tell;
    this.#clock = clock;
    this.#signMs = signMs;
  }

  /** Without NOTIFY_SOCKET nobody is told. Throws `CodedError` when it cannot be used: its owner would wait in vain. */
  static async of(variables: SupervisorVariables, clock: Clock): Promise<Supervisor> {
    const path = variables["NOTIFY_SOCKET"] ?? "";
    const tell = path === "" ? () => {} : await openNotifySocket(path);
    return new Supervisor(tell, clock, path === "" ? null : signMsOf(variables));
  }

  ready(): void {
    this.#tell("READY=1");
    if (this.#signMs !== null) this.#signs = this.#clock.every(this.#signMs, () => this.#tell("WATCHDOG=1"));
  }

  /** Signs of life go on: a stop can hang too. */
  stopping(): void {
    this.#tell("STOPPING=1");
  }

  stopped(): void {
    this.#signs?.cancel();
  }
}

/** Null when no signs are wanted, or not from this process. */
function signMsOf(variables: SupervisorVariables): number | null {
  const microseconds = Number(variables["WATCHDOG_USEC"] ?? "");
  const isOurs = (variables["WATCHDOG_PID"] ?? String(process.pid)) === String(process.pid);
  if (!isOurs || !Number.isSafeInteger(microseconds) || microseconds <= 0) return null;
  return Math.max(1, Math.floor(microseconds / 1000 / SIGNS_IN_TIME));
}
