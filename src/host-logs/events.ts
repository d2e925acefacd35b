/** All that log collection says and counts. Lines with a number are the peer's, as operators know them. */
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { FILES_MAX } from "./limits.ts";

const ACCESS_ADVICE =
  "Add the manager's user to the file's group (adm on Debian and Ubuntu: usermod -aG adm USER), then restart the manager.";
const JOURNAL_ADVICE =
  "A manager that is not root needs its group (usermod -aG systemd-journal USER, then restart the manager).";

export class HostLogEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  /** What was said about a file and need not be said again while it stays so. */
  readonly #saidOfFile = new Map<string, string>();
  #limitSaid = false;

  constructor(needs: { readonly log: Log; readonly metrics: Metrics }) {
    this.#log = needs.log;
    this.#metrics = needs.metrics;
  }

  analyzing(path: string): void {
    this.#sayOnce(path, "analyzing", () => this.#log.write("info", `(1950): Analyzing file: '${path}'.`));
  }

  unreadable(path: string, code: string): void {
    const advice = code === "file_access_denied" ? ` ${ACCESS_ADVICE}` : "";
    const text = `(1103): Could not open file '${path}' due to [${code}].${advice}`;
    const say = () => this.#log.write("warning", text);
    this.#sayOnce(path, code, say);
  }

  truncated(path: string): void {
    this.#log.write("info", `File '${path}' was truncated: reading it from the start.`);
  }

  rotated(path: string): void {
    this.#log.write("debug", `File '${path}' was rotated.`);
  }

  lineCut(path: string): void {
    this.#metrics.add("host_logs_lines_cut");
    this.#log.write("debug", `A line of '${path}' is too long and was cut.`);
  }

  discarded(path: string, lines: number): void {
    this.#metrics.add("host_logs_lines_discarded", lines);
    this.#log.write("debug", `Discarding ${lines} lines of '${path}' that are not of its format.`);
  }

  collected(messages: number): void {
    this.#metrics.add("host_logs_messages", messages);
  }

  formatUnknown(path: string, format: string): void {
    this.#log.write("warning", `Log format '${format}' of '${path}' is not read on this host.`);
  }

  tooManyFiles(): void {
    if (!this.#limitSaid) this.#log.write("warning", `File limit has been reached (${FILES_MAX}).`);
    this.#limitSaid = true;
  }

  positionsUnreadable(path: string): void {
    this.#log.write("warning", `'${path}' cannot be used: logs are read from their end.`);
  }

  positionsNotKept(text: string): void {
    this.#metrics.add("host_logs_save_failures");
    this.#log.write("debug", `The positions in the logs cannot be kept: ${text}`);
  }

  journaldStarted(): void {
    this.#log.write("info", "Monitoring journal entries.");
  }

  journaldEnded(): void {
    this.#metrics.add("host_logs_journald_ends");
    const text = `Reading of journal entries ended: it is tried again until there are some. ${JOURNAL_ADVICE}`;
    this.#log.write("warning", text);
  }

  cursorForgotten(): void {
    this.#log.write(
      "warning",
      "The position in the journal entries is not known any more: going on from now.",
    );
  }

  /** The file is not looked at any more. */
  forget(path: string): void {
    this.#saidOfFile.delete(path);
  }

  #sayOnce(path: string, what: string, say: () => void): void {
    if (this.#saidOfFile.get(path) === what) return;
    this.#saidOfFile.set(path, what);
    say();
  }
}
