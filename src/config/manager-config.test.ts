/**
 * Goal: ossec.conf gives the peer's values and defaults, and every mistake is reported at once, with the peer's text and the
 * place. Method: a table of mistakes with the exact text, values by hand, the blocks of the guides, damaged files.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { formatProblem } from "#formats/source-position.ts";
import { SeededRandom } from "#testing/random.ts";
import { defaultManagerConfig, describeOptions, readManagerConfig } from "./manager-config.ts";
import { shippedConfig } from "./shipped-config.ts";

const read = (sections: string) =>
  readManagerConfig(`<ossec_config>${sections}</ossec_config>`, "ossec.conf");

/** `severity: message` of each problem. */
function problemsOf(sections: string): string[] {
  return read(sections).problems.map(({ severity, message }) => `${severity}: ${message}`);
}

function load(sections: string) {
  const { config, problems } = read(sections);
  assert.deepEqual(problems, []);
  return config;
}

const invalid = (element: string, value: string) =>
  `error: (1235): Invalid value for element '${element}': ${value}.`;
const wrongCluster = (text: string) => `error: Error 3004 - Error in cluster configuration: ${text}`;
const unknown = (element: string) => `error: (1230): Invalid element in the configuration: '${element}'.`;

const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const NODE = `<key>${KEY}</key><nodes><node>10.0.0.1</node></nodes>`;
const COMMAND = "<command><name>c</name><executable>e</executable></command>";

