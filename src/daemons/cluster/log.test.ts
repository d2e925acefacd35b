/** Goal: cluster.log has the peer's lines and old logs the peer's names. Method: a clock that the test moves, the sample's lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { taggedLog } from "#cluster/tagged-log.ts";
import { readManagerConfig } from "#config/manager-config.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { ClusterLog, LINES_OF_TAG_MAX, sayClusterProblems } from "./log.ts";

const DAY_MS = 86_400_000;
const PATH = "/home/logs/cluster.log";

function newLog(debug: number) {
  const files = new FakeFiles();
  const clock = new FakeClock(new Date(2024, 3, 5, 19, 23, 6).getTime());
  files.nowMs = clock.wallMs();
  files.makeDirectory("/home/logs");
  const echoed: string[] = [];
  const echo = (level: string, line: string) => echoed.push(`${level} ${line}`);
  return { files, clock, echoed, log: new ClusterLog({ files, clock, home: "/home", debug, echo }) };
}

test("ClusterLog writes the lines of the sample, by their level", () => {
  for (const debug of [0, 1, 2]) {
    const { files, log } = newLog(debug);
    taggedLog(log, "Cluster", "Main").write("debug", "Removing '/var/ossec/queue/cluster/'.");
    taggedLog(log, "Master", "Main").write("info", "Serving on ('0.0.0.0', 1516)");
    log.helper.write("debug2", "Proxy", "Obtained proxy backends");
    log.helper.write("info", "Main", "Starting HAProxy Helper");
    const expected = [
      ...(debug > 0
        ? ["2024/04/05 19:23:06 DEBUG: [Cluster] [Main] Removing '/var/ossec/queue/cluster/'."]
        : []),
      "2024/04/05 19:23:06 INFO: [Master] [Main] Serving on ('0.0.0.0', 1516)",
      ...(debug > 1 ? ["2024/04/05 19:23:06 DEBUG2: [HAPHelper] [Proxy] Obtained proxy backends"] : []),
      "2024/04/05 19:23:06 INFO: [HAPHelper] [Main] Starting HAProxy Helper",
    ];
    assert.equal(files.text(PATH), `${expected.join("\n")}\n`);
  }
});

test("ClusterLog keeps every level apart and lets no text forge a line", () => {
  const { echoed, files, log } = newLog(0);
  log.write("warning", "[a] [b] x\n2024/04/05 19:23:06 INFO: forged");
  log.write("error", "e\xe9");
  log.write("critical", "c");
  const lines = files.text(PATH).split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[0] ?? "", /^2024\/04\/05 19:23:06 WARNING: \[a\] \[b\] x\\x0a2024/);
  assert.match(lines[1] ?? "", / ERROR: e\xe9$/);
  assert.match(lines[2] ?? "", / CRITICAL: c$/);
  assert.deepEqual(
    echoed.map((line) => line.split(" ")[0]),
    ["warning", "error", "critical"],
  );
});

test("ClusterLog lets no node push out the lines of others", () => {
  const { clock, files, log } = newLog(0);
  for (let line = 0; line < 5000; line++) log.write("error", "[Worker bad] [Main] x");
  log.write("info", "[Worker good] [Main] y");
  clock.advance(1000);
  log.write("info", "[Worker good] [Main] z");
  const lines = files.text(PATH).split("\n");
  assert.equal(lines.filter((line) => line.includes("[Worker bad] [Main] x")).length, LINES_OF_TAG_MAX);
  assert.deepEqual(
    lines.slice(LINES_OF_TAG_MAX).map((line) => line.slice(20)),
    [
      "INFO: [Worker good] [Main] y",
      `WARNING: [Cluster] [Main] ${5000 - LINES_OF_TAG_MAX} lines of [Worker bad] were too many for a second and are left out.`,
      "INFO: [Worker good] [Main] z",
      "",
    ],
  );
  for (let node = 0; node < 3000; node++) log.write("info", `[Worker w${node}] [Main] x`);
  assert(files.text(PATH).split("\n").length < 1200, "nor many of them");
});

test("ClusterLog moves the log of a day away under the peer's name", () => {
  const { clock, files, log } = newLog(0);
  log.write("info", "old");
  clock.advance(DAY_MS);
  log.write("info", "new");
  assert.match(files.text(PATH), /^2024\/04\/06 .* new\n$/);
  const archive = files.read("/home/logs/cluster/2024/Apr/cluster.log-05.gz");
  assert.match(gunzipSync(archive).toString("latin1"), /^2024\/04\/05 19:23:06 INFO: old\n$/);
});

test("sayClusterProblems() says of a configuration what the peer's daemon says, and nothing of other sections", () => {
  const { files, log } = newLog(0);
  const key = "<cluster><key>k</key><nodes><node>a</node><node>b</node></nodes></cluster>";
  const text = `<ossec_config><alerts><log_alert_level>x</log_alert_level></alerts>${key}</ossec_config>`;
  const { problems } = readManagerConfig(text, "ossec.conf");
  assert(problems.length > 2);
  sayClusterProblems(log, problems);
  const wrong = "Key must be 32 characters long and only have alphanumeric characters";
  const nodes =
    "Found more than one node in configuration. Only master node should be specified. Using a as master.";
  assert.equal(
    files.text(PATH),
    `2024/04/05 19:23:06 ERROR: [Cluster] [Main] Error 3004 - Error in cluster configuration: ${wrong}\n` +
      `2024/04/05 19:23:06 WARNING: [Cluster] [Main] ${nodes}\n`,
  );
});
