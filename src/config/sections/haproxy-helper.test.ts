/**
 * Goal: `<haproxy_helper>` gives the peer's values and defaults, and each mistake the peer's text. Method: a table of mistakes with the
 * exact text, the blocks of the guides, both ways to name excluded nodes.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inspect } from "node:util";
import { readManagerConfig } from "#config/manager-config.ts";

const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const NODE = `<key>${KEY}</key><nodes><node>10.0.0.1</node></nodes>`;
const REQUIRED =
  "<haproxy_disabled>no</haproxy_disabled><haproxy_address>10.0.0.9</haproxy_address>" +
  "<haproxy_user>admin</haproxy_user><haproxy_password>a,b</haproxy_password>";

function read(helper: string, cluster = NODE) {
  const text = `<cluster>${cluster}<haproxy_helper>${helper}</haproxy_helper></cluster>`;
  const { config, problems } = readManagerConfig(`<ossec_config>${text}</ossec_config>`, "ossec.conf");
  return { helper: config.cluster.haproxyHelper, problems: problems.map(({ message }) => message) };
}

function load(helper: string, cluster = NODE) {
  const outcome = read(helper, cluster);
  assert.deepEqual(outcome.problems, []);
  return outcome.helper;
}

test("haproxyHelperGroup has the peer's defaults", () => {
  const { password, ...values } = load(REQUIRED);
  assert.equal(password.reveal(), "a,b");
  assert.deepEqual(values, {
    enabled: true,
    mode: "dataplane",
    address: "10.0.0.9",
    port: 5555,
    protocol: "http",
    user: "admin",
    backend: null,
    resolver: null,
    authorityFile: null,
    clientCertificateFile: null,
    clientKeyFile: null,
    clientKeyPassword: null,
    socket: null,
    backendFile: null,
    excludedNodes: [],
    frequencySeconds: 60,
    agentChunkSize: 300,
    agentReconnectionSeconds: 5,
    stabilitySeconds: 60,
    imbalanceTolerance: 0.1,
    removeDisconnectedMinutes: 240,
  });
});

const wrong = (text: string) => `Error 3004 - Error in cluster configuration: ${text}`;
const EMPTY =
  "Error 3006 - Error reading cluster configuration: Requested component does not exist: 'NoneType' object has no attribute 'find'";
const NO_FILE =
  "Error 3042 - User configuration is not valid: HAProxy certificate file required in the haproxy_cert parameter";
const integers = [
  "haproxy_port",
  "frequency",
  "agent_reconnection_stability_time",
  "agent_reconnection_time",
  "agent_chunk_size",
  "remove_disconnected_node_after",
];

const MISTAKES: readonly (readonly [option: string, message: string])[] = [
  ...integers.map(
    (name) => [`<${name}>1x</${name}>`, wrong(`HAProxy Helper ${name} must be an integer.`)] as const,
  ),
  [
    "<imbalance_tolerance>a</imbalance_tolerance>",
    wrong("HAProxy Helper imbalance_tolerance must be a float."),
  ],
  [
    "<haproxy_port>80</haproxy_port>",
    wrong("Invalid value for haproxy_port. 80 is less than the minimum of 1024"),
  ],
  [
    "<haproxy_port>70000</haproxy_port>",
    wrong("Invalid value for haproxy_port. 70000 is greater than the maximum of 65535"),
  ],
  ["<frequency>9</frequency>", wrong("Invalid value for frequency. 9 is less than the minimum of 10")],
  [
    "<agent_chunk_size>99</agent_chunk_size>",
    wrong("Invalid value for agent_chunk_size. 99 is less than the minimum of 100"),
  ],
  [
    "<agent_reconnection_time>-1</agent_reconnection_time>",
    wrong("Invalid value for agent_reconnection_time. -1 is less than the minimum of 0"),
  ],
  [
    "<agent_reconnection_stability_time>9</agent_reconnection_stability_time>",
    wrong("Invalid value for agent_reconnection_stability_time. 9 is less than the minimum of 10"),
  ],
  [
    "<imbalance_tolerance>0</imbalance_tolerance>",
    wrong("Invalid value for imbalance_tolerance. 0.0 is less than or equal to the minimum of 0"),
  ],
  [
    "<imbalance_tolerance>2.0</imbalance_tolerance>",
    wrong("Invalid value for imbalance_tolerance. 2.0 is greater than the maximum of 1"),
  ],
  [
    "<haproxy_protocol>ftp</haproxy_protocol>",
    wrong("Invalid value for haproxy_protocol. 'ftp' is not one of ['http', 'https']"),
  ],
  ["<haproxy_protocol>https</haproxy_protocol>", NO_FILE],
  ["<excluded_nodes></excluded_nodes>", EMPTY],
  ["<haproxy_backend></haproxy_backend>", EMPTY],
  ["<frequency></frequency>", EMPTY],
  [
    "<haproxy_disabled>maybe</haproxy_disabled>",
    "Detected an invalid value for the disabled tag 'haproxy_disabled'. Valid values are 'yes' and 'no'.",
  ],
  ["<bogus>1</bogus>", "(1230): Invalid element in the configuration: 'bogus'."],
  ["<haproxy_backend>a b</haproxy_backend>", wrong("'a b' is no name of a section of HAProxy")],
  ["<haproxy_mode>runtime</haproxy_mode>", "HAProxy socket is missing in the configuration"],
];

test("haproxyHelperGroup says what is wrong in the peer's words", () => {
  for (const [option, message] of MISTAKES)
    assert.deepEqual(read(REQUIRED + option).problems, [message], option);
});

test("checkHelper() misses what an enabled helper needs, and nothing of one that is not", () => {
  assert.deepEqual(read("<haproxy_disabled>no</haproxy_disabled>").problems, [
    "HAProxy address is missing in the configuration",
    "HAProxy user is missing in the configuration",
    "HAProxy password is missing in the configuration",
  ]);
  for (const disabled of ["", "<haproxy_disabled>yes</haproxy_disabled>"])
    assert.equal(load(disabled).enabled, false);
  const withoutCluster = load("<haproxy_disabled>no</haproxy_disabled>", `${NODE}<disabled>yes</disabled>`);
  assert.equal(withoutCluster.enabled, false);
  const runtime = "<haproxy_mode>runtime</haproxy_mode><haproxy_socket>/run/haproxy.sock</haproxy_socket>";
  const { enabled, mode, socket } = load(`<haproxy_disabled>no</haproxy_disabled>${runtime}`);
  assert.deepEqual([enabled, mode, socket], [true, "runtime", "/run/haproxy.sock"]);
});

test("haproxyHelperGroup parts excluded nodes only, and takes names in any case", () => {
  for (const written of [
    "<excluded_nodes>worker1, worker10 ,w</excluded_nodes>",
    "<Excluded_Nodes><node>worker1</node><node>worker10</node><node>w</node></Excluded_Nodes>",
  ]) {
    assert.deepEqual(load(REQUIRED + written).excludedNodes, ["worker1", "worker10", "w"]);
  }
  assert.deepEqual(load(`${REQUIRED}<excluded_nodes>worker10</excluded_nodes>`).excludedNodes, ["worker10"]);
  assert.equal(load(`${REQUIRED}<HAPROXY_USER>a,b</HAPROXY_USER>`).user, "a,b");
});

test("haproxyHelperGroup reads the numbers of the guides and of Python", () => {
  const numbers =
    "<haproxy_port> 6443</haproxy_port><imbalance_tolerance>.25</imbalance_tolerance><frequency>+10</frequency>";
  const { port, imbalanceTolerance, frequencySeconds } = load(REQUIRED + numbers);
  assert.deepEqual([port, imbalanceTolerance, frequencySeconds], [6443, 0.25, 10]);
  assert.equal(load(`${REQUIRED}<imbalance_tolerance>1</imbalance_tolerance>`).imbalanceTolerance, 1);
});

test("haproxyHelperGroup reads the block of the guides for TLS", () => {
  const text = readFileSync(new URL("../fixtures/cluster-haproxy-https.xml", import.meta.url), "latin1");
  const filled = text.replace(/<([A-Z_]+)>(?=<\/)/g, (_, name: string) => `/${name.toLowerCase()}`);
  const { config } = readManagerConfig(`<ossec_config>${filled}</ossec_config>`, "ossec.conf");
  const { haproxyHelper: helper } = config.cluster;
  assert.deepEqual(
    [helper.protocol, helper.port, helper.authorityFile, helper.clientCertificateFile, helper.clientKeyFile],
    [
      "https",
      6443,
      "/haproxy_certificate_file",
      "/client_side_certificate_file",
      "/client_side_certificate_key_file",
    ],
  );
});

test("haproxyHelperGroup never shows a password", () => {
  const secret =
    "<client_cert_password>keep-1</client_cert_password><haproxy_password>keep-2</haproxy_password>";
  const { helper, problems } = read(`${REQUIRED}${secret}<frequency>x</frequency>`);
  assert.doesNotMatch(inspect(helper, { depth: 9 }) + JSON.stringify(helper) + problems.join(""), /keep-/);
});
