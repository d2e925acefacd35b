/**
 * Goal: old agents' messages are events when a file is not as it was. Method: the life of files written by hand after the form of the
 * messages; the limits of the store; a replay from every place; damaged and random messages.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { Event } from "../event.ts";
import { NO_DECODER } from "../ruleset/decoder.ts";
import { eventOf } from "./special-message.fixture.ts";
import { AGENT_FILES_BYTES_MAX, FILES_BYTES_MAX, SyscheckDecoder } from "./syscheck.ts";
import { syscheckObject } from "./syscheck-document.ts";

process.env["TZ"] = "UTC";

const START_SECONDS = 1_700_000_000;
const MD5 = "d41d8cd98f00b204e9800998ecf8427e";
const SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SUM = `120:33188:0:0:${MD5}:${SHA1}:root:root:1732070400:4242:${SHA256}`;
const OTHER = `140:33206:1:2:0cc175b9c0f1b6a831c399e269772661:x:bob:staff:1732070401:4243:y`;
const WHO = "1000:ann:5:admin:/bin/my\\ sh:1001:a:1002:b:-:77:t1,t2:/real:-";
const SCAN = ["fim-db-start-first-scan", `${SUM} /etc/a`, "fim-db-end-first-scan"];

const clock = new LocalClock();

function messageAt(text: string, seconds: number, agentId = "001"): Event {
  const { location, slots } = eventOf("8:[001] (old) any->syscheck:x");
  const header = {
    position: 1,
    receivedMs: seconds * 1000,
    agentId,
    location,
    hostname: "old",
    programName: null,
    timestamp: null,
    fullLog: text,
    log: text,
    logFollowsNul: true,
  };
  return new Event(header, NO_DECODER, slots);
}

/** Feeds messages ten seconds apart; what the last one gave. */
function feed(decoder: SyscheckDecoder, messages: readonly string[], fromSeconds = START_SECONDS) {
  let event = messageAt("", 0);
  let kind = "";
  for (const [index, message] of messages.entries()) {
    event = messageAt(message, fromSeconds + 10 * index);
    const result = decoder.decode(event);
    kind = result.kind === "event" ? result.decoderName : result.reason;
  }
  return { event, kind };
}

function afterScan(): SyscheckDecoder {
  const decoder = new SyscheckDecoder();
  feed(decoder, SCAN);
  return decoder;
}

test("SyscheckDecoder tells additions, changes and deletions of old agents apart", () => {
  const decoder = afterScan();
  const kinds = [
    `${SUM} /etc/a`,
    `${OTHER} /etc/a`,
    `${OTHER} /etc/a`,
    `${SUM} /etc/new`,
    "-1 /etc/a",
    "-1 /etc/a",
    `${SUM} /etc/a`,
    "fim-db-start-scan",
    "fim-db-end-scan",
    "syscheck-db-completed",
    "nonsense",
    `1:2 /etc/bad`,
    `${SUM}!1:2:3 /etc/bad`,
  ].map((message) => feed(decoder, [message], START_SECONDS + 1000).kind);
  assert.deepEqual(kinds, [
    "unchanged",
    "syscheck_integrity_changed",
    "unchanged",
    "syscheck_new_entry",
    "syscheck_deleted",
    "unchanged",
    "syscheck_new_entry",
    "scan",
    "scan",
    "scan",
    "invalid",
    "malformed",
    "malformed",
  ]);
});

test("SyscheckDecoder takes additions of the first scan and just after it for the baseline", () => {
  const decoder = new SyscheckDecoder();
  assert.equal(feed(decoder, ["fim-db-end-first-scan"]).kind, "invalid");
  assert.equal(feed(decoder, [`${SUM} /a`]).kind, "baseline");
  assert.equal(feed(decoder, ["fim-db-start-first-scan", `${SUM} /b`]).kind, "baseline");
  feed(decoder, ["fim-db-end-first-scan"], START_SECONDS + 100);
  assert.equal(feed(decoder, [`${SUM} /c`], START_SECONDS + 101).kind, "baseline");
  assert.equal(feed(decoder, [`${SUM} /d`], START_SECONDS + 102).kind, "syscheck_new_entry");
  const quiet = new SyscheckDecoder({ alertNewFiles: false, autoIgnore: null });
  assert.equal(feed(quiet, [...SCAN, `${SUM} /e`]).kind, "new_file");
});

