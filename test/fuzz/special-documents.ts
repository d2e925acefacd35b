/** One valid message of every kind that decoders in code read, after the agents' protocols. */
import { readFileSync } from "node:fs";
import { CHECK, REGISTRY, SUMMARY, WHODATA } from "#analysis/special/sample-documents.fixture.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";

export type SpecialMessage = { readonly queue: string; readonly module: string; readonly message: string };

const FILE = {
  type: "file",
  size: 120,
  perm: "rw-r--r--",
  user_name: "root",
  group_name: "root",
  uid: "0",
  gid: "0",
  inode: 4242,
  mtime: 1_732_070_400,
  hash_md5: "d41d8cd98f00b204e9800998ecf8427e",
  hash_sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  hash_sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  symlink_path: "/etc/l",
  checksum: "x",
};
const { data: WHODATA_DATA } = WHODATA;

const FIM = [
  {
    ...WHODATA,
    data: {
      ...WHODATA_DATA,
      attributes: FILE,
      old_attributes: { ...FILE, size: 1, inode: "5", gid: "7", mtime: 5 },
    },
  },
  WHODATA,
  REGISTRY,
  {
    type: "event",
    data: { path: "/etc/y", mode: "realtime", type: "deleted", timestamp: 1, attributes: FILE },
  },
  { type: "scan_start", data: { timestamp: 1 } },
  { type: "scan_end", data: { timestamp: 2 } },
];

const WIDE_CHECK = {
  ...CHECK,
  check: {
    ...CHECK.check,
    directory: "/etc",
    registry: "HKLM",
    process: "p",
    status: "Not applicable",
    reason: "r",
  },
};
const FORCED_SUMMARY = { ...SUMMARY, force_alert: "1", first_scan: 1 };
const SCA = [
  CHECK,
  WIDE_CHECK,
  { ...CHECK, check: { ...CHECK.check, result: "passed" } },
  FORCED_SUMMARY,
  { ...FORCED_SUMMARY, hash: "h2" },
  { type: "policies", policies: ["own", "other"] },
  { type: "dump_end", policy_id: "own", elements_sent: 1, scan_id: 123 },
];

const SYSCOLLECTOR = [
  { type: "dbsync_hotfixes", operation: "INSERTED", data: { hotfix: "KB1", checksum: "c", scan_time: "t" } },
  {
    type: "dbsync_packages",
    operation: "MODIFIED",
    data: { name: "bash", version: "5", groups: "g", size: 12, format: "deb", architecture: "amd64" },
  },
  {
    type: "dbsync_processes",
    operation: "DELETED",
    data: { pid: "1", name: "init", argvs: "a b", utime: 3.5 },
  },
  { type: "dbsync_ports", operation: "INSERTED", data: { protocol: "tcp", local_port: 22, inode: 1 } },
  {
    type: "dbsync_network_iface",
    operation: "INSERTED",
    data: { name: "eth0", mtu: 1500, rx_bytes: 2 ** 33 },
  },
  {
    type: "dbsync_network_address",
    operation: "INSERTED",
    data: { iface: "eth0", proto: 0, address: "10.0.0.1" },
  },
  {
    type: "dbsync_hwinfo",
    operation: "MODIFIED",
    data: { board_serial: "s", cpu_mhz: 2999.5, ram_total: 1 },
  },
  { type: "dbsync_osinfo", operation: "MODIFIED", data: { hostname: "h", os_name: "Debian", version: "v" } },
  {
    type: "dbsync_users",
    operation: "INSERTED",
    data: { user_name: "joe", user_id: 1000, user_is_hidden: 0 },
  },
  { type: "port", ID: 1, timestamp: "t", port: { protocol: "tcp", local_ip: "0.0.0.0", local_port: 22 } },
  { type: "process", ID: 1, timestamp: "t", process: { pid: 1, name: "init", args: ["a"] } },
  { type: "program_end", ID: 1, timestamp: "t" },
];

const CISCAT = [
  {
    type: "scan_info",
    scan_id: 1_701_467_600,
    cis: { benchmark: "CIS Debian", hostname: "h", pass: 98, fail: 85, score: "53%", timestamp: "t" },
  },
  { type: "scan_result", scan_id: 1, cis: { rule_id: "1.1", rule_title: "t", group: "g", result: "fail" } },
];

