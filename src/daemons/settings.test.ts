/** Goal: ossec.conf reaches the parts as it says. Method: small configurations in a file system in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { homePaths, prepareHome } from "./home.ts";
import {
  connectionConfig,
  enrollmentConfig,
  errorLines,
  hostLogsOptions,
  identityOf,
  outputOptions,
  readSettings,
  rulesetSources,
  type Settings,
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
  assert.equal(connectionConfig(settingsOf("<ossec_config/>"), PATHS, 7), null);
  assert.equal(enrollmentConfig(settingsOf("<ossec_config/>"), PATHS, "m"), null);
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
  assert.deepEqual([...outputOptions(settings).kinds].sort(), ["alert_json", "archive_json"]);
  assert.deepEqual(hostLogsOptions(settings.config, PATHS).localFiles, [
    { location: "/var/log/app.log", format: "syslog" },
  ]);
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