const MISTAKES: readonly (readonly [sections: string, problems: readonly string[]])[] = [
  ["<global><logall>Yes</logall></global>", [invalid("logall", "Yes")]],
  ["<global><logall></logall></global>", [invalid("logall", "")]],
  ["<global><bogus/></global>", [unknown("bogus")]],
  ["<global><Logall>yes</Logall></global>", [unknown("Logall")]],
  ["<global><constructor/></global>", [unknown("constructor")]],
  ["<bogus/>", [unknown("bogus")]],
  ["<agent-upgrade><chunk_size>63</chunk_size></agent-upgrade>", [invalid("chunk_size", "63")]],
  ["<agent-upgrade><max_threads>257</max_threads></agent-upgrade>", [invalid("max_threads", "257")]],
  ["<agent-upgrade><wpk_repository></wpk_repository></agent-upgrade>", [invalid("wpk_repository", "")]],
  [
    "<agent-upgrade><chunk_size>60000</chunk_size></agent-upgrade>",
    ["warning: 'chunk_size' is cut to 48000: more does not fit an agent's message"],
  ],
  [
    "<agent-upgrade><ca_verification/></agent-upgrade>",
    ["warning: option <ca_verification> of <agent-upgrade> is not used by this version"],
  ],
  ["<global><email_to>nobody</email_to></global>", ["error: Invalid Email address: nobody."]],
  ["<global><email_maxperhour>0</email_maxperhour></global>", [invalid("email_maxperhour", "0")]],
  ["<global><stats>17</stats></global>", [invalid("stats", "17")]],
  [
    "<global><white_list>1.2.3.400</white_list></global>",
    ["error: (1237): Invalid ip address: '1.2.3.400'."],
  ],
  [
    "<global><rotate_interval>599</rotate_interval></global>",
    ["error: Rotate interval setting must be between 600 seconds and one day."],
  ],
  [
    "<global><max_output_size>2M1</max_output_size></global>",
    ["error: Maximum output size must be between 1 MiB and 1 TiB."],
  ],
  ["<global><queue_size>0</queue_size></global>", ["error: Invalid value for option '<queue_size>'"]],
  [
    "<global><agents_disconnection_time>0</agents_disconnection_time></global>",
    [invalid("agents_disconnection_time", "0")],
  ],
  ["<global><limits><eps><maximum>100001</maximum></eps></limits></global>", [invalid("maximum", "100001")]],
  [
    "<global><prelude_output>no</prelude_output></global>",
    ["warning: option <prelude_output> of <global> is not used by this version"],
  ],
  [
    "<global><alerts_log>no</alerts_log><jsonout_output>no</jsonout_output></global>",
    [
      "warning: All alert formats are disabled. Mail reporting, Syslog client and Integrator won't work properly.",
    ],
  ],
  ["<alerts><log_alert_level>x</log_alert_level></alerts>", [invalid("log_alert_level", "x")]],
  [
    "<logging><log_format>xml</log_format></logging>",
    ["warning: (1235): Invalid value for element 'log_format': xml."],
  ],
  ["<ruleset><rule_dirs>x</rule_dirs></ruleset>", [unknown("rule_dirs")]],
  [
    '<ruleset><rule_dir x="y">z</rule_dir></ruleset>',
    ["error: (1233): Invalid attribute 'x' in the configuration: 'y'."],
  ],
  [
    "<rule_test><threads>200</threads></rule_test>",
    ["warning: (7000): Number of logtest threads too high. Only creates '128' threads"],
  ],
  ["<rule_test><threads>0</threads></rule_test>", [invalid("threads", "0")]],
  ["<auth><port>70000</port></auth>", ["error: (1205): Invalid port number: '70000'."]],
  ["<auth><port>x</port></auth>", [invalid("port", "x")]],
  [
    "<auth><force_insert>yes</force_insert></auth>",
    ["warning: The <force_insert> tag is deprecated. Use <force> instead."],
  ],
  [
    "<auth><force><disconnected_time>1h</disconnected_time></force></auth>",
    ["error: Empty attribute for disconnected_time"],
  ],
  [
    '<auth><force><disconnected_time enabled="no">x</disconnected_time></force></auth>',
    ["error: Invalid interval for 'disconnected_time' option"],
  ],
  [
    '<auth><force><disconnected_time enabled="x">1h</disconnected_time></force></auth>',
    [invalid("enabled", "x")],
  ],
  [
    "<auth><force><after_registration_time>1y</after_registration_time></force></auth>",
    ["error: Invalid interval for 'after_registration_time' option"],
  ],
  [
    "<auth><agents><allow_higher_versions>x</allow_higher_versions></agents></auth>",
    ["warning: (9001): Ignored invalid value 'x' for 'allow_higher_versions'."],
  ],
  ["<remote></remote>", ["error: (1201): No remote connection configured."]],
  ["<remote><connection>tls</connection></remote>", [invalid("connection", "tls")]],
  [
    "<remote><connection>secure</connection></remote><remote><connection>secure</connection></remote>",
    ["error: (1244): Can't add more than one secure connection."],
  ],
  [
    "<remote><connection>secure</connection><protocol>sctp</protocol></remote>",
    [
      "warning: (9001): Ignored invalid value 'sctp' for 'protocol'.",
      "warning: (9000): Error getting protocol. Default value (TCP) will be used.",
    ],
  ],
  [
    "<remote><connection>syslog</connection><protocol>tcp,udp</protocol><allowed-ips>any</allowed-ips></remote>",
    [
      "warning: (9002): Only secure connection supports TCP and UDP at the same time. Default value (TCP) will be used.",
    ],
  ],
  [
    "<remote><connection>syslog</connection></remote>",
    [
      "error: (1501): IP or network must be present in syslog access list (allowed-ips). Syslog server disabled.",
    ],
  ],
  [
    "<remote><connection>syslog</connection><allowed-ips>10.0.0.0/8</allowed-ips><queue_size>1</queue_size></remote>",
    ["error: Invalid option <queue_size> for Syslog remote connection."],
  ],
  [
    "<remote><connection>secure</connection><format>raw</format><tls><key>k</key></tls></remote>",
    [
      "error: Invalid option <format> for secure remote connection.",
      "error: <tls> of <remote> needs a certificate and a key.",
      "error: Invalid option <tls> for secure remote connection.",
    ],
  ],
  [
    "<remote><connection>syslog</connection><allowed-ips>any</allowed-ips><protocol>udp</protocol><tls><certificate>c</certificate><key>k</key></tls></remote>",
    ["error: <tls> of <remote> needs TCP."],
  ],
  [
    "<remote><connection>secure</connection><queue_size>262145</queue_size></remote>",
    ["warning: Queue size is very high. The application may run out of memory."],
  ],
  [
    "<remote><connection>secure</connection><local_ip>here</local_ip></remote>",
    ["error: (1237): Invalid ip address: 'here'."],
  ],
  [
    "<remote><connection>secure</connection><connection_overtake_time>3601</connection_overtake_time></remote>",
    ["warning: Invalid value for element 'connection_overtake_time':'3601'. Setting to default value: '60'."],
  ],
  [
    "<cluster></cluster>",
    [wrongCluster("Unspecified key"), wrongCluster("Invalid elements in node fields: NODE_IP.")],
  ],
  ["<cluster><disabled>yes</disabled><key></key><nodes><node>NODE_IP</node></nodes></cluster>", []],
  [
    `<cluster><key>${KEY}0</key><nodes><node>10.0.0.1</node></nodes></cluster>`,
    [wrongCluster("Key must be 32 characters long and only have alphanumeric characters")],
  ],
  [
    `<cluster><key>${KEY.slice(1)}</key><nodes><node>10.0.0.1</node></nodes></cluster>`,
    [wrongCluster("Key must be 32 characters long and only have alphanumeric characters")],
  ],
  [
    `<cluster><key>${KEY}</key><nodes><node>MASTER_NODE_IP</node></nodes></cluster>`,
    ["warning: 'MASTER_NODE_IP' in <nodes><node> looks like a placeholder"],
  ],
  ...["localhost", "0.0.0.0", "127.0.1.1"].map((node): readonly [string, readonly string[]] => [
    `<cluster><key>${KEY}</key><nodes><node>${node}</node></nodes></cluster>`,
    [wrongCluster(`Invalid elements in node fields: ${node}.`)],
  ]),
  [
    `<cluster>${NODE}<port>1024</port></cluster>`,
    [wrongCluster("Port must be higher than 1024 and lower than 65535.")],
  ],
  [`<cluster>${NODE}<port>x</port></cluster>`, [wrongCluster("Cluster port must be an integer.")]],
  [`<cluster>${NODE}<name></name></cluster>`, ["error: Cluster name is empty in configuration"]],
  [`<cluster>${NODE}<node_name></node_name></cluster>`, ["error: Node name is empty in configuration"]],
  [
    `<cluster>${NODE}<node_type>slave</node_type></cluster>`,
    [
      "error: Detected a not allowed node type 'slave'. Valid types are 'master' and 'worker'.",
      wrongCluster("Invalid node type slave. Correct values are master and worker"),
    ],
  ],
  [
    `<cluster>${NODE}<disabled>maybe</disabled></cluster>`,
    [
      "error: Detected a not allowed value for disabled tag 'maybe'. Valid values are 'yes' and 'no'.",
      wrongCluster("Allowed values for 'disabled' field are 'yes' and 'no'. Found: 'maybe'"),
    ],
  ],
  [
    `<cluster>${NODE}<node_name>..</node_name></cluster>`,
    [wrongCluster("'..' cannot be the name of a node")],
  ],
  [
    `<cluster>${NODE}<node_name>node.1</node_name></cluster>`,
    ["warning: Masters refuse the node name 'node.1' (error 3060)"],
  ],
  [
    `<cluster>${NODE}<announced_version>4.9 x</announced_version></cluster>`,
    [wrongCluster("'4.9 x' is no version that other nodes have")],
  ],
  [
    `<cluster>${NODE}<interval>1m</interval></cluster>`,
    ["warning: Detected a deprecated configuration for cluster. Interval option is not longer available."],
  ],
  [
    `<cluster><key>${KEY}</key><nodes><node>a</node><node>b</node></nodes></cluster>`,
    [
      "warning: Found more than one node in configuration. Only master node should be specified. Using a as master.",
    ],
  ],
  ["<localfile><location>/x</location></localfile>", ["error: (1901): Missing 'log_format' element."]],
  ["<localfile><log_format>syslog</log_format></localfile>", ["error: (1902): Missing 'location' element."]],
  ["<localfile><log_format>sys</log_format></localfile>", [invalid("log_format", "sys")]],
  ["<localfile><log_format>multi-line:0</log_format></localfile>", [invalid("log_format", "multi-line:0")]],
  [
    "<localfile><log_format>command</log_format></localfile>",
    ["error: Missing 'command' argument. This option will be ignored."],
  ],
  [
    "<localfile><log_format>multi-line-regex</log_format><location>/x</location></localfile>",
    ["error: (1968): Missing 'multiline_regex' element."],
  ],
  [
    "<localfile><log_format>json</log_format><location>/x</location><label>v</label></localfile>",
    ["error: Expected 'key' attribute for label."],
  ],
  [
    "<localfile><log_format>json</log_format><location>/x</location><age>x</age></localfile>",
    ["error: Invalid age for localfile"],
  ],
  ["<labels><label>v</label></labels>", ["error: Label with empty key."]],
  ['<labels><label key="">v</label></labels>', ["error: Label with empty key."]],
  ["<command><name>c</name></command>", ["error: (1280): Missing command options."]],
  [
    "<command><name>!c</name><executable>e</executable></command>",
    [invalid("name", "!c"), "error: (1280): Missing command options."].toReversed(),
  ],
  ...["../../bin/sh", "/bin/sh", "a..b", "sh\n- x", "sh\x07"].map(
    (text) =>
      [
        `<command><name>c</name><executable>${text}</executable></command>`,
        ["error: (1280): Missing command options.", invalid("executable", text.replace(/[\n\x07]/, " "))],
      ] as const,
  ),
  [
    `${COMMAND}<active-response><command>c</command><location>local</location><rules_group>\\q</rules_group></active-response>`,
    ["warning: (1452): Syntax error on regex: '\\q'"],
  ],
  [
    "<active-response><command>c</command></active-response>",
    ["error: (1281): Missing options in the active response."],
  ],
  [
    `${COMMAND}<active-response><command>d</command><location>local</location></active-response>`,
    ["error: (1303): Invalid command 'd' in the active response."],
  ],
  [
    `${COMMAND}<active-response><command>c</command><location>here</location></active-response>`,
    [
      "error: (1281): Missing options in the active response.",
      "error: (1302): Invalid active response location: 'here'.",
    ],
  ],
  [
    `${COMMAND}<active-response><command>c</command><location>defined-agent</location></active-response>`,
    ["error: (1304): No agent defined for response."],
  ],
  [
    `${COMMAND}<active-response><command>c</command><location>defined-agent</location><agent_id>000</agent_id></active-response>`,
    ["warning: (1306): Invalid agent ID. Use location=server to run AR on the manager."],
  ],
  [
    `${COMMAND}<active-response><command>c</command><location>local</location><level>21</level></active-response>`,
    [invalid("level", "21")],
  ],
  [
    "<active-response><repeated_offenders>1,2,3,4,5,6</repeated_offenders></active-response>",
    [invalid("repeated_offenders", "1,2,3,4,5,6")],
  ],
];

