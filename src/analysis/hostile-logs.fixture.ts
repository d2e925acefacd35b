/** Log lines of many kinds of software, made up for this project, and damaged or monstrous ones made from them. Latin1 strings. */
import type { SeededRandom } from "#testing/random.ts";

export const SAMPLE_LINES: readonly string[] = [
  "Nov 21 06:44:10 web1 sshd[4211]: Failed password for invalid user admin from 203.0.113.9 port 40001 ssh2",
  "Nov 21 06:44:11 web1 sshd[4211]: Accepted publickey for deploy from 198.51.100.4 port 51812 ssh2: ED25519 SHA256:abc",
  "Nov 21 06:44:12 web1 sudo:   joe : TTY=pts/0 ; PWD=/home/joe ; USER=root ; COMMAND=/bin/cat /etc/shadow",
  "Nov 21 06:44:12 web1 su[77]: pam_unix(su:auth): authentication failure; logname=joe uid=1000 euid=0 tty=/dev/pts/1 ruser=joe rhost=  user=root",
  "Nov 21 06:44:13 fw1 kernel: [9211.11] IN=eth0 OUT= MAC=00:11 SRC=203.0.113.7 DST=192.0.2.1 LEN=60 PROTO=TCP SPT=4444 DPT=22 SYN",
  '2026-11-21T06:44:14.123456+00:00 db1 postgres[12]: [3-1] FATAL:  password authentication failed for user "app"',
  '203.0.113.9 - - [21/Nov/2026:06:44:15 +0000] "GET /index.php?id=1%27%20OR%201=1 HTTP/1.1" 404 196 "-" "curl/8.1"',
  "[Sat Nov 21 06:44:16.220914 2026] [authz_core:error] [pid 71] [client 203.0.113.9:4412] AH01630: client denied by server configuration: /srv/x",
  "1763707456.220 117 10.0.0.4 TCP_MISS/200 4512 GET http://example.org/a - DIRECT/192.0.2.3 text/html",
  '{"timestamp":"2026-11-21T06:44:17.5+0000","event_type":"alert","src_ip":"203.0.113.9","src_port":4001,"dest_ip":"10.0.0.1","alert":{"action":"allowed","signature_id":2010935,"signature":"SCAN","category":"x","severity":2},"flow":{"a":[1,2,{"b":null}]}}',
  '{"version":"1.1","srcip":"203.0.113.9","user":"joe","action":"login","status":"failed","nested":{"a":{"b":{"c":"d"}}},"list":["x","y"]}',
  'type=SYSCALL msg=audit(1763707457.100:4211): arch=c000003e syscall=59 success=yes exit=0 a0=55d8 items=2 ppid=1 pid=2 auid=1000 uid=0 comm="cat" exe="/usr/bin/cat" key="audit-wazuh-r"',
  "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38865049064139660 terminating",
  "2026-11-21 06:44:18,705 - WARN  [SendWorker:188978561024:QuorumCnxManager$SendWorker@679] - Interrupted while waiting for message on queue",
  "- 1131566461 2026.11.21 dn228 Nov 21 06:44:19 dn228/dn228 crond(pam_unix)[2915]: session closed for user root",
  "2026-11-21 06:44:20, Info                  CBS    Loaded Servicing Stack v6.1.7601.23505 with Core: C:\\Windows\\winsxs\\x\\cbscore.dll",
  "11-21 06:44:21.395  1702  2395 D WindowManager: printFreezingDisplayLogsopening app wtoken = AppWindowToken{9f4ef63 token=Token{a64f992}}",
  'nova-api.log.1.2026-11-21_06:44:22 2026-11-21 06:44:22.008 25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b 113d3a99] 10.11.10.1 "GET /v2/servers/detail HTTP/1.1" status: 200 len: 1893',
  "Jul  1 06:44:23 calvisitor-10-105-160-95 kernel[0]: ARPT: 620701.011328: AirPort_Brcm43xx::syncPowerState: WWEN[enabled]",
  "[11.21 06:44:24] chrome.exe - proxy.example.org:5070 open through proxy proxy.example.org:5070 HTTPS",
  "<134>Nov 21 06:44:25 asa1 %ASA-6-106100: access-list out permitted tcp inside/10.0.0.5(4120) -> outside/203.0.113.1(443) hit-cnt 1 first hit",
  "11/21-06:44:26.240702  [**] [1:2009582:3] ET SCAN NMAP -sS window 1024 [**] [Priority: 2] {TCP} 203.0.113.9:51320 -> 192.0.2.1:80",
  "ossec: Alert Level: 3; Rule: 5715 - SSHD success.; Location: web->/var/log/auth.log; srcip: 192.0.2.1; user: joe;  the log itself",
  "ossec: output: 'netstat listening ports':\ntcp 0.0.0.0:22 0.0.0.0:* 880/sshd\nudp 0.0.0.0:68 0.0.0.0:* 511/dhclient",
  'id=firewall sn=0006B1 time="2026-11-21 06:44:27" fw=192.0.2.1 pri=6 c=262144 m=98 msg="Connection Opened" n=1 src=10.0.0.1:4410:X0 dst=203.0.113.1:80:X1 proto=tcp/http',
  "Nov 21 06:44:28 pf1 pf: rule 17/(match) block in on fxp0: 203.0.113.9.4410 > 192.0.2.1.80: tcp 0",
  "",
  " ",
  "\x80\xff\xc3\xa9 bytes",
];

const PIECES = [
  "a",
  " ",
  '"',
  "{",
  "[",
  '{"a":',
  "[1,",
  "=",
  ":",
  "/",
  ".",
  "1",
  "\\",
  "(",
  ")",
  "x=y ",
  "a.",
  "- ",
  "|",
  "\xff",
  "\n",
  "% ",
];

/** What a hostile agent may send: 64 KB of a short piece, perhaps behind the beginning of a proper line. */
export function monstrousLine(random: SeededRandom): string {
  const line = random.pick(SAMPLE_LINES);
  const start = line.slice(0, random.below(line.length + 1));
  const piece = random.pick(PIECES) + (random.below(2) === 0 ? "" : random.pick(PIECES));
  return (start + piece.repeat(65_536)).slice(0, 65_000);
}

export function damagedLine(random: SeededRandom): string {
  return random.mutate(Buffer.from(random.pick(SAMPLE_LINES), "latin1")).toString("latin1");
}
