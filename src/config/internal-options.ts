/**
 * internal_options.conf and local_internal_options.conf: `group.name=number` lines for what hardly anyone changes.
 *
 * Only the options of parts that the manager has stand here; lines of others are skipped. An option that no file names has its
 * default: the peer ends there (2301), but its files name all of them.
 */
import type { Problem } from "#formats/source-position.ts";
import { Report } from "./report.ts";

export type InternalOption = {
  readonly name: string;
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
};

function number(name: string, fallback: number, min: number, max: number, doc: string): InternalOption {
  return { name, fallback, min, max, doc };
}

const QUEUE_SIZE_MAX = 2_000_000;
const queue = (name: string, of: string) =>
  number(name, 16_384, 0, QUEUE_SIZE_MAX, `Length of the queue of ${of}.`);
const threads = (name: string, of: string) =>
  number(name, 0, 0, 32, `Threads for ${of}; 0 for one a processor.`);
const debug = number("debug", 0, 0, 2, "How much is logged for debugging.");

const RLIMIT_MIN = 1024;
const RLIMIT_MAX = 1_048_576;
const DAY_SECONDS = 86_400;

// Defaults and ranges: wazuh v4.14.7: etc/internal_options.conf.
const analysisd = {
  defaultTimeframeSeconds: number(
    "default_timeframe",
    360,
    60,
    3600,
    "Timeframe of rules that name none, in seconds.",
  ),
  statsDifferenceMax: number(
    "stats_maxdiff",
    999_000,
    10,
    999_999,
    "Largest difference from the usual number of events.",
  ),
  statsDifferenceMin: number(
    "stats_mindiff",
    1250,
    10,
    999_999,
    "Smallest difference from the usual number of events.",
  ),
  statsDifferencePercent: number(
    "stats_percent_diff",
    150,
    5,
    9999,
    "Difference from the usual number of events that alerts.",
  ),
  ftsListSize: number("fts_list_size", 32, 12, 512, "Entries kept for similar first-seen events."),
  ftsTextMin: number("fts_min_size_for_str", 14, 6, 128, "Shortest text compared for similarity."),
  logFirewall: number("log_fw", 1, 0, 1, "Write firewall.log."),
  decoderOrderSize: number("decoder_order_size", 256, 32, 1024, "Fields that one decoder may fill."),
  geoipJson: number("geoip_jsonout", 0, 0, 1, "Add places to alerts.json."),
  labelCacheSeconds: number("label_cache_maxage", 10, 0, 60, "Age of cached labels of agents."),
  showHiddenLabels: number("show_hidden_labels", 0, 0, 1, "Show hidden labels in alerts."),
  fileLimit: number("rlimit_nofile", 458_752, RLIMIT_MIN, RLIMIT_MAX, "Open files."),
  rotateSecondsMin: number("min_rotate_interval", 600, 10, DAY_SECONDS, "Shortest rotate_interval."),
  eventThreads: threads("event_threads", "decoding events"),
  syscheckThreads: threads("syscheck_threads", "file integrity events"),
  syscollectorThreads: threads("syscollector_threads", "inventory events"),
  rootcheckThreads: threads("rootcheck_threads", "rootcheck events"),
  scaThreads: threads("sca_threads", "configuration assessment events"),
  hostInfoThreads: threads("hostinfo_threads", "host information events"),
  windowsEventThreads: threads("winevt_threads", "Windows events"),
  ruleMatchingThreads: threads("rule_matching_threads", "matching rules"),
  dbsyncThreads: threads("dbsync_threads", "synchronisation messages"),
  eventQueueSize: queue("decode_event_queue_size", "events to decode"),
  syscheckQueueSize: queue("decode_syscheck_queue_size", "file integrity events"),
  syscollectorQueueSize: queue("decode_syscollector_queue_size", "inventory events"),
  rootcheckQueueSize: queue("decode_rootcheck_queue_size", "rootcheck events"),
  scaQueueSize: queue("decode_sca_queue_size", "configuration assessment events"),
  hostInfoQueueSize: queue("decode_hostinfo_queue_size", "host information events"),
  windowsEventQueueSize: queue("decode_winevt_queue_size", "Windows events"),
  decodedQueueSize: queue("decode_output_queue_size", "decoded events"),
  archivesQueueSize: queue("archives_queue_size", "archived events"),
  statisticalQueueSize: queue("statistical_queue_size", "statistics"),
  alertsQueueSize: queue("alerts_queue_size", "alerts"),
  firewallQueueSize: queue("firewall_queue_size", "firewall events"),
  ftsQueueSize: queue("fts_queue_size", "first-seen events"),
  dbsyncQueueSize: queue("dbsync_queue_size", "synchronisation messages"),
  upgradeQueueSize: queue("upgrade_queue_size", "upgrade results"),
  stateSeconds: number(
    "state_interval",
    5,
    0,
    DAY_SECONDS,
    "Time between two writes of the state file; 0 for never.",
  ),
  debug,
  // The peer has none of the following.
  reloadOnChangeSeconds: number(
    "reload_on_change",
    0,
    0,
    3600,
    "Time between two looks whether files of the rule set changed, which reloads it; 0 for never.",
  ),
  reloadKeepsState: number(
    "reload_keep_state",
    1,
    0,
    1,
    "A reload keeps what was counted for rules that stay as they are.",
  ),
} as const;

