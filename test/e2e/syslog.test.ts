/**
 * Goal: what is sent over syslog becomes alerts, by classic and by RFC 5424 fields, and the manager says where it listens. Method: a manager
 * process with a listener for UDP and one for TCP, messages over real sockets.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { appendFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, LOOPBACK, makeHome, readDocuments, readLog, removeHome, writeInto } from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const RULES = `<group name="local,">
  <rule id="100100" level="5"><program_name>^probe$</program_name><description>probe</description></rule>
  <rule id="100101" level="7"><if_sid>100100</if_sid><field name="syslog.structured_data.origin.ip">^10.0.0.9$</field><description>probe of $(syslog.severity)</description></rule>
</group>`;

type SyslogAlert = {
  readonly location: string;
  readonly full_log: string;
  readonly rule: { readonly id: string; readonly description: string };
  readonly agent: { readonly id: string };
  readonly predecoder: { readonly hostname: string; readonly program_name: string };
};

test("Manager receives syslog over UDP and TCP, and alerts on its fields", async (t) => {
  const home = await makeHome();
  t.after(() => removeHome(home));
  const [udpPort, tcpPort] = [await freePort(), await freePort()];
  const remote = (protocol: string, port: number, more: string) =>
    `<remote><connection>syslog</connection><protocol>${protocol}</protocol><port>${port}</port><local_ip>${LOOPBACK}</local_ip><allowed-ips>${LOOPBACK}</allowed-ips>${more}</remote>`;
  appendFileSync(
    join(home.path, "etc/ossec.conf"),
    `<ossec_config>${remote("udp", udpPort, "")}${remote("tcp", tcpPort, "<format>rfc5424</format>")}</ossec_config>`,
  );
  writeInto(home.path, "etc/rules/local_rules.xml", RULES);
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  assert.match(readLog(home), new RegExp(`Listening on port ${udpPort}/UDP \\(syslog\\)\\.`));
  assert.match(readLog(home), new RegExp(`Listening on port ${tcpPort}/TCP \\(syslog\\)\\.`));

  const datagrams = createSocket("udp4");
  datagrams.send("<13>Nov 21 10:00:00 web1 probe[7]: one\n", udpPort, LOOPBACK, () => datagrams.close());
  const message = '<34>1 2026-11-21T10:00:00Z web2 probe 8 - [origin ip="10.0.0.9"] two';
  connect(tcpPort, LOOPBACK).end(`${message.length} ${message}`);
  const alerts = (): SyslogAlert[] => readDocuments(home, "alerts") as unknown[] as SyslogAlert[];
  await until("both alerts", WAIT_MS_MAX, () => alerts().length === 2);

  const [classic, modern] = alerts().toSorted((a, b) => a.rule.id.localeCompare(b.rule.id));
  assert.deepEqual([classic?.rule.id, classic?.location, classic?.agent.id], ["100100", LOOPBACK, "000"]);
  assert.equal(classic?.full_log, "Nov 21 10:00:00 web1 probe[7]: one");
  assert.deepEqual([modern?.rule.id, modern?.rule.description], ["100101", "probe of crit"]);
  const { hostname, program_name: program } = modern?.predecoder ?? {};
  assert.deepEqual([hostname, program], ["web2", "probe"]);
  assert.equal((await manager.stop()).code, 0);
});