test("readManagerConfig() reports each mistake in the peer's words", () => {
  for (const [sections, problems] of MISTAKES) assert.deepEqual(problemsOf(sections), problems, sections);
});

test("readManagerConfig() reports all mistakes of a file in its order, each with its place", () => {
  const text =
    "<ossec_config>\n <auth>\n  <port> 1515</port>\n  <x/>\n </auth>\n</ossec_config>\n<agent_config/>";
  assert.deepEqual(readManagerConfig(text, "ossec.conf").problems.map(formatProblem), [
    "ossec.conf:3:9: error: (1235): Invalid value for element 'port':  1515. (expected a whole number from 1 to 65535, without blanks around it)",
    "ossec.conf:4:3: error: (1230): Invalid element in the configuration: 'x'. (expected one of disabled, remote_enrollment, port, ipv6, use_source_ip, purge, use_password, ciphers, ssl_agent_ca, ssl_verify_host, ssl_manager_cert, ssl_manager_key, ssl_auto_negotiate, proxy_protocol_from, force, force_insert, force_time, agents, key_request)",
    "ossec.conf:7:1: error: (1230): Invalid element in the configuration: 'agent_config'. (expected <ossec_config>)",
  ]);
  const [problem] = readManagerConfig("<ossec_config>", "ossec.conf").problems;
  assert.match(problem?.message ?? "", /^\(1226\): Error reading XML file 'ossec.conf': XMLERR: End of file/);
});