// Defaults and ranges: wazuh v4.14.7: src/remoted.
const remoted = {
  countersFlushedEvery: number(
    "recv_counter_flush",
    128,
    10,
    999_999,
    "Messages between two writes of an agent's counter.",
  ),
  compressionReportedEvery: number(
    "comp_average_printout",
    19_999,
    10,
    999_999,
    "Messages between two reports on compression.",
  ),
  verifyMessageId: number("verify_msg_id", 0, 0, 1, "Refuse messages whose counter was seen."),
  passEmptyKeyFile: number("pass_empty_keyfile", 1, 0, 1, "Start without any agent."),
  senderPool: number("sender_pool", 8, 1, 64, "Threads that push shared files."),
  requestPool: number("request_pool", 1024, 1, 4096, "Requests to agents at a time."),
  requestTimeoutSeconds: number("request_timeout", 10, 1, 600, "Time for an agent to acknowledge a request."),
  responseTimeoutSeconds: number("response_timeout", 60, 1, 3600, "Time for an agent to answer a request."),
  requestRetrySeconds: number(
    "request_rto_sec",
    1,
    0,
    60,
    "Time to the next try of a request over UDP, seconds.",
  ),
  requestRetryMilliseconds: number(
    "request_rto_msec",
    0,
    0,
    999,
    "Time to the next try of a request over UDP, milliseconds.",
  ),
  requestAttemptsMax: number("max_attempts", 4, 1, 16, "Tries of a request over UDP."),
  sharedReloadSeconds: number("shared_reload", 10, 1, 18_000, "Time between two looks at the shared files."),
  fileLimit: number("rlimit_nofile", 458_752, RLIMIT_MIN, RLIMIT_MAX, "Open files."),
  receiveTimeoutSeconds: number("recv_timeout", 1, 1, 60, "Time to wait for the rest of a message."),
  mergeShared: number("merge_shared", 1, 0, 1, "Make merged.mg."),
  diskStorage: number("disk_storage", 0, 0, 1, "Keep merged files on disk."),
  keyUpdateSeconds: number("keyupdate_interval", 10, 1, 3600, "Time between two looks at client.keys."),
  workerPool: number("worker_pool", 4, 1, 16, "Threads that open messages."),
  stateSeconds: number(
    "state_interval",
    5,
    0,
    DAY_SECONDS,
    "Time between two writes of the state file; 0 for never.",
  ),
  guessAgentGroup: number("guess_agent_group", 0, 0, 1, "Find the group of an agent by its merged file."),
  receiveChunkBytes: number("receive_chunk", 4096, 1024, 16_384, "Bytes read from a socket at a time."),
  sendChunkBytes: number("send_chunk", 4096, 512, 16_384, "Bytes written to a socket at a time."),
  sendBufferBytes: number(
    "send_buffer_size",
    131_072,
    65_536,
    1_048_576,
    "Bytes kept for an agent that does not read.",
  ),
  sendRetrySeconds: number("send_timeout_to_retry", 1, 1, 60, "Time to wait for a full buffer."),
  bufferRelax: number("buffer_relax", 1, 0, 2, "How the receive buffer shrinks."),
  keepAliveIdleSeconds: number(
    "tcp_keepidle",
    30,
    1,
    7200,
    "Silence before TCP asks whether the agent is there.",
  ),
  keepAliveIntervalSeconds: number("tcp_keepintvl", 10, 1, 100, "Time between two such questions."),
  keepAliveCount: number("tcp_keepcnt", 3, 1, 50, "Such questions before the connection counts as lost."),
  controlQueueSize: number(
    "control_msg_queue_size",
    16_384,
    4096,
    1_048_576,
    "Control messages that wait for the registry.",
  ),
  routerForwardingDisabled: number(
    "router_forwarding_disabled",
    0,
    0,
    1,
    "Do not forward inventory messages.",
  ),
  debug,
} as const;

