/**
 * Goal: listed files come into their groups whole and when due, and nothing else does. Method: lists with every mistake; a web server of Node
 * on loopback that fails, lies and never ends; a clock that moves when told.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { formatProblem } from "#formats/source-position.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { WebServer } from "#testing/web-server.ts";
import { readDownloadList } from "./download-list.ts";
import { GroupEvents } from "./events.ts";
import { SharedDownloads } from "./shared-downloads.ts";

const LIST = "/etc/shared/files.yml";
const MERGED = "#web\n!2 a.txt\nhi";

let server: WebServer;
let clock: FakeClock;
let files: FakeFiles;
let log: RecordingLog;
let downloads: SharedDownloads;
let placed: string[];

before(async () => {
  server = await WebServer.start(null);
});
after(() => server.stop());
beforeEach(() => {
  clock = new FakeClock();
  files = new FakeFiles();
  files.makeDirectory("/etc/shared");
  log = new RecordingLog();
  server.asked.length = 0;
  const events = new GroupEvents(log, new RecordingMetrics());
  placed = [];
  downloads = new SharedDownloads({
    http: systemHttpClient,
    files,
    clock,
    events,
    home: "",
    placed: (agents) => placed.push(agents.map(({ id, groups }) => `${id} ${groups.join(",")}`).join(" ")),
  });
});

function list(text: string): void {
  files.nowMs += 1;
  files.write(LIST, text.replaceAll("SERVER/", server.address));
}

const shared = (path: string) => files.read(`/etc/shared/${path}`).toString("latin1");

function problemsOf(text: string): readonly string[] {
  return readDownloadList(Buffer.from(text), "files.yml").problems.map(formatProblem);
}

test("readDownloadList() reads groups with files and times", () => {
  const text =
    "groups:\n  web:\n    files:\n      a.txt: http://h/a\n      merged.mg: https://h/m\n    poll: 5\n  db:\n    poll: 9\n";
  const { groups, problems } = readDownloadList(Buffer.from(text), "files.yml");
  assert.deepEqual(problems, []);
  const shown = groups.map(({ name, files: found, pollSeconds }) => [
    name,
    pollSeconds,
    found.map(({ name: file, url }) => `${file} ${url.href}`),
  ]);
  assert.deepEqual(shown, [
    ["web", 5, ["a.txt http://h/a", "merged.mg https://h/m"]],
    ["db", 9, []],
  ]);
  const usual = readDownloadList(Buffer.from("groups: {web: {files: {a: 'http://h'}}}"), "files.yml");
  assert.equal(usual.groups[0]?.pollSeconds, 1800);
});

test("readDownloadList() says every mistake and takes the rest", () => {
  const text = `groups:
  ../up: {files: {a: http://h/a}}
  web:
    files:
      ../a: http://h/a
      b/c: http://h/a
      .d: http://h/a
      e: file:///etc/passwd
      f: nowhere
      g: http://h/g
    poll: 0
`;
  const { groups, problems } = readDownloadList(Buffer.from(text), "files.yml");
  assert.equal(problems.length, 7);
  assert.deepEqual(
    groups.flatMap(({ files: found }) => found.map(({ name }) => name)),
    ["g"],
  );
  assert.match(formatProblem(problems[0] ?? assert.fail()), /^files\.yml:2:3: .*'\.\.\/up' is no group name/);
  for (const odd of ["[]", "a: 1", "groups: 1", "groups: {a: {files: [x]}}", "{", "groups: *a"])
    assert(problemsOf(odd).length > 0, odd);
});

test("readDownloadList() reads which agents are in which groups, and says what is no agent or no group", () => {
  const text =
    "agents:\n  001: web\n  '002': db, web,db\n  1x: web\n  000: web\n  004: a b\n  005: [web]\n  006: web,\n";
  const { agents, groups, problems } = readDownloadList(Buffer.from(text), "files.yml");
  assert.deepEqual(groups, []);
  assert.deepEqual(agents, [
    { id: "001", groups: ["web"] },
    { id: "002", groups: ["db", "web"] },
  ]);
  assert.deepEqual(
    problems.map(({ position }) => position.line),
    [4, 5, 6, 7, 7, 8],
  );
});

test("readDownloadList() takes any bytes", () => {
  const random = new SeededRandom(7);
  const sample = Buffer.from("groups:\n  web:\n    files:\n      a.txt: http://h/a\n    poll: 5\n");
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(sample);
    for (let flips = random.below(4); flips >= 0; flips--)
      bytes[random.below(bytes.length)] = random.below(256);
    readDownloadList(bytes.subarray(0, random.below(bytes.length + 1)), "files.yml");
  }
});

test("look() fetches what is listed, makes the group, and again when the time has come", async () => {
  server.answer = ({ url }, response) => response.end(url === "/m" ? MERGED : `of ${url}`);
  list("groups: {web: {files: {a.txt: SERVER/a, merged.mg: SERVER/m}, poll: 60}}");
  await downloads.look();
  assert.equal(shared("web/a.txt"), "of /a");
  assert.equal(shared("web/merged.mg"), MERGED);
  assert.deepEqual([downloads.bringsMerged("web"), downloads.bringsMerged("db")], [true, false]);
  const before = files.info("/etc/shared/web/a.txt")?.inode;
  clock.advance(59_000);
  await downloads.look();
  assert.equal(server.asked.length, 2);
  clock.advance(1000);
  await downloads.look();
  assert.equal(server.asked.length, 4);
  assert.equal(files.info("/etc/shared/web/a.txt")?.inode, before, "what is the same stays untouched");
  list("groups: {web: {files: {a.txt: SERVER/other}}}");
  await downloads.look();
  assert.equal(shared("web/a.txt"), "of /other");
  assert.equal(downloads.bringsMerged("web"), false);
});

test("look() leaves the old file when there is no new one, and says so once", async () => {
  server.answer = (_, response) => response.end("good");
  list("groups: {web: {files: {a.txt: SERVER/a, merged.mg: SERVER/m}, poll: 1}}");
  await downloads.look();
  assert.equal(shared("web/a.txt"), "good");
  assert.equal(files.info("/etc/shared/web/merged.mg"), null, "this is no merged.mg");
  server.answer = (_, response) => response.writeHead(500).end("an error page");
  for (let round = 0; round < 3; round++) {
    clock.advance(1000);
    await downloads.look();
  }
  assert.equal(shared("web/a.txt"), "good");
  assert.deepEqual(
    log
      .texts()
      .filter((text) => text.includes("Failed"))
      .map((text) => text.replace(server.address, "SERVER/")),
    [
      "Failed to download 'SERVER/m' for 'web/merged.mg': The downloaded file '/var/download/download.tmp' is corrupted.",
      "Failed to download 'SERVER/a' for 'web/a.txt': status 500",
      "Failed to download 'SERVER/m' for 'web/merged.mg': status 500",
    ],
  );
  assert.equal(files.info("/var/download/download.tmp"), null);
});

test("look() takes no merged.mg whose agent.conf would send agents to another host", async () => {
  const conf = String.raw`<agent_config><localfile><location>\\host\x</location><log_format>syslog</log_format></localfile></agent_config>`;
  server.answer = (_, response) => response.end(`#web\n!${conf.length} agent.conf\n${conf}`);
  list("groups: {web: {files: {merged.mg: SERVER/m}, poll: 1}}");
  await downloads.look();
  assert.equal(files.info("/etc/shared/web/merged.mg"), null);
  assert.match(
    log.texts().join("\n"),
    /'web\/merged\.mg': agent\.conf:1:\d+: error: A path of another host is not sent/,
  );
  server.answer = (_, response) => response.end("#web\n!15 agent.conf\n<agent_config/>");
  clock.advance(1000);
  await downloads.look();
  assert.equal(shared("web/merged.mg"), "#web\n!15 agent.conf\n<agent_config/>");
});

test("look() fetches one after the other, and forgets a list that is gone", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.answer = (_, response) => void promise.then(() => response.end("late"));
  list("groups: {web: {files: {a.txt: SERVER/a}, poll: 1}}");
  const first = downloads.look();
  clock.advance(5000);
  await downloads.look();
  resolve();
  await first;
  assert.equal(server.asked.length, 1);
  files.remove(LIST);
  clock.advance(5000);
  await downloads.look();
  assert.equal(server.asked.length, 1);
  list("x".repeat(2_000_000));
  await downloads.look();
  assert.match(log.texts().at(-1) ?? "", /too large/);
});

test("SharedDownloads tells which agents are where whenever the list changes", async () => {
  files.makeDirectory("/etc/shared/db");
  list("groups:\n  web:\n    poll: 9\nagents:\n  001: web\n  002: db,web\n  003: mail\n");
  await downloads.look();
  await downloads.look();
  assert.deepEqual(placed, ["001 web 002 db,web"]);
  assert.deepEqual(log.texts("warning"), [
    "etc/shared/files.yml: agent '003' is left where it is: there is no group 'mail'",
  ]);
  files.remove(LIST);
  await downloads.look();
  assert.deepEqual(placed, ["001 web 002 db,web", ""]);
});