test("readManagerConfig() bounds what it says of a file that is wrong throughout", () => {
  const problems = problemsOf("<bogus/>".repeat(5000));
  assert.equal(problems.length, 1001);
  assert.equal(problems.at(-1), "error: 4000 more problems");
  const [long] = read(`<auth><port>${"\n".repeat(5000)}</port></auth>`).problems;
  assert(long !== undefined && long.message.length <= 1024 && !long.message.includes("\n"));
});

test("readManagerConfig() names each section that is not used once, and reads the rest", () => {
  const sections =
    "<syscheck><directories>/etc</directories></syscheck><wodle name='x'/><syscheck/><alerts><log_alert_level>5</log_alert_level></alerts>";
  const { config, problems } = read(sections);
  assert.deepEqual(problems.map(formatProblem), [
    "ossec.conf:1:15: warning: section <syscheck> is not used by this version",
    "ossec.conf:1:67: warning: section <wodle> is not used by this version",
  ]);
  assert.equal(config.alerts.logLevel, 5);
});

test("defaultManagerConfig() has the peer's defaults", () => {
  const { global, alerts, logging, ruleset, ruleTest, auth, remote, cluster, activeResponse } =
    defaultManagerConfig();
  assert.deepEqual(
    [
      global.alertsJson,
      global.alertsLog,
      global.logAll,
      global.logAllJson,
      global.eventMemory,
      global.statsLevel,
    ],
    [true, true, false, false, 8192, 4],
  );
  assert.deepEqual([global.agentsDisconnectionSeconds, global.agentsDisconnectionAlertSeconds], [900, 0]);
  assert.deepEqual(alerts, { logLevel: 1, emailLevel: 7, useGeoip: false });
  assert.deepEqual(logging.formats, ["plain"]);
  assert.deepEqual(ruleset.ruleDirectories, [{ path: "ruleset/rules", pattern: ".xml$" }]);
  assert.deepEqual(ruleset.decoderDirectories, [{ path: "ruleset/decoders", pattern: ".xml$" }]);
  assert.deepEqual(ruleTest, { enabled: true, threads: 1, sessionsMax: 64, sessionSeconds: 900 });
  assert.equal(auth.disabled, true);
  assert.deepEqual(remote, { secure: null, syslog: [] });
  assert.deepEqual(
    [cluster.disabled, cluster.name, cluster.nodeName, cluster.nodeType],
    [true, "wazuh", "node01", "master"],
  );
  assert.deepEqual(activeResponse.responses, []);
});