const auth = {
  timeoutSeconds: number("timeout_seconds", 1, 0, 2 ** 31 - 1, "Time to wait on the local socket, seconds."),
  timeoutMicroseconds: number(
    "timeout_microseconds",
    0,
    0,
    999_999,
    "Time to wait on the local socket, microseconds.",
  ),
} as const;

// Defaults and ranges: wazuh v4.14.7: src/monitord.
const monitord = {
  dayWaitSeconds: number("day_wait", 10, 0, 600, "Time after midnight before files of the day are closed."),
  compress: number("compress", 1, 0, 1, "Compress files of past days."),
  sign: number("sign", 1, 0, 1, "Write checksums beside files of past days."),
  monitorAgents: number("monitor_agents", 1, 0, 1, "Tell of agents that disconnected and of those removed."),
  deleteOldAgentsMinutes: number(
    "delete_old_agents",
    0,
    0,
    9600,
    "Time after which a disconnected agent is removed, in minutes; 0 for never.",
  ),
  rotateLog: number("rotate_log", 1, 0, 1, "Begin a new log of the manager each day."),
  logDaysKept: number("keep_log_days", 31, 0, 500, "Days for which logs of the manager are kept."),
  logMegabytesMax: number("size_rotate", 512, 0, 4096, "Size at which a new log begins, in MB; 0 for none."),
  logsOfDayMax: number("daily_rotations", 12, 1, 256, "Logs of one day that are kept."),
  debug,
} as const;

// Defaults and ranges: wazuh v4.14.7: src/os_execd.
const execd = {
  requestTimeoutSeconds: number(
    "request_timeout",
    60,
    1,
    3600,
    "Time for the installer of an agent's upgrade.",
  ),
  restartLockSecondsMax: number(
    "max_restart_lock",
    600,
    0,
    3600,
    "How long programs may hold off a restart over the local socket, in seconds.",
  ),
  debug,
} as const;

// Defaults and ranges: wazuh v4.14.7: src/logcollector.
const logcollector = {
  loopSeconds: number("loop_timeout", 2, 1, 120, "Time between two looks at the files."),
  openAttemptsMax: number("open_attempts", 0, 0, 998, "Tries to open a file; 0 for no end."),
  remoteCommands: number("remote_commands", 0, 0, 1, "Run commands that shared files name."),
  fileCheckLoops: number("vcheck_files", 64, 0, 1024, "Looks between two checks for new files."),
  linesMax: number("max_lines", 10_000, 0, 1_000_000, "Lines read from a file in one go; 0 for all."),
  filesMax: number("max_files", 1000, 1, 100_000, "Files that are read."),
  socketFailureSeconds: number("sock_fail_time", 300, 1, 3600, "Time to the next try of a socket."),
  inputThreads: number("input_threads", 4, 1, 128, "Threads that read files."),
  queueSize: number("queue_size", 1024, 128, 220_000, "Messages that wait to be sent."),
  sampleLogLength: number(
    "sample_log_length",
    64,
    1,
    4096,
    "Characters of a log that are shown for debugging.",
  ),
  fileLimit: number("rlimit_nofile", 1100, RLIMIT_MIN, RLIMIT_MAX, "Open files."),
  forceReload: number("force_reload", 0, 0, 1, "Close files and open them again."),
  reloadSeconds: number("reload_interval", 64, 1, DAY_SECONDS, "Time between two reloads."),
  reloadDelayMilliseconds: number("reload_delay", 1000, 0, 30_000, "Time from closing to opening."),
  excludeFilesSeconds: number(
    "exclude_files_interval",
    DAY_SECONDS,
    1,
    2 * DAY_SECONDS,
    "Time after which excluded files are looked at again.",
  ),
  stateSeconds: number(
    "state_interval",
    60,
    0,
    3600,
    "Time between two writes of the state file; 0 for never.",
  ),
  addressSeconds: number("ip_update_interval", 60, 0, 3600, "Time between two looks at this host's address."),
  debug,
} as const;

