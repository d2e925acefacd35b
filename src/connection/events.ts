/**
 * Everything the agent connection service says and counts. Texts with a number are the peer's, operators' rules match on them.
 *
 * What a peer does wrong is said at most once a second for its network and `REFUSAL_LINES_PER_SECOND_MAX` times in all; every
 * line carries the count of those that were not said.
 */
import { messageOf } from "#kernel/errors.ts";
import { networkOf, OffenderTable } from "#kernel/offender-table.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { SentKind } from "#model/agent-counts.ts";
import type { Pressure } from "#model/event-sink.ts";
import { REFUSAL_LINES_PER_SECOND_MAX } from "./limits.ts";

/** Why a connection was closed over what it sent; the counter is `agent_refused_<code>`. */
export type RefusalCode =
  | "frame_too_long"
  | "first_frame_too_long"
  | "id_unterminated"
  | "id_invalid"
  | "id_unknown"
  | "address_unknown"
  | "message_empty"
  | "message_corrupt"
  | "message_unauthentic"
  | "counter_repeated"
  | "agent_changed"
  | "key_in_use";

/** What an agent's message is dropped for; its connection stays. The counter is `agent_dropped_<code>`. */
export type DropCode = "event_malformed" | "event_keepalive" | "control_invalid";

export type Counter =
  | "agent_connections_accepted"
  | "agent_connections_over_limit"
  | "agent_connections_unauthenticated_timeout"
  | "agent_connections_unauthenticated_evicted"
  | "agent_connections_silent"
  | "agent_connections_overtaken"
  | "agent_bytes_received"
  | "agent_frames_received"
  | "agent_frames_lost"
  | "agent_datagrams_received"
  | "agent_datagrams_dropped"
  | "agent_datagrams_dropped_by_kernel"
  | "agent_datagrams_missing"
  | "agent_datagrams_late"
  | "agent_datagrams_too_long"
  | "agent_events"
  | "agent_pings"
  | "agent_startups"
  | "agent_startups_refused"
  | "agent_keepalives"
  | "agent_keepalives_unchanged"
  | "agent_labels_refused"
  | "agent_shutdowns"
  | "agent_messages_sent"
  | "agent_bytes_sent"
  | "agent_files_sent"
  | "agent_files_not_sent"
  | "agent_acks_unsolicited"
  | "agent_answers_over_limit"
  | "agent_output_over_limit"
  | "agent_lost"
  | "agent_requests"
  | "agent_requests_over_limit"
  | "agent_requests_failed"
  | "agent_request_answers"
  | "agent_request_answers_unknown"
  | "agent_upgrade_reports"
  | "agent_key_wishes"
  | "agent_key_wishes_over_limit"
  | "agent_counters_unsaved"
  | "agent_pressure_changes";