test("readManagerConfig() warns of a limit of events without a number, and of no other", () => {
  const limit = (inside: string) => `<global><limits><eps>${inside}</eps></limits></global>`;
  const warning = "warning: EPS limit disabled. The maximum value is missing in the configuration block.";
  assert.deepEqual(problemsOf(limit("<timeframe>5</timeframe>")), [warning]);
  for (const maximum of [0, 7]) {
    const text = `<ossec_config>${limit(`<maximum>${maximum}</maximum>`)}</ossec_config>`;
    const { config, problems } = readManagerConfig(text, "ossec.conf");
    assert.deepEqual(problems, []);
    assert.deepEqual(config.global.limits.eps, { maximum, timeframeSeconds: 10 });
  }
});

test("readManagerConfig() lets the later option win and collects lists over blocks and roots", () => {
  const text = `<ossec_config><global><stats>5</stats><white_list>10.0.0.1</white_list></global></ossec_config>
    <ossec_config><global><stats>6</stats><white_list>!fe80::/10</white_list><white_list>^local$</white_list></global>
    <rules><list>etc/lists/a.cdb</list></rules><ruleset><list>b</list><rule_include>x.xml</rule_include></ruleset></ossec_config>`;
  const { config, problems } = readManagerConfig(text, "ossec.conf");
  assert.deepEqual(problems, []);
  assert.equal(config.global.statsLevel, 6);
  assert.deepEqual(config.global.whiteList, [
    {
      kind: "address",
      rule: { negated: false, network: { address: { version: 4, words: [0x0a00, 1] }, prefixBits: 32 } },
    },
    {
      kind: "address",
      rule: {
        negated: true,
        network: { address: { version: 6, words: [0xfe80, 0, 0, 0, 0, 0, 0, 0] }, prefixBits: 10 },
      },
    },
    { kind: "host", pattern: "^local$" },
  ]);
  assert.deepEqual(config.ruleset.lists, ["etc/lists/a", "ruleset/rules/b"]);
  assert.deepEqual(config.ruleset.ruleIncludes, ["ruleset/rules/x.xml"]);
});

test("readManagerConfig() keeps a good value when a later one is only warned of", () => {
  const { config } = read(
    "<logging><log_format>plain,json</log_format><log_format>xml</log_format></logging>",
  );
  assert.deepEqual(config.logging.formats, ["plain", "json"]);
});

