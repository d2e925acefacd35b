/**
 * Goal: what agents would refuse, or what would harm them, is said with its place; what they take passes. Method: small files with one
 * mistake each, the position counted by hand.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "#formats/source-position.ts";
import { AGENT_CONF_BYTES_MAX, checkAgentConf } from "./agent-conf.ts";

const FILE = "web/agent.conf";

function linesOf(text: string): string[] {
  return checkAgentConf(text, FILE).map(formatProblem);
}

test("checkAgentConf() lets pass what agents take", () => {
  const texts = [
    "",
    "<!-- Source file: default/agent.conf -->\n<agent_config>\n</agent_config>\n<agent_config/>",
    '<agent_config name="^web|db$" os="!Windows" profile="a, b" overwrite="yes"><sca><enabled>yes</enabled></sca></agent_config>',
    "<agent_config><client><force_reconnect_interval>1h</force_reconnect_interval></client></agent_config>",
    '<agent_config><labels><label key="a.b">\\\\host\\x is where it was</label></labels></agent_config>',
    "<agent_config><localfile><log_format>eventchannel</log_format><location>Security</location></localfile></agent_config>",
    "<agent_config><localfile><log_format>syslog</log_format><location>C:\\logs\\a.log</location><ignore>\\\\host\\d</ignore></localfile></agent_config>",
    '<agent_config><syscheck><directories check_all="yes">/etc,C:\\Users,\\\\?\\C:\\x</directories></syscheck></agent_config>',
    '<agent_config><wodle name="command"><command>curl https://host/x \\\\.\\pipe\\y</command></wodle></agent_config>',
  ];
  for (const text of texts) assert.deepEqual(linesOf(text), [], text);
});

test("checkAgentConf() says what is wrong, and where", () => {
  const cases = [
    [
      "<agent_config>\n",
      /^web\/agent\.conf:2:1: error: \(1226\): Error reading XML file 'web\/agent\.conf': XMLERR: /,
    ],
    [
      "\n<ossec_config/>",
      /^web\/agent\.conf:2:1: error: \(1230\): .* 'ossec_config'\. \(expected <agent_config>\)$/,
    ],
    [
      '<agent_config group="a"/>',
      /^web\/agent\.conf:1:15: error: \(1233\): Invalid attribute 'group' .*: 'a'\./,
    ],
    [
      `<agent_config os="${"a".repeat(2049)}"/>`,
      /:1:15: warning: The pattern of 'os' has more than 2048 bytes/,
    ],
    [
      "<agent_config>\n <global/>\n</agent_config>",
      /:2:2: error: \(1230\): .* 'global'\. \(expected one of syscheck/,
    ],
    ["<agent_config><active-response/></agent_config>", /:1:15: error: \(1230\)/],
    [
      "<agent_config><client><server/></client></agent_config>",
      /:1:23: error: \(1230\): .* 'server'\. \(<client> of/,
    ],
    ["<agent_config><localfile/></agent_config>", /:1:15: error: \(1901\): Missing 'log_format' element/],
  ] as const;
  for (const [text, expected] of cases) {
    const [line = "", ...others] = linesOf(text);
    assert.match(line, expected);
    assert.deepEqual(others, [], text.slice(0, 80));
  }
});

test("checkAgentConf() refuses paths of other hosts wherever an agent opens them", () => {
  const localfile = (location: string) =>
    `<agent_config><localfile><log_format>syslog</log_format><location>${location}</location></localfile></agent_config>`;
  const texts = [
    ...[
      "\\\\host\\x",
      "\\\\192.0.2.1\\c$\\x",
      "//host/x",
      '"\\\\host\\x"',
      "\\\\?\\UNC\\host\\x",
      "//?/UNC/host/x",
      "\\/host/x",
      "/\\host\\x",
      "\\\\.\\GLOBALROOT\\Device\\Mup\\host\\x",
      "\\??\\UNC\\host\\x",
      " \\\\host\\x ",
    ].map(localfile),
    "<agent_config><syscheck><directories>C:\\a,\\\\host\\x</directories></syscheck></agent_config>",
    "<agent_config><syscheck><directories>/a, //host/x</directories></syscheck></agent_config>",
    "<agent_config><sca><policies><policy>\\\\host\\p.yml</policy></policies></sca></agent_config>",
    '<agent_config><wodle name="command"><command>cmd /c \\\\host\\x.exe</command></wodle></agent_config>',
    '<agent_config><wodle name="cis-cat"><content path="\\\\host\\x"/></wodle></agent_config>',
  ];
  for (const text of texts) {
    const lines = linesOf(text);
    assert.equal(lines.length, 1, text);
    assert.match(lines[0] ?? "", /error: A path of another host is not sent to agents: /);
  }
  assert.match(linesOf(localfile("\\\\host\\x"))[0] ?? "", /^web\/agent\.conf:1:67: /);
});

test("checkAgentConf() does not read a file without measure", () => {
  assert.match(linesOf(" ".repeat(AGENT_CONF_BYTES_MAX + 1))[0] ?? "", /more than 8388608 bytes/);
});