const download = { enabled: number("enabled", 1, 0, 1, "Fetch the files that etc/shared/files.yml lists.") };

const groups = {
  analysisd,
  remoted,
  auth,
  authd: { debug },
  monitord,
  execd,
  logcollector,
  wazuh_download: download,
  wazuh_clusterd: { debug },
} as const;

type Groups = typeof groups;
/** By group and option; a switch is 0 or 1, as the file says it. */
export type InternalOptions = {
  readonly [Group in keyof Groups]: { readonly [Name in keyof Groups[Group]]: number };
};

export type InternalOptionsOutcome = {
  readonly options: InternalOptions;
  readonly problems: readonly Problem[];
};

type Line = { readonly value: string; readonly file: string; readonly line: number; readonly column: number };

/** Reads the files in order; a later one overrides an earlier one, inside a file the first line of a name counts. */
export function readInternalOptions(
  files: readonly { readonly text: string; readonly file: string }[],
): InternalOptionsOutcome {
  const report = new Report();
  const lines = new Map<string, Line>();
  for (const { text, file } of files) {
    for (const [name, line] of linesOf(text, file)) lines.set(name, line);
  }
  const options = {
    analysisd: readGroup("analysisd", groups.analysisd, lines, report),
    remoted: readGroup("remoted", groups.remoted, lines, report),
    auth: readGroup("auth", groups.auth, lines, report),
    authd: readGroup("authd", groups.authd, lines, report),
    monitord: readGroup("monitord", groups.monitord, lines, report),
    execd: readGroup("execd", groups.execd, lines, report),
    logcollector: readGroup("logcollector", groups.logcollector, lines, report),
    wazuh_download: readGroup("wazuh_download", groups.wazuh_download, lines, report),
    wazuh_clusterd: readGroup("wazuh_clusterd", groups.wazuh_clusterd, lines, report),
  };
  return { options, problems: report.problems() };
}

export function defaultInternalOptions(): InternalOptions {
  return readInternalOptions([]).options;
}

/** The values of a group by the names that its options have in the file. */
export function valuesOf(
  options: InternalOptions,
  group: keyof typeof groups,
): Readonly<Record<string, number>> {
  const values = new Map<string, number>(Object.entries(options[group]));
  const named = Object.entries<InternalOption>(groups[group]).map(([key, { name, fallback }]) => [
    name,
    values.get(key) ?? fallback,
  ]);
  return Object.fromEntries(named);
}

/** `group.name` with each option's range, default and meaning. */
export function describeInternalOptions(): readonly InternalOption[] {
  return Object.entries(groups).flatMap(([group, options]) =>
    Object.values(options).map((option: InternalOption) => ({ ...option, name: `${group}.${option.name}` })),
  );
}

function linesOf(text: string, file: string): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const [index, written] of text.split("\n").entries()) {
    const equals = written.indexOf("=");
    const name = written.slice(0, Math.max(equals, 0)).trim();
    if (name === "" || name.startsWith("#") || lines.has(name)) continue;
    lines.set(name, { value: written.slice(equals + 1).trim(), file, line: index + 1, column: equals + 2 });
  }
  return lines;
}

const DIGITS = /^[0-9]{1,15}$/;

function readGroup<Key extends string>(
  group: string,
  options: Readonly<Record<Key, InternalOption>>,
  lines: ReadonlyMap<string, Line>,
  report: Report,
): Readonly<Record<Key, number>> {
  const read = Object.entries<InternalOption>(options).map(([key, { name, fallback, min, max }]) => {
    const line = lines.get(`${group}.${name}`);
    if (line === undefined) return [key, fallback];
    const value = DIGITS.test(line.value) ? Number(line.value) : Number.NaN;
    if (value >= min && value <= max) return [key, value];
    const { file, line: lineNumber, column } = line;
    const message = `(2302): Invalid definition for ${group}.${name}: '${line.value}'.`;
    report.error(
      { file, line: lineNumber, column },
      message,
      `expected a whole number from ${min} to ${max}`,
    );
    return [key, fallback];
  });
  // Every key of the table was read.
  return Object.fromEntries(read) as Record<Key, number>;
}