test("readManagerConfig() reads <auth> with <force>, and the old options only without it", () => {
  const { auth } = load(
    `<auth><use_password>yes</use_password><force><key_mismatch>no</key_mismatch>
      <disconnected_time enabled="no">2d</disconnected_time><after_registration_time>0</after_registration_time></force></auth>`,
  );
  assert.equal(auth.disabled, false);
  assert.equal(auth.usePassword, true);
  assert.deepEqual(auth.force, {
    enabled: true,
    keyMismatch: false,
    disconnectedTime: { enabled: false, seconds: 172_800 },
    afterRegistrationSeconds: 0,
  });

  const old = "<force_insert>no</force_insert><force_time>0</force_time>";
  assert.deepEqual(read(`<auth>${old}</auth>`).config.auth.force, {
    enabled: false,
    keyMismatch: true,
    disconnectedTime: { enabled: false, seconds: 0 },
    afterRegistrationSeconds: 3600,
  });
  assert.equal(read(`<auth>${old}<force/></auth>`).config.auth.force.enabled, true);
});

test("readManagerConfig() reads the balancers that are believed", () => {
  const from = (text: string) => `<proxy_protocol_from>${text}</proxy_protocol_from>`;
  const { auth, remote } = load(
    `<auth>${from("10.0.0.5")}${from("2001:db8::/32")}</auth><remote><connection>secure</connection>${from("10.1.0.0/16")}</remote>`,
  );
  assert.deepEqual(
    auth.balancers.map(({ prefixBits }) => prefixBits),
    [32, 32],
  );
  assert.deepEqual(remote.secure?.balancers, [
    { address: { version: 4, words: [0x0a01, 0] }, prefixBits: 16 },
  ]);
  for (const text of ["any", "!10.0.0.5", "balancer.example", ""]) {
    assert.deepEqual(problemsOf(`<auth>${from(text)}</auth>`), [
      `error: (1237): Invalid ip address: '${text}'.`,
    ]);
  }
  const syslog = `<remote><connection>syslog</connection><allowed-ips>any</allowed-ips>${from("10.0.0.5")}</remote>`;
  assert.deepEqual(problemsOf(syslog), [
    "error: Invalid option <proxy_protocol_from> for Syslog remote connection.",
  ]);
});

test("readManagerConfig() reads both kinds of <remote>", () => {
  const { remote } = load(
    `<remote><connection>syslog</connection><protocol>udp</protocol><allowed-ips>any</allowed-ips><denied-ips>10.0.0.0/255.0.0.0</denied-ips></remote>
     <remote><connection>secure</connection><protocol>UDP, tcp</protocol><local_ip>::1</local_ip><ipv6>yes</ipv6>
       <rids_closing_time>1h</rids_closing_time><agents><allow_higher_versions>yes</allow_higher_versions></agents></remote>`,
  );
  assert.deepEqual(remote.secure, {
    port: 1514,
    protocols: { tcp: true, udp: true },
    ipv6: true,
    localIp: "::1",
    queueSize: 131_072,
    ridsClosingSeconds: 3600,
    connectionOvertakeSeconds: 60,
    allowHigherVersions: true,
    balancers: [],
  });
  assert.deepEqual(remote.syslog, [
    {
      port: 514,
      protocols: { tcp: false, udp: true },
      ipv6: false,
      localIp: null,
      allowed: [{ negated: false, network: "any" }],
      denied: [{ negated: false, network: { address: { version: 4, words: [0x0a00, 0] }, prefixBits: 8 } }],
      format: "raw",
      messagesPerSecond: 0,
      idleSeconds: 86_400,
      tls: null,
    },
  ]);
});

test("readManagerConfig() reads the options of ours for syslog", () => {
  const tls =
    "<tls><certificate>etc/s.pem</certificate><key>/k.pem</key><client_ca>etc/ca.pem</client_ca></tls>";
  const { remote } = load(
    `<remote><connection>syslog</connection><allowed-ips>any</allowed-ips>${tls}<format>rfc5424</format>
       <messages_per_second>500</messages_per_second><idle_time>0</idle_time></remote>`,
  );
  const [{ port, format, messagesPerSecond, idleSeconds, tls: read } = assert.fail()] = remote.syslog;
  assert.deepEqual([port, format, messagesPerSecond, idleSeconds], [6514, "rfc5424", 500, 0]);
  assert.deepEqual(read, { certificate: "etc/s.pem", key: "/k.pem", clientCa: "etc/ca.pem" });
});

