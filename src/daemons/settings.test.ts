/** Goal: ossec.conf reaches the parts as it says. Method: small configurations in a file system in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { homePaths, prepareHome } from "./home.ts";
import {
  alertFormOptions,
  balancersOf,
  connectionConfig,
  enrollmentConfig,
  errorLines,
  eventLimitOptions,
  hostLogsOptions,
  identityOf,
  keyRequestConfig,
  oldAgentsConfig,
  outputOptions,
  outputSelection,
  readSettings,
  responseSettings,
  rulesetSources,
  type Settings,
  statisticsOptions,
  syslogConfigs,
  upgradeSettings,
  withExcludedFiles,
} from "./settings.ts";

const PATHS = homePaths("/home");

function settingsOf(config: string, options = ""): Settings {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  files.write(PATHS.config, config);
  if (options !== "") files.write(PATHS.localInternalOptions, options);
  return readSettings(files, PATHS);
}

test("readSettings() of a new home serves agents on loopback only", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  const settings = readSettings(files, PATHS);
  assert.deepEqual(errorLines(settings.problems), []);
  assert.equal(connectionConfig(settings, PATHS, 1)?.host, "127.0.0.1");
  assert.equal(enrollmentConfig(settings, PATHS, "manager01")?.host, "127.0.0.1");
  assert.equal(settings.config.alerts.logLevel, 3);
});

test("errorLines() gives every error with file, line and column", () => {
  const settings = settingsOf(
    "<ossec_config>\n <auth>\n  <port>x</port>\n </auth>\n <nonsense/>\n</ossec_config>",
  );
  const lines = errorLines(settings.problems);
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /^\/home\/etc\/ossec\.conf:3:\d+: error: /);
  assert.match(lines[1] ?? "", /^\/home\/etc\/ossec\.conf:5:2: error: .*nonsense/);
});

test("connectionConfig() and enrollmentConfig() take ports, addresses and internal options", () => {
  const settings = settingsOf(
    "<ossec_config><remote><connection>secure</connection><port>2514</port><local_ip>127.0.0.2</local_ip></remote>" +
      "<auth><port>2515</port><use_password>yes</use_password></auth></ossec_config>",
    "remoted.verify_msg_id=1\n",
  );
  const connection = connectionConfig(settings, PATHS, 7);
  assert.equal(`${connection?.host}:${connection?.port}`, "127.0.0.2:2514");
  assert.equal(connection?.verifyMessageIds, true);
  const enrollment = enrollmentConfig(settings, PATHS, "manager01");
  assert.equal(`${enrollment?.host}:${enrollment?.port}`, "127.0.0.2:2515");
  assert.equal(enrollment?.usePassword, true);
  assert.deepEqual([enrollment?.clientAuthorityPath, enrollment?.verifiesHost], [null, false]);
  const certified = settingsOf(
    "<ossec_config><auth><ssl_agent_ca>etc/root.pem</ssl_agent_ca><ssl_verify_host>yes</ssl_verify_host>" +
      "<proxy_protocol_from>10.0.0.5</proxy_protocol_from></auth></ossec_config>",
  );
  const { clientAuthorityPath, verifiesHost } = enrollmentConfig(certified, PATHS, "m") ?? {};
  assert.deepEqual([clientAuthorityPath, verifiesHost], [`${PATHS.home}/etc/root.pem`, true]);
  assert.deepEqual([balancersOf(certified).agents.length, balancersOf(certified).enrollment.length], [0, 1]);
  assert.equal(connectionConfig(settingsOf("<ossec_config/>"), PATHS, 7), null);
  assert.equal(enrollmentConfig(settingsOf("<ossec_config/>"), PATHS, "m"), null);
});

test("keyRequestConfig() asks the socket before the program, and nobody unless the section says whom", () => {
  const config = (inside: string) =>
    keyRequestConfig(settingsOf(`<ossec_config><auth>${inside}</auth></ossec_config>`), PATHS);
  const program = '<exec_path>bin/keys "a b" -c</exec_path>';
  assert.deepEqual(config(`<key_request>${program}<threads>3</threads></key_request>`), {
    source: { kind: "program", program: `${PATHS.home}/bin/keys`, args: ["a b", "-c"] },
    timeoutMs: 60_000,
    parallel: 3,
    waitingMax: 1024,
  });
  assert.deepEqual(config(`<key_request>${program}<socket>/run/k.sock</socket></key_request>`)?.source, {
    kind: "socket",
    path: "/run/k.sock",
    otherwise: { kind: "program", program: `${PATHS.home}/bin/keys`, args: ["a b", "-c"] },
  });
  for (const inside of [
    "",
    "<key_request></key_request>",
    `<key_request><enabled>no</enabled>${program}</key_request>`,
    `<disabled>yes</disabled><key_request>${program}</key_request>`,
  ])
    assert.equal(config(inside), null, inside);
  const wrong = "<ossec_config><auth><key_request><timeout>0</timeout></key_request></auth></ossec_config>";
  assert.match(
    errorLines(settingsOf(wrong).problems).join(),
    /Invalid content for tag 'timeout' at module 'key-request'/,
  );
});

test("oldAgentsConfig() is there when the internal options say so, and not on a worker of a cluster", () => {
  const options = "monitord.delete_old_agents=60\nmonitord.monitor_agents=0\n";
  const config = "<ossec_config><auth><purge>yes</purge></auth></ossec_config>";
  assert.deepEqual(oldAgentsConfig(settingsOf(config, options)), {
    afterSeconds: 3600,
    disconnectionSeconds: 900,
    purge: true,
    tells: false,
  });
  assert.equal(oldAgentsConfig(settingsOf(config)), null);
  const worker =
    "<ossec_config><cluster><disabled>no</disabled><node_type>worker</node_type></cluster></ossec_config>";
  assert.equal(oldAgentsConfig(settingsOf(worker, options)), null);
});

test("identityOf() shows the cluster only when it is neither hidden nor disabled", () => {
  const cluster = (extra: string) =>
    settingsOf(
      `<ossec_config><cluster><name>c</name><node_name>n1</node_name><key>${"0".repeat(32)}</key>` +
        `<nodes><node>10.0.0.1</node></nodes>${extra}</cluster></ossec_config>`,
    ).config;
  assert.deepEqual(identityOf(cluster("<disabled>no</disabled>"), "m").cluster, { name: "c", node: "n1" });
  assert.equal(identityOf(cluster("<disabled>no</disabled><hidden>yes</hidden>"), "m").cluster, null);
  assert.equal(identityOf(cluster("<disabled>yes</disabled>"), "m").cluster, null);
  assert.equal(identityOf(settingsOf("<ossec_config/>").config, "m").cluster, null);
});

test("outputOptions() and hostLogsOptions() follow <global> and <localfile>", () => {
  const settings = settingsOf(
    "<ossec_config><global><alerts_log>no</alerts_log><logall_json>yes</logall_json></global>" +
      "<localfile><log_format>syslog</log_format><location>/var/log/app.log</location></localfile></ossec_config>",
  );
  const kinds = ["alert_json", "archive_json", "dead_letter", "firewall_log"];
  assert.deepEqual([...outputOptions(settings).kinds].sort(), kinds);
  assert.deepEqual(hostLogsOptions(settings.config, PATHS).localFiles, [
    { location: "/var/log/app.log", format: "syslog" },
  ]);
});

test("syslogConfigs() has one listener for each <remote> of syslog, and the places of its certificates", () => {
  const allowed = "<connection>syslog</connection><allowed-ips>10.0.0.0/8</allowed-ips>";
  const tls = "<tls><certificate>etc/s.pem</certificate><key>/s.key</key></tls>";
  const settings = settingsOf(
    `<ossec_config><remote>${allowed}<protocol>udp</protocol></remote>` +
      `<remote>${allowed}<ipv6>yes</ipv6>${tls}</remote></ossec_config>`,
  );
  assert.deepEqual(settings.problems, []);
  const [udp, tcp] = syslogConfigs(settings, PATHS, 7);
  assert.deepEqual([udp?.host, udp?.port, udp?.protocol, udp?.tls], ["0.0.0.0", 514, "udp", null]);
  assert.deepEqual([tcp?.host, tcp?.port, tcp?.protocol, tcp?.processId], ["::", 6514, "tcp", 7]);
  const certificatePath = "/home/etc/s.pem";
  assert.deepEqual(tcp?.tls, { certificatePath, keyPath: "/s.key", clientAuthorityPath: null });
});

test("upgradeSettings() has the places of its files, and a number of transfers in any case", () => {
  const usual = upgradeSettings(settingsOf("<ossec_config></ossec_config>"), PATHS);
  assert.deepEqual(usual, {
    enabled: true,
    repository: null,
    repositoryAuthorities: null,
    chunkBytes: 32_768,
    transfersMax: 8,
    packageAuthorities: "/home/etc/wpk_root.pem",
  });
  const section =
    "<enabled>no</enabled><wpk_repository>mirror/wpk</wpk_repository><wpk_repository_ca>etc/ca.pem</wpk_repository_ca>" +
    "<max_threads>0</max_threads><ca_store>/own/root.pem</ca_store>";
  const own = upgradeSettings(
    settingsOf(`<ossec_config><agent-upgrade>${section}</agent-upgrade></ossec_config>`),
    PATHS,
  );
  assert.deepEqual(
    [own.enabled, own.repository, own.repositoryAuthorities],
    [false, "mirror/wpk", "/home/etc/ca.pem"],
  );
  assert(own.transfersMax >= 1);
  assert.equal(own.packageAuthorities, "/own/root.pem");
});

test("outputSelection() writes firewall.log unless the internal options say no", () => {
  assert.equal(outputSelection(settingsOf("<ossec_config/>")).firewallLog, true);
  const settings = settingsOf("<ossec_config/>", "analysisd.log_fw=0\n");
  assert.equal(outputSelection(settings).firewallLog, false);
  assert.equal(outputOptions(settings).kinds.has("firewall_log"), false);
});

test("alertFormOptions() has this host's labels, the forms of alerts and the database's place", () => {
  const none = {
    labels: [],
    showsHiddenLabels: false,
    placesInJson: false,
    customAlert: null,
    geoDatabasePath: null,
  };
  const usual = settingsOf("<ossec_config/>");
  assert.deepEqual(alertFormOptions(usual, PATHS), none);
  assert.equal(outputOptions(usual).customAlertLog, false);
  const settings = settingsOf(
    "<ossec_config><global><custom_alert_output>$TIMESTAMP $RULEID</custom_alert_output><geoipdb>etc/c.mmdb</geoipdb>" +
      '</global><labels><label key="a.b" hidden="yes">c</label></labels></ossec_config>',
    "analysisd.show_hidden_labels=1\nanalysisd.geoip_jsonout=1\n",
  );
  assert.deepEqual(settings.problems, []);
  assert.deepEqual(alertFormOptions(settings, PATHS), {
    labels: [{ key: "a.b", value: "c", hidden: true, system: false }],
    showsHiddenLabels: true,
    placesInJson: true,
    customAlert: "$TIMESTAMP $RULEID",
    geoDatabasePath: "/home/etc/c.mmdb",
  });
  assert.equal(outputOptions(settings).customAlertLog, true);
  const absolute = "<ossec_config><global><geoip_db_path>/x/c.mmdb</geoip_db_path></global></ossec_config>";
  assert.equal(alertFormOptions(settingsOf(absolute), PATHS).geoDatabasePath, "/x/c.mmdb");
});

test("statisticsOptions() has the level of <stats> and the differences of the internal options", () => {
  const saved = { hourly: [1], days: 2, weekly: [] };
  const options =
    "analysisd.stats_maxdiff=100\nanalysisd.stats_mindiff=20\nanalysisd.stats_percent_diff=30\n";
  const { averages } = statisticsOptions(settingsOf("<ossec_config/>", options), saved);
  assert.deepEqual(averages, {
    alertLevel: 4,
    differenceMax: 100,
    differenceMin: 20,
    differencePercent: 30,
    saved,
  });
  const off = settingsOf("<ossec_config><global><stats>0</stats></global></ossec_config>");
  assert.equal(statisticsOptions(off, saved).averages, null);
});

test("eventLimitOptions() has the limit of <global> where there is one", () => {
  assert.equal(eventLimitOptions(settingsOf("<ossec_config/>")), null);
  const limits = "<limits><eps><maximum>50</maximum><timeframe>3</timeframe></eps></limits>";
  const settings = settingsOf(`<ossec_config><global>${limits}</global></ossec_config>`);
  assert.deepEqual(eventLimitOptions(settings), { eventsPerSecond: 50, timeframeSeconds: 3 });
});

test("rulesetSources() adds the home's own rules to a chosen set, in the order of base names", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  for (const directory of ["/set/decoders", "/set/rules"]) files.makeDirectory(directory);
  files.write("/set/decoders/0005-a.xml", "");
  files.write("/set/rules/0010-b.xml", "");
  files.write("/set/rules/0215-policy_rules.xml", "");
  files.write("/home/etc/rules/0007-own.xml", "");
  const { config } = readSettings(files, PATHS);
  const sources = rulesetSources(files, PATHS, { config, directory: "/set" });
  assert.deepEqual(
    sources.rules.map(({ path }) => path),
    ["/home/etc/rules/0007-own.xml", "/set/rules/0010-b.xml"],
  );
  assert.deepEqual(
    sources.decoders.map(({ path }) => path),
    ["/set/decoders/0005-a.xml"],
  );
});

test("withExcludedFiles() has what the configuration leaves out of the rule set", () => {
  const files = new FakeFiles();
  prepareHome(files, PATHS);
  for (const name of ["rules/a.xml", "rules/b.xml"]) files.write(`/home/etc/${name}`, "");
  const config = settingsOf(
    "<ossec_config><ruleset><rule_dir>etc/rules</rule_dir><rule_exclude>b.xml</rule_exclude></ruleset></ossec_config>",
  ).config;
  const names = (chosen: typeof config) =>
    rulesetSources(files, PATHS, { config: chosen, directory: null }).rules.map(({ path }) => path);
  assert.deepEqual(names(config), ["/home/etc/rules/a.xml"]);
  assert.deepEqual(names(withExcludedFiles(config)), ["/home/etc/rules/a.xml", "/home/etc/rules/b.xml"]);
});

test("responseSettings() has no responses when they are disabled, and then no file is written for them", () => {
  const response =
    "<command><name>c</name><executable>e</executable></command>" +
    "<active-response><command>c</command><location>all</location></active-response>";
  const settings = (more: string) => settingsOf(`<ossec_config>${response}${more}</ossec_config>`);
  const enabled = settings("<global><white_list>10.0.0.0/8</white_list></global>");
  assert.equal(responseSettings(enabled.config).responses.length, 1);
  assert.equal(responseSettings(enabled.config).whiteList.length, 1);
  assert.equal(outputOptions(enabled).kinds.has("response"), true);
  const disabled = settings("<active-response><disabled>yes</disabled></active-response>");
  assert.deepEqual(responseSettings(disabled.config).responses, []);
  assert.equal(outputOptions(disabled).kinds.has("response"), false);
});