const WINDOWS_XML =
  "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' " +
  "Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}' EventSourceName='x'/><EventID>4719</EventID><Version>2</Version><Level>0</Level>" +
  "<Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='2024-11-20T02:40:01.1234567Z'/>" +
  "<EventRecordID>8801</EventRecordID><Correlation/><Execution ProcessID='700' ThreadID='712'/><Channel>Security</Channel>" +
  "<Computer>PC1</Computer><Security/></System><EventData><Data Name='SubjectUserName'>joe</Data><Data>plain</Data>" +
  "<Data Name='CategoryId'>%%8273</Data><Data Name='SubcategoryId'>%%12544</Data><Data Name='AuditPolicyChanges'>%%8448, %%8450</Data>" +
  "<Data Name='Image'>C:\\temp\\a.exe</Data><Binary>00FF</Binary></EventData><UserData><X xmlns='y'><Z>1</Z></X></UserData></Event>";

const OSQUERY = {
  name: "pack/fim/file_events",
  hostIdentifier: "h",
  calendarTime: "Wed Nov 20 02:40:00 2024 UTC",
  unixTime: 1_732_070_400,
  columns: { action: "UPDATED", target_path: "/etc/passwd", id: "3" },
  action: "added",
};

const TEXTS: readonly SpecialMessage[] = [
  "Rootkit 't0rn' detected by the presence of file '/usr/src/.puta'.",
  "Trojaned version of file '/bin/ls' detected. Signature used: 'bash|^/bin/sh' (Generic).",
  "System Audit: SSH Hardening - 1: Port 22 should not be used {PCI_DSS: 2.2.4} {CIS: 1.1}. File: /etc/ssh/sshd_config. Reference: 1 .",
  "Starting rootcheck scan.",
].map((message) => ({ queue: "9", module: "rootcheck", message }));

const SUMS: readonly SpecialMessage[] = [
  "120:33188:0:0:d41d8cd98f00b204e9800998ecf8427e:da39a3ee5e6b4b0d3255bfef95601890afd80709:root:root:1732070400:4242:e3b0c442 /etc/x",
  "121:33188:0:0:aa:bb:root:root:1732070401:4243:cc!0:root:0:root:/bin/sh:1000:ann:0:root:1:77:symbolic:t /etc/x\n1c1\n< a\n---\n> b",
  "-1 /etc/x",
  "120:|account,0,1179785|:0:0:aa:bb:SYSTEM::5:0:cc:32 C:\\x",
].map((message) => ({ queue: "8", module: "syscheck", message }));

const HOSTS: readonly SpecialMessage[] = [
  "Host: 10.0.0.1 (gate), open ports: 22 (tcp)",
  "Host: 10.0.0.1 (gate), open ports: 22 (tcp) 80 (tcp)",
].map((message) => ({ queue: "3", module: "nmap", message }));

function recorded(): SpecialMessage[] {
  const path = new URL("../vectors/analysis/queue.jsonl", import.meta.url);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.flatMap((line) => {
    const { datagram } = JSON.parse(line);
    const parts = splitQueueMessage(Buffer.from(String(datagram), "utf8").toString("latin1"));
    if ("error" in parts) return [];
    return [{ queue: parts.queue, module: parts.location.replace(/^.*->/, ""), message: parts.message }];
  });
}

const ofQueue =
  (queue: string, module: string) =>
  (document: unknown): SpecialMessage => ({ queue, module, message: JSON.stringify(document) });

export const SPECIAL_MESSAGES: readonly SpecialMessage[] = [
  ...FIM.map(ofQueue("8", "syscheck")),
  ...SUMS,
  ...TEXTS,
  ...SCA.map(ofQueue("p", "sca")),
  ...SYSCOLLECTOR.map(ofQueue("d", "syscollector")),
  ...CISCAT.map(ofQueue("e", "wodle_cis-cat")),
  ...[{ Message: "Policy\r\n\tchanged \u00e9", Event: WINDOWS_XML }].map(ofQueue("f", "EventChannel")),
  ...HOSTS,
  ofQueue("1", "osquery")(OSQUERY),
  ofQueue(
    "u",
    "upgrade_module",
  )({ command: "upgrade_update_status", parameters: { error: 0, message: "x", status: "Done" } }),
  ofQueue(
    "5",
    "syscheck",
  )({
    component: "fim_file",
    type: "integrity_check_global",
    data: { id: 1, begin: "/a", end: "/z", checksum: "c" },
  }),
  ...recorded(),
].map(({ queue, module, message }) => ({
  queue,
  module,
  message: /[^\x00-\xff]/.test(message) ? Buffer.from(message, "utf8").toString("latin1") : message,
}));