test("readManagerConfig() reads <localfile>, its options in any case", () => {
  const { localFiles } = load(
    `<localfile><Log_Format>multi-line: 3</Log_Format><LOCATION>/var/log/x</LOCATION><ignore type="osmatch">^a</ignore><ignore>b</ignore>
       <only-future-events max-size="1GB">no</only-future-events><target>agent, s1</target></localfile>
     <localfile><log_format>full_command</log_format><command>df -P</command><alias>df</alias><frequency>hourly</frequency></localfile>
     <localfile><log_format>journald</log_format><filter field="_UID" ignore_if_missing="yes">^0$</filter></localfile>
     <localfile><log_format>multi-line-regex</log_format><location>/x</location><multiline_regex match="end" timeout="9">;$</multiline_regex></localfile>
     <localfile><log_format>eventchannel</log_format><location>Security</location></localfile>`,
  );
  const [multiLine, command, journal, multiLineRegex, eventChannel] = localFiles;
  assert.deepEqual(multiLine?.source, {
    kind: "file",
    location: "/var/log/x",
    format: { name: "multi-line", lines: 3 },
  });
  assert.deepEqual(multiLine?.ignores, [
    { pattern: "^a", type: "osmatch" },
    { pattern: "b", type: "pcre2" },
  ]);
  assert.deepEqual(multiLine?.onlyFutureEvents, { enabled: false, maxBytes: 2 ** 30 });
  assert.deepEqual(multiLine?.targets, ["agent", "s1"]);
  assert.deepEqual(command?.source, { kind: "command", command: "df -P", output: "whole" });
  assert.deepEqual([command?.alias, command?.frequencySeconds], ["df", 3600]);
  assert.deepEqual(journal?.source, { kind: "journald" });
  assert.deepEqual(journal?.journalFilters, [{ field: "_UID", pattern: "^0$", ignoreIfMissing: true }]);
  assert.deepEqual(multiLineRegex?.multilineRegex, {
    pattern: ";$",
    match: "end",
    replace: "no-replace",
    timeoutSeconds: 9,
  });
  assert.equal(eventChannel?.source.kind, "foreign");
});

test("readManagerConfig() reads labels, a later one replacing an earlier one", () => {
  const { labels } = load(
    '<labels><label key="a.b">1</label><label key="c" hidden="yes">2</label></labels><labels><label key="a.b"></label></labels>',
  );
  assert.deepEqual(labels, [
    { key: "a.b", value: "", hidden: false },
    { key: "c", value: "2", hidden: true },
  ]);
});

test("readManagerConfig() finds the command of a response wherever it stands", () => {
  const { activeResponse } = load(
    `<active-response><repeated_offenders>30,60</repeated_offenders><ca_store>a.pem</ca_store></active-response>
     <active-response><command>c</command><location>analysis-server</location><rules_id>5710, 5711</rules_id><timeout>60</timeout></active-response>
     <active-response><command>d</command><location>defined-agent</location><agent_id>001</agent_id><level>6</level>
       <rules_group>sshd|ftp</rules_group><timeout>60</timeout></active-response>
     ${COMMAND}<command><name>d</name><executable>f</executable><timeout_allowed>no</timeout_allowed><extra_args>-x y</extra_args></command>`,
  );
  assert.deepEqual(activeResponse, {
    disabled: false,
    responses: [
      {
        command: { name: "c", executable: "e", timeoutAllowed: true, extraArgs: "" },
        target: { location: "server" },
        level: null,
        rulesGroup: null,
        ruleIds: [5710, 5711],
        timeoutSeconds: 60,
      },
      {
        command: { name: "d", executable: "f", timeoutAllowed: false, extraArgs: "-x y" },
        target: { location: "defined-agent", agentId: "001" },
        level: 6,
        rulesGroup: "sshd|ftp",
        ruleIds: [],
        timeoutSeconds: 0,
      },
    ],
    repeatedOffenderMinutes: [30, 60],
    upgradeCas: ["a.pem"],
  });
  assert.equal(
    load("<active-response><disabled>yes</disabled></active-response>").activeResponse.disabled,
    true,
  );
});

const VALUES: Readonly<Record<string, string>> = {
  EXISTING_CYB3RHQ_SERVER_NODE_NAME: "cyb3rhq-server-1",
  NEW_CYB3RHQ_SERVER_NODE_NAME: "cyb3rhq-server-2",
  ENCRYPTION_KEY: KEY,
  MASTER_NODE_IP: "10.0.0.1",
};