export class ConnectionEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #offenders = new OffenderTable();
  #linesThisSecond = 0;
  #unsaid = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  count(counter: Counter, amount = 1): void {
    this.#metrics.add(counter, amount);
  }

  gauges(connections: number, unauthenticated: number): void {
    this.#metrics.set("agent_connections", connections);
    this.#metrics.set("agent_connections_unauthenticated", unauthenticated);
  }

  /** `protocols`: `TCP`, `UDP` or `TCP,UDP`. */
  /** `bytes`: sealed, without what the transport adds. */
  sent(kind: SentKind, bytes: number): void {
    this.count("agent_messages_sent");
    this.count("agent_bytes_sent", bytes);
    this.#metrics.add(`agent_sent_${kind}`);
  }

  sentParts(count: number, bytes: number): void {
    this.count("agent_messages_sent", count);
    this.count("agent_bytes_sent", bytes);
    this.#metrics.add("agent_sent_shared", count);
  }

  started(processId: number, port: number, protocols: string): void {
    this.#log.write("info", `Started (pid: ${processId}). Listening on port ${port}/${protocols} (secure).`);
  }

  received(bytes: number, frames: number): void {
    this.count("agent_bytes_received", bytes);
    this.count("agent_frames_received", frames);
  }

  connected(connection: number): void {
    this.count("agent_connections_accepted");
    this.#log.write("debug", `New TCP connection [${connection}]`);
  }

  disconnected(connection: number, reason: string | null): void {
    const why = reason === null ? "" : `: ${reason}`;
    this.#log.write("debug", `TCP peer disconnected [${connection}]${why}`);
  }

  closed(connection: number, reason: string): void {
    this.#log.write("debug", `handle incoming close socket [${connection}]: ${reason}`);
  }

  overtaken(connection: number, agentId: string): void {
    this.count("agent_connections_overtaken");
    this.#log.write("debug", `Idle socket [${connection}] from agent ID '${agentId}' will be closed.`);
  }

  refused(code: RefusalCode, address: string, nowMs: number, text: string): void {
    this.#metrics.add(`agent_refused_${code}`);
    this.#offence(address, nowMs, text);
  }

  /** `text` null: dropped by intent, nothing to say. */
  dropped(code: DropCode, address: string, nowMs: number, text: string | null): void {
    this.#metrics.add(`agent_dropped_${code}`);
    if (text !== null) this.#offence(address, nowMs, text);
  }

  sendingFile(name: string, agentId: string): void {
    this.#log.write("debug", `Sending file '${name}' to agent '${agentId}'.`);
  }

  datagramTooLong(agentId: string, bytes: number, address: string, nowMs: number): void {
    this.count("agent_datagrams_too_long");
    const text = `Message for agent '${agentId}' has ${bytes} bytes sealed, more than a datagram carries: not sent.`;
    this.#offence(address, nowMs, text);
  }

  startupRefused(agentId: string, reason: string, address: string, nowMs: number): void {
    this.count("agent_startups_refused");
    if (reason !== "version_unreadable") return;
    this.#offence(address, nowMs, `Unable to get version from agent '${agentId}' on startup message`);
  }

  overConnectionLimit(address: string, nowMs: number, limit: number): void {
    this.count("agent_connections_over_limit");
    this.#offence(address, nowMs, `Too many agent connections (limit ${limit}). Closing the new one.`);
  }

  pressure(pressure: Pressure, connections: number): void {
    this.count("agent_pressure_changes");
    if (pressure === "none") this.#log.write("info", `Reading all ${connections} agent connections again.`);
    else if (pressure === "high")
      this.#log.write("warning", `Journal nearly full: reading ${connections} agent connections in turn.`);
    else this.#log.write("warning", `Journal full: not reading from ${connections} agent connections.`);
  }

  /** `notice`: the text of the event that says the same. */
  lost(notice: string): void {
    this.#log.write("warning", notice);
  }

  countersUnreadable(path: string): void {
    this.#log.write("warning", `Message counters in '${path}' are not readable; starting from zero.`);
  }

  countersUnsaved(path: string, error: unknown): void {
    this.count("agent_counters_unsaved");
    this.#log.write("error", `Message counters not written to '${path}': ${messageOf(error)}`);
  }

  /** Called once a second: lines may be said again, and what was not said is told as one count. */
  secondPassed(): void {
    if (this.#unsaid > 0) {
      this.#log.write(
        "warning",
        `${this.#unsaid} more refused messages or connections of agents in the last second.`,
      );
    }
    this.#linesThisSecond = 0;
    this.#unsaid = 0;
  }

  #offence(address: string, nowMs: number, text: string): void {
    const count = this.#offenders.record(address, nowMs);
    if (count === 0) return;
    if (this.#linesThisSecond >= REFUSAL_LINES_PER_SECOND_MAX) {
      this.#unsaid += count;
      return;
    }
    this.#linesThisSecond++;
    const others = count === 1 ? "" : ` (${count} such from ${networkOf(address)} since the last line)`;
    this.#log.write("warning", text + others);
  }
}