test("SyscheckDecoder says what changed and who did it", () => {
  const { event, kind } = feed(afterScan(), [`${OTHER}!${WHO} /etc/a\n1c1\n< a`]);
  assert.equal(kind, "syscheck_integrity_changed");
  assert.equal(
    event.fullLog,
    "File '/etc/a' checksum changed.\nSymbolic path: '/real'.\nSize changed from '120' to '140'\n" +
      "Permissions changed from 'rw-r--r--' to 'rw-rw-rw-'\nOwnership was 'root (0)', now it is 'bob (1)'\n" +
      "Group ownership was 'root (0)', now it is 'staff (2)'\n" +
      `Old md5sum was: '${MD5}'\nNew md5sum is : '0cc175b9c0f1b6a831c399e269772661'\n` +
      `Old sha1sum was: '${SHA1}'\nNew sha1sum is : 'x'\nOld sha256sum was: '${SHA256}'\nNew sha256sum is : 'y'\n` +
      "Old modification time was: 'Wed Nov 20 02:40:00 2024', now it is 'Wed Nov 20 02:40:01 2024'\n" +
      "Old inode was: '4242', now it is '4243'\n",
  );
  assert.equal(event.log, event.fullLog);
  assert.deepEqual(JSON.parse(syscheckObject(event, clock)), {
    path: "/etc/a",
    symbolic_path: "/real",
    size_before: "120",
    size_after: "140",
    perm_before: "rw-r--r--",
    perm_after: "100666",
    uid_before: "0",
    uid_after: "1",
    gid_before: "0",
    gid_after: "2",
    md5_before: MD5,
    md5_after: "0cc175b9c0f1b6a831c399e269772661",
    sha1_before: SHA1,
    sha1_after: "x",
    sha256_before: SHA256,
    sha256_after: "y",
    uname_before: "root",
    uname_after: "bob",
    gname_before: "root",
    gname_after: "staff",
    mtime_before: "2024-11-20T02:40:00",
    mtime_after: "2024-11-20T02:40:01",
    inode_before: 4242,
    inode_after: 4243,
    diff: "1c1\n< a",
    tags: ["t1", "t2"],
    changed_attributes: ["size", "perm", "uid", "gid", "md5", "sha1", "sha256", "mtime", "inode"],
    event: "modified",
    audit: {
      user: { id: "1000", name: "ann" },
      process: { id: "77", name: "/bin/my sh" },
      group: { id: "5", name: "admin" },
      login_user: { id: "1001", name: "a" },
      effective_user: { id: "1002", name: "b" },
    },
  });
});

test("SyscheckDecoder reads Windows permissions, attributes and paths", () => {
  const first = "1:|SYSTEM,0,2032127|Users,1,1:S-1:0:m:s:NT\\ AUTHORITY:g:1:2:h:32";
  const then = "1:|SYSTEM,0,65536:S-1:0:m:s:NT\\ AUTHORITY:g:1:2:h:34";
  const { event } = feed(new SyscheckDecoder(), [`${first} c:/a/b`, `${then} c:\\a\\b`]);
  assert.equal(
    event.fullLog,
    "File 'c:\\a\\b' checksum changed.\nPermissions changed.\n" +
      "Old attributes were: 'ARCHIVE'\nNow they are 'ARCHIVE, HIDDEN'\n",
  );
  assert.equal(event.dynamic("perm"), "SYSTEM (allowed): delete");
  assert.equal(event.dynamic("uname"), "NT AUTHORITY");
  const { win_perm_before: before } = JSON.parse(syscheckObject(event, clock));
  assert.equal(before[0].name, "SYSTEM");
  // Full control but for the right to delete children, which has no name.
  assert.equal(before[0].allowed.length, 13);
  assert.deepEqual(before[1], { name: "Users", denied: ["READ_DATA"] });
});

test("SyscheckDecoder shows special bits of a mode", () => {
  const sum = (mode: number) => `1:${mode}:0:0:m:s`;
  const { event } = feed(new SyscheckDecoder(), [`${sum(0o106755)} /a`, `${sum(0o101777)} /a`]);
  assert.equal(
    event.fullLog,
    "File '/a' checksum changed.\nPermissions changed from 'rwsr-sr-x' to 'rwxrwxrwt'\n",
  );
});

test("SyscheckDecoder is silent about silent updates, and about files that change too often", () => {
  const silent = WHO.replace(/-$/, "+");
  assert.equal(feed(afterScan(), [`${OTHER}!${silent} /etc/a`]).kind, "silent");
  const decoder = new SyscheckDecoder({ alertNewFiles: true, autoIgnore: { changes: 2, seconds: 100 } });
  const kinds = [1, 2, 3, 4].map((size) => feed(decoder, [`${size}:33188:0:0:m:s /a`]).kind);
  assert.deepEqual(kinds, [
    "baseline",
    "syscheck_integrity_changed",
    "syscheck_integrity_changed",
    "ignored",
  ]);
  assert.equal(feed(decoder, ["5:33188:0:0:m:s /a"], START_SECONDS + 100).kind, "syscheck_integrity_changed");
});

