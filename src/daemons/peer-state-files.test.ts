/** Goal: scripts that read the peer's state files find its names, with our counters. Method: counters as the parts give them, the clock goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog } from "#testing/log.ts";
import { homePaths } from "./home.ts";
import { PeerStateFiles } from "./peer-state-files.ts";
import { readSettings, type Settings } from "./settings.ts";

const HOME = "/home";
const REMOTE = "<ossec_config><remote><connection>secure</connection></remote></ossec_config>";
/** In the peer's order. */
const ANALYSIS_NAMES =
  `total_events_decoded syscheck_events_decoded syscollector_events_decoded rootcheck_events_decoded
  sca_events_decoded winevt_events_decoded dbsync_messages_dispatched other_events_decoded events_processed events_received
  events_dropped alerts_written firewall_written fts_written syscheck_queue_usage syscheck_queue_size syscollector_queue_usage
  syscollector_queue_size rootcheck_queue_usage rootcheck_queue_size sca_queue_usage sca_queue_size hostinfo_queue_usage
  hostinfo_queue_size winevt_queue_usage winevt_queue_size dbsync_queue_usage dbsync_queue_size upgrade_queue_usage
  upgrade_queue_size event_queue_usage event_queue_size rule_matching_queue_usage rule_matching_queue_size alerts_queue_usage
  alerts_queue_size firewall_queue_usage firewall_queue_size statistical_queue_usage statistical_queue_size
  archives_queue_usage archives_queue_size`.split(/\s+/);
const CONNECTION_NAMES =
  `queue_size total_queue_size tcp_sessions evt_count ctrl_msg_count discarded_count sent_bytes recv_bytes
  dequeued_after_close ctrl_msg_queue_usage ctrl_msg_queue_inserted ctrl_msg_queue_replaced ctrl_msg_queue_processed`.split(
    /\s+/,
  );

function settingsOf(options: string, config = REMOTE): Settings {
  const files = new FakeFiles();
  const paths = homePaths(HOME);
  files.write(paths.config, config);
  files.write(paths.localInternalOptions, options);
  return readSettings(files, paths);
}

function setUp(options = "", config = REMOTE) {
  const files = new FakeFiles();
  files.makeDirectory(`${HOME}/var/run`);
  const clock = new FakeClock();
  const log = new RecordingLog();
  const counters: Record<string, number> = {
    events_received: 3,
    alerts: 2,
    agent_events: 5,
    agent_connections: 7,
  };
  const needs = {
    files,
    clock,
    log,
    settings: settingsOf(options, config),
    home: HOME,
    counters: () => counters,
  };
  const state = new PeerStateFiles(needs);
  const valuesOf = (daemon: string) => {
    const text = files.text(`${HOME}/var/run/${daemon}.state`);
    return new Map([...text.matchAll(/^([a-z_]+)='([0-9.]*)'$/gm)].map(([, name, value]) => [name, value]));
  };
  return { files, clock, log, counters, state, valuesOf };
}

test("PeerStateFiles writes the peer's names in its order, a comment before each", () => {
  const { files, valuesOf } = setUp("analysisd.alerts_queue_size=99\n");
  const [analysis, connection] = [valuesOf("wazuh-analysisd"), valuesOf("wazuh-remoted")];
  assert.deepEqual([...analysis.keys()], ANALYSIS_NAMES);
  assert.deepEqual([...connection.keys()], CONNECTION_NAMES);
  assert.deepEqual(
    ["events_received", "alerts_written", "alerts_queue_size"].map((name) => analysis.get(name)),
    ["3", "2", "99"],
  );
  assert.deepEqual([connection.get("evt_count"), connection.get("tcp_sessions")], ["5", "7"]);
  const lines = files.text(`${HOME}/var/run/wazuh-remoted.state`).split("\n");
  assert.deepEqual(lines.slice(0, 4), [
    "# State file for wazuh-remoted",
    "# THIS FILE WILL BE DEPRECATED IN FUTURE VERSIONS",
    "# Updated every 5 seconds.",
    "",
  ]);
  for (const [at, line] of lines.entries())
    if (line.includes("='")) assert.match(lines[at - 1] ?? "", /^# \S/);
});

test("PeerStateFiles writes as often as the internal options say, and not at all for 0", () => {
  const { clock, counters, state, valuesOf } = setUp("analysisd.state_interval=20\n");
  counters["events_received"] = 9;
  clock.advance(19_999);
  assert.equal(valuesOf("wazuh-analysisd").get("events_received"), "3");
  clock.advance(1);
  assert.equal(valuesOf("wazuh-analysisd").get("events_received"), "9");
  state.stop();
  assert.equal(clock.pendingTimers, 0);
  const none = setUp("analysisd.state_interval=0\nremoted.state_interval=0\n");
  assert.deepEqual(none.files.paths(), []);
  assert.deepEqual(setUp("", "<ossec_config/>").files.paths(), [`${HOME}/var/run/wazuh-analysisd.state`]);
});

test("PeerStateFiles says once that it cannot write", () => {
  const { clock, files, log } = setUp();
  files.freeSpace = 0;
  clock.advance(60_000);
  assert.equal(log.lines.length, 2, "one for each file");
});
