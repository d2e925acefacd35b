/**
 * Goal: the sections of the peer's sockets tell the configuration that is under way, by the peer's names. Method: one configuration with every
 * option away from its default, and the sections whole.
 */
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import {
  analysisSections,
  clusterSections,
  comSections,
  connectionSections,
  logCollectorSections,
  moduleSections,
  monitorSections,
} from "./active-configuration.ts";
import { homePaths, prepareHome } from "./home.ts";
import { errorLines, readSettings, type Settings } from "./settings.ts";

const PATHS = homePaths("/home");

function settingsOf(config: string, options = ""): Settings {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  files.write(PATHS.config, `<ossec_config>${config}</ossec_config>`);
  files.write(PATHS.localInternalOptions, options);
  const settings = readSettings(files, PATHS);
  assert.deepEqual(errorLines(settings.problems), []);
  return settings;
}

const SOURCES = {
  decoders: [{ name: "/opt/a.xml", path: "/opt/a.xml" }],
  rules: [{ name: "/home/etc/rules/b.xml", path: "/home/etc/rules/b.xml" }],
  lists: [],
};

test("analysisSections() tells global, alerts, labels and rule_test", () => {
  const settings = settingsOf(
    "<global><logall>yes</logall><jsonout_output>yes</jsonout_output><alerts_log>no</alerts_log><stats>7</stats>" +
      "<memory_size>4096</memory_size><white_list>192.0.2.0/24</white_list><white_list>2001:db8::1</white_list>" +
      "<white_list>^ns1</white_list><rotate_interval>1h</rotate_interval><max_output_size>2M</max_output_size>" +
      "<limits><eps><maximum>50</maximum><timeframe>5</timeframe></eps></limits></global>" +
      "<alerts><log_alert_level>4</log_alert_level><email_alert_level>9</email_alert_level></alerts>" +
      '<labels><label key="site" hidden="yes">Bonn</label></labels>' +
      "<rule_test><threads>auto</threads><max_sessions>3</max_sessions><session_timeout>2m</session_timeout></rule_test>",
  );
  const sections = analysisSections(settings, PATHS.home, () => SOURCES);
  assert.deepEqual(sections("global"), {
    global: {
      email_notification: "no",
      logall: "yes",
      logall_json: "no",
      integrity_checking: 8,
      rootkit_detection: 8,
      host_information: 8,
      jsonout_output: "yes",
      alerts_log: "no",
      stats: 7,
      memory_size: 4096,
      white_list: ["192.0.2.0/24", "2001:0DB8:0000:0000:0000:0000:0000:0001", "^ns1"],
      rotate_interval: 3600,
      max_output_size: 2_097_152,
      eps: { maximum: 50, timeframe: 5 },
    },
  });
  assert.deepEqual(sections("alerts"), {
    alerts: { email_alert_level: 9, log_alert_level: 4, use_geoip: "no" },
  });
  assert.deepEqual(sections("labels"), { labels: [{ value: "Bonn", key: "site", hidden: "yes" }] });
  assert.deepEqual(sections("rule_test"), {
    rule_test: { enabled: "yes", threads: availableParallelism(), max_sessions: 3, session_timeout: 120 },
  });
  assert.deepEqual(sections("decoders"), { decoders: ["/opt/a.xml"] });
  assert.deepEqual(sections("rules"), { rules: ["etc/rules/b.xml"] });
  assert.equal(sections("remote"), null);
});

test("analysisSections() and comSections() tell commands, responses and internal options", () => {
  const block = (inner: string) =>
    `<active-response><command>drop</command>${inner}<timeout>60</timeout></active-response>`;
  const settings = settingsOf(
    "<command><name>drop</name><executable>firewall-drop</executable></command>" +
      block("<location>local</location><level>7</level>") +
      block("<location>server</location><rules_id>5,7</rules_id>") +
      block("<location>defined-agent</location><agent_id>4</agent_id><rules_group>ssh</rules_group>") +
      block("<location>all</location><repeated_offenders>30,60</repeated_offenders>") +
      "<logging><log_format>plain,json</log_format></logging>",
    "analysisd.label_cache_maxage=11\nexecd.max_restart_lock=30\nmonitord.day_wait=12\nlogcollector.max_lines=7",
  );
  const analysis = analysisSections(settings, PATHS.home, () => SOURCES);
  assert.deepEqual(analysis("command"), {
    command: [{ name: "drop", executable: "firewall-drop", timeout_allowed: 1 }],
  });
  const drop = { command: "drop", timeout: 60 };
  assert.deepEqual(analysis("active_response"), {
    "active-response": [
      { ...drop, level: 7, location: "REMOTE_AGENT" },
      { ...drop, rules_id: "5,7", level: 0, location: "AS_ONLY" },
      { ...drop, agent_id: "4", rules_group: "ssh", level: 0, location: "SPECIFIC_AGENT" },
      { ...drop, level: 0, location: "ALL_AGENTS" },
    ],
  });
  assert.partialDeepStrictEqual(analysis("internal"), {
    internal: { analysisd: { label_cache_maxage: 11, default_timeframe: 360 } },
  });
  const com = comSections(settings);
  assert.deepEqual(com("active-response"), {
    "active-response": { disabled: "no", repeated_offenders: [30, 60] },
  });
  assert.deepEqual(com("logging"), { logging: { plain: "yes", json: "yes" } });
  assert.deepEqual(com("internal"), { internal: { execd: { request_timeout: 60, max_restart_lock: 30 } } });
  assert.partialDeepStrictEqual(monitorSections(settings)("internal"), {
    monitord: { day_wait: 12, keep_log_days: 31, size_rotate: 512 },
  });
  assert.partialDeepStrictEqual(logCollectorSections(settings, "q")("internal"), {
    internal: { logcollector: { max_lines: 7, loop_timeout: 2, rlimit_nofile: 1100 } },
  });
});

