/**
 * Everything the syslog input says and counts. Texts with a number are the peer's, operators' rules match on them.
 *
 * What a sender does wrong is said at most once a second for its network and `LINES_PER_SECOND_MAX` times in all; every line
 * carries the count of those that were not said.
 */
import { networkOf, OffenderTable } from "#kernel/offender-table.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { LINES_PER_SECOND_MAX } from "./limits.ts";

export type Counter =
  | "syslog_bytes_received"
  | "syslog_messages"
  | "syslog_messages_rfc5424"
  | "syslog_messages_cut"
  | "syslog_messages_empty"
  | "syslog_messages_unfinished"
  | "syslog_messages_lost"
  | "syslog_datagrams_dropped"
  | "syslog_datagrams_dropped_by_kernel"
  | "syslog_datagrams_over_rate"
  | "syslog_connections_accepted"
  | "syslog_connections_evicted"
  | "syslog_connections_overdue"
  | "syslog_connections_over_limit"
  | "syslog_refused"
  | "syslog_waits";

export class SyslogEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #offenders = new OffenderTable();
  #linesThisSecond = 0;
  #unsaid = 0;

  constructor(needs: { readonly log: Log; readonly metrics: Metrics }) {
    this.#log = needs.log;
    this.#metrics = needs.metrics;
  }

  count(counter: Counter, amount = 1): void {
    this.#metrics.add(counter, amount);
  }

  allowedFrom(address: string): void {
    this.#log.write("info", `Remote syslog allowed from: '${address}'`);
  }

  /** `listener`: `514/UDP (syslog)`. */
  started(processId: number, listener: string): void {
    this.#log.write("info", `Started (pid: ${processId}). Listening on port ${listener}.`);
  }

  connected(): void {
    this.count("syslog_connections_accepted");
    this.#metrics.add("syslog_connections");
  }

  disconnected(address: string, reason: string | null): void {
    this.#metrics.add("syslog_connections", -1); // of all listeners together, so none sets it
    const why = reason === null ? "" : `: ${reason}`;
    this.#log.write("debug", `Syslog connection of '${address}' closed${why}`);
  }

  refused(address: string, nowMs: number): void {
    this.count("syslog_refused");
    const text = `(1213): Message from '${address}' not allowed. Cannot find the ID of the agent.`;
    this.#offence(address, nowMs, text);
  }

  overConnectionLimit(address: string, nowMs: number, limit: number): void {
    this.count("syslog_connections_over_limit");
    this.#offence(address, nowMs, `Too many syslog connections (limit ${limit}). Closing the new one.`);
  }

  tlsFailed(address: string, nowMs: number, reason: string): void {
    this.#metrics.add("syslog_tls_failures");
    this.#offence(address, nowMs, `TLS of syslog failed with '${address}': ${reason}`);
  }

  /** `notice`: the text of the event that says the same. */
  lost(notice: string): void {
    this.#log.write("warning", notice);
  }

  /** Called once a second: lines may be said again, and what was not said is told as one count. */
  secondPassed(): void {
    if (this.#unsaid > 0) {
      const text = `${this.#unsaid} more refused messages or connections of syslog in the last second.`;
      this.#log.write("warning", text);
    }
    this.#linesThisSecond = 0;
    this.#unsaid = 0;
  }

  #offence(address: string, nowMs: number, text: string): void {
    const count = this.#offenders.record(address, nowMs);
    if (count === 0) return;
    if (this.#linesThisSecond >= LINES_PER_SECOND_MAX) {
      this.#unsaid += count;
      return;
    }
    this.#linesThisSecond++;
    const others = count === 1 ? "" : ` (${count} such from ${networkOf(address)} since the last line)`;
    this.#log.write("warning", text + others);
  }
}
