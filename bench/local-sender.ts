/** A program of this host that floods the event queue: path and count of events. */
import { DatagramSender } from "#testing/unix-datagrams.ts";

const [path = "", count = "0"] = process.argv.slice(2);
const EVENT =
  "1:my-script:Nov 21 10:00:01 web1 sshd[1001]: Failed password for invalid user admin from 203.0.113.9 port 40001 ssh2";

const sender = new DatagramSender(path, { waits: true });
for (let sent = 0; sent < Number(count); sent++) if (!sender.send(EVENT)) process.exit(1);