test("logCollectorSections() tells each <localfile> and the socket of the events", () => {
  const settings = settingsOf(
    "<localfile><log_format>syslog</log_format><location>/var/log/auth.log</location></localfile>" +
      '<localfile><log_format>json</log_format><location>/a.json</location><label key="@s">x</label><age>1d</age>' +
      '<only-future-events max-size="1M">no</only-future-events><exclude>/b</exclude><ignore type="osregex">^x</ignore>' +
      '<out_format target="t">$(log)</out_format><ignore_binaries>yes</ignore_binaries></localfile>' +
      "<localfile><log_format>full_command</log_format><command>df -P</command><alias>df</alias><frequency>60</frequency></localfile>" +
      '<localfile><log_format>journald</log_format><location>journald</location><filter field="_UID">^0$</filter></localfile>',
  );
  const sections = logCollectorSections(settings, "queue/sockets/queue");
  const usual = { ignore_binaries: "no", "only-future-events": "yes", target: ["agent"] };
  assert.deepEqual(sections("localfile"), {
    localfile: [
      { file: "/var/log/auth.log", logformat: "syslog", ...usual },
      {
        file: "/a.json",
        logformat: "json",
        ignore_binaries: "yes",
        age: "86400s",
        exclude: "/b",
        "only-future-events": "no",
        "max-size": "1048576",
        target: ["agent"],
        out_format: [{ target: "t", format: "$(log)" }],
        labels: { "@s": "x" },
        ignore: [{ value: "^x", type: "osregex" }],
      },
      {
        logformat: "full_command",
        command: "df -P",
        alias: "df",
        ignore_binaries: "no",
        target: ["agent"],
        frequency: 60,
      },
      {
        file: "journald",
        logformat: "journald",
        "only-future-events": "yes",
        target: ["agent"],
        filters: [[{ field: "_UID", expression: "^0$", ignore_if_missing: false }]],
      },
    ],
  });
  assert.deepEqual(sections("socket"), {
    socket: [{ name: "agent", location: "queue/sockets/queue", mode: "udp" }],
  });
  assert.deepEqual(logCollectorSections(settingsOf(""), "q")("localfile"), {});
});

test("monitorSections(), moduleSections() and clusterSections() tell theirs, the cluster's without its key", () => {
  const key = "c98b62a9b6169ac5f67dae55ae4a9088";
  const settings = settingsOf(
    "<global><agents_disconnection_time>20m</agents_disconnection_time></global>" +
      "<agent-upgrade><chunk_size>1024</chunk_size><wpk_repository>wpk.example.com</wpk_repository></agent-upgrade>" +
      `<cluster><name>c</name><node_name>n</node_name><node_type>master</node_type><key>${key}</key><port>1516</port>` +
      "<bind_addr>0.0.0.0</bind_addr><nodes><node>192.0.2.1</node></nodes><hidden>no</hidden><disabled>no</disabled></cluster>",
    "wazuh_download.enabled=0",
  );
  assert.deepEqual(monitorSections(settings)("global"), {
    monitord: { agents_disconnection_time: 1200, agents_disconnection_alert_time: 0 },
  });
  assert.deepEqual(monitorSections(settings)("reports"), {});
  assert.deepEqual(moduleSections(settings)("wmodules"), {
    wmodules: [
      {
        "agent-upgrade": {
          enabled: "yes",
          max_threads: 8,
          chunk_size: 1024,
          wpk_repository: "wpk.example.com",
          ca_verification: "yes",
          ca_store: ["etc/wpk_root.pem"],
        },
      },
      { "task-manager": { enabled: "yes" } },
    ],
  });
  assert.deepEqual(clusterSections(settings)("cluster"), {
    name: "c",
    node_name: "n",
    node_type: "master",
    key: "*".repeat(32),
    port: 1516,
    bind_addr: "0.0.0.0",
    nodes: ["192.0.2.1"],
    hidden: "no",
    disabled: false,
  });
  assert.equal(clusterSections(settingsOf(""))("cluster"), null);
});

test("connectionSections() tells the listeners, and nothing where there is none", () => {
  const settings = settingsOf(
    "<remote><connection>secure</connection><port>2514</port><protocol>tcp,udp</protocol><local_ip>127.0.0.2</local_ip></remote>" +
      "<remote><connection>syslog</connection><protocol>udp</protocol><allowed-ips>192.0.2.0/24</allowed-ips>" +
      "<allowed-ips>!192.0.2.9</allowed-ips><denied-ips>any</denied-ips></remote>",
    "remoted.request_pool=7",
  );
  const sections = connectionSections(settings);
  assert.deepEqual(sections("remote"), {
    remote: [
      {
        connection: "secure",
        ipv6: "no",
        local_ip: "127.0.0.2",
        protocol: ["TCP", "UDP"],
        port: "2514",
        queue_size: "131072",
        rids_closing_time: 300,
        connection_overtake_time: 60,
        agents: { allow_higher_versions: "no" },
      },
      {
        connection: "syslog",
        ipv6: "no",
        protocol: ["UDP"],
        port: "514",
        "allowed-ips": ["192.0.2.0/24", "!192.0.2.9"],
        "denied-ips": ["any"],
      },
    ],
  });
  assert.deepEqual(sections("global"), {
    global: { agents_disconnection_time: 900, agents_disconnection_alert_time: 0 },
  });
  assert.partialDeepStrictEqual(sections("internal"), { internal: { remoted: { request_pool: 7 } } });
  assert.equal(connectionSections(settingsOf(""))("remote"), null);
  assert.equal(sections("auth"), null);
});