test("SyscheckDecoder forgets files that three first scans did not see", () => {
  const decoder = afterScan();
  const scan = (at: number) =>
    feed(decoder, ["fim-db-start-first-scan", "fim-db-end-first-scan"], START_SECONDS + at);
  scan(1000);
  assert.equal(feed(decoder, [`${SUM} /etc/a`], START_SECONDS + 1500).kind, "unchanged");
  scan(2000);
  scan(3000);
  assert.equal(feed(decoder, [`${SUM} /etc/a`], START_SECONDS + 4000).kind, "unchanged");
  scan(4000);
  scan(5000);
  scan(6000);
  assert.equal(feed(decoder, [`${SUM} /etc/a`], START_SECONDS + 6500).kind, "unchanged");
  scan(7000);
  scan(8000);
  scan(9000);
  assert.equal(feed(decoder, [`${SUM} /etc/a`], START_SECONDS + 9500).kind, "syscheck_new_entry");
});

test("SyscheckDecoder keeps agents apart", () => {
  const decoder = afterScan();
  const result = decoder.decode(messageAt(`${OTHER} /etc/a`, START_SECONDS + 500, "002"));
  assert.deepEqual(result, { kind: "nothing", reason: "baseline", error: null });
});

test("SyscheckDecoder refuses new files of an agent that has too many, and keeps watching the others", () => {
  const decoder = afterScan();
  const long = "p".repeat(5000);
  const filesMax = Math.ceil(AGENT_FILES_BYTES_MAX / 5000);
  let refused = 0;
  for (let count = 0; count < filesMax; count++) {
    if (feed(decoder, [`${SUM} /${long}${count}`]).kind === "store_full") refused++;
  }
  assert(refused > 0);
  assert.equal(decoder.counts.fimFilesRefused, refused);
  assert.equal(feed(decoder, [`${OTHER} /etc/a`]).kind, "syscheck_integrity_changed");
  assert.equal(feed(decoder, [`${SUM} /${"p".repeat(7000)}`]).kind, "too_long");
});

test("SyscheckDecoder forgets whole agents when all have too many files", () => {
  const decoder = new SyscheckDecoder();
  const long = "p".repeat(6000);
  const agents = Math.ceil(FILES_BYTES_MAX / AGENT_FILES_BYTES_MAX) + 1;
  for (let agent = 0; agent < agents; agent++) {
    for (let file = 0; file < 1350; file++) {
      decoder.decode(messageAt(`${SUM.slice(0, 60)} /${long.slice(0, 5900)}${file}`, 1, String(agent)));
    }
  }
  assert.equal(decoder.counts.fimAgentsForgotten, 1);
  const agentIds = decoder.snapshot().map(([agentId]) => agentId);
  assert.equal(agentIds.includes("0"), false);
});

const LIFE = [
  ...SCAN,
  `${OTHER} /etc/a`,
  `${SUM} /etc/b`,
  "fim-db-start-scan",
  "-1 /etc/a",
  `${OTHER}!${WHO} /etc/b`,
  "fim-db-end-scan",
  `${SUM} /etc/c`,
];

test("SyscheckDecoder goes on from a snapshot as if nothing had happened", () => {
  const outcome = (decoder: SyscheckDecoder, from: number) =>
    LIFE.slice(from).map((message, index) => {
      const { kind, event } = feed(decoder, [message], START_SECONDS + 10 * (from + index));
      return [kind, event.fullLog];
    });
  const whole = outcome(new SyscheckDecoder(), 0);
  for (let cut = 0; cut <= LIFE.length; cut++) {
    const before = new SyscheckDecoder();
    for (const [index, message] of LIFE.slice(0, cut).entries())
      feed(before, [message], START_SECONDS + 10 * index);
    const after = new SyscheckDecoder();
    after.restore(JSON.parse(JSON.stringify(before.snapshot())));
    assert.deepEqual(outcome(after, cut), whole.slice(cut));
    assert.deepEqual(before.snapshot().length > 0, cut > 0);
  }
});

test("SyscheckDecoder survives damaged messages of old agents", () => {
  const random = new SeededRandom(8);
  const decoder = new SyscheckDecoder();
  const windows = "1:|SYSTEM,0,2032127|Users,1,1:S-1:0:m:s:NT\\ A:g:1:2:h:32 c:/a";
  const seeds = [...LIFE, windows, `${SUM} /etc/a\ndiff`, `${"9".repeat(5000)}:1:::: x`].map((text) =>
    Buffer.from(text),
  );
  for (let round = 0; round < 5000; round++) {
    const event = messageAt(random.mutate(random.pick(seeds)).toString("latin1"), START_SECONDS + round);
    const result = decoder.decode(event);
    if (result.kind === "event") JSON.parse(syscheckObject(event, clock));
    else assert.equal(event.dynamicNames.length, 0);
  }
});