const BLOCKS: readonly (readonly [
  file: string,
  name: string,
  type: string,
  node: string,
  hasHelper: boolean,
])[] = [
  ["master", "master-node", "master", "MASTER_NODE_IP", false],
  ["worker", "worker01-node", "worker", "MASTER_NODE_IP", false],
  ["upscale-master", "cyb3rhq-server-1", "master", "10.0.0.1", false],
  ["distributed-master", "cyb3rhq-server-1", "master", "10.0.0.1", false],
  ["upscale-worker", "cyb3rhq-server-2", "worker", "10.0.0.1", false],
  ["haproxy-http", "master-node", "master", "CYB3RHQ-MASTER-ADDRESS", true],
  ["haproxy-https", "master-node", "master", "CYB3RHQ-MASTER-ADDRESS", true],
  ["haproxy-basic", "master-node", "master", "WAZUH-MASTER-ADDRESS", true],
];

test("readManagerConfig() loads the cluster blocks of the guides once their blanks are filled in", () => {
  for (const [file, nodeName, nodeType, node, hasHelper] of BLOCKS) {
    const written = readFileSync(new URL(`fixtures/cluster-${file}.xml`, import.meta.url), "latin1");
    const filled = written.replace(
      /<([A-Z0-9_]+)>(?=<\/)/g,
      (_, name: string) => VALUES[name] ?? "filled-in",
    );
    const { config, problems } = read(filled);
    assert(
      problems.every(({ severity }) => severity === "warning"),
      file,
    );
    const said = problems.map(({ message }) => message);
    assert.equal(
      said.includes(`'${node}' in <nodes><node> looks like a placeholder`),
      !node.includes("."),
      file,
    );
    const { key, haproxyHelper, ...cluster } = config.cluster;
    assert.equal(key.reveal(), KEY);
    assert.equal(haproxyHelper.enabled, hasHelper, file);
    assert.deepEqual(
      cluster,
      {
        ...{
          disabled: false,
          name: file === "haproxy-basic" ? "wazuh" : "cyb3rhq",
          nodeName,
          nodeType,
          port: 1516,
        },
        ...{ bindAddress: "0.0.0.0", masterAddress: node, nodes: [node], hidden: false },
        announcedVersion: "4.14.7",
      },
      file,
    );

    if (filled === written) continue;
    const [blank] = read(written).problems;
    assert.match(blank?.expected ?? "", /is a placeholder of a guide, write your own value instead/, file);
  }
});

test("readManagerConfig() counts only the last cluster block", () => {
  const { cluster } = load(
    `<cluster>${NODE}<node_name>a</node_name></cluster><cluster>${NODE}<node_type>worker</node_type></cluster>`,
  );
  assert.deepEqual([cluster.nodeName, cluster.nodeType], ["node01", "worker"]);
});

test("readManagerConfig() takes the old word for a worker, and says so", () => {
  const { config, problems } = read(`<cluster>${NODE}<node_type>client</node_type></cluster>`);
  assert.equal(config.cluster.nodeType, "worker");
  assert.deepEqual(
    problems.map(({ message }) => message),
    ["Deprecated node type 'client'. Using 'worker' instead."],
  );
});

test("readManagerConfig() never shows the key of the cluster", () => {
  const { config, problems } = read(`<cluster><key>${KEY}x</key></cluster>`);
  for (const text of [inspect(config, { depth: 9 }), JSON.stringify(config), JSON.stringify(problems)]) {
    assert(!text.includes(KEY));
  }
});

test("describeOptions() has a line for every section and option", () => {
  const lines = describeOptions();
  const paths = lines.map(({ path }) => path);
  assert.equal(new Set(paths).size, paths.length);
  for (const path of [
    "global",
    "auth/force/disconnected_time@enabled",
    "cluster/nodes/node",
    "remote/allowed-ips",
  ]) {
    assert(paths.includes(path), path);
  }
  assert.deepEqual(
    lines.find(({ path }) => path === "auth/port"),
    {
      path: "auth/port",
      apiName: "port",
      values: "a whole number from 1 to 65535",
      fallback: "1515",
      repeatable: false,
      doc: "TCP port.",
    },
  );
  for (const { path, doc } of lines) assert.match(doc, /^[A-Za-z].*\.$/, path);
});

test("readManagerConfig() survives damaged files", () => {
  const sample = Buffer.from(
    shippedConfig() + MISTAKES.map(([sections]) => `<ossec_config>${sections}</ossec_config>`).join("\n"),
  );
  const random = new SeededRandom(3);
  for (let round = 0; round < 300; round++) {
    const { problems } = readManagerConfig(random.mutate(sample).toString("latin1"), "f");
    assert(problems.length > 0, `round ${round}`);
  }
});
