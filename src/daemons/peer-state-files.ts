/**
 * `var/run/wazuh-analysisd.state` and `var/run/wazuh-remoted.state`: counters as text, for the scripts that read the peer's.
 * wazuh v4.14.7: src/analysisd/state.c, src/remoted/state.c.
 *
 * Here nothing waits in queues of a fixed length: their usage is 0, their sizes are those of internal_options.conf.
 */
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Settings } from "./settings.ts";

type Counters = Readonly<Record<string, number>>;
type Line = readonly [comment: string, name: string, value: string | number];

/** Each with the internal option that has its size. */
const ANALYSIS_QUEUES = [
  ["syscheck", "syscheckQueueSize"],
  ["syscollector", "syscollectorQueueSize"],
  ["rootcheck", "rootcheckQueueSize"],
  ["sca", "scaQueueSize"],
  ["hostinfo", "hostInfoQueueSize"],
  ["winevt", "windowsEventQueueSize"],
  ["dbsync", "dbsyncQueueSize"],
  ["upgrade", "upgradeQueueSize"],
  ["event", "eventQueueSize"],
  ["rule_matching", "decodedQueueSize"],
  ["alerts", "alertsQueueSize"],
  ["firewall", "firewallQueueSize"],
  ["statistical", "statisticalQueueSize"],
  ["archives", "archivesQueueSize"],
] as const;

function stateText(daemon: string, lines: readonly Line[], more: readonly string[] = []): string {
  const head = [`# State file for ${daemon}`, "# THIS FILE WILL BE DEPRECATED IN FUTURE VERSIONS", ...more];
  const body = lines.map(([comment, name, value]) => `# ${comment}\n${name}='${value}'\n`);
  return `${head.join("\n")}\n\n${body.join("\n")}`;
}

export function analysisState(counters: Counters, { options }: Settings): string {
  const decoded = (kind: string, what: string): Line => [
    `Events of ${what} decoded`,
    `${kind}_events_decoded`,
    counters[`${kind}_events_decoded`] ?? 0,
  ];
  const count = (comment: string, name: string, counter = name): Line => [
    comment,
    name,
    counters[counter] ?? 0,
  ];
  return stateText("wazuh-analysisd", [
    count("Events decoded", "total_events_decoded"),
    decoded("syscheck", "file integrity"),
    decoded("syscollector", "the inventory"),
    decoded("rootcheck", "rootcheck"),
    decoded("sca", "configuration assessment"),
    decoded("winevt", "Windows"),
    count("Synchronisation messages passed on", "dbsync_messages_dispatched"),
    decoded("other", "all other kinds"),
    count("Events that the rules have seen", "events_processed"),
    count("Events received", "events_received"),
    count("Events dropped", "events_dropped"),
    count("Alerts written", "alerts_written", "alerts"),
    ["Firewall events written: not counted", "firewall_written", 0],
    ["First-seen events written: not counted", "fts_written", 0],
    ...ANALYSIS_QUEUES.flatMap(([name, option]): Line[] => [
      [`Usage of the ${name} queue`, `${name}_queue_usage`, "0.00"],
      [`Size of the ${name} queue`, `${name}_queue_size`, options.analysisd[option]],
    ]),
  ]);
}

export function connectionState(counters: Counters, { config, options }: Settings): string {
  const count = (...names: readonly string[]) =>
    names.reduce((sum, name) => sum + (counters[`agent_${name}`] ?? 0), 0);
  const control = count("keepalives", "startups", "shutdowns", "request_answers", "dropped_control_invalid");
  const discarded = count("dropped_event_malformed", "dropped_event_keepalive", "datagrams_dropped");
  const lines: readonly Line[] = [
    ["Messages that wait", "queue_size", 0],
    ["Messages that may wait", "total_queue_size", config.remote.secure?.queueSize ?? 0],
    ["TCP connections", "tcp_sessions", count("connections")],
    ["Events received", "evt_count", count("events")],
    ["Control messages received", "ctrl_msg_count", control],
    ["Messages dropped", "discarded_count", discarded],
    ["Bytes sent", "sent_bytes", count("bytes_sent")],
    ["Bytes received", "recv_bytes", count("bytes_received")],
    ["Control messages of closed connections", "dequeued_after_close", 0],
    ["Usage of the queue of control messages", "ctrl_msg_queue_usage", 0],
    ["Control messages taken into it", "ctrl_msg_queue_inserted", control],
    ["Control messages replaced in it", "ctrl_msg_queue_replaced", 0],
    ["Control messages processed", "ctrl_msg_queue_processed", control],
  ];
  return stateText("wazuh-remoted", lines, [`# Updated every ${options.remoted.stateSeconds} seconds.`]);
}

export type PeerStateNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Settings;
  readonly home: string;
  readonly counters: () => Counters;
};

export class PeerStateFiles {
  readonly #needs: PeerStateNeeds;
  readonly #timers: Timer[] = [];
  readonly #failing = new Set<string>();

  constructor(needs: PeerStateNeeds) {
    this.#needs = needs;
    const { analysisd, remoted } = needs.settings.options;
    this.#every(analysisd.stateSeconds, "wazuh-analysisd", analysisState);
    if (needs.settings.config.remote.secure !== null)
      this.#every(remoted.stateSeconds, "wazuh-remoted", connectionState);
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  #every(seconds: number, daemon: string, textOf: (counters: Counters, settings: Settings) => string): void {
    if (seconds === 0) return;
    const { clock, counters, settings } = this.#needs;
    const write = () => this.#write(daemon, textOf(counters(), settings));
    write();
    this.#timers.push(clock.every(seconds * 1000, write));
  }

  /** A failure that lasts is said once. */
  #write(daemon: string, text: string): void {
    const { files, home, log } = this.#needs;
    const path = `${home}/var/run/${daemon}.state`;
    try {
      files.replace(path, Buffer.from(text, "latin1"));
      this.#failing.delete(path);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (!this.#failing.has(path))
        log.write("warning", `State file '${path}' not written: ${messageOf(error)}`);
      this.#failing.add(path);
    }
  }
}
