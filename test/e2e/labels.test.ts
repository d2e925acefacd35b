/**
 * Goal: alerts carry what agents and the administrator say of themselves, also after a crash, and places of addresses. Method: a
 * manager process, an agent whose keepalives have labels, a file of this host, a database written here.
 */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { city, writeGeoFile } from "#analysis/geoip/geo-database.fixture.ts";
import { registryPaths } from "#registry/registry.ts";
import { enroll, TestAgent } from "#testing/agent.ts";
import {
  LOOPBACK,
  makeHome,
  readDocuments,
  readLog,
  readOutput,
  removeHome,
  type TestHome,
  writeInto,
} from "./home.ts";
import { ManagerProcess } from "./manager-process.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 30_000;
const DECODERS = `<decoder name="probe"><program_name>^probe$</program_name></decoder>
<decoder name="probe-from"><parent>probe</parent><regex>from (\\S+)</regex><order>srcip</order></decoder>`;
const RULES = `<group name="local,">
  <rule id="100100" level="5"><decoded_as>probe</decoded_as><description>probe</description></rule>
  <rule id="100101" level="6"><if_sid>100100</if_sid><srcgeoip>^US / Cal</srcgeoip><description>far</description></rule>
</group>`;
const LABELS = '"site.name":paris\n!"owner":bob\n#"_secret":1\n';

async function setUp(): Promise<TestHome> {
  const home = await makeHome();
  const path = join(home.path, "etc/ossec.conf");
  const config = readFileSync(path, "latin1")
    .replace("<global>", "<global><geoip_db_path>etc/city.mmdb</geoip_db_path>")
    .replace("</ruleset>", "<decoder_dir>etc/decoders</decoder_dir></ruleset>");
  const localFile = `<localfile><log_format>syslog</log_format><location>${home.path}/own.log</location></localfile>`;
  const own = `<ossec_config><labels><label key="role">manager</label></labels>${localFile}</ossec_config>`;
  writeFileSync(path, config + own);
  writeInto(home.path, "etc/decoders/local_decoder.xml", DECODERS);
  writeInto(home.path, "etc/rules/local_rules.xml", RULES);
  writeFileSync(join(home.path, "own.log"), "");
  const networks = { "192.0.2.0/24": city("US", "California") };
  writeFileSync(join(home.path, "etc/city.mmdb"), writeGeoFile({ networks }));
  return home;
}

type Alert = { readonly ruleId: string | undefined; readonly agent: object };

let lines = 0;

/** The alert of a new line with this end, which `write` gives to the manager. */
async function alertOf(home: TestHome, end: string, write: (log: string) => void): Promise<Alert> {
  const log = `Nov 21 10:00:01 web1 probe[${++lines}]: ${end}`;
  write(log);
  const find = () => readDocuments(home, "alerts").find((document) => document.full_log === log);
  await until(`the alert of ${log}`, WAIT_MS_MAX, () => find() !== undefined);
  const found = find();
  assert(found !== undefined);
  return { ruleId: found.rule?.id, agent: found.agent };
}

/** The registry writes a moment later. */
function isStored(home: TestHome): boolean {
  const database = new DatabaseSync(registryPaths(home.path).database, { readOnly: true });
  const rows = database.prepare("SELECT id FROM agent WHERE labels LIKE '%paris%'").all();
  database.close();
  return rows.length > 0;
}

test("Manager puts labels and places into alerts, and knows them after a crash", async (t) => {
  const home = await setUp();
  t.after(() => removeHome(home));
  let manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name: "web1" });
  const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
  t.after(() => agent.drop());
  await agent.connect();
  const send = (log: string) => agent.send(`1:/var/log/syslog:${log}`);
  assert.deepEqual((await alertOf(home, "before", send)).agent, { id: "001", name: "web1" });

  await agent.keepalive(LABELS);
  const labelled = { id: "001", name: "web1", ip: LOOPBACK, labels: { site: { name: "paris" } } };
  let seen: Alert = await alertOf(home, "after", send);
  while (!("ip" in seen.agent)) seen = await alertOf(home, "again", send);
  assert.deepEqual(seen.agent, labelled);
  assert.equal((await alertOf(home, "from 192.0.2.7 ", send)).ruleId, "100101");
  const record =
    /\nsite\.name: paris\nRule: 100101 .*\nSrc IP: 192\.0\.2\.7\nSrc Location: US \/ California\n/;
  assert.match(readOutput(home, "alerts", "log"), record);

  await until("the registry", WAIT_MS_MAX, () => isStored(home));
  await manager.kill();
  await agent.drop();
  manager = await ManagerProcess.start(home, ["--quiet"]);
  await agent.connect();
  assert.deepEqual((await alertOf(home, "after the crash", send)).agent, labelled);
  const { agent: host } = await alertOf(home, "own", (log) =>
    appendFileSync(join(home.path, "own.log"), `${log}\n`),
  );
  assert.deepEqual((host as { labels?: object }).labels, { role: "manager" });
  assert.doesNotMatch(readLog(home), /GeoIP/);
});
