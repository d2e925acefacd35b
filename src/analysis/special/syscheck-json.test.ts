/**
 * Goal: file integrity events of today's agents have the fields, the text and the shown form that the peer gives them. Method: what
 * the peer made of recorded ones; forms that the recordings lack by hand; every member missing, of a wrong kind, huge; random bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import type { Event } from "../event.ts";
import { NO_DECODER } from "../ruleset/decoder.ts";
import { recordedFimSession, recordedOf } from "./recorded.fixture.ts";
import { REGISTRY, WHODATA } from "./sample-documents.fixture.ts";
import { damaged, eventOf, fieldsOf } from "./special-message.fixture.ts";
import { SyscheckDecoder } from "./syscheck.ts";
import { syscheckLogLines, syscheckObject } from "./syscheck-document.ts";
import { FIM_FIELDS, isFimEvent } from "./syscheck-fields.ts";
import { longText } from "./syscheck-json.ts";

// The recordings were made there.
process.env["TZ"] = "UTC";

const clock = new LocalClock();
const decoder = new SyscheckDecoder();
const RECORDED = [...recordedOf("syscheck"), ...recordedFimSession()];

function decode(message: unknown): { event: Event; kind: string; error: string | null } {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  const event = eventOf(`8:[001] (agent1) any->syscheck:${text}`);
  return { event, ...decodeEvent(event) };
}

function decodeEvent(event: Event): { kind: string; error: string | null } {
  const result = decoder.decode(event);
  if (result.kind === "nothing") return { kind: result.reason, error: result.error };
  event.decoder = { ...NO_DECODER, shownName: result.decoderName };
  return { kind: result.decoderName, error: null };
}

test("SyscheckDecoder gives recorded events the peer's decoder, text and document", () => {
  assert.equal(RECORDED.length, 6);
  for (const { datagram, archive } of RECORDED) {
    const event = eventOf(datagram);
    const json = event.log;
    assert.equal(decodeEvent(event).kind, archive.decoder.name);
    assert.equal(isFimEvent(event), true);
    assert.equal(event.fullLog, archive.full_log);
    assert.equal(event.log, json);
    // As text: the order of the keys counts.
    assert.equal(syscheckObject(event, clock), JSON.stringify(archive.syscheck));
  }
});

test("SyscheckDecoder sets fields in the peer's order, and only those that the event has", () => {
  const { event } = decode(WHODATA);
  const names = fieldsOf(event).map(([name]) => name);
  assert.deepEqual(
    names,
    FIM_FIELDS.filter((field) => names.includes(field)),
  );
  assert.equal(FIM_FIELDS.length, 51);
  assert.equal(event.dynamic("inode"), "8589934593");
  assert.equal(event.dynamic("inode_before"), "5");
  assert.equal(event.dynamic("changed_fields"), "size,inode");
  assert.equal(event.dynamic("hard_links"), '["/etc/one","/etc/two"]');
  assert.equal(event.dynamic("gid"), "");
  assert.equal(event.dynamic("md5"), undefined);
});

test("syscheckObject() shows links, tags, the difference and who did it", () => {
  const { event } = decode(WHODATA);
  assert.deepEqual(JSON.parse(syscheckObject(event, clock)), {
    path: '/etc/../../o\'brien "x" {y}',
    hard_links: ["/etc/one", "/etc/two"],
    mode: "whodata",
    symbolic_path: "/etc/l",
    size_before: "1",
    size_after: "2",
    uid_after: "0",
    gid_before: "7",
    inode_before: 5,
    inode_after: 1,
    diff: "1c1\n< a\n---\n> b\n",
    tags: ["a", "b"],
    changed_attributes: ["size", "inode"],
    event: "modified",
    audit: {
      user: { id: "0", name: "root" },
      process: {
        id: "77",
        name: "/bin/sh",
        cwd: "/",
        parent_name: "/sbin/init",
        parent_cwd: "/",
        ppid: "1",
      },
      login_user: { id: "1000", name: "ann" },
      effective_user: { id: "0", name: "root" },
    },
  });
  assert.equal(
    event.fullLog,
    "File '/etc/../../o'brien \"x\" {y}' modified\nHard links: /etc/one,/etc/two\nMode: whodata\n" +
      "Changed attributes: size,inode\nSize changed from '1' to '2'\nGroup ownership was '7', now it is ''\n" +
      "Old inode was: '5', now it is '8589934593'\n",
  );
});

test("syscheckLogLines() shows the attributes, who did it, the difference and the tags", () => {
  const [, fileAdded] = recordedOf("syscheck");
  assert(fileAdded !== undefined);
  const event = eventOf(fileAdded.datagram);
  decodeEvent(event);
  assert.deepEqual(syscheckLogLines(event, clock), [
    "Attributes:",
    " - Size: 120",
    " - Permissions: rw-rw-rw-",
    " - Date: Wed Nov 20 02:40:00 2024",
    " - Inode: 4242",
    " - User: root (0)",
    " - Group: root (0)",
    " - MD5: d41d8cd98f00b204e9800998ecf8427e",
    " - SHA1: da39a3ee5e6b4b0d3255bfef95601890afd80709",
    " - SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ]);
  assert.deepEqual(syscheckLogLines(decode(WHODATA).event, clock).slice(3), [
    " - (Audit) User name: root",
    " - (Audit) Audit name: ann",
    " - (Audit) Effective name: root",
    " - (Audit) Process id: 77",
    " - (Audit) Process name: /bin/sh",
    " - (Audit) Process cwd: /",
    " - (Audit) Parent process name: /sbin/init",
    " - (Audit) Parent process id: 1",
    " - (Audit) Parent process cwd: /",
    "",
    "What changed:",
    "1c1\n< a\n---\n> b\n",
    "",
    "Tags:",
    " - a",
    " - b",
  ]);
});

test("SyscheckDecoder shows the registry with its architecture and Windows permissions as lists", () => {
  const { event, kind } = decode(REGISTRY);
  assert.equal(kind, "syscheck_registry_value_added");
  assert.equal(
    event.fullLog,
    "Registry Value '[x64] HKEY_LOCAL_MACHINE\\Software\\x\\v' added\nMode: scheduled\n",
  );
  assert.equal(
    event.dynamic("perm"),
    "SYSTEM (allowed): DELETE|WRITE_DAC, S-1-1-0 (allowed): READ_DATA, S-1-1-0 (denied): EXECUTE",
  );
  assert.deepEqual(JSON.parse(syscheckObject(event, clock)), {
    path: "HKEY_LOCAL_MACHINE\\Software\\x",
    mode: "scheduled",
    arch: "[x64]",
    value_name: "v",
    value_type: "REG_SZ",
    win_perm_after: [
      { name: "SYSTEM", allowed: ["DELETE", "WRITE_DAC"] },
      { name: "S-1-1-0", allowed: ["READ_DATA"], denied: ["EXECUTE"] },
    ],
    attrs_after: ["ARCHIVE", "HIDDEN"],
    event: "added",
  });
});

test("SyscheckDecoder names a decoder for each kind of entry and change", () => {
  const kinds: string[] = [];
  for (const type of ["file", "registry", "registry_key", "registry_value"]) {
    for (const change of ["added", "modified", "deleted"]) {
      const attributes = { type };
      kinds.push(
        decode({ type: "event", data: { path: "p", type: change, index: "i", attributes, value_name: "" } })
          .kind,
      );
    }
  }
  assert.deepEqual(
    [...new Set(kinds)],
    [
      "syscheck_new_entry",
      "syscheck_integrity_changed",
      "syscheck_deleted",
      "syscheck_registry_key_added",
      "syscheck_registry_key_modified",
      "syscheck_registry_key_deleted",
      "syscheck_registry_value_added",
      "syscheck_registry_value_modified",
      "syscheck_registry_value_deleted",
    ],
  );
});

test("SyscheckDecoder shortens long paths and long changes as the peer does", () => {
  const shown = (type: string, path: string) => {
    const data = { path, type: "added", arch: "[x32]", value_name: "val", mode: "m", attributes: { type } };
    return /'(.*)'/.exec(decode({ type: "event", data }).event.fullLog)?.[1] ?? "";
  };
  const long = `/${"a".repeat(720)}${"b".repeat(50)}`;
  assert.equal(shown("file", long.slice(0, 756)), long.slice(0, 756));
  assert.equal(shown("file", long), `${long.slice(0, 719)} [...] ${"b".repeat(30)}`);
  assert.equal(shown("registry_key", long), `[x32] ${long.slice(0, 713)} [...] ${"b".repeat(24)}`);
  // There is no room left for the value behind 748 bytes of its key.
  assert.equal(shown("registry_value", long), `[x32] ${long.slice(0, 748)} [`);

  const perm = "r".repeat(130);
  const data = {
    path: "p",
    type: "modified",
    mode: "m",
    attributes: { type: "file", perm, uid: perm },
    old_attributes: { perm: `${perm}x`, uid: `${perm}x` },
  };
  assert.equal(
    decode({ type: "event", data }).event.fullLog,
    `File 'p' modified\nMode: m\nPermissions changed.\n${`Ownership was '${perm}x', now it is '${perm}'`.slice(0, 256)}`,
  );
});

test("SyscheckDecoder takes scan marks for no event and says what it cannot read", () => {
  assert.deepEqual(decode({ type: "scan_start", data: { timestamp: 1 } }).kind, "scan");
  assert.deepEqual(decode({ type: "scan_end", data: { timestamp: 1 } }).kind, "scan");
  assert.equal(decode('{"type":"event"}').error, "Invalid FIM event");
  assert.equal(decode('{"type":"event"').error, "Malformed FIM JSON event");
  assert.equal(
    decode('{"type":"event",\n"data":{}}').error,
    `Can't generate fim alert for event: '{"type":"event",?"data":{}}'`,
  );
  const withoutIndex = { ...REGISTRY, data: { ...REGISTRY.data, index: 1 } };
  assert.equal(decode(withoutIndex).kind, "invalid");
  assert.equal(decode({ ...withoutIndex, data: { ...withoutIndex.data, version: "3.0" } }).error, null);
});

test("syscheckObject() leaves out a date that no calendar has", () => {
  for (const mtime of [1e300, -1e300, 253_402_300_800, Number.MAX_SAFE_INTEGER]) {
    const data = { path: "p", type: "added", attributes: { type: "file", mtime } };
    const { event } = decode({ type: "event", data });
    assert.equal(JSON.parse(syscheckObject(event, clock)).mtime_after, undefined);
    assert.equal(syscheckLogLines(event, clock)[1], ` - Date: ${longText(mtime)}`);
  }
});

test("syscheckObject() shows no inode of which the peer shows 0", () => {
  const data = { path: "p", type: "added", attributes: { type: "file", inode: 2 ** 32 } };
  assert.deepEqual(JSON.parse(syscheckObject(decode({ type: "event", data }).event, clock)), {
    path: "p",
    event: "added",
  });
});

test("longText() writes numbers as a C long", () => {
  const texts = [0, -0, 1.9, -1.9, 2 ** 53, 1e18, 1e19, -1e300, Number.POSITIVE_INFINITY].map(longText);
  assert.deepEqual(texts, [
    "0",
    "0",
    "1",
    "-1",
    "9007199254740992",
    "1000000000000000000",
    "-9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775808",
  ]);
});

/** Every part that is made of an event, and a bound on its size. */
function use(event: Event): void {
  const { kind } = decodeEvent(event);
  if (!kind.startsWith("syscheck_")) {
    assert.equal(event.dynamicNames.length, 0);
    return;
  }
  assert(event.fullLog.length <= 65_535);
  JSON.parse(syscheckObject(event, clock));
  syscheckLogLines(event, clock);
}

test("SyscheckDecoder survives each member missing or of a wrong kind", () => {
  for (const message of [...damaged(WHODATA), ...damaged(REGISTRY)]) {
    use(eventOf(`8:[001] (agent1) any->syscheck:${JSON.stringify(message)}`));
  }
});

test("SyscheckDecoder survives damaged bytes", () => {
  const random = new SeededRandom(81);
  const messages = [WHODATA, REGISTRY].map((message) => Buffer.from(JSON.stringify(message)));
  for (let round = 0; round < 3000; round++) {
    const event = eventOf("8:[001] (agent1) any->syscheck:{");
    event.log = random.mutate(random.pick(messages)).toString("latin1");
    event.fullLog = event.log;
    use(event);
  }
});
